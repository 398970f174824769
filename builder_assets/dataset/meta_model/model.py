"""A gradient-boosted meta-model that starts from the base model: no tree, no correction.

It reads columns of role `feature` only. The logarithms of the base model's three probabilities are its offset
(LightGBM's init_score), so its probabilities are softmax(ln p + trees) and without trees exactly p.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from builder_assets.dataset.site_labels import SPLICE_TYPES
from resources.table_contract import TableContract

if TYPE_CHECKING:
    import lightgbm

FLOOR = 1e-9  # of a probability before its logarithm is taken; parity of scores is promised down to here
SCORES = tuple(f"{name}_score" for name in SPLICE_TYPES)  # in the order of the labels
ROUNDS = 300
PATIENCE = 20  # rounds without a gain on the stopping rows
# Chosen once, not tuned on any result: small trees and mild shrinkage, the same for every dataset.
PARAMETERS: dict[str, Any] = {
    "objective": "multiclass",
    "num_class": len(SPLICE_TYPES),
    "learning_rate": 0.05,
    "num_leaves": 15,
    "min_data_in_leaf": 20,
    "lambda_l2": 1.0,
    "deterministic": True,
    "force_row_wise": True,  # the choice between row- and column-wise is timed, so it may differ between runs
    "verbosity": -1,
}


def load_lightgbm() -> Any:
    """LightGBM, which is installed only where a baseline is asked for.

    Raises:
        ValueError: it is not installed; says how to install it.
    """
    try:
        import lightgbm
    except ImportError as error:
        raise ValueError(
            "`baseline: true` needs LightGBM, which is not installed. Install the extra `baseline` of this package, "
            "or set `baseline: false`."
        ) from error
    return lightgbm


def model_features(contract: TableContract) -> list[str]:
    """The columns that a meta-model may read: role feature, numbers and flags."""
    return [c.name for c in contract.columns if c.role == "feature" and c.dtype != "string" and "list" not in c.dtype]


def train_meta_model(
    rows: pl.DataFrame, features: Sequence[str], seed: int, stopping: pl.DataFrame | None = None
) -> "lightgbm.Booster":
    """Fit a meta-model to training rows, weighted by `sample_weight`, starting from their scores.

    Args:
        rows: Rows to learn from.
        features: Columns to read.
        seed: Of the model.
        stopping: Rows of other units: trees are added while the weighted log loss there falls. Without them there are
            as many trees as `ROUNDS` says.
    """
    lightgbm = load_lightgbm()
    data = _dataset(lightgbm, rows, features)
    judged = {} if stopping is None else {"valid_sets": [_dataset(lightgbm, stopping, features, data)]}
    callbacks = [] if stopping is None else [lightgbm.early_stopping(PATIENCE, verbose=False)]
    parameters = PARAMETERS | {"seed": seed % 2**31}
    return lightgbm.train(parameters, data, num_boost_round=ROUNDS, callbacks=callbacks, **judged)


def _dataset(lightgbm: Any, rows: pl.DataFrame, features: Sequence[str], reference: Any = None) -> Any:
    return lightgbm.Dataset(
        feature_matrix(rows, features),
        label=rows["label"].to_numpy(),
        weight=rows["sample_weight"].to_numpy(),
        init_score=base_logarithms(rows).ravel(order="F"),  # LightGBM wants all of one class, then the next
        feature_name=list(features),
        reference=reference,
    )


def meta_probabilities(model: "lightgbm.Booster", rows: pl.DataFrame, features: Sequence[str]) -> np.ndarray:
    """P(neither), P(donor), P(acceptor) of each row, float32 (n, 3)."""
    trees = np.asarray(model.predict(feature_matrix(rows, features), raw_score=True))
    raw = base_logarithms(rows) + trees
    powers = np.exp(raw - raw.max(axis=1, keepdims=True))
    return (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)


def base_probabilities(rows: pl.DataFrame) -> np.ndarray:
    """The base model's P(neither), P(donor), P(acceptor) of each row, float32 (n, 3)."""
    return rows.select(SCORES).to_numpy().astype(np.float32)


def base_logarithms(rows: pl.DataFrame) -> np.ndarray:
    """Natural logarithms of the base model's probabilities, at least ln 1e-9, float64 (n, 3)."""
    return np.log(np.maximum(base_probabilities(rows).astype(np.float64), FLOOR))


def feature_matrix(rows: pl.DataFrame, features: Sequence[str]) -> np.ndarray:
    """Features as float32 (n, m), NaN for null."""
    return rows.select(pl.col(features).cast(pl.Float32).fill_null(float("nan"))).to_numpy()
