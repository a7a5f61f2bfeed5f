"""From run folders to the rows of a table: runs that differ in the seed alone are one row."""

import hashlib
import json
import logging
import math
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from vaetext.config.saved import flat
from vaetext.config.train import TrainConfig
from vaetext.config.trainer import TECHNICAL
from vaetext.data.loader import SPLITS
from vaetext.report.columns import Values, columns
from vaetext.report.table import Row
from vaetext.runs.folder import load_config
from vaetext.runs.layout import CONFIG, DONE, RESULTS, SOURCES
from vaetext.runs.results import checked_results, is_done, read_json, read_results

log = logging.getLogger(__name__)

Setting = dict[str, Any]  # full key -> value, of everything that makes a run another row
NOT_IN_SETTING = {
    "seed",
    "outputs",
    "sweep",
    "debug",
    "data.root",
    *(f"trainer.{name}" for name in TECHNICAL),
}
# Not options: they differ where files of the same name hold other text, from the plainest on.
COUNTS = tuple(f"data.{split}_tokens" for split in SPLITS)
TEXT = "data.text"  # from the checksums of the files


@dataclass(frozen=True)
class Finished:
    """What a table needs of one finished run."""

    folder: Path
    seed: int
    setting: Setting
    values: Values


def find_runs(paths: list[str]) -> list[Path]:
    """The finished runs at or below each path, each once.

    Raises:
        ValueError: no path is given, one does not exist, or no run there has finished.
    """
    if not paths:
        raise ValueError(
            "runs=[]: name run folders, sweep folders or folders that hold them, as in"
            " `vaetext tables outputs`"
        )
    found: dict[Path, None] = {}
    for folder in (folder for path in paths for folder in _folders_below(Path(path))):
        if is_done(folder):
            found[folder] = None
        else:
            log.warning("%s has not finished and is left out; `vaetext resume` finishes it", folder)
    if not found:
        raise ValueError(
            f"runs={paths}: no finished run in there (none has a file {DONE});"
            " `vaetext resume RUN` finishes one"
        )
    return list(found)


def collect(runs: list[Path], split: str) -> list[Row]:
    """A row for each setting, with the figures of every seed; of a seed's runs the newest counts.

    A run that is damaged, of another version, or of a model that is not installed, is left out.

    Raises:
        ValueError: none of the runs can be read.
    """
    settings: dict[str, Setting] = {}
    groups: dict[str, dict[int, Finished]] = {}
    for run in _readable(runs, split):
        key = json.dumps(run.setting, sort_keys=True)
        settings[key] = run.setting
        seeds = groups.setdefault(key, {})
        if run.seed in seeds:
            repeated = seeds[run.seed].folder
            log.warning("%s repeats %s; the newer one counts", run.folder, repeated)
        seeds[run.seed] = run
    rows = [
        _row(setting, list(settings.values()), list(groups[key].values()))
        for key, setting in settings.items()
    ]
    return sorted(rows, key=lambda row: (_natural(row.data), _natural(row.label)))


def figures(folder: Path, split: str) -> Values:
    """A run's columns, with those of other K that `vaetext evaluate` wrote for its checkpoint.

    Figures of `vaetext evaluate` that cannot be read are left out.

    Raises:
        ValueError: the run's own figures are damaged, another version's, or not of that split.
    """
    result = read_results(folder)
    if split not in result:
        raise ValueError(f"split={split}: {folder / RESULTS} has no such split")
    with checked_results(folder / RESULTS):
        values = columns(result[split])
    trained_on = _sources(folder).get("sha256", {}).get(split)
    for path in sorted(folder.glob(f"evaluate/**/{RESULTS}")):  # a multirun's are a level deeper
        try:
            values = {**evaluated(path, result, split, trained_on), **values}
        except ValueError as error:
            log.warning("%s", error)
    return values


def evaluated(
    path: Path, result: dict[str, Any], split: str, trained_on: str | None = None
) -> Values:
    """The columns that `vaetext evaluate` wrote to ``path``.

    None where it evaluated another split, other data, or another checkpoint than the one of
    ``result``.

    Args:
        trained_on: checksum of the split's sequences in training, where it is known.

    Raises:
        ValueError: the file is damaged, another version's, or of other text.
    """
    later = read_json(path)
    with checked_results(path):
        checkpoint = later["checkpoint"], later["best_epoch"]
        if split not in later or later.get("other") or checkpoint != ("best", result["best_epoch"]):
            return {}
        sizes = ("sequences", "tokens")
        scored = later.get("sequences_sha256") or trained_on
        if scored != trained_on or any(later[split][n] != result[split][n] for n in sizes):
            raise ValueError(f"{path} is of other text than the run's own figures and is left out")
        return columns(later[split])


