"""What `fasta:` and `annotation:` may be, and that a build fetches, checks and uses them."""

import dataclasses
import gzip
import hashlib
import shutil

import dagster as dg
import polars as pl
import pytest
import yaml

from builder_assets import demo
from builder_assets.asset_graph import assets_and_checks
from builder_assets.genome import releases
from builder_assets.genome.releases import ReleaseError
from builder_assets.genome.sources import source_files
from builder_assets.project.building import LayerResult, Scope, build
from builder_assets.project.folder import create_project, open_project
from builder_assets.settings import Settings
from tests.genome.mane import GFF, SUMMARY
from tests.resources.local_server import serving

# What the whole project relies on and pins by tests; see builder_assets.asset_graph.
pytestmark = [pytest.mark.filterwarnings(f"ignore::dagster.{name}Warning") for name in ("Beta", "Preview")]


def settings_with(tmp_path, **genome):
    usual = {"assembly": "GRCh38", "fasta": "a.fa", "annotation": "a.gtf", "chromosomes": ["22", "Y"]}
    return Settings.model_validate({"root": tmp_path, "genomes": {"g": usual | genome}})


def files_of(settings, role):
    return source_files(settings, settings.genomes["g"], role)


def test_source_files__paths_patterns_addresses_releases(tmp_path):
    settings = settings_with(
        tmp_path, fasta="refs/{chromosome}.fa.gz", annotation="https://example.org/x/my%20genes.gtf.gz"
    )
    assert [(f.path, f.remote) for f in files_of(settings, "fasta")] == [
        (tmp_path / "refs" / f"{name}.fa.gz", None) for name in ("22", "Y")
    ]
    (fetched,) = files_of(settings, "annotation")
    assert fetched.path == tmp_path / "data" / "downloads" / "example.org" / "x" / "my genes.gtf.gz"
    assert fetched.remote.url == "https://example.org/x/my%20genes.gtf.gz"
    (release,) = files_of(settings_with(tmp_path, annotation="ensembl:112"), "annotation")
    assert release.path.parts[-5:] == (
        "pub", "release-112", "gtf", "homo_sapiens", "Homo_sapiens.GRCh38.112.gtf.gz"
    )  # fmt: skip
    assert release.remote.checksums.endswith("/gtf/homo_sapiens/CHECKSUMS")
    with pytest.raises(ReleaseError, match="'gencode:v47' has no files for GRCh37"):
        files_of(settings_with(tmp_path, assembly="GRCh37", annotation="gencode:v47"), "annotation")


HTTPS = "https://example.org/x/genes.gtf"
OTHERS = [
    f"{HTTPS}?rev=1", f"{HTTPS}?rev=2", f"{HTTPS}#1", HTTPS.replace("https", "http"), HTTPS.replace("org", "org:81"),
    HTTPS.replace("org", "org:82"), HTTPS.replace("//", "//me@"), HTTPS.replace("/x/", "//x/"),
    HTTPS.replace("/x/", "/x/./"), HTTPS.replace("/x/", "/x/../x/"), HTTPS.replace("/x/", "/../../x/"),
    HTTPS.replace("/x/", "/x%2F"), HTTPS.replace("/x/", "/..%2Fx/"), HTTPS.replace("/genes", "/%67enes"),
    "HTTPS://example.org/x/genes.gtf", "https://Example.org/x/genes.gtf", f"{HTTPS}?",
]  # fmt: skip


def test_source_files__no_two_addresses_share_a_file(tmp_path):
    (plain, *others) = [
        files_of(settings_with(tmp_path, annotation=url), "annotation")[0].path for url in (HTTPS, *OTHERS)
    ]
    folder = tmp_path / "data" / "downloads" / "example.org"
    assert plain == folder / "x" / "genes.gtf"
    assert len({plain, *others}) == 1 + len(OTHERS)
    for path in others:  # not outside the downloads, and with the ending that people know
        assert path.parent.parent == folder
        assert ".." not in path.parts
        assert path.suffix == ".gtf"


