"""Features of a conservation track: a number per base of the genome, such as phyloP or phastCons, from the user.

The values come in from a resource as one array per gene; NaN where the track says nothing.
"""

import numpy as np
import polars as pl

from resources.table_contract import Column

REACH = 10

CONSERVATION_COLUMNS = (
    Column(
        name="conservation",
        dtype="float32",
        description="Value of the conservation track at the base; null where it has none.",
        unit="the track's",
        role="feature",
        nullable=True,
    ),
    Column(
        name="conservation_mean",
        dtype="float32",
        description=f"Mean of the track within +-{REACH} of the base, inside the gene; null without any value.",
        unit="the track's",
        role="feature",
        nullable=True,
    ),
)


def conservation_features(values: np.ndarray, offsets: np.ndarray) -> dict[str, pl.Series]:
    """The columns of CONSERVATION_COLUMNS for bases of one gene.

    Args:
        values: The track over the gene in transcription direction, float32 (length,); NaN where it has no value.
        offsets: Bases to look at, int64 (n,).
    """
    padded = np.pad(values.astype(np.float64), REACH, constant_values=np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * REACH + 1)[offsets]
    known = ~np.isnan(windows)
    sums = np.where(known, windows, 0).sum(axis=1)
    means = np.divide(sums, known.sum(axis=1), out=np.full(len(offsets), np.nan), where=known.any(axis=1))
    columns = {"conservation": values[offsets], "conservation_mean": means.astype(np.float32)}
    return {name: pl.Series(column).fill_nan(None) for name, column in columns.items()}
