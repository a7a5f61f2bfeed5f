"""Checkpoints: written whole or not at all, and checked as they are read."""

from pathlib import Path
from typing import Any

import pytest
import torch
from tiny import CPU

from vaetext.runs import checkpoint


def test_values_that_are_not_finite_are_never_saved(tmp_path: Path) -> None:
    path = tmp_path / "last.safetensors"
    checkpoint.save(path, {"model": {"w": torch.ones(2)}}, {})
    with pytest.raises(ValueError, match=r"model\.w"):
        checkpoint.save(path, {"model": {"w": torch.tensor([1.0, float("inf")])}}, {})
    assert checkpoint.load(path, CPU)[0]["model"]["w"].tolist() == [1.0, 1.0]


def test_a_failed_write_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "last.safetensors"
    checkpoint.save(path, {"model": {"w": torch.ones(2)}}, {})

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint, "save_file", full)
    with pytest.raises(OSError, match="No space"):
        checkpoint.save(path, {"model": {"w": torch.zeros(2)}}, {})
    assert checkpoint.load(path, CPU)[0]["model"]["w"].tolist() == [1.0, 1.0]
    assert [file.name for file in tmp_path.iterdir()] == ["last.safetensors"]


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"\x80\x04pickle"])
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "last.safetensors"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="is not a checkpoint of vaetext"):
        checkpoint.load(path, CPU)
    with pytest.raises(ValueError, match="no such checkpoint"):
        checkpoint.load(tmp_path / "absent.safetensors", CPU)


def test_weights_of_another_model_are_refused_in_one_line() -> None:
    model, source = torch.nn.Linear(3, 2), Path("run/checkpoints/best.safetensors")
    weights = {name: tensor + 1 for name, tensor in model.state_dict().items()}
    checkpoint.load_weights(model, weights, source)
    assert all(torch.equal(tensor, weights[name]) for name, tensor in model.state_dict().items())
    with pytest.raises(
        ValueError,
        match=r"weight is of shape \(3, 2\) there and of shape \(2, 3\) here; .*use that version",
    ):
        checkpoint.load_weights(model, {**weights, "weight": torch.ones(3, 2)}, source)
    absent = (
        r"best\.safetensors: .* weight is absent there and .* here, and 2 more differ; run was"
        r" written by .* use that version$"
    )
    with pytest.raises(ValueError, match=absent):
        checkpoint.load_weights(model, {"other": torch.ones(1)}, source)


def test_a_flipped_bit_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "last.safetensors"
    tensors = {"w": torch.ones(3), "n": torch.tensor(2), "e": torch.ones(0)}
    checkpoint.save(path, {"model": tensors}, {"epoch": 3})
    found, state = checkpoint.load(path, CPU)
    assert state == {"epoch": 3}
    assert all(torch.equal(found["model"][name], tensor) for name, tensor in tensors.items())
    written = path.read_bytes()
    for place in (-1, -4, -12, written.index(b"epoch") + 10, written.index(b"sha256") + 15):
        changed = bytearray(written)
        changed[place] ^= 1
        path.write_bytes(changed)
        with pytest.raises(ValueError, match=r"last\.safetensors is (damaged|not a checkpoint)"):
            checkpoint.load(path, CPU)


def test_weights_of_another_type_are_refused() -> None:
    model, source = torch.nn.Linear(3, 2), Path("run/checkpoints/best.safetensors")
    weights = {name: tensor.double() for name, tensor in model.state_dict().items()}
    message = r"of shape \(2, 3\) and type torch.float64 there and of shape \(2, 3\) here"
    with pytest.raises(ValueError, match=message):
        checkpoint.load_weights(model, weights, source)
