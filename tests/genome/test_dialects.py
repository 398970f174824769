"""Every real dialect parses to the same contracts; each gene, transcript, exon, id, version, type and flag is compared
with what gffutils or pyranges reads from the same file."""

import gzip

import polars as pl
import pyranges
import pytest

from builder_assets.genome.annotation_records import records_from_annotation
from builder_assets.genome.chromosome_tables import chromosome_tables
from builder_assets.sequence import ChromosomeSequence
from builder_assets.settings import IntronSettings
from builder_assets.tables import GENE_ANNOTATION
from resources.annotation_file import read_annotation
from tests.genome.outside_reader import OutsideRecords
from tests.genome.toy import bases

SMALL = {
    "grch37/ensembl75.chrY.gtf.gz": "GRCh37",
    "grch38/mane_v1.3.chr22.gff.gz": "GRCh38",
    "dialects/gencode.v38.basic.chr22.gtf.gz": "GRCh38",
}
LARGE = {"dialects/gencode.v38.chr17.gtf.gz": "GRCh38", "dialects/ensembl75.chr1.gtf.gz": "GRCh37"}
GENOME_WIDE = {"grch37/gencode_v30lift37.gtf.gz": "GRCh37", "grch38/gencode_v30.gtf.gz": "GRCh38"}
COLUMNS = ["chrom", "gene_id", "transcript_id", "start", "end", "strand"]


def both(shared, path, assembly):
    path = shared / "data" / path
    records = records_from_annotation(read_annotation(path), assembly)
    GENE_ANNOTATION.check(records)
    return records, OutsideRecords(path)


def of(records, feature, *columns):
    return records.filter(pl.col("feature") == feature).select(columns)


dialects = pytest.mark.parametrize(
    ("path", "assembly"),
    [*SMALL.items(), *[pytest.param(*item, marks=pytest.mark.scale) for item in LARGE.items()]],
)


@dialects
def test_dialects__all_that_gffutils_reads_is_there_and_nothing_else(shared, path, assembly):
    records, outside = both(shared, path, assembly)
    assert of(records, "exon", *COLUMNS).sort(COLUMNS).rows() == outside.exons

    genes = of(records, "gene", "gene_id", "chrom", "start", "end", "strand", "gene_version", "gene_name", "gene_type")
    if outside.genes:
        assert {row[0]: row[1:] for row in genes.iter_rows()} == outside.genes
    else:  # no gene rows in the file: the ends are those of the exons
        spans = {}
        for chrom, gene, _, start, end, strand in outside.exons:
            low, high = spans.get(gene, (chrom, start, end, strand))[1:3]
            spans[gene] = (chrom, min(low, start), max(high, end), strand)
        assert {row[0]: row[1:5] for row in genes.iter_rows()} == spans

    versions = of(records, "transcript", "transcript_id", "gene_id", "transcript_version")
    assert {row[0]: row[1:] for row in versions.iter_rows()} == {
        transcript: facts[:2] for transcript, facts in outside.transcripts.items()
    }


@dialects
def test_dialects__flags_and_types_are_those_of_the_tags(shared, path, assembly):
    records, outside = both(shared, path, assembly)
    tagged = of(records, "transcript", "transcript_id", "is_basic", "is_mane_select", "is_canonical")
    names = [{"basic"}, {"MANE_Select", "MANE Select"}, {"Ensembl_canonical", "MANE_Select", "MANE Select"}]
    for column, wanted in zip(tagged.columns[1:], names, strict=True):
        expected = {transcript for transcript, facts in outside.transcripts.items() if facts[3] & wanted}
        found = dict(tagged.select("transcript_id", column).iter_rows())
        if expected:
            assert {transcript for transcript, flag in found.items() if flag} == expected
        else:
            assert set(found.values()) == {None}
    types = dict(of(records, "transcript", "transcript_id", "transcript_type").iter_rows())
    if "ensembl75" in path or "chr17" in path or "gff" in path:
        assert types == {transcript: facts[2] for transcript, facts in outside.transcripts.items()}
        assert {"retained_intron", "processed_transcript", "mRNA"} & set(types.values())
    else:
        assert set(types.values()) == {None}  # neither an attribute nor column 2 tells


