"""The examples of a run folder: which files there are, and what they hold."""

from pathlib import Path

import pytest
import torch

from vaetext.config.data import Grammar, Sine, SineContinuous
from vaetext.config.models import MODELS
from vaetext.data import corpora
from vaetext.data.corpora import Corpus
from vaetext.data.loader import Split
from vaetext.data.pianoroll import PianoRoll
from vaetext.evaluation.decoding import MOST_FRAMES
from vaetext.models.base import SequenceModel
from vaetext.models.registry import build
from vaetext.report.examples import path_page, write_examples

TEXT = {"samples.txt", "nearest.txt"}
CODES = {"reconstructions.txt", "interpolations.txt", "plots/interpolation.png"}


@pytest.fixture(scope="module")
def grammar() -> Corpus:
    return corpora.load(Grammar(name="grammar", train_size=30, valid_size=5, test_size=12))


def small(name: str, corpus: Corpus) -> SequenceModel:
    torch.manual_seed(0)
    config = MODELS[name](name=name, hidden_dim=4)  # type: ignore[call-arg]
    return build(config, corpus.domain).eval()


def written(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("name", "expected"), [("rnnlm", TEXT), ("vrae", TEXT | CODES), ("hvrae", TEXT | CODES)]
)
def test_a_model_gives_the_examples_that_it_can(
    name: str, expected: set[str], grammar: Corpus, tmp_path: Path
) -> None:
    write_examples(small(name, grammar), grammar, tmp_path, seed=0)
    assert written(tmp_path) == expected
    assert (tmp_path / "samples.txt").read_text().count("\n") == 50


def test_curves_are_drawn_beside_the_data(tmp_path: Path) -> None:
    corpus = corpora.load(Sine(name="sine", train_size=5, valid_size=5, test_size=5))
    write_examples(small("rnnlm", corpus), corpus, tmp_path, seed=0)
    assert written(tmp_path) == {"samples.txt", "plots/samples.png"}


def test_reconstructions_are_of_the_first_test_sentences(grammar: Corpus, tmp_path: Path) -> None:
    write_examples(small("vrae", grammar), grammar, tmp_path, seed=0)
    lines = (tmp_path / "reconstructions.txt").read_text().splitlines()
    assert [line[0] for line in lines if line] == ["<", ">"] * 12
    assert lines[0] == f"< {grammar.format.decode(grammar.splits['test'][0])}"


def test_several_latents_are_interpolated_together_and_alone(
    grammar: Corpus, tmp_path: Path
) -> None:
    write_examples(small("hvrae", grammar), grammar, tmp_path, seed=0)
    pages = (tmp_path / "interpolations.txt").read_text().split("\n\n")
    assert len(pages) == 15
    assert pages[0].startswith("A: ")
    assert pages[1].startswith("(z_g alone moves)\nA: ")
    assert pages[2].startswith("(z_l alone moves)\nA: ")


def test_a_path_is_shown_between_its_ends() -> None:
    page = path_page(["a", "b"], ["one", "two"], hold="z_l", move="z_g")
    assert page == "(z_l is held at A's)\n(z_g alone moves)\nA: a\n   one\n   two\nB: b\n"


def test_samples_of_real_curves_are_arrays_too(tmp_path: Path) -> None:
    config = SineContinuous(name="sine-continuous", train_size=5, valid_size=5, test_size=5)
    corpus = corpora.load(config)
    write_examples(small("vrae", corpus), corpus, tmp_path, seed=0)
    names = {"samples.txt", "samples.npz", "plots/samples.png", "plots/reconstructions.png"}
    assert written(tmp_path) == names | CODES
    samples = corpus.format.read(tmp_path / "samples.npz")
    assert [x.shape for _, x in samples] == [(16, 1)] * 100


def test_samples_of_rolls_are_as_long_as_the_data_and_can_be_heard(tmp_path: Path) -> None:
    form = PianoRoll()
    rolls = Split.of([form.encode("60 64 67"), form.encode("- 60"), form.encode("60 " * 500)])
    corpus = Corpus("pianoroll", form, dict.fromkeys(("train", "valid", "test"), rolls))
    write_examples(small("rnnlm", corpus), corpus, tmp_path, seed=0)
    midi = {f"samples/{n}.mid" for n in (1, 2, 3)}
    assert written(tmp_path) == {"samples.txt", "plots/samples.png"} | midi
    assert [len(roll) for _, roll in form.read(tmp_path / "samples")] == [3, 2, MOST_FRAMES]
    lines = (tmp_path / "samples.txt").read_text().splitlines()
    assert [len(line.split()) for line in lines] == [3, 2, MOST_FRAMES]
