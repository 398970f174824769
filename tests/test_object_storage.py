"""data_dir in an object store: bytes, manifest, damage, a move there, exports; a real server that speaks S3."""

import importlib.util
import shutil
import signal
from pathlib import Path

import polars as pl
import pytest

from builder_assets.gene_scores import scores_of
from builder_assets.manifest import State
from builder_assets.project.leftovers import leftovers
from builder_assets.settings import SettingsError, load_settings
from resources.places import place
from resources.publishing import PublishError, publish
from resources.table_files import verify_file
from tests.processes import started
from tests.projects import built, built_cells, files_of, needs_weights, reopened, small_settings, write_settings
from tests.servers import object_store
from tests.test_cli import config, run

pytestmark = pytest.mark.servers
needs_s3fs = pytest.mark.skipif(importlib.util.find_spec("s3fs") is None, reason="needs s3fs: pip install -e .[s3]")


@pytest.fixture(scope="module", autouse=True)
def _store():
    """An object store, named in the environment; one for all tests, since clients keep what they are connected to."""
    with object_store() as environment, pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        yield


@pytest.fixture
def prefix(request) -> str:
    """A data_dir of the test's own."""
    return f"s3://tables/{request.node.name[-20:]} set"


def objects(prefix: str) -> dict[str, bytes]:
    """Every table and file of a data_dir in the store, by relative path."""
    root = place(prefix)
    found = {str(path).removeprefix(f"{prefix}/"): path for path in root.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in sorted(found.items()) if not name.startswith(".scratch/")}


@needs_s3fs
@needs_weights
def test_s3__build_has_the_bytes_of_a_folder_and_every_change_is_seen(empty_folder, built_folder, prefix):
    write_settings(empty_folder, small_settings() | {"data_dir": prefix})
    assert [failure for result in built(reopened(empty_folder)) for failure in result.failures] == []
    assert objects(prefix) == files_of(built_folder / "data")
    assert not (empty_folder / "data").exists()
    assert "Nothing to do" in run("build", "--config", config(empty_folder))
    root = place(prefix)
    gone, other = root / "toy/exons/22.parquet", root / "toy/genes/Y.parquet"
    gone.unlink()
    other.write_bytes(other.read_bytes()[:-9])
    project = reopened(empty_folder)
    behind = {
        str(cell): status.state
        for cell, status in project.manifest.statuses(project.instance).items()
        if not status.is_built
    }
    assert behind == {"toy/exons[22]": State.MISSING, "toy/genes[Y]": State.UNVERIFIED}
    assert "is truncated or was not written by this pipeline" in run("verify", "--config", config(empty_folder), code=1)
    assert {"toy/exons[22]", "toy/genes[Y]"} <= built_cells(built(project))
    assert objects(prefix) == files_of(built_folder / "data")
    run("verify", "--config", config(empty_folder))
    assert scores_of("CCDC188", config=config(empty_folder)).height > 0
    run("export", "--dataset", "examples", "--output", str(empty_folder / "all.csv"), "--layout", "csv",
        "--config", config(empty_folder))  # fmt: skip
    folder = built_folder / "data/examples/training_examples"
    assert (
        pl.read_csv(empty_folder / "all.csv", infer_schema=False).height
        == pl.scan_parquet(folder).select(pl.len()).collect().item()
    )
    settings = small_settings() | {"data_dir": prefix, "datasets": {}}
    write_settings(empty_folder, settings)
    project = reopened(empty_folder)
    left = [leftover.path for leftover in leftovers(project) if ".scratch" not in str(leftover.path)]
    run("clean", "--config", config(empty_folder))
    assert left
    assert objects(prefix).keys() == files_of(built_folder / "data").keys() - {
        str(path).removeprefix(f"{prefix}/") for path in left
    }


@needs_s3fs
@needs_weights
def test_s3__a_move_there_is_adopted_and_nothing_is_derived(folder, prefix):
    before = files_of(folder / "data")
    root = place(prefix)
    for name, content in before.items():
        (root / name).write_bytes(content)
    shutil.rmtree(folder / "data")
    write_settings(folder, small_settings() | {"data_dir": prefix})
    run("adopt", "--config", config(folder))
    assert objects(prefix) == before
    assert built(reopened(folder)) == []


@needs_s3fs
@needs_weights
def test_s3__killed_build_leaves_only_whole_objects(empty_folder, built_folder, prefix):
    write_settings(empty_folder, small_settings() | {"data_dir": prefix})
    with started(empty_folder, "build") as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "model/splice_scores" in line:
                break
        process.send_signal(signal.SIGKILL)
    for path in place(prefix).rglob("*.parquet"):
        assert verify_file(path)
    assert [failure for result in built(reopened(empty_folder)) for failure in result.failures] == []
    assert objects(prefix) == files_of(built_folder / "data")


@needs_s3fs
@needs_weights
def test_s3__reports_and_pictures_are_those_of_a_folder(folder, built_folder, prefix, tmp_path):
    for name, content in files_of(folder / "data").items():
        (place(prefix) / name).write_bytes(content)
    shutil.rmtree(folder / "data")
    write_settings(folder, small_settings() | {"data_dir": prefix})
    run("adopt", "--config", config(folder))  # else the pages say that the history does not know these objects
    run("report", "--output", str(tmp_path / "there"), "--config", config(built_folder))
    run("report", "--output", str(tmp_path / "here"), "--config", config(folder))
    pages = files_of(tmp_path / "here")
    assert set(pages) == {"examples.html", "model.html"}
    assert pages == files_of(tmp_path / "there")
    said = run("inspect", "CCDC188", "--picture", str(tmp_path / "gene.svg"), "--config", config(folder))
    assert said.split("wrote ")[0] == run("inspect", "CCDC188", "--config", config(built_folder))
    assert (tmp_path / "gene.svg").stat().st_size > 0
    assert not (folder / "data").exists()


@needs_s3fs
def test_publish__in_a_store_puts_one_object_or_nothing(tmp_path, prefix):
    target = place(f"{prefix}/a.txt")

    def fail(path: Path) -> None:
        path.write_text("half")
        raise RuntimeError("stopped half way")

    with pytest.raises(RuntimeError, match="stopped half way"):
        publish(target, fail, tmp_path)
    assert not target.exists()
    publish(target, lambda path: path.write_text("whole"), tmp_path)
    assert target.read_text() == "whole"
    with pytest.raises(PublishError, match=r"s3://nobody/a.txt could not be written: .*bucket"):
        publish(place("s3://nobody/a.txt"), lambda path: path.write_text("x"), tmp_path)


def test_settings__data_dir_of_an_unknown_store(tmp_path):
    path = write_settings(tmp_path, small_settings())
    path.write_text(path.read_text().replace("data_dir: data", "data_dir: nowhere://tables"))
    with pytest.raises(SettingsError, match=r"data_dir.*nowhere://tables.*pip install splice-dataset-builder\[s3\]"):
        load_settings(path)
