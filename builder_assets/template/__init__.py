"""The files of a new project folder, equal to the ones at the root, and the examples to start from instead."""

from pathlib import Path

FOLDER = Path(__file__).parent
_INSTALLED, _IN_CHECKOUT = FOLDER.with_name("examples"), FOLDER.parents[1] / "examples"
EXAMPLES_FOLDER = _INSTALLED if _INSTALLED.is_dir() else _IN_CHECKOUT

EXAMPLES = {path.stem: path for path in sorted(EXAMPLES_FOLDER.glob("*")) if path.suffix in (".yaml", ".yml", ".ipynb")}
