"""Asset checks of one dataset: thin shells around the verdicts of `leakage_probe` and `p_site`."""

import dagster as dg
import polars as pl

from builder_assets import tables
from builder_assets.asset_shell import STORE, asset_inputs, check_result, markdown_table
from builder_assets.dataset.columns import training_examples_contract
from builder_assets.dataset.p_site import p_site_verdict
from builder_assets.dataset.score_bins import eligible_bins, score_bin_table
from builder_assets.settings import FeatureSettings


def dataset_checks(name: str, features: FeatureSettings) -> list[dg.AssetChecksDefinition]:
    """All checks of one dataset."""
    return [_leakage_check(name, features), _p_site_check(name)]


def _leakage_check(name: str, features: FeatureSettings) -> dg.AssetChecksDefinition:
    contract = training_examples_contract(features)
    judged = dg.AssetKey([name, tables.GENE_MANIFEST.name])

    @dg.asset_check(
        name="leakage_probe",
        asset=judged,
        additional_ins=asset_inputs({"training_examples": [name, "training_examples"]}),
        blocking=True,
        required_resource_keys={STORE},
        description="No column but the labels tells the label: AUC within score bins, null masks, small trees.",
    )
    def probe(
        context: dg.AssetCheckExecutionContext, training_examples: dict[str, pl.LazyFrame]
    ) -> dg.AssetCheckResult:
        from builder_assets.dataset.leakage_probe import leakage_probe, leaks_text

        findings = leakage_probe(training_examples.values(), contract, features)
        clean = findings.filter(verdict="leak").is_empty()
        path = context.resources.table_store.path_of(judged, None)
        strongest = dg.MetadataValue.md(markdown_table(findings.head(40)))
        return check_result(
            clean, blocking=not clean, text=leaks_text(findings), path=path, numbers={"strongest": strongest}
        )

    return probe


def _p_site_check(name: str) -> dg.AssetChecksDefinition:
    judged = dg.AssetKey([name, tables.GENE_MANIFEST.name])

    @dg.asset_check(
        name="p_site",
        asset=judged,
        additional_ins=asset_inputs({table: [name, table] for table in ("training_examples", "example_pools")}),
        required_resource_keys={STORE},
        description="P(site) per score bin: the weighted rows against all bases of the genes.",
    )
    def p_site(
        context: dg.AssetCheckExecutionContext,
        training_examples: dict[str, pl.LazyFrame],
        example_pools: dict[str, pl.LazyFrame],
    ) -> dg.AssetCheckResult:
        table = score_bin_table(training_examples.values(), eligible_bins(example_pools))
        passed, text = p_site_verdict(table)
        path = context.resources.table_store.path_of(judged, None)
        shown = dg.MetadataValue.md(markdown_table(table))
        return check_result(passed, blocking=False, text=text, path=path, numbers={"p_site": shown})

    return p_site
