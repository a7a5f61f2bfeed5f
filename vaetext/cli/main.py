"""The command line: the verb comes first, and Hydra reads the rest. Imports no torch."""

import os
import re
import sys
from contextlib import suppress

from vaetext import __version__
from vaetext.cli.arguments import (
    COMPLETION_FLAGS,
    HELP_FLAGS,
    SHOWING_FLAGS,
    config_folders,
    require_run,
    split,
    sweep_name,
)
from vaetext.config.options import closest
from vaetext.config.verbs import VERBS
from vaetext.parallel.outside import follows, outside
from vaetext.runs.signals import Ending, interruption, interrupts, signal_of

TRAINING = ("train", "resume")  # that several processes do together


def main() -> None:
    """Runs one verb; exits with 0, 1 (an error, printed as one message) or 128 + a signal's number.

    SIGINT, SIGTERM and SIGHUP (130, 143, 129) end training after a checkpoint, and everything else
    at once.
    """
    with interrupts(Ending()):
        _main()


def _main() -> None:
    arguments = sys.argv[1:]
    traceback = _wants_traceback(arguments)
    try:
        _dispatch(arguments)
    except KeyboardInterrupt as error:
        with suppress(OSError):  # a terminal that is gone takes no message
            print(interruption(error), file=sys.stderr)
        sys.exit(128 + signal_of(error))
    except BrokenPipeError:  # nobody reads our output any more, as after `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:
        if traceback:
            raise
        from vaetext.config.errors import explain

        print(f"error: {explain(error)}", file=sys.stderr)
        sys.exit(1)


def _wants_traceback(arguments: list[str]) -> bool:
    debug = any(re.fullmatch(r"\+{0,2}debug=(true|1)", each, re.I) for each in arguments)
    return debug or os.environ.get("HYDRA_FULL_ERROR") == "1"


def _dispatch(arguments: list[str]) -> None:
    """Runs the verb, or prints what a flag in its place asks for. What is slow is imported late."""
    verb = arguments[0] if arguments else "--help"
    if verb in (*HELP_FLAGS, "help"):
        from vaetext.cli.help import overview

        print(overview())
    elif "--version" in arguments:
        print(f"vaetext {__version__}")
    elif verb in COMPLETION_FLAGS:
        from vaetext.cli.complete import complete

        complete(arguments, _start)
    elif verb in VERBS:
        _run(verb, arguments[1:])
    else:
        raise ValueError(
            f"unknown command {verb!r}; choose from {', '.join(VERBS)}{closest(verb, VERBS)}"
        )


def _run(verb: str, arguments: list[str]) -> None:
    flags, overrides = split(verb, arguments)
    names = {flag.partition("=")[0] for flag in flags}
    if names & set(HELP_FLAGS):
        from vaetext.cli.help import verb_help

        print(verb_help(verb, config_folders(flags), overrides))
        return
    if "--hydra-help" in names:
        overrides = []  # its text depends on none, and Hydra would refuse some
    if not names & set(SHOWING_FLAGS):
        require_run(verb, overrides)
    os.environ["VAETEXT_SWEEP"] = sweep_name(overrides)
    if outside() and verb in TRAINING:
        overrides = [*overrides, *_of_one_of_several(names)]
    _start(verb, [*flags, *overrides])


def _of_one_of_several(flags: set[str]) -> list[str]:
    """Overrides of one of several processes that torchrun, say, has started: the first one writes.

    Raises:
        ValueError: each would begin all jobs of a multirun.
    """
    if flags & {"-m", "--multirun"}:
        raise ValueError(
            "-m: each of the processes that were started outside (see WORLD_SIZE) would begin every"
            " job; train one run, or start one process and set trainer.devices"
        )
    return ["hydra/output=none", "hydra/job_logging=silent"] if follows() else []


def _start(verb: str, arguments: list[str]) -> None:
    from vaetext.cli.launch import Failed, start

    before = os.environ.get("HYDRA_FULL_ERROR", "")
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra then raises errors instead of printing them
    error = None
    try:
        start(verb, arguments)
    except Failed as failed:
        error = failed.error
    except Exception as caught:
        from vaetext.cli.sweeps import unfinished
        from vaetext.config.errors import explain

        error = caught
        if count := unfinished():
            error = ValueError(f"{explain(caught)}; {count}")
            error.__cause__ = caught
    finally:
        os.environ["HYDRA_FULL_ERROR"] = before
    if error:
        raise error  # here, where its own cause is kept
