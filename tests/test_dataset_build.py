"""Dataset assets as Dagster runs them, on the demo genome with scores made by hand: no model is needed."""

import shutil
from pathlib import Path

import dagster as dg
import numpy as np
import polars as pl
import pyBigWig
import pytest
import yaml

from builder_assets import tables
from builder_assets.dataset import example_stream
from builder_assets.manifest import Cell, State
from builder_assets.project.building import Scope
from builder_assets.project.folder import Project, open_project
from builder_assets.project.selection_preview import PreviewError, check_error_policies, preview_selection
from resources.table_files import SchemaVersionError, scan, verify_file, write_frames

# asset_graph.py ignores these, but pytest sets its own filters again for each test.
pytestmark = [
    pytest.mark.filterwarnings("ignore::dagster.BetaWarning"),
    pytest.mark.filterwarnings("ignore::dagster.PreviewWarning"),
]
ROOT = Path(__file__).parents[1]
GENOME = ("genome_fasta", "gene_annotation", "contig", "annotation_records", "genes", "split_units")
EXAMPLES = ("selected_genes", "conservation_track", "training_examples", "example_pools")
EVALUATION = ("splice_calls", "gene_performance")
MASKED = (20_050_000, 20_050_101)  # exon-side bases of the junction in the fixture's BED


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Project:
    """A project with built genome tables, made-up scores, and three datasets."""
    folder = tmp_path_factory.mktemp("project")
    for name in ("dagster.yaml", "workspace.yaml"):
        shutil.copy(ROOT / name, folder / name)
    demo = ROOT / "builder_assets" / "demo"
    genome = {"assembly": "GRCh37", "fasta": f"{demo}/demo.fa.gz", "annotation": f"{demo}/demo.gtf.gz"}
    genes = {"policy": "custom", "include": ["TANGO2", "DGCR8", "RANBP1", "DDX3Y"]}
    splits = {"validation": 0, "test": 0}
    tracks = {"conservation": "track.bw", "window_sequence": True}
    content = {
        "genomes": {"demo": genome | {"chromosomes": [22, "Y"]}},
        "base_models": {
            "spliceai": {"genome": "demo", "family": "spliceai"},
            "masked": {"genome": "demo", "family": "spliceai", "mask_sites": "junctions.bed"},
        },
        "datasets": {
            "plain": {"base_model": "spliceai", "genes": genes, "kmers": [1, 2], "splits": splits},
            "tracked": {"base_model": "masked", "genes": genes, "kmers": [], "splits": splits} | tracks,
            "ranked": {"base_model": "spliceai", "genes": {"policy": "error_total", "count": 5}},
        },
    }
    (folder / "builder.yaml").write_text(yaml.safe_dump(content))
    (folder / "junctions.bed").write_text("chr22\t20050000\t20050100\n")
    with pyBigWig.open(str(folder / "track.bw"), "w") as track:
        track.addHeader([("22", 51_304_566), ("Y", 59_373_566)])
        track.addEntries(["22"], [20_000_000], ends=[21_000_000], values=[1.5])
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.delenv("BUILDER_CONFIG", raising=False)
        opened = open_project()
        tables_of_chromosome = [t.name for t in (tables.GENES, tables.TRANSCRIPTS, tables.EXONS, tables.INTRONS)]
        tables_of_chromosome += ["splice_sites", "gene_overlaps"]
        run(opened, ["demo/genome_fasta", "demo/gene_annotation"])
        for chrom in ("22", "Y"):
            run(opened, [f"demo/{name}" for name in ("contig", "annotation_records", *tables_of_chromosome)], chrom)
        run(opened, ["demo/split_units", "plain/gene_selection", "tracked/gene_selection"])
        for chrom in ("22", "Y"):
            made_up_scores(opened, chrom)
            plain = [f"plain/{name}" for name in EXAMPLES if name != "conservation_track"]
            judged = [f"{model}/{name}" for model in ("spliceai", "masked") for name in EVALUATION]
            run(opened, [*plain, "masked/masked_sites", *[f"tracked/{name}" for name in EXAMPLES], *judged], chrom)
        yield opened


