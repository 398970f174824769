from dataclasses import fields
from hashlib import blake2b

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builder_assets import tables
from builder_assets.genome.annotation_records import records_from_annotation
from builder_assets.genome.chromosome_tables import GeneModelError, check_identities, chromosome_tables
from builder_assets.genome.gene_models import exons_from_records, transcripts_from_exons
from builder_assets.genome.introns import introns_from_exons
from builder_assets.sequence import codes_of, letters_of
from builder_assets.settings import IntronSettings
from tests.genome.toy import bases, gtf_rows, mirror, mirrored, sequence, with_letters

ALL_INTRONS = IntronSettings(min_intron=4)


def built(models, codes, how=ALL_INTRONS, chrom="1", more="", segments=None):
    records = records_from_annotation(gtf_rows(models, chrom, more), "GRCh37")
    return chromosome_tables(records, sequence(codes, chrom, segments), how)


#        11      20 21        60 61      70 71        110 111     120
#  +     EEEEEEEEEE GT......AG   EEEEEEEEEE GC......AG    EEEEEEEEEE
DRAWN = [("G", "T1", "+", [(11, 20), (61, 70), (111, 120)]), ("G", "T2", "+", [(11, 20), (111, 120)])]
LETTERS = {21: "GT", 59: "AG", 71: "GC", 109: "AG"}


def test_chromosome_tables__drawn_gene_on_plus():
    made = built(DRAWN, with_letters(bases(300), LETTERS))
    assert made.introns.select(
        "start", "end", "donor_position", "acceptor_position", "motif", "n_transcripts"
    ).rows() == [
        (21, 60, 20, 61, "GT-AG", 1),
        (21, 110, 20, 111, "GT-AG", 1),
        (71, 110, 70, 111, "GC-AG", 1),
    ]
    assert made.splice_sites.select("position", "kind", "intron_position", "motif", "transcript_ids").rows() == [
        (20, "donor", 21, "GT", ["T1", "T2"]),
        (61, "acceptor", 60, "AG", ["T1"]),
        (70, "donor", 71, "GC", ["T1"]),
        (111, "acceptor", 110, "AG", ["T1", "T2"]),
    ]
    # Two transcripts share sites: 6 transcript ends, 4 sites; donors x acceptors would make 4 introns, there are 3.
    columns = ["n_transcripts", "n_exons", "n_donors", "n_acceptors", "n_splice_sites", "canonical_transcript_id"]
    assert made.genes.select(columns).rows() == [(2, 3, 2, 2, 4, "T1")]
    assert made.exons.select("transcript_id", "exon_rank", "start").rows() == [
        ("T1", 1, 11), ("T1", 2, 61), ("T1", 3, 111), ("T2", 1, 11), ("T2", 2, 111),
    ]  # fmt: skip
    assert made.transcripts.select("span_length", "spliced_length", "n_exons", "cds_length").rows() == [
        (110, 30, 3, None), (110, 20, 2, None),
    ]  # fmt: skip
    assert made.splice_sites["any_canonical"].to_list() == [True] * 4
    assert made.splice_sites["any_basic"].to_list() == [None] * 4


def test_chromosome_tables__drawn_gene_on_minus():
    # CT....AC on the + strand reads GT....AG from the right: the donor is the base after the intron.
    made = built([("G", "T", "-", [(11, 20), (61, 70)])], with_letters(bases(100), {21: "CT", 59: "AC"}))
    assert made.introns.select("donor_position", "acceptor_position", "motif", "motif_class").rows() == [
        (61, 20, "GT-AG", "GT-AG")
    ]
    assert made.splice_sites.select("position", "kind", "intron_position", "motif").rows() == [
        (20, "acceptor", 21, "AG"),
        (61, "donor", 60, "GT"),
    ]
    assert made.exons.select("exon_rank", "start").rows() == [(1, 61), (2, 11)]


