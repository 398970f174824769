"""Commands that show what is built."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from builder_assets.cli.app import Config, app, console, reported


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
    """Show one gene: truth, scores, calls and examples, as text and, with --picture, along the chromosome."""
    from builder_assets.reports.gene_picture import check_format, save_picture
    from builder_assets.reports.gene_text import gene_text
    from builder_assets.reports.gene_view import gene_view
    from builder_assets.settings import load_settings

    if picture is not None:
        check_format(picture)
    view = gene_view(load_settings(config), gene, base_model)
    for part in gene_text(view):
        console.print(part, highlight=False, soft_wrap=not isinstance(part, Table))
    if picture is not None:
        target = picture.expanduser().resolve()
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
    downloaded from the page. Nothing is fetched, so a page works anywhere.
    """
    from builder_assets.reports.pages import write_pages
    from builder_assets.settings import load_settings

    for path in write_pages(load_settings(config), names or (), output.expanduser().resolve()):
        console.print(f"wrote {path}", highlight=False, soft_wrap=True)
