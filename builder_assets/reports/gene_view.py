"""All that is stored of one gene: truth, scores, calls and examples, gathered for a person to look at."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from builder_assets import tables
from builder_assets.asset_graph import genome_files
from builder_assets.base_model.genome_tracks import gene_frame
from builder_assets.base_model.motif_errors import with_motifs
from builder_assets.coordinates import offset_expr
from builder_assets.dataset.columns import training_examples_contract
from builder_assets.genome.contigs import stretch_to_show
from builder_assets.project.gene_search import UnknownGeneError, stored_genes, the_gene
from builder_assets.project.stored import file_of, gene_rows
from builder_assets.settings import Settings
from resources.table_contract import TableContract

EXAMPLE_COLUMNS = [
    "position", "offset", "splice_type", "negative_tier", "donor_score", "acceptor_score", "sample_weight",
    "split", "fold",
]  # fmt: skip


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
        calls: tables.SPLICE_CALLS, with `motif` where the genome's bases are at hand.
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
        UnknownGeneError: no such base model, or not exactly one gene is meant.
        NotBuiltError: a table of the genome is not there; names the chromosomes.
    """
    if base_model is not None and base_model not in settings.base_models:
        known = ", ".join(settings.base_models) or "(none defined)"
        raise UnknownGeneError(f"base model {base_model!r}: name one of {known}.")
    only = settings.base_models[base_model].genome if base_model else None
    name, row = the_gene(stored_genes(settings, only), gene)
    models = [word for word, model in settings.base_models.items() if model.genome == name]
    return stored_gene(settings, name, base_model or next(iter(models), None), row)


def tables_of_gene(settings: Settings, genome: str, base_model: str | None, datasets: Collection[str]) -> list[str]:
    """The assets that `stored_gene` reads."""
    of_genome = [tables.GENES, tables.EXONS, tables.INTRONS, tables.SPLICE_SITES]
    of_model = [tables.SPLICE_SCORES, tables.SPLICE_CALLS, tables.GENE_PERFORMANCE]
    read = [f"{genome}/{table.name}" for table in of_genome]
    read += [f"{base_model}/{table.name}" for table in of_model if base_model]
    return read + [f"{name}/{_examples_of(settings, name).name}" for name in datasets]


def stored_gene(settings: Settings, genome: str, base_model: str | None, gene: dict[str, Any]) -> GeneView:
    """Everything stored of the gene in one row of tables.GENES; of base model and datasets, what is not built is empty.

    Raises:
        NotBuiltError: a table of the genome is not there.
    """
    chrom, gene_id = gene["chrom"], gene["gene_id"]

    def of_genome(contract: TableContract) -> pl.DataFrame:
        return gene_rows(settings, genome, contract, chrom, gene_id)

    def if_built(owner: str | None, contract: TableContract) -> pl.DataFrame:
        if owner is None or not file_of(settings, owner, contract, chrom).is_file():
            return pl.DataFrame()
        return gene_rows(settings, owner, contract, chrom, gene_id)

    scores = if_built(base_model, tables.SPLICE_SCORES)
    datasets = settings.datasets_of(base_model) if base_model else {}
    examples = {name: if_built(name, _examples_of(settings, name)) for name in datasets}
    return GeneView(
        genome=genome,
        base_model=base_model,
        gene=gene,
        exons=of_genome(tables.EXONS),
        introns=of_genome(tables.INTRONS),
        sites=of_genome(tables.SPLICE_SITES),
        scores=gene_frame(scores.row(0, named=True)) if scores.height else pl.DataFrame(),
        calls=_with_motifs(settings, genome, gene, if_built(base_model, tables.SPLICE_CALLS)),
        performance=if_built(base_model, tables.GENE_PERFORMANCE),
        examples={name: frame.select(EXAMPLE_COLUMNS) for name, frame in examples.items() if frame.height},
    )


def _examples_of(settings: Settings, dataset: str) -> TableContract:
    return training_examples_contract(settings.datasets[dataset].features)


def _with_motifs(settings: Settings, genome: str, gene: dict[str, Any], calls: pl.DataFrame) -> pl.DataFrame:
    """Calls with the dinucleotide beside them, null where the FASTA is not here: tables may lie on another machine."""
    if not calls.height:
        return calls
    files = genome_files(settings, genome)
    if not all(Path(path).is_file() for path in (files.fasta, *files.more_fastas)):
        return calls.with_columns(motif=pl.lit(None, pl.String))
    with files.reference() as reference:
        first, last = gene["start"] - 2, gene["end"] + 2
        bases = stretch_to_show(reference, gene["chrom"], first, last, settings.genomes[genome].assembly)
    return with_motifs(calls, bases)


def sites_and_calls(view: GeneView) -> pl.DataFrame:
    """Every annotated site and every called base, once per kind, in transcription order.

    Returns:
        offset, position, kind, motif (of a site its intron's, of another call the two bases where an intron would
        begin or end; null where the genome's bases are not at hand), n_transcripts (null where the gene has no site),
        canonical, score (null where the gene is not scored), outcome (null where it is neither called nor missed: its
        label does not count).
    """
    gene = view.gene
    truth = view.sites.select("position", "kind", "motif", "n_transcripts", canonical="any_canonical")
    empty = pl.DataFrame(schema={"position": pl.Int64, **dict.fromkeys(("kind", "outcome", "beside"), pl.String)})
    calls = view.calls.select("position", "kind", "outcome", beside="motif") if view.calls.height else empty
    both = truth.join(calls, on=["position", "kind"], how="full", coalesce=True)
    both = both.with_columns(motif=pl.coalesce("motif", "beside"))
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
