"""What configuration files may compute: a run folder of one's own, and the check that a folder is a run."""

from pathlib import Path

from omegaconf import OmegaConf

_claimed: dict[str, str] = {}


def claim(path: str) -> str:
    """Makes the folder ``path``, or with ``-2``, ``-3``, ... where another run has it; the same answer all through a process."""
    if path not in _claimed:
        number, folder = 1, Path(path)
        while True:
            try:
                folder.mkdir(parents=True)
                break
            except FileExistsError:
                number += 1
                folder = Path(f"{path}-{number}")
        _claimed[path] = str(folder)
    return _claimed[path]


def run_folder(path: str) -> str:
    """The folder itself, if a run is in it.

    Raises:
        ValueError: it is none.
    """
    if not (Path(path) / ".hydra" / "config.yaml").is_file():
        state = "does not exist" if not Path(path).exists() else "is no run folder (it has no .hydra/config.yaml)"
        raise ValueError(f"run={path} {state}; name a folder that `vaetext train` wrote, such as outputs/grammar/vrae/latest")
    return path


def register_resolvers() -> None:
    """Makes ``${vaetext.claim:...}`` and ``${vaetext.run:...}`` known."""
    for name, resolver in (("vaetext.claim", claim), ("vaetext.run", run_folder)):
        OmegaConf.register_new_resolver(name, resolver, replace=True)
