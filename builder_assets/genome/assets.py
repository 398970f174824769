"""Assets of one genome, from its two files to units that no split may part. Thin: the rules are next door."""

from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
from pydantic import BaseModel

from builder_assets import tables
from builder_assets.asset_shell import (
    MANIFEST,
    Report,
    table_asset,
    tables_step,
)
from builder_assets.genome.annotation_records import annotation_of
from builder_assets.genome.checks import genome_checks
from builder_assets.genome.chromosome_tables import chromosome_tables
from builder_assets.genome.contigs import chromosome_sequence, contig_of, fasta_records, letter_counts
from builder_assets.genome.landmarks import check_assembly
from builder_assets.genome.sources import source_files
from builder_assets.genome.split_units import split_units
from builder_assets.manifest import registered_files
from builder_assets.settings import GenomeSettings, IntronSettings, Settings
from resources.annotation_file import read_annotation
from resources.gene_tables import read_gene_table
from resources.genome_files import GenomeFiles

CHROMOSOME_TABLES = (
    tables.GENES,
    tables.TRANSCRIPTS,
    tables.EXONS,
    tables.INTRONS,
    tables.SPLICE_SITES,
    tables.GENE_OVERLAPS,
)


class Assembly(BaseModel, frozen=True):
    """The part of a genome's settings that decides what a contig name means."""

    assembly: str


class ContigRegions(BaseModel, frozen=True):
    """The part of a genome's settings that decides which bases are really there."""

    assembly: str
    regions: tuple[str, ...]


def files_key(genome: str) -> str:
    """Resource key of a genome's files."""
    return f"{genome}_files"


def genome_assets(name: str, settings: Settings) -> tuple[list[dg.AssetsDefinition], list[dg.AssetChecksDefinition]]:
    """All assets and checks of one genome."""
    genome = settings.genomes[name]
    chromosomes = dg.StaticPartitionsDefinition(list(genome.chromosomes))
    fasta = [file.path for file in source_files(settings, genome, "fasta")]
    (annotation,) = (file.path for file in source_files(settings, genome, "annotation"))
    summary = next((file.path for file in source_files(settings, genome, "summary")), None)
    assembly = Assembly(assembly=genome.assembly)
    regions = ContigRegions(assembly=genome.assembly, regions=genome.regions)
    assets = [
        _genome_fasta(name, assembly, fasta),
        _gene_annotation(name, assembly, annotation, summary),
        _contig(name, regions, chromosomes),
        _annotation_records(name, chromosomes),
        _chromosome_tables(name, genome, genome.introns, chromosomes),
        _split_units(name, settings.path(genome.paralogs) if genome.paralogs else None),
    ]
    return assets, genome_checks(name, genome, chromosomes, files_key(name), summary)


def _genome_fasta(name: str, settings: Assembly, paths: list[Path]) -> dg.AssetsDefinition:
    resource = files_key(name)

    @table_asset(
        name, tables.GENOME_FASTA, 1, settings, input_files=paths, resources=[resource], kinds=("fasta", "pysam")
    )
    def genome_fasta(context: dg.AssetExecutionContext) -> dg.MaterializeResult[pl.DataFrame]:
        report = Report()
        files: GenomeFiles = getattr(context.resources, resource)
        for path in paths:
            files.fetch(path)
        reference = files.reference()
        reference.validate()
        seen = registered_files(paths)
        records = fasta_records(reference.records(), reference.file_sha256(), settings.assembly)
        return report.result(records, file=dg.MetadataValue.path(str(paths[0])), files=len(paths), **seen)

    return genome_fasta


def _gene_annotation(name: str, settings: Assembly, path: Path, summary: Path | None) -> dg.AssetsDefinition:
    resource = files_key(name)
    paths = [path, *([summary] if summary else [])]

    @table_asset(
        name,
        tables.GENE_ANNOTATION,
        3,
        settings,
        input_files=paths,
        resources=[resource],
        kinds=("gtf", "polars"),
    )
    def gene_annotation(context: dg.AssetExecutionContext) -> dg.MaterializeResult[pl.DataFrame]:
        report = Report()
        for file in paths:
            getattr(context.resources, resource).fetch(file)
        seen = registered_files(paths)
        records, left_out = annotation_of(read_annotation(path), settings.assembly)
        check_assembly(records, settings.assembly)
        if left_out.height:
            named = ", ".join(left_out["gene_id"].head(20).to_list())
            context.log.warning(f"{left_out.height} genes have no strand, or rows on both; left out: {named}")
        found: dict[str, Any] = dict(records.group_by("feature").len().sort("feature").iter_rows())
        found["genes_without_one_strand"] = left_out.height
        return report.result(records, file=dg.MetadataValue.path(str(path)), **seen, **found)

    return gene_annotation


