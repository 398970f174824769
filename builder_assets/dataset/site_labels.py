"""What the annotation says about bases: labels come from here and from nowhere else.

Scores never enter this module, so they cannot move a label.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from builder_assets.base_model.kind_tracks import has_neighbour, is_counted
from builder_assets.coordinates import offset_of_position, position_of_offset
from builder_assets.dataset.gene_tracks import GeneTracks

NEITHER, DONOR, ACCEPTOR = 0, 1, 2  # values of the column `label`; donor and acceptor are also bits of a mask
SPLICE_TYPES = ("neither", "donor", "acceptor")  # index = label
NEAR_SITE_REACH = 2


@dataclass(frozen=True)
class GeneSites:
    """The annotated bases of one gene, as offsets.

    Attributes:
        labelled_offsets: Sites that become examples: own, of the chosen labels, scorable, of one kind; sorted.
        labels: Their labels (1 donor, 2 acceptor), int8.
        own_offsets: Every annotated site of the gene, whatever the chosen labels; sorted, unique.
        annotated: Bases that are a site of any gene, either kind, on the gene's strand; bool (length,).
    """

    labelled_offsets: np.ndarray
    labels: np.ndarray
    own_offsets: np.ndarray
    annotated: np.ndarray


class ChromosomeSites:
    """The splice sites of one chromosome, ready to be asked gene by gene."""

    def __init__(self, sites: pl.DataFrame, labels: str) -> None:
        """Index SPLICE_SITES of a whole chromosome; `labels` chooses those that become examples."""
        self._strands = {strand: _bases_of_strand(sites.filter(strand=strand)) for strand in ("+", "-")}
        self._own = _by_gene(sites)
        self._chosen = _by_gene(sites.filter(is_counted(sites, labels)))

    def of_gene(self, gene: GeneTracks) -> GeneSites:
        """The annotated bases of one gene.

        A base that is a donor of one gene and an acceptor of another on the same strand is both kinds for
        each of them: two labels for one sequence would be one label too many.

        Raises:
            ValueError: an own site lies outside the gene.
        """
        positions, kinds = self._own.get(gene.gene_id, _NOTHING)
        outside = int(((positions < gene.start) | (positions > gene.end)).sum())
        if outside:
            raise ValueError(
                f"{outside} of {len(positions)} splice sites of gene {gene.gene_id} lie outside "
                f"{gene.chrom}:{gene.start}-{gene.end}; genes and splice_sites are of different builds."
            )
        own = np.unique(offset_of_position(positions, gene.start, gene.end, gene.strand))
        bases, masks = self._strands[gene.strand]
        low, high = np.searchsorted(bases, [gene.start, gene.end + 1])
        annotated = np.zeros(gene.length, dtype=bool)
        annotated[offset_of_position(bases[low:high], gene.start, gene.end, gene.strand)] = True
        positions, kinds = self._chosen.get(gene.gene_id, _NOTHING)
        single = masks[np.searchsorted(bases, positions)] != DONOR + ACCEPTOR
        offsets = offset_of_position(positions[single], gene.start, gene.end, gene.strand)
        order = np.argsort(offsets)
        return GeneSites(offsets[order], kinds[single][order], own, annotated)

    def near_site(self, gene: GeneTracks, offsets: np.ndarray) -> np.ndarray:
        """Whether another annotated site of the strand, any gene and kind, lies within +-2 of a base; bool (n,).

        The base itself is not counted, so that the flag means the same on sites and on negatives.
        """
        bases, _ = self._strands[gene.strand]
        positions = position_of_offset(offsets, gene.start, gene.end, gene.strand)
        return has_neighbour(positions, bases, NEAR_SITE_REACH)


_NOTHING = (np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int8))


def _kinds(sites: pl.DataFrame) -> np.ndarray:
    return np.where((sites["kind"] == "donor").to_numpy(), DONOR, ACCEPTOR).astype(np.int8)


def _bases_of_strand(sites: pl.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Sorted unique positions of sites, and per position a mask of the kinds found there."""
    bases, place = np.unique(sites["position"].to_numpy().astype(np.int64), return_inverse=True)
    masks = np.zeros(len(bases), dtype=np.int8)
    np.bitwise_or.at(masks, place, _kinds(sites))
    return bases, masks


def _by_gene(sites: pl.DataFrame) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Positions and kinds of each gene's sites."""
    ordered = sites.select("gene_id", "position", "kind").sort("gene_id", "position", "kind")
    positions, kinds = ordered["position"].to_numpy(), _kinds(ordered)
    sizes = ordered.group_by("gene_id", maintain_order=True).len()
    ends = np.cumsum(sizes["len"].to_numpy())
    return {
        gene_id: (positions[end - size : end], kinds[end - size : end])
        for gene_id, size, end in zip(sizes["gene_id"], sizes["len"], ends, strict=True)
    }
