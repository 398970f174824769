"""A base model's report for the UI: how right it is in a table, and what its scores look like in pictures."""

import polars as pl

from builder_assets.asset_shell import markdown_table
from builder_assets.base_model.report_figures import (
    precision_recall_figure,
    score_histogram_figure,
    score_profile_figure,
)
from builder_assets.base_model.report_tables import (
    POOLED_SAYS,
    pooled_table,
    precision_recall,
    score_histogram,
    score_profile,
)
from builder_assets.pictures import markdown_picture


def report_markdown(name: str, report: pl.DataFrame) -> str:
    """The main numbers and pictures of a MODEL_REPORT as Markdown, pictures inside."""
    pictures = {
        "precision over recall": precision_recall_figure(precision_recall(report)),
        "scores of sites and of other bases": score_histogram_figure(score_histogram(report)),
        "mean score around sites": score_profile_figure(score_profile(report)),
    }
    parts = [
        "Over all chromosomes, each base once.",
        markdown_table(pooled_table(report)),
        POOLED_SAYS,
        *(markdown_picture(figure, says) for says, figure in pictures.items()),
        f"`builder report {name}` writes a page with these, errors by gene type and motif, genes, and every number.",
    ]
    return "\n\n".join(parts)