def _contig(name: str, settings: ContigRegions, chromosomes: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    resource = files_key(name)

    @table_asset(
        name,
        tables.CONTIG,
        1,
        settings,
        inputs={"genome_fasta": [name, "genome_fasta"]},
        partitions=chromosomes,
        resources=[resource],
        kinds=("fasta", "pysam"),
    )
    def contig(
        context: dg.AssetExecutionContext,
        genome_fasta: pl.DataFrame,  # noqa: ARG001  registered first
    ) -> dg.MaterializeResult[pl.DataFrame]:
        report = Report()
        files: GenomeFiles = getattr(context.resources, resource)
        reference = files.reference()
        segments = contig_of(reference, context.partition_key, settings.assembly, settings.regions)
        counts = letter_counts(reference, segments, settings.assembly)
        counts |= {"bases": int(segments["length"].sum()), "n_bases": int(segments["n_n"].sum())}
        return report.result(segments, None, **counts)

    return contig


def _annotation_records(name: str, chromosomes: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    @table_asset(
        name,
        tables.ANNOTATION_RECORDS,
        2,
        inputs={"gene_annotation": [name, "gene_annotation"]},
        partitions=chromosomes,
    )
    def annotation_records(
        context: dg.AssetExecutionContext, gene_annotation: pl.LazyFrame
    ) -> dg.MaterializeResult[pl.DataFrame]:
        report = Report()
        return report.result(gene_annotation.filter(pl.col("chrom") == context.partition_key).collect())

    return annotation_records


def _chromosome_tables(
    name: str, genome: GenomeSettings, settings: IntronSettings, chromosomes: dg.PartitionsDefinition
) -> dg.AssetsDefinition:
    resource = files_key(name)

    @tables_step(
        name,
        "chromosome_tables",
        CHROMOSOME_TABLES,
        2,
        settings,
        inputs={"contig": [name, "contig"], "annotation_records": [name, "annotation_records"]},
        partitions=chromosomes,
        resources=[resource],
    )
    def build_chromosome_tables(
        context: dg.AssetExecutionContext, contig: pl.DataFrame, annotation_records: pl.DataFrame
    ):
        report = Report()
        files: GenomeFiles = getattr(context.resources, resource)
        sequence = chromosome_sequence(files.reference(), contig, genome.assembly)
        built = chromosome_tables(annotation_records, sequence, settings)
        if built.dropped.height:
            named = ", ".join(built.dropped["gene_id"].head(20).to_list())
            context.log.warning(f"{built.dropped.height} genes are not wholly inside the sequence, left out: {named}")
        notes = {
            "genes": {"dropped_genes": built.dropped.height, "genes_without_exons": built.n_genes_without_exons},
            "transcripts": {"transcripts_without_exons": built.n_transcripts_without_exons},
            "introns": {"gap_introns": built.gap_introns},
        }
        return tuple(
            report.result(getattr(built, table.name), [name, table.name], **notes.get(table.name, {}))
            for table in CHROMOSOME_TABLES
        )

    return build_chromosome_tables


def _split_units(name: str, paralog_file: Path | None) -> dg.AssetsDefinition:
    files = [paralog_file] if paralog_file else []

    @table_asset(
        name,
        tables.SPLIT_UNITS,
        1,
        inputs={"genes": [name, "genes"], "splice_sites": [name, "splice_sites"]},
        input_files=files,
        resources=[MANIFEST],
    )
    def units(
        context: dg.AssetExecutionContext, genes: dict[str, pl.LazyFrame], splice_sites: dict[str, pl.LazyFrame]
    ) -> dg.MaterializeResult[pl.DataFrame]:
        report = Report()
        context.resources.manifest.require_fresh(context.instance, f"{name}/{tables.SPLIT_UNITS.name}")
        windows = pl.concat(splice_sites.values()).select("chrom", "gene_id", "window_hash").collect()
        seen = registered_files(files)
        paralogs = read_gene_table(paralog_file, ("gene_id", "paralog_id")) if paralog_file else None
        frame = split_units(pl.concat(genes.values()).collect(), windows, paralogs)
        return report.result(
            frame,
            units=frame["unit"].n_unique(),
            largest_unit=int(frame["unit_size"].max() or 0),  # pyright: ignore
            **seen,
        )

    return units
