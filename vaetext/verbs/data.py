"""``vaetext data``: what a data set holds."""

import numpy as np

from vaetext.config.data import Data, Grammar, Sine, SineContinuous
from vaetext.config.verbs import DataConfig
from vaetext.data import corpora, grammar, sine
from vaetext.data.corpora import Corpus
from vaetext.data.loader import Split
from vaetext.data.standardizer import Standardizer
from vaetext.data.tokenizer import Tokenizer
from vaetext.report.console import DownloadProgress, show


def run(config: DataConfig) -> None:
    """Prints counts of each split, where it was read from, some lines, and the figures of a known law."""
    with DownloadProgress() as progress:
        corpus = corpora.load(config.data, progress.report)
    show(description(corpus, config.examples))
    if figures := _figures(config.data):
        show(
            "\n".join(
                [
                    "",
                    "the law (nats per sequence):",
                    *(f"  {name}: {value:,.6g}" for name, value in figures.items()),
                ]
            )
        )


def description(corpus: Corpus, examples: int) -> str:
    """The data set as text: a Markdown table of its splits, then so many lines of each, if any are wanted."""
    tokenizer = corpus.tokenizer
    lines = (
        _frames(corpus, tokenizer)
        if isinstance(tokenizer, Standardizer)
        else _symbols(corpus, tokenizer)
    )
    for name, split in corpus.splits.items() if examples else ():
        lines += [
            "",
            f"{name}:",
            *(f"  {tokenizer.decode(split[n])}" for n in range(min(examples, len(split)))),
        ]
    return "\n".join(lines)


def _symbols(corpus: Corpus, tokenizer: Tokenizer) -> list[str]:
    head = [
        f"{corpus.name}: {tokenizer.size:,} symbols with EOS and unknown, by {tokenizer.kind}",
        *corpus.source,
        "",
    ]
    head += [
        "| split | sequences | tokens with EOS | without | mean length with EOS | longest without | types | unknown |",
        "|---|" + "---:|" * 7,
    ]
    return head + [
        _row(name, split, tokenizer.unk, tokenizer.eos) for name, split in corpus.splits.items()
    ]


def _frames(corpus: Corpus, numbers: Standardizer) -> list[str]:
    size = len(numbers.mean)
    statistics = f"mean {', '.join(f'{n:g}' for n in numbers.mean)}, deviation {', '.join(f'{n:g}' for n in numbers.std)}"
    head = [
        f"{corpus.name}: frames of {size} real number{'s' * (size > 1)}, standardised by {statistics}",
        *corpus.source,
        "",
    ]
    head += ["| split | sequences | frames | mean length | longest |", "|---|" + "---:|" * 4]
    for name, split in corpus.splits.items():
        lengths = split.lengths
        head.append(
            f"| {name} | {len(split):,} | {len(split.x):,} | {lengths.mean():.3f} | {lengths.max():,} |"
        )
    return head


def _row(name: str, split: Split, unk: int, eos: int) -> str:
    tokens, count = len(split.x), len(split)
    types = len(np.setdiff1d(split.x, [eos]))
    figures = [
        count,
        tokens,
        tokens - count,
        f"{tokens / count:.3f}",
        int(split.lengths.max()) - 1,
        types,
        int((split.x == unk).sum()),
    ]
    return (
        f"| {name} | "
        + " | ".join(figure if isinstance(figure, str) else f"{figure:,}" for figure in figures)
        + " |"
    )


def _figures(config: Data) -> dict[str, float]:
    """What a known law is like; nothing where there is none."""
    if isinstance(config, Grammar):
        return grammar.figures(config)
    if isinstance(config, SineContinuous):
        return sine.continuous_figures(config.noise)
    return sine.figures() if isinstance(config, Sine) else {}
