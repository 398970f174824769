import sys

import numpy as np
import polars as pl
import pytest

from builder_assets.dataset.columns import training_examples_contract
from builder_assets.dataset.meta_model import model as meta_model
from builder_assets.dataset.meta_model.model import (
    base_logarithms,
    base_probabilities,
    load_lightgbm,
    meta_probabilities,
    model_features,
    train_meta_model,
)
from builder_assets.settings import FeatureSettings

FEATURES = ["donor_score", "acceptor_score", "neither_score", "gc_content"]


@pytest.fixture(autouse=True)
def few_rounds(monkeypatch):
    monkeypatch.setattr(meta_model, "ROUNDS", 80)


def rows(n: int = 600) -> pl.DataFrame:
    """Called donors that are real where gc_content is known and high; everything else is what the scores say."""
    generator = np.random.Generator(np.random.PCG64(3))
    gc = generator.random(n)
    called = np.arange(n) % 2 == 0
    donor = np.where(called, 0.6, 0.001)
    real = called & (gc > 0.5)
    return pl.DataFrame(
        {
            "donor_score": pl.Series(donor, dtype=pl.Float32),
            "acceptor_score": pl.Series(np.full(n, 0.0005), dtype=pl.Float32),
            "neither_score": pl.Series(1 - donor - 0.0005, dtype=pl.Float32),
            "gc_content": pl.Series(np.where(real | called, gc, np.nan), dtype=pl.Float32).fill_nan(None),
            "label": pl.Series(real.astype(np.int8)),
            "sample_weight": np.where(called, 1.0, 50.0),
        }
    )


def test_base_logarithms__of_the_scores_in_order_of_the_labels():
    one = rows().head(1)
    assert base_probabilities(one)[0] == pytest.approx([0.3995, 0.6, 0.0005])
    assert np.exp(base_logarithms(one)[0]) == pytest.approx([0.3995, 0.6, 0.0005])
    zero = one.with_columns(donor_score=pl.lit(0, pl.Float32))
    assert base_logarithms(zero)[0, 1] == pytest.approx(np.log(1e-9))


def test_meta_probabilities__without_trees_are_the_base_models():
    class NoTrees:
        def predict(self, matrix, raw_score):
            assert raw_score
            return np.zeros((len(matrix), 3))

    found = meta_probabilities(NoTrees(), rows(), FEATURES)
    assert found == pytest.approx(base_probabilities(rows()), abs=1e-6)
    assert found.dtype == np.float32


def test_train_meta_model__learns_what_the_base_model_lacks():
    pytest.importorskip("lightgbm", reason="the extra `baseline` is not installed")
    table = rows()
    model = train_meta_model(table, FEATURES, seed=1)
    donor = meta_probabilities(model, table, FEATURES)[:, 1]
    real, called = (table["label"] == 1).to_numpy(), (table["donor_score"] > 0.5).to_numpy()
    assert donor[real].mean() > 0.95
    assert donor[real].min() > 0.5
    assert (donor[called & ~real] < 0.1).mean() > 0.95
    assert (donor[~called] < 0.01).all()
    again = meta_probabilities(train_meta_model(table, FEATURES, seed=1), table, FEATURES)[:, 1]
    assert np.array_equal(donor, again)


def test_train_meta_model__stops_where_other_units_gain_nothing():
    pytest.importorskip("lightgbm", reason="the extra `baseline` is not installed")
    table = rows()
    shuffled = table.with_columns(pl.col("gc_content").reverse())  # nothing to be learned there
    assert train_meta_model(table, FEATURES, 1, shuffled).best_iteration < 20
    assert train_meta_model(table, FEATURES, 1, table).best_iteration > 20


def test_model_features__role_feature_only_and_numbers_only():
    names = model_features(training_examples_contract(FeatureSettings(kmers=(1,), annotation_features=True)))
    assert {"donor_score", "gc_content", "gene_length", "1mer_A", "at_gene_edge"} <= set(names)
    assert not set(names) & {"label", "near_site", "sample_weight", "n_exons", "position", "fold", "negative_tier"}


def test_load_lightgbm__says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "lightgbm", None)
    with pytest.raises(ValueError, match=r"`baseline: true` needs LightGBM, .* Install the extra `baseline`"):
        load_lightgbm()
