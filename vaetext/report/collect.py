"""From run folders to the rows of a table: runs that differ in the seed alone are one row."""

import json
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from vaetext.report.columns import Values, columns
from vaetext.report.rows import Finished, Row, Setting, natural
from vaetext.report.settings import read_setting, sources, table_options
from vaetext.report.times import seconds_to
from vaetext.runs.folder import load_config
from vaetext.runs.layout import CONFIG, DONE, ENVIRONMENT, RESULTS
from vaetext.runs.results import checked_results, is_done, read_json, read_results

log = logging.getLogger(__name__)


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


def collect(runs: list[Path], split: str, bounds: Mapping[str, float] | None = None) -> list[Row]:
    """A row for each setting, with the figures of every seed; of a seed's runs the newest counts.

    A run that is damaged, of another version, or of a model that is not installed, is left out.

    Args:
        runs: their folders.
        split: of which the figures are.
        bounds: as of ``seconds_to``, whose columns each row has too.

    Raises:
        ValueError: none of the runs can be read.
    """
    groups: dict[str, dict[int, Finished]] = {}
    for run in _readable(runs, split, bounds or {}):
        seeds = groups.setdefault(json.dumps(run.setting, sort_keys=True), {})
        if run.seed in seeds:
            repeated = seeds[run.seed].folder
            log.warning("%s repeats %s; the newer one counts", run.folder, repeated)
        seeds[run.seed] = run
    found = [list(seeds.values()) for seeds in groups.values()]
    keys = table_options([runs[0].setting for runs in found])
    return sorted((_row(runs, keys) for runs in found), key=_place)


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
    trained_on = sources(folder).get("sha256", {}).get(split)
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


def _folders_below(path: Path) -> list[Path]:
    if not path.exists():
        raise ValueError(
            f"runs: {path} does not exist; name a folder that `vaetext train` wrote, or one that"
            " holds some"
        )
    return sorted(each.parent.parent.resolve() for each in path.resolve().rglob(CONFIG))


def _readable(runs: list[Path], split: str, bounds: Mapping[str, float]) -> Iterator[Finished]:
    """The runs that can be read, the oldest first; the others are logged.

    Raises:
        ValueError: there is none.
    """
    count = 0
    for folder in sorted(runs, key=lambda folder: (folder / DONE).stat().st_mtime):
        try:
            run = _read(folder, split, bounds)
        except ValueError as error:
            if len(runs) == 1:
                raise
            log.warning("%s; the run is left out", error)
            continue
        count += 1
        yield run
    if not count:
        raise ValueError(f"none of the {len(runs)} runs can be read; see above")


def _read(folder: Path, split: str, bounds: Mapping[str, float]) -> Finished:
    config = load_config(folder)
    values = {**figures(folder, split), **seconds_to(folder, bounds)}
    results = read_results(folder)
    return Finished(
        folder,
        config.seed,
        read_setting(config, folder, split, results[split]["tokens"]),
        values,
        results,
        _commit(folder),
    )


def _commit(folder: Path) -> str | None:
    found = read_json(folder / ENVIRONMENT) if (folder / ENVIRONMENT).is_file() else {}
    return found.get("commit")


def _row(runs: list[Finished], keys: list[str]) -> Row:
    """The row of one setting's seeds, with those of the table's options that it has."""
    runs = sorted(runs, key=lambda run: run.seed)
    setting: Setting = runs[0].setting
    options = {key: setting[key] for key in keys if key in setting}
    row = Row(str(setting["model.name"]), str(setting["data.label"]), options=options, runs=runs)
    for run in runs:
        row.add(run.values)
    return row


def _place(row: Row) -> tuple[Any, ...]:
    return natural(row.data), natural(row.label), *map(natural, row.options.values())