def test_chromosome_tables__window_hash_is_of_101_letters_in_transcription_direction():
    codes = bases(400)
    made = built([("P", "P", "+", [(101, 120), (201, 220)]), ("M", "M", "-", [(51, 70), (241, 260)])], codes)
    hashes = {(gene, position): value for gene, position, value in
              made.splice_sites.select("gene_id", "position", "window_hash").iter_rows()}  # fmt: skip
    text = letters_of(codes)
    complement = text.translate(str.maketrans("ACGT", "TGCA"))
    for key, window in {("P", 120): text[69:170], ("M", 241): complement[190:291][::-1]}.items():
        assert hashes[key] == int.from_bytes(blake2b(window.encode(), digest_size=8).digest(), "big")


def test_chromosome_tables__unknown_bases():
    # N beside a site: not scorable; N within 50: no window; N in the intron's end: no class.
    codes = with_letters(bases(400), {118: "N", 160: "N", 202: "n", 199: "R"})
    made = built([("G", "T", "+", [(101, 120), (201, 220)]), ("H", "H", "+", [(301, 310), (341, 350)])], codes)
    assert made.splice_sites.select("gene_id", "position", "is_scorable").rows() == [
        ("G", 120, False), ("G", 201, False), ("H", 310, True), ("H", 341, True),
    ]  # fmt: skip
    assert made.splice_sites["window_hash"].is_null().to_list() == [True, True, False, False]
    assert made.introns["motif_class"].is_null().to_list() == [True, False]
    assert made.genes["n_fraction"].to_list() == [4 / 120, 0.0]


def test_chromosome_tables__lower_case_changes_nothing():
    text = letters_of(with_letters(bases(300), LETTERS))
    upper, lower = (built(DRAWN, codes_of(letters)) for letters in (text, text.lower()))
    assert all(getattr(upper, f.name) is not None for f in fields(upper))
    assert upper.splice_sites.equals(lower.splice_sites)


def test_chromosome_tables__short_introns_are_gaps_not_splices():
    # gaps of 29, 0 (abutting) and -5 (overlapping) bases, then an intron of 30
    exons = [(11, 20), (50, 59), (60, 69), (65, 80), (111, 120)]
    made = built([("G", "T", "+", exons)], bases(300), IntronSettings())
    assert made.introns.select("length", "is_gap", "motif").rows()[1:] == [
        (0, True, None), (-5, True, None), (30, False, made.introns["motif"][3]),
    ]  # fmt: skip
    assert made.introns.select("length", "is_gap").row(0) == (29, True)
    assert made.splice_sites["position"].to_list() == [80, 111]
    assert (made.gap_introns, made.gap_transcripts, made.n_transcripts) == (3, 1, 1)


def test_chromosome_tables__too_many_gaps():
    whole = [(f"G{i}", f"T{i}", "+", [(11, 20), (61, 70)]) for i in range(94)]
    split = [(f"S{i}", f"S{i}", "+", [(11, 20), (21, 70)]) for i in range(6)]
    assert built(whole + split[:-1], bases(100), IntronSettings()).gap_transcripts == 5  # of 99: not judged
    with pytest.raises(
        GeneModelError, match=r"6 of 100 transcripts on chromosome 1 have introns shorter than 30 .* S0"
    ):
        built(whole + split, bases(100), IntronSettings())


def test_chromosome_tables__genes_outside_the_sequence_are_named():
    models = [("A", "A", "+", [(5, 15)]), ("B", "B", "+", [(20, 30)]), ("C", "C", "+", [(95, 101)])]
    with pytest.raises(GeneModelError, match=r"2 of 3 genes .* among them A at 5-15, C at 95-101.*partial_sequence"):
        built(models, bases(100), segments=((10, 100),))
    made = built(models, bases(100), IntronSettings(partial_sequence=True), segments=((10, 100),))
    assert made.dropped.rows() == [("A", 5, 15), ("C", 95, 101)]
    assert made.genes["gene_id"].to_list() == ["B"]
    across = built(models[1:2], bases(100), IntronSettings(partial_sequence=True), segments=((1, 24), (26, 100)))
    assert across.dropped["gene_id"].to_list() == ["B"]


