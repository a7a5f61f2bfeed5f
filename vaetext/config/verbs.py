"""The flat configurations of every verb but ``train``."""

from dataclasses import dataclass
from typing import Any

from omegaconf import MISSING

from vaetext.config.data import Data
from vaetext.config.options import MAX_SEED, Checked, option


@dataclass
class Verb(Checked):
    """What every verb has."""

    debug: bool = option(False, "errors show where they came from")


@dataclass
class ReadsRun(Verb):
    """What every verb that reads a run has."""

    run: str = option(MISSING, "run folder")
    checkpoint: str = option(
        "best", "weights of the lowest valid -ELBO, or the last ones", choices=("best", "last")
    )
    device: str = option("auto", "auto, cpu, cuda or cuda:N")
    seed: int | None = option(
        None, "seed of the noise; null takes the run's own", min=0, max=MAX_SEED
    )


@dataclass
class Decodes(ReadsRun):
    """How symbols, or frames, are picked from p(x_t | x_<t, z)."""

    greedy: bool = option(True, "take the likeliest symbol of each step (of frames: the mean)")
    beam: int = option(
        0, "width of a beam search for the likeliest sequence; 0 searches none", min=0
    )
    temperature: float = option(
        1.0,
        "drawing: logits are divided by it (of frames: deviations multiplied)",
        above=0.0,
        max=1e6,
    )
    top_k: int = option(0, "drawing: only the k likeliest symbols; 0 keeps all", min=0)
    top_p: float = option(
        1.0,
        "drawing: only the likeliest symbols that hold this share of the probability",
        above=0.0,
        max=1.0,
    )
    max_length: int = option(
        0,
        "most symbols, or frames, before a sequence is cut; 0: 100 symbols, or as long as the data's longest",
        min=0,
    )
    hold: str | None = option(None, "latent that all sequences share: the first one's code")

    def __post_init__(self) -> None:
        super().__post_init__()
        options = {"temperature": 1.0, "top_k": 0, "top_p": 1.0}
        for name in [
            name
            for name, unused in options.items()
            if getattr(self, name) != unused and (self.greedy or self.beam)
        ]:
            instead = (
                f"beam={self.beam} searches" if self.beam else "greedy=true takes the likeliest"
            )
            raise ValueError(
                f"{name}={getattr(self, name)} is for drawing, and {instead}; set {'beam=0 ' if self.beam else ''}greedy=false"
            )


@dataclass
class ResumeConfig(Verb):
    """``vaetext resume``."""

    run: str = option(MISSING, "run folder, or folder of a multirun")
    trainer: dict[str, Any] = option({}, "trainer.* overrides for what is left of the run")


@dataclass
class EvaluateConfig(ReadsRun):
    """``vaetext evaluate``."""

    split: str = option("test", "which sequences", choices=("train", "valid", "test"))
    iw_samples: int = option(50, "samples of the importance-weighted bound", min=1)
    batch_tokens: int = option(4096, "padded tokens per batch and sample chunk", min=1)


@dataclass
class SampleConfig(Decodes):
    """``vaetext sample``."""

    n: int = option(10, "sequences drawn", min=1)
    greedy: bool = option(False, "take the likeliest symbol of each step (of frames: the mean)")


@dataclass
class ReconstructConfig(Decodes):
    """``vaetext reconstruct``."""

    input: str = option("-", "file of lines (plain, .gz or .xz); - reads standard input")


@dataclass
class EncodeConfig(ReadsRun):
    """``vaetext encode``."""

    input: str = option("-", "file of lines (plain, .gz or .xz); - reads standard input")
    iw_samples: int = option(50, "samples of each sentence's importance-weighted bound", min=1)
    batch_tokens: int = option(4096, "padded tokens per batch and sample chunk", min=1)


@dataclass
class InterpolateConfig(Decodes):
    """``vaetext interpolate``."""

    a: str | None = option(None, "first sentence; null draws from the prior")
    b: str | None = option(None, "last sentence; null draws from the prior")
    method: str = option(
        "linear",
        "path between the two codes: a line, or a great circle",
        choices=("linear", "slerp"),
    )
    steps: int = option(7, "sentences shown, both ends included", min=2)
    move: str | None = option(
        None, "latent that moves alone; those it stands above follow, at their prior's mean"
    )


@dataclass
class TablesConfig(Verb):
    """``vaetext tables``."""

    runs: list[str] = option([], "run folders, and folders that hold some (a multirun, say)")
    format: str = option(
        "markdown", "how the table is printed", choices=("markdown", "csv", "latex")
    )
    split: str = option("test", "split whose numbers are shown", choices=("valid", "test"))
    output: str | None = option(
        None, "folder that table.md, table.csv and table.tex are written to as well"
    )


@dataclass
class DataConfig(Verb):
    """``vaetext data``."""

    data: Data = option(MISSING, "data set")
    examples: int = option(5, "sequences of each split shown", min=0)


@dataclass
class Table(Checked):
    """A published table: the runs that reproduce it and the numbers they are held against."""

    name: str = option("", "the table's name, as in conf/table/")
    title: str = option("", "what is printed above it")
    note: str = option("", "what is printed below it")
    rows: list[dict[str, Any]] = option(
        [],
        "name, overrides of `vaetext train`, and, where there are any, published figures of each row",
    )
    scales: dict[str, list[str]] = option({}, "further overrides of every row, by scale")
    columns: list[str] = option(
        ["-ELBO", "IW-NLL", "AU", "distance to truth", "stderr of distance"],
        "columns of ours, without a latent's name or K, beside those that are published",
    )


@dataclass
class ReproduceConfig(Verb):
    """``vaetext reproduce``."""

    table: Table = option(MISSING, "published table")
    scale: str = option(
        "full",
        "full is the published setting, debug takes seconds; a table may have others, as its yaml says",
    )
    outputs: str = option(
        "outputs", "folder; the runs go to <outputs>/tables/<table>/<scale>/<row>"
    )
