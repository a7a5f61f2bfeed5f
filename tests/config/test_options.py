"""Values out of range, and options that contradict each other, are refused with a remedy."""

from dataclasses import dataclass, fields
from typing import Any

import pytest

from vaetext.config.data import SineContinuous, Speech, UserText
from vaetext.config.decoding import Decoding, DecodingOptions
from vaetext.config.models.cnn import CNN
from vaetext.config.models.hvrae import HVRAE
from vaetext.config.models.hybrid_cnn import HybridCNN
from vaetext.config.models.lrnnvae import LRNNVAE
from vaetext.config.models.lvae import LVAE
from vaetext.config.models.vrae import VRAE
from vaetext.config.options import MAX_SEED, Checked, closest, option
from vaetext.config.train import TrainConfig
from vaetext.config.trained import ReconstructConfig, SampleConfig
from vaetext.config.trainer import Trainer

WRONG: list[tuple[Any, dict[str, Any], str]] = [
    (VRAE, {"latent_dim": 0}, "latent_dim=0 is out of range: it must be at least 1"),
    (VRAE, {"dropout": 1.5}, "dropout=1.5 is out of range: it must be less than 1"),
    (VRAE, {"cell": "lst"}, "cell='lst': choose from lstm, gru; did you mean 'lstm'?"),
    (VRAE, {"max_length": 9}, "has an effect with latent=feature-map only; set max_length=0"),
    (VRAE, {"stride": 4}, "has an effect with latent=feature-map only; set stride=8"),
    (VRAE, {"latent": "feature-map", "z_to": "inputs"}, "with latent=dense only; set z_to=state"),
    (VRAE, {"latent": "feature-map", "pooling": "max"}, "with latent=dense only; set pooling=fin"),
    (VRAE, {"encoder": "mlp", "pooling": "max"}, "encoder=lstm (or gru) only; set pooling="),
    (VRAE, {"encoder": "mlp", "latent": "feature-map"}, "encoder=lstm (or gru) only; set latent"),
    (CNN, {"latent": "feature-map", "prior": "gmm"}, "set prior=standard with latent=feature-map"),
    (CNN, {"channels": []}, "channels=[] leaves no convolution"),
    (HVRAE, {"max_length": 9}, "has an effect with local=sequence only; set max_length=0"),
    (HybridCNN, {"alpha": -0.1}, "alpha=-0.1 is out of range: it must be at least 0"),
    (LVAE, {"latent_dims": [3, 2]}, "give both lists the same length"),
    (Trainer, {"beta_max": -1}, "beta_max=-1 is out of range"),
    (Trainer, {"batch_size": 0}, "batch_size=0 is out of range"),
    (Trainer, {"lr": float("nan")}, "lr=nan is out of range: it must be finite"),
    (Trainer, {"checkpoint_minutes": float("inf")}, "it must be finite"),
    (Trainer, {"threads": 10**6}, "threads=1000000 is out of range: it must be at most 1024"),
    (Trainer, {"lr_scales": {"encoder": 0.0}}, "lr of encoder must be a finite number above 0"),
    (Trainer, {"betas": [0.9]}, "betas=[0.9] must be two numbers"),
    (Trainer, {"betas": [0.9, 0.99, 0.999]}, "must be two numbers"),
    (Trainer, {"beta_delay": 1, "beta_schedule": "constant"}, "the KL weight never rises"),
    (Trainer, {"beta_start": 5}, "beta_start=5 is above beta_max=1.0"),
    (Trainer, {"beta_schedule": "constant", "beta_start": 0.1}, "set beta_start=0.0, or beta_sch"),
    (Trainer, {"beta_schedule": "sigmoid", "beta_start": 0.1}, "linear or cyclical only"),
    (Trainer, {"beta_ramp": 0.2}, "has an effect with beta_schedule=cyclical only"),
    (Trainer, {"beta_epochs": 3, "beta_share": 0.2}, "has an effect with beta_epochs=0 only"),
    (Trainer, {"free_bits_share": 0.2}, "has an effect with free_bits above 0 only"),
    (Trainer, {"free_bits_epochs": 2.0}, "has an effect with free_bits above 0 only"),
    (
        Trainer,
        {"free_bits": 1.0, "free_bits_epochs": 2.0, "free_bits_share": 0.2},
        "has an effect with free_bits_epochs=0 only",
    ),
    (Trainer, {"schedule": "cosine", "halve_at": [3]}, "set halve_at=[], or schedule=halving"),
    (Trainer, {"schedule": "cosine", "lr_factor": 0.1}, "set lr_factor=0.5, or schedule=halving"),
    (Trainer, {"schedule": "halving", "plateau_patience": 5}, "with schedule=plateau only"),
    (Trainer, {"optimizer": "sgd", "betas": [0.5, 0.9]}, "set betas=[0.9, 0.999], or optimizer="),
    (Trainer, {"optimizer": "sgd", "eps": 0.1}, "set eps=1e-08, or optimizer="),
    (VRAE, {"components": 5}, "has an effect with prior=gmm or vamp only; set components=20"),
    (HVRAE, {"components": 5, "prior": "standard"}, "set components=20, or prior=gmm or vamp"),
    (CNN, {"pseudo_length": 5, "prior": "gmm"}, "set pseudo_length=12, or prior=vamp"),
    (VRAE, {"max_length": 9, "stride": 4}, "max_length=9, stride=4 have an effect with"),
    (Trainer, {"beta_schedule": "constant", "beta_epochs": 5}, "beta_epochs=5 has an effect with"),
    (Trainer, {"beta_schedule": "constant", "beta_share": 0.3}, "set beta_share=0.5, or beta_sch"),
    (
        Trainer,
        {"beta_start": 1.0, "beta_epochs": 5},
        "set beta_epochs=0.0, or beta_schedule=linear",
    ),
    (Trainer, {"min_improvement": 0.1}, "with patience above 0 or schedule=plateau only"),
    (Trainer, {"free_bits_per": "dimension"}, "free_bits_per=dimension has an effect with free_"),
    (VRAE, {"dropout": 0.0, "locked_dropout": True}, "with dropout or output_dropout above 0 only"),
    (LVAE, {"hidden_dims": [3], "latent_dims": [2], "only_mu_up": True}, "two layers or more only"),
    (
        LRNNVAE,
        {"latent": "feature-map", "z_to": "inputs"},
        "z_to=inputs has an effect with latent=",
    ),
    (
        UserText,
        {"train": "a", "valid": "b", "test": "c", "split_seed": 2},
        "split_seed=2 has an effect with train alone only; set split_seed=0, or train alone",
    ),
    (Speech, {"train": "a", "split_list": "l", "split_seed": 2}, "with split_list=null only"),
    (UserText, {"tokens": "bpe", "min_count": 2}, "min_count=2: the vocabulary of tokens=bpe is"),
    (SineContinuous, {"noise": 1e200}, "it must be at most 1000000"),
    (SampleConfig, {"run": "x", "greedy": True, "top_k": 3}, "samples nothing; set greedy=false"),
    (SampleConfig, {"run": "x", "beam": 2, "top_p": 0.5}, "set beam=0 greedy=false"),
    (SampleConfig, {"run": "x", "beam": 2, "temperature": 0}, "set beam=0 greedy=false"),
    (
        SampleConfig,
        {"run": "x", "temperature": 0, "top_k": 3},
        "samples nothing; set temperature=1",
    ),
]


