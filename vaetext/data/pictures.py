"""Files of pictures: PNG, IDX and arrays; and pictures beside each other in one."""

import io
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from vaetext.data.arrays import read_npz
from vaetext.data.contents import check_unpacked
from vaetext.data.files import natural, read_bytes

WHITE = 255
UNSIGNED_BYTES = 8  # the type of values in the head of an IDX file
Named = list[tuple[str, np.ndarray]]


def read_idx(content: bytes, name: str) -> np.ndarray:
    """The array of unsigned bytes of an IDX file (LeCun et al. 1998).

    Args:
        content: its uncompressed bytes.
        name: of the file, for messages.

    Raises:
        ValueError: the content is something else, or has more or fewer bytes than its head says.
    """
    axes = content[3] if len(content) > 3 else 0
    start = 4 + 4 * axes
    if content[:3] != bytes((0, 0, UNSIGNED_BYTES)) or not axes or len(content) < start:
        raise ValueError(f"{name} is no IDX file of unsigned bytes; is it damaged or packed?")
    shape = [int(each) for each in np.frombuffer(content[4:start], ">u4")]
    if math.prod(shape) != len(content) - start:
        raise ValueError(
            f"{name}: its head says {' x '.join(map(str, shape))} bytes, and it has"
            f" {len(content) - start:,}; fetch it again"
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def png_bytes(image: np.ndarray) -> bytes:
    """A PNG file of an image [H, F] with values from 0, black, to 1, white."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(np.rint(WHITE * np.asarray(image)).astype(np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def mosaic(images: Sequence[np.ndarray], columns: int) -> np.ndarray:
    """Images [H, F] side by side in rows of ``columns``, grey lines between them; values to 1."""
    height, width = images[0].shape
    rows = -(-len(images) // columns)
    grid = np.full((rows * (height + 1) - 1, columns * (width + 1) - 1), 0.5)
    for n, image in enumerate(images):
        top, left = n // columns * (height + 1), n % columns * (width + 1)
        grid[top : top + height, left : left + width] = image
    return grid


def is_picture(path: Path) -> bool:
    """Whether a path is a PNG or IDX file."""
    return path.suffix == ".png" or "-ubyte" in path.name


def read_pictures(path: Path) -> Named:
    """(name, values) of each image of a PNG, IDX or .npz file, or a folder of PNG files.

    Raises:
        ValueError: it is damaged, or a folder without any.
    """
    if path.is_dir():
        names = sorted((each.name for each in path.glob("*.png")), key=natural)
        if not names:
            raise ValueError(f"{path} holds no PNG file; give one for each image")
        return [(name, _png(path / name)) for name in names]
    if path.suffix == ".png":
        return [(path.name, _png(path))]
    if path.suffix == ".npz":
        arrays = read_npz(path)
    else:
        content = read_bytes(path)
        check_unpacked(content, str(path))
        arrays = {"image": read_idx(content, str(path))}
    return [image for key, array in arrays.items() for image in _images(key, array)]


def _images(key: str, array: np.ndarray) -> Named:
    """The images of an array [H, F], or [N, H, F]."""
    if array.ndim != 3:
        return [(key, array)]
    return [(f"{key} {n}", each) for n, each in enumerate(array, 1)]


def _png(path: Path) -> np.ndarray:
    """The grey values of a PNG file."""
    from PIL import Image

    content = read_bytes(path)
    try:
        with Image.open(io.BytesIO(content), formats=["PNG"]) as image:
            return np.asarray(image.convert("L"))
    except Exception as error:  # Pillow raises what it meets in damaged files
        raise ValueError(f"{path} cannot be read as PNG ({error!r}); save it again") from error
