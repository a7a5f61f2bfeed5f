"""Help without torch: the verbs, and for each the groups, options and options."""

from dataclasses import Field, fields, is_dataclass
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from vaetext.config.quoting import quote

GROUPS = {
    "train": ("model", "data", "trainer", "experiment"),
    "data": ("data",),
    "reproduce": ("table",),
}
SYNTAX = {
    "train": "train [KEY=VALUE ...]",
    "resume": "resume RUN|SWEEP [trainer.KEY=VALUE ...]",
    "interpolate": 'interpolate RUN ["A" "B"] [KEY=VALUE ...]',
    "tables": "tables RUN ... [KEY=VALUE ...]",
    "data": "data NAME [data.KEY=VALUE ...]",
    "reproduce": "reproduce [table=NAME] [scale=full|debug]",
}
FLAGS = """Flags: -m (every combination of comma-separated values), --cfg job (show the configuration and stop), --config-dir FOLDER
(options of your own), --hydra-help (all others). Tab completion: eval "$(vaetext train -sc install=bash)\""""


def overview(verbs: dict[str, str]) -> str:
    """What ``vaetext --help`` prints."""
    lines = [f"  {verb:<12} {line}" for verb, line in verbs.items()]
    return "\n".join(
        [
            "usage: vaetext VERB ...",
            "",
            *lines,
            "",
            "vaetext VERB --help lists the options of a verb; --version the version.",
        ]
    )


def verb_help(verb: str, flags: list[str], overrides: list[str]) -> str:
    """What ``vaetext VERB --help`` prints: groups with a line on each option, then every option with its value and meaning."""
    folders = [Path(value) for flag, value in pairwise(flags) if flag in ("--config-dir", "-cd")]
    folders += [Path(flag.split("=", 1)[1]) for flag in flags if flag.startswith("--config-dir=")]
    blocks = [f"usage: vaetext {SYNTAX.get(verb, f'{verb} RUN [KEY=VALUE ...]')}"]
    for group in GROUPS.get(verb, ()):
        found = group_options(group, folders)
        width = max(map(len, found), default=0)
        blocks.append(
            "\n".join(
                [f"{group}=", *(f"  {name:<{width}}  {line}" for name, line in found.items())]
            )
        )
    blocks += _option_lines(compose_verb(verb, overrides, folders))
    return "\n\n".join([*blocks, FLAGS])


def group_options(group: str, folders: list[Path]) -> dict[str, str]:
    """Name -> first comment of each yaml of a group, the package's own and those in ``--config-dir`` folders."""
    found = {}
    for folder in [files("vaetext.conf") / group, *(each / group for each in folders)]:
        for path in sorted(folder.iterdir(), key=lambda each: each.name) if folder.is_dir() else []:
            if path.name.endswith(".yaml"):
                comments = [
                    line[1:].strip()
                    for line in path.read_text().splitlines()
                    if line.startswith("#")
                ]
                found[path.name.removesuffix(".yaml")] = next(
                    (line for line in comments if not line.startswith("@")), ""
                )
    return found


def compose_verb(verb: str, overrides: list[str], folders: list[Path]) -> DictConfig:
    """A verb's configuration, from overrides and ``--config-dir`` folders."""
    from hydra import compose, initialize_config_module

    import vaetext.cli.launch  # noqa: F401  its resolvers
    from vaetext.config.store import register

    register()
    search = ",".join(quote(f"file://{folder.resolve()}") for folder in folders)
    with initialize_config_module("vaetext.conf", version_base="1.3"):
        return compose(
            verb, overrides=[*overrides, *([f"hydra.searchpath=[{search}]"] if folders else [])]
        )


def _option_lines(node: DictConfig, prefix: str = "") -> list[str]:
    """A block of lines for a node, and one for each schema below it."""
    schema: Any = OmegaConf.get_type(node)
    below, lines = [], [(schema.__doc__ or "").strip().splitlines()[0].replace("``", "")]
    for item in fields(schema):
        value = None if OmegaConf.is_missing(node, item.name) else node[item.name]
        if isinstance(value, DictConfig) and is_dataclass(OmegaConf.get_type(value)):
            below += _option_lines(value, f"{prefix}{item.name}.")
        else:
            lines.append(
                _line(
                    f"{prefix}{item.name}={'' if OmegaConf.is_missing(node, item.name) else _text(value)}",
                    item,
                )
            )
    return ["\n".join(lines), *below]


def _line(shown: str, option: "Field[Any]") -> str:
    return f"  {shown if len(shown) < 60 else shown[:57] + '...':<34} {option.metadata['help']}{_allowed(option)}"


def _allowed(option: "Field[Any]") -> str:
    words = {"min": ">=", "max": "<=", "above": ">", "below": "<"}
    limits = [
        f"{sign} {option.metadata[name]:g}"
        for name, sign in words.items()
        if name in option.metadata
    ]
    shown = ", ".join([*limits, *option.metadata.get("choices", ())])
    return f" ({shown})" if shown else ""


def _text(value: Any) -> str:
    if OmegaConf.is_config(value):
        value = OmegaConf.to_container(value)
    return (
        {None: "null", True: "true", False: "false"}.get(value, str(value))
        if isinstance(value, bool | None)
        else str(value)
    )
