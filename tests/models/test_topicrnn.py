"""topicrnn by second routes: the switch summed by hand, counts, normalisation, KL, no future."""

import math
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from vaetext.config.decoding import DecodingOptions
from vaetext.config.models.topicrnn import TopicRNN as Config
from vaetext.data import loader
from vaetext.data.batch import Batch
from vaetext.data.corpora import Corpus
from vaetext.data.domain import Symbols
from vaetext.data.loader import Split, collate
from vaetext.distributions.noise import KeyedNoise
from vaetext.evaluation.decoding import generate
from vaetext.evaluation.metrics import Evaluation, evaluate
from vaetext.models.topicrnn import TopicRNN
from vaetext.models.topics import certain_weights, coherence

CPU = torch.device("cpu")
EOS, UNK, THE, OF = 1, 0, 2, 3
DOMAIN = Symbols(size=8, eos=EOS, unk=UNK, longest=12, sentences=2, stop_words=(THE, OF))
DOCUMENTS = [
    [THE, 4, EOS, 5, 5, EOS],
    [EOS, EOS],  # empty
    [THE, OF, EOS, OF, EOS],  # stop words alone
    [UNK, 6, THE, 7, EOS, 4, EOS],
    [7, EOS],  # the rest of a split
]


def make(domain: Symbols = DOMAIN, **options: Any) -> TopicRNN:
    torch.manual_seed(0)
    sizes: dict[str, Any] = {"embedding_dim": 4, "hidden_dim": 5, "topics": 3, "encoder_dim": 6}
    model = TopicRNN(Config(name="topicrnn", dropout=0.0, **{**sizes, **options}), domain).double()
    model.name = "topicrnn"
    for parameter in model.parameters():
        parameter.data *= 2  # farther from uniform
    return model.eval()


def batch_of(rows: list[list[int]], domain: Symbols = DOMAIN) -> Batch:
    return collate(Split.of(rows), np.arange(len(rows)), domain)


def noise(batch: Batch, samples: int = 2) -> KeyedNoise:
    return KeyedNoise(0, batch.index, range(samples), torch.float64)


def by_hand(model: TopicRNN, document: list[int], theta: Tensor, switch: str) -> float:
    """log p(x|theta), or log p(x, l|theta), token by token from the equations."""
    h = torch.zeros(1, 1, model.decoder.rnn.hidden)
    total = 0.0
    before = model.domain.bos
    for token in document:
        embedded = model.decoder.embedding(torch.tensor([[before]]))
        layer: Any = model.decoder.rnn.layers[0]
        _, h = layer(embedded, h)
        head: Any = model.decoder.head
        words = h[0, 0] @ head.weight.T + head.bias
        p_stop = torch.sigmoid(model.switch(h[0, 0])[0])
        with_topics = words + model.topics.weight @ theta
        if model.disjoint:
            for stop in range(len(words)):
                (with_topics if stop in (EOS, THE, OF) else words)[stop] = -torch.inf
        p_words = [words.softmax(0)[token], with_topics.softmax(0)[token]]
        if switch == "summed":
            total += (p_stop * p_words[0] + (1 - p_stop) * p_words[1]).log().item()
        else:
            stop = token in (EOS, THE, OF)
            total += (p_stop * p_words[0] if stop else (1 - p_stop) * p_words[1]).log().item()
        before = token
    return total


@torch.no_grad()
@pytest.mark.parametrize("cell", ["rnn", "gru"])
@pytest.mark.parametrize("switch", ["summed", "observed"])
@pytest.mark.parametrize("disjoint", [True, False])
def test_the_switch_is_summed_out_in_scores_and_observed_in_training(
    cell: str, switch: str, disjoint: bool, float64: None
) -> None:
    model = make(cell=cell, disjoint=disjoint).train(switch == "observed")
    batch = batch_of(DOCUMENTS)
    theta = noise(batch).normal(3)
    found = model.log_px(batch, {"theta": theta}, noise(batch))
    for k, (row, document) in product(range(2), enumerate(DOCUMENTS)):
        expected = by_hand(model, document, theta[k, row], switch)
        assert found[k, row].item() == pytest.approx(expected, rel=1e-10)


@torch.no_grad()
def test_what_is_trained_on_is_a_lower_bound_of_what_is_scored() -> None:
    batch = batch_of(DOCUMENTS)
    z = {"theta": noise(batch).normal(3)}
    model = make(disjoint=False)
    scored = model.log_px(batch, z, noise(batch))
    assert (model.train().log_px(batch, z, noise(batch)) < scored).all()
    model = make()
    scored = model.log_px(batch, z, noise(batch))
    torch.testing.assert_close(model.train().log_px(batch, z, noise(batch)), scored)


