"""What can be asked of a run from Python; the commands ask the same way."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny import GRAMMAR, LINES, SIZES, tiny_run

import vaetext
from vaetext import Run


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("trained") / "run"
    return vaetext.train(["model=rnnlm", "trainer=debug", "seed=7", *SIZES, *GRAMMAR], folder)


def test_a_run_is_loaded_as_it_was_trained(trained: Run) -> None:
    loaded = vaetext.load(trained.folder)
    assert loaded.results == trained.results
    assert loaded.results["model"] == loaded.config.model.name == loaded.model.name == "rnnlm"
    assert loaded.parameters == loaded.results["parameters"]
    assert not loaded.model.training
    assert repr(loaded).startswith(f"Run('{trained.folder}', model=rnnlm, data=grammar")


def test_noise_has_the_seed_of_the_run_unless_another_is_given(trained: Run) -> None:
    assert trained.seed == vaetext.load(trained.folder).seed == 7
    other = vaetext.load(trained.folder, seed=0)
    assert other.seed == 0
    assert other.sample(3, max_length=5) == trained.sample(3, seed=0, max_length=5)
    assert other.sample(3, max_length=5) != trained.sample(3, max_length=5)


def test_evaluate_gives_the_numbers_of_the_results(trained: Run) -> None:
    assert asdict(trained.evaluate("valid", iw_samples=1)) == trained.results["valid"]


def test_codes_and_scores_are_aligned_with_the_sentences() -> None:
    run = tiny_run("hvrae")
    encoded = run.encode([*LINES, "", LINES[0]], iw_samples=5)
    assert set(encoded.latents) == {"z_g", "z_l"}
    z_g = encoded.latents["z_g"]
    assert z_g.mean.shape == z_g.z.shape == (6, 3)
    np.testing.assert_allclose(z_g.mean[0], z_g.mean[5], rtol=1e-5)
    assert z_g.std is not None
    assert (z_g.std > 0).all()
    scores = encoded.scores
    assert scores.tokens.tolist() == [7, 4, 4, 7, 1, 7]
    np.testing.assert_allclose(scores.rec + sum(scores.kl.values()), scores.neg_elbo)
    assert scores.iw_samples == 5
    again = run.score(LINES[:2], iw_samples=5)
    np.testing.assert_allclose(again.iw_nll, scores.iw_nll[:2], rtol=1e-5)


def test_a_model_without_latents_has_exact_scores() -> None:
    encoded = tiny_run("rnnlm").encode(LINES)
    assert encoded.latents == {}
    assert encoded.scores.iw_samples is None
    np.testing.assert_array_equal(encoded.scores.iw_nll, encoded.scores.rec)


def test_a_path_begins_and_ends_at_the_reconstructions() -> None:
    run = tiny_run()
    path = run.interpolate(LINES[0], LINES[1], steps=4, max_length=6)
    first, last = run.reconstruct(LINES[:2], max_length=6)
    assert len(path) == 4
    assert (path[0], path[-1]) == (first, last)
    codes = run.encode(LINES[:2]).latents["z"].mean
    assert run.decode({"z": codes}, max_length=6) == [first, last]
    np.testing.assert_allclose(run.path(*LINES[:2], 4)["z"][[0, 3]], codes, rtol=1e-5)


def test_paths_between_samples_of_the_prior_depend_on_the_seed() -> None:
    run = tiny_run()
    one, again, other = (run.path(seed=seed)["z"] for seed in (3, 3, 4))
    assert one.shape == (7, 3)
    np.testing.assert_array_equal(one, again)
    assert (one[0] != other[0]).all()


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda run: run.sample(0), "n=0 is out of range: it must be at least 1"),
        (lambda run: run.sample(temperature=-1.0), "temperature=-1.0 is out of range"),
        (lambda run: run.reconstruct(LINES, top_k=3), "top_k=3 .* set greedy=false"),
        (lambda run: run.interpolate(move="z_9"), "move=z_9: the latents of this model are z"),
        (lambda run: run.interpolate(steps=1), "steps=1 is out of range"),
        (lambda run: run.encode("a dog"), r"sentences='a dog': give a list"),
        (lambda run: run.encode([]), "give at least one"),
        (lambda run: run.decode({}), "this model's latents are z; give the code of each"),
        (lambda run: run.score(LINES, iw_samples=0), "iw_samples=0 is out of range"),
        (lambda run: run.results, "has no results.json: the run has not finished; resume it"),
    ],
)
def test_errors_are_those_of_the_command_line(ask: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        ask(tiny_run(folder=tmp_path))


def test_loading_what_is_not_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="does not exist; give a folder"):
        vaetext.load(tmp_path / "absent")
    with pytest.raises(ValueError, match="checkpoint='first': choose from best, last"):
        vaetext.load(tmp_path, "first")
