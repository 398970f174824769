"""Every file of examples/ is a project that loads, and is built on what real data there is (marked `scale`).

No whole genome is at hand: GRCh37's files run on the demo's piece, MANE's on pieces of chromosome 22 in `../shared`.
No mouse sequence is: mouse.yaml runs on human bases under the names of a mouse genome. No gene of the ALS panel lies
where there are bases: its names are looked up in GENCODE's whole annotation, and a list of its form is built.
"""

import gzip
import importlib.util
import json
import re
import shutil
from pathlib import Path

import matplotlib.pyplot as plt
import polars as pl
import pytest
import yaml

from builder_assets import demo
from builder_assets.genome.sources import source_files
from builder_assets.project.selection_preview import preview_selection
from builder_assets.selection import match_entries
from builder_assets.settings import load_settings
from resources.gene_lists import read_gene_list
from tests.projects import built, needs_weights, reopened, small_settings, write_settings

EXAMPLES = Path(__file__).parents[1] / "examples"
FILES = sorted(EXAMPLES.glob("*.yaml"))
ON_GRCH37 = ("quick_100_genes", "grch37_spliceai", "production_1000_genes")
THERE = ["DGCR8", "RTN4R", "TRMT2A", "RANBP1", "ZDHHC8"]  # genes of the demo's piece


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_example__loads_and_names_files_that_there_are(path):
    settings = load_settings(path)
    assert settings.datasets
    for genome in settings.genomes.values():
        for role in ("fasta", "annotation"):
            files = source_files(settings, genome, role)
            assert all(file.remote and file.remote.url.startswith("https://") for file in files)
    for dataset in settings.datasets.values():
        if dataset.genes.include_file:
            assert len(read_gene_list(settings.path(dataset.genes.include_file))) == 30


def test_examples__page_names_every_file():
    page = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    files = {path.name for path in EXAMPLES.iterdir()} - {"README.md"}
    assert {name for name in files if f"`{name}`" not in page} == set()


def test_als_genes__are_symbols_of_grch37(shared):
    """Against the gene table that SpliceAI was published with."""
    table = pl.read_csv(shared / "data/grch37/spliceai_genes.txt.gz", separator="\t", columns=[0])
    assert set(read_gene_list(EXAMPLES / "als_genes.tsv")) <= set(table.to_series())


