"""The command line: the verb is taken off, operands become overrides, and Hydra does the rest. Imports no torch."""

import os
import re
import sys
from hashlib import sha256

from vaetext import __version__
from vaetext.config.options import closest
from vaetext.config.quoting import quote

VERBS = {
    "train": "train a model (the default: model=vrae data=grammar trainer=default)",
    "resume": "go on with a run or a sweep where it stopped",
    "evaluate": "score a run's data anew, with more samples say",
    "sample": "draw from a run's model",
    "reconstruct": "lines through a run's posterior and back",
    "encode": "codes and scores of lines",
    "interpolate": "sentences between two sentences, or two prior draws",
    "tables": "any runs as one table",
    "data": "what a data set holds",
    "reproduce": "a published table, every row trained, ours beside theirs",
}
OPERANDS = {
    "train": [],
    "interpolate": ["run", "a", "b"],
    "tables": ["runs"],
    "data": ["data"],
    "reproduce": [],
}
KEY = re.compile(r"[+~]{0,2}[A-Za-z_][\w.@/:-]*=")
DELETION = re.compile(r"~[A-Za-z_][\w.@/:-]*")
HOME = re.compile(r"([+]{0,2}[A-Za-z_][\w.@/:-]*=)(~(?:/[^,]*)?)", re.S)
FLAG = re.compile(r"--?[A-Za-z][\w-]*(=.*)?", re.S)
WITH_VALUE = (
    *("--cfg", "-c", "--config-dir", "-cd", "--config-path", "-cp", "--config-name", "-cn"),
    *("--package", "-p", "--experimental-rerun", "--shell-completion", "-sc"),
)
ALONE = (
    "--help",
    "-h",
    "--hydra-help",
    "--version",
    "--run",
    "-r",
    "--multirun",
    "-m",
    "--resolve",
    "--info",
    "-i",
)  # no value, or =
SHOWS = (
    "--cfg",
    "-c",
    "--info",
    "-i",
    "--hydra-help",
    "--shell-completion",
    "-sc",
)  # flags that run nothing


