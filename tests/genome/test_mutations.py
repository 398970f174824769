"""Hard rules and checks bite: each fails on the demo genome once its input is spoilt in one of the usual ways."""

import re

import polars as pl
import pytest

from builder_assets import demo
from builder_assets.coordinates import AssemblyMismatchError
from builder_assets.genome.annotation_checks import contig_fit, table_identities
from builder_assets.genome.annotation_records import records_from_annotation
from builder_assets.genome.annotation_relations import AnnotationError
from builder_assets.genome.chromosome_tables import GeneModelError, chromosome_tables
from builder_assets.genome.contigs import ContigError, chromosome_sequence, contig_of, fasta_records
from builder_assets.genome.motifs import motif_verdict
from builder_assets.settings import IntronSettings
from resources.annotation_file import read_annotation
from resources.reference_genome import ReferenceGenome

END = 21_000_000  # of the demo's stretch of chromosome 22


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    return ReferenceGenome(demo.FASTA, tmp_path_factory.mktemp("index"))


@pytest.fixture(scope="module")
def held(reference):
    return chromosome_sequence(reference, contig_of(reference, "22", "GRCh37", ()), "GRCh37")


@pytest.fixture(scope="module")
def raw():
    return read_annotation(demo.ANNOTATION)


def tables_of(raw, held, **settings):
    records = records_from_annotation(raw, "GRCh37").filter(pl.col("chrom") == "22")
    return chromosome_tables(records, held, IntronSettings(**settings))


def verdict_of(raw, held, **settings):
    made = tables_of(raw, held, **settings)
    return motif_verdict(made.introns, made.genes, held)


def moved(raw, start=0, end=0):
    return raw.with_columns(pl.col("start") + start, pl.col("end") + end)


def test_mutations__the_demo_itself_passes(raw, held, reference):
    assert verdict_of(raw, held).level in {"pass", "warn"}
    records = records_from_annotation(raw, "GRCh37")
    placed = fasta_records(reference.records(), "", "GRCh37")
    verdict = contig_fit(records, placed, ("22", "Y"), "GRCh37")
    assert verdict.level == "pass"
    assert re.search(r"(\d+) of \1 well-known genes lie where GRCh37 has them", verdict.text)


OTHER_BUILD = "Annotation and FASTA are probably not of the same assembly"
SHIFTED = "The annotation's coordinates are shifted by a base or two"


@pytest.mark.parametrize(
    ("spoilt", "text"),
    [
        (lambda raw: moved(raw, start=1), SHIFTED),  # 0-based starts taken for 1-based ones
        (lambda raw: moved(raw, start=-1), SHIFTED),
        (lambda raw: moved(raw, end=1), SHIFTED),
        (lambda raw: moved(raw, start=1, end=1), SHIFTED),
        (lambda raw: moved(raw, start=-2, end=-2), SHIFTED),
        (lambda raw: raw.with_columns(strand=pl.col("strand").replace({"+": "-", "-": "+"})), OTHER_BUILD),
        (lambda raw: raw.with_columns(strand=pl.lit("+")), OTHER_BUILD),
        (lambda raw: moved(raw, start=-1_000, end=-1_000), OTHER_BUILD),  # as another build or a lift-over gone wrong
    ],
    ids=["start+1", "start-1", "end+1", "both+1", "both-2", "flipped", "all plus", "1 kb"],
)
@pytest.mark.parametrize("gene_type", ["protein_coding", "lncRNA"])
def test_mutations__coordinates_and_strands(raw, held, spoilt, text, gene_type):
    """Whatever the genes are called: an annotation without a coding gene is judged by all of its genes."""
    renamed = raw.with_columns(pl.col("attributes").str.replace_all('"protein_coding"', f'"{gene_type}"', literal=True))
    verdict = verdict_of(spoilt(renamed), held, partial_sequence=True)
    assert verdict.level == "error"
    assert text in verdict.text


def test_mutations__genes_beyond_the_sequence(raw, held):
    with pytest.raises(GeneModelError, match=r"do not lie wholly inside its sequence.*different assemblies"):
        tables_of(moved(raw, start=900_000, end=900_000), held)


def test_mutations__the_order_of_rows_and_exon_numbers_tell_nothing(raw, held):
    made = tables_of(raw, held)
    shuffled = raw.sample(fraction=1.0, shuffle=True, seed=3)
    numbered = pl.col("attributes").str.replace(r'exon_number "(\d+)"', 'exon_number "9"')
    again = tables_of(shuffled.with_columns(numbered), held)
    for name in ("genes", "transcripts", "exons", "introns", "splice_sites", "gene_overlaps"):
        assert getattr(again, name).equals(getattr(made, name)), name