@pytest.fixture
def project_with(tmp_path, monkeypatch):
    """Makes an open project of one genome."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BUILDER_CONFIG", "")

    def make(**genome):
        create_project(tmp_path)
        usual = {"assembly": "GRCh37", "fasta": str(demo.FASTA), "annotation": str(demo.ANNOTATION)}
        content = {"genomes": {"g": usual | {"chromosomes": ["22", "Y"]} | genome}}
        (tmp_path / "builder.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
        return open_project(tmp_path / "builder.yaml")

    return make


def failures(project):
    results = [step for step in build(project, Scope()) if isinstance(step, LayerResult)]
    return [failure for result in results for failure in result.failures]


def test_build__fetches_the_files_and_every_check_passes(project_with, tmp_path):
    with serving({"/a.fa.gz": demo.FASTA.read_bytes(), "/a.gtf.gz": demo.ANNOTATION.read_bytes()}) as site:
        site.faults["/a.fa.gz"] = ["cut"]
        project = project_with(fasta=f"{site.url}/a.fa.gz", annotation=f"{site.url}/a.gtf.gz", chromosomes=["22"])
        assert failures(project) == []
    fetched = next((tmp_path / "data" / "downloads").rglob("a.fa.gz"))
    assert fetched.read_bytes() == demo.FASTA.read_bytes()
    statuses = project.manifest.statuses(project.instance)
    assert all(status.is_built for status in statuses.values())
    checks = {name for node in project.manifest.nodes.values() for _, name in node.checks}
    for table, check, says in (
        ("introns", "intron_lengths", "intron lengths"),
        ("splice_sites", "splice_motifs", "shares of motifs"),
    ):
        key = dg.AssetCheckKey(dg.AssetKey(["g", table]), check)
        (record, *_) = project.instance.event_log_storage.get_asset_check_execution_history(key, limit=5)
        verdict = record.event.dagster_event.event_specific_data
        assert verdict.metadata["picture"].value.startswith(f"![{says}](data:image/svg+xml;base64,")
        assert verdict.description
    assert checks == {"contig_fit", "release_totals", "gene_types", "intron_lengths", "splice_motifs", "identities"}


def test_build__another_query_is_another_file(project_with, tmp_path):
    with gzip.open(demo.ANNOTATION, "rb") as lines:
        text = lines.read()
    earlier = b"".join(line for line in text.splitlines(keepends=True) if b"DGCR8" not in line)
    with serving({"/a.gtf?rev=1": earlier, "/a.gtf?rev=2": text}) as site:
        for revision, counted in ((1, 0), (2, 1)):
            project = project_with(annotation=f"{site.url}/a.gtf?rev={revision}", chromosomes=["22"])
            assert failures(project) == []
            genes = pl.read_parquet(tmp_path / "data" / "g" / "genes" / "22.parquet")
            assert genes.filter(pl.col("gene_name") == "DGCR8").height == counted


@pytest.mark.faults
def test_build__one_fasta_per_chromosome_and_only_the_changed_one_again(project_with, tmp_path):
    from resources.reference_genome import ReferenceGenome

    whole = ReferenceGenome(demo.FASTA, tmp_path / "i")
    for record, length in whole.records():
        letters = whole.bases(record, 0, length)
        (tmp_path / f"{record.split(':')[0]}.fa").write_bytes(b">" + record.encode() + b"\n" + letters + b"\n")
    project = project_with(fasta="{chromosome}.fa")
    assert failures(project) == []
    sites = tmp_path / "data" / "g" / "splice_sites"
    digest = {path.stem: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(sites.glob("*.parquet"))}
    assert set(digest) == {"22", "Y"}

    own = tmp_path / "Y.fa"
    text = own.read_bytes()
    own.write_bytes(text[:-2] + (b"A" if text[-2:-1] != b"A" else b"C") + b"\n")  # the last base, in no gene
    rebuilt = [cell for step in build(project, Scope()) if isinstance(step, LayerResult) for cell in step.seconds]
    # Both contigs are looked at again; 22 has the content that it had, and nothing below it runs.
    assert {cell.partition for cell in rebuilt if cell.asset == "g/contig"} == {"22", "Y"}
    assert {cell.partition for cell in rebuilt if cell.asset == "g/splice_sites"} == {"Y"}


def test_build__annotation_of_another_assembly_stops_before_anything_is_published(project_with, tmp_path):
    ids = 'gene_id "ENSG00000139618"; transcript_id "T";'
    (tmp_path / "a.gtf").write_text(f"13\tm\texon\t32315086\t32400268\t.\t+\t.\t{ids}\n", encoding="utf-8")
    project = project_with(annotation="a.gtf", chromosomes=["22"])
    assert any("the annotation is of GRCh38, the settings say GRCh37" in failure for failure in failures(project))
    assert not (tmp_path / "data" / "g" / "gene_annotation.parquet").exists()


def test_build__an_annotation_without_a_chromosome_stops_at_the_check(project_with, tmp_path):
    with gzip.open(demo.ANNOTATION, "rt", encoding="utf-8") as lines:
        kept = [line for line in lines if not line.startswith(("Y\t", "chrY\t"))]
    (tmp_path / "a.gtf").write_text("".join(kept), encoding="utf-8")
    project = project_with(annotation="a.gtf")
    told = failures(project)
    assert any("check contig_fit on g/gene_annotation: " in failure and "settings (Y)" in failure for failure in told)
    assert not (tmp_path / "data" / "g" / "genes").exists()


def test_build__a_release_that_contradicts_its_summary_stops_at_the_check(project_with, tmp_path, monkeypatch):
    (tmp_path / "a.fa").write_text(">22:1-4000\n" + "ACGT" * 1000 + "\n", encoding="ascii")
    packed = {
        text: gzip.compress(text.encode()) for text in (GFF, SUMMARY, SUMMARY.replace("NM_000002.5", "NM_000002.6"))
    }
    annotation, summary, other = packed.values()
    files = {"/MANE.GRCh38.v9.9.refseq_genomic.gff.gz": annotation, "/MANE.GRCh38.v9.9.summary.txt.gz": other}
    with serving(files) as site:
        own = [dataclasses.replace(series, folder=site.url) for series in releases.SERIES if series.name == "mane"]
        monkeypatch.setattr(releases, "SERIES", own)
        project = project_with(assembly="GRCh38", fasta="a.fa", annotation="mane:9.9", chromosomes=["22"])
        assert any("mane_summary" in failure and "1 of another version" in failure for failure in failures(project))
        assert not (tmp_path / "data" / "g" / "genes").exists()
        specs = [spec for check in assets_and_checks(project.settings)[1] for spec in check.check_specs]
        assert [spec.blocking for spec in specs if spec.name == "mane_summary"] == [True]  # so in the UI, too

        shutil.rmtree(tmp_path / "data" / "downloads")
        site.files["/MANE.GRCh38.v9.9.summary.txt.gz"] = summary
        assert failures(project) == []
        assert (tmp_path / "data" / "g" / "genes").exists()
