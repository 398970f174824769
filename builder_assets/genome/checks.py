"""Asset checks of one genome: thin shells around the verdicts of `builder_assets.genome`, with tables and pictures.

Pictures are imported where they are drawn: they load matplotlib, and every command and every worker loads this file.
"""

from collections.abc import Mapping
from pathlib import Path

import dagster as dg
import polars as pl

from builder_assets.asset_shell import STORE, asset_inputs, check_result, markdown_table
from builder_assets.genome.annotation_checks import (
    Verdict,
    contig_fit,
    contig_table,
    gene_types,
    intron_lengths,
    length_histogram,
    table_identities,
)
from builder_assets.genome.contigs import chromosome_sequence
from builder_assets.genome.mane import SUMMARY_COLUMNS, summary_agreement
from builder_assets.genome.motifs import motif_table, motif_verdict
from builder_assets.genome.releases import total_drift
from builder_assets.settings import GenomeSettings
from resources.gene_tables import read_gene_table
from resources.genome_files import GenomeFiles


def genome_checks(
    name: str, genome: GenomeSettings, chromosomes: dg.PartitionsDefinition, resource: str, summary: Path | None
) -> list[dg.AssetChecksDefinition]:
    """All checks of one genome.

    Args:
        name: Of the genome, the prefix of its assets.
        genome: Its settings.
        chromosomes: Its partitions.
        resource: Key of its files.
        summary: List of the annotation's transcripts, where its release comes with one.
    """
    return [
        _contig_check(name, genome),
        _mane_check(name, genome, summary) if summary else _total_check(name, genome),
        _type_check(name, chromosomes),
        _intron_check(name, chromosomes),
        _motif_check(name, genome, chromosomes, resource),
        _identity_check(name, chromosomes),
    ]


def _motif_check(
    name: str, genome: GenomeSettings, chromosomes: dg.PartitionsDefinition, resource: str
) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        name="splice_motifs",
        asset=dg.AssetKey([name, "splice_sites"]),
        additional_ins=asset_inputs({table: [name, table] for table in ("genes", "introns", "contig")}),
        partitions_def=chromosomes,
        blocking=True,
        required_resource_keys={resource, STORE},
        description="GT and AG at the ends of introns and at no shift beside: coordinates, build.",
    )
    def splice_motifs(
        context: dg.AssetCheckExecutionContext,
        genes: pl.DataFrame,
        introns: pl.DataFrame,
        contig: pl.DataFrame,
    ) -> dg.AssetCheckResult:
        files: GenomeFiles = getattr(context.resources, resource)
        sequence = chromosome_sequence(files.reference(), contig, genome.assembly)
        verdict = motif_verdict(introns, genes, sequence)
        path = context.resources.table_store.path_of(dg.AssetKey([name, "splice_sites"]), context.partition_key)
        return check_result(
            verdict.level in ("pass", "too few"),
            blocking=verdict.level == "error",
            text=verdict.text,
            path=path,
            numbers={
                **verdict.numbers,
                "motifs": dg.MetadataValue.md(markdown_table(motif_table(introns, genes))),
                "picture": dg.MetadataValue.md(_motif_picture(verdict.numbers, context.partition_key)),
            },
        )

    return splice_motifs


def _motif_picture(numbers: Mapping[str, float], chrom: str) -> str:
    """Motifs where they belong, and GT and AG one and two bases beside, as Markdown."""
    from builder_assets.pictures import bar_figure, markdown_picture

    names = [
        "GT",
        "GC",
        "AT",
        "AG",
        "AC",
        *(f"{motif}{shift:+d}" for motif in ("GT", "AG") for shift in (-2, -1, 1, 2)),
    ]
    shares = [(name, numbers.get(name, 0.0)) for name in names]
    return markdown_picture(bar_figure(f"Motifs of {chrom}, and beside the sites", shares), "shares of motifs")


def _result(
    context: dg.AssetCheckExecutionContext,
    key: list[str],
    verdict: Verdict,
    partition: str | None = None,
    **shown: dg.MetadataValue,
) -> dg.AssetCheckResult:
    """A verdict on one partition of the stored table `key`, as Dagster records it."""
    return check_result(
        verdict.level == "pass",
        blocking=verdict.level == "error",
        text=verdict.text,
        path=context.resources.table_store.path_of(dg.AssetKey(key), partition),
        numbers={**verdict.numbers, **shown},
    )


