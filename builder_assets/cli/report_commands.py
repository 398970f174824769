"""Commands that show what is built."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from builder_assets.cli.app import Config, app, console, print_stale, reported


@app.command()
@reported
def inspect(
    gene: Annotated[
        str, typer.Argument(help="Stable id (with or without version), symbol or alias; 22|NAME for one place.")
    ],
    picture: Annotated[
        Path | None,
        typer.Option(help="Also draw it: exons, scores, calls and examples (.png, .svg or .pdf).", show_default=False),
    ] = None,
    base_model: Annotated[
        str | None, typer.Option("--base-model", help="Where there are several.", show_default=False)
    ] = None,
    config: Config = None,
) -> None:
    """Show one gene: truth, scores, calls and examples, as text and, with --picture, along the chromosome.

    Tables that are not what would be built now are named first.
    """
    from builder_assets.project.folder import open_project
    from builder_assets.project.freshness import require_there, stale_lines, tables_behind
    from builder_assets.reports.gene_picture import check_format, save_picture
    from builder_assets.reports.gene_text import gene_text
    from builder_assets.reports.gene_view import gene_view, tables_of_gene

    target = picture and picture.expanduser().resolve()
    if target is not None:
        check_format(target)
    project = open_project(config)
    view = gene_view(project.settings, gene, base_model)
    datasets = project.settings.datasets_of(view.base_model) if view.base_model else ()
    read = tables_of_gene(project.settings, view.genome, view.base_model, list(datasets))
    behind = [one for one in tables_behind(project, read) if one.cell.partition == view.gene["chrom"]]
    require_there(behind)
    print_stale(stale_lines(behind))
    for part in gene_text(view):
        console.print(part, highlight=False, soft_wrap=not isinstance(part, Table))
    if target is not None:
        save_picture(view, target)
        console.print(f"wrote {target}", highlight=False, soft_wrap=True)


@app.command()
@reported
def report(
    names: Annotated[
        list[str] | None, typer.Argument(help="Base models and datasets; all that are built where none is named.")
    ] = None,
    output: Annotated[Path, typer.Option("--output", help="Folder to write to.")] = Path("reports"),
    config: Config = None,
) -> None:
    """Write a page per base model and per dataset: an HTML file each, to open in a browser or to send to someone.

    Curves, score histograms, errors, negatives, features, best and worst genes; every picture's numbers can be
    downloaded from the page. Nothing is fetched, so a page works anywhere. A page names the settings that its tables
    were made with, and the tables that are not what would be built now.
    """
    from builder_assets.project.folder import open_project
    from builder_assets.reports.pages import write_pages

    folder = output.expanduser().resolve()
    said: dict[str, None] = {}
    for page in write_pages(open_project(config), names or (), folder):
        console.print(f"wrote {page.path}", highlight=False, soft_wrap=True)
        print_stale(line for line in page.stale if line not in said)
        said |= dict.fromkeys(page.stale)
