"""Recordings as a data set: published corpora, a user's own, their splits and scale."""

import logging
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from vaetext.config.data import Speech
from vaetext.data import corpora
from vaetext.data.audio import read_recordings
from vaetext.data.corpora import Corpus
from vaetext.data.domain import Real
from vaetext.data.files import find
from vaetext.data.sets import speech

RNG = np.random.default_rng(0)


def load(**options: Any) -> Corpus:
    return corpora.load(Speech(name="speech", **options))


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A folder of 20 recordings, each of 50 to 69 samples."""
    for n in range(20):
        samples = 0.2 * RNG.standard_normal(50 + n) + 0.1
        soundfile.write(tmp_path / f"{n}.wav", samples, 8000)
    return tmp_path


def test_own_recordings_are_cut_by_shares_and_standardised_by_training(
    own: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        corpus = load(train=str(own), frame=10, split=[0.6, 0.2, 0.2])
    assert "90 of 1,190 samples (7.56 %) are dropped" in caplog.text
    assert [len(split) for split in corpus.splits.values()] == [12, 4, 4]
    assert corpus.domain == Real(10, 6)
    train = corpus.splits["train"].x
    assert train.mean() == pytest.approx(0, abs=1e-3)
    assert train.std() == pytest.approx(1, abs=1e-3)
    assert load(train=str(own), frame=10, split=[0.6, 0.2, 0.2]).sums == corpus.sums


def test_folders_are_splits(own: Path, caplog: pytest.LogCaptureFixture) -> None:
    corpus = load(train=str(own), valid=str(own / "1.wav"), test=str(own / "2.wav"), frame=10)
    assert [len(split) for split in corpus.splits.values()] == [20, 1, 1]
    assert len(corpus.source) == 3
    assert "1 of 1 sequences of test (100.0 %) are also in train" in caplog.text


def test_a_list_says_which_recording_is_of_which_split(
    own: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    names = {"train": ["3.wav", "4.wav"], "valid": ["5.wav"], "test": ["0.wav"]}
    lines = [f"{split}\t{name}" for split, each in names.items() for name in each]
    (tmp_path / "list.txt").write_text("\n".join([*lines, ""]))
    corpus = load(train=str(own), split_list=str(tmp_path / "list.txt"), frame=1)
    assert "16 recordings of" in caplog.text
    assert [split.lengths.tolist() for split in corpus.splits.values()] == [[53, 54], [55], [50]]
    (tmp_path / "list.txt").write_text("\n".join([*lines, "test 9.wav"]))
    corpus = load(train=str(own), split_list=str(tmp_path / "list.txt"), frame=1)
    assert len(corpus.splits["test"]) == 2


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["dev 1.wav"], "line 1: 'dev 1.wav' is not train, valid or test and the name"),
        (["train 1.wav", "test x.wav"], r"line 2: 'x\.wav' is no recording of"),
        (["train 1.wav", "test 1.wav"], r"line 2: '1\.wav' is no recording of .* or listed twice"),
        (["train 1.wav", "train"], "line 2: 'train' is not train, valid or test and the name"),
        (["train 1.wav", "test 2.wav"], "lists no recording of valid"),
    ],
)
def test_a_faulty_list_is_refused(own: Path, lines: list[str], message: str) -> None:
    (own / "list.txt").write_text("\n".join(lines))
    with pytest.raises(ValueError, match=rf"list\.txt,? {message}"):
        load(train=str(own), split_list=str(own / "list.txt"), frame=10)


def test_faulty_options_and_recordings_are_refused(own: Path) -> None:
    with pytest.raises(ValueError, match=r"data\.corpus=recordings: your own need data\.train="):
        load()
    with pytest.raises(ValueError, match=r"train=a: corpus=fsdd has files of its own"):
        load(corpus="fsdd", train="a")
    with pytest.raises(ValueError, match=r"split_list=a: .*leave out valid and test"):
        load(train="a", valid="b", test="c", split_list="a")
    with pytest.raises(ValueError, match=r"frame=0 is out of range"):
        load(train=str(own), frame=0)
    with pytest.raises(ValueError, match=r"0\.wav has 50 samples, fewer than data\.frame=51"):
        load(train=str(own), frame=51)
    with pytest.raises(ValueError, match=r"data\.train=none: no such file"):
        load(train="none")


def test_another_archive_of_the_same_name_is_refused(own: Path, tmp_path: Path) -> None:
    folder = tmp_path / "root" / "fsdd" / "recordings"
    folder.mkdir(parents=True)
    soundfile.write(folder / "0_jackson_0.wav", RNG.standard_normal(300), 8000)
    with pytest.raises(ValueError, match=r"recordings: the checksum of its 1 recordings is"):
        load(corpus="fsdd", root=str(tmp_path / "root"))


def test_silence_is_finite(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(100), 8000)
    path = str(tmp_path / "a.wav")
    corpus = load(train=path, valid=path, test=path, frame=10)
    assert (corpus.splits["train"].x == 0).all()


def test_run_folders_are_named_after_the_corpus() -> None:
    assert Speech(name="speech").label == "recordings"
    assert Speech(name="speech", corpus="fsdd").label == "fsdd"


def test_splits_of_the_published_corpora() -> None:
    split = speech.fsdd_split
    assert [split(f"7_jackson_{n}.wav") for n in (0, 4, 5, 9, 10, 49)] == [
        "test", "test", "valid", "valid", "train", "train",
    ]  # fmt: skip
    held = (*speech.TIMIT_VALID, *speech.TIMIT_TEST)
    assert len({name[:3] for name in held}) == 5  # of five regions
    assert Counter(name[4] for name in held) == {"f": 3, "m": 2}


def published(corpus: str, real_data: str) -> Corpus:
    if not find(speech.CORPORA[corpus].archive.path, real_data, folders=True):
        pytest.skip(f"{speech.CORPORA[corpus].archive.path} is not in {real_data}")
    return load(corpus=corpus, root=real_data)


@pytest.mark.slow
def test_the_spoken_digits_have_their_published_sizes(real_data: str) -> None:
    splits = published("fsdd", real_data).splits.values()
    assert [len(split) for split in splits] == [2400, 300, 300]
    assert sum(len(split.x) for split in splits) == 50_999


@pytest.mark.slow
def test_timits_sample_is_split_by_speaker(real_data: str) -> None:
    splits = published("timit-sample", real_data).splits.values()
    assert [len(split) for split in splits] == [110, 20, 30]
    assert sum(len(split.x) for split in splits) == 39_123


@pytest.mark.slow
def test_the_sphere_files_of_timit_hold_the_samples_of_the_riff_files(real_data: str) -> None:
    folder = Path(real_data, "timit_sample")
    if not (folder / "timit_sphere_dr1-fvmh0.tar.xz").is_file():
        pytest.skip(f"no TIMIT sample in {folder}")
    pattern = speech.CORPORA["timit-sample"].archive.pattern
    sphere = read_recordings(folder / "timit_sphere_dr1-fvmh0.tar.xz", pattern)
    riff = {each.name: each for each in read_recordings(folder / "timit.tar.xz", pattern)}
    assert len(sphere) == 10
    for each in sphere:
        assert each.rate == riff[each.name].rate == 16_000
        assert (each.samples == riff[each.name].samples).all()