@pytest.mark.parametrize(("schema", "options", "words"), WRONG)
def test_a_wrong_value_is_refused(schema: Any, options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match="=") as raised:
        schema(**options)
    assert words in str(raised.value)


def test_keywords_of_decoding_are_its_options() -> None:
    assert [each.name for each in fields(DecodingOptions)] == list(Decoding.__annotations__)
    assert ReconstructConfig(run="x", temperature=0).decoding["greedy"]  # greedy twice is no error


def test_parts_of_a_configuration_that_contradict_each_other_are_refused() -> None:
    trainer = Trainer(free_bits=1, free_bits_per="dimension")
    with pytest.raises(ValueError, match="=latent"):
        TrainConfig(VRAE(name="vrae", prior="gmm"), UserText(name="text"), trainer)
    with pytest.raises(ValueError, match=f"seed={MAX_SEED + 1} is out of range"):
        TrainConfig(VRAE(name="vrae"), UserText(name="text"), trainer, seed=MAX_SEED + 1)


def test_a_list_option_has_its_own_default() -> None:
    @dataclass
    class Numbers(Checked):
        values: list[int] = option([1], "some numbers", min=0)

    Numbers().values.append(2)
    assert Numbers().values == [1]


def test_the_closest_word_is_suggested() -> None:
    assert closest("hvra", ["hvrae", "cnn"]) == "; did you mean 'hvrae'?"
    assert closest("xyz", ["hvrae", "cnn"]) == ""
