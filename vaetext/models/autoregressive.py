"""What is common to models whose recurrent decoder is conditioned on the tokens before."""

from collections.abc import Mapping

from torch import Tensor

from vaetext.data.batch import Batch
from vaetext.distributions.distribution import Distribution
from vaetext.distributions.noise import Noise
from vaetext.distributions.state import State
from vaetext.models.base import SequenceModel
from vaetext.modules.decoder import Decoder


class Autoregressive(SequenceModel):
    """log p(x|z) = sum_t log p(x_t | x_<t, z) by a recurrent ``decoder``.

    A subclass writes ``start``, which gives the decoder's state before the first step.
    """

    decoder: Decoder

    def log_px(self, batch: Batch, z: Mapping[str, Tensor], noise: Noise) -> Tensor:
        return self.terms(batch, z, noise)[0]

    def terms(
        self, batch: Batch, z: Mapping[str, Tensor], noise: Noise
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """``log_px``, and the penalties of the decoder's outputs."""
        return self.decoder.terms(batch, self.start(self.sample_prior(noise, z), noise))

    def emit(self, state: State, noise: Noise) -> tuple[Distribution, State]:
        return self.decoder.emit(state)

    def advance(self, state: State, x: Tensor) -> State:
        return {**state, "x": x}