def test_chromosome_tables__no_gene_is_legal():
    made = chromosome_tables(tables.ANNOTATION_RECORDS.empty(), sequence(bases(50)), IntronSettings())
    for contract in (tables.GENES, tables.TRANSCRIPTS, tables.EXONS, tables.INTRONS, tables.SPLICE_SITES,
                     tables.GENE_OVERLAPS):  # fmt: skip
        frame = getattr(made, contract.name)
        assert frame.height == 0
        contract.check(frame)


def test_chromosome_tables__genes_without_exons_are_counted():
    records = records_from_annotation(gtf_rows([("G", "T", "+", [(11, 20)]), ("H", "S", "+", [(11, 20)])]), "GRCh37")
    made = chromosome_tables(records.filter((pl.col("gene_id") == "G") | (pl.col("feature") == "gene")),
                             sequence(bases(50)), IntronSettings())  # fmt: skip
    assert (made.n_genes_without_exons, made.genes["gene_id"].to_list()) == (1, ["G"])


def test_chromosome_tables__records_of_another_chromosome():
    records = records_from_annotation(gtf_rows([("G", "T", "+", [(11, 20)])], chrom="2"), "GRCh37")
    with pytest.raises(GeneModelError, match="3 of 3 records lie on chromosome 2, the bases are of 1"):
        chromosome_tables(records, sequence(bases(50)), IntronSettings())


def test_check_identities__names_what_is_broken():
    records = records_from_annotation(gtf_rows(DRAWN), "GRCh37")
    exons = exons_from_records(records)
    transcripts, introns = transcripts_from_exons(records, exons), introns_from_exons(exons, 30)
    held = sequence(bases(300))
    check_identities(exons, transcripts, introns, held)
    with pytest.raises(GeneModelError, match="3 gaps between exons, but 4 introns, 4 donors and 4 acceptors"):
        check_identities(exons, transcripts, pl.concat([introns, introns[:1]]), held)
    with pytest.raises(GeneModelError, match=r"exon ranks of 2 transcripts are not 1\.\.n, first T1"):
        check_identities(exons.with_columns(pl.col("exon_rank") + 1), transcripts, introns, held)
    with pytest.raises(GeneModelError, match=r"2 of 5 exons lie outside the sequence 1-115, .*different assemblies"):
        check_identities(exons, transcripts, introns, sequence(bases(115)))


@pytest.mark.parametrize(
    ("more", "chosen"),
    [
        ({}, "C"),  # most exons
        ({"B": ["CDS"]}, "B"),  # a coding sequence
        ({"B": ["CDS"], "A": ["tag"]}, "A"),  # the tag
    ],
)
def test_canonical_transcript__tag_then_cds_then_exons(more, chosen):
    models = [("G", "A", "+", [(1, 30)]), ("G", "B", "+", [(1, 40)]), ("G", "C", "+", [(1, 5), (61, 65)])]
    rows = gtf_rows(models)
    for name, what in more.items():
        own = rows.filter(pl.col("attributes").str.contains(f'"{name}"'))
        coding = own.with_columns(feature=pl.lit("CDS"))
        tagged = own.with_columns(pl.col("attributes") + 'tag "Ensembl_canonical";')
        rows = pl.concat([rows, coding]) if what == ["CDS"] else pl.concat(
            [rows.filter(~pl.col("attributes").str.contains(f'"{name}"')), tagged]
        )  # fmt: skip
    records = records_from_annotation(rows, "GRCh37")
    transcripts = transcripts_from_exons(records, exons_from_records(records))
    assert transcripts.filter("is_canonical")["transcript_id"].to_list() == [chosen]


def test_canonical_transcript__then_longest_spliced_then_id():
    for exons, chosen in (([(1, 30)], "B"), ([(1, 40)], "A")):
        records = records_from_annotation(gtf_rows([("G", "A", "+", exons), ("G", "B", "+", [(1, 40)])]), "GRCh37")
        transcripts = transcripts_from_exons(records, exons_from_records(records))
        assert transcripts.filter("is_canonical")["transcript_id"].to_list() == [chosen]


LENGTH = 400