@torch.no_grad()
def test_the_posterior_reads_the_counts_of_words_that_are_no_stop_words() -> None:
    model = make()
    counts = model.counts(batch_of(DOCUMENTS))
    assert counts.tolist() == [
        [0, 0, 0, 0, 1, 2, 0, 0],
        [0] * 8,
        [0] * 8,
        [1, 0, 0, 0, 1, 0, 1, 1],
        [0, 0, 0, 0, 0, 0, 0, 1],
    ]
    q = model.encode(batch_of(DOCUMENTS))
    encoder: Any = model.encoder
    read, (_, middle, _), head = encoder
    expected = head(middle(read(counts).relu()).relu())
    torch.testing.assert_close(q.mean, expected.mean, rtol=1e-12, atol=1e-12)
    # neither stop words nor the order of the others matter
    other = model.encode(batch_of([[5, 4, OF, 5, EOS, EOS]]))
    torch.testing.assert_close(other.mean[0], q.mean[0], rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(q.mean[1], q.mean[2], rtol=0, atol=0)
    assert not torch.allclose(q.mean[0], q.mean[3])


@torch.no_grad()
@pytest.mark.parametrize("disjoint", [True, False])
def test_probabilities_of_all_documents_sum_to_one(disjoint: bool) -> None:
    domain = Symbols(size=4, eos=EOS, unk=UNK, longest=9, sentences=2, stop_words=(THE,))
    model = make(domain, disjoint=disjoint)
    words = [UNK, THE, OF]
    theta = torch.tensor([0.7, -1.2, 0.3], dtype=torch.float64)
    rows = [
        [*a, EOS, *b, EOS]
        for la, lb in product(range(6), repeat=2)
        if la + lb < 6
        for a in product(words, repeat=la)
        for b in product(words, repeat=lb)
    ]
    # documents of at most 7 tokens, and the beginnings of all others
    rows += [[*row] for row in product([*words, EOS], repeat=7) if row.count(EOS) < 2]
    batch = batch_of(rows, domain)
    log_p = model.log_px(batch, {"theta": theta.expand(1, len(rows), 3)}, noise(batch, 1))
    assert log_p.exp().sum().item() == pytest.approx(1, abs=1e-10)


@torch.no_grad()
def test_the_kl_of_one_topic_is_that_of_numerical_integration() -> None:
    model = make(topics=1)
    batch = batch_of(DOCUMENTS)
    q = model.encode(batch)
    grid = torch.linspace(-30, 30, 200_001, dtype=torch.float64)
    sample = model.sample(q, noise(batch))["theta"]
    for row in range(len(DOCUMENTS)):
        log_q = -0.5 * ((grid - q.mean[row]) ** 2 / q.log_var[row].exp() + q.log_var[row])
        log_q = log_q - 0.5 * math.log(2 * math.pi)
        log_p = -0.5 * (grid**2 + math.log(2 * math.pi))
        integral = torch.trapezoid(log_q.exp() * (log_q - log_p), grid).item()
        assert sample.total_kl[0, row].item() == pytest.approx(integral, rel=1e-8)


def window(model: TopicRNN, documents: list[list[int]]) -> Evaluation:
    return evaluate(model, Split.of(documents), seed=0, samples=1, batch_tokens=12, device=CPU)


@pytest.mark.parametrize("rows", [4, 256])
@torch.no_grad()
def test_topics_of_a_word_are_inferred_from_the_words_before_it(
    rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vaetext.models.window.ROWS", rows)
    model = make()
    found = window(model, DOCUMENTS).results.diagnostics["PPL (window)"]
    text = [token for each in DOCUMENTS for token in each]
    nats, done = 0.0, 0
    for document in DOCUMENTS:
        theta = []
        for t in range(done, done + len(document)):
            before = text[:t]
            ends = [0, *(n + 1 for n, token in enumerate(before) if token == EOS)]
            shown = before[ends[max(0, len(ends) - 3)] :]  # two sentences, and what is begun
            theta.append(model.encode(batch_of([[EOS, *shown]])).mean[0])  # EOS counts as nothing
        nats -= model.step_log_px(batch_of([document]), torch.stack(theta)[None, None]).sum().item()
        done += len(document)
    assert found == pytest.approx(math.exp(nats / len(text)), rel=1e-10)


@torch.no_grad()
def test_a_change_of_the_future_changes_no_earlier_term() -> None:
    model = make()
    seen: list[list[Tensor]] = []

    class Recorded(TopicRNN):
        def step_log_px(self, batch: Batch, theta: Tensor) -> Tensor:
            found = super().step_log_px(batch, theta)
            if theta.shape[2] > 1:
                rows = zip(batch.index.tolist(), found[0], batch.lengths.tolist(), strict=True)
                seen[-1] += [(n, row[:length]) for n, row, length in rows]  # type: ignore[misc]
            return found

    model.__class__ = Recorded
    changed = [*DOCUMENTS[:3], [UNK, 6, THE, 5, EOS, 7, EOS], [4, 4, EOS]]
    for documents in (DOCUMENTS, changed):
        seen.append([])
        window(model, documents)
    one, other = (torch.cat([row for _, row in sorted(each)]) for each in seen)  # type: ignore[misc]
    same = sum(map(len, DOCUMENTS[:3])) + 3  # up to the first word that differs
    assert torch.equal(one[:same], other[:same])
    assert not torch.allclose(one[same : same + 1], other[same : same + 1])


def test_documents_of_one_sentence_have_no_window() -> None:
    model = make(replace(DOMAIN, sentences=1))
    split = Split.of([[4, 5, EOS], [THE, EOS]])
    found = evaluate(model, split, seed=0, samples=1, batch_tokens=50, device=CPU)
    assert set(found.results.diagnostics) == {"stop words"}


@pytest.mark.parametrize("part", [1, 3, 9])
def test_coherence_is_the_mean_npmi_of_pairs(part: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loader, "PART", part)
    split = Split.of([[4, 5, 1], [4, 5, 5, 1], [4, 6, 1], [7, 1]])
    found = coherence(np.array([[4, 5], [4, 6], [5, 6], [1, 4]]), split, 8)
    assert found[0] == pytest.approx(math.log(0.5 / (0.75 * 0.5)) / -math.log(0.5))
    assert found[1] == pytest.approx(math.log(0.25 / (0.75 * 0.25)) / -math.log(0.25))
    assert found[2] == -1
    assert found[3] == pytest.approx(0)  # EOS is everywhere, so it says nothing of the others


@pytest.mark.parametrize("part", [1, 100])
def test_weights_are_more_certain_the_more_often_their_words_occur(
    part: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loader, "PART", part)
    split = Split.of([[4, 5, 1], [4, 4, 1], [4, 6, 1]])
    weight = np.array([[0.0], [0.3], [0.0], [0.1], [0.2], [0.3], [-1.0], [5.0]])
    found = certain_weights(weight, split)[:, 0]
    assert found == pytest.approx([0, 0.3 * 3**0.5, 0, 0, 0.4, 0.3, -1, 0])


def test_generation_is_conditioned_on_a_given_theta() -> None:
    model = make()
    model.topics.weight.data[:] = 0
    model.topics.weight.data[6, 0] = 30
    model.switch.bias.data[:] = -20  # every word depends on the topics
    model = model.float()
    theta = torch.tensor([[1.0, 0, 0], [0, 0, 0]])
    outputs = generate(model, {"theta": theta}, 2, DecodingOptions(max_length=12), seed=1)
    assert outputs[0] == [6] * 12
    assert outputs[1].count(6) < 6


@pytest.mark.parametrize(("longest", "sentences", "count"), [(30, 1, 1), (200, 1, 0), (30, 2, 0)])
def test_documents_of_one_short_line_are_named(
    longest: int, sentences: int, count: int, caplog: pytest.LogCaptureFixture
) -> None:
    make(replace(DOMAIN, longest=longest, sentences=sentences)).setup([])
    assert caplog.text.count("set data.document=10") == count


class Words:
    """A tokenizer of the ids' own names."""

    def decode(self, ids: Any) -> str:
        return " ".join(f"w{n}" for n in ids if n != EOS)


@pytest.mark.parametrize("words", [1, 2])
def test_a_topic_of_few_words_has_no_stop_words_in_their_place(words: int) -> None:
    stop = tuple(n for n in range(8 - words) if n != EOS)
    model = make(replace(DOMAIN, stop_words=stop))
    split = Split.of(DOCUMENTS)
    form: Any = Words()
    corpus = Corpus("text", form, {"train": split, "test": split})
    found = evaluate(model, split, seed=0, samples=1, batch_tokens=50, device=CPU, corpus=corpus)
    (page,) = (str(each.content) for each in found.pages if each.name == "topics.txt")
    shown = [line.split("\t")[-1].split() for line in page.splitlines()[1:]]
    assert all(sorted(each) == ["w6", "w7"][-words:] for each in shown)
    assert ("NPMI" in found.results.diagnostics) == (words > 1)


def test_topics_and_documents_are_written_with_their_words() -> None:
    model = make()
    model.topics.weight.data[:, 1] = torch.arange(8.0)
    split = Split.of(DOCUMENTS)
    form: Any = Words()
    corpus = Corpus("text", form, {"train": split, "test": split})
    found = evaluate(model, split, seed=0, samples=1, batch_tokens=50, device=CPU, corpus=corpus)
    pages = {page.name: str(page.content) for page in found.pages}
    lines = [line.split("\t") for line in pages["topics.txt"].splitlines()]
    assert lines[0] == ["topic", "KL", "strongest in %", "NPMI", "words"]
    rows = {line[0]: line for line in lines[1:]}
    assert rows["1"][4].split()[:3] == ["w7", "w5", "w6"]  # w6 occurs once, the others twice
    assert sum(float(row[2]) for row in rows.values()) == pytest.approx(100, abs=0.2)
    kl = sum(float(row[1]) for row in rows.values())
    assert kl == pytest.approx(found.results.kl["theta"], abs=2e-3)
    npmi = np.mean([float(row[3]) for row in rows.values()])
    assert found.results.diagnostics["NPMI"] == pytest.approx(npmi, abs=1e-3)
    assert found.results.diagnostics["stop words"] == 3
    blocks = pages["documents.txt"].split("\n\n")
    assert len(blocks) == len(DOCUMENTS)
    assert blocks[0].splitlines()[-1] == "w2 w4 w5 w5"
