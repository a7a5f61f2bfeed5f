"""Small models of any name, for the tests of those that read step by step."""

from typing import Any

import torch

from vaetext.config.models import MODELS
from vaetext.data.domain import Domain
from vaetext.models.base import SequenceModel
from vaetext.models.registry import build

SIZES = {"hidden_dim": 5, "feature_dim": 4, "latent_dim": 3}


def make(name: str, domain: Domain, **options: Any) -> SequenceModel:
    """A model with the sizes above, where it has them, always with the same weights."""
    torch.manual_seed(0)
    config: Any = MODELS[name](name=name)
    sizes = {key: size for key, size in SIZES.items() if hasattr(config, key)}
    config = MODELS[name](name=name, **{**sizes, **options})
    return build(config, domain)
