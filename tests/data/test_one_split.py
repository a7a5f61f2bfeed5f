"""One split of a data set, read in a run's vocabulary or scale, where other files may be gone."""

from collections.abc import Callable
from dataclasses import replace
from hashlib import sha1, sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from vaetext.config.data import (
    Clauses,
    Data,
    Grammar,
    OwnFrames,
    Reviews,
    Speech,
    TextData,
    UserText,
)
from vaetext.data import corpora
from vaetext.data import tokenizer as tokenizers
from vaetext.data.files import Remote
from vaetext.data.loader import SPLITS
from vaetext.data.sets import ptb, yelp13
from vaetext.data.standardizer import Standardizer

RNG = np.random.default_rng(0)
TEXT = {
    "train": "1 the cat sat\n2 a dog ran\n" * 3500 + "1 a dog sat\n",
    "valid": "1 the dog sat\n" * 7000 + "1 a cat\n",
    "test": "1 a zebra ran\n1 the cat\n",
}


def own_text(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Data:
    for name, text in TEXT.items():
        (folder / name).write_text(text)
    return UserText(name="text", **{name: str(folder / name) for name in SPLITS})


def own_documents(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Data:
    data = own_text(folder, monkeypatch)
    assert isinstance(data, UserText)
    return replace(data, document=3)


def own_frames(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Data:
    for number, name in enumerate(SPLITS):
        np.savez(folder / f"{name}.npz", *(RNG.normal(number, 2, (n, 3)) for n in (4, 5)))
    return OwnFrames(name="frames", **{name: str(folder / f"{name}.npz") for name in SPLITS})


def own_sound(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Data:
    for name in SPLITS:
        (folder / name).mkdir()
        soundfile.write(folder / name / "a.wav", 0.2 * RNG.standard_normal(55), 8000)
    return Speech(name="speech", frame=10, **{name: str(folder / name) for name in SPLITS})


def _published(folder: Path, below: str, digest: Callable[[bytes], str]) -> tuple[Remote, ...]:
    (folder / below).mkdir()
    remotes = []
    for name, text in TEXT.items():
        (folder / below / name).write_text(text)
        remotes.append(Remote(f"{below}/{name}", "http://nowhere.invalid", digest(text.encode())))
    return tuple(remotes)


def published_ptb(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Data:
    remotes = _published(folder, "ptb", lambda content: sha256(content).hexdigest())
    monkeypatch.setattr(ptb, "FILES", remotes)
    return TextData(name="ptb", root=str(folder))


def published_yelp(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Data:
    def blob(content: bytes) -> str:
        return sha1(b"blob %d\0" % len(content) + content).hexdigest()

    monkeypatch.setattr(yelp13, "FILES", _published(folder, "yelp13", blob))
    return Reviews(name="yelp13", root=str(folder))


def small_yelp(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Data:
    published_yelp(folder, monkeypatch)
    return Reviews(name="yelp13-small", root=str(folder))


@pytest.mark.parametrize(
    "make",
    [own_text, own_documents, own_frames, own_sound, published_ptb, published_yelp, small_yelp],
)
def test_a_split_is_read_without_the_files_of_the_others(
    make: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh_cache: Path
) -> None:
    data = make(tmp_path, monkeypatch)
    corpus = corpora.load(data)
    for name, whole in corpus.splits.items():
        alone = corpora.load_split(data, name, corpus.format)
        np.testing.assert_array_equal(alone.x, whole.x)
        np.testing.assert_array_equal(alone.offsets, whole.offsets)
    for path in [each for each in tmp_path.rglob("*") if each.stem in ("train", "valid")]:
        path.rename(path.with_name(f"gone-{path.stem}"))
    alone = corpora.load_split(data, "test", corpus.format)
    np.testing.assert_array_equal(alone.x, corpus.splits["test"].x)
    with pytest.raises(ValueError, match=r"train|valid"):
        corpora.load_split(data, "valid", corpus.format)


def test_one_file_that_is_cut_gives_the_same_split(tmp_path: Path) -> None:
    (tmp_path / "all").write_text(TEXT["test"] * 10)
    np.savez(tmp_path / "all.npz", *(RNG.normal(0, 2, (n, 3)) for n in range(1, 30)))
    for data in (
        UserText(name="text", train=str(tmp_path / "all")),
        OwnFrames(name="frames", train=str(tmp_path / "all.npz")),
    ):
        corpus = corpora.load(data)
        for name, whole in corpus.splits.items():
            assert corpora.load_split(data, name, corpus.format).digest == whole.digest


def test_a_known_distribution_is_kept_where_every_word_is_known() -> None:
    sizes = {"train_size": 30, "valid_size": 5, "test_size": 40}
    grammar = corpora.load(Grammar(name="grammar", **sizes))
    other = Grammar(name="grammar", seed=3, **sizes)
    found = corpora.load_split(other, "test", grammar.format)
    theirs = corpora.load(other).splits["test"]
    assert found.log_p is not None
    np.testing.assert_array_equal(found.log_p, theirs.log_p)
    np.testing.assert_array_equal(found.factors["topic"], theirs.factors["topic"])
    clauses = corpora.load_split(Clauses(name="clauses", **sizes), "test", grammar.format)
    assert clauses.log_p is None  # other words: other sentences
    assert "<unk>" in grammar.format.decode(clauses[0])


def test_words_that_the_data_drops_and_the_run_knows_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh_cache: Path
) -> None:
    """Also of a data set that is always read whole."""
    data = own_text(tmp_path, monkeypatch)
    corpus = corpora.load(data)
    form = tokenizers.train(["a zebra ran the cat"], "word")
    assert "<unk>" in corpus.format.decode(corpus.splits["test"][0])
    split = corpora.recoded(corpus, "test", form)
    assert [form.decode(split[n]) for n in range(2)] == ["<unk> a zebra ran", "<unk> the cat"]
    assert split.digest == corpora.load_split(data, "test", form).digest


def test_data_of_another_kind_or_rate_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound = own_sound(tmp_path, monkeypatch)
    text = corpora.load(Grammar(name="grammar", train_size=9, valid_size=2, test_size=2)).format
    numbers = Standardizer((0.0,), (1.0,))
    with pytest.raises(ValueError, match="data=recordings is no text"):
        corpora.load_split(sound, "test", text)
    with pytest.raises(ValueError, match="data=text is text, and this run reads frames of 1"):
        corpora.load_split(UserText(name="text", test="a"), "test", numbers)
    with pytest.raises(ValueError, match=r"the data is .* by word; this run reads frames of 1"):
        corpora.load_split(Grammar(name="grammar", test_size=2), "test", numbers)
    with pytest.raises(ValueError, match=r"data\.valid=null: name the file"):
        corpora.load_split(UserText(name="text", test="a"), "valid", text)
    (tmp_path / "a").write_text("a\n")
    lines = UserText(name="text", document=2, valid="b", test=str(tmp_path / "a"))
    with pytest.raises(ValueError, match=r"data\.document=2: this run reads single lines"):
        corpora.load_split(lines, "test", text)
    waves = corpora.load(sound).format
    soundfile.write(tmp_path / "test" / "a.wav", 0.2 * RNG.standard_normal(55), 16000)
    with pytest.raises(ValueError, match="has 16000 samples a second, and this run's data 8000"):
        corpora.load_split(sound, "test", waves)
