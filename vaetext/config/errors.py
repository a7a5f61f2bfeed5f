"""One clear message for every error that a user can cause."""

import errno
import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any, get_origin

import yaml
from hydra.errors import (
    ConfigCompositionException,
    HydraException,
    MissingConfigException,
    OverrideParseException,
)
from omegaconf import OmegaConf
from omegaconf.errors import (
    ConfigAttributeError,
    ConfigKeyError,
    ConfigTypeError,
    InterpolationKeyError,
    InterpolationResolutionError,
    MissingMandatoryValue,
    OmegaConfBaseException,
    UnsupportedInterpolationType,
    ValidationError,
)

from vaetext.config.groups import group_options
from vaetext.config.options import closest
from vaetext.config.store import schemas

# Hydra gives these only in its text.
IN_FILE = re.compile(r"In '(?P<file>(?!hydra/|schema/)[^']+/[^']+)': ")
AMBIGUOUS = re.compile(r"Ambiguous value for argument '(?P<override>.*)'")
NO_GROUP = re.compile(r"Could not override '(?P<key>[^']+)'\. No match in the defaults list")
NOT_ONE_NAME = "Config group override must be a string or a list"
# OmegaConf gives no attribute that tells a null, or a config in a config's place, from the rest.
NOT_OPTIONAL = re.compile(r"field '[^']+' is not Optional")
WRONG_CONFIG = re.compile(
    r"(?P<kind>Invalid type assigned|Merge error): (?P<type>\w+) is not a sub"
)
# torch raises a RuntimeError, and of no other type on a CPU.
OUT_OF_MEMORY = re.compile(r"can't allocate memory|out of memory|CUBLAS_STATUS_ALLOC_FAILED", re.I)
PACKAGES = {  # what is to be installed -> launchers and sweepers of Hydra that it brings
    "'vaetext[sweep]'": ("joblib", "submitit_local", "submitit_slurm"),
    "hydra-optuna-sweeper": ("optuna",),
}
ONE_NAME = (
    "a config group takes the name of one of its options, as in model=vrae; no number, no null,"
    " no list"
)
DEFAULTS_LIST = "_dummy_"  # Hydra's name for an item of a defaults list
TYPES = {int: "an integer", float: "a number", bool: "true or false", str: "text"}


def explain(error: BaseException) -> str:
    """The message of an error: what is wrong first, with a suggestion where there is one."""
    if isinstance(error, (HydraException, OmegaConfBaseException)):
        return _explain_composition(error)
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark:
        mark = error.problem_mark
        file = "" if mark.name.startswith("<") else f"{mark.name}, "
        return f"{file}line {mark.line + 1}: not valid YAML: {error.problem}"
    if isinstance(error, yaml.YAMLError):
        return f"not valid YAML: {_first_line(error)}"
    if isinstance(error, UnicodeError):
        return _explain_unicode(error)
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename or 'file system'}: {error.strerror}{_remedy(error)}"
    if isinstance(error, ValueError) and str(error).startswith(NOT_ONE_NAME):
        return ONE_NAME
    if isinstance(error, ValueError) and str(error).startswith("Unable to configure handler"):
        return explain(error.__cause__) if error.__cause__ else str(error)  # of the log file
    if isinstance(error, (ValueError, OSError)):
        return str(error)
    if isinstance(error, MemoryError) or _is_out_of_memory(error):
        return (
            f"not enough memory ({_first_line(error) or 'the system gives no reason'}); try a"
            " smaller trainer.batch_size, model or data.max_length"
        )
    return (
        f"{type(error).__name__}: {error} (this is an error in vaetext; HYDRA_FULL_ERROR=1 shows"
        " the traceback)"
    )


def _explain_composition(error: Exception) -> str:
    """The message for an error of Hydra or OmegaConf, or for the cause that says more."""
    file = IN_FILE.match(str(error))
    for each in _chain(error):
        if isinstance(each, OSError) and each.strerror:
            return explain(each)
        if message := _known(each):
            return f"{file['file']}.yaml: {message}" if file else message
    lines = (line.strip() for line in str(error).splitlines())
    return " ".join(line for line in lines if line and not line.startswith("See "))


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error, its cause, the cause's cause, and so on."""
    seen: list[BaseException] = []
    while error is not None and error not in seen:
        yield error
        seen.append(error)
        error = error.__cause__ or error.__context__


def _known(error: BaseException) -> str | None:
    """The message for an error of a known type, or None."""
    if isinstance(error, OverrideParseException):
        return (
            f"{error.override}: not readable as key=value; a value with spaces or brackets needs"
            " quotes of its own, as in \"key='a b'\""
        )
    if isinstance(error, MissingConfigException):
        return _missing_config(error)
    if isinstance(error, ConfigCompositionException):
        return _composition(str(error))
    if isinstance(error, OmegaConfBaseException) and error.full_key is not None:
        return _known_value(error, str(error.full_key))
    return None


def _composition(text: str) -> str | None:
    if found := NO_GROUP.match(text):
        return f"{found['key']}=...: unknown option; --help lists all options"
    if found := AMBIGUOUS.match(text):
        return f"{found['override']}: add -m to run each value; quote the value if it is one text"
    return None


