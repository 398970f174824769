"""`builder build`: plan, run the next layer in this process, plan again, until nothing is left to do.

No queue, retries or parallelism of its own: each layer is one Dagster run per chromosome, recorded like any other.
"""

import re
import signal
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.errors import DagsterExecutionInterruptedError
from dagster._core.execution import compute_logs
from dagster._core.launcher.default_run_launcher import DefaultRunLauncher

from builder_assets.manifest import Cell, Layer, State, Status, ancestors, cells_of, next_layers
from builder_assets.project.folder import Project, alone, is_of_one_machine
from resources.log_file import log_of_run
from resources.processes import id_of, is_on_this_machine, is_running, this_process
from resources.publishing import dead_partial_files

PROCESS_TAG = "builder/process"
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass
class LayerResult:
    """What one run did; `log` is the file with a line per gene, where it scored any."""

    layer: Layer
    seconds: dict[Cell, float] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    log: Path | None = None


class StoppedError(RuntimeError):
    """The build was asked to stop (Ctrl-C, SIGTERM)."""

    def __init__(self) -> None:
        super().__init__("stopped. What is finished stays; `builder build` goes on from there.")


@contextmanager
def stoppable() -> Iterator[None]:
    """Work that Ctrl-C and SIGTERM end alike, wherever they strike: between runs, in a step, in Dagster itself.

    Raises:
        StoppedError: one of them came.
    """
    before, tail = signal.signal(signal.SIGTERM, signal.default_int_handler), compute_logs.execute_posix_tail
    compute_logs.execute_posix_tail = deaf(tail)
    try:
        yield
    except (KeyboardInterrupt, DagsterExecutionInterruptedError) as error:
        raise StoppedError from error
    finally:
        compute_logs.execute_posix_tail = tail
        signal.signal(signal.SIGTERM, before)


def deaf(tail: Callable[..., AbstractContextManager[Any]]) -> Callable[..., AbstractContextManager[Any]]:
    """Dagster's copying of a step's output, by processes that a terminal's Ctrl-C does not reach.

    A terminal sends it to them as well, and they would die with tracebacks of their own. They inherit what is blocked
    while they start; a Ctrl-C of that moment comes to this process right after it.
    """

    @contextmanager
    def started_deaf(path: str, stream: Any) -> Iterator[Any]:
        with ExitStack() as stack:
            before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
            try:
                processes = stack.enter_context(tail(path, stream))
            finally:
                signal.pthread_sigmask(signal.SIG_SETMASK, before)
            yield processes

    return started_deaf


@dataclass(frozen=True)
class Scope:
    """What a build may touch: everything, or some datasets and genomes, or some chromosomes."""

    datasets: tuple[str, ...] = ()
    chromosomes: tuple[str, ...] = ()
    genomes: tuple[str, ...] = ()

    def check(self, project: Project) -> None:
        """Raise where a dataset, chromosome or genome is not in the settings.

        Raises:
            ValueError: names the unknown ones and the known ones.
        """
        known = {c for genome in project.settings.genomes.values() for c in genome.chromosomes}
        for word, asked, there in (
            ("dataset", self.datasets, set(project.settings.datasets)),
            ("chromosome", self.chromosomes, known),
            ("genome", self.genomes, set(project.settings.genomes)),
        ):
            unknown = sorted(set(asked) - there)
            if unknown:
                raise ValueError(
                    f"{word} {', '.join(unknown)} is not in the settings; known: {', '.join(sorted(there))}"
                )

    def cells(self, project: Project) -> list[Cell]:
        """The cells in scope: genome tables always cover all chromosomes."""
        manifest, settings = project.manifest, project.settings
        assets = set(manifest.nodes)
        if self.datasets or self.genomes:
            own = {name for name, node in manifest.nodes.items() if node.group in (*self.datasets, *self.genomes)}
            models = {settings.datasets[name].base_model for name in self.datasets}
            reports = {name for name, node in manifest.nodes.items() if node.group in models and not node.partitions}
            assets = own | set().union(*(ancestors(manifest.nodes, name) for name in own | reports)) | reports
        return [
            cell
            for cell in cells_of(manifest.nodes)
            if cell.asset in assets
            and (
                not self.chromosomes
                or not cell.partition
                or cell.partition in self.chromosomes
                or manifest.nodes[cell.asset].group in settings.genomes
            )
        ]


def build(project: Project, scope: Scope, *, force: bool = False) -> Iterator[Layer | LayerResult]:
    """Build what is missing, failed, stale or changed in `scope`; yields each layer before and after its run.

    Raises:
        BuildInProgressError: another build works in this folder.
        StoppedError: a signal asked this process to stop.
    """
    with alone(project.settings.root):
        yield from _build(project, scope, force=force)


def _build(project: Project, scope: Scope, *, force: bool) -> Iterator[Layer | LayerResult]:
    reap_dead_runs(project.instance)
    for path in dead_partial_files(project.settings.data_path):
        path.unlink(missing_ok=True)
    wanted = scope.cells(project)
    forced = set(wanted) if force else set()
    given_up: set[Cell] = set()
    nodes = project.manifest.nodes
    while layers := next_layers(nodes, _with_forced(current_statuses(project), forced), wanted, given_up):
        for layer in layers:
            yield layer
            result = run_layer(project, layer)
            statuses = project.manifest.statuses(project.instance, layer.assets)
            forced -= set(layer.cells)
            given_up |= {cell for cell in layer.cells if not statuses[cell].is_built}
            yield result


