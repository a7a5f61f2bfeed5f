"""``vaetext tables``: any runs as one table."""

import json
import logging
import math
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

from vaetext.config.store import flat
from vaetext.config.trainer import TECHNICAL
from vaetext.config.verbs import TablesConfig
from vaetext.data.atomic import atomic_write
from vaetext.data.loader import SPLITS
from vaetext.report.console import show
from vaetext.report.table import FORMATS, Row, Values, columns
from vaetext.runs.folder import checked_results, is_done, load_config, read_json, read_results
from vaetext.runs.layout import CONFIG, DONE, RESULTS

log = logging.getLogger(__name__)
EXTENSIONS = {"markdown": "md", "csv": "csv", "latex": "tex"}
NOT_A_SETTING = {
    "seed", "outputs", "sweep", "debug", "data.root", *(f"trainer.{name}" for name in TECHNICAL),
}  # fmt: skip
COUNTS = tuple(
    f"data.{split}_tokens" for split in SPLITS
)  # no options: they tell other text in files of the same name
Setting = dict[str, Any]  # full key -> value, as JSON


def run(config: TablesConfig) -> None:
    """Prints one table of all finished runs below the given folders, and writes it in all three formats to ``output``.

    Raises:
        ValueError: no folder is given, one does not exist, or none holds a finished run.
    """
    rows = collect(find_runs(config.runs), config.split)
    for name, extension in EXTENSIONS.items() if config.output else ():
        atomic_write(
            Path(str(config.output)) / f"table.{extension}", FORMATS[name](rows, config.split)
        )
    show(FORMATS[config.format](rows, config.split).rstrip("\n"))


def find_runs(paths: list[str]) -> list[Path]:
    """The finished runs at or below each path, each once.

    Raises:
        ValueError: nothing given, a path that is not there, or no finished run.
    """
    if not paths:
        raise ValueError(
            "runs=[]: name run folders, sweep folders or folders that hold them, as in `vaetext tables outputs`"
        )
    found: dict[Path, None] = {}
    for path in map(Path, paths):
        if not path.exists():
            raise ValueError(
                f"runs: {path} does not exist; name a folder that `vaetext train` wrote, or one that holds some"
            )
        for folder in sorted(each.parent.parent.resolve() for each in path.resolve().rglob(CONFIG)):
            if is_done(folder):
                found[folder] = None
            else:
                log.warning(
                    "%s has not finished and is left out; `vaetext resume` goes on with it", folder
                )
    if not found:
        raise ValueError(
            f"runs={paths}: no finished run in there (none has a file {DONE}); `vaetext resume RUN` finishes one"
        )
    return list(found)


def collect(runs: list[Path], split: str) -> list[Row]:
    """A row for each setting; runs that are equal in all but the seed are one row, and where the seed is the same too the newest counts.

    Runs on files of the same name that hold other text are no such runs: their splits differ in size. A run that is damaged, of another
    version, or of a model that is not installed, is left out.

    Raises:
        ValueError: none of the runs can be read.
    """
    groups: dict[str, dict[int, tuple[Path, Values]]] = {}
    for folder in sorted(runs, key=lambda run: (run / DONE).stat().st_mtime):
        try:
            config, values = load_config(folder), figures(folder, split)
        except ValueError as error:
            if runs == [folder]:
                raise
            log.warning("%s; the run is left out", error)
            continue
        setting = {
            key: value for key, value in flat(asdict(config)).items() if key not in NOT_A_SETTING
        }
        setting[f"data.{split}_tokens"] = read_results(folder)[split]["tokens"]
        seeds = groups.setdefault(json.dumps(setting, sort_keys=True), {})
        if config.seed in seeds:
            log.warning("%s repeats %s; the newer one counts", folder, seeds[config.seed][0])
        seeds[config.seed] = folder, values
    if not groups:
        raise ValueError(f"none of the {len(runs)} runs can be read; see above")
    settings = [json.loads(key) for key in groups]
    rows = [Row(*labels(setting, settings)) for setting in settings]
    for row, seeds in zip(rows, groups.values(), strict=True):
        for _, values in seeds.values():
            row.add(values)
    return sorted(rows, key=lambda row: (_natural(row.data), _natural(row.label)))


def _natural(label: str) -> list[tuple[float, str]]:
    """What sorts labels by the numbers in them: 8 before 16."""
    parts = re.split(r"(\d+(?:\.\d+)?)", label)
    return [(float(part), "") if n % 2 else (math.inf, part) for n, part in enumerate(parts)]


def figures(run: Path, split: str) -> Values:
    """A run's columns, and IW-NLL and IW-PPL with more samples where `vaetext evaluate` found them for the same checkpoint.

    Raises:
        ValueError: the run's own figures are damaged, another version's, or not of that split; those of `vaetext evaluate` are left out.
    """
    result = read_results(run)
    if split not in result:
        raise ValueError(f"split={split}: {run / RESULTS} has no such split")
    with checked_results(run / RESULTS):
        values = columns(result[split])
    for path in sorted(run.glob(f"evaluate/**/{RESULTS}")):  # a multirun's lie a level deeper
        try:
            values = {**later_figures(path, result, split), **values}
        except ValueError as error:
            log.warning("%s", error)
    return values


def later_figures(path: Path, result: dict[str, Any], split: str) -> Values:
    """The columns of what `vaetext evaluate` wrote to ``path``; none where it is of another split or checkpoint than ``result``.

    Raises:
        ValueError: it is damaged, another version's, or of other text.
    """
    later = read_json(path)
    with checked_results(path):
        if split not in later or (later["checkpoint"], later["best_epoch"]) != (
            "best",
            result["best_epoch"],
        ):
            return {}
        if any(later[split][size] != result[split][size] for size in ("sequences", "tokens")):
            raise ValueError(f"{path} is of other text than the run's own figures and is left out")
        return columns(later[split])


def labels(setting: Setting, settings: list[Setting]) -> tuple[str, str]:
    """The model and the data set by name, each with the options in which runs of that name differ.

    A trainer's name stands for its options, unless runs of one trainer differ too.
    """
    same_data = [each for each in settings if each["data.name"] == setting["data.name"]]
    same_model = [each for each in same_data if each["model.name"] == setting["model.name"]]
    same_trainer = [each for each in same_model if each["trainer.name"] == setting["trainer.name"]]
    data = differing(setting, same_data, "data.")
    data = [key for key in data if key not in COUNTS] or data
    model = differing(setting, same_model, "model.")
    trainer = [key for key in differing(setting, same_model, "trainer.") if key == "trainer.name"]
    trainer += [key for key in differing(setting, same_trainer, "trainer.") if key not in trainer]
    return _name(setting, "model.name", [*model, *trainer]), _name(setting, "data.name", data)


def differing(setting: Setting, others: list[Setting], prefix: str) -> list[str]:
    """The keys of a group in which some of the others have another value."""
    return [
        key
        for key in setting
        if key.startswith(prefix) and any(each.get(key) != setting[key] for each in others)
    ]


def _name(setting: Setting, name: str, keys: list[str]) -> str:
    shown = {
        key: key.removesuffix(".name") if key.endswith(".name") else key.partition(".")[2]
        for key in keys
    }
    return " ".join([str(setting[name]), *(f"{shown[key]}={setting[key]}" for key in keys)])