def main() -> None:
    """Runs one verb; ends with a status of 0, 1 (an error, told in one message) or 130 (interrupted)."""
    arguments = sys.argv[1:]
    traced = os.environ.get("HYDRA_FULL_ERROR") == "1" or any(
        re.fullmatch(r"\+{0,2}debug=(true|1)", each, re.I) for each in arguments
    )
    try:
        _dispatch(arguments)
    except KeyboardInterrupt as error:
        print(f"interrupted{': ' + str(error) if str(error) else ''}", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:  # the reader of our output has gone, as `| head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:
        if traced:
            raise
        from vaetext.config.errors import explain

        print(f"error: {explain(error)}", file=sys.stderr)
        sys.exit(1)


def _dispatch(arguments: list[str]) -> None:
    verb, rest = (arguments[0], arguments[1:]) if arguments else ("--help", [])
    if verb in ("-h", "--help", "help"):
        from vaetext.cli.help import overview

        return print(overview(VERBS))
    if "--version" in arguments:
        return print(f"vaetext {__version__}")
    if verb in ("-sc", "--shell-completion"):
        from vaetext.cli.complete import complete

        return complete(arguments, _start)
    if verb not in VERBS:
        raise ValueError(f"{verb!r} is no verb; there are {', '.join(VERBS)}{closest(verb, VERBS)}")
    flags, overrides = split(verb, rest)
    if "--help" in flags or "-h" in flags:
        from vaetext.cli.help import verb_help

        return print(verb_help(verb, flags, overrides))
    if (
        "--hydra-help" in flags
    ):  # the same whatever is configured; Hydra would refuse groups and operands there
        overrides = []
    if not set(SHOWS) & {flag.split("=")[0] for flag in flags}:
        _require(verb, overrides)
    os.environ["VAETEXT_SWEEP"] = sweep_name(overrides)
    _start(verb, [*flags, *overrides])


def _start(verb: str, arguments: list[str]) -> None:
    before = os.environ.get("HYDRA_FULL_ERROR", "")
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra then leaves errors to us
    try:
        from vaetext.cli.launch import Failed, start

        try:
            start(verb, arguments)
        except Failed as failed:
            raise failed.error from None
    finally:
        os.environ["HYDRA_FULL_ERROR"] = before


def split(verb: str, arguments: list[str]) -> tuple[list[str], list[str]]:
    """The flags, which may stand anywhere, with their values; and the overrides, operands rewritten.

    Operands are the leading arguments up to the first flag or ``key=``; an existing path is one whatever it looks like.

    Raises:
        ValueError: more operands than the verb has, one that is given as ``key=`` too, an unknown flag, one without its value, or an
            argument that is neither flag nor override.
    """
    count = next(
        (
            n
            for n, each in enumerate(arguments)
            if not os.path.exists(each) and _is_option(each, verb)
        ),
        len(arguments),
    )
    given, flags, overrides, rest = (
        operands(verb, arguments[:count]),
        [],
        [],
        iter(arguments[count:]),
    )
    for argument in rest:
        if argument in WITH_VALUE:
            flags += [argument, _value(argument, next(rest, None))]
        elif argument in ("-i", "--info"):
            flags.append("--info=all")
        elif FLAG.fullmatch(argument):
            flags.append(_known(argument, verb))
        elif _is_option(argument, verb):
            overrides.append(_at_home(argument))
        else:
            sentence = (
                "; a sentence that begins with word= goes in as \"a='word=...'\""
                if verb == "interpolate"
                else ""
            )
            raise ValueError(
                f"{argument!r} is neither a flag nor key=value; operands come first, and values with spaces need quotes{sentence}"
            )
    _require_once(given, overrides)
    return flags, [*given, *(_run_options(overrides) if verb == "resume" else overrides)]


def _require_once(given: list[str], overrides: list[str]) -> None:
    named, keys = ({each.partition("=")[0] for each in part} for part in (given, overrides))
    for name in named & keys:
        raise ValueError(
            f"{name} is given twice, as an operand and as {name}=; leave one out, or put a sentence in as \"{name}='...'\""
        )


def _run_options(overrides: list[str]) -> list[str]:
    """Overrides of resume: trainer.* are options of the run, not of the verb, which has none of them."""
    if any(re.match(r"\+*trainer=", each) for each in overrides):
        raise ValueError(
            "`vaetext resume` takes single options, as in trainer.epochs=30, and no other trainer"
        )
    return [re.sub(r"^trainer\.", "++trainer.", each) for each in overrides]


def _at_home(override: str) -> str:
    """``key=~/path`` with the home folder in place of ~, which shells put in at the start of a word only."""
    found = HOME.fullmatch(override)
    return found[1] + quote(os.path.expanduser(found[2])) if found else override


def _is_option(argument: str, verb: str) -> bool:
    return bool(
        KEY.match(argument)
        or FLAG.fullmatch(argument)
        or (verb == "train" and DELETION.fullmatch(argument))
    )


def _known(flag: str, verb: str) -> str:
    """The flag itself, if Hydra has it."""
    if (name := flag.partition("=")[0]) in (*ALONE, *WITH_VALUE):
        return flag
    sentence = (
        "; a sentence that begins with a dash goes in as \"a='-...'\""
        if verb == "interpolate"
        else ""
    )
    raise ValueError(
        f"{name} is no flag{closest(name, (*ALONE, *WITH_VALUE))}; `vaetext {verb} --help` lists them{sentence}"
    )


def _value(flag: str, value: str | None) -> str:
    """The value of a flag that must have one."""
    if value is None:
        raise ValueError(
            f"{flag} needs a value after it, as in {flag} {'job' if flag in ('--cfg', '-c') else '...'}"
        )
    if flag in ("--cfg", "-c") and value not in ("job", "hydra", "all"):
        raise ValueError(f"{flag} {value}: it shows job, hydra or all")
    return value


def operands(verb: str, given: list[str]) -> list[str]:
    """Operands as overrides: ``["outputs/a=1", "it's"]`` of interpolate -> ``["run='outputs/a=1'", "a='it\\'s'"]``.

    Raises:
        ValueError: more operands than the verb has.
    """
    names = OPERANDS.get(verb, ["run"])
    if names == ["runs"] and given:
        return [f"runs=[{','.join(map(quote, given))}]"]
    if len(given) > len(names):
        hint = (
            f"after {' and '.join(names)}, options are key=value"
            if names
            else "options are key=value"
        )
        raise ValueError(f"`vaetext {verb}` takes no operand {given[len(names)]!r}; {hint}")
    return [
        f"{name}={value if name == 'data' else quote(value)}"
        for name, value in zip(names, given, strict=False)
    ]


def sweep_name(overrides: list[str]) -> str:
    """A folder name that is the same for the same overrides, so that a killed sweep run again finds its jobs."""
    text = re.sub(r"[^\w.+-]+", "-", "_".join(overrides))[:80].strip("-")
    return f"{text or 'sweep'}-{sha256(chr(0).join(overrides).encode()).hexdigest()[:6]}"


def _require(verb: str, overrides: list[str]) -> None:
    name = OPERANDS.get(verb, ["run"])[:1]
    if (
        name
        and name != ["data"]
        and not any(each.lstrip("+").startswith(f"{name[0]}=") for each in overrides)
    ):
        raise ValueError(
            f"`vaetext {verb}` needs a run folder: vaetext {verb} RUN, such as outputs/grammar/vrae/latest"
        )


if __name__ == "__main__":
    main()
