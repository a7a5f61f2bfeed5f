"""The settings of runs: what makes them other rows, and the options that tell rows apart."""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from vaetext.config.saved import flat
from vaetext.config.train import TrainConfig
from vaetext.config.trainer import TECHNICAL
from vaetext.data.loader import SPLITS
from vaetext.report.rows import Setting
from vaetext.runs.layout import SOURCES
from vaetext.runs.results import read_json

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


def read_setting(config: TrainConfig, folder: Path, split: str, tokens: int) -> Setting:
    """Everything that makes a run another row: its options, and the text that it is of.

    Args:
        tokens: of the split.
    """
    options = flat(asdict(config))
    setting = {key: value for key, value in options.items() if key not in NOT_IN_SETTING}
    return {**setting, f"data.{split}_tokens": tokens, TEXT: _text_sum(folder)}


def table_options(settings: list[Setting]) -> list[str]:
    """The options that tell rows apart, by full key, each a column: of data, model, then trainer.

    An option counts where runs of one model on one data set differ in it. Those of the trainer
    count where runs of one trainer do.
    """
    found: dict[str, None] = {}
    for setting in settings:
        found |= dict.fromkeys(_own_options(setting, settings))
    groups = ("data.", "model.", "trainer.")
    return [key for group in groups for key in found if key.startswith(group)]


def varying(settings: list[Setting]) -> list[str]:
    """Every option that has several values among the settings that have it."""
    keys = dict.fromkeys(key for setting in settings for key in setting)
    return [key for key in keys if len(_values(settings, key)) > 1]


def sources(folder: Path) -> dict[str, Any]:
    """What a run records of its data's files, ``sources.json``; empty where it has none."""
    return read_json(folder / SOURCES) if (folder / SOURCES).is_file() else {}


def _own_options(setting: Setting, settings: list[Setting]) -> list[str]:
    same_data = [each for each in settings if each["data.label"] == setting["data.label"]]
    same_model = [each for each in same_data if each["model.name"] == setting["model.name"]]
    same_trainer = [each for each in same_model if each["trainer.name"] == setting["trainer.name"]]
    return [
        *_data_keys(setting, same_data),
        *_differing(setting, same_model, "model."),
        *_differing(setting, same_model, "trainer.name"),
        *_differing(setting, same_trainer, "trainer."),
    ]


def _data_keys(setting: Setting, others: list[Setting]) -> list[str]:
    """The options in which data sets differ; then sizes, then text, where options are alike."""
    keys = [key for key in _differing(setting, others, "data.") if key not in (*COUNTS, TEXT)]
    for more in (COUNTS, (TEXT,)):
        alike = [each for each in others if all(each.get(key) == setting[key] for key in keys)]
        keys += [key for key in _differing(setting, alike, "data.") if key in more]
    return keys


def _differing(setting: Setting, others: list[Setting], prefix: str) -> list[str]:
    """The keys with a prefix that have another value in some of the others."""
    return [
        key
        for key in setting
        if key.startswith(prefix) and any(each.get(key) != setting[key] for each in others)
    ]


def _values(settings: list[Setting], key: str) -> set[str]:
    return {json.dumps(setting[key]) for setting in settings if key in setting}


def _text_sum(folder: Path) -> str | None:
    """A sum of the text that a run was trained on; None where its data is generated."""
    sums = sources(folder).get("file_sha256")
    return hashlib.sha256(json.dumps(sums).encode()).hexdigest()[:8] if sums else None