@needs_weights
def test_notebook__runs_on_a_built_dataset(built_folder, monkeypatch, capsys):
    """Cell by cell, as a notebook would; it is kept without outputs."""
    cells = json.loads((EXAMPLES / "explore_dataset.ipynb").read_text(encoding="utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert not any(cell["outputs"] or cell["execution_count"] for cell in code)
    monkeypatch.chdir(built_folder / "data/examples")
    names: dict = {}
    for cell in code:
        exec(compile("".join(cell["source"]), "explore_dataset.ipynb", "exec"), names)
    plt.close("all")
    assert names["missed"].height > 0
    assert names["x"].shape == (names["train"].height, len(names["numeric"]))
    assert "rows" in capsys.readouterr().out


def test_als_genes__in_gencode_one_symbol_means_two_genes(shared):
    """Counted in the file's lines; the build stops and says so, and an id in its place is taken."""
    annotation = shared / "data/grch37/gencode_v30lift37.gtf.gz"
    genes: dict[str, set[str]] = {}
    rows = []
    with gzip.open(annotation, "rt") as lines:
        for line in lines:
            if found := re.match(r'chr(\w+)\t\w+\tgene\t.*gene_id "([^"]+)".* gene_name "([^"]+)"', line):
                genes.setdefault(found[3], set()).add(found[2])
                rows.append((*found.groups(), None))
    listed = read_gene_list(EXAMPLES / "als_genes.tsv")
    assert {name for name in listed if name not in genes} == set()
    twice = {name: genes[name] for name in listed if len(genes[name]) > 1}
    assert twice == {"MATR3": {"ENSG00000015479", "ENSG00000280987"}}
    schema = {"chrom": pl.String, "gene_id": pl.String, "gene_name": pl.String, "gene_aliases": pl.List(pl.String)}
    table = pl.DataFrame(rows, schema=schema, orient="row")
    meant = match_entries(table, listed).group_by("entry").len()
    assert dict(meant.iter_rows()) == {name: len(genes[name]) for name in listed}
    page = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    assert "MATR3" in page
    assert match_entries(table, ["ENSG00000015479"])["gene_id"].to_list() == ["ENSG00000015479"]
    assert "ENSG00000015479" in page


def test_production__says_how_much_it_scores(shared):
    """Counted in the file's lines: protein-coding genes of the chromosomes of the settings."""
    chromosomes = {str(name) for name in example("production_1000_genes")["genomes"]["grch37"]["chromosomes"]}
    bases = 0
    with gzip.open(shared / "data/grch37/gencode_v30lift37.gtf.gz", "rt") as lines:
        for line in lines:
            found = re.match(r'chr(\w+)\t\w+\tgene\t(\d+)\t(\d+)\t.*gene_type "protein_coding"', line)
            if found and found[1] in chromosomes:
                bases += int(found[3]) - int(found[2]) + 1
    said = f"{bases / 1e6:.0f} Mb in GENCODE 30{{}} about an hour on two cores"
    assert said.format(",") in (EXAMPLES / "production_1000_genes.yaml").read_text(encoding="utf-8")
    assert said.format(":") in (EXAMPLES.parent / "docs" / "usage.md").read_text(encoding="utf-8")
    measured = json.loads((EXAMPLES.parent / "benchmarks/results/scoring.json").read_text(encoding="utf-8"))
    rate = measured["engines"]["SpliceAI: this project, float32"]["bases_per_second"]["all"]
    assert round(bases / rate / 3600) == 1  # about an hour, say both


def example(name: str) -> dict:
    return yaml.safe_load((EXAMPLES / f"{name}.yaml").read_text(encoding="utf-8"))


def on_the_demo_genome(settings: dict) -> dict:
    """An example on the demo genome: its chromosomes, and GENCODE's word for long non-coding genes."""
    for name in settings["genomes"]:
        settings["genomes"][name] = small_settings()["genomes"]["toy"]
    for dataset in settings["datasets"].values():
        types = dataset["genes"].get("types", [])
        dataset["genes"]["types"] = ["lncRNA" if word == "lincRNA" else word for word in types]
        if dataset["splits"]["by"] == "chromosome":
            dataset["splits"] = {"by": "chromosome", "chromosomes": {"train": [22], "test": ["Y"], "validation": []}}
    return settings


def built_examples(folder: Path, settings: dict, untouched_folder: Path) -> dict[str, pl.DataFrame]:
    """The examples of every dataset of a project that is built in `folder`."""
    write_settings(folder, settings)
    shutil.copytree(untouched_folder / ".cache", folder / ".cache")
    results = built(reopened(folder))
    assert [failure for result in results for failure in result.failures] == []
    rows = {
        name: pl.read_parquet(folder / "data" / name / "training_examples/*.parquet") for name in settings["datasets"]
    }
    assert min(frame.height for frame in rows.values()) > 0
    return rows


@needs_weights
@pytest.mark.scale
def test_examples__on_grch37_build_on_the_demo_genome(tmp_path, untouched_folder):
    """With the meta-model of production_1000_genes, where LightGBM is installed."""
    merged: dict = {}
    for name in ON_GRCH37:
        for key, value in on_the_demo_genome(example(name)).items():
            merged[key] = merged.get(key, {}) | value if isinstance(value, dict) else value
    errors = merged["datasets"]["errors_1000"]
    errors["genes"] |= {"count": 10, "eval_count": 3}
    errors["baseline"] = errors["baseline"] and importlib.util.find_spec("lightgbm") is not None
    rows = built_examples(tmp_path, merged, untouched_folder)
    assert set(rows) == {"quick_100", "stacking_3mers", "canonical_protein_coding", "errors_1000"}
    kmers = {name: sum("mer_" in column for column in frame.columns) for name, frame in rows.items()}
    assert kmers == {"quick_100": 64, "stacking_3mers": 64, "canonical_protein_coding": 0, "errors_1000": 64 + 256}
    assert (tmp_path / "data/errors_1000/meta_model_baseline.md").is_file() == errors["baseline"]


@needs_weights
@pytest.mark.scale
def test_example__als_panel_builds_with_genes_that_are_there(tmp_path, untouched_folder):
    """Alone: other genes, in a list of the same form. Among others: the list itself, whose genes the piece lacks."""
    shutil.copy(EXAMPLES / "als_genes.tsv", tmp_path)
    head, *lines = (EXAMPLES / "als_genes.tsv").read_text(encoding="utf-8").splitlines()
    notes = [line.partition("\t")[2] for line in lines]
    present = [head, *(f"{gene}\t{note}" for gene, note in zip(THERE, notes, strict=False))]
    (tmp_path / "there.tsv").write_text("\n".join(present), encoding="utf-8")
    settings = on_the_demo_genome(example("als_panel"))
    settings["datasets"]["als_panel"]["genes"]["include_file"] = "there.tsv"
    settings["datasets"]["als_panel_among_1000"]["genes"]["on_unknown"] = "skip"
    rows = built_examples(tmp_path, settings, untouched_folder)
    assert set(rows["als_panel"]["gene_name"]) == set(THERE)
    manifest = pl.read_csv(tmp_path / "data/als_panel/gene_manifest.csv")
    assert manifest["reason"].to_list() == [f"listed as {name}" for name in THERE]
    assert set(rows["als_panel_among_1000"]["gene_type"]) == {"protein_coding"}
    notes_told = preview_selection(reopened(tmp_path), "als_panel_among_1000").selection.notes
    assert any("30 of 30 entries are unknown: SOD1, TARDBP" in note for note in notes_told)


# Of the demo's chromosomes. Human genes under their own chromosome would be told to be human.
MOUSE_NAMES = {"22": "19", "Y": "X"}


def as_a_mouse_genome(folder: Path) -> dict[str, str]:
    """The demo genome with a mouse genome's chromosome names and gene ids, as plain files."""
    with gzip.open(demo.FASTA, "rt") as lines:
        fasta = re.sub(r"^>(\w+)", lambda found: f">{MOUSE_NAMES[found[1]]}", lines.read(), flags=re.MULTILINE)
    with gzip.open(demo.ANNOTATION, "rt") as lines:
        named = re.sub(r"^chr(\w+)(?=\t)", lambda found: MOUSE_NAMES[found[1]], lines.read(), flags=re.MULTILINE)
    (folder / "mouse.fa").write_text(fasta, encoding="utf-8")
    (folder / "mouse.gtf").write_text(re.sub(r"\bENS([GTE])(?=\d)", r"ENSMUS\1", named), encoding="utf-8")
    return {"fasta": "mouse.fa", "annotation": "mouse.gtf"}


@needs_weights
@pytest.mark.scale
def test_example__mouse_builds_on_bases_under_the_names_of_a_mouse_genome(tmp_path, untouched_folder):
    """What counts: an assembly that the weights were not trained on, its names, and that no chromosome was seen."""
    settings = example("mouse")
    chromosomes = settings["genomes"]["grcm39"]["chromosomes"]
    assert {str(name) for name in chromosomes} >= set(MOUSE_NAMES.values())
    settings["genomes"]["grcm39"] |= as_a_mouse_genome(tmp_path) | {"chromosomes": [19, "X"]}
    settings["datasets"]["mouse_1000"]["splits"]["seed"] = 9  # 21 genes are few: other seeds leave a side empty
    rows = built_examples(tmp_path, settings, untouched_folder)["mouse_1000"]
    assert set(rows["chrom"]) == {"19", "X"}
    assert rows["gene_id"].str.starts_with("ENSMUSG").all()
    assert not rows["base_model_seen"].any()
    assert set(rows["split"]) == {"train", "validation", "test"}


@pytest.mark.scale
def test_examples__mane_builds_on_pieces_of_chromosome_22(shared, tmp_path):
    """With the smallest published network: what counts here is GFF3, contig names, labels and weights."""
    data = shared / "data"
    settings = example("grch38_mane_openspliceai")
    settings["genomes"]["grch38"] |= {
        "fasta": str(data / "grch38/dev.fa.gz"), "annotation": str(data / "grch38/mane_v1.3.chr22.gff.gz"),
        "chromosomes": [22], "regions": ["22:1-41188996"], "partial_sequence": True,
    }  # fmt: skip
    settings["base_models"]["openspliceai_mane"] |= {"weights": str(data / "openspliceai-mane/80nt"), "context": 80}
    settings["datasets"]["mane_stacking"]["splits"] = {"by": "gene", "validation": 0.1, "test": 0.2}
    write_settings(tmp_path, settings)
    results = built(reopened(tmp_path))
    assert [failure for result in results for failure in result.failures] == []
    rows = pl.read_parquet(tmp_path / "data/mane_stacking/training_examples/22.parquet")
    assert rows.filter(pl.col("label") > 0)["any_canonical"].all()
    assert rows["gene_id"].n_unique() > 10
