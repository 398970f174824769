"""Do the introns begin and end as introns do? The check that an annotation and a genome belong together.

Counted over unique sites of introns that are no gaps, where no base of the dinucleotide is N.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import polars as pl
from scipy.special import bdtr, bdtrc

from builder_assets.genome.introns import dinucleotides
from builder_assets.sequence import ChromosomeSequence

DONOR_MOTIFS = ("GT", "GC", "AT")
ACCEPTOR_MOTIFS = ("AG", "AC")
SHIFTS = (-2, -1, 1, 2)
FEWEST_DONORS = 100
FEWEST_CODING = 20  # donors of protein-coding genes: enough to tell a wrong build from a correct one


@dataclass(frozen=True)
class Judged:
    """Which genes are judged, and how.

    Attributes:
        genes: In words.
        error_below: Share of motifs under which the build is wrong, where there are `FEWEST_DONORS`.
        warning_below: Correct builds are above.
        worst: Share that correct builds reach on any few genes, but for chance.
    """

    genes: str
    error_below: float
    warning_below: float
    worst: float


# Measured on the real files that the tests read, GT+GC+AT of donors and AG+AC of acceptors. Correct builds:
# protein-coding genes 98 to 100 %, all genes 84 to 100 % (chromosome Y is the lowest), pseudogenes alone 71 %. Wrong
# builds: 8 to 19 %; 38 to 52 % on a stretch of which half lies at the same positions in both assemblies.
CODING = Judged("protein-coding genes", error_below=0.80, warning_below=0.97, worst=0.80)
ALL = Judged("all genes", error_below=0.60, warning_below=0.80, worst=0.70)
CHANCE = 1e-6  # of so few motifs: no stretch of 1 to 50 genes of a correct build came near, every wrong one of 20 did
# Largest share of ends that have no motif, but GT (AG) one or two bases beside: 1.4 % on correct builds.
LARGEST_DISPLACED = 0.05
BY_CHANCE_BESIDE = 1 / 8  # of GT or AG at a given place; 4 to 12 % on wrong builds
CHANCE_OF_DISPLACED = 1e-4


@dataclass(frozen=True)
class MotifVerdict:
    """What the motifs say about a chromosome.

    Attributes:
        level: "too few" where there are under 100 donors to judge, and they are not clearly wrong.
        text: One or two sentences for a person.
        numbers: Shares (0..1) and counts behind the text.
    """

    level: Literal["pass", "warn", "error", "too few"]
    text: str
    numbers: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Ends:
    """Donors (acceptors) without N in the dinucleotide.

    Attributes:
        motif: The usual one, GT (AG).
        n: How many.
        n_fitting: How many have any motif of their kind.
        n_displaced: By shift: how many have no motif, but the usual one at this shift.
        shares: Of each motif at its place, and of the usual one at each shift, such as `GT+1`.
    """

    motif: str
    n: int
    n_fitting: int
    n_displaced: dict[int, int]
    shares: dict[str, float]

    @property
    def fitting(self) -> float:
        """Share that has any motif of their kind."""
        return self.n_fitting / self.n if self.n else 0.0


def motif_table(introns: pl.DataFrame, genes: pl.DataFrame) -> pl.DataFrame:
    """Dinucleotides at intron ends, by strand and gene type.

    Args:
        introns: INTRONS.
        genes: GENES, for gene types.

    Returns:
        kind, strand, gene_type (null where unknown), n (unique sites), and the shares GT, GC, AT (donors) and AG, AC
        (acceptors) of them; null where the motif is not one of that kind.
    """
    typed = introns.join(genes.select("chrom", "gene_id", "gene_type"), on=["chrom", "gene_id"], how="left")
    tables = []
    for kind, first, motifs in (("donor", 0, DONOR_MOTIFS), ("acceptor", 3, ACCEPTOR_MOTIFS)):
        sites = (
            _sites_of(typed, kind)
            .with_columns(pl.col("motif").str.slice(first, 2))
            .filter(~pl.col("motif").str.contains("N", literal=True))
        )
        shares = {motif: (pl.col("motif") == motif).mean() for motif in motifs}
        tables.append(
            sites.group_by("strand", "gene_type").agg(pl.len().alias("n"), **shares).with_columns(kind=pl.lit(kind))
        )
    table = pl.concat(tables, how="diagonal")
    return table.select("kind", "strand", "gene_type", "n", *DONOR_MOTIFS, *ACCEPTOR_MOTIFS).sort(
        ["kind", "strand", "gene_type"], descending=[True, False, False], nulls_last=True
    )


def motif_verdict(introns: pl.DataFrame, genes: pl.DataFrame, sequence: ChromosomeSequence) -> MotifVerdict:
    """Judge the motifs of a chromosome's protein-coding genes, strands pooled; of all genes where few are coding.

    error    under 80 % GT+GC+AT or AG+AC (all genes: 60 %): a wrong build; or over 5 % of the ends have their GT (AG)
             a base or two beside: shifted coordinates
    warn     under 97 % (all genes: 80 %)
    too few  under 100 donors that no more than chance may explain; what chance does not explain is an error

    Args:
        introns: INTRONS.
        genes: GENES.
        sequence: Bases of the chromosome, for the shifted control.
    """
    own, judged = _judged(introns, genes)
    donors = _ends(own, "donor", 1, DONOR_MOTIFS, sequence)
    acceptors = _ends(own, "acceptor", -2, ACCEPTOR_MOTIFS, sequence)
    return _verdict(donors, acceptors, judged, sequence.chrom)


def _sites_of(introns: pl.DataFrame, kind: str) -> pl.DataFrame:
    """One row per gene and donor (acceptor) of introns that are no gaps."""
    key = ["chrom", "gene_id", f"{kind}_position"]
    return introns.filter(~pl.col("is_gap")).unique(key, keep="first", maintain_order=True)


def _judged(introns: pl.DataFrame, genes: pl.DataFrame) -> tuple[pl.DataFrame, Judged]:
    coding = genes.filter(pl.col("gene_type") == "protein_coding").select("chrom", "gene_id")
    own = introns.join(coding, on=["chrom", "gene_id"], how="semi")
    return (own, CODING) if _sites_of(own, "donor").height >= FEWEST_CODING else (introns, ALL)


def _ends(introns: pl.DataFrame, kind: str, start: int, motifs: tuple[str, ...], sequence: ChromosomeSequence) -> Ends:
    """Count motifs `start` bases from each donor (acceptor), and beside."""
    sites = _sites_of(introns, kind)
    positions, strands = sites[f"{kind}_position"].to_numpy(), sites["strand"].to_numpy()
    found = dinucleotides(sequence, positions, strands, shift=start)
    is_known, is_fitting = np.char.find(found, "N") < 0, np.isin(found, motifs)
    shares = {motif: _share(found[is_known] == motif) for motif in motifs}
    displaced = {}
    for shift in SHIFTS:
        beside = dinucleotides(sequence, positions, strands, shift=start + shift)
        displaced[shift] = int(np.count_nonzero(is_known & ~is_fitting & (beside == motifs[0])))
        shares[f"{motifs[0]}{shift:+d}"] = _share(beside[np.char.find(beside, "N") < 0] == motifs[0])
    return Ends(motifs[0], int(is_known.sum()), int(is_fitting.sum()), displaced, shares)


def _share(found: np.ndarray) -> float:
    return float(found.mean()) if len(found) else 0.0


def _is_clearly_wrong(donors: Ends, acceptors: Ends, judged: Judged) -> bool:
    """Whether so few motifs are no accident: a share under the bound; of few ends, once in a million by chance."""
    if donors.n >= FEWEST_DONORS:
        return _least(donors, acceptors) < judged.error_below
    counts = [(ends.n_fitting, ends.n) for ends in (donors, acceptors)]
    counts.append((donors.n_fitting + acceptors.n_fitting, donors.n + acceptors.n))
    return any(bdtr(fitting, n, judged.worst) < CHANCE for fitting, n in counts)


def _least(donors: Ends, acceptors: Ends) -> float:
    """The smaller of the two shares that have a motif; where all of one kind have an N, the other's."""
    return min((ends.fitting for ends in (donors, acceptors) if ends.n), default=1.0)


