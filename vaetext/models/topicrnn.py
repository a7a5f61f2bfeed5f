"""TopicRNN: a recurrent language model with a document's topics as a bias on its words."""

import logging
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import linear, logsigmoid

from vaetext.config.models.topicrnn import TopicRNN as Config
from vaetext.data.batch import Batch
from vaetext.data.domain import Symbols
from vaetext.distributions.categorical import Categorical
from vaetext.distributions.distribution import Distribution
from vaetext.distributions.gaussian import Gaussian, GaussianHead, standard
from vaetext.distributions.latent import Latent, LatentSample
from vaetext.distributions.noise import Noise
from vaetext.distributions.state import State
from vaetext.models.base import SequenceModel
from vaetext.models.diagnostics import Diagnostic
from vaetext.models.topics import Topics
from vaetext.models.window import Window
from vaetext.modules.decoder import Decoder
from vaetext.modules.initial import initialise
from vaetext.modules.nets import relu_layers
from vaetext.modules.softmax import step_log_prob

log = logging.getLogger(__name__)
EXCLUDED = -1e4  # logit of a word that the switch does not allow
SHORT = 100  # tokens: a line of fewer is hardly a document


class TopicRNN(SequenceModel):
    """log p(x) >= E_q[log p(x|theta)] - KL(q(theta|x) || N(0, I)) (Dieng et al. 2017).

    p(x|theta) = prod_t sum_l p(l_t = l | h_t) p(x_t | h_t, theta, l_t = l), with h_t an RNN of the
    tokens before t, which runs through a whole document, l_t ~ Bernoulli(sigmoid(Gamma h_t)), and

        p(x_t = i | h_t, theta, l_t) ~ exp(v_i h_t + a_i + (1 - l_t) b_i theta)

    over stop words where l_t = 1 and over all others where l_t = 0; with ``model.disjoint=false``
    over all words in both cases. q(theta|x) is a Gaussian read by a ReLU net from the counts of the
    words that are no stop words. Stop words are those of the data set (``data.stop_words``) and
    EOS; the unknown token is none.

    In training the switch l_t is observed: 1 at a stop word. ``log_px`` is then
    log p(x, l | theta) <= log p(x|theta), so that what is trained on is a bound on log p(x) too,
    and the same where words are disjoint. In evaluation mode the switch is summed out, and
    ``log_px`` is log p(x|theta) itself.

    The source has no a_i, the logits of words where h_t = 0, and allows all words in both cases: in
    training each word then costs the switch and once more that it is a stop word or not, and theta
    pays for being constant, which tells them apart.
    """

    domains = (Symbols,)
    latents = (Latent("theta"),)
    domain: Symbols

    def __init__(self, config: Config, domain: Symbols) -> None:
        super().__init__(domain)
        units = config.encoder_dim
        self.encoder = nn.Sequential(
            nn.Linear(domain.size, units),
            relu_layers(units, config.encoder_layers),
            GaussianHead(units, config.topics),
        )
        self.decoder = Decoder(config, domain)
        features = config.embedding_dim if config.tied else config.hidden_dim
        self.switch = nn.Linear(features, 1)
        self.topics = nn.Linear(config.topics, domain.size, bias=False)  # b
        self.disjoint = config.disjoint
        stop = torch.zeros(domain.size, dtype=torch.bool)
        stop[[domain.eos, *domain.stop_words]] = True
        self.stop = nn.Buffer(stop, persistent=False)
        initialise(self, config.init_scale)

    def setup(self, batches: Iterable[Batch]) -> None:
        """Warns where a document is a single short line, as topics are those of documents."""
        if self.domain.sentences == 1 and self.domain.longest < SHORT:
            log.warning(
                "model=topicrnn: each document is one line of at most %s tokens, which say little"
                " of topics; set data.document=10 where lines that follow one another belong"
                " together",
                self.domain.longest,
            )

    def encode(self, batch: Batch, carried: State | None = None) -> Gaussian:
        """q(theta|x), [B, D]."""
        return self.infer(self.counts(batch))

    def counts(self, batch: Batch) -> Tensor:
        """[B, V] how often each word occurs in each document; 0 for stop words."""
        counted = (batch.mask & ~self.stop[batch.x]).to(self.topics.weight.dtype)
        counts = counted.new_zeros(len(batch), self.domain.size)
        return counts.scatter_add(1, batch.x, counted)

    def infer(self, counts: Tensor) -> Gaussian:
        """q(theta | counts), [..., D], of counts [..., V]."""
        return self.encoder(counts)  # type: ignore[no-any-return]

    def sample(
        self, encoded: Gaussian, noise: Noise, enumerate: bool = False
    ) -> dict[str, LatentSample]:
        theta = encoded.sample(noise.at("theta"))
        return {"theta": LatentSample(theta, encoded, standard(theta, theta.shape[-1]))}

    def sample_prior(self, noise: Noise, given: Mapping[str, Tensor]) -> dict[str, Tensor]:
        drawn = noise.at("theta").normal(self.topics.in_features)
        return {"theta": given.get("theta", drawn)}

    def log_px(self, batch: Batch, z: Mapping[str, Tensor], noise: Noise) -> Tensor:
        return self.terms(batch, z, noise)[0]

    def terms(
        self, batch: Batch, z: Mapping[str, Tensor], noise: Noise
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """``log_px``, and the penalties of the decoder's outputs."""
        theta = self.sample_prior(noise, z)["theta"]
        outputs, penalties = self._outputs(batch, theta)
        log_px = self._given(batch, outputs, theta[:, :, None]).sum(-1)
        return log_px, {name: each.expand_as(log_px) for name, each in penalties.items()}

    def step_log_px(self, batch: Batch, theta: Tensor) -> Tensor:
        """[K, B, T] log p(x_t | x_<t, theta) in nats, 0 on padding.

        In training mode it is log p(x_t, l_t | x_<t, theta), l_t = 1 where x_t is a stop word.

        Args:
            batch: B documents, padded to T.
            theta: [K, B, 1, D], or [K, B, T, D] of each step.
        """
        return self._given(batch, self._outputs(batch, theta)[0], theta)

    def _outputs(self, batch: Batch, theta: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """The decoder's outputs [1, B, T, H], the same for all samples, and penalties of them."""
        return self.decoder.outputs(batch, self.decoder.start(theta[:1]))

    def _given(self, batch: Batch, h: Tensor, theta: Tensor) -> Tensor:
        """``step_log_px`` of the decoder's outputs h."""
        gate = self._gate(h)[..., 0]
        if self.training or self.disjoint:
            stop = self.stop[batch.x]
            log_switch = logsigmoid(torch.where(stop, gate, -gate))
            return self._log_words(batch, h, theta, stop) + log_switch * batch.mask
        everywhere = torch.ones_like(batch.mask)
        mixed = torch.logaddexp(
            logsigmoid(gate) + self._log_words(batch, h, theta, everywhere),
            logsigmoid(-gate) + self._log_words(batch, h, theta, ~everywhere),
        )
        return mixed * batch.mask

    def start(self, z: Mapping[str, Tensor], noise: Noise) -> State:
        theta = self.sample_prior(noise, z)["theta"]
        return {**self.decoder.start(theta), "theta": theta}

    def emit(self, state: State, noise: Noise) -> tuple[Distribution, State]:
        h, state = self.decoder.step(state)
        gate = self._gate(h)
        without = linear(h, self._weight, self._bias)
        with_topics = without + self.topics(state["theta"])
        if self.disjoint:
            without = without.masked_fill(~self.stop, -torch.inf)
            with_topics = with_topics.masked_fill(self.stop, -torch.inf)
        without, with_topics = without.log_softmax(-1), with_topics.log_softmax(-1)
        mixed = torch.logaddexp(logsigmoid(gate) + without, logsigmoid(-gate) + with_topics)
        return Categorical(mixed), state

    def advance(self, state: State, x: Tensor) -> State:
        return {**state, "x": x}

    def diagnostics(self) -> list[Diagnostic]:
        return [Topics(), *([Window()] if self.domain.sentences > 1 else [])]

    def _gate(self, h: Tensor) -> Tensor:
        """[..., 1] Gamma h, in float32 where matrix products run in bf16."""
        gate: Tensor = self.switch(h)
        return gate.to(torch.promote_types(gate.dtype, torch.float32))  # type: ignore[no-untyped-call]

    def _log_words(self, batch: Batch, h: Tensor, theta: Tensor, switch: Tensor) -> Tensor:
        """[K, B, T] log p(x_t | h_t, theta_t, switch_t), by one product."""
        on = switch[..., None].to(theta.dtype)
        features, columns = [h, theta * (1 - on)], [self._weight, self.topics.weight]
        if self.disjoint:
            stop = self.stop[:, None].to(theta.dtype)
            features += [on, 1 - on]
            columns += [EXCLUDED * (1 - stop), EXCLUDED * stop]
        shape = (theta.shape[0], *h.shape[1:3])
        given = torch.cat([each.expand(*shape, -1) for each in features], -1)
        return step_log_prob(batch, given, torch.cat(columns, 1), self._bias)

    @property
    def _weight(self) -> Tensor:
        """v, [V, H]."""
        head: Any = self.decoder.head
        return head.weight if (table := self.decoder.table()) is None else table  # type: ignore[no-any-return]

    @property
    def _bias(self) -> Tensor:
        """a, [V]."""
        head: Any = self.decoder.head
        return head.bias  # type: ignore[no-any-return]
