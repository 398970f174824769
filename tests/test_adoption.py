"""`builder adopt`: a history from the files on disk. `builder clean`: what nothing asks for any more."""

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pyarrow.parquet as pq
import pytest
from alembic.script import ScriptDirectory

from builder_assets.manifest import State, cells_of
from builder_assets.project.adoption import adopt
from builder_assets.project.folder import BuildInProgressError, HistoryError, alone, open_project
from builder_assets.project.leftovers import leftovers, remove, stray_tables
from resources.table_files import PROVENANCE
from resources.table_store import INPUTS
from tests.projects import built, built_cells, files_of, needs_weights, reopened, small_settings, write_settings
from tests.test_cli import config, run

pytestmark = needs_weights


def test_adopt__lost_history_is_recorded_and_judged_and_nothing_is_derived(folder):
    before = files_of(folder / "data")
    times = {path: path.stat().st_mtime_ns for path in (folder / "data/model").rglob("*.parquet")}
    shutil.rmtree(folder / ".dagster")
    project = reopened(folder)
    done = adopt(project)
    assert done.behind == ()
    assert done.absent == ()
    assert done.failures == ()
    assert set(done.recorded) == set(cells_of(project.manifest.nodes))
    assert files_of(folder / "data") == before
    weights = folder / "data/model/base_model_weights.parquet"  # registered again, like every file of the user
    assert {path for path, time in times.items() if path.stat().st_mtime_ns != time} <= {weights}
    assert built(reopened(folder)) == []


def test_adopt__what_was_never_built_is_no_failure(folder):
    """Scores copied to another machine: the dataset is made there."""
    shutil.rmtree(folder / ".dagster")
    shutil.rmtree(folder / "data/examples")
    text = run("adopt", "--config", config(folder))
    assert "not adopted" not in text
    assert "tables are not there: `builder build` builds them." in text
    assert not {cell for cell in built_cells(built(reopened(folder))) if cell.startswith("model/")}


@pytest.mark.faults
def test_adopt__names_what_it_cannot_adopt(folder):
    shutil.rmtree(folder / ".dagster")
    (folder / "data/toy/exons/22.parquet").write_bytes(b"cut")
    text = run("adopt", "--config", config(folder), code=1)
    path = folder / "data/toy/exons/22.parquet"
    assert f"not adopted: toy/exons[22]: missing: {path} is truncated or was not written by this pipeline." in text
    assert "`builder build` builds them" in text


@pytest.mark.faults
def test_adopt__says_what_the_files_of_others_were_made_from(folder):
    shutil.rmtree(folder / ".dagster")
    shutil.copy(folder / "data/toy/exons/22.parquet", folder / "data/toy/introns/22.parquet")
    settings = small_settings()
    settings["datasets"]["examples"]["negatives"] = {"seed": 7}
    write_settings(folder, settings)
    text = run("adopt", "--config", config(folder), code=1)
    assert "not adopted: toy/introns[22]: missing: the file was made as toy/exons[22]" in text
    assert re.search(
        r"training_examples\[22\]: missing: the file was made before settings changed: .*seed 42 -> 7", text
    )


@pytest.mark.faults
def test_adopt__says_that_a_file_was_made_from_other_inputs(folder):
    path = folder / "data/toy/exons/22.parquet"
    table, footer = pq.read_table(path), pq.read_metadata(path).metadata
    made_by = json.loads(footer[PROVENANCE])
    made_by[INPUTS] = {name: "0" * len(version) for name, version in made_by[INPUTS].items()}
    assert made_by[INPUTS]
    with pq.ParquetWriter(path, table.schema) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata({PROVENANCE.decode(): json.dumps(made_by)})
    shutil.rmtree(folder / ".dagster")
    text = run("adopt", "--config", config(folder), code=1)
    assert re.search(r"toy/exons\[22\]: missing: the file was made from another toy/\w+", text)


@pytest.mark.faults
def test_adopt__damaged_history_is_put_aside(folder):
    (folder / ".dagster/history/runs.db").write_bytes(b"no database" * 1000)
    with pytest.raises(HistoryError, match=r"cannot be read: .*file is not a database.*`builder adopt` puts it aside"):
        open_project(folder / "builder.yaml")
    assert "cannot be read" in run("build", "--config", config(folder), code=1)
    assert "tables recorded" in run("adopt", "--config", config(folder))
    assert (folder / ".dagster.damaged-1/history/runs.db").is_file()
    assert "Nothing to do" in run("build", "--config", config(folder))


