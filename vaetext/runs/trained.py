"""A trained run: its results, its data, and how its model scores and encodes sequences."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from vaetext.config.data import Data
from vaetext.config.train import TrainConfig
from vaetext.config.trained import EncodeConfig, EvaluateConfig
from vaetext.data.corpora import Corpus
from vaetext.data.format import Format
from vaetext.data.loader import Sequences, Split
from vaetext.evaluation.metrics import Evaluation, evaluate
from vaetext.evaluation.results import SplitResults
from vaetext.evaluation.scoring import score
from vaetext.models.base import SequenceModel, parameter_count
from vaetext.runs.corpus import load_corpus, load_split
from vaetext.runs.encoding import Encoding, SentenceScores, latent_code, sentence_scores
from vaetext.runs.given import given_sequences
from vaetext.runs.results import read_results

log = logging.getLogger(__name__)


@dataclass(repr=False, eq=False)
class Trained:
    """A trained run, finished or not: all of ``Run`` but generation.

    Attributes:
        folder: of the run.
        config: as it was trained.
        format: how sequences are written and read, as in training: a tokenizer, for example.
        model: in evaluation mode, with the weights of one checkpoint.
        device: where the model is.
        epoch: that those weights come from, from 0.
        seed: of the noise.
        checkpoint: "best" or "last".
    """

    folder: Path
    config: TrainConfig
    format: Format
    model: SequenceModel
    device: torch.device
    epoch: int
    seed: int
    checkpoint: str = "best"

    def __repr__(self) -> str:
        names = f"model={self.config.model.name}, data={self.config.data.label}"
        return f"Run({str(self.folder)!r}, {names}, checkpoint={self.checkpoint}, {self.device})"

    @property
    def results(self) -> dict[str, Any]:
        """What ``results.json`` holds; nats per sequence.

        Raises:
            ValueError: the run has not finished.
        """
        return read_results(self.folder)

    @cached_property
    def corpus(self) -> Corpus:
        """The run's data.

        Raises:
            ValueError: the data found now has another vocabulary or scale than the run's.
        """
        return load_corpus(self.config.data, self.folder)

    @property
    def parameters(self) -> int:
        """Number of trained values."""
        return parameter_count(self.model)

    def split(self, name: str = "test", data: Data | None = None) -> Split:
        """One split of the run's data, or of other data, as the model reads it.

        The files of other splits may be gone, where each split has files of its own.

        Args:
            name: train, valid or test.
            data: another data set, as of ``vaetext.compose(["data=ptb"])``; it is read in the
                run's own vocabulary, or scale.
        """
        return load_split(self.config.data, self.folder, self.format, name, data)

    def evaluate(
        self,
        split: str = "test",
        *,
        sentences: Sequence[Any] | None = None,
        data: Data | None = None,
        iw_samples: int = 50,
        batch_tokens: int | None = None,
        seed: int | None = None,
    ) -> SplitResults:
        """Every number of one split, as in ``results.json``; nats per sequence.

        Args:
            split: train, valid or test.
            sentences: which are scored in place of the split.
            data: another data set, as of ``split``.
            iw_samples: K of the importance-weighted bound and of the particle filter.
            batch_tokens: padded tokens scored at once; None takes trainer.eval_batch_tokens.
        """
        EvaluateConfig(split=split)
        given = None if sentences is None else given_sequences(self.format, sentences)
        scored = self.split(split, data) if given is None else Split.of(given)
        corpus = self.diagnosed() if given is None and data is None else None
        return self.evaluation(scored, iw_samples, batch_tokens, seed, corpus).results

    def evaluation(
        self,
        split: Split,
        iw_samples: int = 50,
        batch_tokens: int | None = None,
        seed: int | None = None,
        corpus: Corpus | None = None,
    ) -> Evaluation:
        """The same, with each sequence's terms and the pages of the model's own diagnostics.

        Args:
            corpus: that the split is of, for those that compare it with the training split.
        """
        EvaluateConfig(seed=seed, iw_samples=iw_samples, batch_tokens=batch_tokens)
        return evaluate(
            self.model,
            split,
            seed=self._seed(seed),
            samples=iw_samples,
            batch_tokens=batch_tokens or self.config.trainer.eval_batch_tokens,
            device=self.device,
            corpus=corpus,
        )

    def diagnosed(self) -> Corpus | None:
        """All of the run's data, where the model has diagnostics and no file is gone."""
        if not self.model.diagnostics():
            return None
        try:
            return self.corpus
        except ValueError as error:
            log.warning("%s; diagnostics that need all of the data are left out", error)
            return None

    def encode(
        self,
        sentences: Sequence[Any],
        *,
        iw_samples: int = 50,
        batch_tokens: int = 4096,
        seed: int | None = None,
    ) -> Encoding:
        """Each sentence's posterior and scores, as arrays aligned with ``sentences``.

        Args:
            iw_samples: K of each sentence's importance-weighted bound.
            batch_tokens: padded tokens scored at once; it changes no number.
        """
        given = given_sequences(self.format, sentences)
        return self.encoding(given, iw_samples, batch_tokens, seed)

    def encoding(
        self,
        sequences: Sequences,
        iw_samples: int = 50,
        batch_tokens: int = 4096,
        seed: int | None = None,
    ) -> Encoding:
        """The same of sequences as ``format`` gives them."""
        EncodeConfig(iw_samples=iw_samples, batch_tokens=batch_tokens, seed=seed)
        scores = score(
            self.model,
            Split.of(sequences),
            seed=self._seed(seed),
            samples=iw_samples,
            batch_tokens=batch_tokens,
            device=self.device,
        )
        latents = {name: latent_code(code) for name, code in scores.codes.items()}
        return Encoding(latents, sentence_scores(scores))

    def score(
        self,
        sentences: Sequence[Any],
        *,
        iw_samples: int = 50,
        batch_tokens: int = 4096,
        seed: int | None = None,
    ) -> SentenceScores:
        """The terms of each sentence's bound: arrays [N], nats. Arguments as of ``encode``."""
        given = given_sequences(self.format, sentences)
        return self.encoding(given, iw_samples, batch_tokens, seed).scores

    def _seed(self, seed: int | None) -> int:
        return self.seed if seed is None else seed
