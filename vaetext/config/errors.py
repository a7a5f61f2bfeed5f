"""One clear message for every error a user can cause."""

import errno
import re
from dataclasses import fields

import yaml
from hydra.errors import HydraException, OverrideParseException
from omegaconf.errors import OmegaConfBaseException

from vaetext.config.options import closest

NO_KEY = re.compile(
    r"Key '(?P<key>[^']+)' not in '(?P<schema>\w+)'.*?full_key: (?P<full>\S+)", re.S
)
NO_OPTION = re.compile(
    r"Could not find '(?P<group>[\w/.-]+)/(?P<name>[^'/]*)'\s*(?:Available options in '[^']+':\n(?P<options>(?:\t\S+\n?)*))?"
)
NO_TEXT = re.compile(
    r"Cannot convert '(?P<type>\w+?)(?:Config)?' to string: '(?P<value>.*)'.*?full_key: (?P<full>\S+)",
    re.S,
)
NO_NAME = re.compile(
    r"Config group override must be a string or a list|Merge error: \w+ is not a subclass of \w+"
)
IN_FILE = re.compile(
    r"In '(?P<file>[^']+/[^']+)': (?:\w+ raised while composing config|Could not load)"
)
OUT_OF_MEMORY = re.compile(r"can't allocate memory|out of memory|CUBLAS_STATUS_ALLOC_FAILED", re.I)
NO_FILE = re.compile(r"Could not load '(?!schema/)(?P<group>[\w/.-]+)/(?P<name>[^'/]+)'")
PLAIN = (  # what OmegaConf and Hydra say, and how it is told
    (
        re.compile(
            r"Value '(?P<value>.*?)' of type '(?P<type>\w+)' could not be converted to (?P<wanted>\w+).*?full_key: (?P<full>\S+)",
            re.S,
        ),
        "{full}={value}: it must be {wanted}, not {type}",
    ),
    (
        re.compile(
            r"(?:is not a ListConfig|Cannot merge DictConfig with ListConfig).*?full_key: (?P<full>\S+)",
            re.S,
        ),
        "{full}: it must be a list; write {full}=[...]",
    ),
    (re.compile(r"field '(?P<full>[^']+)' is not Optional"), "{full}=null: it must have a value"),
    (
        re.compile(r"ValueError raised while resolving interpolation: (?P<message>.*?)(?:\n|$)"),
        "{message}",
    ),
    (
        re.compile(r"Could not override '(?P<key>[^']+)'\. No match in the defaults list"),
        "{key}=...: this verb has no such group or key; --help lists them",
    ),
    (
        re.compile(r"Could not load 'schema/(?P<group>\w+)/(?P<name>[^']+)'"),
        "{group} {name} is not known here; install the package that brings it",
    ),
    (
        re.compile(r"Invalid type assigned: (?P<type>\w+) is not a subclass of (?P<schema>\w+)"),
        "it holds a {type}; write keys of {schema} with their values, as in key: value",
    ),
    (
        re.compile(r"Interpolation key '(?P<key>[^']+)' not found.*?full_key: (?P<full>\S+)", re.S),
        "{full}: ${{{key}}} names no key; write its full name, as in ${{trainer.lr}}",
    ),
    (
        re.compile(r"Unsupported interpolation type (?P<name>\S+).*?full_key: (?P<full>\S+)", re.S),
        "{full}: ${{{name}:...}} is nothing that can be asked for; ${{oc.env:NAME}} gives an environment variable",
    ),
    (
        re.compile(r"Error merging override (?P<override>~\S+)"),
        "{override}: a option cannot be taken away; give it a value",
    ),
    (
        re.compile(r"Missing mandatory value: (?P<key>\S+)"),
        "{key} is missing: give it as {key}=..., or as the first argument",
    ),
)


