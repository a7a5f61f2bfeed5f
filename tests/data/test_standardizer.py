"""Lines of numbers to frames and back."""

from pathlib import Path

import numpy as np
import pytest

from vaetext.data.domain import Real
from vaetext.data.standardizer import Standardizer

PAIRS = Standardizer((1.0, -2.0), (0.5, 4.0))


def test_lines_become_frames_and_lines_again() -> None:
    frames = PAIRS.encode("1,-2 2,2")
    np.testing.assert_allclose(frames, [[0, 0], [2, 1]])
    assert frames.dtype == np.float32
    assert PAIRS.decode(frames) == "1,-2 2,2"
    assert PAIRS.domain(9) == Real(2, 9)


def test_statistics_are_those_of_the_data_and_constants_keep_their_scale(
    caplog: pytest.LogCaptureFixture,
) -> None:
    raw = np.random.default_rng(0).normal(3, [2.0, 0.0], (1000, 2))
    fitted = Standardizer.fit(raw)
    np.testing.assert_allclose(fitted.encoded(raw)[:, 0].std(), 1, rtol=1e-5)
    np.testing.assert_allclose(fitted.raw(fitted.encoded(raw)), raw, atol=1e-5)
    assert fitted.std[1] == 1
    assert "constant in train: 1 of the 2 numbers of a frame" in caplog.text
    assert Standardizer.fit(raw * (1 + 1e-13)) == fitted


def test_a_saved_one_is_read_again(tmp_path: Path) -> None:
    PAIRS.save(tmp_path / "standardizer.json")
    assert Standardizer.load(tmp_path / "standardizer.json") == PAIRS
    (tmp_path / "standardizer.json").write_text('{"mean": 3}')
    with pytest.raises(ValueError, match="holds no Standardizer"):
        Standardizer.load(tmp_path / "standardizer.json")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("1,2 the", "frame 2 of '1,2 the' is 'the'"),
        ("1", "2 numbers between commas"),
        ("nan,1", "nan,1"),
        ("1,1e300", "1e300"),
        ("", "empty"),
    ],
)
def test_a_line_that_is_not_frames_is_refused(line: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PAIRS.encode(line)
