"""The versions, device and commit of a run."""

import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

import vaetext

CPU_INFO = Path("/proc/cpuinfo")
PACKAGES = ("torch", "hydra-core", "omegaconf", "datasets", "sentencepiece", "safetensors", "numpy")


def environment(device: torch.device, processes: int = 1) -> dict[str, Any]:
    """Versions, device and commit, as ``env.json`` holds them."""
    return {
        "vaetext": vaetext.__version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: version(name) for name in PACKAGES},
        "device": device_name(device),
        "processes": processes,
        "threads": torch.get_num_threads(),
        "commit": commit(),
    }


def device_name(device: torch.device) -> str:
    """The GPU; or the CPU, with its family and vector instructions, since sums round by them."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{_cpu_name(CPU_INFO)}, {torch.backends.cpu.get_cpu_capability()}"


def _cpu_name(path: Path) -> str:
    """The CPU's name in Linux's cpuinfo, with family and model, which a name can lack."""
    try:
        lines = path.read_text().partition("\n\n")[0].splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    fields = {key.strip(): value.strip() for key, _, value in (s.partition(":") for s in lines)}
    name = fields.get("model name") or platform.machine()
    if "cpu family" not in fields or "model" not in fields:
        return name
    return f"{name} (family {fields['cpu family']}, model {fields['model']})"


def commit() -> str | None:
    """The commit of the source tree, with "+" where files differ from it; None outside one."""
    try:
        # an environment may be inside a repository that is not ours
        _git("ls-files", "--error-unmatch", "__init__.py")
        return _git("describe", "--always", "--abbrev=12", "--dirty=+", "--exclude=*")
    except (OSError, subprocess.SubprocessError):
        return None


def _git(*arguments: str) -> str:
    folder = Path(vaetext.__file__).parent
    done = subprocess.run(
        ["git", *arguments], cwd=folder, capture_output=True, text=True, timeout=5, check=True
    )
    return done.stdout.strip()
