"""Samples and reconstructions during training, every few epochs."""

import logging
from collections.abc import Callable
from typing import Any

import torch

from vaetext.config.decoding import DecodingOptions
from vaetext.data.atomic import atomic_write
from vaetext.data.format import Format
from vaetext.evaluation.decoding import GREEDY, MOST_FRAMES
from vaetext.evaluation.generation import reconstruct, sample
from vaetext.report.beside import pictures
from vaetext.report.examples import lines_of, pairs
from vaetext.runs.layout import EPOCH_EXAMPLES
from vaetext.training.loop import Training

log = logging.getLogger(__name__)
COUNT = 5  # samples, and reconstructions, of an epoch
LOGGED = 200  # most characters of the sample that is logged
Show = Callable[[str, int], object]  # takes a page and its optimizer step


class EpochExamples:
    """Writes ``samples/epoch-<n>.txt`` after every ``trainer.sample_every`` epochs.

    The noise of the samples depends on the run's seed and their number alone, so that those of two
    epochs differ by the weights, and training is the same without them. An epoch's page is written
    before its checkpoint: a resumed run has each once.

    Args:
        training: of the run.
        form: how sequences are written.
        show: takes each page too, for tensorboard.
    """

    def __init__(
        self, training: Training, form: Format, show: Show = lambda page, step: None
    ) -> None:
        self.training = training
        self.form = form
        self.show = show
        split = training.splits["valid"]
        given = [split[row] for row in range(min(COUNT, len(split)))]
        self.given = given if form.is_text else [each[:MOST_FRAMES] for each in given]

    def __call__(self) -> None:
        """Writes those of the epoch that is validated, if it is one of those that are asked for."""
        state = self.training.state
        if (state.epoch + 1) % self.training.config.sample_every:
            return
        self.training.model.eval()
        with torch.no_grad():
            columns = self._columns()
        page = f"epoch {state.epoch}, step {state.step}\n\n{self._page(columns)}"
        name = EPOCH_EXAMPLES.format(state.epoch)
        self.training.metrics.check()
        atomic_write(self.training.folder / f"{name}.txt", page)
        for picture in pictures(self.form, columns).values():  # one, of frames
            atomic_write(self.training.folder / f"{name}.png", picture)
        first = self.form.decode(columns["samples"][0])
        log.info("epoch %s sample: %s", state.epoch, _short(first))
        self.show(page, state.step)

    def _columns(self) -> dict[str, list[Any]]:
        """Title -> sequences: valid ones and their reconstructions, where there is a latent."""
        model = self.training.model
        longest = max(map(len, self.given))
        options = DecodingOptions() if self.form.is_text else DecodingOptions(max_length=longest)
        samples = sample(model, COUNT, self.training.seed, options)
        if not model.latents:
            return {"samples": samples}
        back = reconstruct(model, self.given, GREEDY)
        return {"valid data": self.given, "reconstructions": back, "samples": samples}

    def _page(self, columns: dict[str, list[Any]]) -> str:
        texts = {name: [self.form.decode(each) for each in part] for name, part in columns.items()}
        page = f"samples:\n{lines_of(texts['samples'])}"
        if "reconstructions" in texts:
            page += "\nvalidation sequences, each above its reconstruction:\n"
            page += pairs(texts["valid data"], texts["reconstructions"])
        return page


def _short(line: str) -> str:
    return line if len(line) <= LOGGED else f"{line[:LOGGED]} ..."
