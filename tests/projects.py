"""A small real project: three genes of the demo genome, scored with the published weights in seconds."""

import importlib.util
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml

from builder_assets import demo
from builder_assets.project.building import LayerResult, Scope, build
from builder_assets.project.folder import DATA_DIR_RECORD, Project, create_project, open_project

GENES = ["CCDC188", "TMEM191B", "AC244213.1"]  # short ones, both chromosomes, both strands

needs_weights = pytest.mark.skipif(
    importlib.util.find_spec("spliceai") is None,
    reason="needs SpliceAI's weights: pip install --no-deps spliceai==1.3.1",
)


def small_settings() -> dict[str, Any]:
    """Settings of the small project, as builder.yaml would hold them."""
    return {
        "data_dir": "data",
        "genomes": {
            "toy": {
                "assembly": "GRCh37",
                "fasta": str(demo.FASTA),
                "annotation": str(demo.ANNOTATION),
                "chromosomes": [22, "Y"],
            }
        },
        "base_models": {"model": {"genome": "toy", "family": "spliceai"}},
        "datasets": {
            "examples": {
                "base_model": "model",
                "genes": {"policy": "custom", "include": GENES},
                "kmers": [2],
                "splits": {"by": "gene", "validation": 0.0, "test": 0.0},
            }
        },
    }


def write_settings(folder: Path, settings: dict[str, Any]) -> Path:
    """Write builder.yaml, and the other files of a project where they are not there yet."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "builder.yaml"
    path.write_text(yaml.safe_dump(settings), encoding="utf-8")
    create_project(folder)
    return path


def forget_data_dir(folder: Path) -> None:
    """Let the history in `folder` accept another data_dir, as after its first start."""
    with closing(sqlite3.connect(folder / ".dagster/history/runs.db")) as database, database:
        database.execute("delete from kvs where key = ?", (DATA_DIR_RECORD,))


def built(project: Project, scope: Scope = Scope(), *, force: bool = False) -> list[LayerResult]:  # noqa: B008
    """Run a build and return what its runs did."""
    return [step for step in build(project, scope, force=force) if isinstance(step, LayerResult)]


def built_cells(results: list[LayerResult]) -> set[str]:
    """Names of the cells that were built."""
    return {str(cell) for result in results for cell in result.seconds}


def files_of(folder: Path) -> dict[str, bytes]:
    """Every published file below a data folder, by relative path."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not {".locks", ".scratch", "fasta_index"} & set(path.parts)
    }


def reopened(folder: Path) -> Project:
    """Open the project in `folder` anew, settings read again."""
    return open_project(folder / "builder.yaml")
