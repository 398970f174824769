"""Scores laid along the reference: one value per position, for notebooks and genome browsers.

+ gene 101..105   offset 0 1 2 3 4 -> position 101 102 103 104 105
- gene 101..105   offset 0 1 2 3 4 -> position 105 104 103 102 101
"""

import numpy as np
import polars as pl

from builder_assets.base_model.evaluation import neither_scores
from builder_assets.coordinates import position_of_offset
from builder_assets.tables.base_model import ENSEMBLE_SD

SD_TRACKS = tuple(column.name for column in ENSEMBLE_SD)
STRAND_NAMES = {"+": "plus", "-": "minus"}


def gene_frame(row: dict[str, object]) -> pl.DataFrame:
    """Every base of one gene in transcription order: offset, position, donor, acceptor, neither.

    Where the base model stores them, donor_sd and acceptor_sd as well, the SD over the ensemble's members.

    Args:
        row: A row of tables.splice_scores_contract.
    """
    donor = np.asarray(row["donor_scores"], dtype=np.float32)
    acceptor = np.asarray(row["acceptor_scores"], dtype=np.float32)
    offset = np.arange(len(donor), dtype=np.int64)
    position = position_of_offset(offset, int(str(row["start"])), int(str(row["end"])), str(row["strand"]))
    return pl.DataFrame(
        {
            "offset": offset,
            "position": position,
            "donor": donor,
            "acceptor": acceptor,
            "neither": neither_scores(donor, acceptor),
            **{name: np.asarray(row[name], dtype=np.float32) for name in SD_TRACKS if name in row},
        }
    )


def track_of(scores: pl.DataFrame, column: str, strand: str, minimum: float) -> pl.DataFrame:
    """One track of scores on one strand of a chromosome: position, score; sorted, one row per position.

    Where genes overlap, their masked scores may differ; the highest is kept.

    Args:
        scores: tables.splice_scores_contract, one chromosome.
        column: donor_scores or acceptor_scores; or donor_sd or acceptor_sd, where stored.
        strand: "+" or "-".
        minimum: Lower scores are left out.
    """
    own = scores.filter(pl.col("strand") == strand)
    pieces = [pl.DataFrame(schema={"position": pl.Int64, "score": pl.Float32})]
    for start, end, values in own.select("start", "end", column).iter_rows():
        score = np.asarray(values, dtype=np.float32)
        offset = np.flatnonzero(score >= minimum)
        position = position_of_offset(offset, start, end, strand)
        pieces.append(pl.DataFrame({"position": position, "score": score[offset]}))
    return pl.concat(pieces).group_by("position").agg(pl.col("score").max()).sort("position")


def bed_of_calls(calls: pl.DataFrame) -> pl.DataFrame:
    """Called bases in BED6: 0-based half-open, named kind:outcome:gene, score in thousandths.

    Args:
        calls: tables.SPLICE_CALLS; missed sites (FN) are left out, since nothing is called there.
    """
    called = calls.filter(pl.col("outcome") != "FN").sort("chrom", "position", "kind", "gene_id")
    return called.select(
        "chrom",
        pl.col("position").sub(1).alias("start"),
        pl.col("position").alias("end"),
        pl.format("{}:{}:{}", "kind", "outcome", "gene_id").alias("name"),
        (pl.col("score").cast(pl.Float64) * 1000).round().cast(pl.Int64).alias("score"),
        "strand",
    )
