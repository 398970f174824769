"""The examples of a dataset, chromosome by chromosome, and the conservation track that they may read."""

from collections.abc import Mapping
from pathlib import Path

import dagster as dg
import numpy as np
import polars as pl
from pydantic import BaseModel

from builder_assets import tables
from builder_assets.asset_shell import Report, table_asset, tables_step
from builder_assets.dataset.columns import training_examples_contract
from builder_assets.dataset.example_stream import ExampleInputs, ExampleStream
from builder_assets.dataset.features.annotation import AnnotationTables
from builder_assets.dataset.gene_rows import GeneValues
from builder_assets.genome.assets import files_key
from builder_assets.genome.contigs import chromosome_sequence
from builder_assets.manifest import registered_files
from builder_assets.settings import EvaluationSettings, ExampleSettings
from resources.conservation_track import conservation_track
from resources.genome_files import GenomeFiles

ANNOTATION = ("transcripts", "exons", "introns", "gene_overlaps")


class ExampleRule(BaseModel, frozen=True):
    """What training_examples reads of the settings."""

    examples: ExampleSettings
    evaluation: EvaluationSettings


def training_examples_step(
    name: str,
    base_model: str,
    genome: str,
    assembly: str,
    rule: ExampleRule,
    chromosomes: dg.PartitionsDefinition,
    track: Path | None,
) -> dg.AssetsDefinition:
    """`training_examples` and `example_pools`, in one step per chromosome; rows are streamed."""
    resource = files_key(genome)
    contract = training_examples_contract(rule.examples.features)
    annotation = ANNOTATION if rule.examples.features.annotation_features else ()
    own = ("selected_genes", *(["conservation_track"] if track else []))
    of_model = model_inputs(rule)
    made = (contract, tables.EXAMPLE_POOLS)

    @tables_step(
        name,
        "examples",
        made,
        2,
        rule,
        inputs={
            **{table: [name, table] for table in own},
            **{table: [base_model, table] for table in of_model},
            **{table: [genome, table] for table in ("splice_sites", "genes", "contig", *annotation)},
        },
        partitions=chromosomes,
        resources=[resource],
    )
    def examples(context: dg.AssetExecutionContext, **frames: pl.DataFrame):
        report = Report()
        files: GenomeFiles = getattr(context.resources, resource)
        inputs = example_inputs(frames, files, assembly, track, context.partition_key)
        stream = ExampleStream(inputs, rule.examples, rule.evaluation)
        yield report.stream(stream, [name, made[0].name], lambda: {"genes": stream.gene_counts.height})
        # The stream knows its counts now that the store has taken all of it.
        yield report.result(tables.EXAMPLE_POOLS.conform(stream.gene_counts), [name, made[1].name])

    return examples


def model_inputs(rule: ExampleRule) -> list[str]:
    """The base model's tables that examples read."""
    return ["splice_scores", *(["masked_sites"] if rule.evaluation.mask_sites else [])]


def example_inputs(
    frames: Mapping[str, pl.DataFrame], files: GenomeFiles, assembly: str, track: Path | None, chrom: str
) -> ExampleInputs:
    """What the examples of one chromosome are made of, from the tables that are there."""
    return ExampleInputs(
        frames["selected_genes"],
        frames["splice_scores"],
        frames["splice_sites"],
        frames["genes"],
        chromosome_sequence(files.reference(), frames["contig"], assembly),
        AnnotationTables(**{table: frames[table] for table in ANNOTATION}) if "transcripts" in frames else None,
        frames.get("masked_sites"),
        _gene_values(track, chrom) if track else None,
    )


def _gene_values(path: Path, chrom: str) -> GeneValues:
    """The conservation track over one gene, in transcription direction."""
    track = conservation_track(path, chrom)

    def values(start: int, end: int, strand: str) -> np.ndarray:
        return track.values(start, end)[:: 1 if strand == "+" else -1]

    return values


def conservation_track_asset(name: str, path: Path, chromosomes: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    """`conservation_track`: the user's bigWig file at `path`, registered by chromosome."""

    @table_asset(
        name, tables.CONSERVATION_TRACK, 1, partitions=chromosomes, input_files=[path], kinds=("bigwig", "parquet")
    )
    def track_of_chromosome(context: dg.AssetExecutionContext) -> dg.MaterializeResult[pl.DataFrame]:
        report = Report()
        seen = registered_files([path])
        n_values, sha256 = conservation_track(path, context.partition_key).digest()
        frame = pl.DataFrame({"chrom": [context.partition_key], "n_values": [n_values], "sha256": [sha256]})
        return report.result(tables.CONSERVATION_TRACK.conform(frame), **seen)

    return track_of_chromosome
