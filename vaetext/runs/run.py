"""A trained run: its results, its model, and what can be asked of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Unpack

import numpy as np
import torch
from torch import Tensor

from vaetext.config.decoding import PARTICLES, Decoding
from vaetext.config.train import TrainConfig
from vaetext.config.verbs import (
    EncodeConfig,
    EvaluateConfig,
    InterpolateConfig,
    ReconstructConfig,
    SampleConfig,
)
from vaetext.data.corpora import Corpus
from vaetext.data.format import Format
from vaetext.data.loader import Sequences, Split
from vaetext.evaluation import generation
from vaetext.evaluation.metrics import Evaluation, evaluate
from vaetext.evaluation.results import SplitResults
from vaetext.evaluation.scoring import score
from vaetext.models.base import SequenceModel, parameter_count
from vaetext.runs.corpus import load_corpus
from vaetext.runs.encoding import Encoding, SentenceScores, latent_code, sentence_scores
from vaetext.runs.given import given_end, given_prefix, given_sequences
from vaetext.runs.results import read_results


@dataclass(repr=False, eq=False)
class Run:
    """A trained run, finished or not: what ``vaetext.load`` and ``vaetext.train`` return.

    Where a method takes a ``seed``, None takes that of the run. Methods take sentences as lines of
    text; of frames, as lines or as arrays [T, F] in the units of the data's files. They raise the
    ValueErrors of the command line.

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

    def evaluate(
        self,
        split: str = "test",
        *,
        iw_samples: int = 50,
        batch_tokens: int | None = None,
        seed: int | None = None,
    ) -> SplitResults:
        """Every number of one split, as in ``results.json``; nats per sequence.

        Args:
            split: train, valid or test.
            iw_samples: K of the importance-weighted bound and of the particle filter.
            batch_tokens: padded tokens scored at once; None takes trainer.eval_batch_tokens.
        """
        return self.evaluation(split, iw_samples, batch_tokens, seed).results

    def evaluation(
        self,
        split: str = "test",
        iw_samples: int = 50,
        batch_tokens: int | None = None,
        seed: int | None = None,
    ) -> Evaluation:
        """The same, with each sequence's terms and the pages of the model's own diagnostics."""
        EvaluateConfig(seed=seed, split=split, iw_samples=iw_samples, batch_tokens=batch_tokens)
        return evaluate(
            self.model,
            self.corpus.splits[split],
            seed=self._seed(seed),
            samples=iw_samples,
            batch_tokens=batch_tokens or self.config.trainer.eval_batch_tokens,
            device=self.device,
            corpus=self.corpus,
        )

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

    def sample(
        self,
        n: int = 10,
        *,
        prefix: Any = None,
        prefix_steps: int = 0,
        particles: int = PARTICLES,
        hold: str | None = None,
        length: int | None = None,
        seed: int | None = None,
        arrays: bool = False,
        **decoding: Unpack[Decoding],
    ) -> list[Any]:
        """``n`` sentences: z from the prior, x from the decoder.

        Args:
            n: how many; each depends on (seed, its number) alone.
            prefix: beginning of all, which the latents are drawn given: a line, file or array.
            prefix_steps: tokens or frames of it that are kept; 0: all.
            particles: K weighted draws of the latents for each sentence, given a prefix.
            hold: latent that all share.
            length: latents of each, where their number is a latent too.
            arrays: frames as arrays [T, F] in the data's units (of text: ids) in place of lines.
            decoding: how tokens are chosen; by default sampled from p(x_t | x_<t, z).
        """
        config = SampleConfig(n=n, hold=hold, length=length, seed=seed, **decoding)
        begin = given_prefix(self.format, prefix, None, prefix_steps, particles)
        outputs = generation.sample(self.model, n, self._seed(seed), config, hold, begin, length)
        return self._shown(outputs, arrays)

    def reconstruct(
        self,
        sentences: Sequence[Any],
        *,
        hold: str | None = None,
        seed: int | None = None,
        arrays: bool = False,
        **decoding: Unpack[Decoding],
    ) -> list[Any]:
        """What the decoder makes of each sentence's posterior mean, in the order of the sentences.

        Args:
            hold: latent at which all have the first sentence's code.
            arrays: as of ``sample``.
            decoding: how tokens are chosen; by default the likeliest of each step.
        """
        config = ReconstructConfig(hold=hold, seed=seed, **decoding)
        given = given_sequences(self.format, sentences)
        outputs = generation.reconstruct(self.model, given, config, self._seed(seed), hold)
        return self._shown(outputs, arrays)

    def interpolate(
        self,
        a: Any = None,
        b: Any = None,
        steps: int = 7,
        *,
        method: str = "linear",
        hold: str | None = None,
        move: str | None = None,
        seed: int | None = None,
        **decoding: Unpack[Decoding],
    ) -> list[str]:
        """The sentences decoded at ``steps`` codes from that of a to that of b.

        Args:
            a, b, steps, method, hold, move: as of ``path``.
            decoding: how tokens are chosen; by default the likeliest of each step.
        """
        codes = self.path(a, b, steps, method=method, hold=hold, move=move, seed=seed)
        return self.decode(codes, seed=seed, **decoding)

    def path(
        self,
        a: Any = None,
        b: Any = None,
        steps: int = 7,
        *,
        method: str = "linear",
        hold: str | None = None,
        move: str | None = None,
        seed: int | None = None,
    ) -> dict[str, np.ndarray]:
        """The codes from that of a to that of b, both included: latent name -> z [steps, ...].

        Args:
            a, b: sentences, taken at their posterior means; None samples the prior.
            steps: at least 2.
            method: "linear", or "slerp" along the great circle.
            hold: latent that stays at a's.
            move: latent that moves alone; those conditioned on it follow, at their prior's mean.
        """
        InterpolateConfig(steps=steps, method=method, seed=seed)
        first, last = (None if x is None else given_end(self.format, x) for x in (a, b))
        more: dict[str, Any] = {"method": method, "hold": hold, "move": move}
        seed = self._seed(seed)
        codes = generation.path_between(self.model, first, last, steps, **more, seed=seed)
        return {name: z.cpu().numpy() for name, z in codes.items()}

    def decode(
        self,
        codes: Mapping[str, np.ndarray | Tensor],
        *,
        seed: int | None = None,
        **decoding: Unpack[Decoding],
    ) -> list[str]:
        """The sentence at each row of codes.

        Args:
            codes: latent name -> z [N, ...], of every latent; one that is drawn at every step may
                be left out.
            decoding: how tokens are chosen; by default the likeliest of each step.
        """
        config = ReconstructConfig(seed=seed, **decoding)
        return self._shown(generation.decode(self.model, codes, config, self._seed(seed)))

    def _seed(self, seed: int | None) -> int:
        return self.seed if seed is None else seed

    def _shown(self, sequences: list[Any], arrays: bool = False) -> list[Any]:
        show = self.format.values if arrays else self.format.decode
        return [show(sequence) for sequence in sequences]
