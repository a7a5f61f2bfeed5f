"""Penn Treebank and Yelp 2013: the counts of the published files, and what is read of them."""

from pathlib import Path

import numpy as np
import pytest

from vaetext.config.data import Reviews, TextData
from vaetext.data import corpora
from vaetext.data.corpora import Corpus
from vaetext.data.files import Remote, digest, locate
from vaetext.data.sets import ptb, yelp13


def counts(corpus: Corpus) -> list[tuple[int, int]]:
    return [(len(split), len(split.x)) for split in corpus.splits.values()]


def test_penn_treebank_has_its_published_counts(real_data: str) -> None:
    corpus = corpora.load(TextData(name="ptb", root=real_data))
    assert corpus.format.size == 10_000
    assert counts(corpus) == [(42068, 929589), (3370, 73760), (3761, 82430)]
    assert [int(split.lengths.max()) - 1 for split in corpus.splits.values()] == [82, 74, 77]
    test = corpus.splits["test"]
    assert corpus.format.decode(test[0]) == "no it was n't black monday"


def test_penn_treebank_ends_every_sentence_in_one_eos(real_data: str) -> None:
    corpus = corpora.load(TextData(name="ptb", root=real_data))
    for split in corpus.splits.values():
        assert (split.x[split.offsets[1:] - 1] == corpus.format.eos).all()
        assert (split.x == corpus.format.eos).sum() == len(split)


def test_penn_treebank_has_no_test_word_that_training_lacks(real_data: str) -> None:
    corpus = corpora.load(TextData(name="ptb", root=real_data))
    train = np.unique(corpus.splits["train"].x)
    assert len(train) == 10_000
    assert np.isin(corpus.splits["test"].x, train).all()


def test_yelp_small_is_cut_from_valid_without_ratings(real_data: str) -> None:
    corpus = corpora.load(Reviews(name="yelp13-small", root=real_data))
    (train, train_tokens), (valid, valid_tokens), test = counts(corpus)
    assert (train, valid, test) == (7000, 773, (8671, 420450))
    assert train_tokens + valid_tokens == 378094
    assert max(int(split.lengths.max()) for split in corpus.splits.values()) == 51


def test_yelp_asks_for_its_training_file(
    real_data: str, fresh_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unreachable = "http://127.0.0.1:9/train.txt"
    remotes = tuple(Remote(each.path, unreachable, each.sum) for each in yelp13.FILES)
    monkeypatch.setattr(yelp13, "FILES", remotes)
    with pytest.raises(
        ValueError, match=r"yelp13/train\.txt is not in .* place it at .*yelp13/train\.txt"
    ):
        corpora.load(Reviews(name="yelp13", root=real_data))


@pytest.fixture
def small_yelp(tmp_path: Path, fresh_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data root with three published files of two lines."""
    content = b"4 good food\n0 <unk> food"
    names = ("train.txt", "valid.txt", "test.txt")
    remotes = tuple(Remote(name, "", digest(content, "0" * 40)) for name in names)
    monkeypatch.setattr(yelp13, "FILES", remotes)
    for name in names:
        (tmp_path / name).write_bytes(content)
    return tmp_path


def test_yelp_is_read_without_ratings(small_yelp: Path) -> None:
    corpus = corpora.load(Reviews(name="yelp13", root=str(small_yelp)))
    test = corpus.splits["test"]
    assert [corpus.format.decode(test[n]) for n in range(2)] == ["good food", "<unk> food"]


def test_a_changed_published_file_is_refused(small_yelp: Path) -> None:
    (small_yelp / "test.txt").write_bytes(b"4 bad food\n")
    with pytest.raises(ValueError, match=r"test\.txt: its checksum"):
        corpora.load(Reviews(name="yelp13", root=str(small_yelp)))


def test_published_files_are_found_in_the_data_root(real_data: str) -> None:
    for remote in (*ptb.FILES, *yelp13.FILES[1:]):
        assert locate(remote, real_data).is_file()
