"""The command line: the verb is taken off, operands become overrides, and Hydra does the rest. Imports no torch."""

import os
import re
import sys
from collections.abc import Callable
from hashlib import sha256
from importlib import import_module
from typing import Any

from vaetext import __version__
from vaetext.config.knobs import closest

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
OPERANDS = {"resume": ["run"], "interpolate": ["run", "a", "b"], "tables": ["runs*"], "data": ["data"], "reproduce": []}
KEY = re.compile(r"^[+~]{0,2}[A-Za-z_][\w.@/:-]*=")


class _Failed(BaseException):
    """A run ended with an error, its cause; no Exception, so that Hydra adds no lines of its own to it."""


def main() -> None:
    """Runs one verb; ends with a status of 0, 1 (an error, told in one message) or 130 (interrupted)."""
    arguments = sys.argv[1:]
    if arguments and arguments[0] in ("-sc", "--shell-completion"):
        return _complete(arguments)
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        from vaetext.help import overview

        return print(overview(VERBS))
    if arguments[0] == "--version":
        return print(f"vaetext {__version__}")
    verb, rest = arguments[0], arguments[1:]
    if verb not in VERBS:
        _fail(f"{verb!r} is no verb; there are {', '.join(VERBS)}{closest(verb, VERBS)}")
    try:
        _run(verb, rest)
    except BrokenPipeError:  # the reader of our output has gone, as `| head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except KeyboardInterrupt as error:
        print(f"interrupted{': ' + str(error) if str(error) else ''}", file=sys.stderr)
        sys.exit(130)
    except (Exception, _Failed) as error:
        if _wants_traceback(rest):
            raise
        from vaetext.errors import explain

        _fail(explain(error.__cause__ if isinstance(error, _Failed) and error.__cause__ else error))


def _run(verb: str, rest: list[str]) -> None:
    if "--help" in rest or "-h" in rest:
        from vaetext.help import verb_help

        return print(verb_help(verb, rest))
    sys.argv = ["vaetext", *operands(verb, rest)]
    os.environ["VAETEXT_SWEEP"] = sweep_name(sys.argv[1:])
    shown = os.environ.get("HYDRA_FULL_ERROR")
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra then leaves errors to us
    try:
        _hydra_main(verb)()
    finally:
        os.environ["HYDRA_FULL_ERROR"] = shown or "0"


def _hydra_main(verb: str) -> Callable[[], Any]:
    import hydra
    from hydra.core.hydra_config import HydraConfig
    from hydra.types import RunMode
    from omegaconf import DictConfig

    from vaetext.config.store import VERBS as SCHEMAS
    from vaetext.config.store import register, typed
    from vaetext.resolvers import register_resolvers

    register()
    register_resolvers()
    schema = SCHEMAS[verb]

    @hydra.main(version_base="1.3", config_path="pkg://vaetext.conf", config_name=verb)
    def task(config: DictConfig) -> Any:
        try:
            return import_module(f"vaetext.runner.{verb}").run(typed(config, schema))
        except Exception as error:
            if HydraConfig.get().mode == RunMode.RUN:
                raise _Failed from error
            raise  # one job of a sweep: Hydra goes on with the others

    return task


def operands(verb: str, arguments: list[str]) -> list[str]:
    """Leading arguments up to the first flag or ``key=`` as overrides; an existing path is an operand whatever it looks like.

    ``["outputs/a=1", "it's"]`` of interpolate -> ``["run='outputs/a=1'", "a='it\\'s'"]``.

    Raises:
        ValueError: more operands than the verb has.
    """
    names = OPERANDS.get(verb, ["run"] if verb != "train" else [])
    given = []
    for argument in arguments:
        if not os.path.exists(argument) and (argument.startswith("-") or KEY.match(argument)):
            break
        given.append(argument)
    rest = arguments[len(given) :]
    if names == ["runs*"]:
        return [f"runs=[{','.join(map(quote, given))}]", *rest] if given else rest
    if len(given) > len(names):
        extra = given[len(names)]
        hint = f"it takes {', '.join(names)}" if names else "it takes none; options are written key=value"
        raise ValueError(f"{extra!r}: vaetext {verb} has no such operand; {hint}")
    if verb == "resume":  # a dictionary of overrides: Hydra adds to it with a plus
        rest = ["+" + argument if argument.startswith("trainer.") else argument for argument in rest]
    if verb == "data":
        return [f"data={name}" for name in given] + rest
    return [f"{name}={quote(value)}" for name, value in zip(names, given, strict=False)] + rest


def quote(value: str) -> str:
    """A value as Hydra's override grammar reads it back to the letter: quoted, with quotes, interpolations and backslashes escaped."""
    value = re.sub(r"(\\+)(?='|$)", lambda found: found[1] * 2, value)
    value = value.replace("'", "\\'")
    value = re.sub(r"(\\*)\$\{", lambda found: found[1] * 2 + "\\${", value)
    return f"'{value}'"


def sweep_name(arguments: list[str]) -> str:
    """A folder name that is the same for the same overrides, so that a killed sweep run again finds its jobs."""
    overrides = [argument for argument in arguments if not argument.startswith("-")]
    text = re.sub(r"[^\w.=,+-]+", "_", "_".join(overrides))[:80]
    return f"{text or 'sweep'}-{sha256(chr(0).join(overrides).encode()).hexdigest()[:6]}"


def _wants_traceback(rest: list[str]) -> bool:
    return os.environ.get("HYDRA_FULL_ERROR") == "1" or any(re.fullmatch(r"\+?debug=(true|True|1)", argument) for argument in rest)


def _complete(arguments: list[str]) -> None:
    """Tab completion: Hydra's own, for the verb that stands on the line; before that, the verbs."""
    line = os.environ.get("COMP_LINE", "")
    words = line.split()
    if len(words) < 2 or (len(words) == 2 and not line.endswith(" ")):
        if line:
            return print(" ".join(VERBS))
        verb = "train"
    else:
        verb = words[1] if words[1] in VERBS else "train"
        shorter = re.sub(rf"^(\s*\S+\s+){re.escape(words[1])}\s?", r"\1", line)
        os.environ["COMP_POINT"] = str(max(0, int(os.environ.get("COMP_POINT", len(line))) - len(line) + len(shorter)))
        os.environ["COMP_LINE"] = shorter
    sys.argv = ["vaetext", *arguments]
    _hydra_main(verb)()


def _fail(message: str) -> None:
    print(f"error: {message}", file=sys.stderr)
    sys.exit(1)


if __name__ == "__main__":
    main()
