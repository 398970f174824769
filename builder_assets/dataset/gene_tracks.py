"""One scored gene as arrays: its bases and its two tracks, index = offset.

Here scores, annotation and sequence of a gene meet for the first time, so here they are held against each other.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from builder_assets.base_model.genome_tracks import SD_TRACKS
from builder_assets.base_model.kind_tracks import scorable_bases
from builder_assets.sequence import ChromosomeSequence

SPAN = ("strand", "start", "end")


@dataclass(frozen=True)
class GeneTracks:
    """One gene in transcription direction.

    Attributes:
        chrom: Canonical chromosome name.
        gene_id: Stable id.
        strand: `+` or `-`.
        start: First base, 1-based, on the + strand.
        end: Last base, 1-based, on the + strand.
        codes: Base codes of the gene, uint8 (length,).
        scorable: No N within +-2 on the chromosome, bool (length,).
        donor: P(donor), float32 (length,).
        acceptor: P(acceptor), float32 (length,).
        ensemble_sd: SD over the base model's members of P(donor) and P(acceptor), float32 (length,) each; None where
            it is not stored.
    """

    chrom: str
    gene_id: str
    strand: str
    start: int
    end: int
    codes: np.ndarray
    scorable: np.ndarray
    donor: np.ndarray
    acceptor: np.ndarray
    ensemble_sd: tuple[np.ndarray, np.ndarray] | None = None

    @property
    def length(self) -> int:
        """Number of bases."""
        return self.end - self.start + 1


def selected_gene_tracks(
    selected: pl.DataFrame, scores: pl.DataFrame, genes: pl.DataFrame, sequence: ChromosomeSequence
) -> Iterator[GeneTracks]:
    """The tracks of every selected gene, in the order of `selected`.

    Args:
        selected: SELECTED_GENES of one chromosome.
        scores: SPLICE_SCORES of that chromosome; may hold more genes.
        genes: GENES of that chromosome.
        sequence: The chromosome's bases.

    Raises:
        ValueError: the chromosomes differ; genes have no scores or no row in `genes`; spans differ; a track has
            another length than its gene, or a value outside 0..1.
    """
    _check_chromosome(selected, sequence)
    _check_spans(selected, genes, "genes", "Rebuild gene_selection from the present annotation.")
    _check_spans(selected, scores, "splice_scores", "Rebuild splice_scores for these genes.")
    place = {gene_id: row for row, gene_id in enumerate(scores["gene_id"])}
    donors, acceptors = scores["donor_scores"], scores["acceptor_scores"]
    spreads = [scores[name] for name in SD_TRACKS if name in scores.columns]  # both or none
    for gene_id, strand, start, end in selected.select("gene_id", *SPAN).iter_rows():
        row = place[gene_id]
        donor, acceptor = donors[row].to_numpy(), acceptors[row].to_numpy()
        _check_track(gene_id, "donor", donor, end - start + 1)
        _check_track(gene_id, "acceptor", acceptor, end - start + 1)
        spread = [values[row].to_numpy() for values in spreads]
        for kind, values in zip(SD_TRACKS, spread, strict=False):
            _check_track(gene_id, kind, values, end - start + 1)
        yield GeneTracks(
            chrom=sequence.chrom,
            gene_id=gene_id,
            strand=strand,
            start=start,
            end=end,
            codes=sequence.transcribed(start, end, strand),
            scorable=scorable_bases(sequence, start, end, strand),
            donor=donor,
            acceptor=acceptor,
            ensemble_sd=(spread[0], spread[1]) if spread else None,
        )


def _check_chromosome(selected: pl.DataFrame, sequence: ChromosomeSequence) -> None:
    strange = sorted(set(selected["chrom"].unique()) - {sequence.chrom})
    if strange:
        raise ValueError(
            f"selected genes of chromosome {', '.join(strange)} were given with the sequence of {sequence.chrom}; "
            "examples are made one chromosome at a time."
        )


def _check_spans(selected: pl.DataFrame, other: pl.DataFrame, table: str, remedy: str) -> None:
    known = other.select("chrom", "gene_id", *[pl.col(name).alias(f"other_{name}") for name in SPAN])
    both = selected.select("chrom", "gene_id", *SPAN).join(known, on=["chrom", "gene_id"], how="left")
    missing = both.filter(pl.col("other_start").is_null())["gene_id"].to_list()
    if missing:
        raise ValueError(
            f"{len(missing)} of {both.height} selected genes are not in {table}: {_named(missing)}. {remedy}"
        )
    moved = both.filter(pl.any_horizontal(pl.col(name) != pl.col(f"other_{name}") for name in SPAN))
    if moved.height:
        raise ValueError(
            f"{moved.height} of {both.height} selected genes have another span or strand in {table}: "
            f"{_named(moved['gene_id'].to_list())}. {remedy}"
        )


def _check_track(gene_id: str, kind: str, track: np.ndarray, length: int) -> None:
    if len(track) != length:
        raise ValueError(
            f"gene {gene_id} has {length} bases and {len(track)} {kind} scores; every base has exactly one. "
            "Rebuild splice_scores for it."
        )
    if not (track.min() >= 0 and track.max() <= 1):  # also true of NaN, which compares false
        raise ValueError(
            f"gene {gene_id}: {kind} scores run from {track.min()} to {track.max()}, a probability lies in 0..1. "
            "Rebuild splice_scores for it."
        )


def _named(gene_ids: list[str], limit: int = 10) -> str:
    more = f" and {len(gene_ids) - limit} more" if len(gene_ids) > limit else ""
    return ", ".join(gene_ids[:limit]) + more
