"""How sequences of frames are drawn."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Drawn:
    """A kind of picture.

    Attributes:
        kind: "curves", a line for each number of a frame; "roll", a cell for each that is one;
            "wave", the numbers of all frames one after another; "images", a picture of pixels,
            of which a frame is a row.
        x: label of the x axis.
        y: label of the y axis.
        step: what one step of the x axis is, such as 1 / rate.
        first: what the first number of a frame is on the y axis of a roll.
    """

    kind: str
    x: str = "step"
    y: str = "value"
    step: float = 1.0
    first: int = 0