def test_mutations__exons_dealt_to_other_transcripts(raw):
    own = raw.filter(pl.col("feature") == "exon")
    dealt = own.with_columns(attributes=own["attributes"].shuffle(seed=1))
    others = raw.filter(pl.col("feature") != "exon")
    with pytest.raises(AnnotationError, match=r"have records on both strands|exons lie outside the row of their gene"):
        records_from_annotation(pl.concat([others, dealt]), "GRCh37")


def test_mutations__exons_dealt_within_their_genes_and_no_other_rows(raw, held):
    """Every row is legal; only the sequence shows that no transcript was ever spliced so."""
    own = raw.filter(pl.col("feature") == "exon").with_columns(
        gene=pl.col("attributes").str.extract('gene_id "([^"]+)"'),
        name=pl.col("attributes").str.extract('transcript_id "([^"]+)"'),
    )
    gene_end = pl.col("end").sort().over("gene", mapping_strategy="group_to_rows")
    mixed = own.with_columns(end=pl.max_horizontal("start", gene_end)).drop("gene", "name")
    with pytest.raises(GeneModelError, match="transcripts on chromosome 22 have introns shorter than 30 bases"):
        tables_of(mixed, held, partial_sequence=True)


def test_mutations__a_contig_is_missing(raw, reference):
    placed = fasta_records(reference.records(), "", "GRCh37")
    without = records_from_annotation(raw.filter(~pl.col("seqname").is_in(["Y", "chrY"])), "GRCh37")
    verdict = contig_fit(without, placed, ("22", "Y"), "GRCh37")
    assert verdict.level == "error"
    assert "No gene at all on 1 chromosomes of the settings (Y)" in verdict.text
    with pytest.raises(ContigError, match=r"has no chromosome 21\. It has 22, Y"):
        contig_of(reference, "21", "GRCh37", ())


def test_mutations__accessions_of_another_build(raw):
    other = raw.with_columns(seqname=pl.lit("NC_000022.11"))
    with pytest.raises(AssemblyMismatchError, match=r"NC_000022\.11 is chromosome 22 of GRCh38.*settings say GRCh37"):
        records_from_annotation(other, "GRCh37")


def test_mutations__ids_duplicated(raw):
    first = raw.filter(pl.col("feature") == "gene").head(1)
    copy = moved(first, start=50_000, end=50_000)
    with pytest.raises(AnnotationError, match="1 gene_id have several gene rows with different ends"):
        records_from_annotation(pl.concat([raw, copy]), "GRCh37")
    elsewhere = raw.with_columns(seqname=pl.lit("5"))
    with pytest.raises(AnnotationError, match="transcripts have records on several chromosomes"):
        records_from_annotation(pl.concat([raw, elsewhere]), "GRCh37")
    twice = records_from_annotation(pl.concat([raw, raw]), "GRCh37")
    assert twice.equals(records_from_annotation(raw, "GRCh37"))  # the same line twice says the same thing


@pytest.mark.parametrize(
    ("table", "spoilt", "text"),
    [
        ("transcripts", lambda t: t.with_columns(pl.col("n_exons") + 1), "intron difference: "),
        ("introns", lambda t: t.head(-1), "intron difference: "),
        ("splice_sites", lambda t: t.head(-1), "genes with other site counts: 1"),
        ("genes", lambda t: t.head(-1), "transcripts without gene: "),
        ("transcripts", lambda t: t.with_columns(is_canonical=False), "genes without one canonical transcript: 59"),
        ("transcripts", lambda t: pl.concat([t, t]), "genes without one canonical transcript: 59"),
        ("gene_overlaps", lambda t: t.filter(pl.col("n_overlaps_any") > 0).head(1), "overlaps listed once: "),
    ],
)  # fmt: skip
def test_mutations__stored_tables_that_contradict_each_other(raw, held, table, spoilt, text):
    made = tables_of(raw, held)
    names = ("genes", "transcripts", "introns", "splice_sites", "gene_overlaps")
    whole = {name: getattr(made, name) for name in names}
    assert table_identities(*whole.values()).level == "pass"
    verdict = table_identities(*(whole | {table: spoilt(whole[table])}).values())
    assert verdict.level == "error"
    assert text in verdict.text
