"""What no model of the package has yet goes through every command: the toys as a package."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from command_line import Done, run_cli
from hydra.core.config_store import ConfigStore

from vaetext.config.plugins import plugin_schemas

TOYS = {
    "toy-length": "toys.length:ToyLength",
    "toy-vrnn": "toys.step:ToyVRNN",
    "toy-discrete": "toys.discrete:ToyDiscreteVRNN",
}
SIZES = ["data.train_size=40", "data.valid_size=20", "data.test_size=20", "trainer.threads=1"]
FIVO = [
    "trainer.bound=fivo",
    "trainer.samples=3",
    "trainer.beta_schedule=constant",
    "trainer.free_bits=0",
]
SENTENCES = "the dog sees a cat .\n\nthe old dog sleeps .\n"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The current folder, in which the toys are found as pip would install them."""
    place = tmp_path / "toys-1.0.dist-info"
    place.mkdir()
    (place / "METADATA").write_text("Metadata-Version: 2.1\nName: toys\nVersion: 1.0\n")
    lines = [f"{name} = {target}\n" for name, target in TOYS.items()]
    (place / "entry_points.txt").write_text("[vaetext.models]\n" + "".join(lines))
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    plugin_schemas.cache_clear()
    yield tmp_path
    plugin_schemas.cache_clear()
    for name in TOYS:
        ConfigStore.instance().repo["schema"]["model"].pop(f"{name}.yaml", None)


def succeeding(*words: str) -> Done:
    done = run_cli(*words)
    assert done.status == 0, (words, done.error)
    return done


def written(run: Path, command: str) -> Path:
    """The folder of a command's only results."""
    (folder,) = (run / command).iterdir()
    return folder


def codes_of(run: Path) -> dict[str, np.ndarray]:
    with np.load(written(run, "encode") / "codes.npz") as file:
        return dict(file)


@pytest.mark.parametrize(
    "options",
    [
        ["model=toy-length"],
        ["model=toy-length", "trainer.estimator=enumerate", "trainer.latents.length.beta_max=0.5"],
        ["model=toy-length", "trainer.estimator=rloo", "trainer.samples=2", "trainer.free_bits=1"],
        ["model=toy-discrete", "trainer.free_bits=0.1", "trainer.free_bits_per=step"],
        ["model=toy-vrnn", *FIVO],
        ["model=toy-vrnn", "data=sine-continuous", "data.noise=0.1"],
        ["model=toy-discrete", "data=sine-continuous", "data.noise=0.1"],
    ],
)
def test_every_command_works(options: list[str], here: Path) -> None:
    trained = succeeding("train", "trainer=debug", *SIZES, *options)
    model = options[0].partition("=")[2]
    frames = "data=sine-continuous" in options
    run = here / "outputs" / ("sine-continuous" if frames else "grammar") / model / "latest"
    results = json.loads((run / "results.json").read_text())
    test = results["test"]
    per_step = model != "toy-length"
    assert ("FIVO-NLL(2)" in trained.output) == per_step
    assert (test["fivo_nll"] is not None) == per_step
    assert "prior z" in trained.output
    assert set(test["prior_rec_increase"]) == {"z"}
    assert set(test["shuffle_rec_increase"]) == (set() if per_step else {"length"})
    assert set(test["active_units"]) == ({"z"} if model != "toy-discrete" else set())
    assert "MI z" not in trained.output
    assert ("MI length" in trained.output) == (not per_step)
    expected = {"samples.txt", "reconstructions.txt", "table.md"}
    assert expected <= {path.name for path in run.iterdir()}
    assert (run / "interpolations.txt").exists() == (not per_step)
    assert (run / "plots" / "training.png").is_file()

    again = succeeding("evaluate", str(run), "iw_samples=4")
    assert "IW-NLL(4)" in again.output and "prior z" in again.output
    assert ("FIVO-NLL(4)" in again.output) == per_step
    table = succeeding("tables", str(run))
    assert "prior z" in table.output and "IW-NLL(4)" in table.output

    few = succeeding("sample", str(run), "n=3", "max_length=9").output.splitlines()
    many = succeeding("sample", str(run), "n=5", "max_length=9").output.splitlines()
    assert len(few) == 3 and many[:3] == few
    if not frames:
        beam = succeeding("sample", str(run), "n=2", "max_length=9", "beam=3")
        assert len(beam.output.splitlines()) == 2

    lines = here / "lines.txt"
    lines.write_text("0.1 0.2 0.3\n\n0.9 0.5 0.5 0.5 0.2\n" if frames else SENTENCES)
    back = succeeding("reconstruct", str(run), f"input={lines}", "max_length=9").output
    assert [line[:2] for line in back.splitlines()] == ["< ", "> ", "", "< ", "> "]
    scores = succeeding("encode", str(run), f"input={lines}", "iw_samples=2").output.splitlines()
    assert len(scores) == 3
    assert scores[0].startswith("index\trec\tKL ")
    codes = codes_of(run)
    offsets = codes["z.offsets"]
    assert len(offsets) == 3
    assert len(codes["z.z"]) == len(codes["z.mean"]) == offsets[-1]
    if per_step:
        counts = [int(row.split("\t")[-2]) for row in scores[1:]]
        assert np.diff(offsets).tolist() == counts
    else:
        assert codes["length.z"].shape == (2,)
        np.testing.assert_allclose(codes["length.mean"].sum(1), 1, rtol=1e-5)
        np.testing.assert_array_equal(np.diff(offsets), codes["length.z"] + 1)
    assert "z.std" not in codes

    path = run_cli("interpolate", str(run), "max_length=9")
    assert (path.status == 1) == per_step
    reason = "latent z is drawn at every step, so there is no path between two codes"
    assert (f"model {model}: {reason}" in path.error) == per_step
    held = run_cli("sample", str(run), "n=4", "max_length=9", "hold=z")
    assert (held.status == 1) == per_step
    assert ("hold=z: it is drawn at every step" in held.error) == per_step


def test_a_models_own_numbers_and_pages_are_shown_with_ours(here: Path) -> None:
    trained = succeeding("train", "trainer=debug", "model=toy-length", *SIZES)
    run = here / "outputs/grammar/toy-length/latest"
    results = json.loads((run / "results.json").read_text())
    counts = [int(line.split()[1]) for line in (run / "lengths.txt").read_text().splitlines()]
    assert sum(counts) == results["test"]["sequences"] == 20
    mean = sum(n * count for n, count in enumerate(counts, 1)) / 20
    assert results["test"]["diagnostics"] == {"mean length": pytest.approx(mean)}
    assert 1 <= results["valid"]["diagnostics"]["mean length"] <= 3
    assert (run / "plots/lengths.png").read_bytes().startswith(b"\x89PNG")
    table = (run / "table.md").read_text()
    assert table.strip() in trained.output
    (row,) = (line for line in table.splitlines() if line.startswith("| mean length "))
    assert row.split("|")[3].strip() == f"{mean:.3f}"
    for style in ("markdown", "csv"):
        assert "mean length" in succeeding("tables", str(run), f"format={style}").output

    succeeding("evaluate", str(run), "iw_samples=5", "batch_tokens=7")
    again = written(run, "evaluate")
    assert (again / "lengths.txt").read_text() == (run / "lengths.txt").read_text()
    assert (again / "plots/lengths.png").is_file()
    found = json.loads((again / "results.json").read_text())["test"]["diagnostics"]
    assert found == results["test"]["diagnostics"]
