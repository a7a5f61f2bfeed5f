"""The tables of README.md and RESULTS.md, from the records of runs in results/.

    python benchmarks/results.py                  write the tables again; `make results`
    python benchmarks/results.py RUN TABLE/ROW    keep the record of a finished run first

A row is a folder results/TABLE/ROW with results.json, config.yaml and env.json of one run, or with
a folder of these for each seed. A page holds a table between two comments, which name the folder of
the table and its columns:

    <!-- table: grammar: rec, KL, -ELBO -->
    <!-- end of table -->
"""

import json
import re
import shutil
import sys
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from vaetext.evaluation.results import SplitResults
from vaetext.report.columns import columns, kind, of_training
from vaetext.report.formats import markdown
from vaetext.report.rows import Row
from vaetext.report.table import cells
from vaetext.runs.layout import CONFIG, ENVIRONMENT, OVERRIDES, RESULTS

ROOT = Path(__file__).parents[1]
PAGES = ("README.md", "RESULTS.md")
SAVED_CONFIG = "config.yaml"
TABLE = re.compile(r"(<!-- table: (\S+): ([^>]*?) -->\n).*?(<!-- end of table -->)", re.DOTALL)


def updated(page: str, folder: Path) -> str:
    """A page with its tables written again from the records in a folder."""

    def table(found: re.Match[str]) -> str:
        kinds = [each.strip() for each in found[3].split(",")]
        return f"{found[1]}{shown(folder / found[2], kinds)}{found[4]}"

    return TABLE.sub(table, page)


def shown(folder: Path, kinds: list[str]) -> str:
    """A table of some kinds of columns of the test split, and where each row was measured.

    Raises:
        ValueError: the folder has no rows, or the runs of a row are not seeds of one setting.
    """
    rows = {each.name: records(each) for each in sorted(folder.glob("*")) if each.is_dir()}
    if not rows:
        raise ValueError(f"{folder} has no rows; keep a run there: results.py RUN TABLE/ROW")
    table = cells([row(name, runs) for name, runs in rows.items()])
    kept = [
        place
        for place, title in enumerate(table[0])
        if title in ("model", "seeds") or kind(title) in kinds
    ]
    selected = [[line[place] for place in kept] for line in table]
    sources = "".join(f"- {name}: {source(runs)}\n" for name, runs in rows.items())
    return f"\n{markdown(selected)}\n{sources}\n"


def records(folder: Path) -> list[dict[str, Any]]:
    """What the runs of a row have recorded: "results", "config" and "env".

    Raises:
        ValueError: they are not seeds of one setting, or are of several versions or machines.
    """
    runs = [record(path.parent) for path in sorted(folder.rglob(RESULTS))]
    settings = [{k: v for k, v in run["config"].items() if k != "seed"} for run in runs]
    seeds = {run["config"]["seed"] for run in runs}
    if not runs or len(seeds) < len(runs) or any(each != settings[0] for each in settings):
        raise ValueError(f"{folder}: its runs are not seeds of one setting")
    machines = [{**run["env"], "commit": None} for run in runs]
    if any(each != machines[0] for each in machines):
        raise ValueError(f"{folder}: its runs are of several versions or machines")
    return runs


def record(folder: Path) -> dict[str, Any]:
    """One run's results, configuration and environment."""
    return {
        "results": json.loads((folder / RESULTS).read_text()),
        "config": OmegaConf.to_container(OmegaConf.load(folder / SAVED_CONFIG)),
        "env": json.loads((folder / ENVIRONMENT).read_text()),
    }


def row(name: str, runs: list[dict[str, Any]]) -> Row:
    """The test figures of a row's seeds; figures that one of the versions lacks are left out."""
    made = Row(name, runs[0]["results"]["data"])
    known = {each.name for each in fields(SplitResults)}
    for run in runs:
        test = {key: value for key, value in run["results"]["test"].items() if key in known}
        made.add({**columns(asdict(SplitResults(**test))), **of_training(run["results"])})
    return made


def source(runs: list[dict[str, Any]]) -> str:
    """The commit, machine and setting of a row's runs."""
    env = runs[0]["env"]
    seeds: dict[str, list[int]] = {}
    for run in sorted(runs, key=lambda run: run["config"]["seed"]):
        seeds.setdefault(run["env"]["commit"], []).append(run["config"]["seed"])
    return ", ".join(
        [
            *(f"commit {commit} ({_named(numbers)})" for commit, numbers in seeds.items()),
            env["device"],
            f"torch {env['packages']['torch']}",
            f"{env['threads']} thread{'s' if env['threads'] > 1 else ''}",
            runs[0]["results"]["precision"],
        ]
    )


def _named(seeds: list[int]) -> str:
    return f"seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))}"


def keep(run: Path, folder: Path) -> None:
    """Copies the record of a finished run, without the folders of that machine.

    Its samples are never copied: they may quote licensed text.

    Raises:
        ValueError: the run cannot be had again from one commit and its configuration.
    """
    commit = json.loads((run / ENVIRONMENT).read_text())["commit"] or "+"
    if commit.endswith("+"):
        raise ValueError(f"{run} was trained with changes that no commit has")
    if (run / OVERRIDES).exists():
        raise ValueError(f"{run} was resumed with other options, so no one command repeats it")
    folder.mkdir(parents=True)
    for name in (RESULTS, ENVIRONMENT):
        shutil.copyfile(run / name, folder / name)
    config: Any = OmegaConf.load(run / CONFIG)
    config.data.pop("root", None)
    for folder_name in ("outputs", "sweep"):
        config.pop(folder_name, None)
    if config.trainer.init_from:
        config.trainer.init_from = Path(config.trainer.init_from).name
    OmegaConf.save(config, folder / SAVED_CONFIG)


def main() -> None:
    """Keeps the run that is given, then writes every table again."""
    if len(sys.argv) == 3:
        keep(Path(sys.argv[1]), ROOT / "results" / sys.argv[2])
    for name in PAGES:
        path = ROOT / name
        path.write_text(updated(path.read_text(), ROOT / "results"))


if __name__ == "__main__":
    main()
