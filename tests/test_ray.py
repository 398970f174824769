"""deploy/ray: steps as Ray jobs on a cluster of two workers, the scoring on the one that has the GPU."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from builder_assets.project.adoption import adopt
from builder_assets.project.folder import open_project
from tests.projects import built, built_cells, files_of, needs_weights, reopened
from tests.servers import free_port, postgres
from tests.test_postgres import on_server

pytest.importorskip("dagster_ray", reason="needs dagster-ray: pip install -e .[postgres,ray]")
ray = pytest.importorskip("ray", reason="needs ray: pip install -e .[postgres,ray]")

pytestmark = [needs_weights, pytest.mark.servers, pytest.mark.filterwarnings("ignore")]

DEPLOY = Path(__file__).parents[1] / "deploy/ray/definitions.py"
CHROMOSOMES = ("22", "Y")


@contextmanager
def two_workers() -> Iterator[tuple[str, str]]:
    """Address of a cluster's job server, and the id of the node that has the (made-up) GPU."""
    from ray.cluster_utils import Cluster

    port = free_port()
    cluster = Cluster(
        initialize_head=True,
        head_node_args={"num_cpus": 1, "num_gpus": 0, "include_dashboard": True, "dashboard_port": port},
    )
    try:
        node = cluster.add_node(num_cpus=1, num_gpus=1)
        cluster.wait_for_nodes()
        yield f"http://127.0.0.1:{port}", node.node_id
    finally:
        cluster.shutdown()


def test_ray__two_chromosomes_at_once_scored_where_the_gpu_is(folder, built_folder, monkeypatch):
    """Bytes, history and manifest as after `builder build`."""
    from ray.job_submission import JobSubmissionClient

    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")  # a step's command is `dagster`
    with postgres() as environment, two_workers() as (address, gpu_node):
        given = environment | {"RAY_API_ADDRESS": address, "BUILDER_CONFIG": str(folder / "builder.yaml")}
        for name, value in given.items():
            monkeypatch.setenv(name, value)
        for left in ("splice_scores", "splice_calls", "gene_performance"):
            shutil.rmtree(folder / "data/model" / left)
        adopt(open_project(on_server(folder) / "builder.yaml"))
        command = ["dagster", "asset", "materialize", "-f", str(DEPLOY), "--select"]
        selection = "key:model/splice_scores or key:model/splice_calls or key:model/gene_performance"
        runs = [
            subprocess.Popen(
                [sys.executable, "-W", "ignore", "-m", *command, selection, "--partition", chromosome],
                cwd=folder, env=os.environ | {"DAGSTER_HOME": str(folder)},
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            )
            for chromosome in CHROMOSOMES
        ]  # fmt: skip
        texts = [run.communicate(timeout=600)[0] for run in runs]
        assert [run.returncode for run in runs] == [0, 0], "\n".join(texts)
        jobs = JobSubmissionClient(address).list_jobs()
        scoring = [job for job in jobs if "splice_scores" in (job.metadata or {})["dagster/op"]]
        assert len(scoring) == len(CHROMOSOMES)
        assert {job.driver_node_id for job in scoring} == {gpu_node}
        assert {job.status.value for job in jobs} == {"SUCCEEDED"}
        project = reopened(folder)
        statuses = project.manifest.statuses(project.instance)
        assert all(status.is_built for cell, status in statuses.items() if cell.partition and "model/" in cell.asset)
        assert not {cell for cell in built_cells(built(project)) if "[" in cell}  # only what looks at all chromosomes
        assert files_of(folder / "data") == files_of(built_folder / "data")
