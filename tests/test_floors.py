"""Imports point down only, and each floor keeps out of what is not its own."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "vaetext"
FLOORS = {
    "config": 0,
    "data": 1,
    "distributions": 1,
    "objectives": 2,
    "modules": 2,
    "models": 3,
    "runner": 4,
}
RUNNER_ONLY = ("hydra", "rich", "matplotlib", "tensorboardX")


def imports(path: Path) -> list[str]:
    nodes = ast.walk(ast.parse(path.read_text()))
    found = []
    for node in nodes:
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        if isinstance(node, ast.ImportFrom) and node.module:
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    return found


@pytest.mark.parametrize("floor", FLOORS)
def test_imports_point_down(floor: str) -> None:
    for path in (ROOT / floor).rglob("*.py"):
        for name in imports(path):
            parts = name.split(".")
            if parts[0] == "vaetext" and len(parts) > 1 and parts[1] in FLOORS:
                assert FLOORS[parts[1]] <= FLOORS[floor], f"{path.name} imports {name}"
            if floor == "models" and parts[:2] == ["vaetext", "objectives"]:
                raise AssertionError(
                    f"{path.name} imports {name}: the objective is outside the models"
                )
            allowed = FLOORS[floor] >= 5 or (floor == "config" and parts[0] == "hydra")
            assert allowed or parts[0] not in RUNNER_ONLY, f"{path.name} imports {name}"
            assert floor != "config" or parts[0] != "torch", f"{path.name} imports torch"


def test_models_never_import_each_other() -> None:
    models = {path.stem for path in (ROOT / "models").glob("*.py")} - {
        "base",
        "ladder",
        "single",
        "registry",
        "__init__",
    }
    for path in (ROOT / "models").glob("*.py"):
        for name in imports(path):
            parts = name.split(".")
            assert parts[:2] != ["vaetext", "models"] or parts[2] not in models, (
                f"{path.name} imports {name}"
            )


def test_no_pickles_are_ever_loaded() -> None:
    for path in ROOT.rglob("*.py"):
        assert "torch.load(" not in path.read_text() and "_target_" not in path.read_text(), path
