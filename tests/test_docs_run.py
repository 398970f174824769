"""The pages run as they are written: every block of shell, every snippet of settings, on a piece of the demo genome.

What differs from a reader's run stands in `on_the_piece`, `INSTEAD` and `as_the_demo`. Python is run by
`test_loading.py`; for what `make` would do see `test_docs.py`.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from builder_assets.manifest import pending_cells
from tests.dagster_ui import answering, ask, wait_for
from tests.projects import built, files_of, forget_data_dir, needs_weights, reopened, small_settings, write_settings
from tests.servers import free_port
from tests.test_cli import run
from tests.test_docs import ROOT, blocks, installing, workflow_steps

pytestmark = needs_weights

REGIONS = ["22:20060000-20400000", "Y:14773000-14776000", "Y:15418000-15430000"]
PRESENT = ["DGCR8", "TMEM191B", "GGTLC3", "CCDC188", "RANBP1", "DGCR6L", "AC244213.1", "AC010877.1"]
BUILT = "errors_1000"  # the dataset that most pages name
INSTEAD = {
    "--chromosome 21": "--chromosome 22",
    "--dataset demo_3mers": f"--dataset {BUILT}",
    "--dataset production_1000": f"--dataset {BUILT}",  # the same policy; built by `test_settings__are_built`
}


def on_the_piece(settings: dict[str, Any]) -> dict[str, Any]:
    """Settings of a page, but with the genes and the chromosomes that the piece has; counts and policies stay."""
    genome = small_settings()["genomes"]["toy"] | {"regions": REGIONS, "partial_sequence": True}
    datasets = settings.get("datasets", {})
    for dataset in datasets.values():
        genes = dataset["genes"]
        if "types" in genes:
            genes["types"] = ["lncRNA" if word == "lincRNA" else word for word in genes["types"]]
        if "include" in genes:
            genes["include"] = PRESENT[:3]
        if dataset.get("splits", {}).get("by") == "chromosome":
            dataset["splits"] = {"by": "chromosome", "chromosomes": {"train": [22], "test": ["Y"], "validation": []}}
    model = settings.get("base_models", {}).get("spliceai", {"family": "spliceai"})
    return {
        "data_dir": "data",
        "genomes": {"grch37": genome},
        "base_models": {"spliceai": model | {"genome": "grch37"}},
        "datasets": datasets,
    }


SNIPPETS: dict[str, dict[str, Any]] = {
    name: dataset
    for _, text in blocks("yaml")
    for name, dataset in on_the_piece(yaml.safe_load(text))["datasets"].items()
}


# The list that a page shows; of the others, whose genes the piece lacks, genes that it has.
LISTS = {"my_genes.tsv": next(text for _, text in blocks("text") if text.startswith("gene\t"))}


def write_lists(folder: Path) -> None:
    """The lists of genes that the snippets name."""
    for dataset in SNIPPETS.values():
        if file := dataset["genes"].get("include_file"):
            (folder / file).write_text(LISTS.get(file, "\n".join(PRESENT)), encoding="utf-8")


def settings_of(*names: str) -> dict[str, Any]:
    """A project with these datasets of the pages."""
    return on_the_piece({"datasets": {name: SNIPPETS[name] for name in names}})


def built_whole(folder: Path, untouched_folder: Path) -> Path:
    """The project in `folder` once it is built, with compiled programs at hand."""
    shutil.copytree(untouched_folder / ".cache", folder / ".cache")
    before = Path.cwd()
    results = built(reopened(folder))
    os.chdir(before)
    assert [failure for result in results for failure in result.failures] == []
    return folder


@pytest.fixture(scope="module")
def documented(untouched_folder, tmp_path_factory) -> Path:
    """The project of the pages, built; its tests work on copies."""
    folder = tmp_path_factory.mktemp("documented")
    write_settings(folder, settings_of(BUILT))
    write_lists(folder)
    return built_whole(folder, untouched_folder)


@pytest.fixture
def project(documented, tmp_path, monkeypatch) -> Path:
    """A copy of that project, beside the same of another machine; the reader sits in it."""
    folder = tmp_path / "my_project"
    for copy in (folder, tmp_path / "first_machine"):
        shutil.copytree(documented, copy)
    forget_data_dir(folder)
    monkeypatch.chdir(folder)
    monkeypatch.delenv("BUILDER_CONFIG", raising=False)
    return folder


def set_datasets(project: Path, *names: str) -> None:
    project.joinpath("builder.yaml").write_text(yaml.safe_dump(settings_of(*names)), encoding="utf-8")


def on_this_piece(text: str) -> str:
    """Commands with the names that the project of the tests has."""
    for there, here in INSTEAD.items():
        text = text.replace(there, here)
    return text


def run_shell(text: str) -> list[str]:
    """What each line says; a line that is no `builder`, `cd`, `cp` or `mkdir` fails."""
    said = []
    for line in on_this_piece(text).splitlines():
        match shlex.split(line, comments=True):
            case []:
                continue
            case ["builder", "init", folder, "--example", example]:
                config = Path(folder) / "builder.yaml"
                config.unlink(missing_ok=True)  # `init` would not overwrite it
                said.append(run("init", folder, "--example", example))
                config.write_text(yaml.safe_dump(on_the_piece(yaml.safe_load(config.read_text("utf-8")))))
                write_lists(config.parent)
            case ["builder", *arguments]:
                said.append(run(*arguments))
            case ["cd", folder]:
                os.chdir(folder)
            case ["mkdir", "-p", folder]:
                Path(folder).mkdir(parents=True, exist_ok=True)
            case ["cp", "-r", *sources, target]:
                for source in sources:
                    shutil.copytree(source, Path(target) / Path(source).name, dirs_exist_ok=True)
            case ["cp", source, target]:
                settings = on_the_piece(yaml.safe_load(Path(source).read_text("utf-8")))
                Path(target).write_text(yaml.safe_dump(settings), encoding="utf-8")
            case words:
                pytest.fail(f"{words[0]}: no test runs that")
    return said


SHELL = [
    pytest.param(
        text, id=f"{page.relative_to(ROOT)}: {text.splitlines()[-1].split(' #')[0].strip()}",
        marks=[pytest.mark.scale] if "builder report" in text or "--example quick_100" in text else [],
    )
    for page, text in blocks("", "bash", "sh")
    if re.search(r"^builder ", text, re.MULTILINE)
]  # fmt: skip


@pytest.mark.parametrize("text", SHELL)
def test_shell__runs_as_it_is_written(text, project):
    """Where a block begins with `builder init`, the project is there already, and `init` leaves it alone."""
    text = on_this_piece(text)
    if others := {*re.findall(r"--dataset (\S+)", text)} & {*SNIPPETS} - {BUILT}:
        set_datasets(project, *others)
    if "cd my_project" in text:
        os.chdir(project.parent)
    assert run_shell(text)


def lines_of(*commands: str) -> list[str]:
    """Every line of shell in the pages that begins with one of these words."""
    lines = {line for _, text in blocks("", "bash", "sh") for line in text.splitlines() if line.strip()}
    return sorted(line for line in lines if shlex.split(line, comments=True)[:1] in [[word] for word in commands])


def test_shell__has_no_line_that_no_test_knows():
    lines = {line for _, text in blocks("", "bash", "sh") for line in text.splitlines() if line.strip()}
    installed = {line for text in installing() for line in text.splitlines()}  # by `test_wheel.py`
    assert lines - installed - {*lines_of("builder", "cd", "cp", "mkdir", "make", "dagster", "dg")} == set()


def as_the_demo() -> dict[str, Any]:
    """The small project under the demo's names, which the README's commands of Dagster select."""
    small, demo = small_settings(), yaml.safe_load((ROOT / "builder.yaml").read_text("utf-8"))
    (genome,), (model,), (dataset,) = (demo[key] for key in ("genomes", "base_models", "datasets"))
    return {
        "data_dir": "data",
        "genomes": {genome: small["genomes"]["toy"]},
        "base_models": {model: small["base_models"]["model"] | {"genome": genome}},
        "datasets": {dataset: small["datasets"]["examples"] | {"base_model": model}},
    }


@pytest.fixture(scope="module")
def demo(untouched_folder, tmp_path_factory) -> Path:
    """That project, built, as a checkout: with the pyproject.toml by which `dg` knows it. Tests leave it as it was."""
    folder = tmp_path_factory.mktemp("checkout")
    write_settings(folder, as_the_demo())
    shutil.copy(ROOT / "pyproject.toml", folder)
    return built_whole(folder, untouched_folder)


SERVING = [line for line in lines_of("dagster") if line.startswith("dagster dev")]


def first_words(line: str) -> str:
    """What a test of a line is called."""
    return line.partition(" -")[0]


def of_a_reader() -> dict[str, str]:
    """The environment of someone who has just activated the virtual environment."""
    kept = {name: value for name, value in os.environ.items() if name not in ("DAGSTER_HOME", "BUILDER_CONFIG")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return kept | {"PATH": path, "PYTHONWARNINGS": "ignore"}


@pytest.mark.ui
@pytest.mark.parametrize("line", [line for line in lines_of("dagster", "dg") if line not in SERVING], ids=first_words)
def test_dagster__runs_as_it_is_written(line, demo):
    """In the shell; the table that is gone comes back with the same bytes, and `builder` has nothing left to do."""
    before = files_of(demo / "data")
    (asset,), (partition,) = re.findall(r'key:"(.+?)"', line), re.findall(r"--partition (\S+)", line)
    (demo / f"data/{asset}/{partition}.parquet").unlink()
    told = subprocess.run(line, shell=True, cwd=demo, env=of_a_reader(), capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout + told.stderr
    assert files_of(demo / "data") == before
    project = reopened(demo)
    assert pending_cells(project.manifest.nodes, project.manifest.statuses(project.instance)) == set()


MATERIALISED = '{assetOrError(assetKey: {path: ["%s", "contig"]}) {... on Asset {assetMaterializations {partition}}}}'


@pytest.mark.ui
@pytest.mark.parametrize("line", SERVING, ids=first_words)
def test_dagster_dev__shows_the_same_history(line, demo):
    """As it is written, but on a port of its own."""
    port = free_port()
    words = [*shlex.split(line, comments=True), "--port", str(port)]
    process = subprocess.Popen(
        words, cwd=demo, env=of_a_reader(), stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT, start_new_session=True
    )
    (genome,) = as_the_demo()["genomes"]
    with answering(process, port) as address:
        shown = wait_for(lambda: ask(address, MATERIALISED % genome)["assetOrError"].get("assetMaterializations"))
    assert {record["partition"] for record in shown} == {"22", "Y"}


@pytest.mark.scale
@pytest.mark.usefixtures("project")
def test_shell__of_the_workflow_to_copy():
    said = run_shell("\n".join(step for step in workflow_steps() if step.startswith("builder ")))
    assert len(said) == 5
    assert {path.name for path in Path("reports").iterdir()} == {"spliceai.html", f"{BUILT}.html"}


@pytest.mark.usefixtures("project")
def test_testing_page__success_looks_like_that():
    (text, *_) = [text for page, text in blocks("bash") if page.name == "testing.md"]
    Path("data/grch37/genes/22.parquet").unlink()
    assert "grch37/genes" in run_shell(text)[-1]
    assert "Nothing to do" in run_shell("builder build")[0]
    assert "0 problems" in run_shell("builder verify")[0]


@pytest.mark.scale
@pytest.mark.parametrize("others", [False, True], ids=["the_same_dataset", "other_genes"])
def test_usage_page__scores_of_another_machine_are_not_made_again(others, project, tmp_path):
    """The two folders that the page says, under the settings of the first machine, or with a dataset of fewer genes."""
    if others:
        second = tmp_path / "second_machine"
        write_settings(second, settings_of("my_genes"))
        write_lists(second)
        for name in ("grch37", "spliceai"):
            shutil.copytree(project / "data" / name, second / "data" / name)
        os.chdir(second)
        said = run("adopt", code=1)
    else:
        (tmp_path / "elsewhere").mkdir()
        shutil.copytree(project, tmp_path / "elsewhere/first_machine")
        os.chdir(tmp_path / "elsewhere")
        (block,) = [text for _, text in blocks("bash") if "first_machine" in text]
        *_, said, _ = run_shell(block)
        second = tmp_path / "elsewhere/my_project"
    assert "tables are not there" in said
    assert ("not adopted: spliceai/splice_scores" in said) == others
    run("build")
    there = pl.concat(pl.read_parquet(path) for path in sorted(project.glob("data/spliceai/splice_scores/*.parquet")))
    taken = set(pl.read_csv(f"data/{'my_genes' if others else BUILT}/gene_manifest.csv")["gene_id"])
    log = "\n".join(path.read_text("utf-8") for path in second.glob(".dagster/storage/logs/*.log"))
    assert set(re.findall(r"(\w+) scored:", log)) == taken - set(there["gene_id"])
    assert set(re.findall(r"(\w+) reused$", log, re.MULTILINE)) == (taken & set(there["gene_id"]) if others else set())


@pytest.mark.parametrize("name", SNIPPETS)
def test_settings__take_genes(name, project):
    """With genes as the snippet asks for them: the policy, the count, the types, the list.

    A policy that goes by errors which are not known names its candidates: all protein-coding genes of the piece.
    """
    set_datasets(project, name)
    said = run("select", "--dataset", name)
    policy = SNIPPETS[name]["genes"]["policy"]
    if name != BUILT and policy.startswith("error"):
        assert f"{name}: policy {policy} ranks by the base model's errors" in said
        genes = pl.concat(pl.read_parquet(path) for path in sorted(project.glob("data/grch37/genes/*.parquet")))
        coding = genes.filter(pl.col("gene_type") == "protein_coding", pl.col("n_splice_sites") > 0)
        assert f"{coding.height} candidates have to be scored" in said
    else:
        assert f"{name}: policy {policy} takes" in said


@pytest.mark.scale
def test_settings__are_built(project):
    """All snippets in one project: rows for every dataset, and a k-mer column for every word of the lengths given."""
    set_datasets(project, *SNIPPETS)
    results = built(reopened(project))
    assert [failure for result in results for failure in result.failures] == []
    for name, dataset in SNIPPETS.items():
        rows = pl.read_parquet(project / "data" / name / "training_examples/*.parquet")
        assert {"train", "test"} <= set(rows["split"])
        kmers = [column for column in rows.columns if re.fullmatch(r"\dmer_[ACGT]+", column)]
        assert len(kmers) == sum(4**k for k in dataset.get("kmers", [3]))
