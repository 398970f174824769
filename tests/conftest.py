"""What tests share: real data where it is there, and a small project built once per session."""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import absl.logging
import pytest
from filelock import FileLock

from tests.projects import built, forget_data_dir, reopened, small_settings, write_settings

# absl comes with flax. Its handler closes the stream that it was made with when Dagster sets up logging; were that
# pytest's capture of stderr, every later test would fail.
absl.logging.get_absl_handler().python_handler.stream = sys.__stderr__
# Threads of LightGBM and scikit-learn that wait by spinning take the cores from the tests of the other worker.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data beside the checkout; tests that need it skip where it is absent."""
    folder = Path(__file__).parents[2] / "shared"
    if not folder.is_dir():
        pytest.skip("needs the real data in ../shared, which is not part of the project")
    return folder


@pytest.fixture(autouse=True)
def _own_folder() -> Iterator[None]:
    """Opening a project changes the current folder; every test gets its own back."""
    before = Path.cwd()
    yield
    os.chdir(before)


@pytest.fixture(scope="session")
def built_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the small project, built once for all workers; tests read it and never change it."""
    base = tmp_path_factory.getbasetemp()
    shared_by_workers = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder = shared_by_workers / "built" / "project"
    done = folder.parent / "done"
    with FileLock(shared_by_workers / "built.lock"):
        if not done.exists():
            write_settings(folder, small_settings())
            before = Path.cwd()
            results = built(reopened(folder))
            os.chdir(before)
            assert [failure for result in results for failure in result.failures] == []
            shutil.copytree(folder, folder.parent / "untouched")
            done.touch()
    return folder


@pytest.fixture(scope="session")
def untouched_folder(built_folder: Path) -> Path:
    """The same, to be copied: nobody opens it, so that no file of its history comes or goes meanwhile."""
    return built_folder.parent / "untouched"


@pytest.fixture
def folder(untouched_folder: Path, tmp_path: Path) -> Path:
    """A copy of the built small project, history and all, to be changed freely."""
    copy = tmp_path / "project"
    shutil.copytree(untouched_folder, copy)
    forget_data_dir(copy)  # the copy is a project of its own
    return copy


@pytest.fixture
def empty_folder(untouched_folder: Path, tmp_path: Path) -> Path:
    """The small project before its first build, with compiled programs at hand."""
    copy = tmp_path / "project"
    write_settings(copy, small_settings())
    shutil.copytree(untouched_folder / ".cache", copy / ".cache")
    return copy
