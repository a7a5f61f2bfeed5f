"""Commands on a run of piano rolls: the files that they read and write."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mido
import numpy as np
import pytest
import torch
from tiny import CPU

from vaetext.config.models import MODELS
from vaetext.config.trained import EncodeConfig, InterpolateConfig, ReconstructConfig, SampleConfig
from vaetext.data.midi import midi_bytes
from vaetext.data.pianoroll import PianoRoll
from vaetext.models.registry import build
from vaetext.runs.run import Run
from vaetext.verbs import encode, interpolate, reconstruct, sample

FORM = PianoRoll()
LINE = "60,64 60 - 67 21,108"
ROLL = FORM.encode(LINE)
SIZES = {
    "vrae": {"embedding_dim": 5, "hidden_dim": 6, "latent_dim": 3},
    "vrnn": {"hidden_dim": 6, "latent_dim": 3, "feature_dim": 5},
}


def run_of(name: str, folder: Path) -> Run:
    torch.manual_seed(0)
    config = MODELS[name](name=name, **SIZES[name])  # type: ignore[call-arg]
    model = build(config, FORM.domain(9)).eval()
    return Run(folder, None, FORM, model, CPU, epoch=0, seed=0)  # type: ignore[arg-type]


@pytest.fixture
def use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Called with a model's name: every command then reads a run of it, and writes there."""

    def named(name: str = "vrnn") -> Path:
        loaded = run_of(name, tmp_path)
        for verb in (encode, interpolate, reconstruct, sample):
            monkeypatch.setattr(verb, "load", lambda *_: loaded)
            monkeypatch.setattr(verb, "output_folder", lambda: tmp_path / "out")
        return tmp_path

    return named


def written(folder: Path) -> set[str]:
    """The files beside the record of the command."""
    out = folder / "out"
    files = {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}
    return files - {"command.json"}


def midi_file(folder: Path, roll: np.ndarray = ROLL, name: str = "given.mid") -> str:
    (folder / name).write_bytes(midi_bytes(roll, FORM.lowest))
    return str(folder / name)


def test_samples_are_lines_a_picture_and_midi_files(
    use: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = use()
    sample.run(SampleConfig(run="r", n=2, tempo=60))
    assert written(folder) == {"samples.txt", "samples.png", "samples/1.mid", "samples/2.mid"}
    lines = (folder / "out" / "samples.txt").read_text()
    assert capsys.readouterr().out == lines
    for line, (_, roll) in zip(lines.splitlines(), FORM.read(folder / "out/samples"), strict=True):
        assert roll.shape == (9, 88)
        np.testing.assert_array_equal(roll, FORM.encode(line))
    assert mido.MidiFile(folder / "out/samples/1.mid").length == pytest.approx(9)


@pytest.mark.parametrize("name", ["vrnn", "vrae"])
def test_a_prefix_is_a_line_a_file_or_some_of_its_steps(name: str, use: Any) -> None:
    folder = use(name)

    def begins(**options: Any) -> list[str]:
        sample.run(SampleConfig(run="r", n=3, particles=4, **options))
        lines = (folder / "out" / "samples.txt").read_text().splitlines()
        assert len(set(lines)) == 3
        return [" ".join(line.split()[: len(LINE.split())]) for line in lines]

    assert begins(prefix=LINE) == begins(prefix=midi_file(folder)) == [LINE] * 3
    first = begins(prefix=midi_file(folder), prefix_steps=2)
    assert all(line.startswith("60,64 60 ") for line in first)
    assert first != begins(prefix=midi_file(folder))
    np.savez(folder / "given.npz", a=ROLL[:2], b=ROLL)
    assert begins(prefix=str(folder / "given.npz"), prefix_name="b") == [LINE] * 3


def test_rolls_of_a_file_are_encoded_and_reconstructed_by_name(use: Any) -> None:
    folder = use()
    midi_file(folder, ROLL[:3], "10.mid")
    midi_file(folder, ROLL, "9.mid")
    encode.run(EncodeConfig(run="r", input=str(folder), iw_samples=2))
    with (folder / "out" / "scores.tsv").open(newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert [(row["name"], row["frames"]) for row in rows] == [("9.mid", "5"), ("10.mid", "3")]
    codes = np.load(folder / "out" / "codes.npz")
    assert codes["z.offsets"].tolist() == [0, 5, 8]
    assert codes["z.mean"].shape == codes["z.z"].shape == (8, 3)
    reconstruct.run(ReconstructConfig(run="r", input=str(folder)))
    expected = {"reconstructions.txt", "reconstructions.png"}
    expected |= {"reconstructions/1.mid", "reconstructions/2.mid"}
    assert expected <= written(folder)
    pairs = (folder / "out" / "reconstructions.txt").read_text().split("\n\n")
    assert pairs[0].startswith(f"< {LINE}\n> ")
    assert [len(line.split()) for line in pairs[0].splitlines()] == [6, 6]


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        (b"the cat sat\n", "a.txt", "'the', which is not MIDI notes 21 to 108"),
        (b"no midi", "a.mid", r"a\.mid is no MIDI file"),
        (b"no matlab", "a.mat", r"a\.mat is no MATLAB file"),
        (None, "b.mid", "no such file"),
    ],
)
@pytest.mark.parametrize(
    ("verb", "config"), [(encode, EncodeConfig), (reconstruct, ReconstructConfig)]
)
def test_other_files_are_refused_and_nothing_is_written(
    verb: Any, config: Any, content: bytes | None, name: str, message: str, use: Any
) -> None:
    folder = use()
    if content is not None:
        (folder / name).write_bytes(content)
    with pytest.raises(ValueError, match=message):
        verb.run(config(run="r", input=str(folder / name)))
    assert not written(folder)


