"""Commands on a run of images: the files that they read and write."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny import CPU

from vaetext.config.models.mnist_vae import MnistVAE
from vaetext.config.trained import EncodeConfig, InterpolateConfig, ReconstructConfig, SampleConfig
from vaetext.data.images import Images
from vaetext.data.pictures import png_bytes
from vaetext.models.registry import build
from vaetext.runs.given import given_ends
from vaetext.runs.run import Run
from vaetext.verbs import encode, interpolate, reconstruct, sample

FORM = Images(size=6, rows=5)
IMAGES = np.random.default_rng(0).integers(2, size=(3, 5, 6), dtype=np.uint8)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every command reads a run of images, and writes to ``out`` in this folder."""
    torch.manual_seed(0)
    config = MnistVAE(name="mnist-vae", hidden_dim=6, encoder="gru")
    model = build(config, FORM.domain(5)).eval()
    loaded = Run(tmp_path, None, FORM, model, CPU, epoch=0, seed=0)  # type: ignore[arg-type]
    for verb in (encode, interpolate, reconstruct, sample):
        monkeypatch.setattr(verb, "load", lambda *_: loaded)
        monkeypatch.setattr(verb, "output_folder", lambda: tmp_path / "out")
        monkeypatch.setattr(verb, "command_record", lambda *_: {})
    (tmp_path / "given").mkdir()
    for n, image in enumerate(IMAGES, 1):
        (tmp_path / "given" / f"{n}.png").write_bytes(png_bytes(image))
    return tmp_path


def written(folder: Path) -> set[str]:
    """The files beside the record of the command."""
    out = folder / "out"
    files = {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}
    return files - {"command.json"}


def test_samples_are_lines_a_grid_and_files(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sample.run(SampleConfig(run="r", n=2))
    pictures = {"samples.png", "samples/1.png", "samples/2.png"}
    assert written(folder) == {"samples.txt", "samples.npz", *pictures}
    lines = capsys.readouterr().out.splitlines()
    for line, (_, image) in zip(lines, FORM.read(folder / "out/samples"), strict=True):
        np.testing.assert_array_equal(image, FORM.encode(line))


def test_a_beginning_is_the_first_rows_of_an_image(folder: Path) -> None:
    prefix = str(folder / "given" / "2.png")
    sample.run(SampleConfig(run="r", n=2, prefix=prefix, prefix_steps=3))
    for line in (folder / "out/samples.txt").read_text().splitlines():
        np.testing.assert_array_equal(FORM.encode(line)[:3], IMAGES[1][:3])


def test_a_folder_of_pictures_is_reconstructed_and_encoded(folder: Path) -> None:
    given = str(folder / "given")
    reconstruct.run(ReconstructConfig(run="r", input=given))
    assert "reconstructions/3.png" in written(folder)
    inputs = (folder / "out/reconstructions.txt").read_text().splitlines()[::3]
    assert inputs == [f"< {FORM.decode(image)}" for image in IMAGES]
    encode.run(EncodeConfig(run="r", input=given, iw_samples=2))
    rows = (folder / "out/scores.tsv").read_text().splitlines()
    assert [row.split("\t")[-1] for row in rows] == ["name", "1.png", "2.png", "3.png"]
    assert np.load(folder / "out/codes.npz")["z.mean"].shape == (3, 2)


def test_a_path_leads_from_one_picture_to_another(folder: Path) -> None:
    ends = [str(folder / "given" / name) for name in ("1.png", "3.png")]
    interpolate.run(InterpolateConfig(run="r", a=ends[0], b=ends[1], steps=3))
    page = (folder / "out/interpolations.txt").read_text().splitlines()
    assert page[0] == f"A: {FORM.decode(IMAGES[0])}"
    assert page[-1] == f"B: {FORM.decode(IMAGES[2])}"
    assert {"interpolation.png", "interpolations/3.png"} <= written(folder)


def test_an_end_is_a_line_an_array_or_the_first_sequence_of_a_file(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for given in (FORM.decode(IMAGES[0]), 255 * IMAGES[0], str(folder / "given")):
        first, last = given_ends(FORM, given, None)
        np.testing.assert_array_equal(first, IMAGES[0])
        assert last is None
    assert "of 3 sequences, 1.png is taken" in caplog.text
    with pytest.raises(ValueError, match=r"^b=nowhere\.png: no such file, and as a line: frame 1"):
        given_ends(FORM, None, "nowhere.png")


def test_what_does_not_fit_is_an_error(folder: Path) -> None:
    (folder / "other.png").write_bytes(png_bytes(np.zeros((28, 28))))
    verbs: list[tuple[Callable[[Any], None], Any]] = [
        (reconstruct.run, ReconstructConfig(run="r", input=str(folder / "other.png"))),
        (interpolate.run, InterpolateConfig(run="r", a=str(folder / "other.png"))),
    ]
    for run, config in verbs:
        with pytest.raises(ValueError, match=r"other\.png: an array of shape \(28, 28\) is no"):
            run(config)
    with pytest.raises(ValueError, match="tempo=90: this run's data is no music"):
        sample.run(SampleConfig(run="r", tempo=90))
    with pytest.raises(ValueError, match=r"max_length=3: every sequence .* has 5 steps"):
        sample.run(SampleConfig(run="r", max_length=3))
    assert not (folder / "out").exists()
