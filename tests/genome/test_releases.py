import polars as pl
import pytest

from builder_assets.genome.releases import (
    PUBLISHED_TOTALS,
    USUAL_GENES,
    ReleaseError,
    is_release,
    release_file,
    release_name,
    total_drift,
)


@pytest.mark.parametrize(
    ("text", "role", "assembly", "url", "listing"),
    [
        ("ensembl:112", "annotation", "GRCh38",
         "https://ftp.ensembl.org/pub/release-112/gtf/homo_sapiens/Homo_sapiens.GRCh38.112.gtf.gz", "CHECKSUMS"),
        ("ensembl:112", "fasta", "GRCh38", "https://ftp.ensembl.org/pub/release-112/fasta/homo_sapiens/dna/"
         "Homo_sapiens.GRCh38.dna.primary_assembly.fa.gz", "CHECKSUMS"),
        ("ensembl:87", "annotation", "GRCh37",
         "https://ftp.ensembl.org/pub/grch37/release-87/gtf/homo_sapiens/Homo_sapiens.GRCh37.87.gtf.gz", "CHECKSUMS"),
        ("ensembl:87", "annotation", "GRCh38",
         "https://ftp.ensembl.org/pub/release-87/gtf/homo_sapiens/Homo_sapiens.GRCh38.87.gtf.gz", "CHECKSUMS"),
        ("ensembl:75", "annotation", "GRCh37",
         "https://ftp.ensembl.org/pub/release-75/gtf/homo_sapiens/Homo_sapiens.GRCh37.75.gtf.gz", "CHECKSUMS"),
        ("gencode:v24lift37", "annotation", "GRCh37", "https://ftp.ebi.ac.uk/pub/databases/gencode/Gencode_human/"
         "release_24/GRCh37_mapping/gencode.v24lift37.annotation.gtf.gz", "MD5SUMS"),
        ("gencode:v47", "fasta", "GRCh38", "https://ftp.ebi.ac.uk/pub/databases/gencode/Gencode_human/release_47/"
         "GRCh38.primary_assembly.genome.fa.gz", "MD5SUMS"),
        ("mane:1.3", "annotation", "GRCh38", "https://ftp.ncbi.nlm.nih.gov/refseq/MANE/MANE_human/release_1.3/"
         "MANE.GRCh38.v1.3.refseq_genomic.gff.gz", None),
        ("mane:1.3", "summary", "GRCh38", "https://ftp.ncbi.nlm.nih.gov/refseq/MANE/MANE_human/release_1.3/"
         "MANE.GRCh38.v1.3.summary.txt.gz", None),
    ],
)  # fmt: skip
def test_release_file__addresses_as_the_publishers_have_them(text, role, assembly, url, listing):
    remote = release_file(text, role, assembly)
    assert remote.url == url
    assert remote.checksums == (listing and f"{url.rsplit('/', 1)[0]}/{listing}")


@pytest.mark.parametrize(
    ("text", "assembly", "problem"),
    [
        ("ensembl:112", "GRCh37", "has no files for GRCh37, only for GRCh38; GRCh37 has 75, 85 to 87"),
        ("gencode:v47", "GRCh37", r"only for GRCh38; GRCh37 has 19, 22 to now \(written like v24lift37\)"),
        ("mane:1.3", "GRCh37", "has no files for GRCh37, only for GRCh38; GRCh37 has none"),
        ("mane:1.3", "my_fish", "only for GRCh38; my_fish has none"),
        ("mane:0.95", "GRCh38", "not a release of mane. There are GRCh38: 1 to now"),
        ("ensembl:60", "GRCh38", "not a release of ensembl. There are GRCh38: 76 to now; GRCh37: 75, 85 to 87"),
        ("gencode:latest", "GRCh38", "'gencode:latest' is not a release of gencode"),
        ("ucsc:hg38", "GRCh38", "no releases of 'ucsc' are known; known are ensembl, gencode, mane"),
    ],
)
def test_release_file__refuses(text, assembly, problem):
    with pytest.raises(ReleaseError, match=problem):
        release_file(text, "annotation", assembly)


def test_release_file__only_mane_comes_with_a_summary():
    assert release_file("ensembl:112", "summary", "GRCh38") is None


def test_is_release__paths_and_addresses_are_none():
    assert is_release("ensembl:112")
    assert not any(map(is_release, ["refs/a.gtf.gz", "https://a.org/b.gtf", "a.gtf", "/x/y:z/a.gtf"]))


