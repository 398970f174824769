"""How far the ensemble's members differ about a base: the SD of their scores, where the base model stores it."""

import numpy as np

from resources.table_contract import Column

_MOST = 0.5  # of numbers between 0 and 1

ENSEMBLE_SD_COLUMNS = tuple(
    Column(
        name=f"{kind}_sd",
        dtype="float32",
        description=f"SD of P({kind}) over the n members of the base model's ensemble, denominator n.",
        unit="probability",
        role="feature",
        minimum=0,
        maximum=_MOST,
    )
    for kind in ("donor", "acceptor")
)


def ensemble_spread(spread: tuple[np.ndarray, np.ndarray] | None, offsets: np.ndarray) -> dict[str, np.ndarray]:
    """The columns of ENSEMBLE_SD_COLUMNS for bases of one gene.

    Args:
        spread: SD of P(donor) and of P(acceptor) over the gene, float32 (length,) each.
        offsets: Bases to look at, int64 (n,).

    Raises:
        ValueError: the base model does not store it.
    """
    if spread is None:
        raise ValueError(
            "the settings ask for ensemble_sd, but splice_scores holds none. Set `ensemble_sd: true` on the base model "
            "and rebuild splice_scores."
        )
    return {column.name: values[offsets] for column, values in zip(ENSEMBLE_SD_COLUMNS, spread, strict=True)}
