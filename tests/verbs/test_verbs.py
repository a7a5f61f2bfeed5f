"""The verbs that read a run, on a tiny model with a tiny vocabulary."""

import csv
import io
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from vaetext.config.model import HVRAE, MODELS, Latent
from vaetext.config.verbs import EncodeConfig, InterpolateConfig, ReconstructConfig, SampleConfig
from vaetext.data import tokenizer as tokenizers
from vaetext.data.domain import Symbols
from vaetext.data.loader import Split
from vaetext.evaluation import generation, latents
from vaetext.evaluation.decoding import GREEDY, DecodingOptions
from vaetext.evaluation.latents import follow, held, lerp, mean_codes, path, slerp
from vaetext.evaluation.scoring import score
from vaetext.models.base import SequenceModel
from vaetext.models.registry import build
from vaetext.report import output as files
from vaetext.runs.run import Run
from vaetext.verbs import encode, interpolate, reconstruct, sample

LINES = ["the cat sat on the mat", "a dog ran", "the dog sat", "a cat ran on the mat"]
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def tokenizer() -> tokenizers.Tokenizer:
    return tokenizers.train(LINES, "word", 0, 1)


def model(tokenizer: tokenizers.Tokenizer, name: str = "vrae") -> SequenceModel:
    torch.manual_seed(0)
    config = MODELS[name](name=name, embedding_dim=5, hidden_dim=6)  # type: ignore[call-arg]
    if isinstance(config, Latent):
        config.latent_dim = 3
    return build(config, Symbols(tokenizer.size, tokenizer.eos, tokenizer.unk, 30)).eval()