@st.composite
def gene_models(draw):
    models = []
    for gene in range(draw(st.integers(1, 4))):
        strand = draw(st.sampled_from("+-"))
        for transcript in range(draw(st.integers(1, 3))):
            edges = sorted(draw(st.lists(st.integers(1, LENGTH), min_size=2, max_size=8, unique=True)))
            exons = list(zip(edges[::2], edges[1::2], strict=False))
            models.append((f"G{gene}", f"T{gene}_{transcript}", strand, exons))
    return models


def reflected(frame, columns):
    """`frame` with positions, and start and end, as seen from the other strand."""
    pairs = {"start": "end", "end": "start"}
    return frame.with_columns(
        (LENGTH + 1 - pl.col(pairs.get(name, name))).alias(name) for name in columns
    ).with_columns(strand=pl.when(pl.col("strand") == "+").then(pl.lit("-")).otherwise(pl.lit("+")))


@settings(max_examples=25, deadline=None)
@given(gene_models(), st.integers(0, 100))
def test_chromosome_tables__reverse_complement_mirrors_every_table(models, seed):
    codes = with_letters(bases(LENGTH, seed), {200: "NN"})
    forward, backward = built(models, codes), built(mirrored(models, LENGTH), mirror(codes))
    for contract, columns in (
        (tables.GENES, ["start", "end"]),
        (tables.TRANSCRIPTS, ["start", "end"]),
        (tables.EXONS, ["start", "end"]),
        (tables.INTRONS, ["start", "end", "donor_position", "acceptor_position"]),
        (tables.SPLICE_SITES, ["position", "intron_position"]),
    ):
        frame = contract.conform(reflected(getattr(backward, contract.name), columns))
        assert frame.equals(getattr(forward, contract.name)), contract.name
    assert forward.gene_overlaps.equals(backward.gene_overlaps)


@settings(max_examples=10, deadline=None)
@given(gene_models(), gene_models())
def test_chromosome_tables__one_chromosome_alone_equals_its_slice(first, second):
    rows = pl.concat([gtf_rows(first, "chr1"), gtf_rows([(g, f"{t}_2", s, e) for g, t, s, e in second], "chr2")])
    whole = records_from_annotation(rows, "GRCh37").filter(pl.col("chrom") == "1")
    together = chromosome_tables(whole, sequence(bases(LENGTH)), ALL_INTRONS)
    alone = built(first, bases(LENGTH))
    for contract in (tables.GENES, tables.INTRONS, tables.SPLICE_SITES, tables.GENE_OVERLAPS):
        assert getattr(together, contract.name).equals(getattr(alone, contract.name))


@settings(max_examples=20, deadline=None)
@given(gene_models())
def test_splice_sites__are_those_of_a_plain_loop(models):
    made = built(models, bases(LENGTH))
    expected: dict[tuple[str, int, str], set[str]] = {}
    for gene, transcript, strand, exons in models:
        for (_, left), (right, _) in zip(sorted(exons), sorted(exons)[1:], strict=False):
            if right - left - 1 >= 4:
                donor, acceptor = (left, right) if strand == "+" else (right, left)
                expected.setdefault((gene, donor, "donor"), set()).add(transcript)
                expected.setdefault((gene, acceptor, "acceptor"), set()).add(transcript)
    columns = ["gene_id", "position", "kind", "transcript_ids"]
    found = {
        (gene, position, kind): set(ids) for gene, position, kind, ids in made.splice_sites.select(columns).iter_rows()
    }
    assert found == expected
    strand_of = {gene: strand for gene, _, strand, _ in models}
    for gene, position, kind, n in made.splice_sites.select(
        "gene_id", "position", "kind", "n_genes_sharing"
    ).iter_rows():
        same = [g for g, p, k in expected if (p, k) == (position, kind) and strand_of[g] == strand_of[gene]]
        assert n == len(same)


def test_n_fraction__counts_n_anywhere():
    codes = np.full(100, 4, dtype=np.uint8)
    codes[10:30] = 0
    made = built([("G", "T", "+", [(1, 40)])], codes)
    assert made.genes["n_fraction"].to_list() == [0.5]