def _displaced(ends: Ends) -> Iterator[str]:
    """Shifts at which more ends have their motif than chance and nature put there.

    An end that has its own motif is at its place, whatever lies beside: in GTGT, and before an exon that begins with
    AG. So only the others count, and they must have the motif at one shift more often than any bases do.
    """
    without = ends.n - ends.n_fitting
    for shift, count in ends.n_displaced.items():
        by_chance = bdtrc(count - 1, without, BY_CHANCE_BESIDE) if count else 1.0
        if count > LARGEST_DISPLACED * ends.n and by_chance < CHANCE_OF_DISPLACED:
            yield f"{ends.motif} at shift {shift:+d} {count / ends.n:.1%}"


def _verdict(donors: Ends, acceptors: Ends, judged: Judged, chrom: str) -> MotifVerdict:
    numbers: dict[str, float] = {
        "n_donors": donors.n, "donor_motifs": donors.fitting, **donors.shares,
        "n_acceptors": acceptors.n, "acceptor_motifs": acceptors.fitting, **acceptors.shares,
    }  # fmt: skip
    text = (
        f"Chromosome {chrom}, {judged.genes}: {donors.n:,} donors, GT {numbers['GT']:.1%}, GT+GC+AT "
        f"{donors.fitting:.1%}; {acceptors.n:,} acceptors, AG {numbers['AG']:.1%}, AG+AC {acceptors.fitting:.1%}."
    )
    displaced = ", ".join([*_displaced(donors), *_displaced(acceptors)])
    if displaced:
        text += (
            f" Beside the ends, which have no motif there: {displaced}. The annotation's coordinates are shifted by a "
            "base or two: are they 0-based?"
        )
        return MotifVerdict("error", text, numbers)
    if _is_clearly_wrong(donors, acceptors, judged):
        return MotifVerdict("error", f"{text} Annotation and FASTA are probably not of the same assembly.", numbers)
    if donors.n < FEWEST_DONORS:
        return MotifVerdict("too few", f"{text} Under {FEWEST_DONORS} donors: only a clear misfit would show.", numbers)
    if _least(donors, acceptors) < judged.warning_below:
        return MotifVerdict("warn", f"{text} Correct builds have over {judged.warning_below:.0%}.", numbers)
    return MotifVerdict("pass", text, numbers)
