"""Binary images: grey values made binary, and the files that are read and written."""

import gzip
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vaetext.data.images import Images
from vaetext.data.pictures import mosaic, png_bytes, read_idx

FORM = Images(size=5, rows=3)
BITS = np.random.default_rng(0).integers(2, size=(3, 5), dtype=np.uint8)


def idx(images: np.ndarray) -> bytes:
    head = bytes((0, 0, 8, images.ndim)) + np.array(images.shape, ">u4").tobytes()
    return head + images.astype(np.uint8).tobytes()


def test_lines_hold_a_hexadecimal_number_for_each_row() -> None:
    image = np.array([[0, 0, 0, 0, 1], [1, 0, 0, 0, 0], [1, 1, 1, 1, 1]])
    assert FORM.decode(image) == "01 10 1f"
    np.testing.assert_array_equal(FORM.encode("01 10 1f"), image)
    np.testing.assert_array_equal(FORM.encode(FORM.decode(BITS)), BITS)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("01 10", "2 rows are no image of this run's data: give 3"),
        ("01 10 2f", "frame 3 .*'2f', which is not a row of 5 pixels, 2 hexadecimal digits"),
        ("01 10 1", "frame 3 .*'1', which is not"),
        ("a cat sat", "frame 1 .*'a', which is not .*this data set holds images, not text"),
    ],
)
def test_a_line_that_is_no_image_is_an_error(line: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        FORM.encode(line)


def test_a_pixel_is_one_as_often_as_its_grey_value_says() -> None:
    grey = np.broadcast_to(np.array([[0, 1, 100, 254, 255]], np.uint8), (200_000, 1, 5))
    share = FORM.binary(grey, 0).mean((0, 1))
    expected = np.array([0, 1, 100, 254, 255]) / 255
    error = np.sqrt(expected * (1 - expected) / len(grey))
    assert (np.abs(share - expected) <= 4 * error).all()
    assert share[0] == 0
    assert share[4] == 1


def test_draws_are_a_function_of_the_seed_and_the_file() -> None:
    grey = np.random.default_rng(1).integers(256, size=(50, 3, 5), dtype=np.uint8)
    first = FORM.binary(grey, 0)
    np.testing.assert_array_equal(FORM.binary(grey, 0), first)
    assert (FORM.binary(grey, 1) != first).any()
    assert (Images(5, 3, seed=1).binary(grey, 0) != first).any()
    np.testing.assert_array_equal(FORM.binary(grey[:20], 0), first[:20])


def test_a_threshold_is_at_half_of_white() -> None:
    grey = np.array([[[0, 127, 128, 200, 255]]], np.uint8)
    assert Images(5, 1, "threshold").binary(grey, 0).tolist() == [[[0, 0, 1, 1, 1]]]


def test_arrays_are_zeros_and_ones_grey_values_or_shares_of_white() -> None:
    form = Images(5, 3, "threshold")
    for given in (BITS, BITS.astype(bool), 255 * BITS, 0.9 * BITS, 200.0 * BITS):
        np.testing.assert_array_equal(form.sequence(given), BITS)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.zeros((4, 5)), r"shape \(4, 5\) is no image of this run's data; give .* \[3, 5\]"),
        (np.zeros((3, 5, 3)), r"shape \(3, 5, 3\) is no image"),
        (np.full((3, 5), -1), "other values than 0 and 1, grey values"),
        (np.full((3, 5), 256), "other values than"),
        (np.full((3, 5), np.nan), "other values than"),
        (np.full((3, 5), "a"), "other values than"),
    ],
)
def test_an_array_that_is_no_image_is_an_error(values: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        FORM.sequence(values)


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    images = list(np.random.default_rng(2).integers(2, size=(12, 3, 5), dtype=np.uint8))
    for name, content in FORM.files(images, "samples").items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    (tmp_path / "some-idx3-ubyte.gz").write_bytes(gzip.compress(idx(255 * np.array(images))))
    np.savez(tmp_path / "grey.npz", x=255 * np.array(images))
    names = {
        "samples": [f"{n}.png" for n in range(1, 13)],
        "samples.npz": [f"{n}" for n in range(1, 13)],
        "grey.npz": [f"x {n}" for n in range(1, 13)],
        "some-idx3-ubyte.gz": [f"image {n}" for n in range(1, 13)],
    }
    for source, expected in names.items():
        assert FORM.reads(tmp_path / source)
        found = FORM.read(tmp_path / source)
        assert [name for name, _ in found] == expected
        np.testing.assert_array_equal([image for _, image in found], images)


def test_a_picture_in_colour_is_read_by_its_brightness(tmp_path: Path) -> None:
    colour = np.repeat(255 * BITS[:, :, None], 3, 2)
    Image.fromarray(colour).save(tmp_path / "a.png")
    ((name, image),) = FORM.read(tmp_path / "a.png")
    assert name == "a.png"
    np.testing.assert_array_equal(image, BITS)


def test_a_file_that_holds_no_image_is_an_error(tmp_path: Path) -> None:
    def write(name: str, content: bytes) -> Path:
        (tmp_path / name).write_bytes(content)
        return tmp_path / name

    np.savez(tmp_path / "labels.npz", y=np.arange(4))
    (tmp_path / "none").mkdir()
    good = idx(np.zeros((2, 3, 5)))
    cases = {
        "a.png cannot be read as PNG": write("a.png", b"no picture"),
        "b.png cannot be read as PNG": write("b.png", png_bytes(BITS)[:40]),
        r"c.png: an array of shape \(4, 4\) is no image": write("c.png", png_bytes(np.eye(4))),
        "a-ubyte is no IDX file of unsigned bytes": write("a-ubyte", b"\0\0\x0d\3" + good[4:]),
        r"b-ubyte: its head says 2 x 3 x 5 bytes, and it has 29; fetch": write(
            "b-ubyte", good[:-1]
        ),
        "c-ubyte is no IDX file": write("c-ubyte", b"\0\0\x08"),
        "d-ubyte is packed by gzip": write("d-ubyte", gzip.compress(good)),
        "e-ubyte.gz cannot be read as .gz": write("e-ubyte.gz", gzip.compress(good)[:-9]),
        r"'y': an array of shape \(4,\) is no image": tmp_path / "labels.npz",
        "holds no PNG file; give one for each image": tmp_path / "none",
    }
    for message, path in cases.items():
        with pytest.raises(ValueError, match=message):
            FORM.read(path)


def test_an_idx_file_has_the_shape_of_its_head() -> None:
    values = np.arange(24).reshape(2, 3, 4)
    np.testing.assert_array_equal(read_idx(idx(values), "a"), values)
    np.testing.assert_array_equal(read_idx(idx(np.arange(7)), "labels"), np.arange(7))


def test_a_mosaic_has_its_images_in_rows() -> None:
    ones = [np.full((2, 3), n / 4) for n in range(3)]
    grid = mosaic(ones, 2)
    assert grid.shape == (5, 7)
    assert [grid[0, 0], grid[0, 4], grid[3, 0]] == [0, 0.25, 0.5]
    assert (grid[2] == 0.5).all()