@pytest.fixture
def run(tokenizer: tokenizers.Tokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes every verb read one model and write to one folder; call it with a model's name."""

    def use(name: str) -> Path:
        loaded = Run(tmp_path, None, tokenizer, model(tokenizer, name), CPU, epoch=0, seed=0)  # type: ignore[arg-type]
        for verb in (encode, interpolate, reconstruct, sample):
            monkeypatch.setattr(verb, "load", lambda *_: loaded)
            monkeypatch.setattr(verb, "output_folder", lambda: tmp_path)
        return tmp_path

    return use


def lines_file(folder: Path, text: str) -> str:
    (folder / "lines.txt").write_text(text)
    return str(folder / "lines.txt")


def test_sample_prints_what_it_writes(run: Any, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("vrae", "rnnlm"):
        folder = run(name)
        sample.run(SampleConfig(run="r", n=7, max_length=5))
        printed = capsys.readouterr().out
        assert printed == (folder / "samples.txt").read_text()
        assert printed.count("\n") == 7


def test_a_ladder_whose_lowest_latent_is_held_has_nothing_that_moves(run: Any) -> None:
    run("lvae")
    with pytest.raises(ValueError, match=r"^hold=z_1: nothing is left that moves"):
        interpolate.run(InterpolateConfig(run="r", hold="z_1", move="z_2"))
    interpolate.run(InterpolateConfig(run="r", hold="z_2", steps=2))


def test_what_was_drawn_is_printed_though_the_disk_is_full(
    run: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    run("vrae")
    monkeypatch.setattr(files, "atomic_write", full)
    with pytest.raises(OSError, match="No space"):
        sample.run(SampleConfig(run="r", n=7, max_length=5))
    assert capsys.readouterr().out.count("\n") == 7


def test_samples_depend_on_the_seed_and_their_number_alone(tokenizer: tokenizers.Tokenizer) -> None:
    few, many, other = (
        generation.sample(model(tokenizer), n, seed, DecodingOptions(max_length=9))
        for n, seed in ((3, 5), (40, 5), (40, 6))
    )
    assert many[:3] == few
    assert many != other


def test_encode_writes_codes_and_scores_by_line(
    run: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = run("vrae")
    encode.run(
        EncodeConfig(
            run="r",
            input=lines_file(folder, "a dog ran\n\n  the\rcat\tsat \r\nzebra\n"),
            iw_samples=20,
        )
    )
    codes = np.load(folder / "codes.npz")
    assert sorted(codes) == ["index", "z.mean", "z.std", "z.z"]
    assert codes["index"].tolist() == [0, 2, 3]
    assert codes["z.mean"].shape == codes["z.z"].shape == (3, 3)
    assert (codes["z.std"] > 0).all()
    table = (folder / "scores.tsv").read_text()
    assert capsys.readouterr().out == table
    head, *rows = [line.split("\t") for line in table.splitlines()]
    assert head == ["index", "rec", "KL z", "-ELBO", "IW-NLL(20)", "tokens", "line"]
    assert [(row[0], row[5], row[6]) for row in rows] == [
        ("0", "4", "a dog ran"),
        ("2", "4", "the cat sat"),
        ("3", "2", "zebra"),
    ]
    for row in rows:
        assert float(row[1]) + float(row[2]) == pytest.approx(float(row[3]), abs=2e-4)


def test_scores_are_read_back_by_any_reader(run: Any) -> None:
    folder, lines = run("vrae"), ['"the cat', "a dog", 'the "dog" ran', "'a cat'"]
    encode.run(
        EncodeConfig(run="r", input=lines_file(folder, "\n".join(lines) + "\n"), iw_samples=2)
    )
    with (folder / "scores.tsv").open(newline="") as file:
        assert [row["line"] for row in csv.DictReader(file, delimiter="\t")] == lines


def test_encode_scores_a_model_without_a_latent_exactly(
    run: Any, tokenizer: tokenizers.Tokenizer
) -> None:
    folder = run("rnnlm")
    encode.run(EncodeConfig(run="r", input=lines_file(folder, "a dog ran\n")))
    head, row = [line.split("\t") for line in (folder / "scores.tsv").read_text().splitlines()]
    assert head == ["index", "rec", "-ELBO", "NLL", "tokens", "line"]
    assert not (folder / "codes.npz").exists()
    split = Split.of([tokenizer.encode("a dog ran")])
    expected = -score(
        model(tokenizer, "rnnlm"), split, seed=0, samples=1, batch_tokens=99, device=CPU
    ).log_px.item()
    assert float(row[1]) == float(row[2]) == float(row[3]) == pytest.approx(expected, abs=1e-4)


def test_reconstruct_shows_pairs(run: Any, capsys: pytest.CaptureFixture[str]) -> None:
    folder = run("vrae")
    for more in ({}, {"beam": 3}, {"greedy": False, "top_k": 2}):
        reconstruct.run(
            ReconstructConfig(
                run="r", input=lines_file(folder, "a dog ran\nthe zebra\n"), max_length=6, **more
            )
        )  # type: ignore[arg-type]
        text = (folder / "reconstructions.txt").read_text()
        assert capsys.readouterr().out == text
        assert [line[:2] for line in text.splitlines()] == ["< ", "> ", "", "< ", "> "]
        assert text.startswith("< a dog ran\n> ")
        assert "< the <unk>\n> " in text


def test_a_line_that_is_too_long_is_named(run: Any) -> None:
    folder = run("lvae")
    lines = lines_file(folder, f"a dog ran\n\n{'the cat ' * 20}\nthe dog\n")
    for verb, config in (
        (encode, EncodeConfig(run="r", input=lines)),
        (reconstruct, ReconstructConfig(run="r", input=lines)),
    ):
        with pytest.raises(
            ValueError, match=rf"model\.max_length=30: .*{lines}, line 3, has 41 tokens with EOS"
        ):
            verb.run(config)  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["vrae", "hvrae", "lvae"])
def test_reconstruction_is_the_same_in_batches_of_any_size(
    name: str, tokenizer: tokenizers.Tokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = tokenizer.encode_all(LINES * 3)
    together = generation.reconstruct(model(tokenizer, name), ids, GREEDY)
    codes = mean_codes(model(tokenizer, name), ids)
    monkeypatch.setattr(latents, "BATCH_TOKENS", 12)
    assert generation.reconstruct(model(tokenizer, name), ids, GREEDY) == together
    torch.testing.assert_close(mean_codes(model(tokenizer, name), ids), codes)


def test_one_very_long_line_is_reconstructed_with_others(tokenizer: tokenizers.Tokenizer) -> None:
    ids = tokenizer.encode_all([*LINES * 3, "the cat " * 10_000])
    options = DecodingOptions(greedy=True, max_length=3)
    assert len(generation.reconstruct(model(tokenizer), ids, options)) == len(ids)


@pytest.mark.parametrize(
    "more", [{"temperature": 0.5}, {"greedy": False, "beam": 2, "top_k": 3}, {"top_p": 0.5}]
)
def test_knobs_of_drawing_are_refused_where_nothing_is_drawn(more: dict[str, Any]) -> None:
    with pytest.raises(
        ValueError,
        match=r"is for drawing, and (greedy=true takes the likeliest|beam=2 searches); set .*greedy=false",
    ):
        ReconstructConfig(run="r", **more)


def test_interpolate_goes_from_one_sentence_to_the_other(
    run: Any, tokenizer: tokenizers.Tokenizer, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = run("vrae")
    for method in ("linear", "slerp"):
        interpolate.run(
            InterpolateConfig(
                run="r", a="the cat sat", b="a zebra ran", steps=5, max_length=4, method=method
            )
        )
        text = (folder / "interpolations.txt").read_text()
        assert capsys.readouterr().out == text
        head, *body, last = text.splitlines()
        assert (head, last, len(body)) == ("A: the cat sat", "B: a <unk> ran", 5)
        options = DecodingOptions(greedy=True, max_length=4)
        (first,) = generation.reconstruct(
            model(tokenizer), [tokenizer.encode("the cat sat")], options
        )
        assert body[0].strip() == tokenizer.decode(first)
        assert (folder / "interpolation.png").read_bytes().startswith(b"\x89PNG")


def test_interpolate_between_prior_draws_depends_on_the_seed(
    tokenizer: tokenizers.Tokenizer,
) -> None:
    one, other, again = (
        generation.end(model(tokenizer), None, number, 3)["z"] for number in (0, 1, 0)
    )
    assert one.shape == (1, 3)
    assert torch.equal(one, again)
    assert not torch.equal(one, other)


def test_a_held_latent_stays_and_the_others_move() -> None:
    a, b = (
        {"z_g": torch.zeros(1, 2), "z_l": torch.zeros(1, 3)},
        {"z_g": torch.ones(1, 2), "z_l": torch.ones(1, 3)},
    )
    codes = path(a, b, 5, "linear", hold="z_g")
    assert codes["z_g"].tolist() == [[0.0, 0.0]] * 5
    assert codes["z_l"][:, 0].tolist() == [0.0, 0.25, 0.5, 0.75, 1.0]
    with pytest.raises(ValueError, match=r"hold=z_x: .*z_g, z_l; did you mean"):
        path(a, b, 5, "linear", hold="z_x")
    with pytest.raises(ValueError, match="hold=z_g: nothing is left that moves"):
        path(a, b, 5, "linear", hold="z_g", move="z_g")


def test_held_sequences_share_the_first_ones_code() -> None:
    codes = {"z_g": torch.arange(6.0).view(3, 2), "z_l": torch.arange(3.0).view(3, 1)}
    kept = held(codes, "z_g", {"z_g": torch.tensor([[7.0, 8.0], [9.0, 9.0]])})
    assert kept["z_g"].tolist() == [[7, 8]] * 3
    assert kept["z_l"] is codes["z_l"]
    assert held(codes, None, codes) is codes
    with pytest.raises(ValueError, match=r"hold=z: the latents of this model are z_g, z_l"):
        held(codes, "z", codes)
    with pytest.raises(ValueError, match=r"hold=z: this model has no latent"):
        held({}, "z", {})


def test_what_is_drawn_beside_a_held_latent_is_drawn_given_it(
    tokenizer: tokenizers.Tokenizer,
) -> None:
    torch.manual_seed(0)
    sizes = {"embedding_dim": 4, "hidden_dim": 5, "latent_dim": 2, "local_dim": 1}
    hvrae = build(
        HVRAE(name="hvrae", local_prior="conditional", **sizes), tokenizer.domain(9)
    ).eval()  # type: ignore[arg-type]
    with torch.no_grad():
        hvrae.local_prior_net.head.linear.weight.mul_(1000)  # type: ignore[union-attr, operator]
        hvrae.local_prior_net.head.linear.bias[1] = -30.0  # type: ignore[union-attr, index]
    a, b = (generation.end(hvrae, None, n, 0) for n in (0, 1))
    beside = generation.end(hvrae, None, 1, 0, "z_g", a)
    assert torch.equal(beside["z_g"], a["z_g"])
    assert not torch.allclose(beside["z_l"], b["z_l"])
    law = hvrae.local_prior(a["z_g"])  # type: ignore[operator]
    assert ((beside["z_l"] - law.mean) / law.std).abs().max() < 6


def test_verbs_hold_a_latent(
    run: Any, tokenizer: tokenizers.Tokenizer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("vrae")
    sample.run(SampleConfig(run="r", n=5, hold="z", greedy=True, max_length=4))
    assert len(set(capsys.readouterr().out.splitlines())) == 1  # all share the only latent
    lines = lines_file(tmp_path, "the cat sat\nthe dog ran\n")
    reconstruct.run(ReconstructConfig(run="r", input=lines, hold="z", max_length=4))
    first, second = capsys.readouterr().out.split("\n\n")
    assert first.splitlines()[1] == second.splitlines()[1]
    with pytest.raises(ValueError, match="hold=z: nothing is left that moves"):
        interpolate.run(InterpolateConfig(run="r", hold="z"))


def test_one_latent_may_move_alone() -> None:
    a, b = (
        {"z_1": torch.zeros(1, 2), "z_2": torch.zeros(1, 3)},
        {"z_1": torch.ones(1, 2), "z_2": torch.ones(1, 3)},
    )
    codes = path(a, b, 3, "linear", move="z_2")
    assert codes["z_1"].abs().max() == 0
    assert codes["z_2"][:, 0].tolist() == [0.0, 0.5, 1.0]
    with pytest.raises(ValueError, match=r"move=z_9: .*z_1, z_2"):
        path(a, b, 3, "linear", move="z_9")


def test_a_held_latent_stays_where_the_one_above_it_moves(tokenizer: tokenizers.Tokenizer) -> None:
    torch.manual_seed(0)
    hvrae = build(
        HVRAE(name="hvrae", embedding_dim=4, latent_dim=2, local_dim=1, local_prior="conditional"),
        tokenizer.domain(9),
    ).eval()
    for each, moved, hold in (
        (hvrae, "z_g", "z_l"),
        (model(tokenizer, "lvae"), "z_3", "z_2"),
        (model(tokenizer, "lvae"), "z_2", "z_1"),
    ):
        a, b = (generation.end(each, None, n, 0) for n in (0, 1))
        codes = follow(each, path(a, b, 3, "linear", hold, moved), moved, hold)
        free = follow(each, path(a, b, 3, "linear", None, moved), moved)
        assert torch.equal(codes[hold], a[hold].expand_as(codes[hold]))
        assert not torch.equal(free[hold], codes[hold])
        torch.testing.assert_close(codes[moved], free[moved])


def test_a_latent_that_the_decoder_does_not_read_is_not_held_in_vain(
    run: Any, tmp_path: Path
) -> None:
    run("lvae")
    lines = lines_file(tmp_path, "the cat sat\nthe dog ran\n")
    with pytest.raises(
        ValueError, match=r"hold=z_2: the decoder reads z_1 alone.* sample with hold=z_2"
    ):
        reconstruct.run(ReconstructConfig(run="r", input=lines, hold="z_2"))
    with pytest.raises(ValueError, match=r"hold=z_2: the decoder reads z_1 alone"):
        interpolate.run(InterpolateConfig(run="r", a="the cat", b="a dog", hold="z_2"))
    interpolate.run(InterpolateConfig(run="r", hold="z_2", max_length=4))
    reconstruct.run(ReconstructConfig(run="r", input=lines, hold="z_1", max_length=4))
    with pytest.raises(ValueError, match=r"hold=z_9: .*z_1, z_2"):
        reconstruct.run(ReconstructConfig(run="r", input=lines, hold="z_9"))


def test_slerp_keeps_to_the_great_circle() -> None:
    a, b = torch.tensor([[2.0, 0.0, 0.0]]), torch.tensor([[0.0, 2.0, 0.0]])
    for share in (0.0, 0.3, 0.5, 1.0):
        assert slerp(a, b, share).norm().item() == pytest.approx(2.0)
    torch.testing.assert_close(slerp(a, b, 0.0), a)
    torch.testing.assert_close(slerp(a, b, 1.0), b)
    torch.testing.assert_close(slerp(a, b, 0.5), torch.tensor([[2**0.5, 2**0.5, 0.0]]))
    torch.testing.assert_close(slerp(a, 3 * a, 0.5), lerp(a, 3 * a, 0.5))
    assert slerp(a, 0 * a, 0.5).isfinite().all()
    assert slerp(a, -a, 0.5).isfinite().all()


def test_a_model_without_a_latent_is_refused_by_name(
    run: Any, tokenizer: tokenizers.Tokenizer, tmp_path: Path
) -> None:
    run("rnnlm")
    with pytest.raises(ValueError, match="model rnnlm has no latent"):
        interpolate.run(InterpolateConfig(run="r"))
    with pytest.raises(ValueError, match="model rnnlm has no latent"):
        reconstruct.run(ReconstructConfig(run="r", input=lines_file(tmp_path, "a dog\n")))
    with pytest.raises(ValueError, match="model rnnlm has no latent"):
        mean_codes(model(tokenizer, "rnnlm"), [[1]])


def test_lines_come_from_a_file_or_standard_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert files.input_lines(lines_file(tmp_path, "\n a b \n\nc\n")) == [(1, "a b"), (3, "c")]

    def typed(content: bytes) -> list[tuple[int, str]]:
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(content)))
        return files.input_lines("-")

    assert typed("\ufeffa\r\n\r\nb\u2028c".encode()) == [(0, "a"), (2, "b\u2028c")]
    with pytest.raises(ValueError, match="UTF-8"):
        typed(b"caf\xe9")
    with pytest.raises(ValueError, match="input=- holds no text"):
        typed(b" \n")
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(ValueError, match="input=- holds no text"):
        files.input_lines("-")
    with pytest.raises(ValueError, match="no such file"):
        files.input_lines(str(tmp_path / "absent"))
