import polars as pl
import pytest

from builder_assets.coordinates import ASSEMBLY_LENGTHS
from builder_assets.genome.annotation_records import records_from_annotation
from builder_assets.genome.landmarks import (
    LANDMARKS,
    WrongAssemblyError,
    check_assembly,
    landmark_places,
    likely_assembly,
)
from resources.annotation_file import read_annotation
from tests.genome.toy import gtf_rows

# BRCA2 and PTEN as Ensembl's site shows them: 13:32,889,611-32,973,805 and 13:32,315,086-32,400,268 for BRCA2.
BRCA2 = {"GRCh37": (32_889_611, 32_973_805), "GRCh38": (32_315_086, 32_400_268)}


def records(name, assembly_of_genes, assembly="GRCh37", moved=0):
    start, end = BRCA2[assembly_of_genes]
    rows = gtf_rows([(name, "T", "+", [(start + moved, end + moved)])], chrom="chr13", more='gene_name "BRCA2";')
    return records_from_annotation(rows, assembly)


@pytest.mark.parametrize("name", ["ENSG00000139618", "BRCA2", "gene:41"])  # by stable id, or by symbol
def test_check_assembly__names_the_build_of_the_annotation(name):
    assert check_assembly(records(name, "GRCh37"), "GRCh37") == "GRCh37"
    text = r"of GRCh38, the settings say GRCh37: 1 of 1 .*BRCA2 at 13:32,315,086\. Take the annotation of GRCh37"
    with pytest.raises(WrongAssemblyError, match=text):
        check_assembly(records(name, "GRCh38"), "GRCh37")


def test_check_assembly__says_nothing_without_evidence():
    assert check_assembly(records("BRCA2", "GRCh37", moved=2_000_000), "GRCh38") is None
    assert check_assembly(records("BRCA2", "GRCh38"), "my_fish") is None
    assert check_assembly(records_from_annotation(gtf_rows([("G", "T", "+", [(1, 9)])]), "GRCh37"), "GRCh37") is None
    tie = pl.DataFrame({"assembly": ["GRCh37", "GRCh38", None]})
    assert likely_assembly(tie) is None


def test_landmarks__places_of_two_assemblies_never_overlap_and_lie_inside_their_chromosomes():
    for chrom, _, _, first, second, length in LANDMARKS:
        assert abs(first - second) > length
        assert first + length <= ASSEMBLY_LENGTHS["GRCh37"][chrom]
        assert second + length <= ASSEMBLY_LENGTHS["GRCh38"][chrom]


@pytest.mark.parametrize(
    ("path", "is_of"), [("grch37/spliceai_genes.txt.gz", "GRCh37"), ("grch38/spliceai_genes.txt.gz", "GRCh38"),
                        ("grch37/ensembl75.chrY.gtf.gz", "GRCh37"), ("grch38/mane_v1.3.chr22.gff.gz", "GRCh38")]
)  # fmt: skip
def test_check_assembly__real_files(shared, path, is_of):
    made = records_from_annotation(read_annotation(shared / "data" / path), is_of)
    places = landmark_places(made.filter(pl.col("feature") == "gene"))
    assert places.height >= 1
    assert set(places["assembly"]) == {is_of}
    other = {"GRCh37": "GRCh38", "GRCh38": "GRCh37"}[is_of]
    with pytest.raises(WrongAssemblyError, match=f"of {is_of}, the settings say {other}"):
        check_assembly(made, other)
