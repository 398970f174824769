"""The baseline meta-model of a dataset, for `baseline: true`."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl

from builder_assets import tables
from builder_assets.asset_shell import MANIFEST, Report, table_asset
from builder_assets.dataset.example_assets import ExampleRule, example_inputs, model_inputs
from builder_assets.dataset.example_stream import ExampleInputs
from builder_assets.dataset.meta_model.cross_validation import meta_model_baseline
from builder_assets.genome.assets import files_key
from resources.genome_files import GenomeFiles

BASELINE = tables.META_MODEL_BASELINE.name
# Files beside the table, and the column that holds each.
BASELINE_FILES = {f"{BASELINE}.md": "markdown", f"{BASELINE}.json": "json", f"{BASELINE}.svg": "plot"}


def meta_model_baseline_asset(
    name: str, base_model: str, genome: str, assembly: str, rule: ExampleRule, track: Path | None
) -> dg.AssetsDefinition:
    """`meta_model_baseline`: trained on the examples, judged on every base of held-out genes."""
    resource = files_key(genome)
    own = ["training_examples", "selected_genes", *(["conservation_track"] if track else [])]
    of_model, of_genome = model_inputs(rule), ("splice_sites", "genes", "contig")
    partitioned = [*own, *of_model, *of_genome]

    @table_asset(
        name,
        tables.META_MODEL_BASELINE,
        1,
        rule,
        inputs={
            "gene_manifest": [name, "gene_manifest"],  # its checks must have passed
            **{table: [name, table] for table in own},
            **{table: [base_model, table] for table in of_model},
            **{table: [genome, table] for table in of_genome},
        },
        over_chromosomes=partitioned,
        resources=[MANIFEST, resource],
        kinds=("lightgbm", "markdown"),
        companions=BASELINE_FILES,
    )
    def baseline_of_dataset(context: dg.AssetExecutionContext, **inputs: Any) -> dg.MaterializeResult[pl.DataFrame]:
        from builder_assets.dataset.meta_model.text import baseline_markdown, baseline_plot
        from builder_assets.pictures import with_pictures

        report = Report()
        context.resources.manifest.require_fresh(context.instance, f"{name}/{BASELINE}")
        files: GenomeFiles = getattr(context.resources, resource)

        def chromosomes() -> Iterator[ExampleInputs]:
            for chrom in inputs["selected_genes"]:
                frames = {table: inputs[table][chrom].collect() for table in partitioned if table != own[0]}
                yield example_inputs(frames, files, assembly, track, chrom)

        examples = list(inputs["training_examples"].values())
        found = meta_model_baseline(examples, chromosomes, rule.examples, rule.evaluation, rule.examples.negatives.seed)
        text = baseline_markdown(name, found.facts)
        facts = json.dumps(found.facts, indent=2, ensure_ascii=False) + "\n"
        plot = baseline_plot(found.facts, found.curves)
        frame = pl.DataFrame({"json": [facts], "markdown": [text], "plot": [plot]})
        shown = with_pictures(text, {f"{BASELINE}.svg": plot})
        return report.result(frame, report=dg.MetadataValue.md(shown))

    return baseline_of_dataset
