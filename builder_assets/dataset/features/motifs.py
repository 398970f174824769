"""Features of the bases at the example itself: what a splice site's motif would be made of.

-44 .. -18      -23 .. -4      -2 -1 [0] +1 +2       shifts; 0 = an exon's last or first base
branch point    pyrimidines     A  G  |   G  T
"""

import numpy as np
import polars as pl

from builder_assets.dataset.features.sequence import windows_of
from builder_assets.sequence import A, C, G, N, T
from resources.table_contract import Column

UPSTREAM, DOWNSTREAM = 20, 8
PYRIMIDINES = (-23, -4)
AG_CAP = 500
NO_BRANCH_POINT = -20.0  # a match with an N in it, below any that the matrix can give
BRANCH_POINTS = (-44, -18)
# P(A), P(C), P(G), P(T) at the seven bases of the human branch point motif, the branch point the sixth: estimated
# from human introns by Zhang et al. 2017, BPP, Bioinformatics 33:3166, file pwmBP_human.txt of its repository
# (zhqingit/BPP), rounded to three digits.
BRANCH_POINT_MOTIF = np.array(
    [
        [0.256, 0.256, 0.250, 0.238],
        [0.378, 0.191, 0.276, 0.155],
        [0.157, 0.493, 0.170, 0.179],
        [0.000, 0.020, 0.000, 0.980],
        [0.467, 0.107, 0.369, 0.056],
        [1.000, 0.000, 0.000, 0.000],
        [0.107, 0.550, 0.051, 0.293],
    ]
)
BRANCH_POINT_INDEX = 5
LEAST_PROBABILITY = 0.005  # for what the estimate gives as 0; a log-odds must be finite


def shift_name(shift: int) -> str:
    """Column suffix of a shift: m20 .. m1, 0, p1 .. p8."""
    return f"{'m' if shift < 0 else 'p' if shift > 0 else ''}{abs(shift)}"


def _flag(name: str, description: str) -> Column:
    return Column(name=name, dtype="bool", description=description, role="feature")


MOTIF_COLUMNS = (
    *[
        Column(
            name=f"base_{shift_name(shift)}",
            dtype="uint8",
            description=f"Base at shift {shift:+d}: A 0, C 1, G 2, T 3, unknown or beyond the gene 4.",
            role="feature",
            minimum=0,
            maximum=4,
        )
        for shift in range(-UPSTREAM, DOWNSTREAM + 1)
    ],
    _flag("is_gt", "G at shift +1 and T at shift +2."),
    _flag("is_gc", "G at shift +1 and C at shift +2."),
    _flag("is_ag", "A at shift -2 and G at shift -1."),
    Column(
        name="pyrimidine_share",
        dtype="float32",
        description="(C + T) / (A + C + G + T) at shifts -23..-4; null where none of them is known.",
        role="feature",
        nullable=True,
        minimum=0,
        maximum=1,
    ),
    Column(
        name="ag_distance",
        dtype="uint16",
        description=f"Bases back to the G of the nearest AG ending at shift -3 or before; {AG_CAP} if none is nearer.",
        unit="bases",
        role="feature",
        minimum=3,
        maximum=AG_CAP,
    ),
    Column(
        name="branch_point_score",
        dtype="float32",
        description=(
            "Best sum of log2(P / 0.25) of the human branch point motif (Zhang et al. 2017, seven bases) with its A at "
            f"shift -44..-18; {NO_BRANCH_POINT:g} where each has an unknown base."
        ),
        unit="bits",
        role="feature",
        minimum=NO_BRANCH_POINT,
        maximum=8,
    ),
    Column(
        name="branch_point_distance",
        dtype="uint8",
        description="Bases back to the A of that match, the nearest of equal ones; 0 where there is none.",
        unit="bases",
        role="feature",
        minimum=0,
        maximum=44,
    ),
)


def motif_features(codes: np.ndarray, offsets: np.ndarray) -> dict[str, pl.Series]:
    """The columns of MOTIF_COLUMNS for bases of one gene; only bases of the gene are read.

    Args:
        codes: Base codes of the gene, uint8 (length,).
        offsets: Bases to look at, int64 (n,).
    """
    reach = -BRANCH_POINTS[0] + BRANCH_POINT_INDEX
    windows = windows_of(codes, offsets, reach, DOWNSTREAM)

    def at(shift: int) -> np.ndarray:
        return windows[:, reach + shift]

    columns: dict[str, np.ndarray] = {
        f"base_{shift_name(shift)}": np.ascontiguousarray(at(shift)) for shift in range(-UPSTREAM, DOWNSTREAM + 1)
    }
    columns["is_gt"] = (at(1) == G) & (at(2) == T)
    columns["is_gc"] = (at(1) == G) & (at(2) == C)
    columns["is_ag"] = (at(-2) == A) & (at(-1) == G)
    columns["ag_distance"] = _ag_distances(codes, offsets)
    columns["branch_point_score"], columns["branch_point_distance"] = branch_points(windows, reach)
    tract = windows[:, reach + PYRIMIDINES[0] : reach + PYRIMIDINES[1] + 1]
    known = np.count_nonzero(tract != N, axis=1)
    share = np.count_nonzero((tract == C) | (tract == T), axis=1) / np.maximum(known, 1)
    nothing = pl.Series([None], dtype=pl.Float32)
    series = {name: pl.Series(values) for name, values in columns.items()}
    return series | {"pyrimidine_share": pl.Series(share.astype(np.float32)).zip_with(pl.Series(known > 0), nothing)}


def _ag_distances(codes: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    ends = np.flatnonzero((codes[:-1] == A) & (codes[1:] == G)) + 1
    place = np.searchsorted(ends, offsets - 3, side="right") - 1
    distance = offsets - ends[np.maximum(place, 0)] if len(ends) else np.full(len(offsets), AG_CAP)
    return np.where(place >= 0, np.minimum(distance, AG_CAP), AG_CAP).astype(np.uint16)


def branch_points(windows: np.ndarray, centre: int) -> tuple[np.ndarray, np.ndarray]:
    """Score (bits, float32) and distance (uint8) of the best branch point upstream of each base.

    Args:
        windows: Base codes, uint8 (n, width); index `centre` is the base.
        centre: At least 44 + 5.
    """
    odds = np.log2(np.maximum(BRANCH_POINT_MOTIF, LEAST_PROBABILITY) / 0.25).astype(np.float32)
    odds = np.concatenate([odds, np.full((len(odds), 1), 2 * NO_BRANCH_POINT, dtype=np.float32)], axis=1)
    first = centre + BRANCH_POINTS[0] - BRANCH_POINT_INDEX
    places = BRANCH_POINTS[1] - BRANCH_POINTS[0] + 1
    scores = np.zeros((len(windows), places), dtype=np.float32)
    for index, row in enumerate(odds):
        scores += row[windows[:, first + index : first + index + places]]
    scores = np.maximum(scores, np.float32(NO_BRANCH_POINT))
    nearest_first = scores[:, ::-1]
    best = nearest_first.argmax(axis=1)
    score = nearest_first[np.arange(len(windows)), best]
    distance = np.where(score > NO_BRANCH_POINT, -BRANCH_POINTS[1] + best, 0)
    return score, distance.astype(np.uint8)
