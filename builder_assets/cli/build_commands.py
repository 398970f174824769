"""Commands that build, and that compare what is built with the history and the disk."""

import time
from collections import Counter
from collections.abc import Iterable
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from builder_assets.cli.app import (
    AsJson,
    Chromosomes,
    Config,
    Datasets,
    Genomes,
    app,
    console,
    errors,
    print_json,
    reported,
)

MOST_TOLD = 3  # chromosomes of one check that are told in full


@app.command()
@reported
def build(
    config: Config = None,
    dataset: Datasets = None,
    genome: Genomes = None,
    chromosome: Chromosomes = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be built.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Build everything in scope again, fresh or not.")] = False,
) -> None:
    """Build what is missing, failed or stale, and nothing else.

    Safe to stop and to run again: finished chromosomes stay, gene scores are reused. The same history is shown by
    `builder ui`, and partitions built there are not built again here. What checks warn of stands in the last lines.
    """
    from builder_assets.cli.progress import shown_progress
    from builder_assets.project.building import LayerResult, Scope, stoppable
    from builder_assets.project.building import build as run_build
    from builder_assets.project.folder import open_project
    from builder_assets.project.selection_preview import check_error_policies

    project = open_project(config)
    scope = Scope(tuple(dataset or ()), tuple(chromosome or ()), tuple(genome or ()))
    scope.check(project)
    check_error_policies(project, scope)
    if dry_run:
        _print_plan(project, scope, force=force, as_json=False)
        return
    started = time.monotonic()
    results: list[LayerResult] = []
    with stoppable(), shown_progress():
        for step in run_build(project, scope, force=force):
            if isinstance(step, LayerResult):
                results.append(step)
                for failure in step.failures:
                    errors.print(Text("failed", "red"), failure, highlight=False, soft_wrap=True)
            else:
                where = step.partition or "all chromosomes"
                names = ", ".join(name for name in step.assets)
                console.print(Text(where, "bold"), f" {names}", highlight=False, soft_wrap=True)
    _print_summary(project, scope, results, time.monotonic() - started)


@app.command()
@reported
def plan(
    config: Config = None,
    dataset: Datasets = None,
    genome: Genomes = None,
    chromosome: Chromosomes = None,
    as_json: AsJson = False,
) -> None:
    """Say what `builder build` would build, and why. Changes nothing."""
    from builder_assets.project.building import Scope
    from builder_assets.project.folder import open_project
    from builder_assets.project.selection_preview import check_error_policies

    project = open_project(config)
    scope = Scope(tuple(dataset or ()), tuple(chromosome or ()), tuple(genome or ()))
    scope.check(project)
    check_error_policies(project, scope)
    _print_plan(project, scope, force=False, as_json=as_json)


@app.command()
@reported
def status(config: Config = None, as_json: AsJson = False) -> None:
    """Show the state of every asset: built, missing, failed, stale and why; warnings; tables that nothing asks for."""
    from builder_assets.project.folder import open_project
    from builder_assets.project.leftovers import stray_tables

    project = open_project(config)
    statuses = project.manifest.statuses(project.instance)
    if as_json:
        print_json([_as_dict(status) for status in statuses.values()])
        return
    table = Table(title=f"{project.settings.root}", title_justify="left")
    for column in ("asset", "built", "rows", "not built"):
        table.add_column(column, overflow="fold")
    for name, node in project.manifest.nodes.items():
        own = [statuses[cell] for cell in node.cells]
        behind = Counter(
            f"{status.state}: {status.cell.partition + ': ' if status.cell.partition else ''}{'; '.join(status.causes)}"
            for status in own
            if not status.is_built
        )
        rows = sum(status.rows or 0 for status in own)
        built = sum(status.is_built for status in own)
        table.add_row(name, f"{built}/{len(own)}", f"{rows:,}" if rows else "", "\n".join(behind))
    console.print(table)
    _print_warnings(statuses.values())
    for stray in stray_tables(project):
        console.print(f"{stray.path}: {stray.why}", highlight=False, soft_wrap=True)


