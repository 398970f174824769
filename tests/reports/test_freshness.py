"""What is shown of a project that is not built and fresh: old numbers say so, and what is gone is named."""

import json
import re
from base64 import b64decode

import pytest

from builder_assets.project.freshness import require_there, tables_behind
from builder_assets.project.stored import NotBuiltError, files_of, gene_rows, whole
from builder_assets.settings import load_settings
from builder_assets.tables import EXAMPLE_POOLS, GENES
from tests.projects import needs_weights, reopened, small_settings, write_settings
from tests.test_cli import config, run

pytestmark = needs_weights
PAGES = {"model.html", "examples.html"}


def page_of(folder, name):
    """Text and JSON download of a page in reports/."""
    text = (folder / f"reports/{name}.html").read_text("utf-8")
    (packed,) = re.findall(rf'download="{name}\.json" href="data:application/json;base64,([^"]+)"', text)
    return text, json.loads(b64decode(packed))


def report(folder, code=0):
    """What `builder report` says, and the pages that it makes."""
    said = run("report", "--output", str(folder / "reports"), "--config", config(folder), code=code)
    return said, {path.name for path in folder.glob("reports/*")}


def test_report__of_a_fresh_project_warns_of_nothing(folder):
    said, pages = report(folder)
    assert pages == PAGES
    assert "stale" not in said
    for name in ("model", "examples"):
        text, facts = page_of(folder, name)
        assert "stale:" not in text
        assert facts["stale"] == []


def test_report__old_numbers_stand_under_the_settings_that_made_them(folder):
    settings = small_settings()
    settings["base_models"]["model"] |= {"threshold": 0.9, "labels": "canonical", "flanks": "genomic"}
    settings["datasets"]["examples"] |= {"kmers": [1], "window_sequence": True}
    write_settings(folder, settings)
    said, pages = report(folder)
    assert pages == PAGES
    changed = 'settings changed: evaluation.labels "all" -> "canonical"; evaluation.threshold 0.5 -> 0.9'
    assert f"stale: model/model_report: {changed}; `builder build` makes it anew." in said
    assert said.count("stale: model/model_report:") == 1
    assert f"stale: model/splice_calls[22, Y]: {changed}" in said
    assert 'stale: model/splice_scores[22, Y]: settings changed: flanks "masked" -> "genomic"' in said
    text, facts = page_of(folder, "model")
    assert (
        "On genome toy, assembly GRCh37, family spliceai, labels all, threshold 0.5, flanks masked, precision float32"
        in text
    )
    assert "<p>stale: model/model_report: settings changed: evaluation.labels" in text
    assert (facts["settings"]["evaluation.threshold"], facts["settings"]["flanks"]) == (0.5, "masked")
    assert any(line.startswith("stale: model/model_report: ") for line in facts["stale"])
    text, facts = page_of(folder, "examples")
    assert "<p>stale: examples/training_examples[22, Y]: settings changed: " in text
    assert facts["card"]["config"]["dataset"]["kmers"] == [2]


def test_report__says_that_chromosomes_have_other_columns_than_the_card(folder):
    settings = small_settings()
    settings["datasets"]["examples"] |= {"window_sequence": True}
    write_settings(folder, settings)
    run("build", "--chromosome", "22", "--config", config(folder))
    said, pages = report(folder, code=2)
    assert "examples/training_examples: 1 of 2 chromosomes (22) have other columns than the card tells of" in said
    assert pages == {"model.html"}


GONE = [
    ("toy/genes/22", "toy/genes[22]", set()),
    ("toy/splice_sites/22", "toy/splice_sites[22]", set()),
    ("toy/exons/22", "toy/exons[22]", set()),
    ("model/splice_scores/22", "model/splice_scores[22]", set()),
    ("model/gene_performance/22", "model/gene_performance[22]", set()),
    ("model/splice_calls/22", "model/splice_calls[22]", set()),
    ("model/model_report", "model/model_report", {"examples.html"}),
    ("examples/training_examples/Y", "examples/training_examples[Y]", {"model.html"}),
    ("examples/gene_manifest", "examples/gene_manifest", {"model.html"}),
    ("examples/dataset_card", "examples/dataset_card", {"model.html"}),
]


@pytest.mark.parametrize(("table", "cell", "made"), GONE, ids=[cell for _, cell, _ in GONE])
def test_report__names_what_is_gone_and_makes_the_other_pages(folder, table, cell, made):
    path = folder / f"data/{table}.parquet"
    path.unlink()
    said, pages = report(folder, code=2)
    assert pages == made
    told = f"1 tables that it is made from are not there: {cell} (file is gone: {path}). `builder build` makes them."
    assert said.count(told) == len(PAGES - made)


def test_report__names_a_companion_that_is_gone(folder):
    (folder / "data/examples/dataset_card.json").unlink()
    said, pages = report(folder, code=2)
    assert "no page of examples: 1 tables" in said
    assert re.search(r"examples/dataset_card \(file is gone: \S+dataset_card.json\)", said)
    assert pages == {"model.html"}


def test_report__what_was_never_built_is_left_out(folder):
    settings = small_settings()
    settings["datasets"]["more"] = settings["datasets"]["examples"]
    write_settings(folder, settings)
    said, pages = report(folder)
    assert pages == PAGES
    assert "page of more" not in said
    assert "no page of more" in run("report", "more", "--config", config(folder), code=2)


def test_report__a_damaged_file_costs_its_page_only(folder):
    path = folder / "data/examples/example_pools/22.parquet"
    path.write_bytes(path.read_bytes()[:-9])
    said, pages = report(folder, code=2)
    assert f"no page of examples: {path} is truncated or was not written by this pipeline" in said
    assert pages == {"model.html"}


