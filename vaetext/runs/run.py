"""What can be asked of a trained run: scores and codes of sequences, and new sequences."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Unpack

import numpy as np
from torch import Tensor

from vaetext.config.decoding import PARTICLES, Decoding
from vaetext.config.trained import InterpolateConfig, ReconstructConfig, SampleConfig
from vaetext.evaluation import generation
from vaetext.runs.given import given_ends, given_prefix, given_sequences
from vaetext.runs.trained import Trained


@dataclass(repr=False, eq=False)
class Run(Trained):
    """A trained run, finished or not: what ``vaetext.load`` and ``vaetext.train`` return.

    Where a method takes a ``seed``, None takes that of the run. Methods take sentences as lines of
    text; of frames, as lines or as arrays [T, F] in the units of the data's files. They raise the
    ValueErrors of the command line.

    Attributes are those of ``Trained``.
    """

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
        first, last = given_ends(self.format, a, b)
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

    def _shown(self, sequences: list[Any], arrays: bool = False) -> list[Any]:
        show = self.format.values if arrays else self.format.decode
        return [show(sequence) for sequence in sequences]
