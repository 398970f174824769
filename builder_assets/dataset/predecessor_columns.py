"""The columns of the predecessor's `master/` tables, from ours, for training scripts that read them by name.

Values are ours: each at its very base, one row per base, filled alike whatever the label. What the predecessor filled
for annotated sites only told the label, and is left out: transcript_id, transcript_count, transcript_length, tx_start,
tx_end, predicted_position, true_position, has_tx_info, has_gene_info, missing_transcript_feats, num_exons and the
exon and intron lengths. So are score (a copy), window_start, window_end and sequence_length.
"""

from collections.abc import Sequence

import polars as pl

from builder_assets.dataset.features.scores import DERIVED_COLUMNS, SHIFT_NAMES

TEXTS = ("gene_id", "gene_name", "gene_type", "chrom", "strand", "splice_type", "pred_type")
SCORES = ("donor_score", "acceptor_score", "neither_score")
SEQUENCE = ("gc_content", "sequence_complexity")
# What a sound training needs and their scripts do not know: they take every unknown column for a feature, so these
# stand in a folder of their own, `sidecar/`, row for row.
SIDECAR = ("chrom", "gene_id", "position", "unit", "split", "fold", "sample_weight", "base_model_seen")


def master_columns(kmers: Sequence[str]) -> list[pl.Expr]:
    """One expression per column of `master/`, in the order of the predecessor: alphabetical, then sequence, k-mers.

    Theirs         ours
    position       offset: from the gene's 5' end, as theirs
    absolute_position, distance_to_start, distance_to_end, gene_start, gene_end: along the + strand, as theirs
    context_score_m2 .. p2    the sum of both tracks at that shift, 0 beyond the gene; theirs took one kind's track,
                              the true kind's on sites

    Args:
        kmers: Names of the k-mer columns there are.
    """
    plus = pl.col("strand") == "+"
    before = pl.when(plus).then("distance_to_5p").otherwise("distance_to_3p").cast(pl.Int64)
    after = pl.when(plus).then("distance_to_3p").otherwise("distance_to_5p").cast(pl.Int64)
    columns = {
        **{name: pl.col(name).fill_null("unknown" if name in ("gene_type", "gene_name") else "") for name in TEXTS},
        **{name: pl.col(name).cast(pl.Float64) for name in SCORES},
        **{column.name: _as_theirs(column.name, column.dtype) for column in DERIVED_COLUMNS},
        **{f"context_score_{name}": _both_tracks(name) for name in SHIFT_NAMES.values()},
        "position": pl.col("offset"),
        "absolute_position": pl.col("position"),
        "gene_length": pl.col("gene_length").cast(pl.Int64),
        "gene_start": pl.col("position") - before,
        "gene_end": pl.col("position") + after,
        "distance_to_start": before,
        "distance_to_end": after,
    }
    first = [columns[name].alias(name) for name in sorted(columns)]
    sequence = [pl.col(name).cast(pl.Float64).fill_null(0) for name in SEQUENCE]
    return [*first, *sequence, *(pl.col(name).cast(pl.Float64) for name in kmers)]


def _as_theirs(name: str, dtype: str) -> pl.Expr:
    return pl.col(name).cast(pl.Int64 if dtype.startswith("int") else pl.Float64)


def _both_tracks(shift: str) -> pl.Expr:
    donor, acceptor = (pl.col(f"{kind}_{shift}").cast(pl.Float64).fill_null(0) for kind in ("donor", "acceptor"))
    return donor + acceptor
