"""``trainer.init_from``: which weights of another run a model takes."""

import logging
import shutil
from pathlib import Path

import pytest
import torch
from tiny import GRAMMAR, begin
from torch import Tensor

from vaetext.data import corpora
from vaetext.data.corpora import Corpus
from vaetext.models.registry import build
from vaetext.runs import checkpoint
from vaetext.runs.folder import load_config
from vaetext.runs.layout import BEST, LAST
from vaetext.runs.load import load
from vaetext.training.initial import start_from
from vaetext.training.session import train

HERE = "the cat sat\na dog ran\n" * 30
THERE = "a bird sang\nthe dog slept\n" * 30  # shares "a", "the" and "dog"


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vaetext.training.finish.write_examples", lambda *_: None)
    monkeypatch.setattr("vaetext.report.plots.write", lambda *_: None)


def on_text(folder: Path, text: str, *overrides: str) -> Path:
    folder.mkdir()
    (folder / "lines.txt").write_text(text)
    given = ("data=text", f"data.train={folder / 'lines.txt'}", "model.init_scale=0.1")
    return begin(folder / "run", *given, *overrides)


def trained(folder: Path) -> Path:
    train(load_config(folder), folder)
    return folder


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trained vrae of the sentences ``THERE``."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("vaetext.training.finish.write_examples", lambda *_: None)
        patch.setattr("vaetext.report.plots.write", lambda *_: None)
        return trained(on_text(tmp_path_factory.mktemp("source") / "there", THERE))


def started(folder: Path) -> tuple[dict[str, Tensor], dict[str, Tensor], Corpus]:
    """The weights before and after ``start_from``, and the data."""
    config = load_config(folder)
    corpus = corpora.load(config.data)
    torch.manual_seed(config.seed)
    model = build(config.model, corpus.domain)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    start_from(model, config, corpus)
    return before, model.state_dict(), corpus


def weights(folder: Path, name: str = BEST) -> dict[str, Tensor]:
    return checkpoint.load(folder / name, torch.device("cpu"))[0]["model"]


def test_the_same_model_on_the_same_data_takes_every_weight(tmp_path: Path, source: Path) -> None:
    _, after, _ = started(on_text(tmp_path / "here", THERE, f"trainer.init_from={source}"))
    given = weights(source)
    assert after.keys() == given.keys()
    assert all(after[name].equal(given[name]) for name in given)


def test_modules_are_taken_alone(tmp_path: Path, source: Path) -> None:
    options = (f"trainer.init_from={source}", "trainer.init_modules=[encoder,head]")
    before, after, _ = started(on_text(tmp_path / "here", THERE, *options))
    given = weights(source)
    for name, tensor in after.items():
        expected = given if name.startswith(("encoder.", "head.")) else before
        assert tensor.equal(expected[name]), name


def test_rows_of_tokens_follow_the_vocabulary(tmp_path: Path, source: Path) -> None:
    before, after, corpus = started(on_text(tmp_path / "here", HERE, f"trainer.init_from={source}"))
    given = weights(source)
    here, there = corpus.format, load(source).format
    assert here != there
    for line in ("a", "the", "dog"):
        mine, theirs = here.encode(line)[0], there.encode(line)[0]
        for name in ("encoder.embedding.weight", "decoder.head.weight", "decoder.head.bias"):
            assert after[name][mine].equal(given[name][theirs]), (name, line)
    bos = "decoder.embedding.weight"  # its last row
    assert after[bos][-1].equal(given[bos][-1])
    for line in ("cat", "sat", "ran"):
        row = here.encode(line)[0]
        assert after[bos][row].equal(before[bos][row])
    others = [name for name in after if "embedding" not in name and "decoder.head" not in name]
    assert all(after[name].equal(given[name]) for name in others)


def test_weights_of_other_shapes_stay_and_are_named(
    tmp_path: Path, source: Path, caplog: pytest.LogCaptureFixture
) -> None:
    options = (f"trainer.init_from={source}", "model.latent_dim=7")
    with caplog.at_level(logging.INFO):
        before, after, _ = started(on_text(tmp_path / "here", HERE, *options))
    head = [name for name in after if name.startswith("head.")]
    assert head
    assert all(after[name].equal(before[name]) for name in head)
    assert all(name in caplog.text for name in head)
    assert "tokens are known" in caplog.text


def test_the_last_weights_may_be_taken(tmp_path: Path, source: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(source, other)
    groups, state = checkpoint.load(other / LAST, torch.device("cpu"))
    groups["model"] = {name: tensor + 1 for name, tensor in groups["model"].items()}
    checkpoint.save(other / LAST, groups, state)
    options = (f"trainer.init_from={other}", "trainer.init_checkpoint=last")
    _, after, _ = started(on_text(tmp_path / "here", THERE, *options))
    assert all(after[name].equal(tensor) for name, tensor in weights(other, LAST).items())


def test_a_resumed_run_needs_its_source_no_more(tmp_path: Path, source: Path) -> None:
    copied = shutil.copytree(source, tmp_path / "source")
    folder = trained(on_text(tmp_path / "here", HERE, f"trainer.init_from={copied}"))
    shutil.rmtree(copied)
    config = load_config(folder)
    config.trainer.epochs += 1
    train(config, folder, resume=True)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (("trainer.init_modules=[encodr]",), "no module encodr; .*did you mean 'encoder'"),
        (("model=rnnlm", "trainer.init_modules=[lstm]"), "this model has no module lstm"),
        (("model.hidden_dim=9", "trainer.init_modules=[decoder.rnn]"), "none of its weights"),
        (("trainer.init_from=nowhere",), "nowhere"),
    ],
)
def test_what_does_not_fit_is_refused(
    tmp_path: Path, source: Path, overrides: tuple[str, ...], message: str
) -> None:
    run = on_text(tmp_path / "here", HERE, f"trainer.init_from={source}", *overrides)
    with pytest.raises(ValueError, match=message):
        train(load_config(run), run)


def test_data_of_another_kind_is_refused(tmp_path: Path, source: Path) -> None:
    options = ("data=sine-continuous", *GRAMMAR, f"trainer.init_from={source}")
    run = begin(tmp_path / "run", *options)
    with pytest.raises(ValueError, match="of kind symbols, and this is of kind real"):
        train(load_config(run), run)


def test_options_of_init_from_need_it(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="init_modules"):
        begin(tmp_path / "run", *GRAMMAR, "trainer.init_modules=[encoder]")
