"""Codes to decode: means, samples of the prior, held latents, and paths."""

from typing import Any

import pytest
import torch
from tiny import LINES, tiny_model, tokenizer
from toys.discrete import ToyDiscreteVRNN
from toys.length import ToyLength
from toys.step import ToyVRNN

from vaetext.config.decoding import DecodingOptions
from vaetext.data.domain import Symbols
from vaetext.distributions.latent import is_blank
from vaetext.evaluation import generation, latents
from vaetext.evaluation.decoding import GREEDY
from vaetext.evaluation.latents import (
    follow,
    held,
    lerp,
    mean_codes,
    path,
    prior_codes,
    slerp,
)


@pytest.mark.parametrize("name", ["vrae", "hvrae", "lvae"])
def test_reconstruction_is_the_same_in_batches_of_any_size(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = tiny_model(name)
    ids = tokenizer().encode_all(LINES * 3)
    codes = mean_codes(model, ids)
    together = generation.reconstruct(model, ids, GREEDY)
    monkeypatch.setattr(latents, "BATCH_TOKENS", 12)
    torch.testing.assert_close(mean_codes(model, ids), codes)
    assert generation.reconstruct(model, ids, GREEDY) == together


def test_a_very_long_line_is_reconstructed_with_others() -> None:
    ids = tokenizer().encode_all([*LINES * 3, "the cat " * 10_000])
    options = DecodingOptions(greedy=True, max_length=3)
    assert len(generation.reconstruct(tiny_model(), ids, options)) == len(ids)


@pytest.mark.parametrize("batch_tokens", [1, 4096])
@pytest.mark.parametrize("kind", [ToyVRNN, ToyDiscreteVRNN, ToyLength])
def test_codes_of_sequences_of_different_lengths_are_joined(
    kind: Any, batch_tokens: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    model = kind(kind.Config(), Symbols(5, eos=0, unk=1, longest=6)).eval()
    sequences = [[2, 3, 4, 2, 0], [0], [3, 3, 0]]
    monkeypatch.setattr(latents, "BATCH_TOKENS", batch_tokens)
    codes = latents.mean_codes(model, sequences)
    for number, sequence in enumerate(sequences):
        for name, alone in latents.mean_codes(model, [sequence]).items():
            size = alone.shape[1] if alone.dim() > 1 else None
            together = codes[name][number]
            torch.testing.assert_close(together[:size] if size else together, alone[0])
            per_step = next(each.per_step for each in model.latents if each.name == name)
            if size is not None:
                after = together[size:]
                assert is_blank(after).all() if per_step else not after.any()


@pytest.mark.parametrize("options", [GREEDY, DecodingOptions(max_length=9)])
@pytest.mark.parametrize("kind", [ToyVRNN, ToyDiscreteVRNN])
def test_a_path_of_latents_is_reconstructed_the_same_beside_a_longer_one(
    kind: Any, options: DecodingOptions
) -> None:
    torch.manual_seed(3)
    model = kind(kind.Config(), Symbols(5, eos=0, unk=1, longest=6)).eval()
    short = [3, 3, 0]
    for long in ([2, 3, 4, 2, 2, 4, 4, 0], [4, 0]):
        both = generation.reconstruct(model, [short, long], options)
        assert both[:1] == generation.reconstruct(model, [short], options)


def test_a_model_without_a_latent_has_no_codes() -> None:
    for ask in (
        lambda model: mean_codes(model, [[1]]),
        lambda model: generation.path_between(model, None, None, 3),
    ):
        with pytest.raises(ValueError, match="model rnnlm has no latent"):
            ask(tiny_model("rnnlm"))


def test_samples_depend_on_the_seed_and_their_number_alone() -> None:
    options = DecodingOptions(max_length=9)
    few, many, other = (
        generation.sample(tiny_model(), n, seed, options) for n, seed in ((3, 5), (40, 5), (40, 6))
    )
    assert many[:3] == few
    assert many != other
    codes = prior_codes(tiny_model(), range(3), 3)["z"]
    assert codes.shape == (3, 3)
    assert torch.equal(codes[1:2], prior_codes(tiny_model(), range(1, 2), 3)["z"])


def test_a_held_latent_stays_and_the_others_move() -> None:
    a = {"z_g": torch.zeros(1, 2), "z_l": torch.zeros(1, 3)}
    b = {"z_g": torch.ones(1, 2), "z_l": torch.ones(1, 3)}
    codes = path(a, b, 5, hold="z_g")
    assert codes["z_g"].tolist() == [[0.0, 0.0]] * 5
    assert codes["z_l"][:, 0].tolist() == [0.0, 0.25, 0.5, 0.75, 1.0]
    with pytest.raises(ValueError, match=r"hold=z_x: .*z_g, z_l; did you mean"):
        path(a, b, 5, hold="z_x")
    with pytest.raises(ValueError, match="hold=z_g: nothing is left that moves"):
        path(a, b, 5, hold="z_g", move="z_g")


def test_one_latent_moves_alone() -> None:
    a = {"z_1": torch.zeros(1, 2), "z_2": torch.zeros(1, 3)}
    b = {"z_1": torch.ones(1, 2), "z_2": torch.ones(1, 3)}
    codes = path(a, b, 3, move="z_2")
    assert codes["z_1"].abs().max() == 0
    assert codes["z_2"][:, 0].tolist() == [0.0, 0.5, 1.0]
    with pytest.raises(ValueError, match=r"move=z_9: .*z_1, z_2"):
        path(a, b, 3, move="z_9")


def test_sequences_share_the_first_ones_held_code() -> None:
    codes = {"z_g": torch.arange(6.0).view(3, 2), "z_l": torch.arange(3.0).view(3, 1)}
    kept = held(codes, "z_g", {"z_g": torch.tensor([[7.0, 8.0], [9.0, 9.0]])})
    assert kept["z_g"].tolist() == [[7, 8]] * 3
    assert kept["z_l"] is codes["z_l"]
    assert held(codes, None, codes) is codes
    with pytest.raises(ValueError, match=r"hold=z: the latents of this model are z_g, z_l"):
        held(codes, "z", codes)
    with pytest.raises(ValueError, match=r"hold=z: this model has no latent"):
        held({}, "z", {})


def test_a_latent_conditioned_on_a_held_one_is_sampled_given_it() -> None:
    model = tiny_model("hvrae", latent_dim=2, local_dim=1, local_prior="conditional")
    with torch.no_grad():
        head = model.local_prior_net.head.linear  # type: ignore[union-attr]
        head.weight.mul_(1000)  # type: ignore[union-attr, operator]
        head.bias[1] = -30.0  # type: ignore[union-attr, index]
    a, b = (prior_codes(model, range(n, n + 1), 0) for n in (0, 1))
    found = prior_codes(model, range(1, 2), 0, {"z_g": a["z_g"]})
    assert torch.equal(found["z_g"], a["z_g"])
    assert not torch.allclose(found["z_l"], b["z_l"])
    prior = model.local_prior(a["z_g"])  # type: ignore[operator]
    assert ((found["z_l"] - prior.mean) / prior.std).abs().max() < 6


@pytest.mark.parametrize(
    ("name", "moved", "hold"),
    [("hvrae", "z_g", "z_l"), ("lvae", "z_3", "z_2"), ("lvae", "z_2", "z_1")],
)
def test_a_held_latent_does_not_follow_the_one_it_is_conditioned_on(
    name: str, moved: str, hold: str
) -> None:
    options = {"local_prior": "conditional"} if name == "hvrae" else {}
    model = tiny_model(name, **options)
    a, b = (prior_codes(model, range(n, n + 1), 0) for n in (0, 1))
    codes = follow(model, path(a, b, 3, hold=hold, move=moved), moved, hold)
    free = follow(model, path(a, b, 3, move=moved), moved)
    assert torch.equal(codes[hold], a[hold].expand_as(codes[hold]))
    assert not torch.equal(free[hold], codes[hold])
    torch.testing.assert_close(codes[moved], free[moved])


def test_slerp_stays_on_the_great_circle() -> None:
    a = torch.tensor([[2.0, 0.0, 0.0]])
    b = torch.tensor([[0.0, 2.0, 0.0]])
    for share in (0.0, 0.3, 0.5, 1.0):
        assert slerp(a, b, share).norm().item() == pytest.approx(2.0)
    torch.testing.assert_close(slerp(a, b, 0.0), a)
    torch.testing.assert_close(slerp(a, b, 1.0), b)
    torch.testing.assert_close(slerp(a, b, 0.5), torch.tensor([[2**0.5, 2**0.5, 0.0]]))
    torch.testing.assert_close(slerp(a, 3 * a, 0.5), lerp(a, 3 * a, 0.5))
    assert slerp(a, 0 * a, 0.5).isfinite().all()
    assert slerp(a, -a, 0.5).isfinite().all()


def test_a_discrete_latent_stays_and_must_be_equal_at_both_ends() -> None:
    a = {"length": torch.tensor([2]), "z": torch.zeros(1, 3, 2)}
    b = {"length": torch.tensor([2]), "z": torch.ones(1, 3, 2)}
    codes = path(a, b, 3)
    assert codes["length"].tolist() == [2, 2, 2]
    assert codes["z"][:, 0, 0].tolist() == [0.0, 0.5, 1.0]
    with pytest.raises(ValueError, match="latent length is discrete and differs between a and b"):
        path(a, {**b, "length": torch.tensor([1])}, 3)
    with pytest.raises(ValueError, match="move=length: it is discrete"):
        path(a, b, 3, move="length")
    with pytest.raises(ValueError, match="hold=z: nothing is left that moves"):
        path(a, b, 3, hold="z")


def test_sentences_of_unlike_latent_lengths_have_no_path() -> None:
    model = tiny_model("latent-seq", latent_dim=2, max_latents=4)
    sequences = [[2, 3, 1], [4, 5, 6, 2, 1]]
    with torch.no_grad():
        model.length_head[-1].weight.mul_(1000)  # type: ignore[index, operator, union-attr]
    one, other = (int(mean_codes(model, [each])["length"]) for each in sequences)
    assert one != other
    message = (
        f"latent length is {one + 1} in a and {other + 1} in b, and there is no path from one to"
        " the other; choose sentences of equal length, or give one alone"
    )
    with pytest.raises(ValueError, match=message):
        generation.path_between(model, *sequences, 3)
    codes = generation.path_between(model, sequences[0], None, 3)
    assert codes["length"].tolist() == [one] * 3


def test_samples_have_the_latent_length_that_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    model = tiny_model("latent-seq", latent_dim=2, max_latents=4)
    seen = []
    decode = generation.generate

    def spy(model: Any, codes: Any, *others: Any, **named: Any) -> Any:
        seen.append(codes)
        return decode(model, codes, *others, **named)

    monkeypatch.setattr(generation, "generate", spy)
    generation.sample(model, 5, length=3)
    generation.sample(model, 5, length=3, hold="z")
    generation.sample(model, 5)
    assert seen[0]["length"].tolist() == seen[1]["length"].tolist() == [2] * 5
    assert torch.equal(seen[1]["z"], seen[1]["z"][:1].expand_as(seen[1]["z"]))
    assert torch.equal(seen[0]["z"], seen[2]["z"])
    with pytest.raises(ValueError, match=r"length=5: the latent length of this run is from 1 to 4"):
        generation.sample(model, 5, length=5)
    with pytest.raises(ValueError, match=r"length=3: model vrae has no latent length"):
        generation.sample(tiny_model(), 5, length=3)
    with pytest.raises(ValueError, match=r"codes of length: they count from 0, .* under 4"):
        generation.given_codes(model, {"length": [4], "z": torch.zeros(1, 4, 2)})
