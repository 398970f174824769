import json
from functools import cache

import numpy as np
import polars as pl
import pytest
import yaml

from builder_assets import tables
from builder_assets.dataset.card.facts import Card, dataset_card, example_cube, model_values, weights_by_tier
from builder_assets.dataset.card.text import in_sample_warning, size_category
from builder_assets.dataset.columns import training_examples_contract
from builder_assets.dataset.gene_manifest import gene_manifest
from builder_assets.settings import FeatureSettings, NegativeSettings
from tests.dataset.test_gene_manifest import TOY, performance

BUILT = TOY.build(NegativeSettings())
REPORT = pl.DataFrame(
    [
        ("all", "all", "both", "top_k_accuracy", 0.0, 0.8),
        ("all", "all", "both", "tp", 0.0, 30.0),
        ("all", "all", "both", "fp", 0.0, 10.0),
        ("all", "all", "both", "precision", 0.0, 0.75),
        ("unseen", "all", "both", "n_sites", 0.0, 0.0),
        ("gene_type=protein_coding", "all", "both", "n_genes", 0.0, 7.0),
        ("gene_type=protein_coding", "all", "both", "n_sites", 0.0, 12.0),
        ("all", "all", "donor", "pr_curve", 0.0, 1.0),
        ("all", "all", "donor", "pr_curve", 0.5, 0.5),
    ],
    schema=tables.MODEL_REPORT.polars_schema(),
    orient="row",
)


def drawn_card(**changes: object) -> Card:
    """The card of the toy dataset, with other inputs."""
    inputs = {
        "name": "toy_dataset",
        "family": "spliceai",
        "contract": training_examples_contract(FeatureSettings(kmers=(1,), flank=30)),
        "examples": [BUILT.examples.lazy()],
        "manifest": gene_manifest(TOY.selected, TOY.sites, [BUILT.examples], performance("A", "B", "C")),
        "report": REPORT,
        "config": {"negatives": {"seed": 42}},
        "versions": {"polars": "2.1"},
        "inputs": {"grch37/genome_fasta": "abc123"},
        "eligible": BUILT.eligible_bins,
    }
    return dataset_card(**inputs | changes)


@cache
def card() -> Card:
    """The card as it is, drawn once: its pictures take half a second."""
    return drawn_card()


def test_dataset_card__head_is_what_hugging_face_reads() -> None:
    _, head, body = card().markdown.split("---\n", 2)
    assert yaml.safe_load(head) == {
        "pretty_name": "toy_dataset",
        "license": "other",
        "license_name": "cc-by-nc-4.0",
        "license_link": "https://creativecommons.org/licenses/by-nc/4.0/",
        "task_categories": ["tabular-classification"],
        "tags": ["biology", "genomics", "splicing", "splice-sites", "tabular"],
        "size_categories": ["n<1K"],
        "configs": [{"config_name": "default", "data_files": "training_examples/*.parquet"}],
    }
    assert body.startswith("\n# toy_dataset\n")


def test_dataset_card__body_names_settings_versions_inputs_and_columns() -> None:
    text = card().markdown
    for part in ("seed: 42", "| polars | 2.1 |", "| grch37/genome_fasta | abc123 |", "`donor_score`", "scan_parquet"):
        assert part in text
    assert "| `pred_type` | leakage | string | What the base model's call" in text
    for plot in card().plots:
        assert f"({plot})" in text


def test_dataset_card__counts_are_crossed_and_add_up() -> None:
    counts, rows = card().json["counts"], BUILT.examples.height
    assert counts["rows_by_chromosome_and_label"] == {"7": {"donor": 1, "acceptor": 2, "neither": rows - 3}}
    assert counts["rows_by_split_and_tier"]["train"] == {"site": 3} | counts["rows_by_tier"]
    assert f"| train | 3 | 1 | 2 | {rows - 3} | {rows} |" in card().markdown
    assert f"| protein_coding | 1 | 2 | {rows - 3} | {rows} |" in card().markdown


def test_dataset_card__base_model_is_one_row_per_set_of_sites() -> None:
    text = card().markdown
    assert "| scope | labels | kind | n_sites | tp | fp | fn | xp | precision | recall | f1 |" in text
    assert "| all | all | both |  | 30 | 10 |  |  | 0.75 |  |  |  | 0.8 |  |" in text
    assert "| protein_coding | all | 7 | 12 |" in text
    assert "pr_curve" not in text
    assert "| unseen |" not in text  # no sites there


