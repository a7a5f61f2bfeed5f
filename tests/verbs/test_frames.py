"""A run on real-valued sequences: its numbers, and every verb that reads it."""

import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from vaetext.config.data import SineContinuous
from vaetext.config.decoding import DecodingOptions
from vaetext.config.models.cnn import CNN
from vaetext.config.models.rnnlm import RNNLM
from vaetext.config.models.vrae import VRAE
from vaetext.config.trained import EncodeConfig, InterpolateConfig, ReconstructConfig, SampleConfig
from vaetext.data import corpora
from vaetext.data.corpora import Corpus
from vaetext.data.domain import Real
from vaetext.distributions.noise import MeanNoise
from vaetext.evaluation import generation
from vaetext.evaluation.decoding import GREEDY, MOST_FRAMES, generate
from vaetext.evaluation.metrics import evaluate
from vaetext.evaluation.scoring import score
from vaetext.models.base import SequenceModel
from vaetext.models.registry import build
from vaetext.report import plots
from vaetext.report.columns import columns
from vaetext.report.table import run_table
from vaetext.runs.run import Run
from vaetext.verbs import encode, interpolate, reconstruct, sample

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return corpora.load(
        SineContinuous(name="sine-continuous", noise=0.2, train_size=5, valid_size=5, test_size=40)
    )


@pytest.fixture(scope="module")
def model(corpus: Corpus) -> SequenceModel:
    torch.manual_seed(0)
    return build(
        VRAE(name="vrae", embedding_dim=5, hidden_dim=6, latent_dim=3), corpus.domain
    ).eval()


