"""The options of the verbs that read a trained run."""

from dataclasses import dataclass

from omegaconf import MISSING

from vaetext.config.data import Data
from vaetext.config.decoding import GREEDY_HELP, PARTICLES, DecodingOptions
from vaetext.config.options import MAX_SEED, Checked, check_unused, option

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