def counted(n_genes, n_transcripts):
    return pl.DataFrame({"feature": ["gene"] * n_genes + ["transcript"] * n_transcripts})


@pytest.mark.parametrize(
    ("n_genes", "is_well", "text"),
    [
        (58_870, True, "gencode:v30 was published with 58,870 and 208,621 .apart 0.00%"),
        (58_300, True, "apart 0.97%"),
        (58_200, False, "apart 1.14%"),
    ],
)
def test_total_drift__against_the_named_release(n_genes, is_well, text):
    found, said, numbers = total_drift(counted(n_genes, 208_621), "gencode:v30", "GRCh38")
    assert found is is_well
    assert pl.Series([said]).str.contains(text).item(), said
    assert numbers["genes"] == n_genes


@pytest.mark.parametrize(
    ("text", "assembly", "name"),
    [
        ("gencode:v30", "GRCh38", "gencode:v30 GRCh38"),
        ("gencode:30", "GRCh38", "gencode:v30 GRCh38"),
        ("GENCODE:v30", "GRCh38", "gencode:v30 GRCh38"),
        ("Gencode:30lift37", "GRCh37", "gencode:v30lift37 GRCh37"),
        ("gencode:19", "GRCh37", "gencode:v19 GRCh37"),
        ("Ensembl:87", "GRCh37", "ensembl:87 GRCh37"),
        ("ensembl:87", "GRCh38", "ensembl:87 GRCh38"),
        ("MANE:v1.3", "GRCh38", "mane:1.3 GRCh38"),
    ],
)
def test_release_name__one_for_every_spelling(text, assembly, name):
    assert release_name(text, assembly) == name


def test_release_name__of_every_release_with_totals_is_as_the_table_has_it():
    for name in PUBLISHED_TOTALS:
        text, assembly = name.split()
        assert release_name(text, assembly) == name


@pytest.mark.parametrize(
    ("annotation", "assembly"),
    [
        ("ensembl:87", "GRCh37"),
        ("ensembl:87", "GRCh38"),
        ("gencode:v47", "GRCh38"),
        ("gencode:v24lift37", "GRCh37"),
        ("mane:1.3", "GRCh38"),
        ("gencode:30", "GRCh38"),
        ("GENCODE:v30", "GRCh38"),
    ],
)
def test_total_drift__sixty_genes_are_no_release(annotation, assembly):
    is_well, text, _ = total_drift(counted(60, 60), annotation, assembly)
    assert not is_well
    assert "60 genes, 60 transcripts" in text
    assert text.endswith("Is the file whole, and of this release?")


@pytest.mark.parametrize(("n_genes", "is_well"), [(54_999, False), (55_000, True), (90_000, True), (90_001, False)])
def test_total_drift__a_release_without_totals_has_as_many_genes_as_any(n_genes, is_well):
    found, text, _ = total_drift(counted(n_genes, 1), "gencode:v24lift37", "GRCh37")
    assert found is is_well
    assert "totals of gencode:v24lift37 are not known here" in text
    assert "have 55,000 to 90,000 genes" in text


def test_total_drift__transcripts_count_where_they_are_known():
    assert total_drift(counted(78_724, 1), "gencode:v47", "GRCh38")[0]
    assert not total_drift(counted(78_686, 1), "gencode:v48", "GRCh38")[0]


def test_usual_genes__hold_for_every_release_with_totals():
    for name, (genes, _) in PUBLISHED_TOTALS.items():
        fewest, most = USUAL_GENES[name.partition(":")[0]]
        assert fewest <= genes <= most


def test_total_drift__a_file_is_recognised_by_its_totals():
    assert "as gencode:v30 GRCh38" in total_drift(counted(58_870, 208_621), "refs/my.gtf", "GRCh38")[1]
    well, text, _ = total_drift(counted(10, 20), "refs/my.gtf", "GRCh38")
    assert well
    assert "like no release with totals known here" in text


def test_total_drift__the_real_files(shared):
    from builder_assets.genome.annotation_records import records_from_annotation
    from resources.annotation_file import read_annotation

    raw = read_annotation(shared / "data" / "grch38" / "mane_v1.3.chr22.gff.gz")
    numbers = total_drift(records_from_annotation(raw, "GRCh38"), "mane:1.3", "GRCh38")[2]
    assert numbers == {"genes": 423, "transcripts": 423}
