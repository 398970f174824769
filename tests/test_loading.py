"""Every Python snippet of docs/loading.md and of the dataset card, run as a reader would run it."""

import re
from pathlib import Path

import polars as pl
import pytest

from builder_assets.dataset.card.text import LOADING
from tests.dataset.stored import CONTRACT, ROWS, store_examples
from tests.dataset.test_card import card
from tests.projects import needs_weights

GUIDE = Path(__file__).parents[1] / "docs" / "loading.md"
N_TRAIN = pl.concat(ROWS.values()).filter(split="train").height
PYTHON = re.compile(r"```python\n(.*?)```", re.DOTALL)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dataset")
    store_examples(folder)
    return folder


def run(code, folder, monkeypatch):
    """The names that a snippet defines, run in the dataset's folder."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_DATASETS_CACHE", str(folder / ".cache"))
    names = {"__name__": "snippet"}
    exec(compile(code, "docs/loading.md", "exec"), names)
    return names


def snippet(title):
    section = GUIDE.read_text(encoding="utf-8").split(f"\n## {title}\n")[1].split("\n## ")[0]
    (code,) = PYTHON.findall(section)
    return code


def test_loading__every_section_with_python_is_tested():
    titles = re.findall(r"^## (.*)$", GUIDE.read_text(encoding="utf-8"), re.MULTILINE)
    assert set(titles) == {
        *TABLES,
        "Roles",
        "PyTorch, streaming",
        "JAX",
        "LightGBM",
        "Scores of one gene",
        "Other programs",
    }


def test_roles(folder, monkeypatch):
    expected = [column.name for column in CONTRACT.columns if column.role == "feature"]
    assert run(snippet("Roles"), folder, monkeypatch)["features"] == expected


TABLES = {"Polars": "polars", "DuckDB": "duckdb", "pandas": "pandas", "Hugging Face datasets": "datasets"}


@pytest.mark.parametrize("title", TABLES)
def test_tables(title, folder, monkeypatch):
    pytest.importorskip(TABLES[title], reason="the extra `loading` is not installed")
    train = run(snippet(title), folder, monkeypatch)["train"]
    assert len(train) == N_TRAIN
    assert set(train["split"]) == {"train"}
    assert sum(train["position"]) == pl.concat(ROWS.values()).filter(split="train")["position"].sum()


def test_pytorch(folder, monkeypatch):
    torch = pytest.importorskip("torch", reason="the extra `loading` is not installed")
    names = run(snippet("PyTorch, streaming"), folder, monkeypatch)
    assert names["n_rows"] == N_TRAIN
    values, labels, _ = next(iter(names["loader"]))
    assert values.shape == (len(labels), len(names["Examples"]("training_examples", "train").features))
    assert values.dtype == torch.float32


def test_jax(folder, monkeypatch):
    losses = run(snippet("JAX"), folder, monkeypatch)["losses"]
    assert losses[0] == pytest.approx(1.0986, abs=1e-3)  # ln 3: nothing is known yet
    assert losses[-1] < losses[0]


def test_lightgbm(folder, monkeypatch):
    pytest.importorskip("lightgbm", reason="the extra `baseline` is not installed")
    names = run(snippet("LightGBM"), folder, monkeypatch)
    assert names["probabilities"].shape == (N_TRAIN, 3)
    assert names["probabilities"].sum(axis=1) == pytest.approx(1)


@needs_weights
def test_scores_of_one_gene(built_folder, monkeypatch):
    """In the folder of a dataset that was built, beside its settings."""
    monkeypatch.delenv("BUILDER_CONFIG", raising=False)
    names = run(snippet("Scores of one gene"), built_folder / "data" / "examples", monkeypatch)
    (gene,) = pl.read_parquet(built_folder / "data/toy/genes/22.parquet").filter(gene_name="CCDC188").to_dicts()
    assert sorted(names["scores"]["position"]) == list(range(gene["start"], gene["end"] + 1))
    calls = pl.read_parquet(built_folder / "data/model/splice_calls/22.parquet")
    own = calls.filter(gene_id=gene["gene_id"]).filter(pl.col("outcome") != "FN")
    assert set(names["called"]["position"]) == set(own["position"])
    assert own.height


def test_card__its_head_makes_the_folder_a_hugging_face_dataset(folder, monkeypatch):
    datasets = pytest.importorskip("datasets", reason="the extra `loading` is not installed")
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    (folder / "README.md").write_text(card().markdown, encoding="utf-8")
    (folder / "gene_manifest.csv").write_text("gene_id,split\nA,train\n", encoding="utf-8")  # no part of the data
    loaded = datasets.load_dataset(str(folder), cache_dir=str(folder / ".cache"))
    assert {name: part.num_rows for name, part in loaded.items()} == {"train": sum(t.height for t in ROWS.values())}
    assert loaded["train"].column_names == CONTRACT.names


def test_card__its_python_snippets(folder, monkeypatch):
    codes = PYTHON.findall(LOADING)
    assert [len(run(code, folder, monkeypatch)["train"]) for code in codes] == [N_TRAIN, N_TRAIN]
