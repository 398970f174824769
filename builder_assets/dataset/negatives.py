"""Which unannotated bases become examples: six tiers, a pool each, a draw per gene.

    tier   first that fits, s = max(donor, acceptor)            drawn
    hard   s >= hard_prob                                       all
    mid    s >= mid_prob                                        all
    low    s >= low_prob                                        ratio x sites
    decoy  GT follows the base, or AG precedes it               ratio x sites
    near   within +-window of a site of the gene                ratio x sites, no minimum
    easy   the rest                                             ratio x sites

With only hard, near and easy nearly every example scoring between 0.001 and 0.15 would be a site, which is far from
true in a genome: hence mid and low. Weights (pool / drawn) give the genome's proportions back.
"""

import math
from dataclasses import dataclass

import numpy as np

from builder_assets.sequence import A, G, T
from builder_assets.settings import NegativeSettings
from builder_assets.tables.dataset import TIERS

HARD, MID, LOW, DECOY, NEAR, EASY = range(len(TIERS))
NOT_ELIGIBLE = -1
ROUNDING = 1e-9  # ratio x sites may come out a last bit above a whole number


@dataclass(frozen=True)
class DrawnNegatives:
    """The negatives of one gene.

    Attributes:
        offsets: Drawn bases, sorted, int64 (n,).
        tiers: Their tier, an index into TIERS, int8 (n,).
        weights: pool / drawn of their tier, float64 (n,).
        pools: Eligible bases per tier, int64 (6,).
        drawn: Drawn bases per tier, int64 (6,).
    """

    offsets: np.ndarray
    tiers: np.ndarray
    weights: np.ndarray
    pools: np.ndarray
    drawn: np.ndarray


def decoy_bases(codes: np.ndarray) -> np.ndarray:
    """Bases that look like an exon's edge: GT at shift +1, +2 or AG at shift -2, -1; bool (length,).

    Only bases of the gene itself are read, as everywhere in the features.
    """
    decoys = np.zeros(len(codes), dtype=bool)
    decoys[:-2] |= (codes[1:-1] == G) & (codes[2:] == T)
    decoys[2:] |= (codes[:-2] == A) & (codes[1:-1] == G)
    return decoys


def near_bases(length: int, site_offsets: np.ndarray, window: int) -> np.ndarray:
    """Bases within +-`window` of a site, the site itself included; bool (length,)."""
    steps = np.zeros(length + 1, dtype=np.int32)
    np.add.at(steps, np.maximum(site_offsets - window, 0), 1)
    np.add.at(steps, np.minimum(site_offsets + window + 1, length), -1)
    return np.cumsum(steps[:-1]) > 0


def tiers_of(
    donor: np.ndarray,
    acceptor: np.ndarray,
    codes: np.ndarray,
    eligible: np.ndarray,
    site_offsets: np.ndarray,
    settings: NegativeSettings,
) -> np.ndarray:
    """The tier of every base of one gene, int8 (length,): an index into TIERS, -1 where not eligible.

    Args:
        donor: P(donor) by offset, float32 (length,).
        acceptor: P(acceptor) by offset, float32 (length,).
        codes: Base codes by offset, uint8 (length,).
        eligible: Scorable bases that no gene of the strand has as a site, bool (length,).
        site_offsets: All annotated sites of this gene, whatever the chosen labels.
        settings: Bounds of the tiers.
    """
    score = np.maximum(donor, acceptor)
    tiers = np.full(len(codes), EASY, dtype=np.int8)
    # From the last tier to the first: what is written later wins, so the first that fits stays.
    tiers[near_bases(len(codes), site_offsets, settings.window)] = NEAR
    tiers[decoy_bases(codes)] = DECOY
    tiers[score >= np.float32(settings.low_prob)] = LOW
    tiers[score >= np.float32(settings.mid_prob)] = MID
    tiers[score >= np.float32(settings.hard_prob)] = HARD
    tiers[~eligible] = NOT_ELIGIBLE
    return tiers


def drawn_counts(pools: np.ndarray, n_sites: int, settings: NegativeSettings) -> np.ndarray:
    """How many bases of each tier are drawn, int64 (6,): min(pool, max(minimum, ceil(ratio x sites))).

    `near` has no minimum; hard and mid are taken whole, with `keep_all` every tier is.
    """
    if settings.keep_all:
        return pools.copy()
    wanted = pools.copy()
    for tier in (LOW, DECOY, NEAR, EASY):
        share = math.ceil(getattr(settings.ratios, TIERS[tier]) * n_sites - ROUNDING)
        wanted[tier] = share if tier == NEAR else max(settings.minimum, share)
    return np.minimum(pools, wanted)


def draw_negatives(
    tiers: np.ndarray, n_sites: int, settings: NegativeSettings, generator: np.random.Generator
) -> DrawnNegatives:
    """Draw the negatives of one gene: simple random, without replacement, from each tier's pool.

    Every base gets one random number and the lowest of a pool are drawn: a higher ratio adds to what a lower one
    draws, and a change in one tier does not reshuffle the others.

    Args:
        tiers: Tier per base, from `tiers_of`.
        n_sites: Sites of the gene that are examples.
        settings: Ratios and minimum.
        generator: `seeds.generator_of(settings.seed, chrom, gene_id)`.
    """
    pools = np.bincount(tiers[tiers >= 0], minlength=len(TIERS))
    drawn = drawn_counts(pools, n_sites, settings)
    lots = generator.random(len(tiers)) if (drawn < pools).any() else None
    taken = np.zeros(len(tiers), dtype=bool)
    for tier in np.flatnonzero(drawn):
        pool = np.flatnonzero(tiers == tier)
        if drawn[tier] < pools[tier] and lots is not None:
            pool = pool[np.argpartition(lots[pool], drawn[tier] - 1)[: drawn[tier]]]
        taken[pool] = True
    offsets = np.flatnonzero(taken)
    weights = pools / np.maximum(drawn, 1)
    return DrawnNegatives(offsets, tiers[offsets], weights[tiers[offsets]], pools, drawn)
