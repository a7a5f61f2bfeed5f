"""Declaring a configuration value once: its default, its meaning and its range."""

import difflib
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, field, fields
from typing import Any

MAX_SEED = 2**63 - 1  # torch's largest


def option(
    default: Any,
    help: str,
    *,
    min: float | None = None,
    max: float | None = None,
    above: float | None = None,
    below: float | None = None,
    choices: tuple[str, ...] | None = None,
) -> Any:
    """A dataclass field with its documentation and its range.

    Args:
        default: the value, or ``MISSING``.
        help: what ``--help`` prints, in one line.
        min: least value; no number may be infinite or nan.
        max: largest value.
        above: exclusive lower limit.
        below: exclusive upper limit.
        choices: the allowed strings.
    """
    limits = {"min": min, "max": max, "above": above, "below": below, "choices": choices}
    metadata = {
        "help": help,
        **{name: limit for name, limit in limits.items() if limit is not None},
    }
    if isinstance(default, (list, dict)):
        return field(default_factory=lambda: type(default)(default), metadata=metadata)
    return field(default=default, metadata=metadata)


class Checked:
    """A dataclass whose values are checked when it is made.

    Raises:
        ValueError: a value is out of range, or not one of the choices.
    """

    def __post_init__(self) -> None:
        for item in fields(self):  # type: ignore[arg-type]
            _check(item.name, getattr(self, item.name), item.metadata)


def _check(name: str, value: Any, limits: Any) -> None:
    if value is None:
        return
    if "choices" in limits and value not in limits["choices"]:
        raise ValueError(
            f"{name}={value!r}: choose from {', '.join(limits['choices'])}"
            f"{closest(value, limits['choices'])}"
        )
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, float) and not math.isfinite(item):
            raise ValueError(f"{name}={value} is out of range: it must be finite")
        for limit, holds, words in _LIMITS:
            if limit in limits and not holds(item, limits[limit]):
                raise ValueError(
                    f"{name}={value} is out of range: it must be {words} {limits[limit]}"
                )


_LIMITS: tuple[tuple[str, Any, str], ...] = (
    ("min", lambda value, limit: value >= limit, "at least"),
    ("max", lambda value, limit: value <= limit, "at most"),
    ("above", lambda value, limit: value > limit, "greater than"),
    ("below", lambda value, limit: value < limit, "less than"),
)


def check_unused(config: Any, where: str, *names: str) -> None:
    """Checks that options that have no effect have their defaults.

    A value that is the default may come from a preset, so it is never refused.

    Args:
        config: a dataclass that holds the options.
        where: the setting with which they have an effect, as in ``latent=dense``.
        names: of the options.

    Raises:
        ValueError: some have another value; the message names all of them.
    """
    defaults = {item.name: _default(item) for item in fields(config)}
    given = [name for name in names if getattr(config, name) != defaults[name]]
    if given:
        values = ", ".join(f"{name}={getattr(config, name)}" for name in given)
        remedy = " ".join(f"{name}={defaults[name]}" for name in given)
        verb = "has" if len(given) == 1 else "have"
        raise ValueError(f"{values} {verb} an effect with {where} only; set {remedy}, or {where}")


def _default(item: Any) -> Any:
    return item.default if item.default_factory is MISSING else item.default_factory()


def short_names(keys: Iterable[str]) -> dict[str, str]:
    """Full key -> what tables and folders call the option; its full key where two would be equal.

    ``trainer.name`` -> trainer, ``model.latent_dim`` -> latent_dim, seed -> seed.
    """
    short = {key: _short(key) for key in keys}
    counts = Counter(short.values())
    return {key: name if counts[name] == 1 else key for key, name in short.items()}


def _short(key: str) -> str:
    return key.removesuffix(".name") if key.endswith(".name") else key.partition(".")[2] or key


def option_text(value: Any) -> str:
    """A value as an override writes it: null, true, 0.5, vrae."""
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)


def closest(word: Any, words: Any) -> str:
    """The end of an error message: ``; did you mean 'hvrae'?``, or nothing if none is close."""
    found = difflib.get_close_matches(str(word), [str(each) for each in words], n=1)
    return f"; did you mean {found[0]!r}?" if found else ""


def check_schema(
    group: str, kind: str, options: Any, schemas: Mapping[str, type], note: str = ""
) -> None:
    """Checks that ``options.name`` is that of their schema.

    Raises:
        ValueError: no schema of ``schemas`` has that name, or the options are those of another one.
    """
    name = options.name
    if name not in schemas:
        raise ValueError(
            f"{group}.name={name!r} is unknown; choose from {', '.join(schemas)}"
            f"{closest(name, schemas)}{note}"
        )
    if type(options) is not schemas[name]:
        raise ValueError(
            f"{group}.name={name}: the other options are those of another {kind}; set"
            f" {group}={name}{note}"
        )