def _contig_check(name: str, genome: GenomeSettings) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        name="contig_fit",
        asset=dg.AssetKey([name, "gene_annotation"]),
        additional_ins=asset_inputs({"genome_fasta": [name, "genome_fasta"]}),
        blocking=True,
        required_resource_keys={STORE},
        description="Chromosomes of the settings have genes that end inside the FASTA; what is left out is counted.",
    )
    def contig_check(
        context: dg.AssetCheckExecutionContext, gene_annotation: pl.DataFrame, genome_fasta: pl.DataFrame
    ) -> dg.AssetCheckResult:
        verdict = contig_fit(gene_annotation, genome_fasta, genome.chromosomes, genome.assembly)
        table = contig_table(gene_annotation, genome_fasta, genome.assembly)
        own = table.filter(pl.col("chrom").is_in(list(genome.chromosomes)))
        contigs = dg.MetadataValue.md(markdown_table(own))
        return _result(context, [name, "gene_annotation"], verdict, contigs=contigs)

    return contig_check


def _total_check(name: str, genome: GenomeSettings) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        name="release_totals",
        asset=dg.AssetKey([name, "gene_annotation"]),
        required_resource_keys={STORE},
        description="Genes and transcripts against the published totals of the release.",
    )
    def total_check(context: dg.AssetCheckExecutionContext, gene_annotation: pl.DataFrame) -> dg.AssetCheckResult:
        is_well, text, numbers = total_drift(gene_annotation, genome.annotation, genome.assembly)
        return _result(context, [name, "gene_annotation"], Verdict("pass" if is_well else "warn", text, numbers))

    return total_check


def _mane_check(name: str, genome: GenomeSettings, summary: Path) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        name="mane_summary",
        asset=dg.AssetKey([name, "gene_annotation"]),
        blocking=True,
        required_resource_keys={STORE},
        description="Every transcript that MANE's summary lists is in the annotation, at its place, with its status.",
    )
    def mane_check(context: dg.AssetCheckExecutionContext, gene_annotation: pl.DataFrame) -> dg.AssetCheckResult:
        verdict = summary_agreement(gene_annotation, read_gene_table(summary, SUMMARY_COLUMNS), genome.assembly)
        return _result(context, [name, "gene_annotation"], verdict)

    return mane_check


def _type_check(name: str, chromosomes: dg.PartitionsDefinition) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        name="gene_types",
        asset=dg.AssetKey([name, "genes"]),
        partitions_def=chromosomes,
        required_resource_keys={STORE},
        description="Share of genes whose type is unknown: a dataset's `types:` cannot find those.",
    )
    def type_check(context: dg.AssetCheckExecutionContext, genes: pl.DataFrame) -> dg.AssetCheckResult:
        return _result(context, [name, "genes"], gene_types(genes), context.partition_key)

    return type_check


def _intron_check(name: str, chromosomes: dg.PartitionsDefinition) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        name="intron_lengths",
        asset=dg.AssetKey([name, "introns"]),
        partitions_def=chromosomes,
        required_resource_keys={STORE},
        description="Lengths of unique introns, and the share of alignment gaps among them.",
    )
    def intron_check(context: dg.AssetCheckExecutionContext, introns: pl.DataFrame) -> dg.AssetCheckResult:
        from builder_assets.pictures import histogram_figure, markdown_picture

        labels, counts = zip(*length_histogram(introns), strict=True)
        title = f"Unique introns of {context.partition_key} by length (bases, from)"
        picture = markdown_picture(histogram_figure(title, labels, counts), "intron lengths")
        return _result(
            context,
            [name, "introns"],
            intron_lengths(introns),
            context.partition_key,
            picture=dg.MetadataValue.md(picture),
        )

    return intron_check


def _identity_check(name: str, chromosomes: dg.PartitionsDefinition) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        name="identities",
        asset=dg.AssetKey([name, "splice_sites"]),
        additional_ins=asset_inputs({t: [name, t] for t in ("genes", "transcripts", "introns", "gene_overlaps")}),
        partitions_def=chromosomes,
        blocking=True,
        required_resource_keys={STORE},
        description="The stored tables of a chromosome agree: introns, sites, transcripts, overlaps.",
    )
    def identity_check(
        context: dg.AssetCheckExecutionContext,
        splice_sites: pl.DataFrame,
        genes: pl.DataFrame,
        transcripts: pl.DataFrame,
        introns: pl.DataFrame,
        gene_overlaps: pl.DataFrame,
    ) -> dg.AssetCheckResult:
        verdict = table_identities(genes, transcripts, introns, splice_sites, gene_overlaps)
        return _result(context, [name, "splice_sites"], verdict, context.partition_key)

    return identity_check
