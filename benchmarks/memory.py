"""Anonymous memory of preparing and of training on a large corpus, beside a small one.

    python benchmarks/memory.py FOLDER                   100,000 and 10,000,000 sentences
    python benchmarks/memory.py FOLDER 100000 1000000    others
    python benchmarks/memory.py FOLDER --data=grammar    of the generated grammar

Sentences of 3 to 9 of 500 words, drawn by Zipf's law, are written to FOLDER (about 25 bytes each)
and tokenized into a cache there (about 36 bytes each, twice that while it is written) by `vaetext
data`. A second process goes through the batches of 32 of a whole epoch, without a model. A third
one trains a tiny vrae for 400 steps and writes everything that a run writes. Memory is RssAnon in
/proc/PID/status, read every 20 ms: what a process has for itself, without the pages of mapped
files, which the system drops when it needs them. The table has its highest value in each process,
and seconds of CPU time.
"""

import os
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

import vaetext
from vaetext.data import corpora
from vaetext.data.atomic import atomic_path
from vaetext.data.loader import SPLITS, collate
from vaetext.data.order import TrainingOrder
from vaetext.runs.environment import commit, device_name

SIZES = (100_000, 10_000_000)
HELD_OUT = 2000  # sentences of valid and of test
WORDS = 500
BLOCK = 100_000
WALK = "--walk"
EVERY = 0.02  # seconds between two readings
TINY = (
    *("model=vrae", "model.embedding_dim=8", "model.hidden_dim=16", "model.latent_dim=2"),
    *("trainer.batch_size=32", "trainer.epoch_batches=200", "trainer.epochs=2"),
    *("trainer.iw_samples=2", "trainer.threads=1", "trainer.device=cpu"),
)


@dataclass(frozen=True)
class Use:
    """What a process took: seconds of CPU time, and its highest RssAnon in MiB."""

    seconds: float
    anonymous: float

    def __str__(self) -> str:
        return f"{self.anonymous:,.0f} | {self.seconds:,.0f}"


def sentences(path: Path, count: int, seed: int) -> None:
    """Writes ``count`` sentences."""
    rng = np.random.default_rng(seed)
    words = np.array([f"w{n}" for n in range(WORDS)], dtype=object)
    p = 1 / np.arange(1, WORDS + 1)
    with atomic_path(path) as temporary, temporary.open("w") as file:
        for start in range(0, count, BLOCK):
            lengths = rng.integers(3, 10, min(BLOCK, count - start))
            drawn = words[np.searchsorted(np.cumsum(p / p.sum()), rng.random(lengths.sum()))]
            ends = np.cumsum(lengths)
            lines = (
                " ".join(drawn[end - length : end])
                for length, end in zip(lengths.tolist(), ends.tolist(), strict=True)
            )
            file.write("\n".join(lines) + "\n")


def text(folder: Path, count: int) -> list[str]:
    """The options of a text of ``count`` sentences, which is written unless it is there."""
    sizes = {f"train-{count}": count, "valid": HELD_OUT, "test": HELD_OUT}
    for seed, (name, size) in enumerate(sizes.items()):
        if not (folder / f"{name}.txt").is_file():
            sentences(folder / f"{name}.txt", size, seed)
    paths = [f"{folder / name}.txt" for name in sizes]
    return ["data=text", *(f"data.{k}={v}" for k, v in zip(SPLITS, paths, strict=True))]


def grammar(folder: Path, count: int) -> list[str]:
    """The options of the grammar."""
    sizes = (f"data.{name}_size={HELD_OUT}" for name in ("valid", "test"))
    return ["data=grammar", f"data.train_size={count}", *sizes]


def measured(folder: Path, *arguments: str) -> Use:
    """Runs Python with these arguments, with the cache in ``folder``."""
    before = cpu_seconds()
    environment = {**os.environ, "VAETEXT_CACHE": str(folder / "cache")}
    command = [sys.executable, *arguments]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    highest = 0.0
    while process.poll() is None:
        highest = max(highest, anonymous(process.pid))
        time.sleep(EVERY)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return Use(cpu_seconds() - before, highest)


def cpu_seconds() -> float:
    """The CPU time of all processes that have ended."""
    use = resource.getrusage(resource.RUSAGE_CHILDREN)
    return use.ru_utime + use.ru_stime


def anonymous(process: int) -> float:
    """RssAnon of a process in MiB; 0 where it has ended."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 1024


def row(folder: Path, data: str, count: int) -> str:
    """Prepares, reads and trains on ``count`` sentences: a row of the table."""
    options = (text if data == "text" else grammar)(folder, count)
    command = ("-m", "vaetext")
    run = f"hydra.run.dir={folder / 'run'}-{data}-{count}"
    uses = (
        measured(folder, *command, "data", data, *options[1:], "examples=0"),
        measured(folder, __file__, WALK, *options),
        measured(folder, *command, "train", *options, *TINY, run),
    )
    return f"| {data} | {count:,} | {' | '.join(map(str, uses))} |"


def walk(options: list[str]) -> None:
    """Goes through the batches of an epoch, without a model."""
    corpus = corpora.load(vaetext.compose(options).data)
    split = corpus.splits["train"]
    for index in TrainingOrder(split, 32, seed=0, epoch=0):
        collate(split, index, corpus.domain)


def main(folder: Path, data: str, sizes: tuple[int, ...]) -> None:
    """Prints the table."""
    folder.mkdir(parents=True, exist_ok=True)
    print(f"{device_name(torch.device('cpu'))}, commit {commit()}\n")
    print("| data | sentences | preparing, MiB | s | all batches, MiB | s | training, MiB | s |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|", flush=True)
    for count in sizes:
        print(row(folder, data, count), flush=True)


if __name__ == "__main__":
    if sys.argv[1] == WALK:
        walk(sys.argv[2:])
        sys.exit()
    given = [each for each in sys.argv[1:] if not each.startswith("--")]
    kind = "grammar" if "--data=grammar" in sys.argv else "text"
    main(Path(given[0]).resolve(), kind, tuple(map(int, given[1:])) or SIZES)
