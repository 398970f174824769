import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from builder_assets.dataset.leakage_probe import leakage_probe, leaks_text, weighted_auc
from builder_assets.settings import FeatureSettings
from resources.table_contract import Column, TableContract

N = 1200
FEATURES = FeatureSettings(kmers=(1,))
ROLES = {
    "gene_id": ("string", "key"),
    "label": ("int8", "label"),
    "unit": ("string", "group"),
    "gene_length": ("int32", "feature"),
    "gc_content": ("float32", "feature"),
    "donor_score": ("float32", "feature"),
    "acceptor_score": ("float32", "feature"),
    "n_exons": ("int32", "annotation_feature"),
    "transcript_id": ("string", "metadata"),
    "pred_type": ("string", "leakage"),
    "sample_weight": ("float64", "weight"),
}


def contract(**more: tuple[str, str]) -> TableContract:
    columns = [Column(name=n, dtype=d, description="", role=r, nullable=True) for n, (d, r) in (ROLES | more).items()]
    return TableContract(name="training_examples", description="", columns=tuple(columns))


def clean_rows() -> pl.DataFrame:
    """Noise: a third of each label, whatever the score; weights between 1 and 3."""
    generator = np.random.Generator(np.random.PCG64(7))
    label = np.arange(N) % 3
    return pl.DataFrame(
        {
            "gene_id": pl.Series(generator.integers(0, 20, N)).cast(pl.String),
            "label": pl.Series(label, dtype=pl.Int8),
            "unit": pl.Series(generator.integers(0, 9, N)).cast(pl.String),
            "gene_length": pl.Series(generator.integers(1, 9999, N), dtype=pl.Int32),
            "gc_content": pl.Series(generator.random(N), dtype=pl.Float32),
            "donor_score": pl.Series(generator.random(N), dtype=pl.Float32),
            "acceptor_score": pl.Series(np.zeros(N), dtype=pl.Float32),
            "n_exons": pl.Series(generator.integers(2, 50, N), dtype=pl.Int32),
            "transcript_id": pl.Series(generator.integers(0, 60, N)).cast(pl.String),
            "pred_type": pl.Series(np.array(["TN", "TP", "TP"])[label]),
            "sample_weight": generator.integers(1, 4, N).astype(float),
        }
    )


CLEAN = clean_rows()
IS_NEGATIVE = pl.col("label") == 0


def leaks(rows: pl.DataFrame, **more: tuple[str, str]) -> dict[str, str]:
    found = leakage_probe([rows[:500].lazy(), rows[500:].lazy()], contract(**more), FEATURES)
    return dict(found.filter(verdict="leak").select("column", "what").iter_rows())


def test_leakage_probe__noise_leaks_nothing_and_leakage_columns_are_listed():
    found = leakage_probe([CLEAN], contract(), FEATURES)
    assert set(found["column"]) >= set(ROLES) - {"label"}
    assert found.filter(verdict="leak").is_empty()
    assert found.filter(verdict="listed").select("column", "label", "auc").rows() == [("pred_type", "neither", 1.0)]
    assert leaks_text(found).startswith("no leak: ")


@pytest.mark.parametrize(
    ("defect", "planted"),
    [
        # filled for annotated sites only, empty elsewhere: a stump reads the label
        ({"transcript_id": "tree"}, pl.when(IS_NEGATIVE).then(pl.lit("")).otherwise("transcript_id")),
        # 0 where the row has no transcript
        ({"n_exons": "value"}, pl.when(IS_NEGATIVE).then(0).otherwise("n_exons")),
        # gene_length on one label, transcript span on the other
        ({"gene_length": "value"}, pl.when(label=1).then(pl.col("gene_length") + 9999).otherwise("gene_length")),
        # a window that is looked up for sites only
        ({"gc_content": "null mask"}, pl.when(IS_NEGATIVE).then("gc_content")),
        # a group made from the label
        ({"unit": "tree"}, pl.when(label=2).then(pl.lit("a")).otherwise(pl.lit("b"))),
    ],
)
def test_leakage_probe__names_the_planted_leak(defect, planted):
    (name,) = defect
    found = leaks(CLEAN.with_columns(planted.cast(CLEAN.schema[name]).alias(name)))
    found.pop(next((joint for joint in found if "+" in joint), ""), None)
    assert found == defect