@pytest.fixture
def run(
    corpus: Corpus, model: SequenceModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    loaded = Run(tmp_path, None, corpus.format, model, CPU, epoch=0, seed=0)  # type: ignore[arg-type]
    for verb in (encode, interpolate, reconstruct, sample):
        monkeypatch.setattr(verb, "load", lambda *_: loaded)
        monkeypatch.setattr(verb, "output_folder", lambda: tmp_path)
    (tmp_path / "lines.txt").write_text("0.1 0.2 0.3\n\n0.9 0.5 0.5 0.5 0.2\n")
    return tmp_path


def test_frames_have_densities_and_no_perplexity(corpus: Corpus, model: SequenceModel) -> None:
    found = evaluate(model, corpus.splits["test"], seed=0, samples=3, batch_tokens=100, device=CPU)
    record = asdict(found.results)
    assert record["neg_elbo_per_step"] == pytest.approx(record["neg_elbo"] / 16)
    without = ("ppl", "ppl_no_eos", "rec_ppl_no_eos", "iw_ppl", "bits_per_symbol", "tokens_no_eos")
    assert all(record[name] is None for name in without)
    shown = columns(record)
    expected = {
        "rec",
        "KL z",
        "-ELBO",
        "IW-NLL(3)",
        "-ELBO per step",
        "IW-NLL(3) per step",
        "distance to truth",
    }
    assert expected <= set(shown)
    assert not any("PPL" in name or "token" in name or name == "NLL (rec)" for name in shown)
    names = ("model", "data", "trainer", "seed", "best_epoch", "parameters", "tokens_per_second")
    run = dict.fromkeys(names, 5)
    assert "5 real frames per second" in run_table({**run, "test": record})


def test_an_untrained_bound_is_above_the_truth(corpus: Corpus, model: SequenceModel) -> None:
    scores = score(
        model, corpus.splits["test"], seed=0, samples=50, batch_tokens=10_000, device=CPU
    )
    assert scores.truth is not None
    assert (scores.truth - scores.elbo).mean() > 0


def test_samples_are_no_longer_than_the_data(corpus: Corpus) -> None:
    longer = build(
        CNN(
            name="cnn",
            embedding_dim=5,
            latent_dim=3,
            channels=[4],
            output_channels=4,
            max_length=40,
        ),
        corpus.domain,
    ).eval()
    assert [
        each.shape for each in generate(longer, {"z": torch.zeros(2, 3)}, 2, DecodingOptions())
    ] == [(16, 1)] * 2
    given = corpus.format.encode_all(["0.5 " * 30, "0.5 " * 3])
    assert [len(each) for each in generation.reconstruct(longer, given, GREEDY)] == [30, 3]


def test_samples_have_as_many_frames_as_are_asked_for(corpus: Corpus, model: SequenceModel) -> None:
    codes = {"z": torch.zeros(2, 3)}
    (short, _), (long, _) = (
        generate(model, codes, 2, DecodingOptions(max_length=count)) for count in (5, 30)
    )
    assert (short.shape, long.shape) == ((5, 1), (30, 1))
    np.testing.assert_array_equal(short, long[:5])
    recordings = build(VRAE(name="vrae", hidden_dim=6, latent_dim=3), Real(1, 10_000)).eval()
    assert len(generate(recordings, codes, 1, GREEDY)[0]) == MOST_FRAMES
    limited = build(CNN(name="cnn", latent_dim=3, channels=[4], max_length=40), corpus.domain)
    with pytest.raises(ValueError, match="max_length=41: cnn writes at most 40 frames"):
        generate(limited.eval(), codes, 2, DecodingOptions(max_length=41))


def test_frames_are_drawn_from_their_distribution_and_greedy_takes_the_mean(
    model: SequenceModel,
) -> None:
    rows = 4000
    codes = {"z": torch.zeros(rows, 3)}
    noise = MeanNoise(1, CPU)
    p, _ = model.emit(model.start({"z": torch.zeros(1, 1, 3)}, noise), noise)
    mean = p.mean.item()
    std = p.std.item()  # type: ignore[attr-defined]

    def first(temperature: float) -> np.ndarray:
        options = DecodingOptions(max_length=1, temperature=temperature)
        return np.stack(generate(model, codes, rows, options, seed=3))[:, 0, 0]

    drawn = first(1.0)
    error = std / math.sqrt(rows)
    assert abs(drawn.mean() - mean) < 4.5 * error
    assert abs(drawn.std() - std) < 4.5 * error
    np.testing.assert_allclose(first(0.5) - mean, 0.5 * (drawn - mean), atol=1e-6)
    greedy = generate(model, {"z": codes["z"][:2]}, 2, GREEDY)
    assert [each.shape for each in greedy] == [(16, 1)] * 2
    assert greedy[0][0, 0] == pytest.approx(mean, abs=1e-6)


@pytest.mark.parametrize("option", [{"beam": 3}, {"top_k": 2}, {"top_p": 0.5}])
def test_options_that_choose_among_tokens_are_refused_for_frames(
    model: SequenceModel, option: dict[str, Any]
) -> None:
    message = f"{next(iter(option))}=.*(among tokens|no such option)"
    with pytest.raises(ValueError, match=message):
        generate(model, {"z": torch.zeros(1, 3)}, 1, DecodingOptions(**option))


def test_every_verb_reads_and_writes_lines_of_numbers(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = str(run / "lines.txt")
    sample.run(SampleConfig(run="r", n=3))
    assert [len(line.split()) for line in (run / "samples.txt").read_text().splitlines()] == [
        16
    ] * 3
    reconstruct.run(ReconstructConfig(run="r", input=source))
    given, back, _, *other = (run / "reconstructions.txt").read_text().splitlines()
    assert (
        given == "< 0.1 0.2 0.3"
        and len(back.split()) == 4
        and [len(line.split()) for line in other] == [6, 6]
    )
    encode.run(EncodeConfig(run="r", input=source, iw_samples=2))
    head, _, second = (run / "scores.tsv").read_text().splitlines()
    assert head.endswith("frames\tline") and second.endswith("5\t0.9 0.5 0.5 0.5 0.2")
    interpolate.run(InterpolateConfig(run="r", a="0.1 0.2 0.3", steps=3))
    assert (run / "interpolations.txt").read_text().splitlines()[0] == "A: 0.1 0.2 0.3"
    with pytest.raises(ValueError, match=r"frame 2 of '0\.1 dog' is 'dog'"):
        interpolate.run(InterpolateConfig(run="r", a="0.1 dog", steps=3))
    capsys.readouterr()


def test_a_model_without_a_latent_has_no_path(corpus: Corpus) -> None:
    plain = build(RNNLM(name="rnnlm", embedding_dim=5, hidden_dim=6), corpus.domain).eval()
    with pytest.raises(ValueError, match="rnnlm has no latent"):
        generation.path_between(plain, None, None, 3)


def test_samples_are_plotted_beside_the_data_in_raw_units(corpus: Corpus) -> None:
    assert corpus.curve is not None
    data, samples = plots.samples(corpus, [np.zeros((16, 1)), np.ones((16, 1))]).axes
    np.testing.assert_allclose(
        np.asarray(data.lines[0].get_ydata()), corpus.curve(corpus.splits["test"][0])
    )
    heights = [np.unique(np.asarray(line.get_ydata())).item() for line in samples.lines]
    assert heights == pytest.approx(
        [corpus.format.mean[0], corpus.format.mean[0] + corpus.format.std[0]]
    )  # type: ignore[union-attr]
