"""``vaetext data``: what a data set holds."""

from vaetext.config.verbs import DataConfig
from vaetext.data import corpora
from vaetext.data.corpora import Corpus
from vaetext.report.console import DataProgress, show

SHOWN = 400  # most characters of an example: a piano roll may have a hundred times as many


def run(config: DataConfig) -> None:
    """Prints a data set's files, counts and examples, and facts of its distribution if known."""
    with DataProgress() as progress:
        corpus = corpora.load(config.data, progress.report)
    show(description(corpus, config.examples))
    if facts := corpus.facts():
        show(facts_text(facts))


def description(corpus: Corpus, examples: int) -> str:
    """The data set as text: a Markdown table of its splits, then the first ``examples`` of each."""
    stop_words = len(corpus.known.get("stop_words", ()))
    listed = f"; {stop_words:,} stop words" if stop_words else ""
    head = f"{corpus.name}: {corpus.format.description}{listed}"
    lines = [head, *corpus.source, "", *counts_table(corpus)]
    for name, split in corpus.splits.items() if examples else ():
        shown = (split[n] for n in range(min(examples, len(split))))
        lines += ["", f"{name}:", *(f"  {_short(corpus.format.decode(each))}" for each in shown)]
    return "\n".join(lines)


def _short(line: str) -> str:
    return line if len(line) <= SHOWN else f"{line[:SHOWN].rsplit(' ', 1)[0]} ..."


def counts_table(corpus: Corpus) -> list[str]:
    """The lines of a Markdown table: a row a split."""
    rows = {name: corpus.format.counts(split) for name, split in corpus.splits.items()}
    columns = list(rows["train"])
    return [
        f"| split | {' | '.join(columns)} |",
        "|---|" + "---:|" * len(columns),
        *(f"| {name} | {' | '.join(counts.values())} |" for name, counts in rows.items()),
    ]


def facts_text(facts: dict[str, float]) -> str:
    """What is known of the distribution, a line a fact."""
    lines = (f"  {name}: {value:,.6g}" for name, value in facts.items())
    return "\n".join(["", "the distribution (nats per sequence):", *lines])
