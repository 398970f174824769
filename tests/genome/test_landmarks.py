import polars as pl
import pytest

from builder_assets.coordinates import ASSEMBLY_LENGTHS
from builder_assets.genome.annotation_records import records_from_annotation
from builder_assets.genome.landmarks import (
    LANDMARK_FILE,
    WrongAssemblyError,
    check_assembly,
    landmark_genes,
    landmark_places,
    likely_assembly,
)
from resources.annotation_file import read_annotation
from tests.genome.toy import gtf_rows
from tests.golden.make_landmark_genes import landmark_text

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


def landmarks_of(assembly, moved=0):
    """Every landmark as an annotation of one assembly has it, by its symbol alone."""
    known = landmark_genes()
    low = known[assembly] + moved
    names = known.select("chrom", "gene_name", gene_id="gene_name")
    return names.with_columns(start=low, end=low + known["length"] - 1)


@pytest.mark.parametrize("assembly", ["GRCh37", "GRCh38"])
def test_landmarks__every_one_tells_its_assembly_and_lies_inside_its_chromosome(assembly):
    places = landmark_places(landmarks_of(assembly))
    assert places.height == landmark_genes().height > 4000
    assert places["assembly"].to_list() == [assembly] * places.height
    assert places["is_exact"].all()
    lengths = pl.Series(landmark_genes()["chrom"]).replace_strict(ASSEMBLY_LENGTHS[assembly], return_dtype=pl.Int64)
    assert (landmarks_of(assembly)["end"] <= lengths).all()


@pytest.mark.parametrize("chrom", [*map(str, range(1, 23)), "X", "Y"])
def test_landmarks__are_on_every_chromosome(chrom):
    assert landmark_genes().filter(pl.col("chrom") == chrom).height >= 10


def test_landmark_places__a_gene_over_both_places_tells_nothing():
    """The two places of CCDC188 are 12 kb apart, 22:20,135,950 and 20,148,427, and 2,639 bases long."""
    place = {"chrom": "22", "gene_id": "a", "gene_name": "CCDC188", "start": 20_135_000, "end": 20_137_900}
    assert landmark_places(pl.DataFrame([place]))["assembly"].to_list() == ["GRCh37"]
    assert landmark_places(pl.DataFrame([place | {"end": 20_160_000}]))["assembly"].to_list() == [None]
    assert landmark_places(pl.DataFrame([place | {"start": 20_148_000, "end": 20_150_500}]))["assembly"][0] == "GRCh38"


def two_genes(assembly, moved=0):
    """RET and SOD1 as GENCODE v30lift37 and v30 have them."""
    ret = {"GRCh37": (43_572_517, 43_625_799), "GRCh38": (43_077_069, 43_130_351)}[assembly]
    sod1 = {"GRCh37": (33_031_935, 33_041_244), "GRCh38": (31_659_622, 31_668_931)}[assembly]
    rows = [
        gtf_rows([(name, f"T{name}", "+", [(start + moved, end + moved)])], chrom, more=f'gene_name "{name}";')
        for name, chrom, (start, end) in (("RET", "10", ret), ("SOD1", "21", sod1))
    ]
    return records_from_annotation(pl.concat(rows), "any")


@pytest.mark.parametrize("stated", ["my_genome", "GRCm38", "CHM13"])
@pytest.mark.parametrize("assembly", ["GRCh37", "GRCh38"])
def test_check_assembly__no_other_name_hides_the_assembly(stated, assembly):
    text = f"the annotation is of {assembly}, the settings say {stated}: 2 of 2 well-known"
    with pytest.raises(WrongAssemblyError, match=text):
        check_assembly(two_genes(assembly), stated)


def test_check_assembly__genes_near_by_are_no_proof_under_another_name():
    """As in another human assembly, or in an ape: half of the place is covered, no end is at the base."""
    assert check_assembly(two_genes("GRCh38", moved=500), "CHM13") is None
    with pytest.raises(WrongAssemblyError, match="of GRCh38, the settings say GRCh37"):
        check_assembly(two_genes("GRCh38", moved=500), "GRCh37")


@pytest.mark.scale
def test_landmark_file__is_made_by_its_script(shared):
    assert LANDMARK_FILE.read_text(encoding="utf-8") == landmark_text(shared / "data")