@app.command()
@reported
def verify(config: Config = None) -> None:
    """Read every stored file and compare its values with the history; inputs by size and time of change.

    Exit code 1 if a file is gone, damaged, or holds other values than were recorded.
    """
    from builder_assets.manifest import State
    from builder_assets.project.folder import open_project

    project = open_project(config)
    problems, checked = [], 0
    for cell, status in project.manifest.statuses(project.instance).items():
        if status.state is State.MISSING and status.rows is None:
            continue
        found = project.manifest.faults_of(project.instance, cell)
        problems += found
        checked += not found
        if status.state is State.CHANGED_INPUT:
            problems.append(f"{cell}: {'; '.join(status.causes)}")
    for problem in problems:
        errors.print(Text("problem", "red"), problem, highlight=False, soft_wrap=True)
    console.print(f"{checked} tables hold what the history says; {len(problems)} problems.", highlight=False)
    if problems:
        console.print("`builder build` rebuilds what is damaged.")
        raise typer.Exit(1)


@app.command()
@reported
def adopt(config: Config = None) -> None:
    """Record the files on disk in the history: after it was lost or damaged, or the data folder moved.

    Derives nothing: input files are registered again, whole tables that are what would be built now are recorded,
    and checks judge them. A history that cannot be read is put aside first. Exit code 1 if a file cannot be adopted;
    `builder build` builds it, and what is not there.
    """
    from builder_assets.cli.progress import shown_progress
    from builder_assets.project.adoption import adopt as run_adopt
    from builder_assets.project.building import stoppable
    from builder_assets.project.folder import open_project

    with stoppable(), shown_progress():
        done = run_adopt(open_project(config, adopt=True))
    console.print(f"{len(done.recorded)} tables recorded.", highlight=False)
    for failure in done.failures:
        errors.print(Text("failed", "red"), failure, highlight=False, soft_wrap=True)
    for status in done.behind:
        errors.print(f"not adopted: {status.cell}: {status.state}: {'; '.join(status.causes)}", soft_wrap=True)
    if done.absent:
        console.print(f"{len(done.absent)} tables are not there: `builder build` builds them.", highlight=False)
    if done.behind:
        errors.print(f"{len(done.behind)} tables are not what would be built now: `builder build` builds them.")
    if done.behind or done.failures:
        raise typer.Exit(1)


@app.command()
@reported
def clean(
    config: Config = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list what would be removed.")] = False,
) -> None:
    """Remove stored files that nothing in the settings asks for, and what killed processes left.

    Tables of datasets, models, genomes and chromosomes that left the settings, and kept scores of genes that no
    dataset takes any more. Files that this project did not write are named, and left.
    """
    from builder_assets.project.folder import alone, open_project
    from builder_assets.project.leftovers import leftovers, remove

    project = open_project(config)
    with alone(project.settings.root):
        found = leftovers(project)
        for leftover in found:
            console.print(f"{leftover.path}: {leftover.why}", highlight=False, soft_wrap=True)
        size = sum(leftover.path.stat().st_size for leftover in found if leftover.is_ours)
        removed = [] if dry_run else remove(project, found)
    word = "would be removed" if dry_run else "removed"
    count = sum(leftover.is_ours for leftover in found) if dry_run else len(removed)
    console.print(f"{count} files {word}, {size / 1e6:.1f} MB.", highlight=False)


def _print_plan(project: Any, scope: Any, *, force: bool, as_json: bool) -> None:
    from builder_assets.manifest import pending_cells

    statuses = project.manifest.statuses(project.instance)
    wanted = scope.cells(project)
    pending = pending_cells(project.manifest.nodes, statuses)
    todo = [statuses[cell] for cell in wanted if force or not statuses[cell].is_built]
    below = [cell for cell in wanted if cell in pending and statuses[cell].is_built and not force]
    if as_json:
        print_json({"build": [_as_dict(status) for status in todo], "check_after": [str(cell) for cell in below]})
        return
    if not todo:
        console.print("Nothing to do: everything in scope is built and fresh.")
        return
    table = Table()
    for column in ("asset", "chromosome", "why"):
        table.add_column(column, overflow="fold")
    for status in todo:
        why = f"{status.state}: {'; '.join(status.causes)}" if status.causes else "asked for with --force"
        table.add_row(status.cell.asset, status.cell.partition or "-", why)
    console.print(table)
    if below:
        console.print(f"{len(below)} more depend on these and are rebuilt only if what they read really changes.")
    console.print(_expected_time(todo), highlight=False)


