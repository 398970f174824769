"""Does a column tell the label by itself? A probe of the finished rows that knows nothing of how they were made.

Rows of one score bin look alike to the base model, so what separates sites from other bases there is either what a
meta-model shall learn (bases around, scores around) or a leak. Three questions, each weighted by `sample_weight`:

    value       AUC of each feature, one label against the rest, within each score bin
    null mask   the same of "is null": a value that is missing for one label only
    tree        a tree of depth 3 on each column of another role, and one on all of them that may tell nothing

A bin counts for a label where both sides have 20 rows and 20 effective ones, (sum w)^2 / sum w^2: one negative that
stands for 3,000 bases is one observation.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from sklearn.tree import DecisionTreeClassifier

from builder_assets.dataset.columns import feature_blocks
from builder_assets.dataset.score_bins import EDGES, score_bin_expr
from builder_assets.dataset.site_labels import SPLICE_TYPES
from builder_assets.settings import FeatureSettings
from resources.table_contract import TableContract

MOST_ROWS = 50_000  # every n-th row is probed where there are more; a leak shows in any of them
COLUMNS_AT_ONCE = 64  # so that thousands of k-mer columns are never in memory together
FEWEST = 20
FEWEST_FOR_TREES = 50  # eight leaves fit forty rows by chance
NULL_LIMIT = 0.6
LIMIT = 0.9
# Blocks of features that are allowed to separate sites: bases and scores. Any other block is judged.
INFORMATIVE_BLOCKS = ("base", "derived", "score_context", "ensemble_sd", "motif", "sequence", "kmers", "window")
FEATURE_ROLES = ("feature", "annotation_feature")
TELLING_ROLES = ("label", "leakage", "weight")  # their roles say that they tell the label
FINDINGS = pl.Schema(
    {
        "column": pl.String,
        "role": pl.String,
        "what": pl.String,
        "label": pl.String,
        "score_bin": pl.Int8,
        "auc": pl.Float64,
        "verdict": pl.String,
    }
)


@dataclass(frozen=True)
class _Group:
    """One question: rows of a score bin, and which of them have the label."""

    label: str
    score_bin: int
    rows: np.ndarray
    positive: np.ndarray
    weights: np.ndarray

    def has(self, rows: int) -> bool:
        """Whether both sides have that many rows, and that many effective ones."""
        return all(
            side.sum() >= rows and _effective(self.weights[side]) >= rows for side in (self.positive, ~self.positive)
        )


def leakage_probe(
    examples: Iterable[pl.DataFrame | pl.LazyFrame], contract: TableContract, features: FeatureSettings
) -> pl.DataFrame:
    """The strongest separation that each column shows: one row per column and question, the worst first.

    Args:
        examples: Tables of training_examples, e.g. one lazy frame per chromosome.
        contract: Their contract; the roles of its columns decide what is judged.
        features: Which blocks of features they have.

    Returns:
        column, role, what (value, null mask or tree), label, score_bin, auc (0.5..1; the direction plays no part) and
        verdict: `leak`, `listed` (strong and allowed) or `ok`.
    """
    frame = pl.concat([part.lazy() for part in examples])
    n_rows = frame.select(pl.len()).collect().item()
    frame = frame.gather_every(max(1, -(-n_rows // MOST_ROWS)))
    groups = _groups(frame)
    allowed = {c.name for b, columns in feature_blocks(features).items() if b in INFORMATIVE_BLOCKS for c in columns}
    roles = {column.name: column.role for column in contract.columns}
    found = [
        finding
        for names in _batches([name for name, role in roles.items() if role in FEATURE_ROLES])
        for name, values in _numbers(frame, names)
        for finding in _feature_findings(name, roles[name], values, groups, allowed=name in allowed)
    ]
    others = dict(_numbers(frame, [name for name, role in roles.items() if role not in (*FEATURE_ROLES, "label")]))
    for name, values in others.items():
        found.append(_tree_finding(name, roles[name], values[:, None], groups))
    silent = [name for name in others if roles[name] not in TELLING_ROLES]
    found.append(_tree_finding(" + ".join(silent), "together", np.stack([others[n] for n in silent], axis=1), groups))
    table = pl.DataFrame([row for row in found if row], schema=FINDINGS, orient="row")
    return table.sort("auc", "column", "what", descending=[True, False, False])


def leaks_text(findings: pl.DataFrame) -> str:
    """The verdict in words: every leak by name, or how many columns were probed."""
    leaks = findings.filter(verdict="leak")
    if leaks.is_empty():
        return f"no leak: {findings.height} questions asked of {findings['column'].n_unique()} columns."
    lines = [
        f"{name} ({role}, {what}): AUC {auc:.3f} for {label} against the rest at scores {_bounds(score_bin)}"
        for name, role, what, label, score_bin, auc in leaks.drop("verdict").iter_rows()
    ]
    return (
        f"{leaks.height} columns tell the label: {'; '.join(lines[:10])}{'; ..' if len(lines) > 10 else ''}. "
        "A column that is made from the annotation belongs to role leakage; one that is missing for one label only is "
        "filled differently for sites than for other bases."
    )


def _groups(frame: pl.LazyFrame) -> list[_Group]:
    """The questions that have enough rows."""
    base = frame.select("label", "sample_weight", score_bin_expr()).collect()
    labels, bins = base["label"].to_numpy(), base["score_bin"].to_numpy()
    weights = base["sample_weight"].to_numpy()
    groups = []
    for label in range(len(SPLICE_TYPES)):
        for score_bin in range(len(EDGES) - 1):
            rows = np.flatnonzero(bins == score_bin)
            group = _Group(SPLICE_TYPES[label], score_bin, rows, labels[rows] == label, weights[rows])
            if group.has(FEWEST):
                groups.append(group)
    return groups


def _feature_findings(
    name: str, role: str, values: np.ndarray, groups: Sequence[_Group], *, allowed: bool
) -> Iterator[tuple | None]:
    yield _strongest(name, role, "value", ((g, _auc(g, values[g.rows])) for g in groups), LIMIT, allowed=allowed)
    missing = np.isnan(values)
    if missing.any():
        questions = ((g, _auc(g, missing[g.rows].astype(np.float64))) for g in groups)
        yield _strongest(name, role, "null mask", questions, NULL_LIMIT, allowed=False)


def _tree_finding(name: str, role: str, columns: np.ndarray, groups: Sequence[_Group]) -> tuple | None:
    questions = ((g, _tree_auc(g, columns[g.rows])) for g in groups if g.has(FEWEST_FOR_TREES))
    return _strongest(name, role, "tree", questions, LIMIT, allowed=role in TELLING_ROLES)


def _strongest(
    name: str, role: str, what: str, questions: Iterable[tuple[_Group, float]], limit: float, *, allowed: bool
) -> tuple | None:
    """The finding of the group with the highest AUC; none without a group."""
    answers = list(questions)
    if not answers:
        return None
    group, auc = max(answers, key=lambda answer: answer[1])
    verdict = "ok" if auc <= limit else "listed" if allowed else "leak"
    return name, role, what, group.label, group.score_bin, auc, verdict


def _auc(group: _Group, values: np.ndarray) -> float:
    """Weighted AUC of the known values, in the better direction; 0.5 where one side has none."""
    known = ~np.isnan(values)
    positive = group.positive[known]
    if positive.all() or not positive.any():
        return 0.5
    auc = weighted_auc(values[known], positive, group.weights[known])
    return max(auc, 1 - auc)


def weighted_auc(values: np.ndarray, positive: np.ndarray, weights: np.ndarray) -> float:
    """Area under the ROC curve: P(value of a positive > of another) + P(equal) / 2, by weight; as scikit-learn's.

    Thousands of columns times fifteen groups are asked; without the checks of a general function that is seconds.

    Args:
        values: float (n,), no NaN.
        positive: bool (n,), both values present.
        weights: float (n,), positive.
    """
    order = np.argsort(values)
    ordered = values[order]
    first_of_equals = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    ones = np.add.reduceat(np.where(positive, weights, 0.0)[order], first_of_equals)
    others = np.add.reduceat(np.where(positive, 0.0, weights)[order], first_of_equals)
    below = np.cumsum(others) - others
    return float((ones * (below + others / 2)).sum() / (ones.sum() * others.sum()))


def _tree_auc(group: _Group, columns: np.ndarray) -> float:
    tree = DecisionTreeClassifier(max_depth=3, min_samples_leaf=FEWEST, class_weight="balanced", random_state=0)
    tree.fit(columns, group.positive, sample_weight=group.weights)
    return _auc(group, np.asarray(tree.predict_proba(columns))[:, 1])


def _numbers(frame: pl.LazyFrame, names: Sequence[str]) -> Iterator[tuple[str, np.ndarray]]:
    """Columns as float64 with NaN for null: texts as their rank, lists as their length, other nested values not."""
    table = frame.select(names).collect()
    for name in names:
        values = table[name]
        if values.dtype == pl.String:
            values = values.rank("dense")
        elif isinstance(values.dtype, pl.List):
            values = values.list.len()
        if values.dtype.is_numeric() or values.dtype == pl.Boolean:
            yield name, values.cast(pl.Float64).fill_null(float("nan")).to_numpy()


def _batches(names: Sequence[str]) -> Iterator[Sequence[str]]:
    for first in range(0, len(names), COLUMNS_AT_ONCE):
        yield names[first : first + COLUMNS_AT_ONCE]


def _effective(weights: np.ndarray) -> float:
    return float(weights.sum() ** 2 / (weights**2).sum())


def _bounds(score_bin: int) -> str:
    return f"{EDGES[score_bin]:g} to {EDGES[score_bin + 1]:g}"