def test_dataset_card__head_is_valid_for_hugging_face() -> None:
    hub = pytest.importorskip("huggingface_hub", reason="the extra `loading` is not installed")
    data = hub.DatasetCard(card().markdown).data
    assert (data.license, data.size_categories) == ("other", ["n<1K"])
    assert set(data.task_categories) <= {"tabular-classification"}


def test_dataset_card__notes_stand_beside_p_site() -> None:
    noted = drawn_card(notes=["Thin bins.", ""])
    assert noted.json["notes"] == ["Thin bins."]
    assert "> **Note.** Thin bins.\n" in noted.markdown
    assert "> **Note.**" not in card().markdown


def test_dataset_card__json_is_plain_and_counts_add_up() -> None:
    facts = json.loads(json.dumps(card().json))
    counts, rows = facts["counts"], BUILT.examples.height
    assert counts["rows"] == rows
    assert counts["rows_by_label"] == {"acceptor": 2, "donor": 1, "neither": rows - 3}
    assert sum(counts["rows_by_tier"].values()) == rows - 3
    assert counts["rows_by_split"] == {"train": rows}
    assert counts["genes_by_split"] == {"train": 3}
    assert facts["score_bins"][4]["sites"] == 1
    assert facts["score_bins"][3] | {"p_site": 0.0} == facts["score_bins"][3]


def test_dataset_card__is_the_same_twice() -> None:
    assert drawn_card() == drawn_card()
    assert drawn_card(examples=[BUILT.examples[:3], BUILT.examples[3:]]).json == card().json


def test_dataset_card__openspliceai_has_another_licence() -> None:
    assert drawn_card(family="openspliceai").json["licence"]["name"] == "gpl-3.0"
    with pytest.raises(ValueError, match="family 'other' has no known licence; known: spliceai, openspliceai"):
        drawn_card(family="other")


@pytest.mark.parametrize("empty", [[], [BUILT.examples.clear()]])
def test_dataset_card__a_dataset_without_rows_is_an_error(empty: list[pl.DataFrame]) -> None:
    with pytest.raises(ValueError, match="dataset toy_dataset has no examples in any of its 3 genes"):
        drawn_card(examples=empty)


def test_dataset_card__warns_of_training_rows_that_the_base_model_has_seen() -> None:
    assert "Warning" not in card().markdown
    seen = BUILT.examples.with_columns(base_model_seen=pl.lit(value=True))
    assert (
        "training rows (100%) lie on chromosomes that the base model was trained on"
        in drawn_card(examples=[seen]).markdown
    )
    tested = seen.with_columns(split=pl.lit("test"))
    assert "Warning" not in drawn_card(examples=[tested]).markdown
    assert in_sample_warning({"train_rows": 2000, "train_rows_seen": 500}).startswith("> **Warning.** 500 of 2,000")


def test_weights_by_tier__effective_rows_by_hand() -> None:
    rows = BUILT.examples.head(4).with_columns(
        negative_tier=pl.Series([None, "easy", "easy", "hard"]), sample_weight=pl.Series([1.0, 30.0, 10.0, 1.0])
    )
    table = weights_by_tier(example_cube([rows]))
    assert table["tier"].to_list() == ["site", "hard", "mid", "low", "decoy", "near", "easy"]
    easy = table.filter(tier="easy").row(0, named=True)
    assert easy == {"tier": "easy", "rows": 2, "weight": 40, "weight_max": 30, "effective_rows": 1600 / 1000}
    assert table.filter(tier="low")["rows"].item() is None


def test_model_values__leaves_curves_out() -> None:
    assert "pr_curve" not in model_values(REPORT)["metric"]
    assert model_values(REPORT).height == REPORT.height - 2


def test_model_values__no_report() -> None:
    assert (
        "No performance was reported."
        in drawn_card(report=REPORT.clear(), eligible=np.zeros(5, dtype=np.int64)).markdown
    )


@pytest.mark.parametrize(
    ("rows", "name"), [(999, "n<1K"), (1000, "1K<n<10K"), (2_500_000, "1M<n<10M"), (20_000_000_000, "10B<n<100B")]
)
def test_size_category__hugging_face_names(rows: int, name: str) -> None:
    assert size_category(rows) == name