def run(project: Project, assets: list[str], chrom: str | None = None) -> None:
    nodes = [project.manifest.nodes[name] for name in assets]
    checks = {
        dg.AssetCheckKey(project.manifest.nodes[asset].key, check) for node in nodes for asset, check in node.checks
    }
    job = project.defs.resolve_implicit_global_asset_job_def()
    job = job.get_subset(asset_selection={node.key for node in nodes}, asset_check_selection=checks)
    assert job.execute_in_process(instance=project.instance, partition_key=chrom).success


def table(project: Project, asset: str, chrom: str | None = None) -> pl.DataFrame:
    return scan(project.manifest.path_of(Cell(asset, chrom or ""))).collect()


def made_up_scores(project: Project, chrom: str) -> None:
    """Scores of the selected genes under both models: noise below 0.3, drawn for each gene, 0.9 at masked bases."""
    genes = table(project, "plain/gene_selection").filter(pl.col("chrom") == chrom)
    rows = []
    for row in genes.select("chrom", "gene_id", "strand", "start", "end", "length").iter_rows(named=True):
        generator = np.random.Generator(np.random.PCG64(row["length"]))
        donor, acceptor = 10 ** generator.uniform(-6, -0.53, size=(2, row["length"]))
        for position in MASKED:
            if chrom == "22" and row["start"] <= position <= row["end"]:
                offset = position - row["start"] if row["strand"] == "+" else row["end"] - position
                donor[offset], acceptor[offset] = 0.9, 0.01
        tracks = {"donor_scores": donor.tolist(), "acceptor_scores": acceptor.tolist()}
        rows.append(row | {"fingerprint": "f", "scored_by": "hand"} | tracks)
    frame = tables.SPLICE_SCORES.conform(pl.DataFrame(rows, schema=tables.SPLICE_SCORES.polars_schema()))
    for model in ("spliceai", "masked"):
        path = project.manifest.path_of(Cell(f"{model}/splice_scores", chrom))
        path.parent.mkdir(parents=True, exist_ok=True)
        write_frames([frame], tables.SPLICE_SCORES, {"inputs": {}}, path)


def test_training_examples__stream_through_the_store(project) -> None:
    examples, pools = table(project, "plain/training_examples", "22"), table(project, "plain/example_pools", "22")
    assert examples.height == pools["n_rows"].sum() > 1000
    verify_file(project.manifest.path_of(Cell("plain/training_examples", "22")))
    statuses = project.manifest.statuses(project.instance, ["plain/training_examples"])
    assert {status.rows for status in statuses.values()} == {
        table(project, "plain/training_examples", chrom).height for chrom in ("22", "Y")
    }


def test_training_examples__the_size_of_batches_changes_no_byte(project, monkeypatch) -> None:
    path = project.manifest.path_of(Cell("plain/training_examples", "22"))
    before = path.read_bytes()
    monkeypatch.setattr(example_stream, "BATCH_ROWS", 397)
    run(project, ["plain/training_examples", "plain/example_pools"], "22")
    assert path.read_bytes() == before


def test_training_examples__masked_bases_are_no_examples(project) -> None:
    masked = table(project, "masked/masked_sites", "22")
    assert masked["position"].unique().sort().to_list() == list(MASKED)
    with_mask, without = (table(project, f"{name}/example_pools", "22") for name in ("tracked", "plain"))
    fewer = (without["n_eligible"] - with_mask["n_eligible"]).to_list()
    spans = table(project, "plain/selected_genes", "22")
    inside = [sum(start <= p <= end for p in MASKED) for start, end in spans.select("start", "end").rows()]
    assert fewer == inside
    assert sum(inside) > 0


def test_gene_performance__a_call_on_a_masked_base_is_no_error(project) -> None:
    calls = {model: table(project, f"{model}/splice_calls", "22") for model in ("spliceai", "masked")}
    gone = calls["spliceai"].join(calls["masked"], on=["gene_id", "kind", "position"], how="anti")
    assert set(gone.select("kind", "position", "outcome").rows()) == {("donor", base, "FP") for base in MASKED}
    performance = {model: table(project, f"{model}/gene_performance", "22") for model in calls}
    fewer = {name: performance["spliceai"][name].sum() - performance["masked"][name].sum() for name in ("fp", "tn")}
    assert fewer == {"fp": gone.height, "tn": gone.height}  # the same bases of the other kind


