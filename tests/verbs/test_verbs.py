"""The commands that read a run: what they print, and what they write."""

import csv
import hashlib
import io
import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tiny import CPU, tiny_model, tiny_run, tokenizer

from vaetext.config.trained import EncodeConfig, InterpolateConfig, ReconstructConfig, SampleConfig
from vaetext.data.loader import Split
from vaetext.evaluation.scoring import score
from vaetext.report import output
from vaetext.verbs import encode, interpolate, reconstruct, sample


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Called with a model's name: every command then reads a run of it, and writes there."""

    def use(name: str = "vrae") -> Path:
        loaded = tiny_run(name, tmp_path)
        for verb in (encode, interpolate, reconstruct, sample):
            monkeypatch.setattr(verb, "load", lambda *_: loaded)
            monkeypatch.setattr(verb, "output_folder", lambda: tmp_path)
        return tmp_path

    return use


def lines_file(folder: Path, text: str) -> str:
    path = folder / "lines.txt"
    path.write_text(text)
    return str(path)


@pytest.mark.parametrize("name", ["vrae", "rnnlm"])
def test_sample_prints_what_it_writes(
    name: str, run: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = run(name)
    sample.run(SampleConfig(run="r", n=7, max_length=5))
    printed = capsys.readouterr().out
    assert printed == (folder / "samples.txt").read_text()
    assert printed.count("\n") == 7


def test_samples_are_printed_though_the_disk_is_full(
    run: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    run()
    monkeypatch.setattr(output, "atomic_write", full)
    with pytest.raises(OSError, match="No space"):
        sample.run(SampleConfig(run="r", n=7, max_length=5))
    assert capsys.readouterr().out.count("\n") == 7


def test_files_are_written_though_nobody_reads_the_output(
    run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after ``| head``, which ends before all is printed."""
    folder = run()
    lines = lines_file(folder, "a dog ran\n")
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "w") as closed:
        monkeypatch.setattr(sys, "stdout", closed)
        encode.run(EncodeConfig(run="r", input=lines))
        sample.run(SampleConfig(run="r", max_length=5))
        interpolate.run(InterpolateConfig(run="r", max_length=5))
    for name in ("codes.npz", "scores.tsv", "samples.txt", "interpolations.txt"):
        assert (folder / name).is_file()
    assert (folder / "interpolation.png").read_bytes().startswith(b"\x89PNG")


def test_encode_writes_codes_and_scores_by_line(
    run: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = run()
    lines = lines_file(folder, "a dog ran\n\n  the\rcat\tsat \r\nzebra\n")
    encode.run(EncodeConfig(run="r", input=lines, iw_samples=20))
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


def test_lines_with_quotation_marks_are_read_back_from_the_scores(run: Any) -> None:
    folder = run()
    lines = ['"the cat', "a dog", 'the "dog" ran', "'a cat'"]
    source = lines_file(folder, "\n".join(lines) + "\n")
    encode.run(EncodeConfig(run="r", input=source, iw_samples=2))
    with (folder / "scores.tsv").open(newline="") as file:
        assert [row["line"] for row in csv.DictReader(file, delimiter="\t")] == lines


def test_encode_scores_a_model_without_a_latent_exactly(run: Any) -> None:
    folder = run("rnnlm")
    encode.run(EncodeConfig(run="r", input=lines_file(folder, "a dog ran\n")))
    head, row = [line.split("\t") for line in (folder / "scores.tsv").read_text().splitlines()]
    assert head == ["index", "rec", "-ELBO", "NLL", "tokens", "line"]
    assert not (folder / "codes.npz").exists()
    split = Split.of([tokenizer().encode("a dog ran")])
    scores = score(tiny_model("rnnlm"), split, seed=0, samples=1, batch_tokens=99, device=CPU)
    expected = pytest.approx(-scores.log_px.item(), abs=1e-4)
    assert float(row[1]) == float(row[2]) == float(row[3]) == expected


@pytest.mark.parametrize("more", [{}, {"beam": 3}, {"greedy": False, "top_k": 2}])
def test_reconstruct_shows_pairs(
    more: dict[str, Any], run: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = run()
    lines = lines_file(folder, "a dog ran\nthe zebra\n")
    reconstruct.run(ReconstructConfig(run="r", input=lines, max_length=6, **more))
    text = (folder / "reconstructions.txt").read_text()
    assert capsys.readouterr().out == text
    assert [line[:2] for line in text.splitlines()] == ["< ", "> ", "", "< ", "> "]
    assert text.startswith("< a dog ran\n> ")
    assert "< the <unk>\n> " in text


@pytest.mark.parametrize(
    ("verb", "config"), [(encode, EncodeConfig), (reconstruct, ReconstructConfig)]
)
def test_a_line_that_is_too_long_is_named(verb: Any, config: Any, run: Any) -> None:
    lines = lines_file(run("lvae"), f"a dog ran\n\n{'the cat ' * 20}\nthe dog\n")
    message = rf"model\.max_length=30: .*{lines}, line 3, has 41 tokens with EOS"
    with pytest.raises(ValueError, match=message):
        verb.run(config(run="r", input=lines))


@pytest.mark.parametrize(
    "more", [{"temperature": 0.5}, {"greedy": False, "beam": 2, "top_k": 3}, {"top_p": 0.5}]
)
def test_options_of_sampling_are_refused_where_nothing_is_sampled(more: dict[str, Any]) -> None:
    message = r"has no effect with (greedy=true|beam=2), which samples nothing; set .*greedy=false"
    with pytest.raises(ValueError, match=message):
        ReconstructConfig(run="r", **more)


@pytest.mark.parametrize("method", ["linear", "slerp"])
def test_interpolate_shows_the_path_between_two_sentences(
    method: str, run: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = run()
    config = InterpolateConfig(
        run="r", a="the cat sat", b="a zebra ran", steps=5, max_length=4, method=method
    )
    interpolate.run(config)
    text = (folder / "interpolations.txt").read_text()
    assert capsys.readouterr().out == text
    head, *body, last = text.splitlines()
    assert (head, last, len(body)) == ("A: the cat sat", "B: a <unk> ran", 5)
    (first,) = tiny_run().reconstruct(["the cat sat"], max_length=4)
    assert body[0].strip() == first
    assert (folder / "interpolation.png").read_bytes().startswith(b"\x89PNG")


def test_every_command_holds_a_latent(
    run: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run()
    sample.run(SampleConfig(run="r", n=5, hold="z", greedy=True, max_length=4))
    assert len(set(capsys.readouterr().out.splitlines())) == 1  # all share the only latent
    lines = lines_file(tmp_path, "the cat sat\nthe dog ran\n")
    reconstruct.run(ReconstructConfig(run="r", input=lines, hold="z", max_length=4))
    first, second = capsys.readouterr().out.split("\n\n")
    assert first.splitlines()[1] == second.splitlines()[1]
    with pytest.raises(ValueError, match="hold=z: nothing is left that moves"):
        interpolate.run(InterpolateConfig(run="r", hold="z"))


def test_a_ladder_whose_lowest_latent_is_held_has_nothing_that_moves(run: Any) -> None:
    run("lvae")
    with pytest.raises(ValueError, match=r"^hold=z_1: nothing is left that moves"):
        interpolate.run(InterpolateConfig(run="r", hold="z_1", move="z_2"))
    interpolate.run(InterpolateConfig(run="r", hold="z_2", steps=2))


def test_holding_a_latent_that_the_decoder_does_not_read_is_refused(
    run: Any, tmp_path: Path
) -> None:
    run("lvae")
    lines = lines_file(tmp_path, "the cat sat\nthe dog ran\n")
    message = r"hold=z_2: the decoder reads z_1 alone.* sample with hold=z_2"
    with pytest.raises(ValueError, match=message):
        reconstruct.run(ReconstructConfig(run="r", input=lines, hold="z_2"))
    with pytest.raises(ValueError, match=message):
        interpolate.run(InterpolateConfig(run="r", a="the cat", b="a dog", hold="z_2"))
    interpolate.run(InterpolateConfig(run="r", hold="z_2", max_length=4))
    reconstruct.run(ReconstructConfig(run="r", input=lines, hold="z_1", max_length=4))
    with pytest.raises(ValueError, match=r"hold=z_9: .*z_1, z_2"):
        reconstruct.run(ReconstructConfig(run="r", input=lines, hold="z_9"))


def test_a_model_without_a_latent_is_refused_by_name(run: Any, tmp_path: Path) -> None:
    run("rnnlm")
    with pytest.raises(ValueError, match="model rnnlm has no latent"):
        interpolate.run(InterpolateConfig(run="r"))
    with pytest.raises(ValueError, match="model rnnlm has no latent"):
        reconstruct.run(ReconstructConfig(run="r", input=lines_file(tmp_path, "a dog\n")))


def test_lines_come_from_a_file_or_standard_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(source: str) -> list[tuple[int, str]]:
        return output.kept_lines(output.input_lines(source), source)

    def typed(content: bytes) -> list[tuple[int, str]]:
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(content)))
        return read("-")

    assert read(lines_file(tmp_path, "\n a b \n\nc\n")) == [(1, "a b"), (3, "c")]

    assert typed("\ufeffa\r\n\r\nb\u2028c".encode()) == [(0, "a"), (2, "b\u2028c")]
    with pytest.raises(ValueError, match="UTF-8"):
        typed(b"caf\xe9")
    with pytest.raises(ValueError, match="input=- holds no text"):
        typed(b" \n")
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(ValueError, match="input=- holds no text"):
        read("-")
    with pytest.raises(ValueError, match="no such file"):
        output.input_lines(str(tmp_path / "absent"))


def test_what_a_command_read_is_written_beside_its_results(run: Any, tmp_path: Path) -> None:
    folder = run()
    lines = lines_file(tmp_path, "a dog ran\n")
    encode.run(EncodeConfig(run="r", input=lines, iw_samples=3))
    record = json.loads((folder / "command.json").read_text())
    assert record["command"] == "encode"
    assert (record["run"], record["seed"], record["epoch"]) == (str(tmp_path), 0, 0)
    assert record["files"] == {lines: hashlib.sha256(b"a dog ran\n").hexdigest()}
    assert record["options"]["iw_samples"] == 3
    assert not {"seed", "checkpoint"} & set(record["options"])