def _expected_time(todo: list[Any]) -> str:
    """What the same tables took when they were last built."""
    known = [status.seconds for status in todo if status.seconds is not None]
    new = len(todo) - len(known)
    text = f"Last time these took {sum(known):.0f} s" if known else "None of these was built here yet"
    return f"{text}, but for {new} that were never built." if known and new else f"{text}."


def _print_summary(project: Any, scope: Any, results: list[Any], seconds: float) -> None:
    from builder_assets.manifest import pending_cells

    statuses = project.manifest.statuses(project.instance)
    failures = [failure for result in results for failure in result.failures]
    behind = [statuses[cell] for cell in scope.cells(project) if not statuses[cell].is_built]
    if results:
        console.print(_built_table(project, results, statuses))
    elif not behind:
        console.print("Nothing to do: everything in scope is built and fresh.")
    _print_warnings(statuses[cell] for cell in scope.cells(project))
    if behind and not failures:
        names = ", ".join(str(status.cell) for status in behind)
        console.print(f"waiting for other chromosomes: {names}", highlight=False, soft_wrap=True)
    pending = {cell.asset.split("/")[0] for cell in pending_cells(project.manifest.nodes, statuses)}
    for name in project.settings.datasets:
        if name not in pending:
            console.print("dataset", Text(f"{name}:", "bold"), str(project.settings.data_path / name), soft_wrap=True)
    _print_log(results)
    console.print(f"{seconds:.0f} s. `builder ui` opens the UI.", highlight=False)
    if failures or any(status.state == "failed" for status in behind):
        told = f"{len(failures)} failed, so {len(behind)} tables are not built; all others are."
        errors.print(Text(told, "red"), "Mend the cause, then `builder build` again.")
        raise typer.Exit(1)


def _print_log(results: list[Any]) -> None:
    """Where a line per scored gene stands: of the run that failed last, else of the last one."""
    logs = [result.log for result in sorted(results, key=lambda result: bool(result.failures)) if result.log]
    if logs:
        more = f" (and {len(logs) - 1} of other chromosomes beside it)" if len(logs) > 1 else ""
        console.print(f"a line per scored gene: {logs[-1]}{more}", highlight=False, soft_wrap=True)


def _print_warnings(statuses: Iterable[Any]) -> None:
    """What checks found that stops nothing: in full for the first chromosomes of a check, by name for the others."""
    found: dict[tuple[str, str], list[tuple[Any, str]]] = {}
    for status in statuses:
        for warned in status.warnings:
            found.setdefault((status.cell.asset, warned.check), []).append((status.cell, warned.text))
    for (asset, check), told in found.items():
        for cell, text in told[:MOST_TOLD]:
            console.print(Text("warned", "yellow"), f"{cell}, {check}: {text}", highlight=False, soft_wrap=True)
        if more := [cell.partition for cell, _ in told[MOST_TOLD:]]:
            where = (
                f"{len(more)} more chromosomes ({', '.join(more)}); `builder status --json` has what it says of each"
            )
            console.print(Text("warned", "yellow"), f"{asset}, {check}: {where}", highlight=False, soft_wrap=True)


def _built_table(project: Any, results: list[Any], statuses: Any) -> Table:
    """What was built: chromosomes, rows and seconds of each asset."""
    table = Table()
    for column in ("asset", "chromosomes", "rows", "seconds"):
        table.add_column(column, justify="right" if column != "asset" else "left", overflow="fold")
    built: dict[str, dict[Any, float]] = {}
    for result in results:
        for cell, spent in result.seconds.items():
            built.setdefault(cell.asset, {})[cell] = spent
    for name in (name for name in project.manifest.nodes if name in built):
        chromosomes = ", ".join(cell.partition for cell in built[name] if cell.partition) or "-"
        rows = sum(statuses[cell].rows or 0 for cell in built[name])
        table.add_row(name, chromosomes, f"{rows:,}", f"{sum(built[name].values()):.1f}")
    return table


def _as_dict(status: Any) -> dict[str, Any]:
    return {
        "asset": status.cell.asset,
        "partition": status.cell.partition or None,
        "state": str(status.state),
        "causes": list(status.causes),
        "rows": status.rows,
        "seconds": status.seconds,
        "warnings": [{"check": warned.check, "text": warned.text} for warned in status.warnings],
    }
