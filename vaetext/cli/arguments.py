"""The syntax of a command line: operands, flags and overrides. Imports no torch."""

import os
import re
from dataclasses import fields, is_dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, get_origin

from vaetext.config.options import closest
from vaetext.config.quoting import quote
from vaetext.config.verbs import VERBS

NAME = r"[A-Za-z_][\w.@/:-]*"
KEY = re.compile(rf"[+~]{{0,2}}{NAME}=")
DELETION = re.compile(rf"~{NAME}")
FLAG = re.compile(r"--?[A-Za-z][\w-]*(=.*)?", re.S)
HOME_PATH = re.compile(rf"(\+{{0,2}}{NAME}=)(~(?:/[^,]*)?)", re.S)
TEXT = re.compile(r"(prefix=|sort=)(?!null$)([^'\"].*)", re.S)  # a text without quotes of its own
LIST = re.compile(r"(columns=|axes=)(\[?)([^'\"\[\]]+)(\]?)")  # texts, each without
CONFIG_DIR_FLAGS = ("--config-dir", "-cd")
CONFIG_FLAGS = ("--cfg", "-c")
INFO_FLAGS = ("--info", "-i")
COMPLETION_FLAGS = ("--shell-completion", "-sc")
HELP_FLAGS = ("--help", "-h")
MULTIRUN_FLAGS = ("--multirun", "-m")
VALUE_FLAGS = (  # the value is the next word
    *CONFIG_DIR_FLAGS,
    *CONFIG_FLAGS,
    *COMPLETION_FLAGS,
    *("--config-path", "-cp", "--config-name", "-cn", "--package", "-p", "--experimental-rerun"),
)
PLAIN_FLAGS = (  # no value, or one after =
    *HELP_FLAGS,
    *INFO_FLAGS,
    *("--hydra-help", "--version", "--run", "-r", *MULTIRUN_FLAGS, "--resolve"),
)
FLAGS = (*PLAIN_FLAGS, *VALUE_FLAGS)
SHOWING_FLAGS = (*CONFIG_FLAGS, *INFO_FLAGS, *COMPLETION_FLAGS, "--hydra-help")  # run nothing


def split(verb: str, arguments: list[str]) -> tuple[list[str], list[str]]:
    """Splits the arguments of a verb into flags, each followed by its value, and overrides.

    Operands come first, up to the first flag or ``key=``, and become overrides. A path that
    exists is an operand whatever it looks like. Flags may come anywhere after them. The values of
    ``prefix=`` and ``sort=`` are one text, with any commas and brackets, and those of ``columns=``
    and ``axes=`` a list of texts, unless ``-m`` is given.

    Raises:
        ValueError: for too many operands, an operand that is also given as ``key=``, an unknown
            flag, a flag without its value, an argument that is neither flag nor override, or an
            option of a group that is not chosen.
    """
    count = _count_operands(verb, arguments)
    given = operands(verb, arguments[:count])
    flags, overrides = _flags_and_overrides(verb, arguments[count:])
    if not set(flags) & set(MULTIRUN_FLAGS):
        overrides = list(map(_quoted, overrides))
    _check_given_once(given, overrides)
    _check_group_chosen(verb, overrides)
    return flags, [*given, *_open_options(verb, overrides)]


def operands(verb: str, given: list[str]) -> list[str]:
    """Operands as overrides: ``["outputs/x", "a cat"]`` -> ``["run='outputs/x'", "a='a cat'"]``.

    Raises:
        ValueError: there are more than the verb takes.
    """
    names = VERBS[verb].operands
    if given and names and _field_type(verb, names[0]) is list:
        return [f"{names[0]}=[{','.join(map(quote, given))}]"]
    if len(given) > len(names):
        after = f" after {' and '.join(names)}" if names else ""
        raise ValueError(
            f"`vaetext {verb}` does not take the argument {given[len(names)]!r}; options{after} are"
            " given as key=value"
        )
    groups = VERBS[verb].groups
    return [
        f"{name}={value if name in groups else quote(value)}"
        for name, value in zip(names, given, strict=False)
    ]


def require_run(verb: str, overrides: list[str]) -> None:
    """Checks that a verb that reads runs is given one.

    Raises:
        ValueError: it is not.
    """
    name = next(iter(VERBS[verb].operands), None)
    if name is None or name in VERBS[verb].groups:
        return
    if not any(each.lstrip("+").startswith(f"{name}=") for each in overrides):
        raise ValueError(
            f"`vaetext {verb}` needs the folder of a run: vaetext {verb} RUN, for example"
            f" vaetext {verb} outputs/grammar/vrae/latest"
        )


def config_folders(flags: list[str]) -> list[Path]:
    """The folders given by ``--config-dir``."""
    found = []
    for number, flag in enumerate(flags):
        name, _, value = flag.partition("=")
        if name in CONFIG_DIR_FLAGS and (
            folder := value or "".join(flags[number + 1 : number + 2])
        ):
            found.append(Path(folder))
    return found


def sweep_name(overrides: list[str]) -> str:
    """A folder name that depends on the overrides alone, so that a killed sweep is found again.

    It shows the options that vary, or all where none seems to.
    """
    swept = [each for each in overrides if re.search(r"=.*[,(]", each)] or overrides
    plain = "_".join(re.sub(r"^\+*(\w+\.)*", "", each) for each in swept)
    text = re.sub(r"[^\w.+-]+", "-", plain)
    text = text[:80].strip("-")
    return f"{text or 'sweep'}-{sha256(chr(0).join(overrides).encode()).hexdigest()[:6]}"