def labels(setting: Setting, settings: list[Setting]) -> tuple[str, str]:
    """The names of a row's model and data, each with the options in which rows of that name differ.

    The trainer's options are shown by its name where runs of one trainer do not differ.
    """
    same_data = [each for each in settings if each["data.label"] == setting["data.label"]]
    same_model = [each for each in same_data if each["model.name"] == setting["model.name"]]
    same_trainer = [each for each in same_model if each["trainer.name"] == setting["trainer.name"]]
    data = _data_keys(setting, same_data)
    trainer = differing(setting, same_model, "trainer.name")
    trainer += [key for key in differing(setting, same_trainer, "trainer.") if key not in trainer]
    model = differing(setting, same_model, "model.")
    return _label(setting, "model.name", [*model, *trainer]), _label(setting, "data.label", data)


def _data_keys(setting: Setting, others: list[Setting]) -> list[str]:
    """The options in which data sets differ; then sizes, then text, where options are alike."""
    keys = [key for key in differing(setting, others, "data.") if key not in (*COUNTS, TEXT)]
    for more in (COUNTS, (TEXT,)):
        alike = [each for each in others if all(each.get(key) == setting[key] for key in keys)]
        keys += [key for key in differing(setting, alike, "data.") if key in more]
    return keys


def differing(setting: Setting, others: list[Setting], prefix: str) -> list[str]:
    """The keys with a prefix that have another value in some of the others."""
    return [
        key
        for key in setting
        if key.startswith(prefix) and any(each.get(key) != setting[key] for each in others)
    ]


def _folders_below(path: Path) -> list[Path]:
    if not path.exists():
        raise ValueError(
            f"runs: {path} does not exist; name a folder that `vaetext train` wrote, or one that"
            " holds some"
        )
    return sorted(each.parent.parent.resolve() for each in path.resolve().rglob(CONFIG))


def _readable(runs: list[Path], split: str) -> Iterator[Finished]:
    """The runs that can be read, the oldest first; the others are logged.

    Raises:
        ValueError: there is none.
    """
    count = 0
    for folder in sorted(runs, key=lambda folder: (folder / DONE).stat().st_mtime):
        try:
            run = _read(folder, split)
        except ValueError as error:
            if len(runs) == 1:
                raise
            log.warning("%s; the run is left out", error)
            continue
        count += 1
        yield run
    if not count:
        raise ValueError(f"none of the {len(runs)} runs can be read; see above")


def _read(folder: Path, split: str) -> Finished:
    config = load_config(folder)
    values = figures(folder, split)
    setting = _setting(config)
    setting[f"data.{split}_tokens"] = read_results(folder)[split]["tokens"]
    setting[TEXT] = _text_sum(folder)
    return Finished(folder, config.seed, setting, values)


def _text_sum(folder: Path) -> str | None:
    """A sum of the text that a run was trained on; None where its data is generated."""
    sums = _sources(folder).get("file_sha256")
    return hashlib.sha256(json.dumps(sums).encode()).hexdigest()[:8] if sums else None


def _sources(folder: Path) -> dict[str, Any]:
    return read_json(folder / SOURCES) if (folder / SOURCES).is_file() else {}


def _setting(config: TrainConfig) -> Setting:
    options = flat(asdict(config))
    return {key: value for key, value in options.items() if key not in NOT_IN_SETTING}


def _row(setting: Setting, settings: list[Setting], runs: list[Finished]) -> Row:
    row = Row(*labels(setting, settings))
    for run in runs:
        row.add(run.values)
    return row


def _label(setting: Setting, name: str, keys: list[str]) -> str:
    shown = [f"{_short(key)}={setting[key]}" for key in keys]
    return " ".join([str(setting[name]), *shown])


def _short(key: str) -> str:
    """An option as a label shows it: ``trainer.name`` -> trainer, ``model.layers`` -> layers."""
    return key.removesuffix(".name") if key.endswith(".name") else key.partition(".")[2]


def _natural(label: str) -> list[tuple[float, str]]:
    """A key that sorts labels by the numbers in them: 8 before 16."""
    parts = re.split(r"(\d+(?:\.\d+)?)", label)
    return [(float(part), "") if n % 2 else (math.inf, part) for n, part in enumerate(parts)]
