"""The manifest: states, causes and recovery. What each change rebuilds stands in test_rebuilds."""

import json
import os
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq
import pytest
import yaml

from builder_assets.manifest import Cell, IncompleteInputError, State, next_layers
from builder_assets.project.building import Scope, current_statuses
from resources.table_files import DamagedFileError, read_provenance, verify_file
from tests.projects import built, built_cells, files_of, needs_weights, reopened, small_settings, write_settings

pytestmark = needs_weights


def changed(folder: Path, *path: str, value: Any) -> None:
    """Set one value of builder.yaml."""
    settings = yaml.safe_load((folder / "builder.yaml").read_text())
    inner = settings
    for key in path[:-1]:
        inner = inner.setdefault(key, {})
    inner[path[-1]] = value
    (folder / "builder.yaml").write_text(yaml.safe_dump(settings))


def test_build__second_time_does_nothing(folder):
    assert built(reopened(folder)) == []


@pytest.mark.faults
def test_build__again_gives_the_same_bytes(folder):
    before = files_of(folder / "data")
    shutil.rmtree(folder / "data/model/splice_scores")
    shutil.rmtree(folder / "data/.scratch", ignore_errors=True)
    built(reopened(folder), force=True)
    assert files_of(folder / "data") == before


@pytest.mark.parametrize("damage", ["deleted", "truncated", "flipped"])
def test_build__rebuilds_a_damaged_file(folder, damage):
    path = folder / "data" / "toy" / "exons" / "22.parquet"
    before = path.read_bytes()
    if damage == "deleted":
        path.unlink()
    elif damage == "truncated":
        path.write_bytes(before[: len(before) // 2])
    else:
        path.write_bytes(before[:200] + bytes([before[200] ^ 1]) + before[201:])
    built_now = built_cells(built(reopened(folder)))
    assert path.read_bytes() == before
    tables = {"genes", "transcripts", "exons", "introns", "splice_sites", "gene_overlaps"}
    assert built_now == {f"toy/{name}[22]" for name in tables}


def test_build__records_an_equal_file_instead_of_building_it(folder):
    path = folder / "data" / "model" / "splice_scores" / "22.parquet"
    os.utime(path, ns=(1, 1))
    project = reopened(folder)
    cell = Cell("model/splice_scores", "22")
    assert project.manifest.statuses(project.instance)[cell].state is State.UNVERIFIED
    assert built(project) == []
    assert project.manifest.statuses(project.instance)[cell].is_built


def test_build__code_version_names_settings_as_the_cause(folder):
    changed(folder, "datasets", "examples", "kmers", value=[1])
    project = reopened(folder)
    status = project.manifest.statuses(project.instance)[Cell("examples/training_examples", "22")]
    assert status.state is State.STALE
    assert status.causes == ("settings changed: examples.features.kmers [2] -> [1]",)


def test_build__gene_added_scores_that_gene_only(folder):
    genes = [*small_settings()["datasets"]["examples"]["genes"]["include"], "GGTLC3"]
    changed(folder, "datasets", "examples", "genes", "include", value=genes)
    before = pl.read_parquet(folder / "data/examples/training_examples/22.parquet")
    project = reopened(folder)
    results = built(project)
    scored = project.instance.get_latest_materialization_event(project.manifest.nodes["model/splice_scores"].key)
    assert scored is not None
    assert scored.asset_materialization is not None
    assert scored.asset_materialization.metadata["genes_scored"].value == 1
    assert scored.asset_materialization.metadata["genes_reused"].value == 2
    assert "model/splice_scores[Y]" not in built_cells(results)
    after = pl.read_parquet(folder / "data/examples/training_examples/22.parquet")
    ids = before["gene_id"].unique().to_list()
    assert after.filter(pl.col("gene_id").is_in(ids)).equals(before)
    assert after.height > before.height


@pytest.mark.faults
def test_build__one_chromosome_then_the_rest(empty_folder, built_folder):
    project = reopened(empty_folder)
    first = built_cells(built(project, Scope(chromosomes=("22",))))
    assert "model/splice_scores[22]" in first
    assert "model/splice_scores[Y]" not in first
    assert "toy/genes[Y]" in first  # genome tables always cover all chromosomes
    assert "examples/dataset_card" not in first
    built(project)
    assert files_of(empty_folder / "data") == files_of(built_folder / "data")


def test_build__one_failing_chromosome_leaves_the_others_built(folder):
    (folder / "data/model/genes_to_score/Y.parquet").write_bytes(b"")
    path = folder / "data/toy/contig/Y.parquet"
    path.unlink()
    path.mkdir()  # nothing can be published under this name
    (folder / "data/toy/contig/22.parquet").unlink()
    results = built(reopened(folder))
    failures = [failure for result in results for failure in result.failures]
    assert len(failures) == 1
    assert failures[0].startswith("toy/contig[Y]: ")
    assert "toy/contig[22]" in built_cells(results)


def test_require_fresh__names_the_partitions_that_are_behind(folder):
    (folder / "data/model/gene_performance/Y.parquet").unlink()
    project = reopened(folder)
    with pytest.raises(IncompleteInputError, match=r"1 are not built or not fresh: model/gene_performance\[Y\]"):
        project.manifest.require_fresh(project.instance, "model/model_report")


def test_verify_file__detects_other_values(folder):
    path = folder / "data/toy/genes/22.parquet"
    promised = read_provenance(path)
    other = folder / "data/toy/genes/Y.parquet"
    table = pl.read_parquet(other)
    metadata = {"provenance": json.dumps(promised)}
    table.write_parquet(path, metadata=metadata)
    with pytest.raises(DamagedFileError, match="holds other values than its footer promises"):
        verify_file(path)


def test_statuses__killed_run_is_reaped(folder):
    project = reopened(folder)
    (folder / "data/toy/contig/22.parquet").unlink()
    database = folder / ".dagster/history/runs.db"
    run = project.instance.get_runs(limit=1)[0]
    with sqlite3.connect(database) as connection:  # as a killed process leaves it
        connection.execute("update runs set status='STARTED' where run_id=?", (run.run_id,))
        body = connection.execute("select run_body from runs where run_id=?", (run.run_id,)).fetchone()[0]
        body = body.replace(run.tags["builder/process"], "999999999").replace('"SUCCESS"', '"STARTED"')
        connection.execute("update runs set run_body=? where run_id=?", (body, run.run_id))
        connection.execute(
            "update run_tags set value='999999999' where run_id=? and key='builder/process'", (run.run_id,)
        )
    built(project)
    after = project.instance.get_run_by_id(run.run_id)
    assert after is not None
    assert after.is_failure


def test_current_statuses__ends_where_a_check_fails(folder):
    project = reopened(folder)
    node = project.manifest.nodes["toy/splice_sites"]
    project.manifest.nodes["toy/splice_sites"] = type(node)(
        **{**node.__dict__, "checks": (("toy/splice_sites", "never_run"),)}
    )
    status = current_statuses(project)[Cell("toy/splice_sites", "22")]
    assert status.state is State.FAILED
    assert status.causes == ("check never_run has not judged toy/splice_sites",)


def test_write_settings__keeps_other_files(tmp_path):
    (tmp_path / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    write_settings(tmp_path, small_settings())
    assert (tmp_path / "dagster.yaml").read_text() == "telemetry: {enabled: false}\n"


def test_build__a_file_of_another_chromosome_is_not_taken_for_this_one(folder):
    path = folder / "data/toy/contig/22.parquet"
    before = path.read_bytes()
    shutil.copy(folder / "data/toy/contig/Y.parquet", path)
    results = built(reopened(folder))
    assert [failure for result in results for failure in result.failures] == []
    assert path.read_bytes() == before


def test_build__altered_scores_are_computed_again(folder):
    path = folder / "data/model/splice_scores/Y.parquet"
    before = path.read_bytes()
    with pq.ParquetFile(path) as file:
        metadata = {k.decode(): v.decode() for k, v in file.metadata.metadata.items() if k != b"ARROW:schema"}
    halved = pl.read_parquet(path).with_columns(pl.col("donor_scores").list.eval(pl.element() / 2))
    halved.write_parquet(path, metadata=metadata)  # footer kept: only the values tell
    built(reopened(folder))
    assert path.read_bytes() == before


def test_build__a_list_file_that_is_no_longer_given_counts(folder):
    plain = small_settings()["datasets"]["examples"]["genes"]
    assert reopened(folder).settings.datasets["examples"].genes.versioned.exclude_file is None
    changed(folder, "datasets", "examples", "genes", value=plain | {"exclude_file": "exclude.txt"})
    assert reopened(folder).settings.datasets["examples"].genes.versioned.exclude_file == "given"


def test_statuses__a_registered_file_that_is_no_longer_read_is_a_changed_input(folder):
    project = reopened(folder)
    node = project.manifest.nodes["toy/gene_annotation"]
    project.manifest.nodes["toy/gene_annotation"] = type(node)(**{**node.__dict__, "input_files": ()})
    status = project.manifest.statuses(project.instance)[Cell("toy/gene_annotation")]
    assert status.state is State.CHANGED_INPUT
    assert status.causes[0].endswith("is no longer read")


def test_layers__two_genomes_may_list_other_chromosomes(tmp_path):
    settings = small_settings()
    settings["genomes"]["other"] = settings["genomes"]["toy"] | {"chromosomes": [22]}
    project = reopened(write_settings(tmp_path, settings).parent)
    statuses = project.manifest.statuses(project.instance)
    done = {
        cell: type(status)(cell, State.BUILT) if cell.asset.endswith(("genome_fasta", "gene_annotation")) else status
        for cell, status in statuses.items()
    }
    layers = [layer for layer in next_layers(project.manifest.nodes, done) if layer.partition == "22"]
    assert {layer.assets[0].split("/")[0] for layer in layers} == {"toy", "other"}
    for layer in layers:
        assert len({project.manifest.nodes[name].partitions for name in layer.assets}) == 1


@pytest.mark.parametrize("name", ["gene_manifest.csv", "README.md"])
def test_faults_of__finds_what_stands_beside_a_table(folder, name):
    path = folder / "data/examples" / name
    path.write_text("junk")
    project = reopened(folder)
    table = "gene_manifest" if name.endswith("csv") else "dataset_card"
    (problem,) = project.manifest.faults_of(project.instance, Cell(f"examples/{table}"))
    assert problem.endswith(f"{name} is not what was published with {table}.parquet.")
    path.unlink()
    (problem,) = project.manifest.faults_of(project.instance, Cell(f"examples/{table}"))
    assert problem == f"file is gone: {path}"


def test_faults_of__finds_another_partition_s_file(folder):
    shutil.copy(folder / "data/toy/contig/Y.parquet", folder / "data/toy/contig/22.parquet")
    project = reopened(folder)
    (problem,) = project.manifest.faults_of(project.instance, Cell("toy/contig", "22"))
    assert "holds other values than the history says" in problem
