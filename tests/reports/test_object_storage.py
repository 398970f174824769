"""`builder report` and `builder inspect` where the tables lie in an object store: the same pages as from a folder."""

import importlib.util
import shutil
from pathlib import Path

import pytest

from resources.places import place
from tests.projects import files_of, needs_weights, small_settings, write_settings
from tests.servers import object_store
from tests.test_cli import config, run

pytestmark = [
    pytest.mark.servers,
    needs_weights,
    pytest.mark.skipif(importlib.util.find_spec("s3fs") is None, reason="needs s3fs: pip install -e .[s3]"),
]
DATA_DIR = "s3://tables/of the reports"


@pytest.fixture
def stored(folder: Path, monkeypatch: pytest.MonkeyPatch):
    """The small project with its tables in a store, and nothing of them on this disk."""
    with object_store() as environment:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        for name, content in files_of(folder / "data").items():
            (place(DATA_DIR) / name).write_bytes(content)
        shutil.rmtree(folder / "data")
        write_settings(folder, small_settings() | {"data_dir": DATA_DIR})
        yield folder


def test_s3__pages_and_pictures_are_those_of_a_folder(stored, built_folder, tmp_path):
    run("report", "--output", str(tmp_path / "there"), "--config", config(built_folder))
    run("report", "--output", str(tmp_path / "here"), "--config", config(stored))
    there, here = files_of(tmp_path / "there"), files_of(tmp_path / "here")
    assert set(here) == {"examples.html", "model.html"}
    assert here == there
    said = run("inspect", "CCDC188", "--picture", str(tmp_path / "gene.svg"), "--config", config(stored))
    assert said.split("wrote ")[0] == run("inspect", "CCDC188", "--config", config(built_folder))
    assert (tmp_path / "gene.svg").stat().st_size > 0
    assert not (stored / "data").exists()
