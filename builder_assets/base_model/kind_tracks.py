"""One kind's scores over one gene, and what the annotation says about the same bases.

A base is scorable unless an N lies within 2 of it. A site counts if it is scorable and of the chosen labels. Any other
annotated same-strand site of the kind, another gene's or the gene's own outside the labels, is explained: calling it
is no error of the model, and it is no site here either. A masked base that is not annotated is unknown, like one beside
an N: neither called nor right. Arrays of one gene run by offset.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from builder_assets.base_model.masked_sites import MaskedSites
from builder_assets.coordinates import offset_of_position
from builder_assets.selection import MAX_N_FRACTION
from builder_assets.sequence import ChromosomeSequence, N

KINDS = ("donor", "acceptor")
LABEL_FLAGS = {"basic": "any_basic", "canonical": "any_canonical", "mane": "any_mane"}
UNKNOWN_REACH = 2


class EvaluationError(ValueError):
    """Scores, sites and genes do not belong together, or labels are asked for that the annotation lacks."""


@dataclass(frozen=True)
class KindTrack:
    """The scores of one kind over one gene, and what the annotation says about its bases.

    Attributes:
        gene: Row of the gene: chrom, gene_id, gene_type, strand, start, end, length.
        kind: donor or acceptor.
        scores: float32, shape (length,), by offset.
        sites: Offsets of the sites that count, sorted.
        own_sites: Offsets of all sites of the kind of this gene, sorted.
        annotated: Offsets of all same-strand sites of the kind of any gene, sorted.
        scorable: bool, shape (length,); False where nothing can be said of a base.
    """

    gene: dict
    kind: str
    scores: np.ndarray
    sites: np.ndarray
    own_sites: np.ndarray
    annotated: np.ndarray
    scorable: np.ndarray

    @property
    def explained(self) -> np.ndarray:
        """Offsets of annotated bases that do not count as sites here."""
        return np.setdiff1d(self.annotated, self.sites, assume_unique=True)


def evaluated_genes(scores: pl.DataFrame, genes: pl.DataFrame) -> pl.DataFrame:
    """Scored genes that are evaluated, by gene_id, with their type; genes that are mostly N are left out.

    Raises:
        EvaluationError: a scored gene is not among `genes`, or its strand, start or end differ there.
    """
    span = ["chrom", "gene_id", "strand", "start", "end"]
    strange = scores.join(genes, on=span, how="anti")
    if strange.height:
        raise EvaluationError(
            f"{strange.height} of {scores.height} scored genes are not in `genes` at the same place, first "
            f"{'|'.join(map(str, strange.select(span).row(0)))}. Score the chromosome again."
        )
    known = genes.filter(pl.col("n_fraction") <= MAX_N_FRACTION).select("chrom", "gene_id", "gene_type")
    return scores.join(known, on=["chrom", "gene_id"], how="inner").sort("gene_id")


def kind_tracks(
    evaluated: pl.DataFrame,
    sites: pl.DataFrame,
    sequence: ChromosomeSequence | None,
    labels: str,
    masked: pl.DataFrame | None = None,
) -> Iterator[KindTrack]:
    """The two tracks, donor and acceptor, of every gene of `evaluated_genes`, in its order."""
    mask = MaskedSites(masked)
    counted = sites.filter(is_counted(sites, labels))
    counted_of, own_of = _positions_by_gene(counted), _positions_by_gene(sites)
    annotated_of = _positions_by_strand(sites)
    unscorable_of = _positions_by_strand(sites.filter(~pl.col("is_scorable")))
    none = np.array([], dtype=np.int64)
    columns = ["chrom", "gene_id", "gene_type", "strand", "start", "end", "length"]
    for row, gene in enumerate(evaluated.select(columns).iter_rows(named=True)):
        place = gene["start"], gene["end"], gene["strand"]
        scorable = scorable_bases(sequence, *place)
        for kind in KINDS:
            key = gene["gene_id"], kind
            annotated = _inside(annotated_of.get((gene["strand"], kind), none), *place)
            unscorable = _inside(unscorable_of.get((gene["strand"], kind), none), *place)
            unknown = np.setdiff1d(mask.offsets(*place), annotated)
            track = KindTrack(
                gene=gene,
                kind=kind,
                scores=evaluated[f"{kind}_scores"][row].to_numpy(),
                sites=np.sort(offset_of_position(counted_of.get(key, none), *place)),
                own_sites=np.sort(offset_of_position(own_of.get(key, none), *place)),
                annotated=annotated,
                scorable=_without(scorable, np.union1d(unscorable, unknown)),
            )
            _check_track(track)
            yield track


def is_counted(sites: pl.DataFrame, labels: str) -> pl.Series:
    """Which rows of tables.SPLICE_SITES count as sites: scorable, and of `labels`.

    Raises:
        EvaluationError: no site carries the flag of `labels`, since the annotation has no such tag.
    """
    if labels == "all":
        return sites["is_scorable"]
    flags = sites[LABEL_FLAGS[labels]]
    if sites.height and flags.null_count() == sites.height:
        raise EvaluationError(
            f"labels: {labels} is asked for, but the annotation tags none of its {sites.height} sites on chromosome "
            f"{sites['chrom'][0]} ({LABEL_FLAGS[labels]} is null). Use labels all or canonical, or another annotation."
        )
    return sites["is_scorable"] & flags.fill_null(False)


def scorable_bases(sequence: ChromosomeSequence | None, start: int, end: int, strand: str) -> np.ndarray:
    """Whether no N lies within 2 of each base of `start`..`end`: bool, by offset; all True without a sequence."""
    if sequence is None:
        return np.ones(end - start + 1, dtype=bool)
    unknown = np.equal(sequence.forward(start - UNKNOWN_REACH, end + UNKNOWN_REACH), N)
    scorable = np.ones(end - start + 1, dtype=bool)
    for shift in range(2 * UNKNOWN_REACH + 1):
        scorable &= ~unknown[shift : shift + len(scorable)]
    return scorable if strand == "+" else scorable[::-1]


def has_neighbour(places: np.ndarray, sites: np.ndarray, distance: int) -> np.ndarray:
    """Whether one of the sorted `sites` lies 1..`distance` from each place, the place itself not counted."""
    to_left = np.searchsorted(sites, places, side="left") - np.searchsorted(sites, places - distance, side="left")
    to_right = np.searchsorted(sites, places + distance, side="right") - np.searchsorted(sites, places, side="right")
    return (to_left > 0) | (to_right > 0)


def _positions_by_gene(sites: pl.DataFrame) -> dict[tuple, np.ndarray]:
    """(gene_id, kind) -> positions."""
    parts = sites.partition_by("gene_id", "kind", as_dict=True, maintain_order=True)
    return {key: part["position"].to_numpy() for key, part in parts.items()}


def _positions_by_strand(sites: pl.DataFrame) -> dict[tuple, np.ndarray]:
    """(strand, kind) -> sorted unique positions over all genes."""
    parts = sites.partition_by("strand", "kind", as_dict=True, maintain_order=True)
    return {key: np.unique(part["position"].to_numpy()) for key, part in parts.items()}


def _inside(positions: np.ndarray, start: int, end: int, strand: str) -> np.ndarray:
    """Sorted offsets of those of the sorted `positions` that lie in a gene."""
    low, high = np.searchsorted(positions, start), np.searchsorted(positions, end, side="right")
    return np.sort(offset_of_position(positions[low:high], start, end, strand))


def _without(scorable: np.ndarray, unscorable: np.ndarray) -> np.ndarray:
    """`scorable`, False at the offsets `unscorable`."""
    if not len(unscorable):
        return scorable
    remaining = scorable.copy()
    remaining[unscorable] = False
    return remaining


def _check_track(track: KindTrack) -> None:
    """Raise unless scores, sites and sequence of one gene belong together."""
    name, length = f"{track.gene['chrom']}|{track.gene['gene_id']}", track.gene["length"]
    if len(track.scores) != length:
        raise EvaluationError(f"{name}: {len(track.scores)} {track.kind} scores for {length} bases. Score it again.")
    wrong = int((~np.isfinite(track.scores)).sum())
    if wrong:
        raise EvaluationError(f"{name}: {wrong} of {length} {track.kind} scores are not finite. Score it again.")
    outside = int(((track.own_sites < 0) | (track.own_sites >= length)).sum())
    if outside:
        raise EvaluationError(
            f"{name}: {outside} of {len(track.own_sites)} {track.kind} sites lie outside the gene. "
            "`splice_sites` and `genes` are from different builds."
        )
    unknown = int((~track.scorable[track.sites]).sum())
    if unknown:
        raise EvaluationError(
            f"{name}: {unknown} of {len(track.sites)} {track.kind} sites are marked scorable, but the sequence has "
            "an N within 2 bases. `splice_sites` was built from another sequence."
        )
