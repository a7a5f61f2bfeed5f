"""Checks the configuration of a run, or of every job of a sweep, before anything is written.

The jobs of a sweep get their folders, with their configurations, before the first of them starts.
Imports no torch.
"""

import logging
import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra import compose
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf, open_dict, read_write

from vaetext.cli.launch import Failed
from vaetext.cli.resolvers import SWEPT
from vaetext.config.choices import check_choices
from vaetext.config.errors import explain
from vaetext.config.quoting import resuming
from vaetext.config.store import typed
from vaetext.config.train import TrainConfig
from vaetext.config.verbs import VERBS
from vaetext.runs.folder import (
    check_link,
    check_links,
    check_same_config,
    save_config,
    sweep_folder,
)
from vaetext.runs.layout import CONFIG, SWEEP
from vaetext.runs.results import is_done
from vaetext.runs.sweep import jobs, sweep_overrides, swept_options

log = logging.getLogger(__name__)


@dataclass
class Job:
    """A job of a sweep of ``vaetext train``.

    Attributes:
        overrides: of this job.
        config: of the run.
        folder: of the run.
    """

    overrides: list[str]
    config: TrainConfig
    folder: Path


_running: list[Job] = []  # of the sweep of this process, where its jobs are known


class CheckConfigurations(Callback):
    """Refuses a wrong configuration before Hydra makes a folder; of a sweep, before its first job.

    Raises:
        Failed: with the error; Hydra turns any other exception of a callback into a warning.
    """

    def on_run_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Checks the configuration of a single run, and the folder in which it opens its log."""
        _running.clear()
        with _failing(), _as_hydras(config):
            _check_hydra(config)
            checked = typed(config, VERBS[str(config.hydra.job.config_name)].schema)
            check_choices(checked, config.hydra.runtime.choices)
            if "file" in config.hydra.job_logging.handlers:
                check_links(Path(config.hydra.run.dir))

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Checks the configuration of each job, unless a sweeper of another kind chooses them.

        Then the folder of each run is made, so that ``vaetext resume`` finds those that never
        began too.
        """
        _running.clear()
        with _failing():
            _check_hydra(config)
            sweep = Path(config.hydra.sweep.dir).resolve()
            check_link(sweep / SWEEP, sweep)
            overrides = sweep_overrides(_unresolved(config.hydra))
            try:
                os.environ[SWEPT] = " ".join(swept_options(overrides))
                every = jobs(overrides)
            except HydraException:
                return
            checked = [_check_job(n, overrides, config) for n, overrides in enumerate(every)]
            found = [job for job in checked if job is not None]
            if config.hydra.runtime.choices["hydra/sweeper"] == "basic":
                _check_folders_differ(found)
                for job in found:
                    save_config(job.folder, job.config, job.overrides)
                _running.extend(found)
            if config.hydra.runtime.choices["hydra/launcher"] == "joblib":
                _limit_processes(config)

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        """Says how many jobs there were, and where their results are."""
        if _running:
            sweep = Path(config.hydra.sweep.dir).resolve()
            command = f"vaetext tables {shlex.quote(str(sweep))}"
            log.info("%s jobs have finished; `%s` compares them", len(_running), command)


def unfinished() -> str | None:
    """How many jobs of this process's sweep have not finished, and which; None where all have."""
    left = [job for job in _running if not is_done(job.folder)]
    if not left:
        return None
    sweep = sweep_folder(left[0].folder) or Path.cwd()
    names = "; ".join(os.path.relpath(job.folder, sweep) for job in left)
    count = f"{len(left)} of {len(_running)} jobs have not finished ({names})"
    return f"{count}; {resuming(sweep)} starts them again"


def _limit_processes(config: DictConfig) -> None:
    """Has joblib start no more processes than there is work for, where n_jobs=-1 starts one a core.

    It gives each of them an equal share of the cores as threads.
    """
    from joblib import cpu_count

    left = sum(not is_done(job.folder) for job in _running)
    launcher = config.hydra.launcher
    if launcher.n_jobs == -1 and 0 < left < cpu_count():
        with read_write(config.hydra):
            launcher.n_jobs = left


@contextmanager
def _failing() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        raise Failed(error) from error


def _given(config: DictConfig, kind: str) -> list[str]:
    return list(_unresolved(config.hydra.overrides)[kind])


def _unresolved(node: DictConfig) -> Any:
    return OmegaConf.to_container(node, resolve=False)


def _check_job(number: int, overrides: list[str], config: DictConfig) -> Job | None:
    """Checks one job as Hydra will compose it; None where it does not train."""
    verb = str(config.hydra.job.config_name)
    try:
        given = [*_given(config, "hydra"), *overrides]
        node = compose(verb, given, return_hydra_config=True)
        with read_write(node), open_dict(node):
            node.hydra.job.num = number
            node.hydra.job.id = str(number)
        with _as_hydras(node):
            checked = typed(node, VERBS[verb].schema)
            check_choices(checked, node.hydra.runtime.choices)
            folder = Path(node.hydra.sweep.dir, node.hydra.sweep.subdir).absolute()
            check_links(folder)
            if not isinstance(checked, TrainConfig):
                return None
            check_same_config(folder, checked)
            return Job(overrides, checked, folder)
    except Exception as error:
        message = f"job {number} ({' '.join(overrides)}): {explain(error)}"
        raise ValueError(message) from error


@contextmanager
def _as_hydras(node: DictConfig) -> Iterator[None]:
    """Makes it the configuration that ``${hydra:...}`` reads, as it is in the job."""
    hydra = HydraConfig.instance()
    before = hydra.cfg
    hydra.set_config(node)
    try:
        yield
    finally:
        hydra.cfg = before


def _check_folders_differ(found: list[Job]) -> None:
    """Raises ValueError where two jobs of a sweep would be written to one folder."""
    first: dict[Path, Job] = {}
    for job in found:
        other = first.setdefault(job.folder, job)
        if other is not job:
            if other.config == job.config:
                raise ValueError(
                    f"the jobs ({' '.join(other.overrides)}) and ({' '.join(job.overrides)}) are"
                    " the same run; leave one of them out"
                )
            raise ValueError(
                f"hydra.sweep.subdir: the jobs ({' '.join(other.overrides)}) and"
                f" ({' '.join(job.overrides)}) have the same folder {job.folder}; name it by every"
                " option that varies, or leave hydra.sweep.subdir out"
            )


def _check_hydra(config: DictConfig) -> None:
    """Raises ValueError for options of Hydra itself that cannot be used here."""
    if config.hydra.output_subdir is not None:  # Hydra would write references in place of values
        raise ValueError(
            f"hydra.output_subdir={config.hydra.output_subdir}: leave it out; the values that a run"
            f" is trained with are always in RUN/{CONFIG}"
        )
    if config.hydra.job.chdir:
        raise ValueError(
            "hydra.job.chdir=true: paths are relative to the folder in which the command was"
            " started, so it must not change; leave hydra.job.chdir out"
        )
