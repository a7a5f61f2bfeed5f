"""Processes that torchrun, or a script of the user's, has started. Imports no torch."""

import os
from dataclasses import dataclass

VARIABLES = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")  # torch's own


@dataclass(frozen=True)
class Place:
    """Which process this is.

    Attributes:
        rank: its number, from 0.
        size: how many there are, on all machines.
        local: its number on its machine.
    """

    rank: int
    size: int
    local: int


def outside() -> Place | None:
    """This process's place among those started outside; None where there is no other.

    Raises:
        ValueError: a variable is no number.
    """
    given = {name: os.environ.get(name, "") for name in VARIABLES}
    if not all(given.values()):
        return None
    for name in VARIABLES[:3]:
        if not given[name].isdecimal():
            raise ValueError(f"{name}={given[name]} (an environment variable) must be a number")
    place = Place(*(int(given[name]) for name in VARIABLES[:3]))
    return place if place.size > 1 else None


def follows() -> bool:
    """Whether this process writes nothing: it is not the first of those started outside."""
    place = outside()
    return place is not None and place.rank > 0
