"""Sweeps: what jobs they are made of, and a look at all before the first one trains. Imports no torch."""

from typing import Any

from hydra import compose
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from vaetext.cli.launch import Failed
from vaetext.config.errors import explain
from vaetext.config.store import VERBS, typed


def jobs(overrides: list[str]) -> list[list[str]]:
    """The overrides of each job of a sweep: ``["seed=1,2", "model=vrae"]`` -> ``[["seed=1", "model=vrae"], ["seed=2", "model=vrae"]]``.

    Raises:
        HydraException: they are those of another sweeper, or none.
    """
    (every,) = BasicSweeper.split_arguments(
        OverridesParser.create().parse_overrides(overrides), None
    )
    return every


class CheckJobs(Callback):
    """Refuses a sweep whose last job would be wrong before its first one has trained for hours."""

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Reads every job's configuration.

        Raises:
            Failed: naming the first job that is wrong.
        """
        hydra, verb = config.hydra, str(config.hydra.job.config_name)
        params = [f"{key}={value}" for key, value in (hydra.sweeper.get("params") or {}).items()]
        try:
            every = jobs([*params, *hydra.overrides.task])
        except HydraException:  # another sweeper's, which finds its jobs as it goes
            return
        for number, overrides in enumerate(every):
            try:
                typed(compose(verb, [*hydra.overrides.hydra, *overrides]), VERBS[verb])
            except Exception as error:
                raise Failed(
                    ValueError(f"job {number} ({' '.join(overrides)}): {explain(error)}")
                ) from error
