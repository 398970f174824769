import gzip
import hashlib

import pysam
import pytest

from resources.reference_genome import FastaError, ReferenceGenome

LINES = ">22 first\nACGTacgtNN\nRYACG\n>chrM\nTTTTT\n"


@pytest.fixture
def plain(tmp_path):
    path = tmp_path / "user" / "genome.fa"
    path.parent.mkdir()
    path.write_text(LINES, encoding="ascii")
    return path


def packed(plain, kind):
    path = plain.with_suffix(f".{kind}.fa.gz")
    if kind == "bgzip":
        pysam.tabix_compress(str(plain), str(path), force=True)
    else:
        path.write_bytes(gzip.compress(plain.read_bytes(), mtime=0))
    return path


def written(tmp_path, content):
    path = tmp_path / "genome.fa"
    path.write_bytes(content)
    return ReferenceGenome(path, tmp_path / "index")


@pytest.mark.parametrize("kind", ["plain", "bgzip", "gzip"])
def test_reference_genome__reads_every_compression(plain, tmp_path, kind):
    path = plain if kind == "plain" else packed(plain, kind)
    beside = sorted(path.parent.iterdir())
    with ReferenceGenome(path, tmp_path / "index") as genome:
        genome.validate()
        assert genome.records() == [("22", 15), ("chrM", 5)]
        assert genome.bases("22", 0, 15) == b"ACGTacgtNNRYACG"
        assert genome.bases("22", 8, 11) == b"NNR"
        assert genome.bases("chrM", 5, 5) == b""
        assert genome.file_sha256() == hashlib.sha256(path.read_bytes()).hexdigest()
    assert sorted(path.parent.iterdir()) == beside  # nothing written beside the user's file
    made = sorted(file.name for file in (tmp_path / "index").iterdir())
    assert [name.rsplit(".", 1)[-1] for name in made] == {"plain": ["fai"], "bgzip": ["fai", "gzi"]}.get(
        kind, ["gz", "fai", "gzi"]
    )


@pytest.mark.parametrize("kind", ["plain", "bgzip"])
def test_reference_genome__an_index_beside_the_file_is_not_believed(tmp_path, kind):
    """The same records in shorter lines: names and lengths of the old index are right, its offsets are not."""
    bases = "ACGTTGCAAC" * 7000
    plain = tmp_path / "genome.fa"
    for width in (80, 60):
        lines = [bases[first : first + width] for first in range(0, len(bases), width)]
        plain.write_text(">22\n" + "\n".join(lines) + "\n", encoding="ascii")
        path = plain if kind == "plain" else packed(plain, kind)
        if width == 80:
            pysam.faidx(str(path))
    for index in tmp_path.glob("*.fa*.*i"):
        index.touch()  # newer than the file, as after a copy
    genome = ReferenceGenome(path, tmp_path / "index")
    genome.validate()
    assert genome.records() == [("22", 70_000)]
    assert genome.bases("22", 69_001, 69_009).decode() == bases[69_001:69_009]


def test_reference_genome__does_not_use_its_index_of_an_earlier_file(plain, tmp_path):
    assert len(ReferenceGenome(plain, tmp_path / "index").records()) == 2
    plain.write_text(">22\nACG\n", encoding="ascii")
    assert ReferenceGenome(plain, tmp_path / "index").records() == [("22", 3)]


def test_reference_genome__makes_again_what_was_deleted(plain, tmp_path):
    path = packed(plain, "gzip")
    for made in [0, 1, 2]:
        genome = ReferenceGenome(path, tmp_path / "index")
        assert genome.bases("chrM", 0, 5) == b"TTTTT"
        genome.close()
        sorted((tmp_path / "index").iterdir())[made].unlink()


@pytest.mark.parametrize("kind", ["bgzip", "gzip"])
def test_validate__cut_off(plain, tmp_path, kind):
    path = packed(plain, kind)
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(FastaError, match=r"is cut off or damaged .* Download or copy it again"):
        ReferenceGenome(path, tmp_path / "index").validate()


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "is empty"),
        (b"##gff-version 3\n", "is no FASTA: it does not start with `>`"),
        (b">1\nAC\n>2\nAC\n>1\nGG\n", "1 record names occur more than once, first '1'"),
        (
            b">1\nAC\n>2\n>3\nGG\n",
            "index lists 2 records, the file has 3, among them '2'. A record that holds no bases",
        ),
        (b">1\nACGT\nAC\nACGT\n", "cannot be indexed .* same length"),
    ],
)
def test_validate__names_what_is_wrong(tmp_path, content, text):
    with pytest.raises(FastaError, match=text):
        written(tmp_path, content).validate()
    assert list((tmp_path / "index").glob("*.partial")) == []


def test_validate__no_file(tmp_path):
    with pytest.raises(FastaError, match=r"no FASTA at .*absent\.fa"):
        ReferenceGenome(tmp_path / "absent.fa", tmp_path).validate()


@pytest.mark.parametrize(("record", "start", "end"), [("22", -1, 3), ("22", 3, 16), ("22", 4, 3)])
def test_bases__interval_outside(plain, tmp_path, record, start, end):
    with pytest.raises(FastaError, match="are not all in '22' of 15"):
        ReferenceGenome(plain, tmp_path).bases(record, start, end)


def test_bases__no_such_record(plain, tmp_path):
    with pytest.raises(FastaError, match="has no record '21'; it has 2, among them 22, chrM"):
        ReferenceGenome(plain, tmp_path).bases("21", 0, 1)


def test_validate__finds_names_across_blocks(plain, tmp_path, monkeypatch):
    monkeypatch.setattr("resources.reference_genome.BLOCK", 3)
    ReferenceGenome(plain, tmp_path / "index").validate()