def _quoted(override: str) -> str:
    """An override whose value is text, or a list of texts, with the quotes that Hydra needs.

    ``columns=-ELBO,PPL (rec, no EOS)`` -> ``columns=['-ELBO','PPL (rec, no EOS)']``.
    """
    if found := TEXT.fullmatch(override):
        return found[1] + quote(found[2])
    found = LIST.fullmatch(override)
    if found and bool(found[2]) == bool(found[4]):
        texts = re.split(r",(?![^(]*\))", found[3])
        return f"{found[1]}[{','.join(quote(each.strip()) for each in texts)}]"
    return override


def _count_operands(verb: str, arguments: list[str]) -> int:
    for number, argument in enumerate(arguments):
        if not os.path.exists(argument) and _is_flag_or_override(verb, argument):
            return number
    return len(arguments)


def _flags_and_overrides(verb: str, arguments: list[str]) -> tuple[list[str], list[str]]:
    flags: list[str] = []
    overrides: list[str] = []
    rest = iter(arguments)
    for argument in rest:
        if argument in VALUE_FLAGS:
            flags += [argument, _flag_value(argument, next(rest, None))]
        elif argument in INFO_FLAGS:
            flags.append("--info=all")
        elif FLAG.fullmatch(argument):
            flags.append(_known_flag(verb, argument))
        elif _is_override(verb, argument):
            overrides.append(_expand_home(argument))
        else:
            hint = _sentence_hint(verb, "contains =", "word=...")
            raise ValueError(
                f"{argument!r} is neither a flag nor key=value; arguments without a key come first,"
                f" and a value with spaces needs quotes{hint}"
            )
    return flags, overrides


def _is_flag_or_override(verb: str, argument: str) -> bool:
    return bool(FLAG.fullmatch(argument)) or _is_override(verb, argument)


def _is_override(verb: str, argument: str) -> bool:
    """Whether it is key=value, or ~key, which is an operand where a verb takes any."""
    if KEY.match(argument):
        return True
    return not VERBS[verb].operands and bool(DELETION.fullmatch(argument))


def _check_given_once(given: list[str], overrides: list[str]) -> None:
    named = {each.partition("=")[0] for each in given}
    for name in (each.partition("=")[0] for each in overrides):
        if name in named:
            raise ValueError(
                f"{name} is given twice, without its key and as {name}=; leave one out (a sentence"
                f" that contains = is given as \"{name}='...'\")"
            )


def _check_group_chosen(verb: str, overrides: list[str]) -> None:
    """Raises ValueError for options of a group of which a verb has none by default."""
    optional = {each.name for each in fields(VERBS[verb].schema) if each.default is None}
    for group in optional & set(VERBS[verb].groups):
        named = [each.lstrip("+") for each in overrides]
        option = next((each for each in named if each.startswith(f"{group}.")), None)
        if option and not any(each.startswith(f"{group}=") for each in named):
            raise ValueError(
                f"{option}: `vaetext {verb}` reads the {group} of the run; choose another with"
                f" {group}=NAME, or leave {option.partition('=')[0]} out"
            )


def _open_options(verb: str, overrides: list[str]) -> list[str]:
    """Overrides below an option that is a mapping of any keys, which need ``++`` to be added.

    Raises:
        ValueError: the mapping itself is given.
    """
    for name in _mappings(VERBS[verb].schema):
        if "." not in name and any(re.match(rf"\+*{name}=", each) for each in overrides):
            raise ValueError(
                f"`vaetext {verb}` changes single options of the {name}, as in {name}.epochs=30;"
                f" it cannot replace the {name}"
            )
        overrides = [re.sub(rf"^{re.escape(name)}\.", f"++{name}.", each) for each in overrides]
    return overrides


def _mappings(schema: type, prefix: str = "") -> list[str]:
    """The options of a schema, by full key, that are mappings, as ``trainer.latents``."""
    found = []
    for each in fields(schema):
        if get_origin(each.type) is dict:
            found.append(f"{prefix}{each.name}")
        elif is_dataclass(each.type):
            found += _mappings(each.type, f"{prefix}{each.name}.")  # type: ignore[arg-type]
    return found


def _field_type(verb: str, name: str) -> Any:
    """``list`` or ``dict`` for an option of such a type."""
    return next(get_origin(each.type) for each in fields(VERBS[verb].schema) if each.name == name)


def _expand_home(override: str) -> str:
    """``key=~/path`` with the home folder for ``~``, which shells expand only at the start."""
    found = HOME_PATH.fullmatch(override)
    return found[1] + quote(os.path.expanduser(found[2])) if found else override


def _known_flag(verb: str, flag: str) -> str:
    name = flag.partition("=")[0]
    if name in FLAGS:
        return flag
    raise ValueError(
        f"unknown flag {name}{closest(name, FLAGS)}; `vaetext {verb} --help` lists all flags"
        f"{_sentence_hint(verb, 'begins with a dash', '-...')}"
    )


def _flag_value(flag: str, value: str | None) -> str:
    if value is None:
        example = "job" if flag in CONFIG_FLAGS else "..."
        raise ValueError(f"{flag} needs a value after it, as in {flag} {example}")
    if flag in CONFIG_FLAGS and value not in ("job", "hydra", "all"):
        raise ValueError(f"{flag} {value}: unknown value; choose from job, hydra, all")
    return value


def _sentence_hint(verb: str, kind: str, sentence: str) -> str:
    """How to give a sentence that looks like a flag or an override, if the verb takes sentences."""
    names = VERBS[verb].operands[1:]
    return f"; a sentence that {kind} is given as \"{names[0]}='{sentence}'\"" if names else ""