def current_statuses(project: Project) -> dict[Cell, Status]:
    """Statuses after whole files that only lack a record have been recorded, and judged where no check has."""
    statuses = project.manifest.recovered_statuses(project.instance)
    judged = judge_unjudged(project, statuses)
    return project.manifest.statuses(project.instance) if judged else statuses


def judge_unjudged(project: Project, statuses: Mapping[Cell, Status]) -> list[Cell]:
    """Run the checks that never judged what is recorded (the history was lost); no table is built for it.

    Returns:
        The cells whose tables were judged.
    """
    job = project.defs.resolve_implicit_global_asset_job_def()
    known = job.asset_layer.asset_graph.asset_check_keys
    judged = []
    for partition, checks in project.manifest.unjudged(project.instance, statuses).items():
        if keys := set(checks) & known:
            job.get_subset(asset_selection=set(), asset_check_selection=keys).execute_in_process(
                instance=project.instance,
                partition_key=partition or None,
                tags={PROCESS_TAG: this_process()},
                run_config=QUIET,
                raise_on_error=False,
            )
            judged += [Cell(key.asset_key.to_user_string(), partition) for key in sorted(keys)]
    return judged


def _with_forced(statuses: dict[Cell, Status], forced: Iterable[Cell]) -> dict[Cell, Status]:
    return statuses | {cell: Status(cell, State.STALE, ("asked for with --force",)) for cell in forced}


def run_layer(project: Project, layer: Layer) -> LayerResult:
    """Run a layer in this process."""
    manifest = project.manifest
    job = project.defs.resolve_implicit_global_asset_job_def()
    checks = {
        dg.AssetCheckKey(manifest.nodes[a].key, c) for name in layer.assets for a, c in manifest.nodes[name].checks
    }
    run = job.get_subset(
        asset_selection={manifest.nodes[name].key for name in layer.assets},
        asset_check_selection=checks & job.asset_layer.asset_graph.asset_check_keys,
    )
    outcome = run.execute_in_process(
        instance=project.instance,
        partition_key=layer.partition or None,
        tags={PROCESS_TAG: this_process()},
        run_config=QUIET,
        raise_on_error=False,
    )
    log = log_of_run(project.instance.storage_directory(), outcome.run_id)
    result = LayerResult(layer, log=log if log.is_file() else None)
    for event in outcome.get_asset_materialization_events():
        record = event.step_materialization_data.materialization
        cell = Cell(record.asset_key.to_user_string(), record.partition or "")
        result.seconds[cell] = float(str(record.metadata["seconds"].value)) if "seconds" in record.metadata else 0.0
    for event in outcome.get_step_failure_events():
        if _was_interrupted(event.step_failure_data.error):
            raise StoppedError
        what = _made_by(project, layer, event.step_key or "")
        result.failures.append(f"{what}: {_told_error(event.step_failure_data.error)}")
    for evaluation in outcome.get_asset_check_evaluations():
        if not evaluation.passed:
            result.failures.append(
                f"check {evaluation.check_name} on {Cell(evaluation.asset_key.to_user_string(), layer.partition)}: "
                f"{evaluation.description}"
            ) if evaluation.severity is dg.AssetCheckSeverity.ERROR else None
    return result


def _made_by(project: Project, layer: Layer, step: str) -> str:
    """What a step makes, under the names that all commands use; a step that judges is named as Dagster does."""
    cells = [cell for cell in layer.cells if project.manifest.nodes[cell.asset].step == step]
    return ", ".join(map(str, cells)) or step


def _was_interrupted(error: Any) -> bool:
    """Whether Dagster turned a signal into this step failure: it ends the step, and would start the next run."""
    while error is not None:
        if error.cls_name in ("DagsterExecutionInterruptedError", "KeyboardInterrupt"):
            return True
        error = error.cause or error.context
    return False


def _told_error(error: Any) -> str:
    """What a failed step has to say: the error under Dagster's wrapping, without its class."""
    while error.cls_name and error.cls_name.startswith("Dagster") and error.cause is not None:
        error = error.cause
    return re.sub(r"^[\w.]+: ", "", error.message, count=1).strip()


def reap_dead_runs(instance: dg.DagsterInstance) -> list[str]:
    """Mark runs of killed processes as failed and free their pool slots; returns their ids.

    Dagster's own monitoring does this too, but only where its daemon runs.
    """
    unfinished = instance.get_runs(
        dg.RunsFilter(
            statuses=[dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.NOT_STARTED]
        )
    )
    dead = [
        run
        for run in unfinished
        if (processes := processes_of(instance, run)) and not any(is_running(process) for process in processes)
    ]
    for run in dead:
        instance.report_run_failed(run, "The process that built this was killed.")
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
    return [run.run_id for run in dead]


def processes_of(instance: dg.DagsterInstance, run: dg.DagsterRun) -> set[int]:
    """Processes of this machine that work on a run, as far as the run tells: its tag, or its own log."""
    is_ours = is_of_one_machine(instance)  # then only the id counts: a container may be another machine each time
    if process := run.tags.get(PROCESS_TAG):
        return {id_of(process)} if is_ours or is_on_this_machine(process) else set()
    if not is_ours or not isinstance(instance.run_launcher, DefaultRunLauncher):
        return set()  # other launchers start runs on other machines
    told = instance.get_records_for_run(run.run_id, of_type=dg.DagsterEventType.ENGINE_EVENT).records
    events = [record.event_log_entry.dagster_event for record in told]
    values = [event.engine_event_data.metadata.get("pid") for event in events if event is not None]
    return {int(str(value.value)) for value in values if value is not None}
