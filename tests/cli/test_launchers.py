"""Sweeps by launchers that start processes of their own."""

import json
import os
import re
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml
from command_line import Done, run_cli, run_cli_apart
from tiny import GRAMMAR, SIZES

LAUNCHERS = {"joblib": "joblib", "submitit_local": "submitit"}


@pytest.fixture(params=LAUNCHERS)
def launcher(request: pytest.FixtureRequest) -> str:
    name = str(request.param)
    if find_spec(LAUNCHERS[name]) is None:
        pytest.skip(f"{name} is not installed; pip install 'vaetext[sweep]'")
    return name


def launch(launcher: str, folder: Path, *words: str) -> Done:
    words = ("train", "-m", f"hydra/launcher={launcher}", "sweep=foo", "trainer=debug", *words)
    return run_cli_apart(*words, folder=folder)


def test_a_process_of_a_launcher_has_the_folder_of_its_job(launcher: str, tmp_path: Path) -> None:
    done = launch(launcher, tmp_path, "data=text", "data.train=absent.txt", "seed=1,2")
    assert done.status == 1
    assert "2 of 2 jobs have not finished (" in done.error
    sweep = tmp_path / "outputs/sweeps/foo"
    assert {path.name for path in sweep.glob("*=*")} == {"seed=1", "seed=2"}
    for number, seed in enumerate((1, 2)):
        text = (sweep / f"seed={seed}/train.log").read_text()
        assert f"ERROR error: job {number}: " in text
        assert "absent.txt" in text


def test_the_cluster_of_the_docs_is_one_of_slurm(tmp_path: Path) -> None:
    if find_spec("submitit") is None:
        pytest.skip("submitit is not installed; pip install 'vaetext[sweep]'")
    page = (Path(__file__).parents[2] / "docs/commands.md").read_text()
    found = re.search(
        r"`my_conf/(\S+)`:\n\n```yaml\n(defaults: \[submitit_slurm\].*?)```", page, re.S
    )
    assert found
    file = tmp_path / found[1]
    file.parent.mkdir(parents=True)
    file.write_text(found[2])
    words = ["--config-dir", str(tmp_path), "hydra/launcher=cluster"]
    done = run_cli("train", *words, "--cfg", "hydra")
    launcher = yaml.safe_load(done.output)["hydra"]["launcher"]
    assert launcher["_target_"].endswith(".SlurmLauncher")
    assert launcher["gpus_per_node"] == 1
    assert launcher["max_num_timeout"] == 3


@pytest.mark.slow
def test_a_launcher_trains_a_sweep(launcher: str, tmp_path: Path) -> None:
    sizes = [each for each in SIZES if not each.startswith("trainer.threads")]
    done = launch(launcher, tmp_path, *GRAMMAR, *sizes, "seed=1,2")
    assert done.status == 0, done.error
    assert "2 jobs have finished; `vaetext tables " in done.error
    for seed in (1, 2):
        run = tmp_path / f"outputs/sweeps/foo/seed={seed}"
        assert (run / "DONE").is_file()
        threads = json.loads((run / "env.json").read_text())["threads"]
        assert threads <= len(os.sched_getaffinity(0))
