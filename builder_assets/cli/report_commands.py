"""Commands that show what is built."""

from pathlib import Path
from typing import Annotated

import typer

from builder_assets.cli.app import Config, app, console, reported


@app.command()
@reported
def inspect(
    gene: Annotated[str, typer.Argument(help="Stable id (with or without version) or symbol; 22|NAME for one place.")],
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
    from builder_assets.reports.gene_picture import save_picture
    from builder_assets.reports.gene_text import gene_text
    from builder_assets.reports.gene_view import gene_view
    from builder_assets.settings import load_settings

    view = gene_view(load_settings(config), gene, base_model)
    for part in gene_text(view):
        console.print(part, highlight=False, soft_wrap=isinstance(part, str))
    if picture is not None:
        target = picture.expanduser().resolve()
        save_picture(view, target)
        console.print(f"wrote {target}", highlight=False, soft_wrap=True)
