"""Help without torch: the verbs, and for each the groups, options and knobs."""

from dataclasses import MISSING, Field, fields
from importlib.resources import files
from pathlib import Path
from typing import Any

from vaetext.config.knobs import Checked

GROUPS = {"train": ("model", "data", "trainer", "experiment"), "data": ("data",), "reproduce": ("table",)}
CHOSEN = ("model", "data", "trainer", "table")  # groups, listed with their options
SYNTAX = {
    "train": "train [KEY=VALUE ...]",
    "resume": "resume RUN|SWEEP [trainer.KEY=VALUE ...]",
    "interpolate": 'interpolate RUN ["A" "B"] [KEY=VALUE ...]',
    "tables": "tables RUN ... [KEY=VALUE ...]",
    "data": "data NAME [data.KEY=VALUE ...]",
    "reproduce": "reproduce [table=NAME] [scale=SHARE]",
}
FLAGS = """Flags: -m (every combination of comma-separated values), --cfg job (show the configuration and stop), --config-dir FOLDER (options of
your own), --hydra-help (all others). Tab completion: eval "$(vaetext train -sc install=bash)\""""


def overview(verbs: dict[str, str]) -> str:
    """What ``vaetext --help`` prints."""
    lines = [f"  {verb:<12} {line}" for verb, line in verbs.items()]
    return "\n".join(["usage: vaetext VERB ...", "", *lines, "", "vaetext VERB --help lists the options of a verb; --version the version."])


def verb_help(verb: str, arguments: list[str]) -> str:
    """What ``vaetext VERB --help`` prints: groups with a line on each option, then every knob with its default and meaning."""
    blocks = [f"usage: vaetext {SYNTAX.get(verb, f'{verb} RUN [KEY=VALUE ...]')}"]
    chosen = dict(argument.split("=", 1) for argument in arguments if "=" in argument)
    folders = [Path(arguments[n + 1]) for n, argument in enumerate(arguments[:-1]) if argument in ("--config-dir", "-cd")]
    for group in GROUPS.get(verb, ()):
        lines = [f"  {name:<14} {line}" for name, line in options(group, folders).items()]
        blocks.append("\n".join([f"{group}=", *lines]))
    for prefix, schema in _schemas(verb, chosen):
        lines = [_line(prefix, knob) for knob in fields(schema) if "help" in knob.metadata and knob.name not in CHOSEN]  # type: ignore[arg-type]
        blocks.append("\n".join([(schema.__doc__ or "").strip().splitlines()[0], *lines]))
    return "\n\n".join([*blocks, FLAGS])


def options(group: str, folders: list[Path]) -> dict[str, str]:
    """Name -> first comment of each yaml of a group, the package's own and those in ``--config-dir`` folders."""
    found = {}
    for folder in [files("vaetext.conf") / group, *(each / group for each in folders)]:
        entries = sorted(folder.iterdir(), key=lambda each: each.name) if folder.is_dir() else []
        for path in entries:
            if path.name.endswith(".yaml"):
                first = path.read_text().splitlines()[:1]
                found[path.name.removesuffix(".yaml")] = first[0].removeprefix("#").strip() if first and first[0].startswith("#") else ""
    return found


def _schemas(verb: str, chosen: dict[str, str]) -> list[tuple[str, type[Checked]]]:
    from vaetext.config.data import DATA
    from vaetext.config.store import VERBS, models
    from vaetext.config.trainer import Trainer

    if verb == "train":
        model, data = models().get(chosen.get("model", "vrae")), DATA.get(chosen.get("data", "grammar"))
        named: list[tuple[str, Any]] = [("", VERBS["train"]), ("model.", model), ("data.", data), ("trainer.", Trainer)]
        return [(prefix, schema) for prefix, schema in named if schema]
    if verb == "data":
        return [("", VERBS[verb]), ("data.", DATA.get(chosen.get("data", "grammar"), DATA["grammar"]))]
    return [("", VERBS[verb])]


def _line(prefix: str, knob: "Field[Any]") -> str:
    default = knob.default if knob.default is not MISSING else knob.default_factory()  # type: ignore[misc]
    shown = "" if default == "???" else f"={'null' if default is None else default}"
    choices = f" ({', '.join(knob.metadata['choices'])})" if "choices" in knob.metadata else ""
    return f"  {prefix + knob.name + shown:<34} {knob.metadata['help']}{choices}"
