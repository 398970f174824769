"""Features of the base model's scores: a base's own scores, its neighbours', and what follows from them.

Every row is treated alike: donor_* always reads the donor track, acceptor_* the acceptor track, context_* their sum,
and each value is the score at that very base. Nothing here knows a label.
"""

import numpy as np
import polars as pl

from builder_assets.base_model.evaluation import neither_scores
from resources.table_contract import Column

SHIFTS = (-2, -1, 0, 1, 2)
SHIFT_NAMES = {-2: "m2", -1: "m1", 1: "p1", 2: "p2"}
CENTRE = 2  # index of shift 0
EPSILON = 1e-6
RATIO_LIMIT = 1e3  # d / eps would reach 1e6 where neighbours are 0
LOG_ODDS_LIMIT = 14.0  # just beyond ln(1 / eps)
PEAK_MINIMUM = 1e-3

PROBABILITY = "probability"


def _feature(name: str, description: str, low: float, high: float, unit: str = "") -> Column:
    return Column(
        name=name, dtype="float32", description=description, unit=unit, role="feature", minimum=low, maximum=high
    )


def _neighbour_columns(kind: str) -> list[Column]:
    return [
        Column(
            name=f"{kind}_{name}",
            dtype="float32",
            description=f"P({kind}) at shift {shift:+d}; null beyond the gene.",
            unit=PROBABILITY,
            role="feature",
            nullable=True,
            minimum=0,
            maximum=1,
        )
        for shift, name in SHIFT_NAMES.items()
    ]


BASE_COLUMNS = (
    _feature("donor_score", "P(donor) at the base.", 0, 1, PROBABILITY),
    _feature("acceptor_score", "P(acceptor) at the base.", 0, 1, PROBABILITY),
    _feature("neither_score", "max(0, 1 - donor_score - acceptor_score).", 0, 1, PROBABILITY),
    *_neighbour_columns("donor"),
    *_neighbour_columns("acceptor"),
    Column(name="at_gene_edge", dtype="bool", description="A neighbour lies beyond the gene.", role="feature"),
)

LOG_ODDS = "natural log"


def _track_columns(kind: str) -> list[Column]:
    x = "d" if kind == "donor" else "a"
    own = f"{x} = {kind}_score, m2..p2 = {kind}_m2..{kind}_p2 (0 beyond the gene)"
    ratio = f"at most {RATIO_LIMIT:g}"
    return [
        *[_feature(f"{kind}_diff_{s}", f"{x} - {s}; {own}.", -1, 1) for s in ("m1", "m2", "p1", "p2")],
        _feature(f"{kind}_surge_ratio", f"{x} / (m1 + p1 + eps), {ratio}; {own}.", 0, RATIO_LIMIT),
        Column(
            name=f"{kind}_is_local_peak",
            dtype="int8",
            description=f"1 if {x} > m1, {x} > p1 and {x} > {PEAK_MINIMUM:g}, else 0; {own}.",
            role="feature",
            minimum=0,
            maximum=1,
        ),
        _feature(f"{kind}_weighted_context", f"0.1 m2 + 0.2 m1 + 0.4 {x} + 0.2 p1 + 0.1 p2; {own}.", 0, 1),
        _feature(f"{kind}_peak_height_ratio", f"{x} / (mean(m2, m1, p1, p2) + eps), {ratio}; {own}.", 0, RATIO_LIMIT),
        _feature(f"{kind}_second_derivative", f"2 {x} - m1 - p1; {own}.", -2, 2),
        _feature(f"{kind}_signal_strength", f"{x} - mean(m2, m1, p1, p2); {own}.", -1, 1),
        _feature(f"{kind}_context_diff_ratio", f"{x} / (max(m2, m1, p1, p2) + eps), {ratio}; {own}.", 0, RATIO_LIMIT),
    ]


