import gzip

import pytest

from resources.gene_lists import GeneListError, read_gene_list

IDS = ["ENSG01", "ENSG02", "ENSG03"]


@pytest.mark.parametrize(
    "text",
    [
        "ENSG01\nENSG02\nENSG03\n",
        "ENSG01\nENSG02\nENSG03",
        "\ufeffENSG01\r\nENSG02\r\n\r\nENSG03\r\n",
        "# my genes\nENSG01 # BRCA1\n  ENSG02\t# TP53\n\n#ENSG99\nENSG03\nENSG01\n",
        "gene_id\nENSG01\nENSG02\nENSG03\n",
        "chrom\tGene_ID\tscore\n1\tENSG01\t5\n1\tENSG02\t\n2\tENSG03\t7\n",
        "gene_name,gene_id\nA,ENSG01\nB,ENSG02\n,ENSG03\n",
        "Gene stable ID,Gene name\nENSG01,A\nENSG02,B\nENSG03,\n",
        '"symbol"\n"ENSG01"\n"ENSG02"\n"ENSG03"\n',
        "ENSG01\tA\nENSG02\tB\nENSG03\tC\n",
        "ENSG01, A\nENSG02, B\nENSG03, C\n",
    ],
)
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_read_gene_list__reads_every_common_layout(tmp_path, text, packed):
    path = tmp_path / "genes.txt"  # the name says nothing about compression
    raw = text.encode("utf-8")
    path.write_bytes(gzip.compress(raw) if packed else raw)
    assert read_gene_list(path) == IDS


def test_read_gene_list__keeps_the_order_of_the_file(tmp_path):
    path = tmp_path / "genes.tsv"
    path.write_text("Z9\nA1\nM5\nA1\n")
    assert read_gene_list(path) == ["Z9", "A1", "M5"]


def test_read_gene_list__reads_more_than_a_thousand_genes(tmp_path):
    path = tmp_path / "many.csv"
    names = [f"ENSG{number:011d}" for number in range(2500)]
    path.write_text("symbol,gene_id\n" + "".join(f"S{i},{name}\n" for i, name in enumerate(names)))
    assert read_gene_list(path) == names


def _packed(text: str) -> bytes:
    return gzip.compress(text.encode(), mtime=0)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", r"genes\.txt holds no genes, only blank lines"),
        (b"# nothing\n\n", "holds no genes, only blank lines"),
        (b"gene_id\n", "holds no genes, only its header"),
        (b"BRCA1,TP53,EGFR\n", "one line of 3 fields without a header"),
        (b"gene_id\tx\nENSG01\t1\n\t2\n", r"1 of 2 rows name no gene, first on line 3"),
        (b"x\tgene_id\n1\tENSG01\n2\n3\n", r"2 of 3 rows name no gene, first on line 3"),
        (b"BRCA1 TP53\nEGFR\n", r"1 of 2 entries hold white space, first 'BRCA1 TP53' on line 1"),
        (b"A\0B\n", "is binary: it holds NUL bytes"),
        (b"ENSG01\n\xff\xfe\n", r"is no UTF-8 text \(byte 7\)"),
        (_packed("ENSG01\n" * 50)[:-9], "truncated or damaged gzip"),
        (_packed("ENSG01\n")[:5] + b"\0\0garbage and more garbage", "truncated or damaged gzip"),
    ],
)
def test_read_gene_list__names_what_is_wrong_with_a_file(tmp_path, raw, message):
    path = tmp_path / "genes.txt"
    path.write_bytes(raw)
    with pytest.raises(GeneListError, match=message):
        read_gene_list(path)


def test_read_gene_list__names_a_file_that_is_missing(tmp_path):
    with pytest.raises(GeneListError, match=r"no gene list at .*absent\.txt"):
        read_gene_list(tmp_path / "absent.txt")