def test_training_examples__carry_the_users_conservation_and_the_window(project) -> None:
    here, there = (table(project, "tracked/training_examples", chrom) for chrom in ("22", "Y"))
    assert set(here["conservation"]) == set(here["conservation_mean"]) == {1.5}
    assert there["conservation"].null_count() == there.height
    assert set(here["window_sequence"].str.len_bytes()) == {501}


def test_table_store__does_not_read_a_table_of_another_schema_version(project, tmp_path) -> None:
    path = project.manifest.path_of(Cell("plain/selected_genes", "Y"))
    shutil.copy(path, tmp_path / "kept")
    other = tables.SELECTED_GENES.model_copy(update={"schema_version": 9})
    write_frames([scan(path).collect()], other, {"inputs": {}, "asset": "a"}, path)
    keys = [project.manifest.nodes["plain/training_examples"].key, project.manifest.nodes["plain/example_pools"].key]
    job = project.defs.resolve_implicit_global_asset_job_def()
    with pytest.raises(SchemaVersionError, match="has schema version 9, this code knows version 1"):
        job.execute_in_process(instance=project.instance, partition_key="Y", asset_selection=keys)
    shutil.copy(tmp_path / "kept", path)


def test_dataset_card__names_the_versions_of_the_users_own_files(project) -> None:
    users = {"masked/masked_sites", "tracked/conservation_track"}
    assert users <= set(project.manifest.nodes["tracked/dataset_card"].parents)
    assert not users & set(project.manifest.nodes["plain/dataset_card"].parents)


def test_masked_sites__a_changed_file_is_a_changed_input(project) -> None:
    (project.settings.root / "junctions.bed").write_text("chr22\t20050000\t20050100\nchr22\t1\t9\n")
    statuses = project.manifest.statuses(project.instance, ["masked/masked_sites"])
    assert {status.state for status in statuses.values()} == {State.CHANGED_INPUT}


def test_error_policy__is_refused_by_chromosome_until_every_one_is_judged(project) -> None:
    with pytest.raises(PreviewError, match=r"1 datasets .*: ranked \(error_total\) lacks 22, Y\. Build without"):
        check_error_policies(project, Scope(chromosomes=("22",)))
    check_error_policies(project, Scope(datasets=("plain",), chromosomes=("22",)))
    check_error_policies(project, Scope(genomes=("demo",), chromosomes=("22",)))
    check_error_policies(project, Scope())


def test_preview_selection__of_a_policy_that_is_known(project) -> None:
    preview = preview_selection(project, "plain")
    assert preview.to_score == (0, 0)
    assert preview.lines()[0] == "plain: policy custom takes 4 of 4 candidates (train 4)."
    assert [row[3] for row in preview.shown(2)] == ["TANGO2", "DGCR8"]
    assert preview.as_dict()["genes"][0]["reason"] == "listed as TANGO2"


def test_preview_selection__of_an_error_policy_before_scoring(project) -> None:
    preview = preview_selection(project, "ranked")
    genes = pl.concat(table(project, "demo/genes", chrom) for chrom in ("22", "Y"))
    usable = genes.filter(pl.col("n_splice_sites") > 0)
    assert preview.selection is None
    assert preview.table.height == usable.height
    scored = pl.concat(table(project, "spliceai/splice_scores", chrom) for chrom in ("22", "Y"))
    assert preview.to_score == (usable.height - 4, usable["length"].sum() - scored["length"].sum())
    assert f"{usable.height} candidates have to be scored and evaluated first" in preview.lines()[1]
    assert "none was measured here yet" in preview.lines()[2]
    assert not preview.as_dict()["known"]


def test_preview_selection__says_what_is_missing(project, tmp_path) -> None:
    with pytest.raises(PreviewError, match="dataset 'none' is not in the settings; known: plain, ranked, tracked"):
        preview_selection(project, "none")
    for name in ("dagster.yaml", "workspace.yaml", "builder.yaml"):
        shutil.copy(project.settings.root / name, tmp_path / name)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        other = open_project(tmp_path / "builder.yaml")
        patch.delenv("BUILDER_CONFIG", raising=False)
        with pytest.raises(PreviewError, match=r"demo/genes\[22\].*`builder build --genome demo` builds them"):
            preview_selection(other, "plain")
