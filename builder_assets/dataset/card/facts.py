"""What a dataset says about itself: a Hugging Face dataset card, and the same as JSON.

Pure: nothing here reads a clock, a path or a table file; versions and hashes are handed in.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from builder_assets.base_model.report_figures import precision_recall_figure
from builder_assets.base_model.report_tables import precision_recall
from builder_assets.dataset.card.feature_summary import feature_summary
from builder_assets.dataset.card.plots import p_site_figure, rows_figure
from builder_assets.dataset.card.text import card_markdown
from builder_assets.dataset.columns import ROLES, columns_of_role
from builder_assets.dataset.score_bins import score_bin_table
from builder_assets.pictures import svg_text
from builder_assets.tables.dataset import TIERS
from resources.table_contract import TableContract

# Scores carry the licence of the weights that computed them.
WEIGHT_LICENCES = {
    "spliceai": {
        "name": "cc-by-nc-4.0",
        "link": "https://creativecommons.org/licenses/by-nc/4.0/",
        "text": "Scores come from the SpliceAI weights (Illumina, https://github.com/Illumina/SpliceAI), which are "
        "licensed CC BY-NC 4.0: no commercial use.",
    },
    "openspliceai": {
        "name": "gpl-3.0",
        "link": "https://www.gnu.org/licenses/gpl-3.0.html",
        "text": "Scores come from the OpenSpliceAI weights (https://github.com/Kuanhao-Chao/OpenSpliceAI), which are "
        "licensed GPL-3.0.",
    },
}
CUBE_KEYS = ["chrom", "split", "gene_type", "base_model_seen", "splice_type", "negative_tier"]
LABELS = ("donor", "acceptor", "neither")
CROSSED = {"split": "split", "chromosome": "chrom", "gene_type": "gene_type"}


@dataclass(frozen=True)
class Card:
    """The card of a dataset.

    Attributes:
        json: All facts, of JSON types only.
        markdown: The same for people, with the YAML head that Hugging Face reads.
        plots: File name -> SVG, the pictures that the Markdown shows.
    """

    json: dict[str, Any]
    markdown: str
    plots: dict[str, str]


def dataset_card(
    name: str,
    family: str,
    contract: TableContract,
    examples: Iterable[pl.DataFrame | pl.LazyFrame],
    manifest: pl.DataFrame,
    report: pl.DataFrame,
    config: Mapping[str, Any],
    versions: Mapping[str, str],
    inputs: Mapping[str, str],
    eligible: np.ndarray | None = None,
    notes: Iterable[str] = (),
) -> Card:
    """The card of one dataset.

    Args:
        name: Name of the dataset.
        family: Family of its base model, `spliceai` or `openspliceai`: decides the licence.
        contract: `training_examples_contract` of its settings.
        examples: Tables of training_examples, e.g. one lazy frame per chromosome; read once each per statistic.
        manifest: GENE_MANIFEST.
        report: MODEL_REPORT of the base model.
        config: The dataset's settings, seeds included, of JSON types only.
        versions: Code and library versions.
        inputs: Input name -> hash or data version.
        eligible: Eligible bases per score bin over all genes, int64 (5,), from `ChromosomeExamples.eligible_bins`
            summed over chromosomes; None leaves P(site) over whole genes out.
        notes: Findings that users must know of, one sentence or two each.

    Raises:
        ValueError: the family is unknown, or the dataset has no rows.
    """
    if family not in WEIGHT_LICENCES:
        raise ValueError(f"base model family {family!r} has no known licence; known: {', '.join(WEIGHT_LICENCES)}.")
    parts = [part.lazy() for part in examples]
    cube = example_cube(parts)
    if not cube.height:
        raise ValueError(
            f"dataset {name} has no examples in any of its {manifest.height} genes. Look at the reasons in "
            "gene_selection, and at the labels that the base model's settings choose."
        )
    facts = {
        "name": name,
        "licence": WEIGHT_LICENCES[family],
        "config": dict(config),
        "versions": dict(versions),
        "inputs": dict(inputs),
        "counts": _counts(cube, manifest),
        "weights": weights_by_tier(cube).to_dicts(),
        "in_sample": _in_sample(cube),
        "base_model": model_values(report).to_dicts(),
        "score_bins": score_bin_table(parts, eligible).to_dicts(),
        "notes": [note for note in notes if note],
        "features": feature_summary(parts, contract, kmers_of(contract)).to_dicts(),
        "columns": [column.model_dump(mode="json", exclude_defaults=True) for column in contract.columns],
        "columns_by_role": {role: columns_of_role(contract, role) for role in ROLES},
        "schema_version": contract.schema_version,
    }
    plots = {
        "p_site.svg": svg_text(p_site_figure(facts["score_bins"])),
        "rows.svg": svg_text(rows_figure(facts["counts"]["rows_by_split_and_tier"])),
        "base_model.svg": svg_text(precision_recall_figure(precision_recall(report))),
    }
    return Card(json=facts, markdown=card_markdown(facts, model_values(report)), plots=plots)


def kmers_of(contract: TableContract) -> list[int]:
    """The lengths of the k-mers that a contract of training_examples has columns for."""
    return sorted({int(c.name[0]) for c in contract.columns if c.role == "feature" and c.name[1:5] == "mer_"})


def example_cube(examples: Iterable[pl.DataFrame | pl.LazyFrame]) -> pl.DataFrame:
    """Rows and weights by chromosome, split, gene type, seen, label and tier, from which every count follows.

    Columns: the six keys, rows, weight (sum), weight_squares (sum), weight_max.
    """
    weight = pl.col("sample_weight")
    cells = [
        part.lazy()
        .group_by(CUBE_KEYS)
        .agg(
            rows=pl.len().cast(pl.Int64),
            weight=weight.sum(),
            weight_squares=(weight * weight).sum(),
            weight_max=weight.max(),
        )
        .collect()
        for part in examples
    ]
    if not cells:
        return pl.DataFrame(schema=dict.fromkeys([*CUBE_KEYS, "rows", "weight", "weight_squares", "weight_max"]))
    sums = pl.col("rows", "weight", "weight_squares").sum()
    return pl.concat(cells).group_by(CUBE_KEYS).agg(sums, pl.col("weight_max").max()).sort(CUBE_KEYS)


def weights_by_tier(cube: pl.DataFrame) -> pl.DataFrame:
    """Per tier, in order, sites first: rows, weight, weight_max, effective_rows = (sum w)^2 / sum w^2."""
    tier = pl.col("negative_tier").fill_null("site")
    order = pl.DataFrame({"tier": ["site", *TIERS]})
    sums = cube.group_by(tier=tier).agg(pl.col("rows", "weight", "weight_squares").sum(), pl.col("weight_max").max())
    return order.join(sums, on="tier", how="left", maintain_order="left").select(
        "tier", "rows", "weight", "weight_max", effective_rows=pl.col("weight") ** 2 / pl.col("weight_squares")
    )


def model_values(report: pl.DataFrame) -> pl.DataFrame:
    """The single numbers of a MODEL_REPORT: scope, labels, kind, metric, value; curves and histograms left out."""
    curves = report.filter(pl.col("x") != 0)["metric"].unique().to_list()
    return (
        report.filter(~pl.col("metric").is_in(curves))
        .sort("scope", "labels", "kind", "metric")
        .select("scope", "labels", "kind", "metric", "value")
    )


def _counts(cube: pl.DataFrame, manifest: pl.DataFrame) -> dict[str, Any]:
    def rows_by(column: str) -> dict[str, int]:
        table = cube.group_by(pl.col(column).fill_null("unknown")).agg(pl.col("rows").sum()).sort(column)
        return dict(table.iter_rows())

    def cross(column: str, words: pl.Expr, known: Iterable[str]) -> dict[str, dict[str, int]]:
        cells = cube.group_by(key=pl.col(column).fill_null("unknown"), word=words).agg(pl.col("rows").sum())
        table: dict[str, dict[str, int]] = {key: dict.fromkeys(known, 0) for key in cells["key"].unique().sort()}
        for key, word, rows in cells.iter_rows():
            table[key][word] = rows
        return table

    label, tier = pl.col("splice_type"), pl.col("negative_tier").fill_null("site")
    tiers = cube.filter(pl.col("negative_tier").is_not_null())
    by_tier = dict(tiers.group_by("negative_tier").agg(pl.col("rows").sum()).iter_rows())
    return {
        "rows": int(cube["rows"].sum()),
        "genes": manifest.height,
        "genes_without_rows": manifest.filter(pl.col("n_rows") == 0).height,
        "genes_by_split": dict(manifest.group_by("split").len().sort("split").iter_rows()),
        "rows_by_label": rows_by("splice_type"),
        "rows_by_tier": {tier: by_tier.get(tier, 0) for tier in TIERS},
        "rows_by_chromosome": rows_by("chrom"),
        "rows_by_split": rows_by("split"),
        "rows_by_gene_type": rows_by("gene_type"),
        "rows_by_split_and_tier": cross("split", tier, ("site", *TIERS)),
        **{f"rows_by_{word}_and_label": cross(column, label, LABELS) for word, column in CROSSED.items()},
    }


def _in_sample(cube: pl.DataFrame) -> dict[str, int]:
    """Training rows, and those of them on chromosomes that the base model was trained on."""
    train = cube.filter(pl.col("split") == "train")
    return {
        "train_rows": int(train["rows"].sum()),
        "train_rows_seen": int(train.filter("base_model_seen")["rows"].sum()),
    }
