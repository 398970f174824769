import hashlib
import re

import pytest

from builder_assets.coordinates import ASSEMBLY_LENGTHS, AssemblyMismatchError
from builder_assets.genome.contigs import (
    ContigError,
    chromosome_sequence,
    contig_of,
    fasta_records,
    letter_counts,
    stretch_to_show,
)
from builder_assets.sequence import letters_of
from builder_assets.tables import CONTIG, GENOME_FASTA
from resources.reference_genome import ReferenceGenome
from tests.genome.toy import write_fasta


class NamedLengths:
    """A reference whose records have names and lengths only; bases are all A."""

    path = "genome.fa"

    def __init__(self, records):
        self._records = records

    def records(self):
        return self._records

    def bases(self, _record, start0, end0):
        return b"A" * (end0 - start0)


@pytest.fixture
def reference(tmp_path):
    path = write_fasta(tmp_path / "g.fa", {"chr7:101-110": "acgtNRACGT", "7:111-114": "GGGG", "7:121-124": "TTTT"})
    return ReferenceGenome(path, tmp_path / "index")


def test_fasta_records__places_regions_and_whole_contigs():
    placed = fasta_records([("chr22:11-20", 10), ("chrM", 16569), ("NC_000001.10", 50)], "digest", "GRCh37")
    GENOME_FASTA.check(placed)
    assert placed.rows() == [
        ("1", 1, 50, "NC_000001.10", "digest"),
        ("22", 11, 20, "chr22:11-20", "digest"),
        ("MT", 1, 16569, "chrM", "digest"),
    ]


@pytest.mark.parametrize(
    ("records", "text"),
    [
        ([], "the FASTA has no records"),
        ([("22:11-20", 9)], "'22:11-20' is named for 10 bases and holds 9"),
        ([("22", 50), ("chr22", 50)], "1 FASTA records share bases .* on chromosome 22"),
        ([("22:1-20", 20), ("22:2-3", 2), ("22:19-30", 12)], "2 FASTA records share bases .* '22:2-3' with '22:1-20'"),
    ],
)
def test_fasta_records__refuses(records, text):
    with pytest.raises(ContigError, match=text):
        fasta_records(records, "", "GRCh37")


def test_fasta_records__accession_of_another_assembly():
    with pytest.raises(AssemblyMismatchError, match=re.escape("NC_000022.11 is chromosome 22 of GRCh38")):
        fasta_records([("NC_000022.11", 50)], "", "GRCh37")


def test_contig_of__counts_and_digests_each_segment(reference):
    contig = contig_of(reference, "7", "GRCh37", ())
    CONTIG.check(contig)
    digest = hashlib.sha256(b"ACGTNNACGTGGGG").hexdigest()  # two adjoining records make one segment
    assert contig.row(0) == ("7", 101, 114, 14, 2, 2, 6, 2, 2, digest)
    assert contig.row(1)[:9] == ("7", 121, 124, 4, 0, 0, 0, 4, 0)


def test_contig_of__regions_cut_the_records(reference):
    contig = contig_of(reference, "7", "GRCh37", ("chr7:109-112", "7:110-113", "X:1-5"))
    assert contig.select("start", "end").rows() == [(109, 113)]
    assert contig["sha256"][0] == hashlib.sha256(b"GTGGG").hexdigest()
    with pytest.raises(
        ContigError, match=r"1 of the `regions:` on chromosome 7 .* first 7:113-122; the FASTA holds 7:10"
    ):
        contig_of(reference, "7", "GRCh37", ("7:113-122", "7:101-102"))


def test_contig_of__no_such_chromosome(reference):
    with pytest.raises(ContigError, match=r"has no chromosome 8\. It has 7"):
        contig_of(reference, "8", "GRCh37", ())


@pytest.mark.parametrize(
    ("record", "length", "chrom", "regions", "text"),
    [
        ("22", 50_818_468, "22", (), "GRCh37's 22 has 51,304,566. That is the length in GRCh38"),
        ("22", 50_818_468, "22", ("22:1-9",), "That is the length in GRCh38"),
        ("22", 1000, "22", (), "is 1,000 bases long, .* list what is really there under `regions:`"),
        ("22", 51_304_567, "22", ("22:1-9",), "It is another assembly"),
        ("22:51304560-51304569", 10, "22", (), "ends at 51,304,569, GRCh37's 22 has 51,304,566. It is another"),
        ("chrM", 16571, "MT", (), "GRCh37's MT has 16,569. That is the length in UCSC's hg19.*leave MT out of `chrom"),
    ],
)
def test_contig_of__length_of_another_build(record, length, chrom, regions, text):
    with pytest.raises(ContigError, match=text):
        contig_of(NamedLengths([(record, length)]), chrom, "GRCh37", regions)