@pytest.mark.faults
def test_open_project__asks_for_dagsters_migration_of_an_older_history(empty_folder):
    reopened(empty_folder)
    scripts = ScriptDirectory(str(Path(dg.__file__).parent / "_core/storage/alembic"))
    older = scripts.get_revision(scripts.get_current_head()).down_revision
    with sqlite3.connect(empty_folder / ".dagster/history/runs.db") as connection:
        connection.execute("update alembic_version set version_num=?", (older,))
    with pytest.raises(HistoryError, match=rf"tables of another version of Dagster \({older}, not .*instance migrate"):
        reopened(empty_folder)
    command = [sys.executable, "-W", "ignore", "-m", "dagster", "instance", "migrate"]
    environment = os.environ | {"DAGSTER_HOME": str(empty_folder)}
    found = subprocess.run(command, cwd=empty_folder, env=environment, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr
    reopened(empty_folder)


def test_adopt__accepts_copied_data(folder):
    run("status", "--config", config(folder))
    shutil.copytree(folder / "data", folder / "elsewhere")
    write_settings(folder, small_settings() | {"data_dir": "elsewhere"})
    assert "`builder adopt` records them" in run("status", "--config", config(folder), code=2)
    run("adopt", "--config", config(folder))
    assert "Nothing to do" in run("build", "--config", config(folder))


def test_alone__one_command_that_writes_at_a_time(folder):
    project = reopened(folder)
    with alone(folder), pytest.raises(BuildInProgressError, match="another `builder build` is at work in"):
        adopt(project)


@pytest.mark.faults
def test_clean__removes_what_left_the_settings_and_nothing_else(folder):
    wanted = files_of(folder / "data")
    settings = small_settings()
    settings["datasets"]["gone"] = settings["datasets"]["examples"] | {"kmers": []}
    write_settings(folder, settings)
    built(reopened(folder))
    (folder / "data/gone/notes.txt").write_text("mine")
    shutil.copy(folder / "data/toy/genes/22.parquet", folder / "data/toy/genes/21.parquet")
    (folder / "data/toy/.x.parquet.999999999.partial").touch()
    write_settings(folder, small_settings())
    project = reopened(folder)
    built(project)
    listed = run("clean", "--dry-run", "--config", config(folder))
    assert "gone/gene_manifest.csv: no longer in the settings" in listed
    assert "genes/21.parquet: no longer in the settings" in listed
    assert "would be removed" in listed
    assert "gone/dataset_card.json: no longer in the settings" in run("status", "--config", config(folder))
    run("clean", "--config", config(folder))
    left = files_of(folder / "data")
    assert left.pop("gone/notes.txt") == b"mine"  # the user's own file keeps its folder
    assert set(left) == set(wanted)
    assert leftovers(reopened(folder)) == []


def test_clean__names_files_of_others_and_leaves_them(folder):
    own = folder / "data/examples/mine.parquet"
    own.write_bytes(b"not ours")
    (found,) = stray_tables(reopened(folder))
    assert found.why == "not written by this project, or damaged: move it away"
    assert remove(reopened(folder), [found]) == []
    assert own.exists()


def test_clean__forgets_kept_scores_but_not_those_of_unfinished_work(folder):
    def batch(*place: str):
        path = folder.joinpath("data/.scratch", *place, "batch.memo")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        return path

    (folder / "data/model/splice_scores/Y.parquet").unlink()
    wanted = {batch("model/splice_scores/Y")}
    unwanted = {batch("model/splice_scores/22"), batch("model/splice_scores/21"), batch("gone/splice_scores/22")}
    run("clean", "--config", config(folder))
    assert {path for path in unwanted | wanted if path.exists()} == wanted


def test_status__json_has_state_causes_rows_and_seconds(folder):
    (folder / "data/toy/contig/22.parquet").unlink()
    rows = json.loads(run("status", "--json", "--config", config(folder)))
    found = next(row for row in rows if (row["asset"], row["partition"]) == ("toy/contig", "22"))
    assert found["state"] == State.MISSING
    assert found["causes"][0].startswith("file is gone")
    assert found["rows"] == 1
    assert found["seconds"] >= 0
    assert "Last time these took" in run("plan", "--config", config(folder))
