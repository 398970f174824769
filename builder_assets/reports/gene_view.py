"""All that is stored of one gene: truth, scores, calls and examples, gathered for a person to look at."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from builder_assets.base_model.genome_tracks import gene_frame
from builder_assets.coordinates import offset_expr
from builder_assets.project.gene_search import found_genes, stored_genes, verdict
from builder_assets.settings import Settings
from resources.table_files import scan

EXAMPLE_COLUMNS = [
    "position", "offset", "splice_type", "negative_tier", "donor_score", "acceptor_score", "sample_weight",
    "split", "fold",
]  # fmt: skip


class GeneNotFoundError(ValueError):
    """Not exactly one gene is meant; the text says what there is."""


@dataclass(frozen=True)
class GeneView:
    """What is stored of one gene. Frames that are not built are empty, and without columns.

    Attributes:
        genome: Name of its genome in builder.yaml.
        base_model: Name of the base model, or None if the genome has none.
        gene: Its row of tables.GENES.
        exons: tables.EXONS of all of its transcripts.
        introns: tables.INTRONS.
        sites: tables.SPLICE_SITES.
        scores: offset, position, donor, acceptor, neither: one row per base.
        calls: tables.SPLICE_CALLS.
        performance: tables.GENE_PERFORMANCE.
        examples: Dataset -> `EXAMPLE_COLUMNS` of its rows; only datasets that have some.
    """

    genome: str
    base_model: str | None
    gene: dict[str, Any]
    exons: pl.DataFrame
    introns: pl.DataFrame
    sites: pl.DataFrame
    scores: pl.DataFrame
    calls: pl.DataFrame
    performance: pl.DataFrame
    examples: dict[str, pl.DataFrame]

    @property
    def title(self) -> str:
        """Symbol, id, type and place in one line."""
        g = self.gene
        names = " ".join(filter(None, [g["gene_name"], g["gene_id"], g["gene_type"]]))
        return f"{names}  {g['chrom']}:{g['start']:,}-{g['end']:,} ({g['strand']})"


def gene_view(settings: Settings, gene: str, base_model: str | None = None) -> GeneView:
    """Gather one gene from the stored tables.

    Args:
        settings: Of the project.
        gene: What a gene list may say: stable id with or without version, or symbol; `22|NAME` for one place.
        base_model: Name in builder.yaml; None takes the first one on whose genome the gene is.

    Raises:
        GeneNotFoundError: no such base model, or not exactly one gene is meant.
        GeneSearchError: the genome has no table of genes yet.
    """
    if base_model is not None and base_model not in settings.base_models:
        known = ", ".join(settings.base_models) or "(none defined)"
        raise GeneNotFoundError(f"base model {base_model!r}: name one of {known}.")
    only = settings.base_models[base_model].genome if base_model else None
    answers = {}
    for name, genes in stored_genes(settings, only).items():
        answers[name] = found_genes(genes, gene)
        if answers[name].height == 1 and not answers[name]["why"][0].startswith("contains"):
            models = [word for word, model in settings.base_models.items() if model.genome == name]
            row = genes.join(answers[name].select("chrom", "gene_id"), on=["chrom", "gene_id"], how="semi")
            return stored_gene(settings, name, base_model or next(iter(models), None), row.row(0, named=True))
    raise GeneNotFoundError(" ".join(f"{name}: {verdict(found, gene)}" for name, found in answers.items()))


def stored_gene(settings: Settings, genome: str, base_model: str | None, gene: dict[str, Any]) -> GeneView:
    """Everything stored of the gene in one row of tables.GENES; what is not built stays empty."""
    chrom, root = gene["chrom"], settings.data_path

    def rows(*place: str, columns: list[str] | None = None) -> pl.DataFrame:
        path = root.joinpath(*place, f"{chrom}.parquet")
        found = _rows_of_gene(path, gene["gene_id"])
        return found.select(columns) if columns and found.width else found

    def of_model(table: str) -> pl.DataFrame:
        return rows(base_model, table) if base_model else pl.DataFrame()

    scores = of_model("splice_scores")
    datasets = settings.datasets_of(base_model) if base_model else {}
    examples = {name: rows(name, "training_examples", columns=EXAMPLE_COLUMNS) for name in datasets}
    return GeneView(
        genome=genome,
        base_model=base_model,
        gene=gene,
        exons=rows(genome, "exons"),
        introns=rows(genome, "introns"),
        sites=rows(genome, "splice_sites"),
        scores=gene_frame(scores.row(0, named=True)) if scores.height else pl.DataFrame(),
        calls=of_model("splice_calls"),
        performance=of_model("gene_performance"),
        examples={name: frame for name, frame in examples.items() if frame.height},
    )


def _rows_of_gene(path: Path, gene_id: str) -> pl.DataFrame:
    return scan(path).filter(pl.col("gene_id") == gene_id).collect() if path.is_file() else pl.DataFrame()


def sites_and_calls(view: GeneView) -> pl.DataFrame:
    """Every annotated site and every called base, once per kind, in transcription order.

    Returns:
        offset, position, kind, motif and n_transcripts (null where the gene has no site), canonical, score (null
        where the gene is not scored), outcome (null where it is neither called nor missed: its label does not count).
    """
    gene = view.gene
    truth = view.sites.select("position", "kind", "motif", "n_transcripts", canonical="any_canonical")
    empty = pl.DataFrame(schema={"position": pl.Int64, "kind": pl.String, "outcome": pl.String})
    calls = view.calls.select("position", "kind", "outcome") if view.calls.height else empty
    both = truth.join(calls, on=["position", "kind"], how="full", coalesce=True)
    both = both.with_columns(
        offset=offset_expr(pl.col("position"), pl.lit(gene["start"]), pl.lit(gene["end"]), pl.lit(gene["strand"]))
    )
    if view.scores.height:
        score = pl.when(pl.col("kind") == "donor").then("donor").otherwise("acceptor")
        both = both.join(view.scores.drop("offset"), on="position", how="left").with_columns(score=score)
    else:
        both = both.with_columns(score=pl.lit(None, pl.Float32))
    return both.sort("offset", "kind").select(
        "offset", "position", "kind", "motif", "n_transcripts", "canonical", "score", "outcome"
    )
