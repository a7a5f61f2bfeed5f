"""Operands, flags and overrides of a command line."""

import random
from pathlib import Path
from typing import Any

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

from vaetext.cli.arguments import config_folders, split, sweep_name
from vaetext.config.quoting import quote

SENTENCES = [
    "the company said it 's <unk> of $ N million",
    'it\'s a "test"',
    "a = b, c: [d] {e}",
    "back\\slash \\' at the end\\",
    "${oc.env:HOME} \\${x} \\\\${y}",
    "-lrb- it -rrb- (100%) #1 ; & | * ?",
    "",
    " ",
    "null",
    "12",
    "é 中 \t tab",
]


def read(override: str) -> Any:
    """The value of an override, as a verb sees it."""
    parsed = OverridesParser.create().parse_override(override)
    return OmegaConf.create({"value": parsed.value()}).value


@pytest.mark.parametrize("text", SENTENCES)
def test_a_quoted_sentence_is_read_back_exactly(text: str) -> None:
    assert read(f"a={quote(text)}") == text


def test_any_mix_of_special_characters_is_read_back_exactly() -> None:
    generator = random.Random(0)
    for _ in range(200):
        text = "".join(generator.choices("\\'\"${}=:, ab", k=generator.randint(1, 8)))
        assert list(read(f"a=[{quote(text)},{quote('b')}]")) == [text, "b"], text


@pytest.mark.parametrize(
    ("verb", "arguments", "overrides"),
    [
        (
            "interpolate",
            ["run", "a b", "it's", "steps=3"],
            ["run='run'", "a='a b'", "b='it\\'s'", "steps=3"],
        ),
        (
            "interpolate",
            ["run", "a b", "b='x=1 y'"],
            ["run='run'", "a='a b'", "b='x=1 y'"],
        ),
        ("tables", ["x", "y", "format=csv"], ["runs=['x','y']", "format=csv"]),
        ("data", ["ptb", "examples=0"], ["data=ptb", "examples=0"]),
        ("resume", ["x", "trainer.epochs=3"], ["run='x'", "++trainer.epochs=3"]),
        ("sample", ["x", "prefix=a, (b) c=d"], ["run='x'", "prefix='a, (b) c=d'"]),
        ("sample", ["x", "prefix=60,64 - 67"], ["run='x'", "prefix='60,64 - 67'"]),
        ("sample", ["x", "prefix='a, b'", "n=1"], ["run='x'", "prefix='a, b'", "n=1"]),
        ("sample", ["x", "prefix=null"], ["run='x'", "prefix=null"]),
        ("sample", ["x", "prefix="], ["run='x'", "prefix="]),
        ("tables", ["x", "sort=IW-NLL(50)"], ["runs=['x']", "sort='IW-NLL(50)'"]),
        (
            "tables",
            ["x", "columns=-ELBO,PPL (rec, no EOS)"],
            ["runs=['x']", "columns=['-ELBO','PPL (rec, no EOS)']"],
        ),
        ("tables", ["x", "columns=[KL z, rec]"], ["runs=['x']", "columns=['KL z','rec']"]),
        ("tables", ["x", "columns=['KL z']"], ["runs=['x']", "columns=['KL z']"]),
        ("tables", ["x", "columns=[]", "axes="], ["runs=['x']", "columns=[]", "axes="]),
        ("train", ["trainer.latents.z_l.free_bits=2"], ["++trainer.latents.z_l.free_bits=2"]),
    ],
)
def test_operands_become_overrides(verb: str, arguments: list[str], overrides: list[str]) -> None:
    assert split(verb, arguments) == ([], overrides)


def test_an_existing_path_is_an_operand_whatever_it_looks_like(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "seed=1").mkdir()
    assert split("evaluate", ["seed=1", "seed=2"]) == ([], ["run='seed=1'", "seed=2"])


def test_flags_may_come_anywhere() -> None:
    arguments = ["seed=1", "-m", "--config-dir", "x=y", "~experiment", "--cfg", "job"]
    assert split("train", arguments) == (
        ["-m", "--config-dir", "x=y", "--cfg", "job"],
        ["seed=1", "~experiment"],
    )


def test_a_multirun_has_a_prefix_for_each_job() -> None:
    assert split("sample", ["x", "prefix=a,b", "-m"]) == (["-m"], ["run='x'", "prefix=a,b"])


def test_config_folders_are_read_from_flags() -> None:
    flags = ["-m", "--config-dir", "a", "--config-dir=b", "-cd", "c", "--config-dir"]
    assert config_folders(flags) == [Path("a"), Path("b"), Path("c")]


def test_a_tilde_stands_for_the_home_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/the home")
    arguments = ["data.train=~/a b.txt", "+x=~", "model=~x", "seed=1"]
    assert split("train", arguments)[1] == [
        "data.train='/the home/a b.txt'",
        "+x='/the home'",
        "model=~x",
        "seed=1",
    ]


def test_a_sweep_has_the_same_name_for_the_same_overrides() -> None:
    assert sweep_name(["seed=1,2"]) == sweep_name(["seed=1,2"])
    assert sweep_name(["seed=1,2"]) != sweep_name(["seed=1-2"])
    assert "/" not in sweep_name(["data.root=/a/b"])
    several = ["model=hvrae", "trainer.beta_max=0.5,1", "+model.latent_dim=range(2,9)"]
    assert sweep_name(several).startswith("beta_max-0.5-1_latent_dim-range-2-9-")
    assert sweep_name(["model=vrae"]).startswith("model-vrae-")
