"""Every verb of the command line, and the options of each but ``train``.

A new verb takes a schema and a row in ``VERBS`` here, its defaults in ``conf/<name>.yaml``, and
``vaetext/verbs/<name>.py`` with ``run(config)``.
"""

from dataclasses import dataclass
from typing import Any

from omegaconf import MISSING

from vaetext.config.data import Data
from vaetext.config.decoding import GREEDY_HELP, PARTICLES, DecodingOptions
from vaetext.config.options import MAX_SEED, Checked, check_unused, option
from vaetext.config.table import SCALES, Table
from vaetext.config.train import TrainConfig

DEVICE_HELP = "auto, cpu, cuda or cuda:N; auto takes a GPU if there is one"
INPUT_HELP = (
    "file with a sentence a line (plain, .gz or .xz), or of the kind that the run was trained on;"
    " - reads lines of standard input"
)
TEMPO_HELP = "of piano rolls: quarter notes a minute in the MIDI files; null is 120"
BATCH_TOKENS_HELP = "padded tokens in each batch of sequences and samples; limits the memory used"


@dataclass
class VerbConfig(Checked):
    """The options of every verb."""

    debug: bool = option(False, "show the traceback of an error")


@dataclass
class ReadsRun(VerbConfig):
    """The options of every verb that loads a trained run."""

    run: str = option(MISSING, "folder of the run")
    checkpoint: str = option(
        "best",
        "weights to load: those of the epoch with the lowest bound on valid, or the last ones",
        choices=("best", "last"),
    )
    device: str = option("auto", DEVICE_HELP)
    seed: int | None = option(
        None, "seed of all random numbers; null takes the run's own", min=0, max=MAX_SEED
    )
    output: str | None = option(
        None,
        "folder to write to, where files of the same names are replaced; null makes"
        " RUN/<command>/<time>",
    )


@dataclass
class Decodes(DecodingOptions, ReadsRun):
    """The options of every verb that decodes latent codes."""

    hold: str | None = option(
        None, "name of a latent that all sequences share: the value it has for the first one"
    )


@dataclass
class ResumeConfig(VerbConfig):
    """Options of ``vaetext resume``."""

    run: str = option(MISSING, "folder of a run, or of a sweep")
    trainer: dict[str, Any] = option(
        {}, "options of the trainer to change for the rest of training, as in trainer.epochs=30"
    )


@dataclass
class EvaluateConfig(ReadsRun):
    """Options of ``vaetext evaluate``."""

    split: str = option("test", "sequences that are scored", choices=("train", "valid", "test"))
    input: str | None = option(None, f"sequences that are scored in place of a split: {INPUT_HELP}")
    data: Data | None = option(
        None, "data set whose split is scored, in the run's vocabulary or scale; null: the run's"
    )
    iw_samples: int = option(
        50, "samples of the importance-weighted bound, and particles of the filter", min=1
    )
    batch_tokens: int | None = option(
        None, f"{BATCH_TOKENS_HELP}; null takes the run's trainer.eval_batch_tokens", min=1
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.input is not None:
            check_unused(self, "input=null", "split")
        if self.input is not None and self.data is not None:
            raise ValueError(
                f"input={self.input}: data={self.data.label} is given too; leave out one of them"
            )


@dataclass
class SampleConfig(Decodes):
    """Options of ``vaetext sample``."""

    n: int = option(10, "number of sequences", min=1)
    prefix: str | None = option(
        None,
        "beginning of every sequence: a line, or a file of sequences; the latents are given it",
    )
    prefix_name: str | None = option(
        None, "which sequence of the file: 'test 3', 'a.wav', 'line 2'; null takes the first"
    )
    prefix_steps: int = option(0, "tokens or frames of it that are kept; 0: all", min=0)
    particles: int = option(
        PARTICLES,
        "with prefix: weighted draws of the latents for each sequence, of which one is continued",
        min=1,
    )
    length: int | None = option(
        None, "latents of each sample, where their number is a latent too (latent-seq)", min=1
    )
    tempo: float | None = option(None, TEMPO_HELP, min=4.0, max=1000.0)

    def __post_init__(self) -> None:
        super().__post_init__()
        unused = {"prefix_name": None, "prefix_steps": 0, "particles": PARTICLES}
        for name in unused if self.prefix is None else ():
            if getattr(self, name) != unused[name]:
                raise ValueError(
                    f"{name}={getattr(self, name)} has no effect without a prefix; set prefix"
                )


@dataclass
class ReconstructConfig(Decodes):
    """Options of ``vaetext reconstruct``."""

    greedy: bool = option(True, GREEDY_HELP)
    input: str = option("-", INPUT_HELP)
    tempo: float | None = option(None, TEMPO_HELP, min=4.0, max=1000.0)


@dataclass
class EncodeConfig(ReadsRun):
    """Options of ``vaetext encode``."""

    input: str = option("-", INPUT_HELP)
    split: str | None = option(
        None,
        "split of the run's data that is encoded in place of the input",
        choices=("train", "valid", "test"),
    )
    labels: str | None = option(
        None,
        "file with a label for each line of the input, or a known factor of the split: colours"
        " codes.png, and labels.md says how well codes tell them",
    )
    iw_samples: int = option(50, "samples of the importance-weighted bound of each sentence", min=1)
    batch_tokens: int = option(4096, BATCH_TOKENS_HELP, min=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.split is not None:
            check_unused(self, "split=null", "input")


@dataclass
class InterpolateConfig(Decodes):
    """Options of ``vaetext interpolate``."""

    greedy: bool = option(True, GREEDY_HELP)
    a: str | None = option(
        None,
        "first sentence, or a file of the kind that the run was trained on; null samples one from"
        " the prior",
    )
    b: str | None = option(None, "last sentence, or file; null samples one from the prior")
    method: str = option(
        "linear",
        "path between the two latent codes: a straight line, or a great circle",
        choices=("linear", "slerp"),
    )
    steps: int = option(7, "sentences on the path, both ends included", min=2)
    move: str | None = option(
        None,
        "name of the only latent to interpolate; latents conditioned on it take their prior's mean",
    )


@dataclass
class TablesConfig(VerbConfig):
    """Options of ``vaetext tables``."""

    runs: list[str] = option([], "folders of runs, or folders that contain some, such as a sweep")
    format: str = option("markdown", "format of the table", choices=("markdown", "csv", "latex"))
    split: str = option("test", "split whose results are shown", choices=("valid", "test"))
    columns: list[str] = option(
        [], "figures that are shown, as in -ELBO,KL (KL: of every latent); []: all"
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
        " -ELBO on valid over epochs",
        choices=("rate-distortion", "heatmap", "curves"),
    )
    axes: list[str] = option([], "plot=heatmap: the two options; []: those in which rows differ")
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
