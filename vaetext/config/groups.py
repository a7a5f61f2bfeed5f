"""The config groups: which options each has, and where their files are."""

from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path

from vaetext.config.plugins import plugin_folders


def group_options(group: str, folders: Iterable[Path] = ()) -> dict[str, str]:
    """Option -> the first comment of its yaml, which says what it is.

    Args:
        group: a folder of ``conf/``, such as ``model``; options in folders below have a path as
            their name, such as ``ptb/vrae``.
        folders: of ``--config-dir``, whose options come last and replace those of the same name.
    """
    found = {}
    for folder in config_folders(folders):
        for path in (folder / group).rglob("*.yaml"):
            name = path.relative_to(folder / group).with_suffix("").as_posix()
            found[name] = _first_comment(path)
    return dict(sorted(found.items()))


def option_file(group: str, name: str) -> Path | None:
    """The yaml of an option of the package itself, or None."""
    path = config_folders()[-1] / group / f"{name}.yaml"
    return path if path.is_file() else None


def config_folders(folders: Iterable[Path] = ()) -> list[Path]:
    """The folders that configuration comes from; of files of the same name the last one counts."""
    return [*plugin_folders(), Path(str(files("vaetext.conf"))), *folders]


def _first_comment(path: Path) -> str:
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    comments = [line[1:].strip() for line in lines if line.startswith("#")]
    return next((each for each in comments if not each.startswith("@")), "")