_THREE = "d, a, n = donor, acceptor, neither score; eps = 1e-6"
_SUM = "m2..p2 = donor + acceptor score at that shift (0 beyond the gene)"
DERIVED_COLUMNS = (
    _feature("relative_donor_probability", f"d / (d + a + eps); {_THREE}.", 0, 1),
    _feature("splice_probability", f"(d + a) / (d + a + n + eps); {_THREE}.", 0, 1),
    _feature("donor_acceptor_diff", f"(d - a) / (max(d, a) + eps); {_THREE}.", -1, 1),
    _feature("splice_neither_diff", f"(max(d, a) - n) / (max(d, a, n) + eps); {_THREE}.", -1, 1),
    _feature("donor_acceptor_logodds", f"ln(d + eps) - ln(a + eps), within +-14; {_THREE}.", -14, 14, LOG_ODDS),
    _feature("splice_neither_logodds", f"ln(d + a + eps) - ln(n + eps), within +-14; {_THREE}.", -14, 14, LOG_ODDS),
    _feature("probability_entropy", f"max(0, -sum of p ln(p + eps) over d, a, n); {_THREE}.", 0, 1.0987, "nats"),
    _feature("context_neighbor_mean", f"(m2 + m1 + p1 + p2) / 4; {_SUM}.", 0, 1.00001),
    _feature("context_asymmetry", f"(m1 + m2) - (p1 + p2); {_SUM}.", -2.00001, 2.00001),
    _feature("context_max", f"max(m2, m1, p1, p2); {_SUM}.", 0, 1.00001),
    *_track_columns("donor"),
    *_track_columns("acceptor"),
    _feature(
        "donor_acceptor_peak_ratio",
        f"donor_peak_height_ratio / (acceptor_peak_height_ratio + eps), at most {RATIO_LIMIT:g}.",
        0,
        RATIO_LIMIT,
    ),
    _feature("type_signal_difference", "x - y; x, y = donor_, acceptor_signal_strength.", -2, 2),
    _feature("score_difference_ratio", f"(d - a) / (d + a + eps); {_THREE}.", -1, 1),
    _feature("signal_strength_ratio", "(x - y) / (|x| + |y| + eps); x, y = donor_, acceptor_signal_strength.", -1, 1),
)


