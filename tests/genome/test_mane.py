import gzip

import pytest

from builder_assets.genome.annotation_records import records_from_annotation
from builder_assets.genome.mane import SUMMARY_COLUMNS, summary_agreement
from resources.annotation_file import read_annotation
from resources.gene_tables import read_gene_table
from tests.genome.mane import GFF, SUMMARY


@pytest.fixture
def judged(tmp_path):
    """The verdict on an annotation and a summary."""

    def judge(gff=GFF, summary=SUMMARY, annotation=tmp_path / "a.gff"):
        (tmp_path / "a.gff").write_text(gff, encoding="utf-8")
        with gzip.open(tmp_path / "s.txt.gz", "wt", encoding="utf-8") as file:
            file.write(summary)
        records = records_from_annotation(read_annotation(annotation), "GRCh38")
        return summary_agreement(records, read_gene_table(tmp_path / "s.txt.gz", SUMMARY_COLUMNS), "GRCh38")

    return judge


def test_summary_agreement__a_whole_release(judged):
    verdict = judged()
    assert verdict.level == "pass"
    assert verdict.text == (
        "3 transcripts on chromosomes in MANE's summary, 2 of them MANE Select; 1 on other contigs are not compared. "
        "All are in the annotation, at the same places."
    )
    assert verdict.numbers["listed"] == 4


def test_summary_agreement__by_ensembl_ids(judged):
    gff = GFF
    for number, version, ensembl in ((1, 2, 4), (2, 5, 7), (3, 1, 1)):
        gff = gff.replace(f"NM_00000{number}.{version}", f"ENST0000000000{number}.{ensembl}")
    assert judged(gff).level == "pass"


@pytest.mark.parametrize(
    ("gff", "summary", "problem"),
    [
        (("NM_000002", "NM_000008"), None, "1 missing, first NM_000002"),
        (("NM_000002.5", "NM_000002.4"), None, "1 of another version, first NM_000002"),
        (("\t1480\t", "\t1479\t"), None, "1 in another place, first NM_000003"),
        (("\t-\t", "\t+\t"), None, "1 in another place, first NM_000002"),
        (("Plus Clinical", "Select"), None, "1 with another status, first NM_000003"),
        (("tag=MANE Select", "tag=other"), None, "2 with another status, first NM_000001"),
        (None, ("\t2001\t", "\t?\t"), "1 in another place, first NM_000002"),
        (None, ("NC_000022.11", "NT_187633.1"), "nothing to compare"),
    ],
)
def test_summary_agreement__finds(judged, gff, summary, problem):
    verdict = judged(GFF.replace(*gff) if gff else GFF, SUMMARY.replace(*summary) if summary else SUMMARY)
    assert verdict.level == "error"
    assert f"In the annotation: {problem}" in verdict.text
    assert verdict.text.endswith("Are both of one release?")


def test_summary_agreement__the_real_annotation(judged, shared):
    """Its lines, read as text and written as NCBI's summary has them."""
    path = shared / "data" / "grch38" / "mane_v1.3.chr22.gff.gz"
    rows = ["\t".join(("#NCBI_GeneID", *SUMMARY_COLUMNS))]
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            fields = line.rstrip("\n").split("\t")
            if len(fields) == 9 and fields[2] == "mRNA":
                facts = dict(part.split("=", 1) for part in fields[8].split(";"))
                ensembl = next(name for name in facts["Dbxref"].split(",") if name.startswith("Ensembl:"))
                place = ("NC_000022.11", fields[3], fields[4], fields[6])
                rows.append("\t".join(("GeneID:1", facts["transcript_id"], ensembl[8:], facts["tag"], *place)))
    verdict = judged(summary="\n".join(rows), annotation=path)
    assert verdict.level == "pass"
    assert verdict.numbers["listed_as_mane_select"] == 423
