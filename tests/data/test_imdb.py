"""Movie reviews: their splits, tokens and sentiment, from tables or the published archive."""

import io
import tarfile
from pathlib import Path

import pytest

from vaetext.config.data import IMDB
from vaetext.data import corpora
from vaetext.data.corpora import Corpus

TEXT = "It's GOOD,<br />isn't it? ({number})"


def tables(root: Path) -> None:
    """20 training reviews in two files, and 2 of test."""
    (root / "imdb").mkdir()
    parts = {"train": range(8), "valid": (8, 9), "test": (0,)}
    for name, numbers in parts.items():
        rows = [f"{label}\t7\t{n}\t{TEXT.format(number=n)}" for label in (0, 1) for n in numbers]
        (root / "imdb" / f"{name}.tsv").write_text("\n".join(rows) + "\n")


def archive(root: Path) -> None:
    """The same reviews as they are published."""
    (root / "imdb").mkdir()
    with tarfile.open(root / "imdb" / "aclImdb_v1.tar.gz", "w:gz") as file:
        for part, numbers in (("train", range(10)), ("test", (0,))):
            for label in ("pos", "neg"):
                for n in numbers:
                    content = TEXT.format(number=n).encode()
                    member = tarfile.TarInfo(f"aclImdb/{part}/{label}/{n}_7.txt")
                    member.size = len(content)
                    file.addfile(member, io.BytesIO(content))


def lines(corpus: Corpus, split: str) -> list[str]:
    return [corpus.format.decode(corpus.splits[split][n]) for n in range(len(corpus.splits[split]))]


@pytest.mark.parametrize("write", [tables, archive])
def test_reviews_are_split_by_number_and_keep_their_sentiment(
    write: object, tmp_path: Path, fresh_cache: Path
) -> None:
    write(tmp_path)  # type: ignore[operator]
    found = corpora.load(IMDB(name="imdb", root=str(tmp_path)))
    assert [len(found.splits[name]) for name in ("train", "valid", "test")] == [18, 2, 2]
    assert lines(found, "train")[:3] == ["it's good , isn't it ? 0"] * 2 + [
        "it's good , isn't it ? 1"
    ]
    assert lines(found, "valid") == ["it's good , isn't it ? <unk>"] * 2
    for split in found.splits.values():
        assert split.factors["sentiment"].tolist() == ["neg", "pos"] * (len(split) // 2)


def test_reviews_are_cut_and_left_out_where_asked(tmp_path: Path, fresh_cache: Path) -> None:
    tables(tmp_path)
    found = corpora.load(IMDB(name="imdb", root=str(tmp_path), max_tokens=2, train_size=4))
    assert lines(found, "train") == ["it's good"] * 4
    assert found.splits["train"].factors["sentiment"].tolist() == ["neg", "pos"] * 2
    assert len(found.splits["valid"]) == 2


def test_a_malformed_table_and_missing_files_are_errors(tmp_path: Path, fresh_cache: Path) -> None:
    with pytest.raises(ValueError, match=r"data=imdb: neither imdb/aclImdb_v1\.tar\.gz nor"):
        corpora.load(IMDB(name="imdb", root=str(tmp_path)))
    tables(tmp_path)
    with (tmp_path / "imdb" / "valid.tsv").open("a") as file:
        file.write("good\tno tabs\n")
    with pytest.raises(ValueError, match=r"valid\.tsv, line 5: it must be label"):
        corpora.load(IMDB(name="imdb", root=str(tmp_path)))


def test_the_published_reviews_have_their_counts(real_data: str, fresh_cache: Path) -> None:
    options = IMDB(name="imdb", root=real_data, vocab_size=5000, max_tokens=5, train_size=5000)
    found = corpora.load(options)
    assert [len(split) for split in found.splits.values()] == [5000, 2500, 25000]
    for split in found.splits.values():
        assert (split.factors["sentiment"] == "pos").mean() == 0.5