@pytest.mark.parametrize(("length", "is_of"), [(51_304_566, "GRCh37"), (50_818_468, "GRCh38")])
def test_contig_of__a_known_length_under_another_name(length, is_of):
    text = f"bases long, as 22 of {is_of}, but the settings say my_fish. Write `assembly: {is_of}`"
    with pytest.raises(ContigError, match=text):
        contig_of(NamedLengths([("chr22", length)]), "22", "my_fish", ())


def test_contig_of__whole_chromosome_of_the_right_length_and_partial_with_regions():
    length = ASSEMBLY_LENGTHS["GRCh38"]["MT"]
    assert contig_of(NamedLengths([("chrM", length)]), "MT", "GRCh38", ())["n_a"].to_list() == [length]
    assert contig_of(NamedLengths([("22", 1000)]), "22", "GRCh37", ("22:11-20",))["n_a"].to_list() == [10]
    assert contig_of(NamedLengths([("22", 7)]), "22", "my_fish", ())["n_a"].to_list() == [7]
    assert contig_of(NamedLengths([("MT", length)]), "MT", "CHM13", ())["n_a"].to_list() == [length]  # it has as many


def test_chromosome_sequence__holds_what_was_registered(reference):
    held = chromosome_sequence(reference, contig_of(reference, "7", "GRCh37", ()), "GRCh37")
    assert (held.chrom, held.first_position, held.segments) == ("7", 101, ((101, 114), (121, 124)))
    assert letters_of(held.codes) == "ACGTNNACGTGGGGNNNNNNTTTT"


def test_stretch_to_show__is_a_piece_of_the_chromosome(reference):
    whole = chromosome_sequence(reference, contig_of(reference, "7", "GRCh37", ()), "GRCh37")
    for start, end in ((103, 112), (99, 102), (108, 126), (115, 118)):
        held = stretch_to_show(reference, "7", start, end, "GRCh37")
        assert (held.first_position, held.last_position) == (start, end)
        assert letters_of(held.codes) == letters_of(whole.forward(start, end))
    assert stretch_to_show(reference, "7", 108, 122, "GRCh37").segments == ((108, 110), (111, 114), (121, 122))
    assert letters_of(stretch_to_show(reference, "8", 1, 3, "GRCh37").codes) == "NNN"


def test_chromosome_sequence__the_fasta_changed(reference, tmp_path):
    contig = contig_of(reference, "7", "GRCh37", ())
    changed = write_fasta(tmp_path / "h.fa", {"7:101-110": "ACGTNRACGA", "7:111-114": "GGGG", "7:121-124": "TTTT"})
    with pytest.raises(ContigError, match="7:101-114: the FASTA changed since it was registered"):
        chromosome_sequence(ReferenceGenome(changed, tmp_path / "index"), contig, "GRCh37")
    shorter = write_fasta(tmp_path / "i.fa", {"7:101-110": "ACGTNRACGA"})
    with pytest.raises(ContigError, match="the FASTA changed since it was registered"):
        chromosome_sequence(ReferenceGenome(shorter, tmp_path / "index"), contig, "GRCh37")


def test_chromosome_sequence__one_chromosome_only(reference):
    with pytest.raises(ValueError, match="describes one chromosome, this one 0"):
        chromosome_sequence(reference, CONTIG.empty(), "GRCh37")


def test_letter_counts__lower_case_and_iupac_of_the_segments_only(tmp_path):
    path = write_fasta(tmp_path / "l.fa", {"7": "acgTNnRyACGTTTTT", "8": "rrrr"})
    reference = ReferenceGenome(path, tmp_path / "index")
    whole = contig_of(reference, "7", "my_fish", ())
    assert letter_counts(reference, whole, "my_fish") == {"lower_case_bases": 5, "iupac_bases": 2}
    part = contig_of(reference, "7", "my_fish", ("7:1-3",))
    assert letter_counts(reference, part, "my_fish") == {"lower_case_bases": 3, "iupac_bases": 0}
