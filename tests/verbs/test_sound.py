"""Commands on a run of sound: the files that they read and write."""

import csv
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from tiny import CPU

from vaetext.config.models.vrnn import VRNN
from vaetext.config.trained import EncodeConfig, ReconstructConfig, SampleConfig
from vaetext.data.waveform import Waveform
from vaetext.models.registry import build
from vaetext.runs.run import Run
from vaetext.verbs import encode, reconstruct, sample

FORM = Waveform((0.01,), (0.3,), samples=4, rate=8000)
SOUND = np.round(np.sin(np.arange(22)) * 0.9 * 2**15) / 2**15  # a rest of 2 samples is left out


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every command reads a run of sound, and writes to ``out``."""
    torch.manual_seed(0)
    config = VRNN(name="vrnn", hidden_dim=6, latent_dim=3, feature_dim=5)
    model = build(config, FORM.domain(9)).eval()
    loaded = Run(tmp_path, None, FORM, model, CPU, epoch=0, seed=0)  # type: ignore[arg-type]
    for verb in (encode, reconstruct, sample):
        monkeypatch.setattr(verb, "load", lambda *_: loaded)
        monkeypatch.setattr(verb, "output_folder", lambda: tmp_path / "out")
    return tmp_path


def wav_file(path: Path, samples: np.ndarray = SOUND, rate: int = 8000) -> str:
    path.parent.mkdir(exist_ok=True)
    soundfile.write(path, samples, rate, subtype="PCM_16")
    return str(path)


def test_samples_are_wav_files_in_the_units_of_the_data(
    folder: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    prefix = wav_file(folder / "given.wav")
    sample.run(SampleConfig(run="r", n=2, prefix=prefix, particles=4, max_length=50))
    lines = (folder / "out" / "samples.txt").read_text()
    assert capsys.readouterr().out == lines
    assert [line.split(",")[:2] for line in lines.splitlines()] == [["0.025 s", " 50 frames"]] * 2
    assert (folder / "out" / "samples.png").read_bytes().startswith(b"\x89PNG")
    for number in (1, 2):
        samples, rate = soundfile.read(folder / "out" / "samples" / f"{number}.wav")
        assert rate == 8000 and samples.shape == (200,)
        np.testing.assert_allclose(samples[:20], SOUND[:20], atol=2**-15)
        assert abs(samples[20:]).max() > 0.05


def test_loud_sound_is_clipped_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    loud = FORM.sequence(np.array([0.5, -0.5, 3, -2.0]))
    content = FORM.files([loud], "samples")["samples/1.wav"]
    assert "samples/1.wav: 2 of 4 samples are clipped at -1 and 1" in caplog.text
    samples, _ = soundfile.read(io.BytesIO(content))
    np.testing.assert_allclose(samples, [0.5, -0.5, 1, -1], atol=2**-14)


def test_recordings_are_encoded_and_reconstructed_by_name(folder: Path) -> None:
    wav_file(folder / "in" / "10.wav", SOUND[:9])
    source = str(Path(wav_file(folder / "in" / "9.wav")).parent)
    encode.run(EncodeConfig(run="r", input=source, iw_samples=2))
    with (folder / "out" / "scores.tsv").open(newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert [(row["name"], row["frames"]) for row in rows] == [("9.wav", "5"), ("10.wav", "2")]
    assert np.load(folder / "out" / "codes.npz")["z.offsets"].tolist() == [0, 5, 7]
    reconstruct.run(ReconstructConfig(run="r", input=source))
    samples, _ = soundfile.read(folder / "out" / "reconstructions" / "2.wav")
    assert samples.shape == (8,)
    first, *_ = (folder / "out" / "reconstructions.txt").read_text().splitlines()
    assert first == "< 0.003 s, 5 frames, -0.900 to 0.892"


def stereo(path: Path) -> str:
    return wav_file(path / "a.wav", np.zeros((20, 2)))


def faster(path: Path) -> str:
    return wav_file(path / "a.wav", rate=16000)


def short(path: Path) -> str:
    return wav_file(path / "a.wav", SOUND[:3])


def empty(path: Path) -> str:
    (path / "empty").mkdir(exist_ok=True)
    return str(path / "empty")


def text(path: Path) -> str:
    (path / "a.txt").write_text("the cat\n")
    return str(path / "a.txt")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (stereo, r"a\.wav .*2 channels"),
        (faster, r"a\.wav has 16000 samples a second, and this run's data 8000; resample it"),
        (short, r"a\.wav has 3 samples, fewer than"),
        (empty, r"empty holds no recording"),
        (text, r"'the', which is not 4 numbers between commas"),
    ],
)
def test_other_sound_is_refused_and_nothing_is_written(
    make: Callable[[Path], str], message: str, folder: Path
) -> None:
    source = make(folder)
    for verb, config in (
        (sample, SampleConfig(run="r", prefix=source)),
        (encode, EncodeConfig(run="r", input=source)),
        (reconstruct, ReconstructConfig(run="r", input=source)),
    ):
        with pytest.raises(ValueError, match=message):
            verb.run(config)  # type: ignore[attr-defined]
    assert not (folder / "out").exists()


def test_a_tempo_is_refused_before_anything_is_drawn(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sample, "sample", None)
    monkeypatch.setattr(reconstruct, "read_inputs", None)
    for verb, config in (
        (sample, SampleConfig(run="r", tempo=90)),
        (reconstruct, ReconstructConfig(run="r", tempo=90)),
    ):
        with pytest.raises(ValueError, match="tempo=90: this run's data is no music"):
            verb.run(config)  # type: ignore[attr-defined]
