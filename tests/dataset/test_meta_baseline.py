import json

import numpy as np
import polars as pl
import pytest

from builder_assets.dataset.example_stream import ExampleInputs
from builder_assets.dataset.meta_model import cross_validation
from builder_assets.dataset.meta_model import model as meta_model
from builder_assets.dataset.meta_model.cross_validation import every_base, meta_model_baseline
from builder_assets.dataset.meta_model.text import baseline_markdown, baseline_plot, verdict
from builder_assets.settings import EvaluationSettings, ExampleSettings, FeatureSettings, NegativeSettings
from tests.dataset.toy import ToyChromosome, random_gene, random_letters

pytest.importorskip("lightgbm", reason="the extra `baseline` is not installed")
NAMES = "ABCDEF"
TOY = ToyChromosome(
    random_letters(2600, 3),
    tuple(random_gene(name, "+-"[i % 2], 51 + 400 * i, 350 + 400 * i, i) for i, name in enumerate(NAMES)),
)
SETTINGS = ExampleSettings(features=FeatureSettings(kmers=(1,), flank=30), negatives=NegativeSettings())
EVALUATION = EvaluationSettings()


@pytest.fixture(autouse=True, scope="module")
def few_rounds():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(meta_model, "ROUNDS", 5)
        yield


def selected(folds=(0, 1, 2, 0, 1, 2), splits=("train",) * 6) -> pl.DataFrame:
    sides = pl.DataFrame({"gene_id": list(NAMES), "fold": folds, "split": splits})
    table = TOY.selected.drop("fold", "split").join(sides, on="gene_id")
    return table.select(TOY.selected.columns).cast(TOY.selected.schema)


def inputs(genes: pl.DataFrame) -> ExampleInputs:
    return ExampleInputs(genes, TOY.scores, TOY.sites, TOY.gene_table, TOY.sequence)


def examples(genes: pl.DataFrame) -> pl.LazyFrame:
    sides = genes.select("gene_id", "fold", "split")
    rows = TOY.build().examples
    return rows.drop("fold", "split").join(sides, on="gene_id").select(rows.columns).lazy()


def baseline(genes: pl.DataFrame):
    return meta_model_baseline([examples(genes)], lambda: [inputs(genes)], SETTINGS, EVALUATION, 42)


@pytest.fixture(scope="module")
def found():
    return baseline(selected())


def test_every_base__is_every_base_but_sites_of_others():
    frame = pl.concat(every_base(inputs(selected()), SETTINGS, EVALUATION))
    sizes = dict(frame.group_by("gene_id").len().iter_rows())
    assert sizes == dict.fromkeys(NAMES, 300)
    assert frame.select("position", "gene_id").n_unique() == frame.height
    assert frame["sample_weight"].unique().to_list() == [1.0]


def test_every_base__leaves_out_genes_on_no_side():
    genes = selected(splits=("excluded",) + ("test",) * 5)
    assert set(pl.concat(every_base(inputs(genes), SETTINGS, EVALUATION))["gene_id"]) == set("BCDEF")


def test_meta_model_baseline__judges_every_base_and_all_sites(found):
    assert (found.facts["genes"], found.facts["bases"], found.facts["folds"]) == (6, 1800, 3)
    donors = {row["model"]: row for row in found.facts["pooled"] if row["kind"] == "donor"}
    assert donors["base"]["n_sites"] == donors["meta"]["n_sites"] == 12
    scores = np.concatenate([TOY.track(gene, gene.donor) for gene in TOY.genes])
    assert donors["base"]["calls"] == int((scores >= 0.5).sum())
    assert json.loads(json.dumps(found.facts)) == found.facts


def test_meta_model_baseline__is_the_same_twice(found):
    assert baseline(selected()) == found


def test_meta_model_baseline__a_gene_is_judged_without_its_fold(monkeypatch):
    seen = []

    def spy(rows, features, seed, stopping=None):
        seen.append((set(rows["fold"]), set(stopping["fold"])))
        return trained(rows, features, seed, stopping)

    trained = cross_validation.train_meta_model
    monkeypatch.setattr(cross_validation, "train_meta_model", spy)
    baseline(selected())
    assert seen == [({2}, {1}), ({0}, {2}), ({1}, {0})]


def test_meta_model_baseline__one_fold_is_refused():
    with pytest.raises(ValueError, match="the dataset's genes lie in 1 fold, and a baseline needs two"):
        baseline(selected(folds=(0,) * 6))


def test_baseline_markdown__says_what_it_found(found):
    text = baseline_markdown("toy", found.facts)
    assert text.startswith("# Meta-model baseline of toy\n")
    assert "Judged on all 1,800 bases of 6 genes" in text
    assert "| donor | base | 12 |" in text
    assert baseline_plot(found.facts, found.curves) == baseline_plot(found.facts, found.curves)


@pytest.mark.parametrize(("meta", "word"), [(0.7, "above"), (0.5, "below"), (0.6, "equal to")])
def test_verdict__a_result_below_is_said(meta, word):
    def row(model, value):
        return {"kind": "both", "model": model, "average_precision": value, "top_k_accuracy": value}

    assert f"average precision {meta:.4f}, {word} the base model's 0.6000" in verdict(
        [row("base", 0.6), row("meta", meta)]
    )
    assert verdict([row("base", None), row("meta", None)]) == "No site was judged, so nothing can be said."
