"""What the daemon does by itself: the check up_to_date, and building where a person switched it on."""

import dagster as dg
import pytest

from builder_assets.sensors import UP_TO_DATE, sensors_of
from tests.projects import built, needs_weights, reopened

pytestmark = needs_weights


@pytest.fixture
def project(folder):
    return reopened(folder)


def tick(project, name: str, cursor: str | None = None):
    sensor = next(sensor for sensor in sensors_of(project.manifest) if sensor.name == name)
    context = dg.build_sensor_context(instance=project.instance, cursor=cursor, definitions=project.defs)
    return sensor.evaluate_tick(context)


def test_freshness__tells_every_asset_once(project):
    first = tick(project, "freshness")
    assert {event.asset_key for event in first.asset_events} == {node.key for node in project.manifest.nodes.values()}
    assert all(event.passed and event.check_name == UP_TO_DATE for event in first.asset_events)
    again = tick(project, "freshness", first.cursor)
    assert again.asset_events == []
    assert again.skip_message == "Nothing changed since the last look."


def test_freshness__names_the_partition_and_the_cause(project, folder):
    first = tick(project, "freshness")
    (folder / "data/toy/contig/Y.parquet").unlink()
    told = {event.asset_key.to_user_string(): event for event in tick(project, "freshness", first.cursor).asset_events}
    contig = told["toy/contig"]
    assert not contig.passed
    assert contig.severity is dg.AssetCheckSeverity.WARN
    assert contig.description.startswith("1 of 2 not up to date. Y: missing (file is gone")
    assert told["toy/genes"].description == "1 of 2 not up to date. Y: an input is not up to date"
    assert "model/base_model_weights" not in told


def test_bring_up_to_date__is_off_and_has_nothing_to_do(project):
    sensor = next(sensor for sensor in sensors_of(project.manifest) if sensor.name == "bring_up_to_date")
    assert sensor.default_status is dg.DefaultSensorStatus.STOPPED
    assert tick(project, "bring_up_to_date").skip_message == "All is up to date."


def test_bring_up_to_date__requests_the_next_layer(project, folder):
    (folder / "data/toy/contig/Y.parquet").unlink()
    (request,) = tick(project, "bring_up_to_date").run_requests
    assert request.partition_key == "Y"
    assert dg.AssetKey(["toy", "contig"]) in request.asset_selection


def test_bring_up_to_date__waits_for_a_run(project, folder):
    (folder / "data/toy/contig/Y.parquet").unlink()
    job = project.defs.resolve_implicit_global_asset_job_def()
    run = project.instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED)
    assert tick(project, "bring_up_to_date").skip_message == "A run is at work; the next layer waits for it."
    project.instance.report_run_failed(run)
    assert len(tick(project, "bring_up_to_date").run_requests) == 1


def test_bring_up_to_date__leaves_what_failed_to_a_person(project, folder):
    path = folder / "data/toy/contig/Y.parquet"
    path.unlink()
    path.mkdir()  # nothing can be published under this name
    built(project)
    assert tick(project, "bring_up_to_date").skip_message == "1 failed and wait for a person."


def test_up_to_date__runs_from_the_button(project):
    keys = {dg.AssetCheckKey(node.key, UP_TO_DATE) for node in project.manifest.nodes.values() if node.group == "toy"}
    job = project.defs.resolve_implicit_global_asset_job_def().get_subset(
        asset_selection=set(), asset_check_selection=keys
    )
    outcome = job.execute_in_process(instance=project.instance)
    evaluations = outcome.get_asset_check_evaluations()
    assert {evaluation.asset_check_key for evaluation in evaluations} == keys
    assert all(evaluation.passed for evaluation in evaluations)