def _missing_config(error: MissingConfigException) -> str | None:
    """An option of a group that has no yaml, or that a defaults list names in vain."""
    group, is_option, name = str(error.missing_cfg_file).partition("/")
    if not is_option:
        return None
    if group == "schema":
        kind, _, name = name.partition("/")
        return f"unknown {kind} {name}; install the package that provides it"
    if group == "hydra":
        group, _, name = str(error.missing_cfg_file).rpartition("/")
    options = sorted({*group_options(group), *(error.options or ())})
    options = [each for each in options if f"{each}/" not in " ".join(options)]  # no folders
    if error.options is None:  # it is not the command line that names it
        return (
            f"its defaults name {group}/{name}.yaml, which does not exist{closest(name, options)}"
        )
    for package, names in PACKAGES.items():
        if name in names:
            return f"{group}={name}: not installed; pip install {package}"
    likely = closest(name, options)
    return f"{group}={name}: no such option; choose from {', '.join(options)}{likely}"


def _known_value(error: OmegaConfBaseException, key: str) -> str | None:
    """A key or a value that does not fit its schema. ``key`` is the full key."""
    if isinstance(error, MissingMandatoryValue):
        return f"{key} is missing: give it as {key}=..., or as the first argument"
    if isinstance(error, InterpolationResolutionError):
        return _interpolation(error, key)
    if isinstance(error, (ConfigKeyError, ConfigAttributeError)):
        return _unknown_key(error, key)
    if found := WRONG_CONFIG.match(str(error)):
        if found["kind"] == "Merge error":
            return ONE_NAME
        return f"it contains a {found['type']} instead of options, written as key: value"
    if isinstance(error, ConfigTypeError) and _is_schema(error.object_type):
        return f"~{key}: an option cannot be removed; give it a value"
    if isinstance(error, ConfigTypeError) and error.object_type is list:
        return f"{key}: must be a list; write {key}=[...]"
    if isinstance(error, ValidationError):
        return _wrong_value(error, key)
    return None


def _interpolation(error: InterpolationResolutionError, key: str) -> str:
    """``${...}`` that refers to nothing; or the error of a resolver, which is the cause."""
    if isinstance(error, InterpolationKeyError):
        if key == DEFAULTS_LIST:  # there ${model} is known only where it is one name
            return ONE_NAME
        return f"{key}: {_raw(error)} refers to no option; write a full name, as in ${{trainer.lr}}"
    if isinstance(error, UnsupportedInterpolationType):
        return f"{key}: {_raw(error)} is unknown; ${{oc.env:NAME}} reads an environment variable"
    for cause in _chain(error):
        if not isinstance(cause, OmegaConfBaseException):
            message = cause.args[0] if cause.args else type(cause).__name__
            return str(message) if isinstance(cause, ValueError) else f"{key}: {message}"
    return f"{key}: {_first_line(error)}"


def _raw(error: OmegaConfBaseException) -> str:
    """The value of an option as it is written, before interpolation."""
    values: Any = OmegaConf.to_container(error.parent_node, resolve=False)
    return str(values[error.key])


def _unknown_key(error: OmegaConfBaseException, key: str) -> str:
    schema: Any = error.object_type
    if not _is_schema(schema):
        return f"{key}: unknown option; --help lists all options"
    name = str(error.key)
    known = [(group, option) for group, option, each in schemas() if each is schema]
    hint = _owners(known, name) or closest(name, [item.name for item in fields(schema)])
    return f"{key}: {_title(known)} has no such option{hint}; --help lists all options"


def _title(known: list[tuple[str, str]]) -> str:
    """What a user calls the schema of these options of groups."""
    group, option = known[0] if known else ("", "this configuration")
    if group == "verb":
        return f"`vaetext {option}`"
    return option if len(known) < 2 else f"this {group}"


def _owners(known: list[tuple[str, str]], name: str) -> str:
    """The other options of the same groups, such as other models, that have an option ``name``."""
    groups = {group for group, _ in known}
    owners = [
        option
        for group, option, schema in schemas()
        if group in groups - {"verb"} and name in (item.name for item in fields(schema))
    ]
    return f"; {', '.join(owners)} {'has' if len(owners) == 1 else 'have'} it" if owners else ""


def _wrong_value(error: ValidationError, key: str) -> str:
    if NOT_OPTIONAL.match(str(error)):
        return f"{key}=null: must have a value"
    wanted = _wanted(error)
    if wanted is list:
        return f"{key}: must be a list; write {key}=[...]"
    return f"{key}={error.value}: must be {TYPES.get(wanted, 'of another type')}"


def _wanted(error: OmegaConfBaseException) -> Any:
    """The type of an option, or of an element of it."""
    if _is_schema(error.object_type):
        found = {item.name: item.type for item in fields(error.object_type)}  # type: ignore[arg-type]
        return get_origin(found.get(str(error.key))) or found.get(str(error.key))
    return getattr(error.ref_type, "__args__", (None,))[-1]


def _is_schema(kind: Any) -> bool:
    return isinstance(kind, type) and is_dataclass(kind)


def _explain_unicode(error: UnicodeError) -> str:
    if isinstance(error, UnicodeEncodeError):
        return (
            f"the output cannot contain {error.object[error.start]!r} ({error.encoding});"
            " set PYTHONIOENCODING=utf-8"
        )
    if isinstance(error, UnicodeDecodeError):  # readers of data name their own file and line
        near = bytes(error.object[max(0, error.start - 20) : error.end + 20])
        return f"a configuration file is not UTF-8 text, near {near!r}; save it as UTF-8"
    return str(error)


def _is_out_of_memory(error: BaseException) -> bool:
    return isinstance(error, RuntimeError) and bool(OUT_OF_MEMORY.search(_first_line(error)))


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).splitlines()), "")


def _remedy(error: OSError) -> str:
    if error.errno == errno.ENOSPC:
        return "; free some space and try again (continue a run with `vaetext resume RUN`)"
    if error.errno in (errno.EACCES, errno.EROFS):
        return "; hydra.run.dir=FOLDER chooses another folder to write to"
    return ""
