"""What ``equivalence_dump.py`` uses of a commit's package, wherever that commit has it.

Names and places of functions change between commits: ``first_of`` tries the newest place first.
"""

import importlib
import os
import sys
from pathlib import Path
from typing import Any

TREE = Path(os.environ["PYTHONPATH"]).resolve()
# an editable install would add this repository's packages to those of the tree
sys.meta_path[:] = [each for each in sys.meta_path if "editable" not in each.__module__.lower()]


def first_of(*places: str) -> Any:
    """The first of several "module:name" that this commit has.

    Raises:
        ImportError: it has none of them.
    """
    for place in places:
        module, _, name = place.partition(":")
        try:
            found = importlib.import_module(module)
        except ModuleNotFoundError:
            continue
        if hasattr(found, name):
            return getattr(found, name)
    raise ImportError(f"none of {', '.join(places)} is in {TREE}; add its new place to this file")


register = first_of("vaetext.config.store:register")
build = first_of("vaetext.models.registry:build")
Symbols = first_of("vaetext.data.domain:Symbols")
Frames = first_of("vaetext.data.domain:Real", "vaetext.data.domain:Frames")
Split = first_of("vaetext.data.loader:Split")
collate = first_of("vaetext.data.loader:collate")
Trainer = first_of("vaetext.config.trainer:Trainer")
KeyedNoise = first_of("vaetext.distributions.noise:KeyedNoise")
importance_nll = first_of(
    "vaetext.evaluation.metrics:importance_nll", "vaetext.objectives.bounds:importance_nll"
)
# models with encode, evidence(batch, encoded, noise) and log_px(batch, z, noise)
ONE_INTERFACE = hasattr(KeyedNoise, "at")
Training = first_of("vaetext.training.loop:Training", "vaetext.runner.training:Training")
evaluate = first_of(
    "vaetext.evaluation.metrics:evaluate",
    "vaetext.evaluation.scoring:evaluate",
    "vaetext.runner.evaluation:evaluate",
)


def check_modules() -> None:
    """Raises ImportError where a module of the package is not the tree's."""
    for name, module in list(sys.modules.items()):
        path = Path(getattr(module, "__file__", None) or TREE)
        if name.partition(".")[0] == "vaetext" and TREE not in (path, *path.absolute().parents):
            raise ImportError(f"{name} was imported from {path}, not from {TREE}")


def evidence_of(model: Any, batch: Any, noise: Any) -> Any:
    if ONE_INTERFACE:
        return model.evidence(batch, model.encode(batch), noise)
    return model.evidence(batch, noise)


def log_px_of(model: Any, batch: Any, z: Any, noise: Any) -> Any:
    return model.log_px(batch, z, noise) if ONE_INTERFACE else model.log_px(batch, z)


def prior_of(model: Any, noise: Any) -> Any:
    if ONE_INTERFACE:
        return model.sample_prior(noise, {})
    return (getattr(model, "sample_prior", None) or model.prior)(noise)


def loss_of(model: Any, evidence: Any, trainer: Any, weights: list[float]) -> Any:
    if ONE_INTERFACE:
        objective = first_of("vaetext.objectives.objective:Objective")(trainer, model)
        return objective(evidence, dict(zip(model.latent_names, weights, strict=True))).loss
    return first_of("vaetext.objectives.loss:training_loss")(evidence, trainer, weights)
