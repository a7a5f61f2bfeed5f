"""What ``--help`` prints. Imports no torch."""

from dataclasses import Field, fields, is_dataclass
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from vaetext.config.groups import group_options
from vaetext.config.verbs import VERBS
from vaetext.runs.compose import compose_verb

NAME_WIDTH = 34
FLAGS = """\
Flags:
  -m                   run every combination of comma-separated values
  --cfg job            print the configuration and stop
  --config-dir FOLDER  also search FOLDER/model/, FOLDER/trainer/, ... for options
  --hydra-help         list all other flags

Tab completion: eval "$(vaetext train -sc install=bash)\""""


def overview() -> str:
    """What ``vaetext --help`` prints."""
    verbs = "\n".join(f"  {name:<12} {verb.help}" for name, verb in VERBS.items())
    return (
        f"usage: vaetext COMMAND ...\n\n{verbs}\n\n"
        "vaetext COMMAND --help lists the options of a command; vaetext --version prints the"
        " version."
    )


def verb_help(verb: str, folders: list[Path], overrides: list[str]) -> str:
    """What ``vaetext VERB --help`` prints: the config groups, then every option with its value.

    Args:
        folders: of ``--config-dir``.
        overrides: the values shown are those that they give.
    """
    row = VERBS[verb]
    groups = [_group_block(group, folders) for group in row.groups]
    options = _option_blocks(compose_verb(verb, overrides, folders))
    usage = f"usage: vaetext {verb} {row.usage}\n\n{row.help}"
    return "\n\n".join([usage, *groups, *options, FLAGS])


def _group_block(group: str, folders: list[Path]) -> str:
    found = group_options(group, folders)
    width = max(map(len, found), default=0)
    return "\n".join([f"{group}=", *(f"  {name:<{width}}  {line}" for name, line in found.items())])


def _option_blocks(node: DictConfig, prefix: str = "") -> list[str]:
    """A block for the options of a node, then one for each schema below it."""
    schema: Any = OmegaConf.get_type(node)
    lines = [(schema.__doc__ or "").strip().splitlines()[0].replace("``", "")]
    below = []
    for item in fields(schema):
        value = None if OmegaConf.is_missing(node, item.name) else node[item.name]
        if isinstance(value, DictConfig) and is_dataclass(OmegaConf.get_type(value)):
            below += _option_blocks(value, f"{prefix}{item.name}.")
        else:
            shown = "" if OmegaConf.is_missing(node, item.name) else _text(value)
            lines.append(_option_line(f"{prefix}{item.name}={shown}", item))
    return ["\n".join(lines), *below]


def _option_line(shown: str, item: "Field[Any]") -> str:
    short = shown if len(shown) < 60 else f"{shown[:57]}..."
    return f"  {short:<{NAME_WIDTH}} {item.metadata['help']}{_allowed(item)}"


def _allowed(item: "Field[Any]") -> str:
    """The range or the choices of an option, in brackets."""
    signs = {"min": ">=", "max": "<=", "above": ">", "below": "<"}
    limits = [
        f"{sign} {item.metadata[name]:g}" for name, sign in signs.items() if name in item.metadata
    ]
    shown = ", ".join([*limits, *item.metadata.get("choices", ())])
    return f" ({shown})" if shown else ""


def _text(value: Any) -> str:
    if OmegaConf.is_config(value):
        value = OmegaConf.to_container(value)
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)