def neighbourhood(track: np.ndarray, offsets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Scores at shifts -2..+2 of each offset, float32 (n, 5), 0 beyond the gene; and which lie inside, bool (n, 5)."""
    places = offsets[:, None] + np.array(SHIFTS)
    inside = (places >= 0) & (places < len(track))
    return np.where(inside, track[np.clip(places, 0, len(track) - 1)], np.float32(0)), inside


def base_features(donor: np.ndarray, acceptor: np.ndarray, inside: np.ndarray) -> dict[str, pl.Series]:
    """The columns of BASE_COLUMNS.

    Args:
        donor: P(donor) at shifts -2..+2, float32 (n, 5).
        acceptor: P(acceptor) at shifts -2..+2, float32 (n, 5).
        inside: Which of these lie inside the gene, bool (n, 5).
    """
    d, a = np.ascontiguousarray(donor[:, CENTRE]), np.ascontiguousarray(acceptor[:, CENTRE])
    columns = {
        "donor_score": pl.Series(d),
        "acceptor_score": pl.Series(a),
        "neither_score": pl.Series(neither_scores(d, a)),
    }
    for kind, scores in (("donor", donor), ("acceptor", acceptor)):
        for shift, name in SHIFT_NAMES.items():
            values = pl.Series(np.ascontiguousarray(scores[:, CENTRE + shift]))
            known = pl.Series(np.ascontiguousarray(inside[:, CENTRE + shift]))
            columns[f"{kind}_{name}"] = values.zip_with(known, pl.Series([None], dtype=pl.Float32))
    columns["at_gene_edge"] = pl.Series(np.logical_not(inside.all(axis=1)))
    return columns


def derived_features(donor: np.ndarray, acceptor: np.ndarray) -> dict[str, np.ndarray]:
    """The columns of DERIVED_COLUMNS, computed in float64, given as float32 (peaks int8); never NaN or infinite.

    Args:
        donor: P(donor) at shifts -2..+2, 0 beyond the gene, float32 (n, 5).
        acceptor: P(acceptor) at shifts -2..+2, 0 beyond the gene, float32 (n, 5).
    """
    donors, acceptors = donor.T.astype(np.float64), acceptor.T.astype(np.float64)
    d, a = donors[CENTRE], acceptors[CENTRE]
    n = neither_scores(donor[:, CENTRE], acceptor[:, CENTRE]).astype(np.float64)
    columns = _type_features(d, a, n) | _context_features(donors + acceptors)
    columns |= _track_features("donor", donors) | _track_features("acceptor", acceptors)
    x, y = columns["donor_signal_strength"], columns["acceptor_signal_strength"]
    columns |= {
        "donor_acceptor_peak_ratio": _ratio(columns["donor_peak_height_ratio"], columns["acceptor_peak_height_ratio"]),
        "type_signal_difference": x - y,
        "score_difference_ratio": (d - a) / (d + a + EPSILON),
        "signal_strength_ratio": (x - y) / (np.abs(x) + np.abs(y) + EPSILON),
    }
    return {name: v if v.dtype == np.int8 else v.astype(np.float32) for name, v in columns.items()}


def _ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    return np.minimum(numerator / (denominator + EPSILON), RATIO_LIMIT)


def _log_odds(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    return np.clip(np.log(p + EPSILON) - np.log(q + EPSILON), -LOG_ODDS_LIMIT, LOG_ODDS_LIMIT)


def _type_features(d: np.ndarray, a: np.ndarray, n: np.ndarray) -> dict[str, np.ndarray]:
    site = np.maximum(d, a)
    entropy = -sum(p * np.log(p + EPSILON) for p in (d, a, n))
    return {
        "relative_donor_probability": d / (d + a + EPSILON),
        "splice_probability": (d + a) / (d + a + n + EPSILON),
        "donor_acceptor_diff": (d - a) / (site + EPSILON),
        "splice_neither_diff": (site - n) / (np.maximum(site, n) + EPSILON),
        "donor_acceptor_logodds": _log_odds(d, a),
        "splice_neither_logodds": _log_odds(d + a, n),
        "probability_entropy": np.maximum(entropy, 0),  # eps makes it -1e-6 where one p is 1
    }


def _context_features(both: np.ndarray) -> dict[str, np.ndarray]:
    m2, m1, _, p1, p2 = both
    return {
        "context_neighbor_mean": (m2 + m1 + p1 + p2) / 4,
        "context_asymmetry": (m1 + m2) - (p1 + p2),
        "context_max": np.maximum.reduce([m2, m1, p1, p2]),
    }


def _track_features(kind: str, scores: np.ndarray) -> dict[str, np.ndarray]:
    m2, m1, x, p1, p2 = scores
    mean, highest = (m2 + m1 + p1 + p2) / 4, np.maximum.reduce([m2, m1, p1, p2])
    columns = {
        "diff_m1": x - m1,
        "diff_m2": x - m2,
        "diff_p1": x - p1,
        "diff_p2": x - p2,
        "surge_ratio": _ratio(x, m1 + p1),
        "is_local_peak": ((x > m1) & (x > p1) & (x > PEAK_MINIMUM)).astype(np.int8),
        "weighted_context": 0.1 * m2 + 0.2 * m1 + 0.4 * x + 0.2 * p1 + 0.1 * p2,
        "peak_height_ratio": _ratio(x, mean),
        "second_derivative": 2 * x - m1 - p1,
        "signal_strength": x - mean,
        "context_diff_ratio": _ratio(x, highest),
    }
    return {f"{kind}_{name}": values for name, values in columns.items()}
