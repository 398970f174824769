"""Every file of examples/ is a project that loads; what the demo genome allows is built."""

import json
import shutil
from pathlib import Path

import matplotlib.pyplot as plt
import polars as pl
import pytest
import yaml

from builder_assets.genome.sources import source_files
from builder_assets.settings import load_settings
from resources.gene_lists import read_gene_list
from tests.projects import built, needs_weights, reopened, small_settings, write_settings

EXAMPLES = Path(__file__).parents[1] / "examples"
FILES = sorted(EXAMPLES.glob("*.yaml"))
ON_GRCH37 = ("quick_100_genes", "grch37_spliceai", "production_1000_genes")


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


def on_the_demo_genome(settings: dict) -> dict:
    """An example on the demo genome: its chromosomes, and GENCODE's word for long non-coding genes."""
    demo = small_settings()["genomes"]["toy"]
    for name in settings["genomes"]:
        settings["genomes"][name] = demo
    for dataset in settings["datasets"].values():
        types = dataset["genes"].get("types", [])
        dataset["genes"]["types"] = ["lncRNA" if word == "lincRNA" else word for word in types]
        dataset["baseline"] = False
        if dataset["splits"]["by"] == "chromosome":
            dataset["splits"] = {"by": "chromosome", "chromosomes": {"train": [22], "test": ["Y"], "validation": []}}
    return settings


@needs_weights
@pytest.mark.scale
def test_examples__on_grch37_build_on_the_demo_genome(tmp_path, untouched_folder):
    merged: dict = {}
    for name in ON_GRCH37:
        example = yaml.safe_load((EXAMPLES / f"{name}.yaml").read_text(encoding="utf-8"))
        for key, value in on_the_demo_genome(example).items():
            merged[key] = merged.get(key, {}) | value if isinstance(value, dict) else value
    merged["datasets"]["errors_1000"]["genes"] |= {"count": 10, "eval_count": 3}
    write_settings(tmp_path, merged)
    shutil.copytree(untouched_folder / ".cache", tmp_path / ".cache")
    results = built(reopened(tmp_path))
    assert [failure for result in results for failure in result.failures] == []
    rows = {name: pl.read_parquet(tmp_path / "data" / name / "training_examples/*.parquet").height
            for name in merged["datasets"]}  # fmt: skip
    assert set(rows) == {"quick_100", "stacking_3mers", "canonical_protein_coding", "errors_1000"}
    assert min(rows.values()) > 0


@pytest.mark.scale
def test_examples__mane_builds_on_pieces_of_chromosome_22(shared, tmp_path):
    """With the smallest published network: what counts here is GFF3, contig names, labels and weights."""
    data = shared / "data"
    settings = yaml.safe_load((EXAMPLES / "grch38_mane_openspliceai.yaml").read_text(encoding="utf-8"))
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
