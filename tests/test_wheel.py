"""What the page on installing says, line by line, in clean environments: a build anywhere, not only in the checkout."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.test_docs import ROOT, installing

pytestmark = pytest.mark.scale

IN_CHECKOUT, MAKES_WHEEL, FROM_WHEEL, FROM_REPOSITORY = range(4)  # the blocks of the page
NO_INDEX = "needs a package index"


def run(*command: str | Path, folder: Path, reason: str = "", **environment: str) -> str:
    """Output of a command; with `reason` the test skips where it fails, else the test fails."""
    words = [str(word) for word in command]
    found = subprocess.run(words, cwd=folder, env=os.environ | environment, capture_output=True, text=True, check=False)
    if found.returncode and reason:
        pytest.skip(f"{reason}: {found.stderr[-300:]}")
    assert found.returncode == 0, found.stdout + found.stderr
    return found.stdout


def run_block(number: int, folder: Path, **environment: str) -> None:
    """A block of the page as it is written, by the Python of the tests."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    quiet = {"PATH": path, "PIP_QUIET": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    run("bash", "-euc", installing()[number], folder=folder, reason=NO_INDEX, **quiet, **environment)


@pytest.fixture
def checkout(tmp_path) -> Path:
    """A copy of the sources, so that nothing is left in them."""
    folder = tmp_path / "checkout"
    kept_out = shutil.ignore_patterns(".*", "data", "build", "dist", "*.egg-info", "__pycache__", "_build")
    shutil.copytree(ROOT, folder, ignore=kept_out)
    return folder


def test_wheel__builds_the_demo_in_a_clean_environment(checkout, tmp_path):
    run_block(MAKES_WHEEL, checkout)
    (wheel,) = (checkout / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    packages = {name.split("/")[0] for name in names if not name.split("/")[0].endswith(".dist-info")}
    assert packages == {"builder_assets", "resources"}
    modules = {str(p.relative_to(ROOT)) for part in packages for p in (ROOT / part).rglob("*.py")}
    assert modules <= names | {"builder_assets/demo/make_demo.py"}
    assert {path.name for path in (ROOT / "examples").iterdir()} <= {
        name.removeprefix("builder_assets/examples/") for name in names
    }
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    shutil.copy(wheel, elsewhere)
    run_block(FROM_WHEEL, elsewhere)
    builder = elsewhere / ".venv/bin/builder"
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


def listed(folder: Path) -> str:
    return run(folder / ".venv/bin/python", "-m", "pip", "list", "--disable-pip-version-check", folder=folder)


def test_install_page__in_a_checkout_and_from_the_repository(checkout, tmp_path):
    """What the package needs is left out, since the wheel's test installs it; an extra is added to what is there."""
    run_block(IN_CHECKOUT, checkout, PIP_NO_DEPS="1")
    assert str(checkout) in listed(checkout)
    (checkout / ".gitignore").write_text(".venv\n*.egg-info\n", encoding="utf-8")
    run("git", "init", "-q", folder=checkout, reason="needs git")
    run("git", "add", ".", folder=checkout)
    named = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    run("git", *named, "commit", "-q", "-m", "all", folder=checkout)
    run(sys.executable, "-m", "venv", tmp_path / ".venv", folder=tmp_path)
    activated = {"PATH": f"{tmp_path / '.venv/bin'}{os.pathsep}{os.environ['PATH']}", "PIP_NO_DEPS": "1"}
    block = installing()[FROM_REPOSITORY]
    repository = {"BUILDER_REPOSITORY": f"file://localhost{checkout}"}
    run("bash", "-euc", block, folder=tmp_path, reason=NO_INDEX, **activated, **repository)
    assert "splice-dataset-builder" in listed(tmp_path)
    added = run("bash", "-euc", "pip install --no-index 'splice-dataset-builder[s3]'", folder=tmp_path, **activated)
    assert "Requirement already satisfied: splice-dataset-builder[s3]" in added
