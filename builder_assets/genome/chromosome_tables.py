"""All tables of one chromosome, from its annotation records and bases, and the hard rules that they keep."""

from dataclasses import dataclass

import polars as pl

from builder_assets.genome.gene_models import (
    exons_from_records,
    genes_from_records,
    inside_segments,
    transcripts_from_exons,
)
from builder_assets.genome.introns import introns_from_exons, unique_introns
from builder_assets.genome.overlaps import check_symmetric, gene_overlaps_from_genes
from builder_assets.genome.splice_sites import splice_sites_from_introns
from builder_assets.sequence import ChromosomeSequence
from builder_assets.settings import IntronSettings
from builder_assets.tables import EXONS, GENES, INTRONS, SPLICE_SITES, TRANSCRIPTS

GENE = ["chrom", "gene_id"]
LARGEST_SHARE_DROPPED = 0.01
# Correct annotations reach 2.6 % on a chromosome (X of GENCODE v30lift37, Y of Ensembl 75); a file whose exons are
# split into coding and untranslated parts has tens of percent.
LARGEST_SHARE_WITH_GAPS = 0.05
FEWEST_TRANSCRIPTS_JUDGED = 100  # below, one lifted gene would be over 1 %


class GeneModelError(ValueError):
    """The annotation and the bases of a chromosome cannot both be right; the text says how many genes and which."""


@dataclass(frozen=True)
class ChromosomeTables:
    """The tables of one chromosome, each after its contract in `builder_assets.tables`.

    Attributes:
        genes: GENES.
        transcripts: TRANSCRIPTS.
        exons: EXONS.
        introns: INTRONS, gaps included.
        splice_sites: SPLICE_SITES.
        gene_overlaps: GENE_OVERLAPS.
        dropped: gene_id, start, end of the genes not wholly inside a real segment.
        gap_introns: Introns shorter than `min_intron`, counted per transcript.
        gap_transcripts: Transcripts with such an intron.
        n_transcripts: Transcripts of the genes that stayed.
        n_genes_without_exons: Gene records that no exon belongs to; they are in no table.
        n_transcripts_without_exons: Transcript records that no exon belongs to; they are in no table.
    """

    genes: pl.DataFrame
    transcripts: pl.DataFrame
    exons: pl.DataFrame
    introns: pl.DataFrame
    splice_sites: pl.DataFrame
    gene_overlaps: pl.DataFrame
    dropped: pl.DataFrame
    gap_introns: int
    gap_transcripts: int
    n_transcripts: int
    n_genes_without_exons: int
    n_transcripts_without_exons: int


def chromosome_tables(
    records: pl.DataFrame, sequence: ChromosomeSequence, settings: IntronSettings
) -> ChromosomeTables:
    """Gene models, introns, splice sites and overlaps of one chromosome.

    Args:
        records: ANNOTATION_RECORDS of this chromosome; none is legal and gives empty tables.
        sequence: Its bases.
        settings: Shortest intron, and whether genes may lie outside the sequence.

    Raises:
        GeneModelError: records of another chromosome; too many genes outside the sequence; too many transcripts with
            gap introns; an identity of the gene models broken.
        ContractError: a table does not keep its contract.
    """
    strange = records.filter(pl.col("chrom") != sequence.chrom)
    if strange.height:
        raise GeneModelError(
            f"{strange.height} of {records.height} records lie on chromosome {strange['chrom'][0]}, the bases are of "
            f"{sequence.chrom}."
        )
    gene_records = records.filter(pl.col("feature") == "gene")
    dropped = gene_records.filter(~inside_segments(gene_records, sequence)).sort("start", "end", "gene_id")
    _check_dropped(dropped, gene_records.height, sequence, settings)
    kept = records.join(dropped.select(GENE), on=GENE, how="anti")
    exons = exons_from_records(kept)
    transcripts = transcripts_from_exons(kept, exons)
    introns = introns_from_exons(exons, settings.min_intron)
    check_identities(exons, transcripts, introns, sequence)
    n_gaps = _check_gaps(introns, transcripts.height, sequence.chrom, settings)
    sites = splice_sites_from_introns(introns, transcripts, sequence)
    genes = _with_site_counts(genes_from_records(kept, transcripts, exons, sequence), sites)
    overlaps = gene_overlaps_from_genes(genes)
    check_symmetric(overlaps)
    tables = ChromosomeTables(
        genes=GENES.conform(genes),
        transcripts=TRANSCRIPTS.conform(transcripts),
        exons=EXONS.conform(exons),
        introns=INTRONS.conform(unique_introns(introns, sequence)),
        splice_sites=SPLICE_SITES.conform(sites),
        gene_overlaps=overlaps,
        dropped=dropped.select("gene_id", "start", "end"),
        gap_introns=int(introns["is_gap"].sum()),
        gap_transcripts=n_gaps,
        n_transcripts=transcripts.height,
        n_genes_without_exons=gene_records.height - dropped.height - genes.height,
        n_transcripts_without_exons=kept.filter(pl.col("feature") == "transcript").height - transcripts.height,
    )
    _check_contracts(tables)
    return tables


