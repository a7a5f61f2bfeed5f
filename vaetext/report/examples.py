"""The examples of a run folder: samples, reconstructions and interpolations."""

from pathlib import Path
from typing import Any

import numpy as np

from vaetext.config.decoding import DecodingOptions
from vaetext.data.atomic import atomic_write
from vaetext.data.corpora import Corpus
from vaetext.data.format import Format
from vaetext.data.loader import Split
from vaetext.evaluation.decoding import GREEDY, MOST_FRAMES, generate
from vaetext.evaluation.generation import reconstruct, sample
from vaetext.evaluation.latents import (
    Codes,
    discrete_latents,
    follow,
    has_paths,
    mean_codes,
    path,
)
from vaetext.models.base import SequenceModel
from vaetext.models.diagnostics import Page
from vaetext.report import plots
from vaetext.report.beside import path_images, pictures
from vaetext.report.nearest import write_nearest
from vaetext.runs.layout import INTERPOLATIONS, PLOTS, RECONSTRUCTIONS, SAMPLES

STEPS = 7  # of each path


def write_examples(model: SequenceModel, corpus: Corpus, folder: Path, seed: int) -> None:
    """Writes the examples of a run folder that its model can give.

    Samples are text with the nearest training sentences, or frames: in a picture beside the data,
    and as files that can be heard. A model with a latent also gives reconstructions and
    interpolations of the test split.
    """
    if corpus.curve:
        samples = write_samples(model, corpus.format, folder, seed, n=100)
        plots.save(plots.samples(corpus, samples), folder / PLOTS / "samples.png")
        _write(corpus.format.files(samples, "samples"), folder)
    elif model.domain.eos is None:
        write_frames(model, corpus, folder, seed)
    else:
        write_nearest(write_samples(model, corpus.format, folder, seed), corpus, folder)
    if model.latents:
        write_reconstructions(model, corpus.format, corpus.splits["test"], folder)
        write_interpolations(model, corpus.format, corpus.splits["test"], folder, seed)


def write_samples(
    model: SequenceModel, form: Format, folder: Path, seed: int, n: int = 50
) -> list[Any]:
    """Writes ``samples.txt`` and returns the sequences."""
    samples = sample(model, n, seed)
    atomic_write(folder / SAMPLES, lines_of([form.decode(each) for each in samples]))
    return samples


def write_frames(
    model: SequenceModel, corpus: Corpus, folder: Path, seed: int, n: int = 10
) -> None:
    """Writes samples as long as the first test sequences, beside these in a picture.

    ``samples.txt``, ``plots/samples.png`` and the files of the data's kind; sequences of more than
    MOST_FRAMES frames are cut.
    """
    test = corpus.splits["test"]
    data = [test[row][:MOST_FRAMES] for row in range(min(n, len(test)))]
    longest = max(map(len, data))
    drawn = sample(model, len(data), seed, DecodingOptions(max_length=longest))
    samples = [each[: len(real)] for each, real in zip(drawn, data, strict=True)]
    atomic_write(folder / SAMPLES, lines_of([corpus.format.decode(each) for each in samples]))
    _write(pictures(corpus.format, {"test data": data, "samples": samples}), folder / PLOTS)
    _write(corpus.format.files(samples, "samples"), folder)


def write_reconstructions(
    model: SequenceModel,
    form: Format,
    split: Split,
    folder: Path,
    n: int = 20,
) -> None:
    """Writes ``reconstructions.txt`` of the first sequences of a split, of frames a picture too.

    Frames after the first MOST_FRAMES of a sequence are left out.
    """
    given = [split[row] for row in range(min(n, len(split)))]
    if model.domain.eos is None:
        given = [each[:MOST_FRAMES] for each in given]
    outputs = reconstruct(model, given, GREEDY)
    before, after = ([form.decode(each) for each in part] for part in (given, outputs))
    atomic_write(folder / RECONSTRUCTIONS, pairs(before, after))
    _write(pictures(form, {"test data": given, "reconstructions": outputs}), folder / PLOTS)


