"""The flat configurations of every verb but ``train``."""

from dataclasses import dataclass
from typing import Any

from omegaconf import MISSING

from vaetext.config.data import Data
from vaetext.config.knobs import MAX_SEED, Checked, knob


@dataclass
class Verb(Checked):
    """What every verb has."""

    debug: bool = knob(False, "errors show where they came from")


@dataclass
class ReadsRun(Verb):
    """What every verb that reads a run has."""

    run: str = knob(MISSING, "run folder")
    checkpoint: str = knob("best", "weights of the lowest valid -ELBO, or the last ones", choices=("best", "last"))
    device: str = knob("auto", "auto, cpu, cuda or cuda:N")
    seed: int | None = knob(None, "seed of the noise; null takes the run's own", min=0, max=MAX_SEED)


@dataclass
class Decodes(ReadsRun):
    """How symbols, or frames, are picked from p(x_t | x_<t, z)."""

    greedy: bool = knob(True, "take the likeliest symbol of each step (of frames: the mean)")
    beam: int = knob(0, "width of a beam search for the likeliest sequence; 0 searches none", min=0)
    temperature: float = knob(1.0, "drawing: logits are divided by it (of frames: deviations multiplied)", above=0.0, max=1e6)
    top_k: int = knob(0, "drawing: only the k likeliest symbols; 0 keeps all", min=0)
    top_p: float = knob(1.0, "drawing: only the likeliest symbols that hold this share of the probability", above=0.0, max=1.0)
    max_length: int = knob(0, "most symbols, or frames, before a sequence is cut; 0: 100 symbols, or as long as the data's longest", min=0)
    hold: str | None = knob(None, "latent that all sequences share: the first one's code")

    def __post_init__(self) -> None:
        super().__post_init__()
        knobs = {"temperature": 1.0, "top_k": 0, "top_p": 1.0}
        for name in [name for name, unused in knobs.items() if getattr(self, name) != unused and (self.greedy or self.beam)]:
            instead = f"beam={self.beam} searches" if self.beam else "greedy=true takes the likeliest"
            raise ValueError(
                f"{name}={getattr(self, name)} is for drawing, and {instead}; set {'beam=0 ' if self.beam else ''}greedy=false"
            )


@dataclass
class ResumeConfig(Verb):
    """``vaetext resume``."""

    run: str = knob(MISSING, "run folder, or folder of a multirun")
    trainer: dict[str, Any] = knob({}, "trainer.* overrides for what is left of the run")


@dataclass
class EvaluateConfig(ReadsRun):
    """``vaetext evaluate``."""

    split: str = knob("test", "which sequences", choices=("train", "valid", "test"))
    iw_samples: int = knob(50, "samples of the importance-weighted bound", min=1)
    batch_tokens: int = knob(4096, "padded tokens per batch and sample chunk", min=1)


@dataclass
class SampleConfig(Decodes):
    """``vaetext sample``."""

    n: int = knob(10, "sequences drawn", min=1)
    greedy: bool = knob(False, "take the likeliest symbol of each step (of frames: the mean)")


@dataclass
class ReconstructConfig(Decodes):
    """``vaetext reconstruct``."""

    input: str = knob("-", "file of lines (plain, .gz or .xz); - reads standard input")


@dataclass
class EncodeConfig(ReadsRun):
    """``vaetext encode``."""

    input: str = knob("-", "file of lines (plain, .gz or .xz); - reads standard input")
    iw_samples: int = knob(50, "samples of each sentence's importance-weighted bound", min=1)
    batch_tokens: int = knob(4096, "padded tokens per batch and sample chunk", min=1)


@dataclass
class InterpolateConfig(Decodes):
    """``vaetext interpolate``."""

    a: str | None = knob(None, "first sentence; null draws from the prior")
    b: str | None = knob(None, "last sentence; null draws from the prior")
    method: str = knob("linear", "path between the two codes: a line, or a great circle", choices=("linear", "slerp"))
    steps: int = knob(7, "sentences shown, both ends included", min=2)
    move: str | None = knob(None, "latent that moves alone; those it stands above follow, at their prior's mean")


@dataclass
class TablesConfig(Verb):
    """``vaetext tables``."""

    runs: list[str] = knob([], "run folders, and folders that hold some (a multirun, say)")
    format: str = knob("markdown", "how the table is printed", choices=("markdown", "csv", "latex"))
    split: str = knob("test", "split whose numbers are shown", choices=("valid", "test"))
    output: str | None = knob(None, "folder that table.md, table.csv and table.tex are written to as well")


@dataclass
class DataConfig(Verb):
    """``vaetext data``."""

    data: Data = knob(MISSING, "data set")
    examples: int = knob(5, "sequences of each split shown", min=0)


@dataclass
class Table(Checked):
    """A published table: the runs that reproduce it and the numbers they are held against."""

    name: str = knob("", "the table's name, as in conf/table/")
    title: str = knob("", "what is printed above it")
    note: str = knob("", "what is printed below it")
    rows: list[dict[str, Any]] = knob([], "name, overrides of `vaetext train`, and, where there are any, published figures of each row")
    scales: dict[str, list[str]] = knob({}, "further overrides of every row, by scale")
    columns: list[str] = knob(
        ["-ELBO", "IW-NLL", "AU", "distance to truth", "stderr of distance"],
        "columns of ours, without a latent's name or K, beside those that are published",
    )


@dataclass
class ReproduceConfig(Verb):
    """``vaetext reproduce``."""

    table: Table = knob(MISSING, "published table")
    scale: str = knob("full", "full is the published setting, debug takes seconds; a table may have others, as its yaml says")
    outputs: str = knob("outputs", "folder; the runs go to <outputs>/tables/<table>/<scale>/<row>")
