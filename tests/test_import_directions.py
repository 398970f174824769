"""Dependence goes one way, and Dagster stays in the thin files."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# Each layer may import itself and those before it.
LAYERS = ["foundation", "genome", "base_model", "dataset", "build", "project"]
FOUNDATION = {
    "coordinates", "sequence", "seeds", "settings", "tables", "selection", "selection_policies",
    "manifest", "asset_shell", "demo", "template", "pictures",
}  # fmt: skip
TOP = {
    "asset_graph": "build", "definitions": "build", "sensors": "build",
    "cli": "project", "reports": "project", "gene_scores": "project",
}  # fmt: skip
THIN_FILES = {
    "assets.py", "checks.py", "network_assets.py", "example_assets.py",
}  # fmt: skip
DAGSTER_FILES = {
    "asset_shell.py", "asset_graph.py", "definitions.py", "sensors.py", "project/folder.py", "project/building.py",
    *(f"manifest/{name}.py" for name in ("graph", "input_files", "history", "look", "states", "recovery", "manifest")),
}  # fmt: skip
FILES = sorted([*(ROOT / "builder_assets").rglob("*.py"), *(ROOT / "resources").rglob("*.py")])


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def layer_of(module: str) -> str | None:
    part = module.split(".")[1] if module.count(".") else ""
    if part in FOUNDATION:
        return "foundation"
    return part if part in LAYERS else TOP.get(part)


IMPORTS = {path: imported(path) for path in FILES}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports__go_one_way(path):
    own = layer_of(".".join(path.relative_to(ROOT).with_suffix("").parts))
    for name in sorted(IMPORTS[path]):
        if path.is_relative_to(ROOT / "resources"):
            assert not name.startswith("builder_assets"), f"{path.name} imports {name}"
        elif name.startswith("builder_assets.") and own and (other := layer_of(name)):
            assert LAYERS.index(other) <= LAYERS.index(own), f"{path.name} ({own}) imports {name} ({other})"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports__only_thin_files_know_dagster(path):
    if path.is_relative_to(ROOT / "resources") or path.name in THIN_FILES:
        return
    if path.relative_to(ROOT / "builder_assets").as_posix() in DAGSTER_FILES:
        return
    assert not any(name.split(".")[0] == "dagster" for name in IMPORTS[path]), f"{path.name} imports dagster"


def test_layers__every_module_has_one():
    unknown = [
        path.name
        for path in (ROOT / "builder_assets").iterdir()
        if (path.suffix == ".py" and path.stem != "__init__") or (path / "__init__.py").is_file()
        if layer_of(f"builder_assets.{path.stem}") is None
    ]
    assert unknown == []


def test_definitions__load_without_what_only_a_step_needs():
    """The web server must not start an accelerator, and no command waits for libraries of one step."""
    import subprocess
    import sys

    code = "import sys, builder_assets.definitions; print(*sys.modules)"
    shown = subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True, cwd=ROOT, stdout=subprocess.PIPE)
    assert {"jax", "sklearn", "matplotlib", "lightgbm"} & set(shown.stdout.decode().split()) == set()