@pytest.mark.parametrize(
    ("path", "is_of"), [("grch37/spliceai_genes.txt.gz", "GRCh37"), ("grch38/spliceai_genes.txt.gz", "GRCh38"),
                        ("grch37/ensembl75.chrY.gtf.gz", "GRCh37"), ("grch38/mane_v1.3.chr22.gff.gz", "GRCh38")]
)  # fmt: skip
def test_check_assembly__real_files(shared, path, is_of):
    made = records_from_annotation(read_annotation(shared / "data" / path), is_of)
    places = landmark_places(made.filter(pl.col("feature") == "gene"))
    placed = places["assembly"].drop_nulls()
    assert placed.len() >= max(1, 0.9 * places.height)  # of the others the table has a part
    assert set(placed) == {is_of}
    other = {"GRCh37": "GRCh38", "GRCh38": "GRCh37"}[is_of]
    with pytest.raises(WrongAssemblyError, match=f"of {is_of}, the settings say {other}"):
        check_assembly(made, other)


@pytest.mark.parametrize(
    ("path", "is_of", "least"),
    [
        ("grch37/spliceai_genes.txt.gz", "GRCh37", 3500),
        ("grch38/spliceai_genes.txt.gz", "GRCh38", 3500),
        ("grch37/ensembl75.chrY.gtf.gz", "GRCh37", 20),
        ("grch38/mane_v1.3.chr22.gff.gz", "GRCh38", 50),
        ("dialects/gencode.v38.basic.chr22.gtf.gz", "GRCh38", 50),
        pytest.param("dialects/gencode.v38.chr17.gtf.gz", "GRCh38", 100, marks=pytest.mark.scale),
        pytest.param("dialects/ensembl75.chr1.gtf.gz", "GRCh37", 300, marks=pytest.mark.scale),
    ],
)
def test_landmarks__of_other_makers(shared, path, is_of, least):
    """The landmarks are GENCODE's v30; in six other annotations not one lies where the other assembly has it."""
    made = records_from_annotation(read_annotation(shared / "data" / path), is_of)
    places = landmark_places(made.filter(pl.col("feature") == "gene"))
    assert set(places["assembly"].drop_nulls()) == {is_of}
    assert places["assembly"].drop_nulls().len() >= least
    for _, own in places.group_by("chrom"):
        assert own["is_exact"].mean() >= 0.5
    with pytest.raises(WrongAssemblyError, match=f"the annotation is of {is_of}, the settings say any"):
        check_assembly(made, "any")


@pytest.mark.parametrize("is_of", ["GRCh37", "GRCh38"])
def test_check_assembly__a_table_cut_to_a_million_bases(shared, is_of):
    """Any stretch will do: this one has none of the genes that everybody knows."""
    raw = read_annotation(shared / "data" / is_of.lower() / "spliceai_genes.txt.gz")
    made = records_from_annotation(raw, is_of)
    inside = (pl.col("chrom") == "22") & (pl.col("start") > 20_000_000) & (pl.col("end") <= 21_000_000)
    genes = made.filter((pl.col("feature") == "gene") & inside)
    own = made.join(genes, on=["chrom", "gene_id"], how="semi")
    assert check_assembly(own, is_of) == is_of
    other = {"GRCh37": "GRCh38", "GRCh38": "GRCh37"}[is_of]
    with pytest.raises(WrongAssemblyError, match=f"of {is_of}, the settings say {other}"):
        check_assembly(own, other)


@pytest.mark.parametrize(("is_of", "least"), [("GRCh37", 0.92), ("GRCh38", 0.94)])
def test_check_assembly__most_stretches_of_a_million_bases_tell(shared, is_of, least):
    raw = read_annotation(shared / "data" / is_of.lower() / "spliceai_genes.txt.gz")
    genes = records_from_annotation(raw, is_of).filter(pl.col("feature") == "gene")
    stretch = (pl.col("start") // 1_000_000).alias("stretch")
    told = landmark_places(genes).drop_nulls("assembly").select("chrom", stretch).unique()
    of_three = genes.group_by("chrom", stretch).len().filter(pl.col("len") >= 3)
    assert of_three.join(told, on=["chrom", "stretch"], how="semi").height >= least * of_three.height
