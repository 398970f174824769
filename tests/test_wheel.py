"""The built wheel in a clean environment: `builder init && builder build` anywhere, not only in the checkout."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.scale

ROOT = Path(__file__).parents[1]


def run(*command: str | Path, folder: Path, reason: str = "") -> str:
    """Output of a command; with `reason` the test skips where it fails, else the test fails."""
    found = subprocess.run([str(word) for word in command], cwd=folder, capture_output=True, text=True, check=False)
    if found.returncode and reason:
        pytest.skip(f"{reason}: {found.stderr[-300:]}")
    assert found.returncode == 0, found.stdout + found.stderr
    return found.stdout


def test_wheel__builds_the_demo_in_a_clean_environment(tmp_path):
    python = tmp_path / "venv/bin/python"
    pip = (python, "-m", "pip", "--disable-pip-version-check")
    no_index = "needs a package index"
    run(sys.executable, "-m", "venv", tmp_path / "venv", folder=tmp_path)
    run(*pip, "wheel", "-q", "--no-deps", "-w", tmp_path, ROOT, folder=tmp_path, reason=no_index)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    packages = {name.split("/")[0] for name in names if not name.split("/")[0].endswith(".dist-info")}
    assert packages == {"builder_assets", "resources"}
    modules = {str(p.relative_to(ROOT)) for part in packages for p in (ROOT / part).rglob("*.py")}
    assert modules <= names | {"builder_assets/demo/make_demo.py"}
    assert {path.name for path in (ROOT / "examples").iterdir()} <= {
        name.removeprefix("builder_assets/examples/") for name in names
    }
    run(*pip, "install", "-q", wheel, folder=tmp_path, reason=no_index)
    run(*pip, "install", "-q", "--no-deps", "spliceai==1.3.1", folder=tmp_path, reason=no_index)
    builder = tmp_path / "venv/bin/builder"
    assert "spliceai 1.3.1" in " ".join(run(builder, "--version", folder=tmp_path).split())
    run(builder, "init", "an example", "--example", "als_panel", folder=tmp_path)
    assert (tmp_path / "an example/als_genes.tsv").read_bytes() == (ROOT / "examples/als_genes.tsv").read_bytes()
    run(builder, "init", "my project", folder=tmp_path)
    project = tmp_path / "my project"
    assert "problem" not in run(builder, "doctor", folder=project)
    run(builder, "build", folder=project)
    assert list((project / "data").glob("*/training_examples/Y.parquet"))
    assert "Nothing to do" in run(builder, "build", folder=project)
    assert "0 problems" in run(builder, "verify", folder=project)
