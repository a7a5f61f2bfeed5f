"""A run folder: its name, its version, and the link to the latest one."""

import json
from pathlib import Path

import pytest
from tiny import begin, composed

import vaetext
from vaetext.config.store import typed
from vaetext.config.train import TrainConfig
from vaetext.runs.folder import (
    check_links,
    check_same_config,
    link_latest,
    load_config,
    make_folder,
    resume_command,
    write_overrides,
)


@pytest.mark.parametrize(
    ("environment", "writer"),
    [
        ({"vaetext": "0.1.0", "commit": "abc123"}, r"vaetext 0\.1\.0 \(commit abc123\)"),
        ({"vaetext": "0.1.0", "commit": None}, r"vaetext 0\.1\.0"),
    ],
)
def test_a_run_of_an_earlier_version_is_refused_with_that_version(
    environment: dict[str, str | None], writer: str, tmp_path: Path
) -> None:
    folder = begin(tmp_path / "run")
    (folder / "env.json").write_text(json.dumps(environment))
    message = (
        rf"^{folder} was written by {writer}, this is {vaetext.__version__}; train it again, or use"
        " that version$"
    )
    with pytest.raises(ValueError, match=message):
        load_config(folder)


def test_a_run_of_another_patch_release_is_read(tmp_path: Path) -> None:
    folder = begin(tmp_path / "run")
    major, minor, _ = vaetext.__version__.split(".")
    (folder / "env.json").write_text(json.dumps({"vaetext": f"{major}.{minor}.99"}))
    assert load_config(folder).model.name == "vrae"


def test_a_folder_that_holds_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"is not a run folder \(no \.hydra/config\.yaml\)"):
        load_config(tmp_path)
    with pytest.raises(ValueError, match="does not exist; give a folder"):
        load_config(tmp_path / "absent")


def test_a_run_with_another_configuration_keeps_its_folder(tmp_path: Path) -> None:
    folder = begin(tmp_path / "run")
    other = typed(composed("trainer=debug", "seed=3", "outputs=elsewhere"), TrainConfig)
    check_same_config(folder, other)  # no run has begun there
    (folder / "metrics.jsonl").touch()
    with pytest.raises(ValueError, match=r"holds a run with model\.embedding_dim=3, not"):
        check_same_config(folder, other)
    check_same_config(folder, load_config(folder))


def test_a_taken_folder_gets_a_number(tmp_path: Path) -> None:
    made = [make_folder(tmp_path / "a" / "run") for _ in range(3)]
    assert [each.name for each in made] == ["run", "run-2", "run-3"]


def test_latest_replaces_nothing_but_a_link(tmp_path: Path) -> None:
    link = tmp_path / "latest"
    link_latest(tmp_path / "a", create=False)
    assert not link.is_symlink()
    for name, create in (("a", True), ("b", False), ("c", True)):
        link_latest(tmp_path / name, create)
        assert link.readlink() == Path(name)
    link.unlink()
    link.write_text("mine")
    link_latest(tmp_path / "a", create=True)
    assert link.read_text() == "mine"


def test_a_job_of_a_sweep_is_resumed_with_its_sweep(tmp_path: Path) -> None:
    folder = tmp_path / "sweep" / "0"
    assert resume_command(folder) == f"`vaetext resume {folder}`"
    folder.mkdir(parents=True)
    (folder.parent / "multirun.yaml").touch()
    assert resume_command(folder) == f"`vaetext resume {folder.parent}`"
    assert resume_command(folder / "deep/er") == f"`vaetext resume {folder.parent}`"


@pytest.mark.parametrize("name", ["metrics.jsonl", "train.log", "plots", "checkpoints/last"])
def test_a_link_out_of_a_run_folder_is_refused(tmp_path: Path, name: str) -> None:
    folder = begin(tmp_path / "run")
    (folder / "checkpoints").mkdir()
    (folder / "inside").symlink_to("checkpoints")
    link_latest(folder, create=True)
    check_links(tmp_path / "latest")
    (folder / name).symlink_to(tmp_path / "outside")
    message = rf"^{folder / name} is a link to {tmp_path}/outside, outside {folder}, where .*remove"
    for given in (folder, tmp_path / "latest"):
        with pytest.raises(ValueError, match=message):
            check_links(given)


def test_a_hard_link_in_a_run_folder_is_refused(tmp_path: Path) -> None:
    folder = begin(tmp_path / "run")
    (tmp_path / "outside").touch()
    (folder / "metrics.jsonl").hardlink_to(tmp_path / "outside")
    message = rf"^{folder}/metrics.jsonl has another name too \(a hard link\), where .*put a copy"
    with pytest.raises(ValueError, match=message):
        check_links(folder)


def test_options_of_resume_are_refused_unless_they_are_as_written(tmp_path: Path) -> None:
    folder = begin(tmp_path / "run")
    write_overrides(folder, {"epochs": 4})
    write_overrides(folder, {"lr": 0.5, "latents": {"z": {"free_bits": 2}}})
    trainer = load_config(folder).trainer
    assert (trainer.epochs, trainer.lr, trainer.latents) == (4, 0.5, {"z": {"free_bits": 2}})
    written = (folder / "resumed.json").read_text()
    for changed in (written.replace("0.5", "0.6"), "{}", '{"lr": 0.5}'):
        (folder / "resumed.json").write_text(changed)
        with pytest.raises(ValueError, match=r"resumed\.json is not as it was written"):
            load_config(folder)
