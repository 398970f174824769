import pytest

from builder_assets.dataset.columns import ROLES, columns_of_role, feature_blocks, training_examples_contract
from builder_assets.settings import FeatureSettings

CONTRACT = training_examples_contract(FeatureSettings(kmers=(1, 3), annotation_features=True))


def test_training_examples_contract__every_column_says_what_it_is() -> None:
    assert len(set(CONTRACT.names)) == len(CONTRACT.names)
    for column in CONTRACT.columns:
        assert column.role in ROLES, column.name
        assert len(column.description) > 8, column.name
        if column.nullable and column.role != "metadata":
            assert "null" in column.description, column.name


@pytest.mark.parametrize(
    ("role", "names"),
    [
        ("key", ["chrom", "gene_id", "position"]),
        ("label", ["splice_type", "label"]),
        ("group", ["unit"]),
        ("metadata", ["strand", "gene_name", "gene_type", "offset", "split", "fold", "base_model_seen"]),
        ("weight", ["sample_weight"]),
        (
            "leakage",
            [
                *("site_n_transcripts", "site_transcript_ids", "any_canonical", "any_basic"),
                *("near_site", "negative_tier", "pred_type"),
            ],
        ),
    ],
)
def test_training_examples_contract__roles(role: str, names: list[str]) -> None:
    assert columns_of_role(CONTRACT, role) == names


def test_training_examples_contract__columns_depend_on_settings_alone() -> None:
    assert len([n for n in CONTRACT.names if "mer_" in n]) == 4 + 64
    without = training_examples_contract(FeatureSettings(kmers=()))
    assert set(without.names) < set(CONTRACT.names)
    assert "kmers" in feature_blocks(FeatureSettings())
    assert "annotation" not in feature_blocks(FeatureSettings())


def test_training_examples_contract__no_feature_reads_an_annotated_site() -> None:
    contract = training_examples_contract(FeatureSettings())
    for column in contract.columns:
        if column.role == "feature":
            assert "site" not in column.description, column.name
            assert "transcript" not in column.description, column.name