def write_interpolations(
    model: SequenceModel,
    form: Format,
    split: Split,
    folder: Path,
    seed: int,
    n: int = 5,
) -> None:
    """Writes ``interpolations.txt`` between sentences of a split, and a picture of the first one.

    Of several latents each also moves alone, but for discrete ones, which both ends share. Nothing
    is written where codes have no path between them: latents that are drawn at every step, of no
    fixed size, or all discrete.
    """
    if not has_paths(model):
        return
    continuous = [latent.name for latent in model.latents if not latent.discrete]
    moves = (None, *continuous) if len(continuous) > 1 else (None,)
    rows = np.random.default_rng(seed).permutation(len(split))
    pages: list[str] = []
    for a, b in _pairs(model, split, rows, n):
        first, last = (mean_codes(model, [split[row]]) for row in (a, b))
        if any(first[name].shape != last[name].shape for name in first):
            return
        ends = [form.decode(split[row]) for row in (a, b)]
        for move in moves:
            codes = _path(model, first, last, move)
            sequences = generate(model, codes, STEPS, GREEDY)
            lines = [form.decode(each) for each in sequences]
            if not pages:
                images = path_images(form, split[a], sequences, split[b])
                figure = plots.interpolation(codes, lines, ends, images)
                plots.save(figure, folder / PLOTS / "interpolation.png")
            pages.append(path_page(ends, lines, move=move))
    atomic_write(folder / INTERPOLATIONS, "\n".join(pages))


def write_pages(pages: list[Page], folder: Path) -> None:
    """Writes what a model's own diagnostics show of an evaluated split."""
    for name, content in plots.files(pages).items():
        atomic_write(folder / name, content)


def lines_of(sentences: list[str]) -> str:
    """Each sentence on a line."""
    return "".join(f"{sentence}\n" for sentence in sentences)


def pairs(given: list[str], back: list[str]) -> str:
    """Each sentence as the model reads it, with unknown tokens, and its reconstruction below."""
    return "\n".join(f"< {one}\n> {other}\n" for one, other in zip(given, back, strict=True))


def path_page(
    ends: list[str], lines: list[str], hold: str | None = None, move: str | None = None
) -> str:
    """A decoded path as text, between the sentences of its ends.

    Args:
        ends: of the first and the last code.
        lines: the decoded sentence of each step.
        hold: the latent that was held, if any; the page begins with a note on it.
        move: the latent that moved alone, if any; likewise.
    """
    notes = [f"({hold} is held at A's)"] * bool(hold) + [f"({move} alone moves)"] * bool(move)
    inside = [f"   {line}" for line in lines]
    return "\n".join([*notes, f"A: {ends[0]}", *inside, f"B: {ends[1]}"]) + "\n"


def _write(files: dict[str, bytes], folder: Path) -> None:
    for name, content in files.items():
        atomic_write(folder / name, content)


def _pairs(model: SequenceModel, split: Split, rows: np.ndarray, n: int) -> list[tuple[int, int]]:
    """At most ``n`` pairs of ``rows``, in their order, whose discrete latents are equal."""
    discrete = discrete_latents(model)
    if not discrete:
        return list(zip(rows[: 2 * n : 2], rows[1 : 2 * n : 2], strict=False))
    seen = rows[: 20 * n]
    codes = mean_codes(model, [split[row] for row in seen])
    values = np.stack([codes[name].cpu().numpy() for name in sorted(discrete)], 1)
    waiting: dict[bytes, int] = {}
    pairs = []
    for row, value in zip(seen, values, strict=True):
        if (partner := waiting.pop(value.tobytes(), None)) is None:
            waiting[value.tobytes()] = row
        else:
            pairs.append((partner, row))
    return pairs[:n]


def _path(model: SequenceModel, first: Codes, last: Codes, move: str | None) -> Codes:
    codes = path(first, last, STEPS, move=move)
    return codes if move is None else follow(model, codes, move)