def check_identities(
    exons: pl.DataFrame, transcripts: pl.DataFrame, introns: pl.DataFrame, sequence: ChromosomeSequence
) -> None:
    """The hard rules of gene models, before the gap filter.

    Introns of all transcripts = sum of (n_exons - 1) = their donors = their acceptors; exon ranks are 1..n; every exon
    ends inside the sequence.

    Raises:
        GeneModelError: one is broken.
    """
    expected = int((transcripts["n_exons"].cast(pl.Int64) - 1).sum())
    found = [introns.height, *(introns[f"{kind}_position"].len() - introns[f"{kind}_position"].null_count()
                               for kind in ("donor", "acceptor"))]  # fmt: skip
    if any(count != expected for count in found):
        raise GeneModelError(
            f"chromosome {sequence.chrom}: transcripts have {expected:,} gaps between exons, but {found[0]:,} introns, "
            f"{found[1]:,} donors and {found[2]:,} acceptors were made."
        )
    ranks = exons.group_by("chrom", "gene_id", "transcript_id").agg(pl.col("exon_rank").sort())
    broken = ranks.filter(pl.col("exon_rank") != pl.int_ranges(1, pl.col("exon_rank").list.len() + 1, dtype=pl.Int32))
    if broken.height:
        raise GeneModelError(
            f"chromosome {sequence.chrom}: exon ranks of {broken.height} transcripts are not 1..n, first "
            f"{broken['transcript_id'].min()}."
        )
    beyond = exons.filter((pl.col("start") < sequence.first_position) | (pl.col("end") > sequence.last_position))
    if beyond.height:
        raise GeneModelError(
            f"chromosome {sequence.chrom}: {beyond.height} of {exons.height} exons lie outside the sequence "
            f"{sequence.first_position:,}-{sequence.last_position:,}, first {beyond['start'].min():,}. The annotation "
            "and the FASTA are probably from different assemblies."
        )


def _check_dropped(dropped: pl.DataFrame, n_genes: int, sequence: ChromosomeSequence, settings: IntronSettings) -> None:
    if settings.partial_sequence or dropped.height <= LARGEST_SHARE_DROPPED * n_genes:
        return
    shown = ", ".join(
        f"{gene} at {start}-{end}" for gene, start, end in dropped.select("gene_id", "start", "end")[:3].iter_rows()
    )
    raise GeneModelError(
        f"{dropped.height:,} of {n_genes:,} genes on chromosome {sequence.chrom} do not lie wholly inside its "
        f"sequence ({len(sequence.segments)} segments, up to {sequence.last_position:,}), among them {shown}. Either "
        "annotation and FASTA are from different assemblies, or the FASTA is partial: then set "
        "`partial_sequence: true`."
    )


def _check_gaps(introns: pl.DataFrame, n_transcripts: int, chrom: str, settings: IntronSettings) -> int:
    """Number of transcripts with a gap; raises where they are too many to be stray alignments."""
    gaps = introns.filter("is_gap")
    with_gaps = gaps.select("gene_id", "transcript_id").unique().sort("gene_id", "transcript_id")
    if n_transcripts >= FEWEST_TRANSCRIPTS_JUDGED and with_gaps.height > LARGEST_SHARE_WITH_GAPS * n_transcripts:
        raise GeneModelError(
            f"{with_gaps.height:,} of {n_transcripts:,} transcripts on chromosome {chrom} have introns shorter than "
            f"{settings.min_intron} bases ({gaps.height:,} introns), first {with_gaps['transcript_id'][0]}. That many "
            "are no alignment gaps: correct the annotation, or lower `min_intron`."
        )
    return with_gaps.height


def _with_site_counts(genes: pl.DataFrame, sites: pl.DataFrame) -> pl.DataFrame:
    counts = sites.group_by(GENE).agg(
        n_donors=(pl.col("kind") == "donor").sum(), n_acceptors=(pl.col("kind") == "acceptor").sum()
    )
    return (
        genes.join(counts, on=GENE, how="left")
        .with_columns(pl.col("n_donors", "n_acceptors").fill_null(0))
        .with_columns(n_splice_sites=pl.col("n_donors") + pl.col("n_acceptors"))
    )


def _check_contracts(tables: ChromosomeTables) -> None:
    GENES.check(tables.genes)
    TRANSCRIPTS.check(tables.transcripts)
    EXONS.check(tables.exons)
    INTRONS.check(tables.introns)
    SPLICE_SITES.check(tables.splice_sites)
