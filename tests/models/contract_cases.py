"""The cases of the contract test: tiny sequences, tiny sizes, and the variants of each model.

Plain values only, so that ``benchmarks/equivalence.py`` reads the same cases for any commit.
"""

from pathlib import Path
from typing import Any

import numpy as np

SENTENCES = [[2, 3, 1], [1], [4, 5, 6, 2, 1], [0, 6, 1], [2, 3, 3, 3, 3, 3, 4, 5, 6, 2, 1]]
VOCABULARY = 7
FEATURES = 2
LONGEST = max(map(len, SENTENCES))
CURVES = [
    np.random.default_rng(n).normal(size=(len(sentence), FEATURES))
    for n, sentence in enumerate(SENTENCES)
]
ROLLS = [(curve > 0).astype(float) for curve in CURVES]
SEQUENCES: dict[str, list[Any]] = {"symbols": SENTENCES, "frames": CURVES, "binary": ROLLS}

SMALL: dict[str, Any] = {
    "embedding_dim": 5,
    "hidden_dim": 6,
    "latent_dim": 3,
    "dropout": 0.0,
    "output_dropout": 0.0,
    "init_scale": 0.0,
    "local_dim": 2,
    "pyramid_layers": 2,
    "components": 3,
    "pseudo_length": 2,
    "channels": [4, 6],
    "output_channels": 5,
    "hidden_dims": [6, 5],
    "latent_dims": [3, 2],
    "reconstruction_dim": 4,
    "max_latents": 3,
    "feature_dim": 5,
    "topics": 3,
    "encoder_dim": 6,
}

MIXTURES = {"components": ("gmm", "vamp"), "pseudo_length": ("vamp",)}  # the priors that use them

IMAGES = ("mnist-vae",)  # the models of binary frames alone
KINDS = {"topicrnn": "symbols", **dict.fromkeys(IMAGES, "binary")}  # the only kind that they take

NAMES = sorted(path.stem for path in (Path(__file__).parents[2] / "conf" / "model").glob("*.yaml"))

VARIANTS: dict[str, list[dict[str, Any]]] = {
    "hvrae": [
        {},
        {"cell": "gru", "layers": 2, "encoder_layers": 2, "local_prior": "conditional"},
        {"local": "sequence", "pyramid_layers": 2},
        {"local": "sequence", "local_prior": "conditional", "max_length": 20, "tied": True},
        {"prior": "gmm"},
        {"prior": "vamp", "pyramid_layers": 1},
    ],
    "latent-seq": [
        {},
        {"cell": "gru", "layers": 2, "max_latents": 2},
        {"tied": True, "mean_std": 0.7},
    ],
    "rnn": [{}, {"cell": "gru", "feature_layers": 1}],
    "rnnlm": [{}, {"cell": "gru", "layers": 2}, {"tied": True}, {"cell": "rnn", "layers": 2}],
    "srnn": [
        {},
        {"posterior": "filtering", "residual": False},
        {"cell": "lstm", "feature_layers": 1},
    ],
    "topicrnn": [{}, {"cell": "rnn"}, {"cell": "lstm", "layers": 2, "tied": True}],
    "vrnn": [
        {},
        {"residual": True, "cell": "gru"},
        {"prior": "standard", "feature_layers": 1},
        {"z_forcing": 0.1, "residual": True},
    ],
    "vrae": [
        {},
        {"cell": "gru", "layers": 2, "encoder_layers": 2, "bidirectional": True},
        {"pooling": "max", "z_to": "inputs"},
        {"z_to": "outputs"},
        {"z_to": "outputs", "tied": True, "cell": "gru", "layers": 2},
        {"prior": "gmm"},
        {"prior": "vamp"},
        {"latent": "feature-map", "max_length": 12, "bidirectional": True, "stride": 4},
        {"encoder": "mlp"},
        {"encoder": "gru", "cell": "lstm"},
        {"encoder": "mlp", "prior": "vamp"},
    ],
    "cnn": [
        {},
        {"latent": "feature-map", "max_length": 11},
        {"batch_norm": False},
        {"prior": "vamp"},
        {"channels": [4, 5, 6, 7, 8]},
    ],
    "hybrid-cnn": [
        {},
        {"latent": "feature-map"},
        {"cell": "lstm", "layers": 2, "prior": "gmm"},
        {"tied": True},
    ],
    "mnist-vae": [
        {},
        {"encoder": "lstm"},
        {"encoder": "gru", "max_length": 12},
        {"prior": "gmm"},
        {"prior": "vamp"},
        {"prior": "vamp", "encoder": "gru"},
    ],
    "lvae": [
        {},
        {"hidden_dims": [6], "latent_dims": [3], "cell": "lstm", "layers": 2},
        {
            "hidden_dims": [6, 6, 5, 4],
            "latent_dims": [4, 3, 3, 2],
            "only_mu_up": True,
            "z_to": "inputs",
        },
        {"batch_norm": False, "max_length": 12},
    ],
    "lcnnvae": [
        {},
        {"latent": "feature-map"},
        {
            "hidden_dims": [6, 6, 5, 4, 4, 3],
            "latent_dims": [4, 3, 3, 2, 2, 2],
            "only_mu_up": True,
            "z_to": "inputs",
        },
        {"latent": "feature-map", "only_mu_up": True, "batch_norm": False, "max_length": 12},
    ],
    "lrnnvae": [
        {},
        {"cell": "lstm", "bidirectional": True, "only_mu_up": True, "z_to": "inputs"},
        {"latent": "feature-map", "bidirectional": True},
        {"latent": "feature-map", "only_mu_up": True, "batch_norm": False, "max_length": 12},
    ],
}


def cases() -> dict[str, tuple[str, dict[str, Any], str]]:
    """Every case by its id: a model, its options, and "symbols", "frames" or "binary".

    On real-valued frames each model runs at its defaults and with its feature maps, on binary ones
    at its defaults. Models of images take binary frames alone, and have all their variants there.
    """
    return {
        f"{name}-{n}-{domain}": (name, options, domain)
        for domain in SEQUENCES
        for name in NAMES
        for n, options in enumerate(VARIANTS.get(name, [{}]))
        if takes(name, domain)
        and (
            domain == "symbols"
            or n == 0
            or name in IMAGES
            or (domain == "frames" and "feature-map" in options.values())
        )
    }


def takes(name: str, domain: str) -> bool:
    """Whether a model takes "symbols", "frames" or "binary" sequences."""
    return domain == KINDS.get(name, domain)


def small_options(options: dict[str, Any]) -> dict[str, Any]:
    """Small sizes for a variant, without those that its prior does not use."""
    prior = options.get("prior")
    return {
        key: value for key, value in SMALL.items() if key not in MIXTURES or prior in MIXTURES[key]
    }


def has_latents(name: str) -> bool:
    """Whether a model is more than an exact log p(x)."""
    return name not in ("rnn", "rnnlm")


def has_analytic_kl(name: str, options: dict[str, Any]) -> bool:
    """Whether the KL of some latent is analytic.

    Under a mixture only hvrae has one, its local latent.
    """
    mixture = options.get("prior") in ("gmm", "vamp")
    return name == "hvrae" or (has_latents(name) and not mixture)
