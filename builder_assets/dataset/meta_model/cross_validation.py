"""Does the dataset do its job? Cross-validation over split units, judged on every base of the held-out genes.

Each fold's genes are judged by a model that saw no gene of their units. Sampled rows train and never judge.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from builder_assets.base_model.kind_tracks import KINDS
from builder_assets.dataset.columns import training_examples_contract
from builder_assets.dataset.example_stream import ExampleInputs, ExampleStream
from builder_assets.dataset.meta_model.evaluation import LABEL_OF, MODELS, Judgement
from builder_assets.dataset.meta_model.model import (
    PARAMETERS,
    SCORES,
    base_probabilities,
    meta_probabilities,
    model_features,
    train_meta_model,
)
from builder_assets.settings import EvaluationSettings, ExampleSettings

BASES_AT_ONCE = 300_000  # genes are taken together up to here; a longer one comes alone
MOST_IMPORTANT = 20
NAMES = ("chrom", "gene_id", "gene_name", "split", "fold")


@dataclass(frozen=True)
class Baseline:
    """The outcome: facts of JSON types, and the curves for a picture."""

    facts: dict[str, Any]
    curves: dict[str, list[tuple[float, float]]]


def meta_model_baseline(
    examples: Sequence[pl.LazyFrame],
    chromosomes: Callable[[], Iterable[ExampleInputs]],
    settings: ExampleSettings,
    evaluation: EvaluationSettings,
    seed: int,
) -> Baseline:
    """Train one meta-model per fold and judge it on every base of the fold's genes.

    Args:
        examples: training_examples, one lazy frame per chromosome.
        chromosomes: Gives the inputs of every chromosome, anew whenever it is called.
        settings: Features and negatives of the dataset.
        evaluation: Labels and threshold.
        seed: Of the models.

    Raises:
        ValueError: fewer than two folds hold genes.
    """
    own = settings.model_copy(update={"features": settings.features.model_copy(update={"annotation_features": False})})
    features = model_features(training_examples_contract(own.features))
    rows = pl.concat(examples).filter(pl.col("split") != "excluded")
    folds = rows.select(pl.col("fold").unique().sort()).collect()["fold"].to_list()
    if len(folds) < 2:
        raise ValueError(
            f"the dataset's genes lie in {len(folds)} fold, and a baseline needs two at least: one to train on, one to "
            "judge. Take more genes or another `splits: seed:`."
        )
    columns = list(dict.fromkeys([*features, *SCORES, "label", "sample_weight", "fold"]))
    table = rows.select(columns).collect()
    models = {fold: _model_of_fold(table, folds, fold, features, seed) for fold in folds}
    judgement = Judgement(evaluation.threshold, _site_scores(table, models, features))
    for chromosome in chromosomes():
        for frame in every_base(chromosome, own, evaluation):
            for (fold, _), gene in frame.group_by(["fold", "gene_id"], maintain_order=True):
                found = {"base": base_probabilities(gene), "meta": meta_probabilities(models[fold], gene, features)}
                judgement.see(gene.select(NAMES).row(0, named=True), gene["label"].to_numpy(), found)
    judgement.check_sites()
    return Baseline(_facts(judgement, table, models, features, evaluation), judgement.curves())


def every_base(
    chromosome: ExampleInputs, settings: ExampleSettings, evaluation: EvaluationSettings
) -> Iterator[pl.DataFrame]:
    """All bases of the genes on a side of the split, with every feature, some genes at a time.

    Left out: bases near N, sites of other genes, and own sites that the labels do not count.
    """
    whole = settings.model_copy(update={"negatives": settings.negatives.model_copy(update={"keep_all": True})})
    judged = chromosome.selected.filter(pl.col("is_selected") & (pl.col("split") != "excluded")).sort("gene_id")
    batch = (judged["length"].cum_sum() - judged["length"]) // BASES_AT_ONCE
    for genes in judged.with_columns(batch=batch).partition_by("batch", maintain_order=True, include_key=False):
        own = chromosome.scores.join(genes, on=["chrom", "gene_id"], how="semi")
        stream = ExampleStream(replace(chromosome, selected=genes, scores=own), whole, evaluation)
        frames = list(stream)
        yield pl.concat([stream.contract.empty(), *frames])


def _model_of_fold(table: pl.DataFrame, folds: Sequence[int], fold: int, features: Sequence[str], seed: int) -> Any:
    """The model that judges `fold`; the fold after it says when to stop, where two others remain."""
    stop = folds[(folds.index(fold) + 1) % len(folds)] if len(folds) > 2 else None
    learning = table.filter(~pl.col("fold").is_in([fold] if stop is None else [fold, stop]))
    stopping = None if stop is None else table.filter(pl.col("fold") == stop)
    return train_meta_model(learning, features, seed, stopping)


def _site_scores(table: pl.DataFrame, models: dict[int, Any], features: list[str]) -> dict[tuple[str, str], np.ndarray]:
    """Scores of all sites by both models, each by the model that did not see it."""
    found: dict[tuple[str, str], list[np.ndarray]] = {(model, kind): [] for model in MODELS for kind in KINDS}
    for fold, model in models.items():
        for kind in KINDS:
            label = LABEL_OF[kind]
            sites = table.filter(pl.col("fold") == fold, pl.col("label") == label)
            if sites.height:
                found["base", kind].append(base_probabilities(sites)[:, label])
                found["meta", kind].append(meta_probabilities(model, sites, features)[:, label])
    return {key: np.concatenate([np.empty(0, dtype=np.float32), *parts]) for key, parts in found.items()}


def _facts(
    judgement: Judgement,
    table: pl.DataFrame,
    models: dict[int, Any],
    features: list[str],
    evaluation: EvaluationSettings,
) -> dict[str, Any]:
    gains = np.sum([model.feature_importance("gain") for model in models.values()], axis=0)
    order = np.argsort(-gains, kind="stable")[:MOST_IMPORTANT]
    genes = judgement.genes()
    rounds = [model.current_iteration() for model in models.values()]
    return {
        "genes": len(genes),
        "bases": judgement.n_bases,
        "training_rows": table.height,
        "folds": len(models),
        "features": len(features),
        "threshold": evaluation.threshold,
        "model": {"library": "LightGBM", "rounds": rounds} | PARAMETERS,
        "pooled": judgement.pooled(),
        "errors": {word: sum(gene[word] for gene in genes) for word in ("corrected", "introduced")},
        "calibration": judgement.calibration(),
        "importances": [
            {"feature": features[i], "share_of_gain": float(gains[i] / max(gains.sum(), 1e-300))} for i in order
        ],
        "errors_by_gene": genes,
    }