@dialects
def test_dialects__tables_of_the_chromosome_hold_the_outside_models(shared, path, assembly):
    """Ranks, spans, spliced and coding lengths, introns and sites follow from the outside reader's exons alone."""
    records, outside = both(shared, path, assembly)
    chrom = outside.exons[0][0]
    last = max(end for *_, end, _ in outside.exons)
    held = ChromosomeSequence(chrom=chrom, first_position=1, codes=bases(last), segments=((1, last),))
    made = chromosome_tables(records.filter(pl.col("chrom") == chrom), held, IntronSettings(min_intron=30))
    models = {}
    for _, gene, transcript, start, end, strand in outside.exons:
        models.setdefault((gene, transcript, strand), []).append((start, end))
    spliced = {(g, t): (sum(e - s + 1 for s, e in exons), len(exons)) for (g, t, _), exons in models.items()}
    table = made.transcripts.select("gene_id", "transcript_id", "spliced_length", "n_exons", "cds_length")
    assert {row[:2]: row[2:4] for row in table.iter_rows()} == spliced
    assert {row[1]: row[4] for row in table.iter_rows() if row[4]} == dict(outside.coding)
    sites = set()
    for (gene, _, strand), exons in models.items():
        for (_, left), (right, _) in zip(sorted(exons), sorted(exons)[1:], strict=False):
            if right - left - 1 >= 30:
                donor, acceptor = (left, right) if strand == "+" else (right, left)
                sites |= {(gene, donor, "donor"), (gene, acceptor, "acceptor")}
    assert set(made.splice_sites.select("gene_id", "position", "kind").iter_rows()) == sites


@pytest.mark.scale
@pytest.mark.filterwarnings("ignore")  # pyranges calls what pandas is about to remove
@pytest.mark.parametrize(("path", "assembly"), [*GENOME_WIDE.items(), *LARGE.items()])
def test_dialects__exons_of_whole_files_agree_with_pyranges(shared, path, assembly):
    records = records_from_annotation(read_annotation(shared / "data" / path), assembly)
    frame = pyranges.read_gtf(str(shared / "data" / path), duplicate_attr=False).df
    frame = frame[frame["Feature"] == "exon"]
    outside = pl.DataFrame(
        {c: frame[c].astype(str).to_numpy() for c in ("Chromosome", "gene_id", "transcript_id", "Strand")}
    ).with_columns(start=pl.Series(frame["Start"].to_numpy()) + 1, end=pl.Series(frame["End"].to_numpy()))
    expected = outside.select(
        pl.col("Chromosome").str.replace("^chr", "").replace("M", "MT").alias("chrom"),
        pl.col("gene_id", "transcript_id").str.replace(r"^(ENS[GT]\d+)\.[\d_]+", "$1"),
        "start",
        "end",
        strand="Strand",
    ).select(COLUMNS)
    found = of(records, "exon", *COLUMNS)
    assert found.height > 80_000
    assert found.sort(COLUMNS).equals(expected.unique().sort(COLUMNS))


def test_dialects__spliceai_table_against_its_own_lines(shared):
    path = shared / "data" / "grch37" / "spliceai_genes.txt.gz"
    expected = set()
    with gzip.open(path, "rt", encoding="ascii") as lines:
        next(lines)
        for line in lines:
            name, chrom, strand, _, _, starts, ends = line.rstrip("\n").split("\t")
            for start, end in zip(starts.strip(",").split(","), ends.strip(",").split(","), strict=True):
                expected.add((chrom, name, name, int(start) + 1, int(end), strand))
    records = records_from_annotation(read_annotation(path), "GRCh37")
    assert set(of(records, "exon", *COLUMNS).iter_rows()) == expected
