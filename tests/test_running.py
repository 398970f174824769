"""One history, same bytes: `builder build`, `dagster asset materialize`, `dg launch`, and a backfill from the UI."""

import logging
import os
import shutil
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest
import yaml
from dagster._core.execution.backfill import BulkActionStatus
from dagster._core.remote_origin import InProcessCodeLocationOrigin
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import InProcessWorkspaceLoadTarget
from dagster._daemon.backfill import execute_backfill_iteration

from builder_assets.manifest import pending_cells
from builder_assets.project.folder import open_project
from tests.projects import built, files_of, needs_weights, reopened

pytestmark = needs_weights

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent


def run(folder: Path, *command: str, code: int = 0) -> str:
    environment = {key: value for key, value in os.environ.items() if key not in ("DAGSTER_HOME", "BUILDER_CONFIG")}
    found = subprocess.run(
        [str(BIN / command[0]), *command[1:]],
        cwd=folder, env=environment | {"PYTHONWARNINGS": "ignore"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert found.returncode == code, found.stdout + found.stderr
    return found.stdout + found.stderr


@pytest.mark.ui
def test_dagster_asset_materialize__gives_the_same_bytes_and_history(folder):
    before = files_of(folder / "data")
    shutil.rmtree(folder / "data/model/splice_scores")
    run(
        folder, "dagster", "asset", "materialize", "-m", "builder_assets.definitions",
        "--select", 'key:"model/splice_scores"', "--partition", "22",
    )  # fmt: skip
    assert "model/splice_scores[22]" not in {str(c) for c in pending(folder)}
    built(reopened(folder))
    assert files_of(folder / "data") == before


def pending(folder: Path):
    project = reopened(folder)
    return pending_cells(project.manifest.nodes, project.manifest.statuses(project.instance))


@pytest.mark.ui
def test_dagster_asset_materialize__unknown_partition_fails(folder):
    run(
        folder, "dagster", "asset", "materialize", "-m", "builder_assets.definitions",
        "--select", 'key:"toy/contig"', "--partition", "21", code=1,
    )  # fmt: skip


@pytest.mark.ui
def test_dg_launch__gives_the_same_bytes(folder):
    shutil.copy(ROOT / "pyproject.toml", folder)
    before = files_of(folder / "data")
    (folder / "data/toy/contig/Y.parquet").unlink()
    run(folder, "dg", "launch", "--assets", 'key:"toy/contig"', "--partition", "Y")
    assert files_of(folder / "data") == before
    assert not pending(folder)


@pytest.mark.ui
def test_definitions_validate__accepts_the_workspace(folder):
    assert "Validation successful" in run(folder, "dagster", "definitions", "validate", "-w", "workspace.yaml")


LAUNCH = """
mutation($keys: [AssetKeyInput!]!) {
  launchPartitionBackfill(backfillParams: {assetSelection: $keys, allPartitions: true}) {
    __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message }
  }
}"""


@pytest.mark.ui  # the button's work without the browser; too long for `make test`
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Dagster calls its own deprecated functions,
@pytest.mark.filterwarnings("ignore::ResourceWarning")  # and leaves connections and event loops
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # to the garbage collector
def test_backfill__of_the_whole_graph_gives_the_same_bytes(empty_folder, built_folder, monkeypatch):
    """What the UI's button does, with the daemon's loop run here."""
    from dagster_graphql.test.utils import execute_dagster_graphql  # half a second, which `make test` need not pay

    monkeypatch.setenv("BUILDER_CONFIG", str(empty_folder / "builder.yaml"))
    project = open_project(empty_folder / "builder.yaml")
    overrides = {
        "run_launcher": {
            "module": "dagster._core.launcher.sync_in_memory_run_launcher", "class": "SyncInMemoryRunLauncher",
        },
        "run_coordinator": {"module": "dagster._core.run_coordinator", "class": "DefaultRunCoordinator"},
        "run_monitoring": {"enabled": False},
    }  # fmt: skip
    instance = dg.DagsterInstance.from_config(str(with_overrides(empty_folder, overrides)))
    target = LoadableTargetOrigin(module_name="builder_assets.definitions")
    workspace = InProcessWorkspaceLoadTarget(InProcessCodeLocationOrigin(target, location_name="builder"))
    with WorkspaceProcessContext(instance, workspace) as process:
        keys = [{"path": node.key.path} for node in project.manifest.nodes.values()]
        answer = execute_dagster_graphql(process.create_request_context(), LAUNCH, variables={"keys": keys})
        launched = answer.data["launchPartitionBackfill"]
        assert launched["__typename"] == "LaunchBackfillSuccess", launched
        for _ in range(20):
            list(execute_backfill_iteration(process, logging.getLogger("backfill")))
            backfill = instance.get_backfill(launched["backfillId"])
            assert backfill is not None
            if backfill.status is not BulkActionStatus.REQUESTED:
                break
        assert backfill.status is BulkActionStatus.COMPLETED_SUCCESS
    assert files_of(empty_folder / "data") == files_of(built_folder / "data")
    assert built(reopened(empty_folder)) == []


def with_overrides(folder: Path, overrides: dict) -> Path:
    """The project's own history, with runs started in this process."""
    settings = yaml.safe_load((folder / "dagster.yaml").read_text()) | overrides
    settings.pop("concurrency")
    other = folder / "instance"
    other.mkdir()
    (other / "dagster.yaml").write_text(yaml.safe_dump(settings))
    return other