def explain(error: BaseException) -> str:
    """The message of an error, with what was wrong first and a suggestion where there is one."""
    chain, each = [], error
    while each is not None and each not in chain:
        chain.append(each)
        each = each.__cause__ or each.__context__  # type: ignore[assignment]
    texts = [str(each) for each in chain]
    if isinstance(error, OverrideParseException):
        return f"{error.override}: not readable as key=value; a value with spaces or brackets needs quotes of its own, as in \"key='a b'\""
    if isinstance(error, (HydraException, OmegaConfBaseException)) or NO_NAME.match(texts[0]):
        file = IN_FILE.match(texts[0])
        for each in chain:
            if isinstance(each, OSError) and each.strerror:
                return explain(each)
        for text in texts:
            if message := _known(text):
                return f"{file['file']}.yaml: {message}" if file else message
        return " ".join(
            part.strip()
            for part in texts[0].strip().splitlines()
            if part.strip() and not part.startswith("See ")
        )
    if isinstance(error, UnicodeEncodeError):
        return f"the output takes no {error.object[error.start]!r} ({error.encoding}); set PYTHONIOENCODING=utf-8"
    if isinstance(
        error, UnicodeDecodeError
    ):  # of a configuration: readers of data name their file and line
        near = bytes(error.object[max(0, error.start - 20) : error.end + 20])
        return f"a configuration file is not UTF-8 text, near {near!r}; save it as UTF-8"
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark:
        return f"{error.problem_mark.name}, line {error.problem_mark.line + 1}: not valid YAML: {error.problem}"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename or 'file system'}: {error.strerror}" + _remedy(error)
    if (
        isinstance(error, ValueError)
        and isinstance(error.__cause__, OSError)
        and texts[0].startswith("Unable to configure handler")
    ):
        return explain(error.__cause__)  # the log cannot be opened
    if isinstance(error, (ValueError, OSError)):
        return str(error)
    if isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and OUT_OF_MEMORY.search(texts[0])
    ):
        reason = (texts[0].splitlines() or ["the system gave none"])[0]
        return f"not enough memory ({reason}); try a smaller trainer.batch_size, model or data.max_length"
    return (
        f"{type(error).__name__}: {error} (this should not happen; HYDRA_FULL_ERROR=1 shows where)"
    )


def _known(text: str) -> str | None:
    if found := NO_KEY.search(text):
        others = _owners(found["schema"], found["key"]) or closest(
            found["key"], _fields(found["schema"])
        )
        return f"{found['full']}: {found['schema']} has no such key{others}; --help lists them"
    if found := NO_OPTION.search(text):
        options = (found["options"] or "").split()
        listed = f"; there are {', '.join(options)}" if options else ""
        return f"{found['group']}={found['name']}: no such option{listed}{closest(found['name'], options)}"
    if found := NO_TEXT.search(text):
        return (
            f"{found['full']}={found['value']}: it must be one text, not a {found['type'].lower()}"
        )
    if NO_NAME.search(text):
        return "a config group takes the name of one of its options, as in model=vrae: no number, no null, and one only"
    if found := NO_FILE.search(text):
        likely = closest(found["name"], _options(found["group"]))
        return (
            f"{found['group']}/{found['name']}.yaml, which its defaults name, is not there{likely}"
        )
    told = ((pattern.search(text), message) for pattern, message in PLAIN)
    return next((message.format_map(found.groupdict()) for found, message in told if found), None)


def _options(group: str) -> list[str]:
    from vaetext.cli.help import group_options

    return list(group_options(group, []))


def _fields(schema: str) -> list[str]:
    from vaetext.config.store import schemas

    return [
        item.name for _, _, each in schemas() if each.__name__ == schema for item in fields(each)
    ]


def _owners(schema: str, key: str) -> str:
    """The options of the same group that have the key."""
    from vaetext.config.store import schemas

    known = schemas()
    groups = {group for group, _, each in known if each.__name__ == schema}
    names = [
        name
        for group, name, each in known
        if group in groups and key in (item.name for item in fields(each))
    ]
    return f", which {', '.join(names)} {'has' if len(names) == 1 else 'have'}" if names else ""


def _remedy(error: OSError) -> str:
    if error.errno == errno.ENOSPC:
        return "; free some space and try again (a run in training: `vaetext resume RUN`)"
    return (
        "; hydra.run.dir=FOLDER names another place to write to"
        if error.errno in (errno.EACCES, errno.EROFS)
        else ""
    )
