"""Commands that look at genes and datasets, and write them in other forms."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from builder_assets.cli.app import AsJson, Config, app, console, print_json, print_stale, reported


@app.command()
@reported
def select(
    dataset: Annotated[str, typer.Option("--dataset", help="The dataset to look at.")],
    config: Config = None,
    genes: Annotated[int, typer.Option("--genes", min=0, help="How many genes to list; 0 lists none.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Preview a dataset's genes: how many, which, why, from how many candidates, and what scoring them would cost.

    Reads the built genome tables (and, for an error policy, gene_performance) and the settings; builds nothing.
    """
    from builder_assets.project.folder import open_project
    from builder_assets.project.selection_preview import preview_selection

    preview = preview_selection(open_project(config), dataset)
    if as_json:
        print_json(preview.as_dict())
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
@reported
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
    rows_per_shard: Annotated[int, typer.Option(min=1, help="Rows of each shard.")] = 100_000,
    config: Config = None,
) -> None:
    """Write a built dataset as one Parquet file, CSV, shards, or in the predecessor's layout."""
    from builder_assets.project.export import Layout, export_dataset
    from builder_assets.project.folder import open_project

    target = output.expanduser().resolve()
    if layout not in list(Layout):
        raise ValueError(f"--layout {layout!r} is none of {', '.join(Layout)}.")
    if target.suffix and layout in (Layout.PARQUET, Layout.CSV) and target.suffix != f".{layout}":
        raise ValueError(f"{target.name} would hold {layout}: call it {target.stem}.{layout}, or give --layout.")
    rows = export_dataset(open_project(config), dataset, Layout(layout), target, rows_per_shard)
    console.print(f"{rows:,} rows of {dataset} in {target}", highlight=False, soft_wrap=True)


@app.command()
@reported
def genes(
    find: Annotated[
        str, typer.Argument(help="Stable id (with or without version), symbol or alias; 22|NAME for one place.")
    ],
    config: Config = None,
    genome: Annotated[str | None, typer.Option("--genome", help="Only this genome.", show_default=False)] = None,
    as_json: AsJson = False,
) -> None:
    """Show which gene an entry of a gene list means, and why. Needs the genome's `genes` built."""
    from builder_assets.project.folder import open_project
    from builder_assets.project.gene_search import found_genes, gene_lines, stored_genes, verdict

    project = open_project(config)
    answers = {name: found_genes(stored, find) for name, stored in stored_genes(project.settings, genome).items()}
    if as_json:
        print_json({name: found.to_dicts() for name, found in answers.items()})
    for name, found in answers.items() if not as_json else ():
        console.print(Text(name, "bold"), f" {verdict(found, find)}", highlight=False, soft_wrap=True)
        for line in gene_lines(found):
            console.print(f"  {line}", highlight=False, soft_wrap=True)
    if not any(found.height for found in answers.values()):
        raise typer.Exit(2)


@app.command()
@reported
def tracks(
    folder: Annotated[Path, typer.Argument(help="Folder to write to.")],
    base_model: Annotated[str | None, typer.Option("--base-model", help="Where there are several.")] = None,
    minimum: Annotated[
        float, typer.Option(min=0, max=1, help="Scores below are left out; 0 keeps every scored base.")
    ] = 0.001,
    config: Config = None,
) -> None:
    """Write scores as bigWig (donor and acceptor, each strand) and calls as BED, for IGV and the like.

    Tables that are not what would be built now, and chromosomes that were never built, are named first.
    """
    from builder_assets.gene_scores import export_tracks, model_name
    from builder_assets.project.folder import open_project
    from builder_assets.project.freshness import left_out_lines, require_there, stale_lines, tables_behind
    from builder_assets.tables import SPLICE_CALLS, SPLICE_SCORES

    target = folder.expanduser().resolve()
    project = open_project(config)
    name = model_name(project.settings, base_model)
    behind = tables_behind(project, [f"{name}/{table.name}" for table in (SPLICE_SCORES, SPLICE_CALLS)])
    require_there(behind)
    files = export_tracks(name, target, minimum, project.config)
    print_stale([*stale_lines(behind), *left_out_lines(behind)])
    for path in files:
        console.print(f"wrote {path}", highlight=False, soft_wrap=True)
