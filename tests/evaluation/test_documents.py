"""Documents: sequences with an EOS after each sentence. Every EOS is predicted, none is a word."""

import math
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch

from vaetext.config.decoding import DecodingOptions
from vaetext.config.model import Model
from vaetext.config.models.hvrae import HVRAE
from vaetext.config.models.lrnnvae import LRNNVAE
from vaetext.config.models.rnnlm import RNNLM
from vaetext.config.models.vrae import VRAE
from vaetext.data.domain import Symbols
from vaetext.data.loader import Split, collate
from vaetext.distributions.noise import KeyedNoise
from vaetext.evaluation.decoding import generate
from vaetext.evaluation.latents import mean_codes
from vaetext.evaluation.metrics import evaluate, summary
from vaetext.evaluation.prefix import Prefix
from vaetext.evaluation.scoring import Scores, score
from vaetext.models.base import SequenceModel
from vaetext.models.registry import build

CPU = torch.device("cpu")
DOCUMENTS = [[2, 3, 1, 4, 1], [5, 1], [1], [6, 1, 1, 5, 4, 3, 1], [2, 1, 2, 1, 2, 1]]
WORDS = [3, 1, 0, 4, 3]
SYMBOLS = Symbols(size=7, eos=1, unk=0, longest=7)
SMALL: dict[str, Any] = {"embedding_dim": 5, "hidden_dim": 6, "dropout": 0.0}
LATENT: dict[str, Any] = {**SMALL, "latent_dim": 3}
LADDER: dict[str, Any] = {
    **SMALL,
    "hidden_dims": [6, 5],
    "latent_dims": [3, 2],
    "reconstruction_dim": 4,
}
CASES: dict[str, Model] = {
    "rnnlm": RNNLM(name="rnnlm", **SMALL),
    "vrae-lstm": VRAE(name="vrae", **LATENT, cell="lstm", bidirectional=True),
    "vrae-max": VRAE(name="vrae", **LATENT, pooling="max"),
    "vrae-map": VRAE(name="vrae", **LATENT, latent="feature-map", stride=2),
    "hvrae": HVRAE(name="hvrae", **LATENT, local_dim=2, pyramid_layers=2),
    "hvrae-sequence": HVRAE(
        name="hvrae", **LATENT, local_dim=2, pyramid_layers=2, local="sequence"
    ),
    "lrnnvae": LRNNVAE(name="lrnnvae", **LADDER),
}


def make(case: str) -> SequenceModel:
    torch.manual_seed(0)
    return build(CASES[case], SYMBOLS).double().eval()


def scored(model: SequenceModel, batch_tokens: int = 100, samples: int = 1) -> Scores:
    return score(
        model,
        Split.of(DOCUMENTS),
        seed=0,
        samples=samples,
        batch_tokens=batch_tokens,
        device=CPU,
    )


@torch.no_grad()
def test_every_eos_of_a_document_is_predicted() -> None:
    model = make("rnnlm")
    found = scored(model).log_px[0]
    noise = KeyedNoise(0, torch.arange(1), range(1), torch.float64)
    for number, document in enumerate(DOCUMENTS):
        state = model.start({}, noise)
        total = 0.0
        for token in document:
            p, state = model.emit(state, noise)
            total += p.log_prob(torch.tensor(token)).item()
            state = model.advance(state, torch.tensor([[token]]))
        assert found[number].item() == pytest.approx(total, rel=1e-5)


def test_words_of_a_document_are_the_tokens_that_are_not_eos() -> None:
    scores = scored(make("vrae-lstm"))
    assert scores.words is not None
    assert scores.words.tolist() == WORDS
    assert scores.tokens.tolist() == [5, 2, 1, 7, 6]


def test_each_perplexity_of_documents_counts_what_its_name_says() -> None:
    scores = scored(make("vrae-lstm"), samples=4)
    results = summary(scores)
    assert (results.sequences, results.tokens, results.tokens_no_eos) == (5, 21, 11)
    nats = -scores.elbo.sum().item()
    assert results.ppl == pytest.approx(math.exp(nats / 21))
    assert results.ppl_no_eos == pytest.approx(math.exp(nats / 11))
    rec = -scores.log_px.mean(0).sum().item()
    assert results.rec_ppl_no_eos == pytest.approx(math.exp(rec / 11))
    weight = torch.logsumexp(scores.log_weight, 0) - math.log(4)
    assert results.iw_ppl == pytest.approx(math.exp(-weight.sum().item() / 21))
    assert results.bits_per_symbol == pytest.approx(nats / 21 / math.log(2))