def test_a_prefix_that_is_none_is_refused_and_nothing_is_written(use: Any) -> None:
    folder = use()
    (folder / "empty").mkdir()
    np.savez(folder / "narrow.npz", a=np.zeros((3, 87)))
    source = midi_file(folder)
    for options, message in (
        ({"prefix": "the cat"}, "prefix=the cat: no such file, and as a line: .* not MIDI notes"),
        ({"prefix": ""}, "prefix=: no such file, and as a line: .* holds no frame"),
        ({"prefix": str(folder / "empty")}, "empty holds no MIDI or .csv file"),
        ({"prefix": str(folder / "narrow.npz")}, r"\(3, 87\) .* shape \[T, 88\]"),
        ({"prefix": source, "prefix_steps": 6}, "prefix_steps=6: the prefix has 5; set .* 5"),
        ({"prefix": source, "max_length": 5}, "has 5 steps, and max_length=5 counts them too"),
        ({"prefix": source, "prefix_name": "giv.mid"}, "prefix_name=giv.mid.*mean 'given.mid'"),
        ({"prefix": source, "hold": "z"}, "hold=z: .* given the prefix"),
    ):
        with pytest.raises(ValueError, match=message):
            sample.run(SampleConfig(run="r", **options))
    assert not written(folder)
    for unused in ({"prefix_steps": 2}, {"prefix_name": "a"}, {"particles": 3}):
        with pytest.raises(ValueError, match=f"{next(iter(unused))}=.* without a prefix"):
            SampleConfig(run="r", **unused)  # type: ignore[arg-type]
    for tempo in (0.0, -1.0, float("nan")):
        with pytest.raises(ValueError, match="tempo="):
            SampleConfig(run="r", tempo=tempo)


def test_a_latent_per_step_is_neither_interpolated_nor_held(use: Any) -> None:
    use()
    with pytest.raises(ValueError, match="vrnn: latent z is drawn at every step, so there is no"):
        interpolate.run(InterpolateConfig(run="r"))
    with pytest.raises(ValueError, match="hold=z: it is drawn at every step"):
        sample.run(SampleConfig(run="r", hold="z"))


def test_python_takes_and_gives_arrays(tmp_path: Path) -> None:
    run = run_of("vrnn", tmp_path)
    drawn = run.sample(2, prefix=ROLL, prefix_steps=3, particles=4, arrays=True, max_length=7)
    assert [each.shape for each in drawn] == [(7, 88)] * 2
    assert all((each[:3] == ROLL[:3]).all() for each in drawn)
    lines = run.sample(2, prefix=LINE, prefix_steps=3, particles=4, max_length=7)
    assert [FORM.encode(line).tolist() for line in lines] == [each.tolist() for each in drawn]
    back = run.reconstruct([ROLL, LINE], arrays=True)
    np.testing.assert_array_equal(*back)
    scores = run.score([ROLL, LINE], iw_samples=2)
    assert scores.neg_elbo[0] == pytest.approx(scores.neg_elbo[1], rel=0.2)
    with pytest.raises(ValueError, match=r"shape \(5, 4\)"):
        run.encode([ROLL[:, :4]])
