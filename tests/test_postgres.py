"""One history on a PostgreSQL server: many processes at once, first starts at once, a kill, a server that is gone."""

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from itertools import pairwise
from pathlib import Path

import dagster as dg
import pytest

from builder_assets.manifest import Layer, State
from builder_assets.project.building import PROCESS_TAG, reap_dead_runs, run_layer
from builder_assets.project.folder import HistoryError, Project, initialise_history, open_project
from tests.genome.toy import bases
from tests.processes import COMMAND
from tests.projects import built, files_of, needs_weights, reopened, small_settings, write_settings
from tests.servers import postgres
from tests.test_cli import config, run
from tests.test_kills import killed_at

pytest.importorskip("dagster_postgres", reason="needs dagster-postgres: pip install -e .[postgres]")

pytestmark = pytest.mark.servers

DEPLOY = Path(__file__).parents[1] / "deploy/postgres/dagster.yaml"
CHROMOSOMES = [*map(str, range(1, 23)), "X", "Y"]
EXONS = [(1001, 1200), (1501, 1700), (2001, 2300)]
WORKER = """
import sys
from builder_assets.project.building import run_layer
from builder_assets.manifest import Layer
from builder_assets.project.folder import open_project
project = open_project(sys.argv[1])
assets = tuple(name for name, node in project.manifest.nodes.items() if node.partitions)
for chromosome in sys.argv[2:]:
    assert run_layer(project, Layer(chromosome, assets)).failures == []
"""


@pytest.fixture(autouse=True)
def _server(monkeypatch):
    """A fresh database, named in the environment."""
    with postgres() as environment:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        yield


def on_server(folder: Path) -> Path:
    """Let a project keep its history on the server."""
    shutil.rmtree(folder / ".dagster", ignore_errors=True)
    shutil.copyfile(DEPLOY, folder / "dagster.yaml")
    return folder


def genome_of_24(folder: Path) -> dict:
    """Settings of a made-up genome: on each chromosome 4,000 bases and a gene with two introns on each strand."""
    folder.mkdir(parents=True, exist_ok=True)
    rows, records = [], []
    for number, chrom in enumerate(CHROMOSOMES):
        codes = bases(4000, seed=number)
        letters = list("".join("ACGT"[code] for code in codes))
        for (_, donor), (acceptor, _) in pairwise(EXONS):
            letters[donor : donor + 2], letters[acceptor - 3 : acceptor - 1] = "GT", "AG"
        records.append(f">{chrom}\n{''.join(letters)}\n")
        for start, end in EXONS:
            name = f'gene_id "G{chrom}"; transcript_id "T{chrom}"; gene_name "G{chrom}"; gene_type "protein_coding";'
            rows.append(f"{chrom}\tmade\texon\t{start}\t{end}\t.\t+\t.\t{name}\n")
    (folder / "made.fa").write_text("".join(records), encoding="ascii")
    (folder / "made.gtf").write_text("".join(rows), encoding="ascii")
    genome = {"assembly": "made", "fasta": "made.fa", "annotation": "made.gtf", "chromosomes": CHROMOSOMES}
    return {"genomes": {"made": genome}}


def first_assets(project: Project, chromosome: str) -> tuple[str, ...]:
    """The tables of a chromosome, or, for "", those that register the inputs."""
    nodes = project.manifest.nodes.items()
    return tuple(name for name, node in nodes if (node.partitions if chromosome else node.input_files))


def test_postgres__24_partitions_from_four_processes_at_once(tmp_path):
    """Of every partition one materialisation, of every run a whole log; bytes as on SQLite (one chromosome's)."""
    alone, folder = tmp_path / "alone", tmp_path / "project"
    write_settings(alone, genome_of_24(alone))
    write_settings(folder, genome_of_24(folder))
    for chromosome in ("", "X"):
        assert run_layer(reopened(alone), Layer(chromosome, first_assets(reopened(alone), chromosome))).failures == []
    project = reopened(on_server(folder))
    assert run_layer(project, Layer("", first_assets(project, ""))).failures == []
    processes = [
        subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", WORKER, config(folder), *CHROMOSOMES[number::4]],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        for number in range(4)
    ]  # fmt: skip
    texts = [process.communicate(timeout=300)[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * 4, texts
    run("build", "--config", config(folder))
    assert {row["state"] for row in json.loads(run("status", "--json", "--config", config(folder)))} == {State.BUILT}
    assert "Nothing to do" in run("build", "--config", config(folder))
    assert files_of(alone / "data").items() <= files_of(folder / "data").items()
    instance = project.instance
    for node in project.manifest.nodes.values():
        told = instance.fetch_materializations(node.key, limit=1000).records
        partitions = Counter(record.partition_key for record in told)
        assert partitions == Counter(node.partitions or [None]), node.key
    runs = instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.SUCCESS]))
    assert len(runs) == len(instance.get_runs()) == 24 + 2  # the inputs, each chromosome, split_units
    for done in runs:
        events = Counter(entry.dagster_event_type for entry in instance.all_logs(done.run_id))
        assert events[dg.DagsterEventType.STEP_START] == events[dg.DagsterEventType.STEP_SUCCESS] > 0
        assert events[dg.DagsterEventType.RUN_START] == events[dg.DagsterEventType.RUN_SUCCESS] == 1


