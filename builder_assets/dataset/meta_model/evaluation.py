"""A meta-model and its base model, judged on every base of held-out genes.

Rows come gene by gene and are forgotten, so a whole genome can be judged. What is kept is small: the scores of the
sites, found beforehand in the dataset, which has all of them; how many other bases reach each of these scores; sums
per calibration bin; errors per gene. Bases that are sites of other genes are in no row: masked for both models.

A base of two overlapping genes is judged once in each of them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from builder_assets.base_model.kind_tracks import KINDS
from builder_assets.base_model.pooled_evaluation import number_at_or_above, pooled_values, precision_recall_curve
from builder_assets.dataset.site_labels import ACCEPTOR, DONOR

MODELS = ("base", "meta")
LABEL_OF = {"donor": DONOR, "acceptor": ACCEPTOR}
KIND_GROUPS = {"donor": ("donor",), "acceptor": ("acceptor",), "both": KINDS}
CALIBRATION_EDGES = np.array([0, 0.001, 0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 1])
POOLED = ("n_sites", "tp", "fp", "fn", "precision", "recall", "average_precision", "top_k_accuracy")


class JudgementError(ValueError):
    """The bases that are judged are not those of the dataset."""


@dataclass
class Judgement:
    """What is known so far; `see` adds one gene.

    Attributes:
        threshold: Score from which a base is called.
        site_scores: (model, kind) -> scores of all sites of the held-out genes, float32.
    """

    threshold: float
    site_scores: Mapping[tuple[str, str], np.ndarray]
    n_bases: int = 0
    _thresholds: dict[str, np.ndarray] = field(default_factory=dict)
    _non_sites: dict[tuple[str, str], np.ndarray] = field(default_factory=dict)
    _seen: dict[tuple[str, str], list[np.ndarray]] = field(default_factory=dict)
    _bins: dict[tuple[str, str], np.ndarray] = field(default_factory=dict)
    _genes: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        limit = np.float32(self.threshold)
        for model in MODELS:
            scores = [self.site_scores[model, kind] for kind in KINDS]
            self._thresholds[model] = np.unique(np.concatenate([*scores, [limit]]).astype(np.float32))
            for kind in KINDS:
                self._non_sites[model, kind] = np.zeros(len(self._thresholds[model]), dtype=np.int64)
                self._bins[model, kind] = np.zeros((len(CALIBRATION_EDGES) - 1, 3))
                self._seen[model, kind] = []

    def see(self, gene: Mapping[str, Any], labels: np.ndarray, probabilities: Mapping[str, np.ndarray]) -> None:
        """Count the bases of one gene.

        Args:
            gene: What names it in the report, e.g. chrom, gene_id and gene_name.
            labels: 0, 1 or 2 per base, int (n,).
            probabilities: Model -> P(neither, donor, acceptor), float32 (n, 3).
        """
        self.n_bases += len(labels)
        counts: dict[str, int] = {"n_sites": int((labels > 0).sum()), "corrected": 0, "introduced": 0}
        for kind in KINDS:
            is_site = labels == LABEL_OF[kind]
            wrong = {}
            for model in MODELS:
                scores = probabilities[model][:, LABEL_OF[kind]]
                self._count(model, kind, scores, is_site)
                called = scores >= np.float32(self.threshold)
                wrong[model] = called != is_site
                for word, where in (("fp", called & ~is_site), ("fn", is_site & ~called)):
                    counts[f"{word}_{model}"] = counts.get(f"{word}_{model}", 0) + int(where.sum())
            counts["corrected"] += int((wrong["base"] & ~wrong["meta"]).sum())
            counts["introduced"] += int((wrong["meta"] & ~wrong["base"]).sum())
        self._genes.append({**gene, **counts})

    def _count(self, model: str, kind: str, scores: np.ndarray, is_site: np.ndarray) -> None:
        self._non_sites[model, kind] += number_at_or_above([scores[~is_site]], self._thresholds[model])
        self._seen[model, kind].append(scores[is_site])
        inner = CALIBRATION_EDGES[1:-1].astype(np.float32)  # 0.9 as a score is stored is a bit below 0.9
        place = np.searchsorted(inner, scores, side="right")
        size = len(CALIBRATION_EDGES) - 1
        sums = [np.bincount(place, weights=weights, minlength=size) for weights in (None, scores, is_site)]
        self._bins[model, kind] += np.stack(sums, axis=1)

    def check_sites(self) -> None:
        """Raise unless exactly the sites of the dataset were seen, with the scores found there.

        Raises:
            JudgementError: how many differ.
        """
        for (model, kind), expected in self.site_scores.items():
            found = np.concatenate([np.empty(0, dtype=np.float32), *self._seen[model, kind]])
            if len(found) != len(expected) or not np.array_equal(np.sort(found), np.sort(expected)):
                raise JudgementError(
                    f"{model} model, {kind}: {len(found)} sites on the judged bases, {len(expected)} in the dataset, "
                    "or with other scores. training_examples and splice_scores are of different builds."
                )

    def pooled(self) -> list[dict[str, Any]]:
        """Per kind and model the values of POOLED, calls, and whether 0.5 is met."""
        rows = []
        for group, kinds in KIND_GROUPS.items():
            for model in MODELS:
                values = pooled_values(*self._evaluated(model, kinds), self.threshold)
                row: dict[str, Any] = {"kind": group, "model": model} | {name: values[name] for name in POOLED}
                rows.append(row | {"calls": int(values["tp"] or 0) + int(values["fp"] or 0)})
        return rows

    def curves(self) -> dict[str, list[tuple[float, float]]]:
        """`kind, model` -> (recall, precision)."""
        return {
            f"{kind}, {model} model": [
                (x, y) for x, y in precision_recall_curve(*self._evaluated(model, (kind,))) if y is not None
            ]
            for kind in KINDS
            for model in MODELS
        }

    def calibration(self) -> list[dict[str, Any]]:
        """Per kind, model and range of scores: bases, mean score, and the share that are sites."""
        return [
            {"kind": kind, "model": model, "low": low, "high": high}
            | {"bases": int(n), "mean_score": total / n, "share_of_sites": sites / n}
            for kind in KINDS
            for model in MODELS
            for low, high, (n, total, sites) in zip(
                CALIBRATION_EDGES[:-1].tolist(), CALIBRATION_EDGES[1:].tolist(), self._bins[model, kind], strict=True
            )
            if n
        ]

    def genes(self) -> list[dict[str, Any]]:
        """Per gene: sites, FP and FN of both models, errors corrected and introduced; most changed first."""
        return sorted(self._genes, key=lambda g: (g["introduced"] - g["corrected"], g["chrom"], g["gene_id"]))

    def _evaluated(self, model: str, kinds: Iterable[str]) -> tuple[pl.DataFrame, str, np.ndarray, np.ndarray]:
        """Arguments of the pooled functions: sites, their flag, thresholds, other bases at or above each."""
        scores = np.concatenate([self.site_scores[model, kind] for kind in kinds]).astype(np.float32)
        sites = pl.DataFrame({"score": scores}).with_columns(is_site=pl.lit(value=True), is_tandem=pl.lit(value=False))
        others = np.sum([self._non_sites[model, kind] for kind in kinds], axis=0)
        return sites, "is_site", self._thresholds[model], others
