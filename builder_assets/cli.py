"""The command `builder`: everything that the Dagster UI does, from a shell.

Exit codes: 0 done or nothing to do; 1 something failed, the rest is built; 2 wrong usage or settings.
"""

import json
import logging
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from functools import wraps
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from builder_assets import report_commands
from builder_assets.command_options import Config

Datasets = Annotated[
    list[str] | None,
    typer.Option("--dataset", help="Only this dataset and what it is made from. Repeatable.", show_default=False),
]
Chromosomes = Annotated[
    list[str] | None,
    typer.Option(
        "--chromosome",
        help="Score, evaluate and make examples for this chromosome only. Genome tables always cover all. Repeatable.",
        show_default=False,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a program instead of a table.")]

app = typer.Typer(
    name="builder",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="""Build training datasets for meta-models of splice-site predictors.

A project folder holds [bold]builder.yaml[/bold] (what to build), dagster.yaml and workspace.yaml.
Three commands do most:

  builder init my_project    write a project folder to start from
  builder build              build what is missing or stale, and nothing else
  builder ui                 watch, start and inspect builds in a browser

Exit codes: 0 done or nothing to do, 1 something failed (the rest is built), 2 wrong usage or settings.""",
)
console = Console()
errors = Console(stderr=True)


def _reported(command: Callable[..., Any]) -> Callable[..., Any]:
    """Known errors become one clear message and an honest exit code."""

    @wraps(command)
    def run(*arguments: Any, **options: Any) -> Any:
        from builder_assets.building import BuildInProgressError
        from builder_assets.settings import SettingsError

        try:
            return command(*arguments, **options)
        except (SettingsError, BuildInProgressError, ValueError, OSError) as error:
            errors.print(f"[red]error:[/red] {error}", highlight=False, soft_wrap=True)
            raise typer.Exit(1 if isinstance(error, BuildInProgressError) else 2) from error

    return run


@app.command()
@_reported
def init(
    folder: Annotated[Path, typer.Argument(help="Folder of the new project; made if it is not there.")] = Path(),
) -> None:
    """Write a project folder: commented settings, dagster.yaml, workspace.yaml and an empty history.

    Files that exist are left as they are. The settings are those of the demo genome: run `builder build` as they
    are, then edit them.
    """
    from builder_assets.project import create_project

    written = create_project(folder)
    for path in written:
        console.print(f"wrote {path}", highlight=False)
    if not written:
        console.print(f"{folder.resolve()} has all its files already; nothing written.", highlight=False)
    console.print("Next: edit builder.yaml, then `builder build`.", highlight=False)


@app.command()
@_reported
def build(
    config: Config = None,
    dataset: Datasets = None,
    chromosome: Chromosomes = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be built.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Build everything in scope again, fresh or not.")] = False,
) -> None:
    """Build what is missing, failed or stale, and nothing else.

    Safe to stop and to run again: finished chromosomes stay, gene scores are reused. The same history is shown by
    `builder ui`, and partitions built there are not built again here.
    """
    from builder_assets.building import LayerResult, Scope
    from builder_assets.building import build as run_build
    from builder_assets.project import open_project
    from builder_assets.selection_preview import check_error_policies

    project = open_project(config)
    scope = Scope(tuple(dataset or ()), tuple(chromosome or ()))
    scope.check(project)
    check_error_policies(project, scope)
    if dry_run:
        _print_plan(project, scope, force=force, as_json=False)
        return
    _show_progress()
    started = time.monotonic()
    results: list[LayerResult] = []
    for step in run_build(project, scope, force=force):
        if isinstance(step, LayerResult):
            results.append(step)
            for failure in step.failures:
                errors.print(f"[red]failed[/red] {failure}", highlight=False, soft_wrap=True)
        else:
            where = step.partition or "all chromosomes"
            names = ", ".join(name for name in step.assets)
            console.print(f"[bold]{where}[/bold]  {names}", highlight=False, soft_wrap=True)
    _print_summary(project, scope, results, time.monotonic() - started)


@app.command()
@_reported
def plan(
    config: Config = None, dataset: Datasets = None, chromosome: Chromosomes = None, as_json: AsJson = False
) -> None:
    """Say what `builder build` would build, and why. Changes nothing."""
    from builder_assets.building import Scope
    from builder_assets.project import open_project
    from builder_assets.selection_preview import check_error_policies

    project = open_project(config)
    scope = Scope(tuple(dataset or ()), tuple(chromosome or ()))
    scope.check(project)
    check_error_policies(project, scope)
    _print_plan(project, scope, force=False, as_json=as_json)


@app.command()
@_reported
def status(config: Config = None, as_json: AsJson = False) -> None:
    """Show the state of every asset: built, missing, failed, stale and why."""
    from builder_assets.project import open_project

    project = open_project(config)
    statuses = project.manifest.statuses(project.instance)
    if as_json:
        _print_json([_as_dict(status) for status in statuses.values()])
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
    for path in _leftovers(project):
        console.print(f"not in the settings any more: {path}", highlight=False)


@app.command()
@_reported
def verify(config: Config = None) -> None:
    """Read every stored file and compare its values with the history; inputs by size and time of change.

    Exit code 1 if a file is gone, damaged, or holds other values than were recorded.
    """
    from builder_assets.manifest import State
    from builder_assets.project import open_project

    project = open_project(config)
    problems, checked = [], 0
    for cell, status in project.manifest.statuses(project.instance).items():
        if status.state is State.MISSING and status.rows is None:
            continue
        found = project.manifest.verified(project.instance, cell)
        problems += found
        checked += not found
        if status.state is State.CHANGED_INPUT:
            problems.append(f"{cell}: {'; '.join(status.causes)}")
    for problem in problems:
        errors.print(f"[red]problem[/red] {problem}", highlight=False, soft_wrap=True)
    console.print(f"{checked} tables hold what the history says; {len(problems)} problems.", highlight=False)
    if problems:
        console.print("`builder build` rebuilds what is damaged.")
        raise typer.Exit(1)


@app.command()
@_reported
def ui(
    config: Config = None,
    port: Annotated[int, typer.Option(help="Port of the web server.")] = 3000,
    host: Annotated[
        str, typer.Option(help="Address to bind to. The UI has no login: keep it on this machine.")
    ] = "127.0.0.1",
) -> None:
    """Open the Dagster UI on this project: graph, history, partitions, backfills. Stop it with Ctrl-C."""
    from builder_assets.project import open_project
    from builder_assets.settings import CONFIG_VARIABLE

    project = open_project(config)
    root = project.settings.root
    console.print(f"Dagster UI at [bold]http://{host}:{port}[/bold]  (project {root})", highlight=False)
    environment = os.environ | {"DAGSTER_HOME": str(root), CONFIG_VARIABLE: str(project.config)}
    command = [sys.executable, "-m", "dagster", "dev", "-w", "workspace.yaml", "-h", host, "-p", str(port)]
    raise typer.Exit(subprocess.call(command, cwd=root, env=environment))


@app.command()
@_reported
def doctor(
    config: Config = None,
    online: Annotated[
        bool, typer.Option("--online", help="Also ask publishers for their files; needs the network, which CI has not.")
    ] = False,
) -> None:
    """Check settings, input files, weights, device, disk and versions, with a remedy for what is wrong."""
    from builder_assets.genome.sources import source_files
    from builder_assets.online_check import online_findings
    from builder_assets.project import open_project
    from resources.accelerator import configure_jax
    from resources.model_weights import spliceai_weights_folder

    project = open_project(config)
    settings = project.settings
    findings: list[tuple[bool, str, str]] = [(True, "settings", f"{settings.root}")]
    for name, genome in settings.genomes.items():
        for word in ("fasta", "annotation"):
            for file in source_files(settings, genome, word):
                absent = " is not there yet: the build fetches it" if file.remote else " is not there"
                is_well = file.path.is_file() or file.remote is not None
                findings.append((is_well, f"{name} {word}", f"{file.path}{'' if file.path.is_file() else absent}"))
    findings += online_findings(settings) if online else []
    for name, model in settings.base_models.items():
        if model.family == "spliceai":
            try:
                folder = spliceai_weights_folder(model.weights and str(settings.path(model.weights)))
                findings.append((True, f"{name} weights", str(folder)))
            except ValueError as error:
                findings.append((False, f"{name} weights", str(error)))
    findings.append((True, "device", configure_jax(None)))
    free = shutil.disk_usage(settings.root).free / 1e9
    findings.append((free > 1, "disk", f"{free:.1f} GB free under {settings.root}"))
    findings.append(
        (True, "versions", ", ".join(f"{name} {_version(name)}" for name in ("dagster", "polars", "jax", "flax")))
    )
    for good, what, text in findings:
        console.print(
            f"{'[green]ok[/green]     ' if good else '[red]problem[/red]'} {what}: {text}",
            highlight=False,
            soft_wrap=True,
        )
    if not all(good for good, _, _ in findings):
        raise typer.Exit(1)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _show_progress() -> None:
    """Progress lines of the assets go to the terminal; Dagster's own log lines stay in the history."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(logging.Formatter("    %(message)s"))
    logger = logging.getLogger("builder")
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    logger.propagate = False


def _print_plan(project: Any, scope: Any, *, force: bool, as_json: bool) -> None:
    statuses = project.manifest.statuses(project.instance)
    wanted = scope.cells(project)
    pending = project.manifest.pending(statuses)
    todo = [statuses[cell] for cell in wanted if force or not statuses[cell].is_built]
    below = [cell for cell in wanted if cell in pending and statuses[cell].is_built and not force]
    if as_json:
        _print_json({"build": [_as_dict(status) for status in todo], "check_after": [str(cell) for cell in below]})
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


def _print_summary(project: Any, scope: Any, results: list[Any], seconds: float) -> None:
    statuses = project.manifest.statuses(project.instance)
    failures = [failure for result in results for failure in result.failures]
    behind = [statuses[cell] for cell in scope.cells(project) if not statuses[cell].is_built]
    if results:
        console.print(_built_table(project, results, statuses))
    elif not behind:
        console.print("Nothing to do: everything in scope is built and fresh.")
    if behind and not failures:
        names = ", ".join(str(status.cell) for status in behind)
        console.print(f"waiting for other chromosomes: {names}", highlight=False, soft_wrap=True)
    for name in project.settings.datasets:
        if (project.settings.data_path / name / "README.md").is_file():
            console.print(f"dataset [bold]{name}[/bold]: {project.settings.data_path / name}", soft_wrap=True)
    console.print(f"{seconds:.0f} s. `builder ui` opens the UI.", highlight=False)
    if failures or any(status.state == "failed" for status in behind):
        errors.print(
            f"[red]{len(failures)} failed; the rest is built.[/red] Mend the cause, then `builder build` again."
        )
        raise typer.Exit(1)


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


def _leftovers(project: Any) -> list[Path]:
    """Stored files of partitions and assets that are no longer in the settings."""
    expected = {project.manifest.path_of(cell) for cell in project.manifest.cells}
    data = project.settings.data_path
    return sorted(path for path in data.rglob("*.parquet") if path not in expected) if data.is_dir() else []


def _as_dict(status: Any) -> dict[str, Any]:
    return {
        "asset": status.cell.asset,
        "partition": status.cell.partition or None,
        "state": str(status.state),
        "causes": list(status.causes),
        "rows": status.rows,
    }


def _print_json(value: Any) -> None:
    print(json.dumps(value, indent=2))


@app.command()
@_reported
def select(
    dataset: Annotated[str, typer.Option("--dataset", help="The dataset to look at.")],
    config: Config = None,
    genes: Annotated[int, typer.Option("--genes", help="How many genes to list; 0 lists none.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Preview a dataset's genes: how many, which, why, from how many candidates, and what scoring them would cost.

    Reads the built genome tables (and, for an error policy, gene_performance) and the settings; builds nothing.
    """
    from builder_assets.project import open_project
    from builder_assets.selection_preview import preview_selection

    preview = preview_selection(open_project(config), dataset)
    if as_json:
        _print_json(preview.as_dict())
        return
    console.print("\n".join(preview.lines()), highlight=False, soft_wrap=True)
    table = Table()
    for column in preview.shown_columns:
        table.add_column(column, overflow="fold")
    for row in preview.shown(genes):
        table.add_row(*row)
    if genes:
        console.print(table)


@app.command()
@_reported
def export(
    dataset: Annotated[str, typer.Option("--dataset", help="Dataset to export; it must be built.")],
    output: Annotated[Path, typer.Option("--output", help="File or folder to write; must not be there yet.")],
    layout: Annotated[
        str,
        typer.Option(
            help="parquet: one file. csv: one file, lists joined by ;. shards: a folder of Parquet files per side of "
            "the split. master: the layout and column names of the predecessor."
        ),
    ] = "parquet",
    rows_per_shard: Annotated[int, typer.Option(help="Rows of each shard.")] = 100_000,
    config: Config = None,
) -> None:
    """Write a built dataset as one Parquet file, CSV, shards, or in the predecessor's layout."""
    from builder_assets.dataset_export import Layout, export_dataset
    from builder_assets.project import open_project

    target = output.expanduser().resolve()
    if layout not in list(Layout):
        raise ValueError(f"--layout {layout!r} is none of {', '.join(Layout)}.")
    rows = export_dataset(open_project(config), dataset, Layout(layout), target, rows_per_shard)
    console.print(f"{rows:,} rows of {dataset} in {target}", highlight=False, soft_wrap=True)


@app.command()
@_reported
def genes(
    find: Annotated[str, typer.Argument(help="Stable id (with or without version) or symbol; 22|NAME for one place.")],
    config: Config = None,
    genome: Annotated[str | None, typer.Option("--genome", help="Only this genome.", show_default=False)] = None,
    as_json: AsJson = False,
) -> None:
    """Show which gene an entry of a gene list means, and why. Needs the genome's `genes` built."""
    from builder_assets.gene_search import found_genes, gene_lines, stored_genes, verdict
    from builder_assets.project import open_project

    project = open_project(config)
    answers = {name: found_genes(stored, find) for name, stored in stored_genes(project.settings, genome).items()}
    if as_json:
        _print_json({name: found.to_dicts() for name, found in answers.items()})
    for name, found in answers.items() if not as_json else ():
        console.print(f"[bold]{name}[/bold]  {verdict(found, find)}", highlight=False, soft_wrap=True)
        for line in gene_lines(found):
            console.print(f"  {line}", highlight=False, soft_wrap=True)
    if not any(found.height for found in answers.values()):
        raise typer.Exit(1)


@app.command()
@_reported
def tracks(
    folder: Annotated[Path, typer.Argument(help="Folder to write to.")],
    base_model: Annotated[str | None, typer.Option("--base-model", help="Where there are several.")] = None,
    minimum: Annotated[float, typer.Option(help="Scores below are left out; 0 keeps every scored base.")] = 0.001,
    config: Config = None,
) -> None:
    """Write scores as bigWig (donor and acceptor, each strand) and calls as BED, for IGV and the like."""
    from builder_assets.gene_scores import export_tracks

    for path in export_tracks(base_model, folder.resolve(), minimum, config):
        console.print(f"wrote {path}", highlight=False, soft_wrap=True)


for command in (report_commands.inspect,):
    app.command()(_reported(command))


def main() -> None:
    """Run the command line."""
    app()
