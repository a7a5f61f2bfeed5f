"""Imports point down only and never in a circle; each folder keeps out of what is not its own."""

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from vaetext.config.models import MODELS
from vaetext.config.verbs import VERBS

ROOT = Path(__file__).parents[1] / "vaetext"
FLOORS = [  # from the bottom
    {"config"},
    {"parallel"},
    {"data", "distributions"},
    {"modules"},
    {"models"},
    {"objectives", "evaluation"},
    {"runs"},
    {"report"},
    {"training"},
    {"verbs"},
    {"cli"},
]
HEIGHT = {folder: height for height, floor in enumerate(FLOORS) for folder in floor}
TOP = {"vaetext", "vaetext.__main__"}  # the Python interface, which imports late what it calls
OUTSIDE = {  # libraries that only some folders import
    "hydra": {"config", "runs", "report", "training", "verbs", "cli"},
    "rich": {"report", "training", "verbs"},
    "matplotlib": {"report"},
    "tensorboardX": {"training"},
}


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {module_name(path): path for path in sorted(ROOT.rglob("*.py"))}


@cache
def imported(module: str) -> frozenset[str]:
    """What a file imports anywhere in it: our modules by their names, other packages by theirs."""
    found = set()
    for node in ast.walk(ast.parse(FILES[module].read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            assert node.module and not node.level, f"{module}: a relative import"
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            inside = {name for name in names if name in FILES}
            found |= inside or {node.module}
    return frozenset(found)


def ours(module: str) -> set[str]:
    """The modules of vaetext that a module imports; the version is no dependency on all of it."""
    return {name for name in imported(module) if name in FILES and name != "vaetext"}


def folder(module: str) -> str:
    return f"{module}.".split(".")[1]


def test_every_folder_has_a_floor() -> None:
    assert {folder(module) for module in FILES if module not in TOP} == set(HEIGHT)


@pytest.mark.parametrize("module", [each for each in FILES if each not in TOP])
def test_imports_point_down(module: str) -> None:
    for name in ours(module):
        assert HEIGHT[folder(name)] <= HEIGHT[folder(module)], f"{module} imports {name}"
        if HEIGHT[folder(name)] == HEIGHT[folder(module)]:
            assert folder(name) == folder(module), f"{module} imports {name}, of the same floor"


def test_there_is_no_import_circle() -> None:
    done: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " -> ".join([*path, module])
        if module not in done:
            for name in ours(module):
                visit(name, (*path, module))
            done.add(module)

    for module in FILES:
        visit(module, ())


@pytest.mark.parametrize("package", OUTSIDE)
def test_a_library_is_imported_by_its_folders_only(package: str) -> None:
    users = {
        folder(module)
        for module in FILES
        if package in {name.split(".")[0] for name in imported(module)}
    }
    assert users <= OUTSIDE[package]


def test_verbs_never_import_verbs() -> None:
    for module in (f"vaetext.verbs.{verb}" for verb in VERBS):
        assert not [name for name in ours(module) if folder(name) == "verbs"], module


def test_models_never_import_models() -> None:
    models = {f"vaetext.models.{name.replace('-', '_')}" for name in MODELS}
    for module in models:
        assert not ours(module) & models, module


def test_command_line_and_configuration_import_no_torch() -> None:
    modules = [each for each in FILES if folder(each) in ("cli", "config")]
    assert not [each for each in modules if "torch" in imported(each)]
    code = f"import sys, {', '.join(modules)}; assert 'torch' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_no_pickle_is_loaded() -> None:
    for module, path in FILES.items():
        text = path.read_text()
        assert "torch.load(" not in text, module
        assert "_target_" not in text, module
