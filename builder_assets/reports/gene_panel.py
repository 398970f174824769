"""One gene of a page: its picture, and all that it is drawn from to download."""

from builder_assets.base_model.report_tables import XP_SAYS
from builder_assets.reports.gene_picture import LOWEST, drawn_tables, gene_figure
from builder_assets.reports.gene_view import GeneView
from builder_assets.reports.html_page import Panel, inline_svg

SAYS = f"Stems: scores of {LOWEST} or more. Grey ticks: annotated sites. {XP_SAYS}"


def gene_panel(title: str, view: GeneView, dataset: str | None = None) -> Panel:
    """The panel of a gene; with the examples of `dataset`, or where None is given, of the first that has some."""
    tables = drawn_tables(view, dataset)
    name = f"{view.gene['chrom']}-{view.gene['gene_id']}"
    return Panel(
        title,
        SAYS,
        tables.pop("sites and calls"),
        inline_svg(name, lambda: gene_figure(view, dataset)),
        tables,
    )
