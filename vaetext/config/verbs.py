"""Every verb of the command line, and the options of each but ``train``.

A new verb takes a schema (of one that reads a trained run in ``trained.py``) and a row in ``VERBS``
here, its defaults in ``conf/<name>.yaml``, and
``vaetext/verbs/<name>.py`` with ``run(config)``.
"""

from dataclasses import dataclass
from typing import Any

from omegaconf import MISSING

from vaetext.config.data import Data
from vaetext.config.options import check_unused, option
from vaetext.config.table import SCALES, Table
from vaetext.config.train import TrainConfig
from vaetext.config.trained import (
    EncodeConfig,
    EvaluateConfig,
    InterpolateConfig,
    ReconstructConfig,
    SampleConfig,
    VerbConfig,
)


@dataclass
class ResumeConfig(VerbConfig):
    """Options of ``vaetext resume``."""

    run: str = option(MISSING, "folder of a run, or of a sweep")
    trainer: dict[str, Any] = option(
        {}, "options of the trainer to change for the rest of training, as in trainer.epochs=30"
    )


@dataclass
class TablesConfig(VerbConfig):
    """Options of ``vaetext tables``."""

    runs: list[str] = option([], "folders of runs, or folders that contain some, such as a sweep")
    format: str = option("markdown", "format of the table", choices=("markdown", "csv", "latex"))
    split: str = option("test", "split whose results are shown", choices=("valid", "test"))
    columns: list[str] = option(
        [],
        "figures that are shown, as in -ELBO,KL (KL: of every latent), and 'seconds to V', of"
        " training until -ELBO on valid is at most V; []: all figures",
    )
    sort: str | None = option(None, "column or option by which each data set's rows are sorted")
    descending: bool = option(False, "sort: the highest first")
    best: str | None = option(
        None,
        "of each data set and model only the row with the lowest mean of this figure of"
        " results.json, such as valid.neg_elbo",
    )
    plot: str | None = option(
        None,
        "picture, as png, pdf and svg: KL against rec, means of columns= over two options, or"
        " -ELBO on valid over training",
        choices=("rate-distortion", "heatmap", "curves"),
    )
    axes: list[str] = option([], "plot=heatmap: the two options; []: those in which rows differ")
    over: str = option(
        "epoch",
        "plot=curves: what training is measured in; seconds leave out evaluation",
        choices=("epoch", "step", "seconds"),
    )
    output: str | None = option(
        None,
        "folder to which table.md, table.csv and table.tex are written as well, and a plot, whose"
        " default is the folder of the runs",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.sort:
            check_unused(self, "sort=...", "descending")
        if self.plot != "heatmap":
            check_unused(self, "plot=heatmap", "axes")
        if self.plot != "curves":
            check_unused(self, "plot=curves", "over")


@dataclass
class DataConfig(VerbConfig):
    """Options of ``vaetext data``."""

    data: Data = option(MISSING, "data set")
    examples: int = option(5, "sequences shown of each split", min=0)


@dataclass
class ReproduceConfig(VerbConfig):
    """Options of ``vaetext reproduce``."""

    tables: dict[str, Table] = option({}, "the tables, which table=NAME and table=[A,B] choose")
    scale: str = option(
        "small",
        "full: the published budgets; small: two rows of each table, on a share of the steps;"
        " smoke: every row for seconds, in one process and without pictures",
        choices=SCALES,
    )
    seeds: int = option(1, "runs of each row, of seeds 0, 1, ...", min=1, max=100)
    jobs: int = option(1, "rows trained at once, each on its share of the cores", min=1)
    plan: bool = option(False, "print what would be trained, and how long it may take, and stop")
    outputs: str = option("outputs", "where runs and tables are written: <outputs>/tables/<scale>/")


@dataclass(frozen=True)
class Verb:
    """One verb.

    Attributes:
        help: one line for ``vaetext --help``.
        schema: the options.
        operands: options that may be given first, without ``key=``; a list takes all of them.
        groups: config groups, whose options ``--help`` lists.
        usage: the arguments, for ``--help``.
    """

    help: str
    schema: type[Any]
    operands: tuple[str, ...] = ("run",)
    groups: tuple[str, ...] = ()
    usage: str = "RUN [KEY=VALUE ...]"


VERBS: dict[str, Verb] = {
    "train": Verb(
        "train a model (default: model=vrae data=grammar trainer=default)",
        TrainConfig,
        operands=(),
        groups=("model", "data", "trainer", "experiment"),
        usage="[KEY=VALUE ...]",
    ),
    "resume": Verb(
        "continue a run, or a sweep, where it stopped",
        ResumeConfig,
        usage="RUN|SWEEP [trainer.KEY=VALUE ...]",
    ),
    "evaluate": Verb(
        "evaluate a run again, with more samples or on other data",
        EvaluateConfig,
        groups=("data",),
    ),
    "sample": Verb("sample sequences from a run's model", SampleConfig),
    "reconstruct": Verb("encode sentences, and decode them again", ReconstructConfig),
    "encode": Verb("latent codes and scores of sentences", EncodeConfig),
    "interpolate": Verb(
        "sentences between two sentences, or between two samples from the prior",
        InterpolateConfig,
        operands=("run", "a", "b"),
        usage='RUN ["A" "B"] [KEY=VALUE ...]',
    ),
    "tables": Verb(
        "results of several runs in one table",
        TablesConfig,
        operands=("runs",),
        usage="RUN ... [KEY=VALUE ...]",
    ),
    "data": Verb(
        "counts and examples of a data set",
        DataConfig,
        operands=("data",),
        groups=("data",),
        usage="NAME [data.KEY=VALUE ...]",
    ),
    "reproduce": Verb(
        "train the rows of published tables, and compare the results",
        ReproduceConfig,
        operands=(),
        groups=("table",),
        usage="[table=NAME|[NAME,...]] [scale=small|full|smoke]",
    ),
}
