"""From a verb and its arguments to its run, through Hydra. Imports no torch."""

import logging
import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import hydra
import yaml
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from vaetext.cli.resolvers import register_resolvers, released_on_error
from vaetext.config.choices import check_choices
from vaetext.config.errors import explain
from vaetext.config.groups import option_file
from vaetext.config.store import register, typed
from vaetext.config.train import TrainConfig
from vaetext.config.verbs import VERBS
from vaetext.runs.signals import interruption

log = logging.getLogger(__name__)
PRINTED = {"printed": True}  # a record of what the command line prints itself: for log files alone
register_resolvers()  # here, so that a process of a launcher, which imports ``task``, has them too
TRAINER_FOR = {"trainer_for_data": "data", "trainer_for_model": "model"}


class Failed(BaseException):
    """A job ended with ``error``. No Exception, so that Hydra does not handle it."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


def start(verb: str, arguments: list[str]) -> None:
    """Runs a verb with Hydra's flags and overrides.

    An error is raised as it is; a folder to which no result was written is removed first.
    """
    sys.argv = ["vaetext", *arguments]
    logging.raiseExceptions = False  # a log on a full disk prints no traceback over our message
    register()
    with released_on_error():
        hydra.main(version_base="1.3", config_path="pkg://vaetext.conf", config_name=verb)(task)()


def task(config: DictConfig) -> Any:
    """Runs one job: ``vaetext.verbs.<verb>.run`` with the typed configuration.

    An error or an interrupt is in the job's log file before it is raised.

    Raises:
        Failed: with the error.
        ValueError: in a multirun, which continues with its other jobs; names the job.
    """
    job = HydraConfig.get()
    verb = str(job.job.config_name)
    try:
        options = typed(config, VERBS[verb].schema)
        check_choices(options, job.runtime.choices)
        if isinstance(options, TrainConfig):
            for group, kind in TRAINER_FOR.items():
                _log_trainer_for(options, job.runtime.choices, group, kind)
        return import_module(f"vaetext.verbs.{verb}").run(options)
    except KeyboardInterrupt as error:
        log.warning(interruption(error), extra=PRINTED)
        raise
    except Exception as error:
        if job.mode != RunMode.MULTIRUN:
            log.error("error: %s", explain(error), extra=PRINTED)
            raise Failed(error) from error
        reason = explain(error)
        log.error("error: job %s: %s", job.job.num, reason, exc_info=config.debug)
        overrides = " ".join(job.overrides.task)
        raise ValueError(f"job {job.job.num} failed ({overrides}): {reason}") from error


def _log_trainer_for(
    config: TrainConfig, choices: Mapping[str, str | None], group: str, kind: str
) -> None:
    """Logs the options that a trainer has on one data set, or for one model, only.

    Those that were changed again are left out.
    """
    name = choices.get(f"{group}@trainer")
    file = option_file(group, name) if name else None
    if file is None:
        return
    options = yaml.safe_load(file.read_text()).items()
    same = [f"{key}={value}" for key, value in options if getattr(config.trainer, key) == value]
    if same:
        log.info(
            "trainer=%s on %s=%s: %s options from conf/%s/%s.yaml (%s)",
            *(choices["trainer"], kind, choices[kind], len(same)),
            *(group, name, ", ".join(same)),
        )
