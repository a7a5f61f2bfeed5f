"""``vaetext tables``: any runs as one table."""

import json
import logging
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from vaetext.config.verbs import TablesConfig
from vaetext.runner.console import show
from vaetext.runner.files import atomic_write
from vaetext.runner.run_folder import CONFIG, RESULTS
from vaetext.runner.table import FORMATS, NOTE, Row, cells, columns

log = logging.getLogger(__name__)
EXTENSIONS = {"markdown": "md", "csv": "csv", "latex": "tex"}
NOT_A_SETTING = ("seed", "outputs", "debug", "trainer.device", "trainer.threads", "data.root")


def run(config: TablesConfig) -> None:
    """Prints one table of all finished runs below the given folders, and writes all three formats to ``output``.

    Raises:
        ValueError: no folder is given, one does not exist, or none holds a finished run.
    """
    rows = collect(find_runs(config.runs), config.split)
    table = cells(rows)
    note = NOTE.format(split=config.split).replace("\n", " ")
    for name, extension in EXTENSIONS.items() if config.output else ():
        atomic_write(Path(str(config.output)) / f"table.{extension}", FORMATS[name](table) + (f"\n{note}\n" if name == "markdown" else ""))
    show(FORMATS[config.format](table) + (f"\n{note}" if config.format == "markdown" else ""))


def find_runs(paths: list[str]) -> list[Path]:
    """The finished runs at or below each path, links to them left out.

    Raises:
        ValueError: nothing given, a path that is not there, or no finished run.
    """
    if not paths:
        raise ValueError("runs=[]: name run folders, sweep folders or folders that hold them, as in `vaetext tables outputs`")
    found: list[Path] = []
    for path in map(Path, paths):
        if not path.exists():
            raise ValueError(f"runs: {path} does not exist")
        runs = [config.parent.parent for config in sorted(path.resolve().rglob(CONFIG))]
        unfinished = [run for run in runs if not (run / RESULTS).is_file()]
        for run in unfinished:
            log.warning("%s has not finished and is left out; `vaetext resume` goes on with it", run)
        found += [run for run in runs if run not in unfinished and run not in found]
    if not found:
        raise ValueError(f"runs={paths}: no finished run in there (none has a {RESULTS})")
    return found


def collect(runs: list[Path], split: str) -> list[Row]:
    """A row for each setting; runs that are equal in all but the seed are one row. Labels name the knobs that differ."""
    results = [json.loads((run / RESULTS).read_text()) for run in runs]
    settings = [_flat(OmegaConf.to_container(OmegaConf.load(run / CONFIG), resolve=True)) for run in runs]
    rows: dict[str, Row] = {}
    for result, setting in zip(results, settings, strict=True):
        key = json.dumps(setting, sort_keys=True, default=str)
        row = rows.setdefault(key, Row(_label(setting, settings), result["data"]))
        for name, value in columns(result[split]).items():
            row.columns.setdefault(name, []).append(value)
    return sorted(rows.values(), key=lambda row: (row.data, row.label))


def _flat(node: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(node, dict):
        return {prefix: node}
    flat = {key: value for name, child in node.items() for key, value in _flat(child, f"{prefix}.{name}" if prefix else str(name)).items()}
    return {key: value for key, value in flat.items() if key not in NOT_A_SETTING}


def _label(setting: dict[str, Any], settings: list[dict[str, Any]]) -> str:
    """The model's name, and each knob in which runs of that model on that data differ."""
    alike = [each for each in settings if all(each.get(key) == setting.get(key) for key in ("model.name", "data.name"))]
    differing = [key for key in setting if len({str(each.get(key)) for each in alike}) > 1]
    if "trainer.name" in differing:  # it stands for the trainer's other knobs
        differing = [key for key in differing if key == "trainer.name" or not key.startswith("trainer.")]
    return " ".join([str(setting["model.name"]), *(f"{key.removeprefix('model.')}={setting[key]}" for key in differing)])
