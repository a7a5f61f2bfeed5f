"""Reading a run folder: its configuration, tokenizer, weights and data. A run folder is data, never code."""

import json
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from vaetext.config.store import override_trainer, read_config
from vaetext.config.train import TrainConfig
from vaetext.data import corpora
from vaetext.data.corpora import Corpus
from vaetext.data.tokenizer import Tokenizer
from vaetext.models.base import SequenceModel, Symbols
from vaetext.models.registry import build
from vaetext.runner import checkpoint
from vaetext.runner.device import choose, use_threads
from vaetext.runner.files import atomic_write

OVERRIDES = "resumed.json"  # trainer knobs changed by `vaetext resume`; what .hydra/ holds is never touched
CONFIG, TOKENIZER, SYMBOLS, RESULTS, DONE = ".hydra/config.yaml", "tokenizer.model", "symbols.json", "results.json", "DONE"


@dataclass
class Run:
    """A trained run, finished or not.

    Attributes:
        folder: where it lies.
        config: as it was trained.
        tokenizer: of the run itself; ids of another corpus would not fit the weights.
        model: in evaluation mode, with the weights of one checkpoint.
        device: where the model is.
        epoch: the epoch those weights come from.
    """

    folder: Path
    config: TrainConfig
    tokenizer: Tokenizer
    model: SequenceModel
    device: torch.device
    epoch: int

    @cached_property
    def corpus(self) -> Corpus:
        """The run's data.

        Raises:
            ValueError: the files found now give another vocabulary than the run's.
        """
        corpus = corpora.load(self.config.data)
        if corpus.tokenizer.size != self.tokenizer.size or corpus.tokenizer.pieces != self.tokenizer.pieces:
            raise ValueError(
                f"{self.folder}: data={self.config.data.name} gives another vocabulary now than in training; put back the files it was"
                " trained on (data.root or $VAETEXT_DATA)"
            )
        return corpus


def load_run(path: str | Path, which: str = "best", device: str = "auto") -> Run:
    """Reads a run folder.

    Args:
        path: the run folder.
        which: the checkpoint, "best" (lowest valid -ELBO) or "last".
        device: as ``trainer.device``.

    Raises:
        ValueError: the folder is no run, lacks that checkpoint, or comes from another version.
    """
    folder = Path(path)
    config = load_config(folder)
    use_threads(config.trainer.threads)
    where = choose(device)
    tokenizer = Tokenizer.load(folder / TOKENIZER)
    model = build(config.model, read_symbols(folder)).to(where)
    source = folder / "checkpoints" / f"{which}.safetensors"
    groups, state = checkpoint.load(source, where)
    checkpoint.load_weights(model, groups["model"], source)
    return Run(folder, config, tokenizer, model.eval(), where, int(state["epoch"]))


def load_config(folder: Path) -> TrainConfig:
    """The configuration a run was trained with, changes by ``resume`` included, checked against this version's schemas.

    Raises:
        ValueError: the folder is no run folder, or its configuration does not fit this version.
    """
    if not (folder / CONFIG).is_file():
        hint = "does not exist" if not folder.exists() else f"is no run folder (it has no {CONFIG})"
        raise ValueError(f"run={folder} {hint}; name a folder that `vaetext train` wrote, such as outputs/grammar/vrae/latest")
    changed = folder / OVERRIDES
    return override_trainer(read_config(folder / CONFIG), json.loads(changed.read_text()) if changed.is_file() else {})


def symbols(corpus: Corpus) -> Symbols:
    """What a model must know of its data."""
    longest = max(int(split.lengths.max()) for split in corpus.splits.values())
    return Symbols(corpus.tokenizer.size, corpus.tokenizer.eos, corpus.tokenizer.unk, longest)


def write_symbols(folder: Path, symbols: Symbols) -> None:
    """Writes ``symbols.json`` of a run folder."""
    atomic_write(folder / SYMBOLS, json.dumps(asdict(symbols)) + "\n")


def read_symbols(folder: Path) -> Symbols:
    """What a run's model knew of its data.

    Raises:
        ValueError: the run folder does not say, or says it in another version's way.
    """
    try:
        return Symbols(**json.loads((folder / SYMBOLS).read_text()))
    except (FileNotFoundError, TypeError, ValueError) as error:
        raise ValueError(f"{folder / SYMBOLS} is missing or not of this version ({error}); train the run again") from error


def is_done(folder: Path) -> bool:
    """Whether a run has finished, results and all."""
    return (folder / DONE).is_file()


def read_results(folder: Path) -> dict[str, Any]:
    """A finished run's ``results.json``.

    Raises:
        ValueError: the run has none.
    """
    if not (folder / RESULTS).is_file():
        raise ValueError(f"{folder} has no {RESULTS}: the run has not finished; go on with `vaetext resume {folder}`")
    return json.loads((folder / RESULTS).read_text())  # type: ignore[no-any-return]
