"""A latent sequence whose length is a latent too."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vaetext.config.models.latent_seq import LatentSeq as Config
from vaetext.data.batch import Batch
from vaetext.data.domain import Domain
from vaetext.distributions.categorical import Categorical
from vaetext.distributions.gaussian import Gaussian, GaussianHead, standard
from vaetext.distributions.latent import Latent, LatentSample
from vaetext.distributions.noise import Noise
from vaetext.distributions.state import State
from vaetext.models.autoregressive import Autoregressive
from vaetext.models.diagnostics import Diagnostic
from vaetext.models.lengths import Lengths
from vaetext.modules.additive import AttentiveDecoder, AttentiveRNN, Memory
from vaetext.modules.initial import initialise
from vaetext.modules.normalisation import PositionNorm
from vaetext.modules.recurrent import Recurrent, features
from vaetext.parallel.share import largest


@dataclass(frozen=True)
class Encoded:
    """What is known of B sequences before any latent is drawn.

    Attributes:
        length: q(l|x), log-probabilities [B, L]; value v is length v + 1.
        memory: the annotations that q(z_i | z_<i, l, x) attends to, B rows.
        layers: the state of each layer of its RNN before the first step, [n, B, H].
    """

    length: Categorical
    memory: Memory
    layers: list[Tensor]


class LatentSeq(Autoregressive):
    """A latent sequence z_1..z_l of unknown length l <= L (Trénous 2017).

    log p(x) >= E_q[log p(x|z, l)] - KL(q(l|x) || p(l)) - E_q sum_{i<=l} KL(q(z_i) || N(0, I)),
    q(z_i) = q(z_i | z_<i, l, x), p(l) proportional to gamma^l on 1..L

    The first KL is exact, the second at the drawn z_<i and l. A bidirectional RNN annotates x.
    q(l|x) reads a weighted sum of the annotations; an autoregressive RNN that attends to them gives
    q(z_i | z_<i, l, x). A second bidirectional RNN annotates z_1..z_l, and the decoder attends to
    that before each of its steps. The length is held as l - 1, from 0.

    The gradient of q(l|x) is that of ``trainer.estimator``, from ``trainer.samples`` draws (the
    report's m), with ``trainer.reward_weight`` (lambda) and ``trainer.baseline_decay`` (alpha).

    With ``mean_std`` the means of each q(z_i) are normalised over the sequences of a batch (Zhu et
    al. 2020), and with ``logit_std`` the logits of q(l|x). The report does neither; but without,
    the means are alike for all x and q(l|x) settles on one length within the first steps, so that
    the latents carry nothing. In training the statistics couple the sequences of a batch:
    score functions are unbiased for given statistics, as in evaluation.
    Where lengths vary much, batches must mix them (``trainer.length_pool=1``): in batches of like
    length the statistics are of that length alone, and those of evaluation fit none.

    Where the report is silent: both autoregressive RNNs start from a linear map of the final state
    of the bidirectional one, l enters as an embedding, and the annotations are of all tokens, EOS
    too.
    """

    def __init__(self, config: Config, domain: Domain) -> None:
        super().__init__(domain)
        hidden = config.hidden_dim
        dim = config.latent_dim
        self.config = config
        self.latents = (
            Latent("length", discrete=True, values=range(1, config.max_latents + 1)),
            Latent("z", q_given=("length", "z"), p_given=("length",)),
        )
        self.embedding = domain.embedding(config.embedding_dim)
        self.encoder = Recurrent(config.cell, config.embedding_dim, hidden, config.layers, True)
        annotation = 2 * hidden
        self.length_score = nn.Sequential(
            nn.Linear(annotation, hidden), nn.Tanh(), nn.Linear(hidden, 1, bias=False)
        )
        self.length_head = nn.Sequential(
            nn.Linear(annotation, hidden), nn.Tanh(), nn.Linear(hidden, config.max_latents)
        )
        self.length_norm = None
        if config.logit_std:
            self.length_norm = PositionNorm(1, config.max_latents, config.logit_std)
            self.length_bias = nn.Parameter(self.prior_length(torch.zeros(())).log_p)
        self.length_embedding = nn.Embedding(config.max_latents, dim)
        self.posterior_rnn = AttentiveRNN(config.cell, 2 * dim, annotation, hidden, config.layers)
        self.posterior_start = _starts(self.encoder, self.posterior_rnn)
        self.posterior_head = nn.Sequential(
            nn.Linear(hidden, hidden), nn.Tanh(), GaussianHead(hidden, dim)
        )
        self.norm = None
        if config.mean_std:
            self.norm = PositionNorm(config.max_latents, dim, config.mean_std)
        self.reader = Recurrent(config.cell, dim, hidden, config.layers, True)
        self.decoder = AttentiveDecoder(config, domain, annotation)
        self.decoder_start = _starts(self.reader, self.decoder.rnn)
        initialise(self, config.init_scale)

    def encode(self, batch: Batch, carried: State | None = None) -> Encoded:
        annotations, final = self.encoder(self.embedding(batch.x), mask=batch.mask)
        scores = self.length_score(annotations)[..., 0].masked_fill(~batch.mask, -torch.inf)
        summary = (scores.softmax(-1)[..., None] * annotations).sum(1)
        logits = self._length_logits(summary)
        end = features(final[-1])
        dtype = torch.promote_types(logits.dtype, torch.float32)
        return Encoded(
            length=Categorical(logits.to(dtype).log_softmax(-1)),
            memory=self.posterior_rnn.attention.memory(annotations, batch.mask),
            layers=[self._split(start(end)) for start in self.posterior_start],
        )

    def sample(
        self, encoded: Encoded, noise: Noise, enumerate: bool = False
    ) -> dict[str, LatentSample]:
        """l, then z_1..z_l given it."""
        q = encoded.length
        if enumerate:
            times = noise.samples
            noise = noise.expand(self.config.max_latents)
            values = torch.arange(self.config.max_latents, device=q.log_p.device).repeat(times)
            length = values[:, None].expand(-1, noise.rows)
        else:
            length = q.sample(noise.at("length"))
        prior = self.prior_length(q.log_p)
        return {
            "length": LatentSample(length, q, prior),
            "z": self.posterior(encoded, length, noise),
        }

    def posterior(self, encoded: Encoded, length: Tensor, noise: Noise) -> LatentSample:
        """z_1..z_l of q(z | x, l), [K, B, L, D], masked after l.

        Args:
            encoded: as ``encode`` gives it.
            length: l - 1, [K, B].
            noise: for K samples.
        """
        samples = len(length)
        memory = encoded.memory.repeat(samples)
        layers = [each.repeat(1, samples, 1) for each in encoded.layers]
        given = self.length_embedding(length)
        z = torch.zeros_like(given)
        drawn = []
        posteriors = []
        for i in range(self._longest(length)):
            inputs = torch.cat([z, given], -1).flatten(0, 1)
            output, layers = self.posterior_rnn.step(inputs, layers, memory)
            q = self.posterior_head(output).map(lambda each: each.unflatten(0, length.shape))
            q = self._normalised(q, i, length >= i)
            z = q.sample(noise.at("z", i))
            drawn.append(z)
            posteriors.append(q)
        rest = self.config.max_latents - len(drawn)

        def padded(positions: Tensor) -> Tensor:
            return nn.functional.pad(positions, (0, 0, 0, rest))

        q = Gaussian.stack(posteriors, 2).map(padded)
        p = standard(q.mean, self.config.latent_dim)
        z = padded(torch.stack(drawn, 2))
        return LatentSample(z, q, p, self.mask(length), ("position",))

    def _length_logits(self, summary: Tensor) -> Tensor:
        """Logits of q(l|x), [B, L], of the weighted sum of annotations [B, F]."""
        logits: Tensor = self.length_head(summary)
        if self.length_norm is None:
            return logits
        everywhere = torch.ones_like(logits[:, 0], dtype=torch.bool)
        normal: Tensor = self.length_norm(logits, 0, everywhere)
        return normal + self.length_bias

    def _normalised(self, q: Gaussian, position: int, mask: Tensor) -> Gaussian:
        """q(z_i) with its mean normalised over the rows of ``mask`` [K, B], which reach it."""
        if self.norm is None:
            return q
        return Gaussian(self.norm(q.mean, position, mask), q.log_var)

    def prior_length(self, like: Tensor) -> Categorical:
        """p(l) = gamma^l / sum_{k<=L} gamma^k, on the device and in the precision of ``like``."""
        power = torch.arange(1, self.config.max_latents + 1, device=like.device, dtype=like.dtype)
        return Categorical((power * math.log(self.config.gamma)).log_softmax(-1))

    def mask(self, length: Tensor) -> Tensor:
        """[K, B, L] true at z_1..z_l, of l - 1 [K, B]."""
        positions = torch.arange(self.config.max_latents, device=length.device)
        return positions <= length[..., None]

    def sample_prior(self, noise: Noise, given: Mapping[str, Tensor]) -> dict[str, Tensor]:
        drawn = dict(given)
        if "length" not in drawn:
            prior = self.prior_length(self.length_embedding.weight)
            drawn["length"] = prior.sample(noise.at("length"))
        if "z" not in drawn:
            drawn["z"] = noise.at("z").normal(self.config.max_latents, self.config.latent_dim)
        return drawn

    def start(self, z: Mapping[str, Tensor], noise: Noise) -> State:
        shape = z["length"].shape[:2]
        steps = self._longest(z["length"])
        mask = self.mask(z["length"])[:, :, :steps]
        positions = z["z"][:, :, :steps].flatten(0, 1)
        annotations, final = self.reader(positions, mask=mask.flatten(0, 1))
        summary = features(final[-1]).unflatten(0, shape)  # type: ignore[no-untyped-call]
        layers = [start(summary) for start in self.decoder_start]
        memory = annotations.unflatten(0, shape)
        state = self.decoder.start(summary, layers, memory=memory)
        return {**state, "memory_mask": mask}

    def diagnostics(self) -> list[Diagnostic]:
        return [Lengths()]

    def _split(self, start: Tensor) -> Tensor:
        """A layer's initial state [B, n * H] as the RNN takes it, [n, B, H]."""
        return start.unflatten(1, (-1, self.config.hidden_dim)).transpose(0, 1)  # type: ignore[no-untyped-call,no-any-return]

    def _longest(self, length: Tensor) -> int:
        """The steps that some sequence has; on a GPU all, since it would have to be waited for."""
        return self.config.max_latents if length.is_cuda else largest(int(length.max())) + 1


def _starts(source: Recurrent, target: Recurrent) -> nn.ModuleList:
    """Linear maps of a final state to the initial state of each layer."""
    return nn.ModuleList(
        nn.Linear(source.state_size, target.state_size) for _ in range(len(target.layers))
    )