@pytest.mark.parametrize("case", CASES)
def test_padding_and_batches_change_no_number_of_a_document(case: str) -> None:
    model = make(case)
    alone, together = scored(model, batch_tokens=1), scored(model, batch_tokens=100)
    torch.testing.assert_close(alone.log_px, together.log_px, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(alone.log_weight, together.log_weight, rtol=1e-6, atol=1e-6)


@torch.no_grad()
@pytest.mark.parametrize("case", ["vrae-lstm", "vrae-max"])
def test_a_document_is_encoded_as_its_tokens_alone_without_the_last_eos(case: str) -> None:
    model: Any = make(case)
    q = model.encode(collate(Split.of(DOCUMENTS), np.arange(len(DOCUMENTS)), SYMBOLS))
    for number, document in enumerate(DOCUMENTS):
        if document[:-1]:
            embedded = model.encoder.embedding(torch.tensor([document[:-1]]))
            alone = model.head(model.encoder.read(embedded))
            torch.testing.assert_close(q.mean[number], alone.mean[0], rtol=1e-10, atol=1e-10)


@torch.no_grad()
@pytest.mark.parametrize("case", [case for case in CASES if case != "rnnlm"])
def test_the_posterior_depends_on_where_sentences_end(case: str) -> None:
    model = make(case)
    rows = [[2, 3, 1, 4, 1], [2, 1, 3, 4, 1]]
    batch = collate(Split.of(rows), np.arange(2), SYMBOLS)
    latents = model.sample(model.encode(batch), KeyedNoise(0, torch.zeros(2).long(), range(1)))
    for sample in latents.values():
        assert not torch.allclose(sample.q.mean[..., 0, :], sample.q.mean[..., 1, :])


OPTIONS = [DecodingOptions(), DecodingOptions(greedy=True), DecodingOptions(beam=3)]


@pytest.mark.parametrize("options", OPTIONS, ids=["sampled", "greedy", "beam"])
def test_a_document_is_generated_up_to_the_end_of_its_last_sentence(
    options: DecodingOptions,
) -> None:
    model = make("rnnlm").float()
    model.domain = replace(SYMBOLS, sentences=3)
    bias: Any = model.get_parameter("decoder.head.bias")
    bias.data[SYMBOLS.eos] = 1.5  # ends are likely, so that sentences are short
    options = replace(options, max_length=60)
    for output in generate(model, {}, 20, options, seed=1):
        assert output[-1] == SYMBOLS.eos and output.count(SYMBOLS.eos) == 3
    begun = [2, SYMBOLS.eos, 3]
    for output in generate(model, {}, 20, options, seed=1, prefix=Prefix(begun)):
        assert output[:3] == begun and output.count(SYMBOLS.eos) == 3


@torch.no_grad()
def test_a_beam_finds_the_likeliest_document() -> None:
    model = make("rnnlm")
    model.domain = replace(SYMBOLS, sentences=2)
    bias: Any = model.get_parameter("decoder.head.bias")
    bias.data[SYMBOLS.eos] = 0.5
    rows = [
        [*a, 1, *b, 1]
        for la, lb in [(0, 0), (0, 1), (1, 0), (1, 1), (0, 2), (2, 0)]
        for a in product([0, *range(2, 7)], repeat=la)
        for b in product([0, *range(2, 7)], repeat=lb)
    ]
    found = score(model, Split.of(rows), seed=0, samples=1, batch_tokens=500, device=CPU)
    best = rows[int(found.log_px[0].argmax())]
    options = DecodingOptions(beam=49, max_length=4)
    assert generate(model.float(), {}, 1, options) == [best]


def test_a_prefix_of_all_sentences_of_a_document_is_refused() -> None:
    with pytest.raises(ValueError, match="prefix: it has 1 whole sentences"):
        generate(make("rnnlm").float(), {}, 1, DecodingOptions(), prefix=Prefix([2, 1]))


@pytest.mark.parametrize("case", ["vrae-lstm", "hvrae-sequence"])
def test_sequences_of_one_sentence_are_reconstructed_up_to_their_first_eos(case: str) -> None:
    model = make(case)
    split = Split.of(DOCUMENTS)
    results = evaluate(model, split, seed=0, samples=2, batch_tokens=50, device=CPU).results
    assert math.isfinite(results.neg_elbo) and set(results.active_units) == set(results.kl)
    outputs = generate(
        model.float(), mean_codes(model, DOCUMENTS), len(DOCUMENTS), DecodingOptions(max_length=30)
    )
    for output in outputs:
        assert output.count(SYMBOLS.eos) == (output[-1] == SYMBOLS.eos)