def test_leakage_probe__a_leak_on_rows_of_one_score_bin():
    high = pl.col("donor_score") >= 0.5
    planted = pl.when(high & (pl.col("label") == 1)).then(99).otherwise("n_exons").cast(pl.Int32)
    rows = CLEAN.with_columns(n_exons=planted)
    assert roc_auc_score(rows["label"] == 1, rows["n_exons"]) < 0.8  # hidden where bins are pooled
    found = leakage_probe([rows], contract(), FEATURES).row(0, named=True)
    assert (found["column"], found["label"], found["score_bin"], found["verdict"]) == ("n_exons", "donor", 4, "leak")


def test_leakage_probe__unknown_features_are_judged_sequence_and_scores_are_listed():
    perfect = pl.col("label").cast(pl.Float32)
    assert leaks(CLEAN.with_columns(novel=perfect), novel=("float32", "feature")) == {"novel": "value"}
    found = leakage_probe([CLEAN.with_columns(gc_content=perfect)], contract(), FEATURES)
    assert found.filter(column="gc_content")["verdict"].to_list() == ["listed"]


def test_leakage_probe__lists_and_flags_are_probed_too():
    rows = CLEAN.with_columns(
        transcripts=pl.when(IS_NEGATIVE).then(pl.lit([], pl.List(pl.String))).otherwise(pl.lit(["T"])),
        is_listed=IS_NEGATIVE,
    )
    more = {"transcripts": ("list<string>", "metadata"), "is_listed": ("bool", "metadata")}
    assert {name for name in leaks(rows, **more) if "+" not in name} == {"transcripts", "is_listed"}


def test_leakage_probe__weights_count():
    # Two values: 'high' on half of the negatives. Where those weigh 9 times the others, AUC = 1 - 0.9 / 2.
    rows = CLEAN.filter(pl.col("label") < 2, pl.col("donor_score") >= 0.5).with_columns(
        n_exons=(IS_NEGATIVE & (pl.int_range(pl.len()) % 4 == 0)).cast(pl.Int32)
    )
    rows = rows.with_columns(sample_weight=pl.when(pl.col("n_exons") == 1).then(9.0).otherwise(1.0))
    negatives = rows.filter(label=0)
    share = negatives.filter(n_exons=1)["sample_weight"].sum() / negatives["sample_weight"].sum()
    found = leakage_probe([rows], contract(), FEATURES).filter(column="n_exons", what="value")
    assert found["auc"].to_list() == [pytest.approx(0.5 + share / 2)]


def test_leakage_probe__too_few_effective_rows_are_not_judged():
    heavy = CLEAN.with_columns(
        n_exons=pl.col("label").cast(pl.Int32),
        sample_weight=pl.when(IS_NEGATIVE).then(1.5 ** (pl.int_range(pl.len()) % 400)).otherwise(1.0),
    ).filter(pl.col("label") != 2)
    assert leakage_probe([heavy], contract(), FEATURES).filter(column="n_exons").is_empty()
    assert leakage_probe([CLEAN.head(30)], contract(), FEATURES).is_empty()


@given(
    st.lists(st.tuples(st.integers(-3, 3), st.booleans(), st.floats(0.1, 1000)), min_size=2, max_size=40).filter(
        lambda rows: len({positive for _, positive, _ in rows}) == 2
    )
)
def test_weighted_auc__is_scikit_learns(rows):
    values, positive, weights = (np.array(column) for column in zip(*rows, strict=True))
    expected = roc_auc_score(positive, values, sample_weight=weights)
    assert weighted_auc(values.astype(float), positive, weights) == pytest.approx(expected)


def test_leaks_text__names_column_role_and_bin():
    rows = CLEAN.with_columns(n_exons=pl.col("label").cast(pl.Int32))
    text = leaks_text(leakage_probe([rows.filter(pl.col("donor_score") >= 0.5)], contract(), FEATURES))
    expected = "1 columns tell the label: n_exons (annotation_feature, value): AUC 1.000 for neither against the rest "
    assert text.startswith(f"{expected}at scores 0.5 to 1. ")