def test_inspect__says_what_is_stale(folder):
    settings = small_settings()
    settings["base_models"]["model"]["threshold"] = 0.9
    write_settings(folder, settings)
    said = run("inspect", "TMEM191B", "--config", config(folder))
    assert "stale: model/splice_calls[22]: settings changed: evaluation.threshold 0.5 -> 0.9; `builder build`" in said
    assert "stale: model/gene_performance[22]: settings changed" in said
    assert "[Y]" not in said
    assert "model/splice_scores" not in said


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ("toy/genes/22", "toy/genes: 1 of 2 chromosomes have no table (22). `builder build --genome toy` makes"),
        ("toy/exons/22", "toy/exons: 1 of 1 chromosomes have no table (22). `builder build --genome toy` makes"),
        ("toy/splice_sites/22", "toy/splice_sites: 1 of 1 chromosomes have no table (22)."),
        ("model/splice_scores/22", "1 tables that are read here are gone: model/splice_scores[22] (file is gone: /"),
        ("examples/training_examples/22", "read here are gone: examples/training_examples[22] (file is gone: /"),
    ],
)
def test_inspect__names_what_is_gone(folder, table, told):
    (folder / f"data/{table}.parquet").unlink()
    said = run("inspect", "TMEM191B", "--config", config(folder), code=2)
    assert told in said
    assert "is no gene here" not in said


def test_genes__names_chromosomes_without_a_table_before_it_says_no(folder):
    assert "is no gene here" in run("genes", "Omega", "--config", config(folder), code=2)
    (folder / "data/toy/genes/22.parquet").unlink()
    said = run("genes", "TMEM191B", "--config", config(folder), code=2)
    assert "toy/genes: 1 of 2 chromosomes have no table (22). `builder build --genome toy` makes" in said
    assert "is no gene here" not in said


def test_tracks__say_what_is_stale_gone_and_never_built(folder, tmp_path):
    settings = small_settings()
    settings["base_models"]["model"]["threshold"] = 0.9
    write_settings(folder, settings)
    arguments = ("tracks", str(tmp_path / "tracks"), "--config", config(folder))
    assert "stale: model/splice_calls[22, Y]: settings changed: evaluation.threshold 0.5 -> 0.9" in run(*arguments)
    settings["genomes"]["toy"]["chromosomes"] = [21, 22, "Y"]
    write_settings(folder, settings)
    assert "left out: model/splice_scores[21]: never built; `builder build` makes it." in run(*arguments)
    (folder / "data/model/splice_scores/22.parquet").unlink()
    said = run("tracks", str(tmp_path / "none"), "--config", config(folder), code=2)
    assert "1 tables that are read here are gone: model/splice_scores[22]" in said
    assert not (tmp_path / "none").exists()


def test_tracks__an_sd_that_is_not_stored_yet_is_left_out(folder, tmp_path):
    settings = small_settings()
    settings["base_models"]["model"]["ensemble_sd"] = True
    write_settings(folder, settings)
    assert "stale: model/splice_scores[22, Y]" in run("tracks", str(tmp_path / "tracks"), "--config", config(folder))
    assert not list((tmp_path / "tracks").glob("*_sd*"))


def test_require_there__names_what_is_gone(folder):
    path = folder / "data/toy/genes/22.parquet"
    path.unlink()
    behind = tables_behind(reopened(folder), ["toy/genes", "toy/exons"])
    assert [str(one.cell) for one in behind] == ["toy/genes[22]"]
    with pytest.raises(NotBuiltError, match=r"1 tables that are read here are gone: toy/genes\[22\] \(file is gone"):
        require_there(behind)
    require_there([])


def test_tables_behind__of_a_stale_input_names_the_first_cause(folder):
    path = folder / "data/toy/contig/22.parquet"
    path.unlink()
    behind = {str(one.cell): one.cause for one in tables_behind(reopened(folder), ["model/splice_calls"])}
    assert behind["model/splice_calls[22]"] == f"an input is stale: toy/contig[22]: file is gone: {path}"


def test_tables_behind__files_without_a_record_are_there(folder):
    (folder / ".dagster").rename(folder / "lost")
    behind = tables_behind(reopened(folder), ["toy/genes"])
    assert [(one.cause, one.is_there, one.was_built) for one in behind] == [
        ("the history does not know it", True, False)
    ] * 2


def test_stored__every_chromosome_or_an_error(folder):
    settings = load_settings(folder / "builder.yaml")
    assert list(files_of(settings, "examples", EXAMPLE_POOLS)) == list(files_of(settings, "toy", GENES)) == ["22", "Y"]
    (folder / "data/toy/genes/Y.parquet").unlink()
    assert set(whole(settings, "toy", GENES, ["22"])["chrom"]) == {"22"}
    with pytest.raises(
        NotBuiltError, match=r"toy/genes: 1 of 2 chromosomes have no table \(Y\)\. `builder build --gen"
    ):
        whole(settings, "toy", GENES)
    with pytest.raises(NotBuiltError, match="toy/genes: 1 of 1 chromosomes have no table"):
        gene_rows(settings, "toy", GENES, "Y", "A")


@pytest.mark.faults
def test_verify__a_deleted_file_is_gone_not_truncated(folder):
    path = folder / "data/examples/gene_manifest.parquet"
    path.unlink()
    said = run("verify", "--config", config(folder), code=1)
    assert f"{path} is gone, or was never built. `builder build` makes it." in said
    assert "truncated" not in said
