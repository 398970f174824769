import gzip
import hashlib

import pytest

from resources.annotation_file import AnnotationFileError, file_sha256, read_annotation

EXON = '22\tmade\texon\t{}\t{}\t.\t+\t.\tgene_id "G1"; transcript_id "T1";\n'
GTF = "#!genome-build x\n" + EXON.format(11, 20) + "\n# remark\n" + EXON.format(31, 40)


def written(tmp_path, text, name="a.gtf"):
    path = tmp_path / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith("gz") else text.encode())
    return path


@pytest.mark.parametrize("name", ["a.gtf", "a.gtf.gz"])
def test_read_annotation__skips_comments_and_blank_lines(tmp_path, name):
    raw = read_annotation(written(tmp_path, GTF, name))
    assert raw.columns == ["seqname", "source", "feature", "start", "end", "strand", "attributes"]
    assert raw.select("start", "end").rows() == [(11, 20), (31, 40)]
    assert raw["attributes"][0] == 'gene_id "G1"; transcript_id "T1";'


@pytest.mark.parametrize("first", ["\n", "\r\n", "#!x\n\n", "\n#!x\n \t\n", "#!x"])
def test_read_annotation__blank_lines_may_come_first(tmp_path, first):
    rows = EXON.format(11, 20) + "\n\n" + EXON.format(31, 40)
    assert read_annotation(written(tmp_path, first.rstrip(" ") + "\n" + rows)).height == 2


@pytest.mark.parametrize("block", [7, 40, 1000])
def test_read_annotation__does_not_depend_on_the_block_size(tmp_path, monkeypatch, block):
    whole = read_annotation(written(tmp_path, GTF))
    monkeypatch.setattr("resources.annotation_file.BLOCK", block)
    assert read_annotation(written(tmp_path, GTF.rstrip("\n").replace("\n", "\r\n"))).rows() == whole.rows()


def test_read_annotation__stops_at_the_sequence_of_a_gff3(tmp_path):
    text = "##gff-version 3\n22\t.\texon\t1\t9\t.\t+\t.\tID=e;Parent=t\n##FASTA\n>22\nACGT\n"
    assert read_annotation(written(tmp_path, text)).height == 1


def test_read_annotation__leaves_out_what_is_no_gene_transcript_exon_or_cds(tmp_path):
    rows = "".join(EXON.replace("exon", f).format(1, 9) for f in ("exon", "CDS", "gene", "start_codon", "UTR", "mRNA"))
    assert read_annotation(written(tmp_path, rows))["feature"].to_list() == ["exon", "CDS", "gene", "mRNA"]


def test_read_annotation__gene_table_stays_as_it_is(tmp_path):
    text = "#NAME\tCHROM\tSTRAND\tTX_START\tTX_END\tEXON_START\tEXON_END\nOR4F5\t1\t+\t69090\t70008\t69090,\t70008,\n"
    raw = read_annotation(written(tmp_path, text))
    assert raw.rows() == [("1", None, "spliceai_gene", 69090, 70008, "+", "OR4F5|69090,|70008,")]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (GTF + "22\tmade\texon\t1\t2\n", "line 6: 5 columns instead of 9"),
        (GTF + EXON.format(1, 2)[:-1] + "\textra\n", "line 6: 10 columns instead of 9"),
        (GTF + EXON.format("x", 2), "line 6: start and end are x..2"),
        (GTF + EXON.format(5, 4), "line 6: start and end are 5..4, not positions in order"),
        (GTF + EXON.format(0, 4), "line 6: start and end are 0..4"),
        (GTF + EXON.format(1, 4).replace("exon", ""), "line 6: column 3 is empty"),
        (GTF + EXON.format(1, 4).replace("22", "", 1), "line 6: column 1 is empty"),
        (
            "#NAME\tCHROM\tSTRAND\tTX_START\tTX_END\tEXON_START\tEXON_END\nA\t1\t+\t5\n",
            "line 2: 4 columns instead of 7",
        ),
        (
            "#NAME\tCHROM\tSTRAND\tTX_START\tTX_END\tEXON_START\tEXON_END\nA\t1\t+\tx\t5\t1\t1\n",
            "line 2: start and end",
        ),
        (GTF + EXON.format(10**20, 10**20 + 1), "lines from 1 on cannot be read as a table"),
        ("# nothing\n", "holds no annotation rows"),
        ("", "holds no annotation rows"),
    ],
)
def test_read_annotation__names_the_line(tmp_path, text, problem):
    with pytest.raises(AnnotationFileError, match=problem):
        read_annotation(written(tmp_path, text))


def test_read_annotation__no_file(tmp_path):
    with pytest.raises(AnnotationFileError, match=r"no annotation at .*absent\.gtf"):
        read_annotation(tmp_path / "absent.gtf")


def test_read_annotation__cut_off(tmp_path):
    path = written(tmp_path, GTF, "a.gtf.gz")
    path.write_bytes(path.read_bytes()[:-12])
    with pytest.raises(AnnotationFileError, match="is cut off or damaged"):
        read_annotation(path)


def test_file_sha256__is_of_the_bytes_on_disk(tmp_path):
    path = written(tmp_path, GTF, "a.gtf.gz")
    assert file_sha256(path) == hashlib.sha256(path.read_bytes()).hexdigest()