def test_postgres__eight_first_starts_on_eight_machines(tmp_path):
    """Folders of their own, so that no lock of ours orders them."""
    folders = [tmp_path / f"machine{number}" for number in range(8)]
    for folder in folders:
        write_settings(folder, genome_of_24(folder) | {"data_dir": str(tmp_path / "data")})
        on_server(folder)
    processes = [
        subprocess.Popen(
            [*COMMAND, "status", "--json", "--config", config(folder)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        for folder in folders
    ]  # fmt: skip
    texts = [process.communicate(timeout=300)[0] for process in processes]
    assert [text for text, process in zip(texts, processes, strict=True) if process.returncode] == []
    instance = reopened(folders[0]).instance
    assert instance.get_runs() == []
    instance.report_runless_asset_event(dg.AssetMaterialization(["toy", "gene_annotation"]))  # something is built
    write_settings(folders[1], genome_of_24(folders[1]) | {"data_dir": str(tmp_path / "other")})
    text = run("status", "--config", config(folders[1]), code=2)  # whichever machine asks, the history knows
    assert f"belongs to data_dir {tmp_path / 'data'}, but the settings say {tmp_path / 'other'}" in text


@needs_weights
def test_postgres__killed_build_frees_its_slot_and_goes_on(empty_folder, built_folder):
    write_settings(on_server(empty_folder), small_settings())
    seconds = 6.0
    while not killed_at(empty_folder, seconds):
        shutil.rmtree(empty_folder / "data")
        seconds /= 2
    results = built(reopened(empty_folder))
    assert [failure for result in results for failure in result.failures] == []
    assert files_of(empty_folder / "data") == files_of(built_folder / "data")
    assert reopened(empty_folder).instance.event_log_storage.get_concurrency_info("gpu").active_run_ids == set()


def test_reap_dead_runs__leaves_those_of_other_machines(tmp_path):
    write_settings(tmp_path, genome_of_24(tmp_path))
    instance = reopened(on_server(tmp_path)).instance
    job = dg.GraphDefinition(name="elsewhere").to_job()
    theirs, ours = (
        instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED, tags={PROCESS_TAG: process})
        for process in ("999999999@another.machine", f"999999999@{os.uname().nodename}")
    )
    untagged = instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED)
    assert reap_dead_runs(instance) == [ours.run_id]
    assert {run.run_id for run in instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED]))} == {
        theirs.run_id, untagged.run_id,
    }  # fmt: skip


def test_postgres__server_that_is_gone_is_told_and_nothing_is_put_aside(tmp_path, monkeypatch):
    write_settings(tmp_path, genome_of_24(tmp_path))
    reopened(on_server(tmp_path))
    monkeypatch.setenv("DAGSTER_PG_PASSWORD", "wrong")
    with pytest.raises(HistoryError, match=r"server that keeps the history cannot be used: .*password authentication"):
        open_project(tmp_path / "builder.yaml", adopt=True)
    monkeypatch.delenv("DAGSTER_PG_PASSWORD")
    with pytest.raises(HistoryError, match=r"cannot be used: .*DAGSTER_PG_PASSWORD"):
        open_project(tmp_path / "builder.yaml")
    assert (tmp_path / ".dagster").is_dir()
    assert not list(tmp_path.glob(".dagster.damaged-*"))


def test_initialise_history__another_machine_was_quicker_with_the_pool(tmp_path, monkeypatch):
    """On PostgreSQL a limit that is there already breaks the transaction that would set it."""
    write_settings(tmp_path, genome_of_24(tmp_path))
    instance = reopened(on_server(tmp_path)).instance
    storage, answers = type(instance.event_log_storage), [set()]
    real = storage.get_concurrency_keys
    monkeypatch.setattr(storage, "get_concurrency_keys", lambda self: answers.pop() if answers else real(self))
    assert "gpu" in initialise_history(tmp_path).event_log_storage.get_concurrency_keys()
    assert answers == []
    monkeypatch.setattr(storage, "get_concurrency_keys", lambda _: set())
    with pytest.raises(HistoryError, match=r"cannot be used: .*transaction is aborted"):
        initialise_history(tmp_path)
