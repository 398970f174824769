"""Do the introns begin and end as introns do? The check that an annotation and a genome belong together.

Counted over unique sites of introns that are no gaps, where no base of the dinucleotide is N.
"""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import polars as pl

from builder_assets.genome.introns import dinucleotides
from builder_assets.sequence import ChromosomeSequence

DONOR_MOTIFS = ("GT", "GC", "AT")
ACCEPTOR_MOTIFS = ("AG", "AC")
FEWEST_DONORS = 100
ERROR_BELOW, WARNING_BELOW = 0.80, 0.97
# Largest share of GT (AG) one and two bases beside where it belongs. Two bases on, nature has its own: exons often
# begin with AG (4-9 % on correct builds), and GTGT donors reach 4 %; at the other shifts it is under 2 %.
LARGEST_SHIFTED = {-2: 0.05, -1: 0.05, 1: 0.05, 2: 0.15}


@dataclass(frozen=True)
class MotifVerdict:
    """What the motifs say about a chromosome.

    Attributes:
        level: "too few" where there are under 100 donors to judge.
        text: One or two sentences for a person.
        numbers: Shares (0..1) and counts behind the text.
    """

    level: Literal["pass", "warn", "error", "too few"]
    text: str
    numbers: dict[str, float] = field(default_factory=dict)


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
    """Judge the motifs of a chromosome's protein-coding genes, strands pooled (all genes where no type is known).

    error    under 80 % GT+GC+AT or AG+AC, or GT (AG) too frequent beside where it belongs: a wrong build, or ends
             shifted by a base or two
    warn     under 97 %
    too few  under 100 donors; the numbers are given all the same

    Args:
        introns: INTRONS.
        genes: GENES.
        sequence: Bases of the chromosome, for the shifted control.
    """
    judged_introns, judged = _judged(introns, genes)
    numbers: dict[str, float] = {}
    for kind, start, motifs in (("donor", 1, DONOR_MOTIFS), ("acceptor", -2, ACCEPTOR_MOTIFS)):
        sites = _sites_of(judged_introns, kind)
        positions, strands = sites[f"{kind}_position"].to_numpy(), sites["strand"].to_numpy()
        for shift in range(-2, 3):
            found = dinucleotides(sequence, positions, strands, shift=start + shift)
            known = found[np.char.find(found, "N") < 0]
            if shift == 0:
                numbers[f"n_{kind}s"] = len(known)
                numbers |= {motif: _share(known, (motif,)) for motif in motifs}
                numbers[f"{kind}_motifs"] = _share(known, motifs)
            else:
                numbers[f"{motifs[0]}{shift:+d}"] = _share(known, motifs[:1])
    return _verdict(numbers, f"{sequence.chrom}, {judged}")


def _sites_of(introns: pl.DataFrame, kind: str) -> pl.DataFrame:
    """One row per gene and donor (acceptor) of introns that are no gaps."""
    key = ["chrom", "gene_id", f"{kind}_position"]
    return introns.filter(~pl.col("is_gap")).unique(key, keep="first", maintain_order=True)


def _judged(introns: pl.DataFrame, genes: pl.DataFrame) -> tuple[pl.DataFrame, str]:
    if genes["gene_type"].null_count() == genes.height:
        return introns, "all genes (no type known)"
    coding = genes.filter(pl.col("gene_type") == "protein_coding").select("chrom", "gene_id")
    return introns.join(coding, on=["chrom", "gene_id"], how="semi"), "protein-coding genes"


def _share(found: np.ndarray, motifs: tuple[str, ...]) -> float:
    return float(np.isin(found, motifs).mean()) if len(found) else 0.0


def _verdict(numbers: dict[str, float], what: str) -> MotifVerdict:
    text = (
        f"Chromosome {what}: {numbers['n_donors']:,} donors, GT {numbers['GT']:.1%}, GT+GC+AT "
        f"{numbers['donor_motifs']:.1%}; {numbers['n_acceptors']:,} acceptors, AG {numbers['AG']:.1%}, AG+AC "
        f"{numbers['acceptor_motifs']:.1%}."
    )
    if numbers["n_donors"] < FEWEST_DONORS:
        return MotifVerdict("too few", f"{text} Under {FEWEST_DONORS} donors: not judged.", numbers)
    shifted = [
        f"{motif} at shift {shift:+d} {numbers[f'{motif}{shift:+d}']:.1%}"
        for motif in ("GT", "AG")
        for shift, largest in LARGEST_SHIFTED.items()
        if numbers[f"{motif}{shift:+d}"] > largest
    ]
    lowest = min(numbers["donor_motifs"], numbers["acceptor_motifs"])
    if lowest < ERROR_BELOW or shifted:
        beside = f" Beside the sites: {', '.join(shifted)}." if shifted else ""
        return MotifVerdict(
            "error", f"{text}{beside} Annotation and FASTA are probably not of the same assembly.", numbers
        )
    if lowest < WARNING_BELOW:
        return MotifVerdict("warn", f"{text} Correct builds have over {WARNING_BELOW:.0%}.", numbers)
    return MotifVerdict("pass", text, numbers)
