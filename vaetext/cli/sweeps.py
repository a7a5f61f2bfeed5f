"""Checks the configuration of a run, or of every job of a sweep, before anything is written.

Imports no torch.
"""

from typing import Any

from hydra import compose
from hydra.errors import HydraException
from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from vaetext.cli.launch import Failed
from vaetext.config.errors import explain
from vaetext.config.store import typed
from vaetext.config.verbs import VERBS
from vaetext.runs.layout import CONFIG
from vaetext.runs.sweep import jobs


class CheckConfigurations(Callback):
    """Refuses a wrong configuration before Hydra makes a folder; of a sweep, before its first job.

    Raises:
        Failed: with the error; Hydra turns any other exception of a callback into a warning.
    """

    def on_run_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Checks the configuration of a single run."""
        try:
            _check_subfolder(config)
            _check(config, str(config.hydra.job.config_name))
        except Exception as error:
            raise Failed(error) from error

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Checks the configuration of each job, unless a sweeper of another kind chooses them."""
        hydra = config.hydra
        try:
            _check_subfolder(config)
        except ValueError as error:
            raise Failed(error) from error
        params = [f"{key}={value}" for key, value in (hydra.sweeper.get("params") or {}).items()]
        try:
            every = jobs([*params, *hydra.overrides.task])
        except HydraException:
            return
        for number, overrides in enumerate(every):
            self._check_job(number, overrides, config)

    def _check_job(self, number: int, overrides: list[str], config: DictConfig) -> None:
        verb = str(config.hydra.job.config_name)
        try:
            _check(compose(verb, [*config.hydra.overrides.hydra, *overrides]), verb)
        except Exception as error:
            message = f"job {number} ({' '.join(overrides)}): {explain(error)}"
            raise Failed(ValueError(message)) from error


def _check_subfolder(config: DictConfig) -> None:
    """Raises ValueError where Hydra would write its own record, references in place of values."""
    if config.hydra.output_subdir is not None:
        raise ValueError(
            f"hydra.output_subdir={config.hydra.output_subdir}: leave it out; the values that a run"
            f" is trained with are always in RUN/{CONFIG}"
        )


def _check(config: DictConfig, verb: str) -> None:
    typed(config, VERBS[verb].schema)
