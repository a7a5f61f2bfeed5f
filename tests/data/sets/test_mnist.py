"""MNIST: tiny files in place of the published ones, and these where they are found."""

import gzip
import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from vaetext.config.data import MNIST
from vaetext.data import corpora
from vaetext.data.files import Remote, download, find
from vaetext.data.images import Images
from vaetext.data.sets import mnist


def idx(values: np.ndarray) -> bytes:
    head = bytes((0, 0, 8, values.ndim)) + np.array(values.shape, ">u4").tobytes()
    return head + values.astype(np.uint8).tobytes()


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Twenty images to cut into train and valid, and eight of test, packed."""
    rng = np.random.default_rng(0)
    contents = []
    for count in (20, 8):
        contents += [
            idx(rng.integers(256, size=(count, 28, 28))),
            idx(rng.integers(10, size=count)),
        ]
    files = [
        replace(each, sum=hashlib.sha256(content).hexdigest())
        for each, content in zip(mnist.FILES, contents, strict=True)
    ]
    monkeypatch.setattr(mnist, "FILES", tuple(files))
    monkeypatch.setattr(mnist, "VALID", 5)
    (tmp_path / "mnist").mkdir()
    for each, content in zip(files, contents, strict=True):
        (tmp_path / f"{each.path}.gz").write_bytes(gzip.compress(content))
    return tmp_path


@pytest.mark.parametrize("options", [{}, {"binarize": "threshold"}, {"seed": 3}])
def test_a_split_needs_no_files_of_the_other(root: Path, options: dict[str, object]) -> None:
    config = MNIST(name="mnist", root=str(root), **options)  # type: ignore[arg-type]
    corpus = corpora.load(config)
    for name, split in corpus.splits.items():
        found = corpora.load_split(config, name, corpus.format)
        assert found.digest == split.digest
        assert found.factors["digit"].tolist() == split.factors["digit"].tolist()
    for each in mnist.FILES[:2]:
        (root / f"{each.path}.gz").unlink()
    found = corpora.load_split(config, "test", Images(binarize="threshold", seed=9))
    assert found.digest == corpus.splits["test"].digest  # what is binary stays as it is


def test_tables_name_how_pixels_became_binary() -> None:
    assert MNIST(name="mnist").label == "mnist-stochastic"
    assert MNIST(name="mnist", binarize="threshold").label == "mnist-threshold"
    assert MNIST(name="mnist", label="digits").label == "digits"


def load(root: Path, **options: object) -> corpora.Corpus:
    return corpora.load(MNIST(name="mnist", root=str(root), **options))  # type: ignore[arg-type]


def test_valid_is_the_end_of_the_training_file_and_digits_are_known(root: Path) -> None:
    corpus = load(root)
    assert [len(split) for split in corpus.splits.values()] == [15, 5, 8]
    grey = np.frombuffer(gzip.decompress((root / f"{mnist.FILES[0].path}.gz").read_bytes()), "u1")
    images = Images().binary(grey[16:].reshape(20, 28, 28), 0)
    np.testing.assert_array_equal(corpus.splits["valid"][0], images[15])
    np.testing.assert_array_equal(corpus.splits["train"][14], images[14])
    labels = gzip.decompress((root / f"{mnist.FILES[1].path}.gz").read_bytes())[8:]
    assert corpus.splits["train"].factors["digit"].tolist() == [str(n) for n in labels[:15]]
    assert corpus.splits["valid"].factors["digit"].tolist() == [str(n) for n in labels[15:]]
    assert corpus.domain.to_json() == {"kind": "binary", "size": 28, "longest": 28}


def test_images_are_a_function_of_the_seed_and_not_of_the_epoch(root: Path) -> None:
    first = load(root).splits["train"]
    assert load(root).splits["train"].digest == first.digest
    assert first.epoch(0, 1) is first
    assert load(root, seed=1).splits["train"].digest != first.digest


def test_how_pixels_were_drawn_is_part_of_the_description(root: Path) -> None:
    assert "drawn once with data.seed=3" in load(root, seed=3).format.description
    assert "128 or more" in load(root, binarize="threshold").format.description
    assert load(root).format != load(root, binarize="threshold").format


def test_options_are_checked(root: Path) -> None:
    with pytest.raises(ValueError, match=r"binarize='stochastics': .* did you mean 'stochastic'"):
        load(root, binarize="stochastics")
    with pytest.raises(ValueError, match="seed=1 has an effect with binarize=stochastic only"):
        load(root, binarize="threshold", seed=1)


def test_files_that_are_missing_or_others_are_an_error(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = root / f"{mnist.FILES[2].path}.gz"
    other.write_bytes(gzip.compress(b"other"))
    with pytest.raises(ValueError, match=r"t10k-images-idx3-ubyte\.gz: its checksum is"):
        load(root)
    other.unlink()
    gone = [replace(each, url="file:///nowhere") for each in mnist.FILES]
    monkeypatch.setattr(mnist, "FILES", tuple(gone))
    with pytest.raises(ValueError, match=r"t10k-images-idx3-ubyte is not in .* place it at .*\.gz"):
        load(root)


def test_a_packed_download_is_checked_by_its_content(tmp_path: Path) -> None:
    source = tmp_path / "source.gz"
    source.write_bytes(gzip.compress(b"content"))
    remote = Remote("a/file", source.as_uri(), hashlib.sha256(b"content").hexdigest(), ".gz")
    target = tmp_path / "cache" / "file.gz"
    assert download(remote, target) == target
    with pytest.raises(ValueError, match="its checksum is"):
        download(replace(remote, sum="0" * 64), tmp_path / "other.gz")
    source.write_bytes(gzip.compress(b"content")[:-3])
    with pytest.raises(ValueError, match=r"its checksum is .* it was deleted"):
        download(remote, tmp_path / "third.gz")


def test_the_published_files_have_their_splits(real_data: str) -> None:
    if not find(mnist.FILES[0].path, real_data):
        pytest.skip(f"{mnist.FILES[0].path} is not in {real_data}")
    corpus = load(Path(real_data))
    assert [len(split) for split in corpus.splits.values()] == [55_000, 5_000, 10_000]
    assert corpus.splits["test"].factors["digit"][:5].tolist() == ["7", "2", "1", "0", "4"]
    assert corpus.splits["train"].x.mean() == pytest.approx(0.1307, abs=1e-4)
