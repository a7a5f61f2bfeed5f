"""The tables of README.md and RESULTS.md are those of the records in results/."""

import json
import runpy
from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

ROOT = Path(__file__).parents[1]
RESULT = {
    **{"data": "grammar", "precision": "fp32"},
    "test": {
        **{"rec": 20.0, "kl": {"z": 4.0}, "neg_elbo": 24.0, "iw_nll": 23.0, "iw_samples": 50},
        **{"fivo_nll": None, "ppl": 9.0, "ppl_no_eos": 9.0, "rec_ppl_no_eos": 8.0, "iw_ppl": 8.5},
        **{"bits_per_symbol": 3.0, "log_likelihood_per_frame": None, "truth_gap": 1.0},
        **{"truth_gap_stderr": 0.1, "sequences": 10, "tokens": 90, "tokens_no_eos": 80},
        **{"iw_effective_samples": 2.0},
    },
}
ENV = {"commit": "abc", "device": "a CPU", "packages": {"torch": "2"}, "threads": 1}
PAGE = "before\n<!-- table: grammar: -ELBO, IW-NLL -->\nold\n<!-- end of table -->\nafter\n"


@pytest.fixture(scope="module")
def script() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "benchmarks" / "results.py"))


def write(folder: Path, seed: int, env: dict[str, Any] = ENV, **options: Any) -> None:
    folder.mkdir(parents=True)
    (folder / "results.json").write_text(json.dumps(RESULT))
    (folder / "env.json").write_text(json.dumps(env))
    OmegaConf.save({"seed": seed, **options}, folder / "config.yaml")


@pytest.mark.parametrize("name", ["README.md", "RESULTS.md"])
def test_every_table_is_up_to_date(name: str, script: dict[str, Any]) -> None:
    page = (ROOT / name).read_text()
    assert "<!-- table: " in page
    assert script["updated"](page, ROOT / "results") == page, "run `make results`"


def test_results_holds_records_alone_and_every_table_is_shown(script: dict[str, Any]) -> None:
    files = [path for path in (ROOT / "results").rglob("*") if path.is_file()]
    assert {path.name for path in files} == {"results.json", "config.yaml", "env.json"}
    shown = {found[2] for found in script["TABLE"].finditer((ROOT / "RESULTS.md").read_text())}
    assert shown == {path.name for path in (ROOT / "results").iterdir()}


def test_a_table_has_a_row_with_its_source_for_each_folder(
    script: dict[str, Any], tmp_path: Path
) -> None:
    write(tmp_path / "grammar" / "vrae" / "0", seed=0)
    write(tmp_path / "grammar" / "vrae" / "1", seed=1)
    write(tmp_path / "grammar" / "vrae" / "2", seed=2, env={**ENV, "commit": "def"})
    write(tmp_path / "grammar" / "other", seed=7)
    page = script["updated"](PAGE, tmp_path)
    lines = [" ".join(line.split()) for line in page.splitlines()]
    assert "| model | seeds | -ELBO | IW-NLL(50) |" in lines
    assert "| vrae | 3 | **24.00 ± 0.00** | **23.00 ± 0.00†** |" in lines
    assert (
        "- vrae: commit abc (seeds 0, 1), commit def (seed 2), a CPU, torch 2, 1 thread, fp32\n"
        in page
    )
    assert "- other: commit abc (seed 7), a CPU, torch 2, 1 thread, fp32\n" in page
    assert page.startswith("before\n") and page.endswith("after\n") and "old" not in page
    assert script["updated"](page, tmp_path) == page


@pytest.mark.parametrize(
    "second",
    [{"seed": 0}, {"seed": 1, "lr": 0.1}, {"seed": 1, "env": {**ENV, "device": "another"}}],
)
def test_runs_that_are_not_seeds_of_one_setting_make_no_row(
    second: dict[str, Any], script: dict[str, Any], tmp_path: Path
) -> None:
    write(tmp_path / "grammar" / "vrae" / "0", seed=0)
    write(tmp_path / "grammar" / "vrae" / "1", **second)
    with pytest.raises(ValueError, match="vrae: its runs are"):
        script["updated"](PAGE, tmp_path)


def test_a_kept_run_must_be_of_a_commit(script: dict[str, Any], tmp_path: Path) -> None:
    run = tmp_path / "run"
    data = {"name": "ptb", "root": "/of/one/machine"}
    unsaved = {**ENV, "commit": "abc+"}
    begun = {"init_from": "/of/one/machine/ptb/vrae/first"}
    write(run, seed=0, env=unsaved, data=data, trainer=begun, outputs="/of/one/machine")
    (run / ".hydra").mkdir()
    (run / "config.yaml").rename(run / ".hydra" / "config.yaml")
    (run / "samples.txt").write_text("text")
    with pytest.raises(ValueError, match="no commit has"):
        script["keep"](run, tmp_path / "kept")
    (run / "env.json").write_text(json.dumps(ENV))
    script["keep"](run, tmp_path / "kept")
    kept = {path.name for path in (tmp_path / "kept").iterdir()}
    assert kept == {"results.json", "config.yaml", "env.json"}
    assert OmegaConf.load(tmp_path / "kept" / "config.yaml") == {
        "seed": 0,
        "data": {"name": "ptb"},
        "trainer": {"init_from": "first"},
    }
