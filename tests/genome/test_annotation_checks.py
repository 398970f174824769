import polars as pl
import pytest

from builder_assets.coordinates import ASSEMBLY_LENGTHS
from builder_assets.genome.annotation_checks import (
    contig_fit,
    contig_table,
    gene_types,
    intron_lengths,
    length_histogram,
)
from builder_assets.genome.annotation_records import records_from_annotation
from builder_assets.genome.contigs import fasta_records
from tests.genome.toy import gtf_rows

MT = ASSEMBLY_LENGTHS["GRCh38"]["MT"]


def records(*places):
    """One gene per (chromosome, last base)."""
    rows = [gtf_rows([(f"G{i}", f"T{i}", "+", [(end - 9, end)])], chrom) for i, (chrom, end) in enumerate(places)]
    return records_from_annotation(pl.concat(rows), "GRCh38")


def fasta(**lengths):
    return fasta_records([(name, length) for name, length in lengths.items()], "", "GRCh38")


def test_contig_fit__counts_what_is_left_out():
    made = records(("7", 100), ("7", 200), ("KI270728.1", 90), ("KI270731.1", 90))
    verdict = contig_fit(made, fasta(chr7=2_000_000, KI1=50, chrM=MT), ("7",), "GRCh38")
    assert verdict.level == "pass"
    assert "2 genes on 1 chromosomes; left out: 2 genes on 2 contigs" in verdict.text
    assert "(KI270728.1, KI270731.1)" in verdict.text
    assert "No well-known gene tells the assembly." in verdict.text
    assert verdict.numbers["fasta_contigs_left_out"] == 2


@pytest.mark.parametrize(
    ("places", "chromosomes", "level", "text"),
    [
        ([("7", 100)], ("7", "MT"), "warn", "No gene at all on 1 chromosomes of the settings (MT)"),
        ([("MT", 100)], ("7", "MT"), "error", "No gene at all on 1 chromosomes of the settings (7)"),
        ([("7", 2_000_001), ("MT", 9)], ("7", "MT"), "warn", "Genes end beyond the FASTA on 1 chromosomes (7)"),
        ([("7", 100)], ("7", "X"), "error", "Take an annotation that has X, or leave them out of `chromosomes:`"),
        ([("7", 100)], ("7", "XVI"), "error", "No gene at all on 1 chromosomes of the settings (XVI)"),
        ([("7", 100)], ("7", "scaffold_7"), "warn", "No gene at all on 1 chromosomes of the settings (scaffold_7)"),
        ([("7", 100)], ("7", "scaffold_8"), "error", "No gene at all on 1 chromosomes of the settings (scaffold_8)"),
    ],
)
def test_contig_fit__levels(places, chromosomes, level, text):
    made = records(*[(chrom, max(end, 10)) for chrom, end in places])
    lengths = {
        "chr7": 2_000_000,
        "chrM": MT,
        "chrX": 5_000,
        "chrXVI": 5_000,
        "scaffold_7": 5_000,
        "scaffold_8": 1_000_000,
    }
    verdict = contig_fit(made, fasta(**lengths), chromosomes, "GRCh38")
    assert verdict.level == level
    assert text in verdict.text


def test_contig_table__shows_both_sides_and_the_assembly():
    table = contig_table(records(("MT", 100), ("X1", 50)), fasta(chrM=MT, other=7), "GRCh38")
    assert table.rows() == [("MT", 1, 100, MT, 16569), ("X1", 1, 50, None, None), ("other", 0, None, 7, None)]


@pytest.mark.parametrize(("n_unknown", "level"), [(1, "pass"), (2, "warn")])
def test_gene_types__share_of_unknown(n_unknown, level):
    types = ["protein_coding"] * 60 + ["lncRNA"] * (40 - n_unknown) + [None] * n_unknown
    verdict = gene_types(pl.DataFrame({"gene_type": types}))
    assert verdict.level == level
    assert f"{n_unknown} of 100 genes ({n_unknown}.0%) have no type; 2 types are known" in verdict.text
    assert verdict.numbers["lncRNA"] == 40 - n_unknown


def test_gene_types__no_genes():
    assert gene_types(pl.DataFrame(schema={"gene_type": pl.String})).level == "pass"


@pytest.mark.parametrize(("n_gaps", "level"), [(1, "pass"), (2, "warn")])
def test_intron_lengths__share_of_gaps(n_gaps, level):
    lengths = [5] * n_gaps + [1000] * (100 - n_gaps)
    introns = pl.DataFrame({"length": lengths, "is_gap": [length < 30 for length in lengths]})
    verdict = intron_lengths(introns)
    assert verdict.level == level
    assert f"100 unique introns, {n_gaps} of them gaps ({n_gaps}.00%)" in verdict.text
    assert (verdict.numbers["median"], verdict.numbers["longest"]) == (1000, 1000)
    assert intron_lengths(introns.clear()).numbers["median"] == 0


def test_length_histogram__every_intron_is_in_one_bin():
    lengths = [-5, 0, 29, 30, 99, 100, 999_999, 1_000_000, 2_000_000]
    bins = dict(length_histogram(pl.DataFrame({"length": lengths})))
    assert bins == {"0": 3, "30": 2, "100": 1, "300": 0, "1k": 0, "3k": 0, "10k": 0, "30k": 0, "100k": 0, "300k": 1,
                    "1M": 2}  # fmt: skip
