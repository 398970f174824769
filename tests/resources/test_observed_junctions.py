import gzip

import polars as pl
import pytest

from builder_assets.base_model.masked_sites import masked_sites
from resources.observed_junctions import JunctionFileError, read_junctions

#  bases 10 11 [12 13 14 15] 16 17 : the intron is 12..15, its exon-side bases are 11 and 16
STAR = "chr22\t12\t15\t1\t1\t0\t5\t0\t20\nchr22\t32\t35\t2\t1\t0\t5\t0\t20\nY\t52\t55\t0\t0\t0\t1\t0\t9\n"
BED = "# comment\ntrack name=x\nchr22\t11\t15\tj1\t5\t+\nchr22\t31\t35\tj2\t5\t-\nY\t51\t55\tj3\t1\t.\n"
BED12 = "".join(
    f"{chrom}\t{start - 8}\t{end + 20}\tj\t5\t{strand}\t0\t0\t0\t2\t8,20\t0,{end - start + 8}\n"
    for chrom, start, end, strand in (("chr22", 11, 15, "+"), ("chr22", 31, 35, "-"), ("Y", 51, 55, "."))
)
WANTED = [("chr22", 12, 15, "+"), ("chr22", 32, 35, "-"), ("Y", 52, 55, ".")]


@pytest.mark.parametrize("text", [STAR, BED, BED12])
@pytest.mark.parametrize("packed", [False, True])
def test_read_junctions__the_same_introns_from_every_format(tmp_path, text, packed) -> None:
    path = tmp_path / "junctions"
    path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    assert read_junctions(path).rows() == WANTED


def test_masked_sites__exon_side_bases_on_the_strand_or_on_both() -> None:
    junctions = pl.DataFrame(WANTED, schema=["contig", "start", "end", "strand"], orient="row")
    assert masked_sites(junctions, "22", "GRCh37").rows() == [
        ("22", 11, "+"), ("22", 16, "+"), ("22", 31, "-"), ("22", 36, "-"),
    ]  # fmt: skip
    assert masked_sites(junctions, "Y", "GRCh37").rows() == [
        ("Y", 51, "+"), ("Y", 51, "-"), ("Y", 56, "+"), ("Y", 56, "-"),
    ]  # fmt: skip
    assert masked_sites(junctions, "1", "GRCh37").is_empty()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "no file of junctions at"),
        ("# nothing\n", "holds no junctions"),
        ("chr1\t5\n", "1 of 1 rows are no BED or SJ.out.tab rows, first row 1"),
        ("chr1\t5\t9\nchr1\t5\t9\tx\n", "1 of 2 rows are no BED or SJ.out.tab rows, first row 2"),
        ("chr1\tfive\t9\n", "a start, end or block is no number"),
        ("chr1\t5\t9\tj\t1\tx\n", r"1 of 1 junctions have a strand that is none .* first \('chr1', 6, 9, 'x'\)"),
        ("chr1\t9\t5\n", "or end before their start"),
        (BED12.replace("\t2\t8,20", "\t3\t8,20"), "3 of 3 BED12 rows have not two blocks"),
        ("\x1f\x8b", "no text, or a damaged gzip"),
    ],
)
def test_read_junctions__says_what_is_wrong(tmp_path, text, message) -> None:
    path = tmp_path / "junctions"
    if text is not None:
        path.write_bytes(text.encode("latin-1"))
    with pytest.raises(JunctionFileError, match=message):
        read_junctions(path)
