"""What a run folder keeps of its data: the format, the domain, and where files were read."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from vaetext.config.data import OwnFrames
from vaetext.data import corpora
from vaetext.data.format import Format
from vaetext.data.frames import Bits
from vaetext.data.pianoroll import PianoRoll
from vaetext.data.standardizer import Standardizer
from vaetext.data.waveform import Waveform
from vaetext.runs.corpus import FORMATS, load_corpus, read_domain, read_format, write_corpus


@pytest.fixture
def data(tmp_path: Path) -> OwnFrames:
    """A folder of 30 .csv files, below a data root."""
    (tmp_path / "root" / "curves").mkdir(parents=True)
    for n in range(30):
        (tmp_path / "root" / "curves" / f"{n}.csv").write_text(f"{n}\n2\n")
    return OwnFrames(name="frames", train=str(tmp_path / "root" / "curves"))


@pytest.mark.parametrize(
    "form",
    [
        Standardizer((1.0,), (2.0,)),
        Bits(3),
        PianoRoll(),
        Waveform((0.0,), (1.0,), samples=200, rate=8000),
    ],
    ids=lambda form: form.file,
)
def test_a_format_is_found_by_the_name_of_its_file(form: Format, tmp_path: Path) -> None:
    form.save(tmp_path / form.file)
    assert read_format(tmp_path) == form


def test_formats_have_names_of_their_own(tmp_path: Path) -> None:
    assert len({each.file for each in FORMATS}) == len(FORMATS)
    with pytest.raises(ValueError, match=r"tokenizer\.model: no such tokenizer"):
        read_format(tmp_path)


def test_a_folder_is_found_again_in_a_data_root_when_it_has_moved(
    data: OwnFrames,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    (tmp_path / "run").mkdir()
    written = corpora.load(data)
    write_corpus(tmp_path / "run", written)
    assert read_domain(tmp_path / "run") == written.domain
    (tmp_path / "root").rename(tmp_path / "other")
    with pytest.raises(ValueError, match=r"data\.train=.*curves: no such file"):
        load_corpus(data, tmp_path / "run")
    monkeypatch.setenv("VAETEXT_DATA", str(tmp_path / "other"))
    found = load_corpus(data, tmp_path / "run")
    assert np.array_equal(found.splits["train"].x, written.splits["train"].x)
    assert "has changed" not in caplog.text


def test_another_scale_is_refused(data: OwnFrames, tmp_path: Path) -> None:
    write_corpus(tmp_path, corpora.load(data))
    with pytest.raises(ValueError, match="gives another vocabulary or scale now"):
        load_corpus(replace(data, split_seed=3), tmp_path)
