"""The card of a dataset.

What loads matplotlib is imported where it is used: every command and every worker loads this file.
"""

import json
from importlib.metadata import version

import dagster as dg
import polars as pl
from pydantic import BaseModel

from builder_assets import tables
from builder_assets.asset_shell import MANIFEST, STORE, Report, table_asset
from builder_assets.dataset.columns import training_examples_contract
from builder_assets.dataset.rules import check_files, check_schemas, check_score_bins
from builder_assets.dataset.score_bins import eligible_bins, score_bin_table
from builder_assets.manifest import Cell
from builder_assets.settings import DatasetSettings, EvaluationSettings, NetworkSettings

CARD_PLOTS = [column.name for column in tables.DATASET_CARD.columns if column.name.endswith(".svg")]
# Files beside the card's table, and the column that holds each.
CARD_FILES = {"README.md": "markdown", "dataset_card.json": "json"} | {plot: plot for plot in CARD_PLOTS}


class CardRule(BaseModel, frozen=True):
    """What the card says of the settings."""

    network: NetworkSettings
    dataset: DatasetSettings
    evaluation: EvaluationSettings


def dataset_card_asset(name: str, base_model: str, genome: str, rule: CardRule) -> dg.AssetsDefinition:
    """`dataset_card`: settings, versions, counts, P(site), licences and plots, for people and for Hugging Face."""
    contract = training_examples_contract(rule.dataset.examples.features)
    users = {"masked_sites": [base_model, "masked_sites"]} if rule.evaluation.mask_sites else {}
    users |= {"conservation_track": [name, "conservation_track"]} if rule.dataset.conservation else {}

    @table_asset(
        name,
        tables.DATASET_CARD,
        4,
        rule,
        inputs={
            "training_examples": [name, "training_examples"],
            "example_pools": [name, "example_pools"],
            "gene_manifest": [name, "gene_manifest"],
            "model_report": [base_model, "model_report"],
            "base_model_weights": [base_model, "base_model_weights"],
            "genome_fasta": [genome, "genome_fasta"],
            "gene_annotation": [genome, "gene_annotation"],
            **users,
        },
        over_chromosomes=users,
        resources=[MANIFEST, STORE],
        kinds=("markdown", "json", "huggingface"),
        companions=CARD_FILES,
    )
    def card_of_dataset(
        context: dg.AssetExecutionContext,
        training_examples: dict[str, pl.LazyFrame],
        example_pools: dict[str, pl.LazyFrame],
        gene_manifest: pl.DataFrame,
        model_report: pl.DataFrame,
        base_model_weights: pl.LazyFrame,  # noqa: ARG001  this and the next ones: the card names their versions
        genome_fasta: pl.LazyFrame,  # noqa: ARG001
        gene_annotation: pl.LazyFrame,  # noqa: ARG001
        **of_users: dict[str, pl.LazyFrame],  # noqa: ARG001
    ) -> dg.MaterializeResult[pl.DataFrame]:
        from builder_assets.dataset.card.facts import dataset_card
        from builder_assets.pictures import with_pictures

        report = Report()
        manifest, key = context.resources.manifest, f"{name}/{tables.DATASET_CARD.name}"
        manifest.require_fresh(context.instance, key)
        eligible = eligible_bins(example_pools)
        store = context.resources.table_store
        folder = store.path_of(dg.AssetKey([name, contract.name]), next(iter(training_examples))).parent
        check_files((path.name for path in folder.glob("*.parquet")), training_examples)
        check_schemas(training_examples)
        note = check_score_bins(score_bin_table(training_examples.values(), eligible))
        card = dataset_card(
            name,
            rule.network.family,
            contract,
            training_examples.values(),
            gene_manifest,
            model_report,
            rule.model_dump(mode="json"),
            {package: version(package) for package in ("splice-dataset-builder", "jax", "polars")},
            manifest.input_versions(context.instance, Cell(key)),
            eligible,
            [note],
        )
        text = json.dumps(card.json, indent=2, ensure_ascii=False) + "\n"
        frame = pl.DataFrame({"json": [text], "markdown": [card.markdown], **card.plots})
        body = card.markdown.split("---\n", 2)[2]  # the head is for Hugging Face
        return report.result(frame, card=dg.MetadataValue.md(with_pictures(body, card.plots)))

    return card_of_dataset
