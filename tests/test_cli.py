"""The command line: what it says, and its exit codes."""

import gzip
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from builder_assets import demo
from builder_assets.cli import app, build_commands
from builder_assets.manifest import Layer
from builder_assets.project.building import LayerResult
from builder_assets.settings import load_settings
from builder_assets.template import EXAMPLES
from tests.processes import COMMAND
from tests.projects import files_of, needs_weights, small_settings, write_settings

runner = CliRunner()


def run(*arguments: str, code: int = 0) -> str:
    """Run `builder` in this process; the text of both streams, lines joined."""
    result = runner.invoke(app, list(arguments), env={"COLUMNS": "300"})
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result.output


def config(folder: Path) -> str:
    return str(folder / "builder.yaml")


def test_help__teaches():
    text = run("--help")
    for word in ("init", "build", "plan", "status", "verify", "ui", "doctor", "Exit codes"):
        assert word in text


def test_usage__wrong_option_exits_with_2():
    assert "No such option" in run("build", "--chromosom", "22", code=2)


def test_build__without_settings_names_init(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BUILDER_CONFIG", raising=False)
    assert "`builder init DIR` writes one" in run("build", code=2)


def test_init__writes_a_project_that_plans(tmp_path):
    text = run("init", str(tmp_path / "new"))
    assert text.count("wrote ") == 3
    assert "Next: `builder build` builds the demo as it is; edit builder.yaml for a genome of your own." in text
    again = run("init", str(tmp_path / "new"))
    assert "nothing written" in again
    assert "Next: `builder build` builds what its builder.yaml says" in again
    plan = json.loads(run("plan", "--json", "--config", config(tmp_path / "new")))
    assert {row["state"] for row in plan["build"]} == {"missing"}
    assert yaml.safe_load((tmp_path / "new/builder.yaml").read_text())["genomes"]["demo"]["fasta"] == str(demo.FASTA)


@pytest.mark.parametrize("example", [name for name, path in EXAMPLES.items() if path.suffix == ".yaml"])
def test_init__starts_from_an_example_with_all_that_it_names(example, tmp_path):
    text = run("init", str(tmp_path / "new"), "--example", example)
    assert "Next: write the paths of your own files into builder.yaml; `builder doctor` looks at them." in text
    assert (tmp_path / "new/builder.yaml").read_bytes() == EXAMPLES[example].read_bytes()
    assert ("wrote " + str(tmp_path / "new/als_genes.tsv") in "".join(text.splitlines())) == (example == "als_panel")
    settings = load_settings(tmp_path / "new/builder.yaml")
    lists = [dataset.genes.include_file for dataset in settings.datasets.values() if dataset.genes.include_file]
    assert all(settings.path(file).is_file() for file in lists)


def test_init__adds_a_file_of_the_examples(folder):
    before = (folder / "builder.yaml").read_bytes()
    assert run("init", str(folder), "--example", "explore_dataset").count("wrote ") == 1
    assert (folder / "explore_dataset.ipynb").read_bytes() == EXAMPLES["explore_dataset"].read_bytes()
    assert (folder / "builder.yaml").read_bytes() == before


def test_init__no_such_example_names_all_and_writes_nothing(tmp_path):
    said = run("init", str(tmp_path / "new"), "--example", "yeast", code=2)
    assert "'yeast' is no example; known: als_panel, explore_dataset, github_actions, grch37_spliceai" in said
    assert not (tmp_path / "new").exists()


def test_init__an_example_overwrites_no_settings(folder):
    before = (folder / "builder.yaml").read_bytes()
    said = run("init", str(folder), "--example", "mouse", code=2)
    assert "builder.yaml is there already and is not overwritten" in said
    assert (folder / "builder.yaml").read_bytes() == before


def test_init__help_names_the_examples():
    words = set(run("init", "--help").replace("│", " ").replace(",", " ").replace(".", " ").split())
    assert EXAMPLES.keys() <= words
    root = Path(__file__).parents[1] / "examples"
    assert {path.name for path in EXAMPLES.values()} | {"README.md", "als_genes.tsv"} == {
        path.name for path in root.iterdir()
    }


def test_init__makes_the_history_in_the_new_folder_only(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run("init", "new")
    assert [path.name for path in tmp_path.iterdir()] == ["new"]
    assert (tmp_path / "new/.dagster/history/runs.db").is_file()


def test_init__beside_settings_of_ones_own_says_that_they_are_built(tmp_path):
    (tmp_path / "builder.yaml").write_text(yaml.safe_dump(small_settings()))
    text = run("init", str(tmp_path))
    assert text.count("wrote ") == 2
    assert "Next: `builder build` builds what its builder.yaml says" in text
    assert "edit builder.yaml" not in text


@pytest.mark.parametrize("below", ["", "/folder"])
def test_init__a_file_is_no_folder(tmp_path, below):
    (tmp_path / "file").touch()
    text = run("init", f"{tmp_path}/file{below}", code=2)
    assert f"file{below} cannot be a project folder: {tmp_path / 'file'}" in text
    assert "is a file. Give another folder to `builder init`." in text
    assert "Errno" not in text


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a place where not even root may write: /proc")
def test_init__says_where_it_cannot_write():
    text = run("init", "/proc/folder", code=2)
    assert "the project folder /proc/folder cannot be written (No such file or directory)." in text
    assert "Make it writable, or give another folder to `builder init`." in text
    assert "Errno" not in text


def test_init__template_is_the_one_at_the_root():
    root = Path(__file__).parents[1]
    for name in ("builder.yaml", "dagster.yaml", "workspace.yaml"):
        assert (root / "builder_assets/template" / name).read_text() == (root / name).read_text()


def test_open_project__needs_dagster_yaml(tmp_path):
    path = tmp_path / "builder.yaml"
    path.write_text(yaml.safe_dump(small_settings()))
    assert "has no dagster.yaml, so its history would be lost" in run("status", "--config", str(path), code=2)


@needs_weights
def test_status__and_plan_of_a_built_project(folder):
    table = run("status", "--config", config(folder))
    assert "toy/splice_sites" in table
    assert "2/2" in table
    states = json.loads(run("status", "--json", "--config", config(folder)))
    assert {row["state"] for row in states} == {"built"}
    assert "Nothing to do" in run("plan", "--config", config(folder))
    assert "Nothing to do" in run("build", "--config", config(folder))


@needs_weights
def test_plan__says_what_and_why(folder):
    (folder / "data/model/model_report.parquet").unlink()
    text = run("plan", "--config", config(folder))
    assert "model/model_report" in text
    assert "missing: file is gone" in text
    assert "1 more depend on these" in text
    assert run("build", "--dry-run", "--config", config(folder)) == text
    assert not (folder / "data/model/model_report.parquet").exists()


@needs_weights
def test_build__ends_with_a_table(folder):
    (folder / "data/model/model_report.parquet").unlink()
    text = run("build", "--config", config(folder))
    assert "model/model_report" in text
    assert f"dataset examples: {folder / 'data/examples'}" in text
    assert "`builder ui` opens the UI" in text
    assert "a line per scored gene" not in text  # none was scored


@needs_weights
def test_build__says_where_a_line_per_gene_stands(folder):
    shutil.rmtree(folder / "data/model/splice_scores")
    (log,) = [line for line in run("build", "--config", config(folder)).splitlines() if "line per scored gene" in line]
    path, _, more = log.removeprefix("a line per scored gene: ").partition(" (")
    assert Path(path).parent == folder / ".dagster/storage/logs"
    assert " DEBUG " in Path(path).read_text()
    assert more == "and 1 of other chromosomes beside it)"


def test_print_log__names_that_of_the_run_that_failed(capsys):
    layer = Layer("22", ())
    results = [LayerResult(layer, failures=["x"], log=Path("failed.log")), LayerResult(layer, log=Path("last.log"))]
    build_commands._print_log([*results, LayerResult(layer, failures=["x"])])
    assert capsys.readouterr().out.startswith("a line per scored gene: failed.log (and 1 of other")


@needs_weights
def test_build__one_dataset_leaves_the_others(folder):
    settings = small_settings()
    settings["datasets"]["more"] = settings["datasets"]["examples"] | {"kmers": []}
    write_settings(folder, settings)
    run("build", "--dataset", "examples", "--config", config(folder))
    assert not (folder / "data/more").exists()


@needs_weights
def test_build__says_how_much_a_failure_leaves_unbuilt(folder):
    settings = small_settings()
    settings["datasets"]["examples"]["conservation"] = "nothere.bw"
    write_settings(folder, settings)
    text = run("build", "--config", config(folder), code=1)
    assert "nothere.bw is not there. Put it there, or correct its path in builder.yaml." in text
    # Of two chromosomes the track, the examples and their pools; the card.
    assert "2 failed, so 7 tables are not built; all others are." in text
    assert "dataset examples" not in text  # what lies there is not what the settings say


def test_build__a_genome_alone_is_enough_for_a_preview(empty_folder):
    at = config(empty_folder)
    text = run("select", "--dataset", "examples", "--config", at, code=2)
    assert "`builder build --genome toy` builds them; nothing is scored." in text
    run("build", "--genome", "toy", "--config", at)
    assert {path.name for path in (empty_folder / "data").iterdir()} == {".locks", "toy"}
    assert "Nothing to do" in run("plan", "--genome", "toy", "--config", at)
    assert "examples: policy custom takes" in run("select", "--dataset", "examples", "--config", at)
    assert "genome mouse is not in the settings; known: toy" in run(
        "build", "--genome", "mouse", "--config", at, code=2
    )


@needs_weights
def test_build__force_builds_one_chromosome_again(folder):
    text = run("build", "--force", "--dry-run", "--chromosome", "22", "--config", config(folder))
    assert "model/splice_scores" in text
    assert "asked for with --force" in text


@needs_weights
def test_verify__finds_a_changed_value(folder):
    assert "0 problems" in run("verify", "--config", config(folder))
    path = folder / "data/toy/genes/22.parquet"
    content = path.read_bytes()
    path.write_bytes(content[:300] + bytes([content[300] ^ 1]) + content[301:])
    assert "22.parquet" in run("verify", "--config", config(folder), code=1)


@needs_weights
def test_open_project__refuses_another_data_dir(folder):
    run("status", "--config", config(folder))
    write_settings(folder, small_settings() | {"data_dir": "elsewhere"})
    text = run("status", "--config", config(folder), code=2)
    assert f"belongs to data_dir {folder / 'data'}, but the settings say {folder / 'elsewhere'}" in text


def test_open_project__data_dir_may_change_until_something_is_built(tmp_path):
    """Whatever was looked at, or tried in vain."""
    write_settings(tmp_path, genome_only() | {"data_dir": "typo"})
    run("doctor", "--config", config(tmp_path), code=0)
    write_settings(tmp_path, genome_only() | {"data_dir": "file"})
    (tmp_path / "file").touch()
    assert "could not be written" in run("build", "--config", config(tmp_path), code=1)
    for data_dir in ("other", "data"):
        write_settings(tmp_path, genome_only() | {"data_dir": data_dir})
        assert "toy/genes" in run("plan", "--config", config(tmp_path))
    run("build", "--config", config(tmp_path))
    write_settings(tmp_path, genome_only() | {"data_dir": "other"})
    assert "belongs to data_dir" in run("plan", "--config", config(tmp_path), code=2)


@needs_weights
def test_open_project__follows_a_moved_folder(folder, tmp_path):
    run("status", "--config", config(folder))
    folder.rename(tmp_path / "moved")
    assert "Nothing to do" in run("build", "--config", config(tmp_path / "moved"))


def test_doctor__says_what_is_wrong(tmp_path):
    settings = small_settings()
    settings["genomes"]["toy"]["fasta"] = "nowhere.fa"
    write_settings(tmp_path, settings)
    assert "nowhere.fa is not there" in run("doctor", "--config", config(tmp_path), code=1)


@needs_weights
def test_error__shows_brackets_as_they_are(tmp_path):
    """Extras of pip and names of partitions have brackets; they are no markup."""
    write_settings(tmp_path, small_settings())
    text = run("build", "--config", config(tmp_path), "--dataset", "[s3] [/red] [bold]x", code=2)
    assert "dataset [s3] [/red] [bold]x is not in the settings" in " ".join(text.split())


def test_doctor__is_content_with_a_good_project(folder):
    text = run("doctor", "--config", config(folder))
    assert "problem" not in text
    assert "device: cpu" in text


@needs_weights
@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("export", "--dataset", "examples", "--output", "all.csv"), "all.csv would hold parquet: call it all.parquet"),
        (
            ("export", "--dataset", "examples", "--output", "a.parquet", "--layout", "csv"),
            "call it a.csv, or give --lay",
        ),
        (("select", "--dataset", "examples", "--genes", "-3"), "'--genes': Input should be greater than or equal to 0"),
        (("tracks", "out", "--minimum", "2"), "'--minimum': Input should be less than or equal to 1"),
    ],
)
def test_wrong_options__are_refused_before_anything_is_written(words, text, folder, monkeypatch):
    monkeypatch.chdir(folder)
    before = sorted(folder.iterdir())
    assert text in " ".join(run(*words, "--config", config(folder), code=2).split())
    assert sorted(folder.iterdir()) == before


# Wrong input: one clear error, exit code 1 or 2, nothing half-written.


def genome_only(**values) -> dict:
    """Settings of the small project's genome, with other values: no weights are read before the error."""
    settings = small_settings()
    return settings | {"genomes": {"toy": settings["genomes"]["toy"] | values}, "base_models": {}, "datasets": {}}


def fails(folder: Path, settings: dict, code: int = 1) -> str:
    write_settings(folder, settings)
    text = run("build", "--config", config(folder), code=code)
    left = [path for path in folder.rglob("*") if path.name.endswith(".partial")]
    assert left == []
    return text


@needs_weights
def test_wrong_input__no_weights(folder):
    settings = small_settings()
    settings["base_models"]["weightless"] = settings["base_models"]["model"] | {"weights": "no_such_folder"}
    assert "lacks 5 of SpliceAI's 5 weight files" in fails(folder, settings)
    assert not (folder / "data/weightless/splice_scores").exists()


def test_build__and_status_tell_what_checks_warn_of(tmp_path, monkeypatch):
    text = gzip.decompress(demo.ANNOTATION.read_bytes()).decode()
    (tmp_path / "untyped.gtf").write_text(text.replace("gene_type", "a").replace("gene_biotype", "b"))
    write_settings(tmp_path, genome_only(annotation="untyped.gtf"))
    warnings = [
        "warned toy/genes[22], gene_types: 59 of 59 genes (100.0%) have no type; 0 types are known.",
        "warned toy/genes[Y], gene_types: 13 of 13 genes (100.0%) have no type; 0 types are known.",
    ]
    for command, also in (("build", "toy/genes"), ("build", "Nothing to do"), ("status", "toy/genes")):
        lines = run(command, "--config", config(tmp_path)).splitlines()
        assert [line for line in lines if "gene_types" in line] == warnings
        assert any(also in line for line in lines)
    rows = json.loads(run("status", "--json", "--config", config(tmp_path)))
    told = {(row["asset"], row["partition"]): row["warnings"] for row in rows if row["warnings"]}
    assert [warned["check"] for warned in told["toy/genes", "Y"]] == ["gene_types"]
    assert "13 of 13 genes" in told["toy/genes", "Y"][0]["text"]
    monkeypatch.setattr(build_commands, "MOST_TOLD", 1)
    short = run("status", "--config", config(tmp_path))
    assert "warned toy/genes, gene_types: 1 more chromosomes (Y); `builder status --json` has" in short
    assert warnings[1] not in short


def test_wrong_input__unknown_chromosome(tmp_path):
    assert "21" in fails(tmp_path, genome_only(chromosomes=[21]))
    assert not (tmp_path / "data/toy/genes").exists()


def test_wrong_input__chromosome_that_is_not_in_the_settings(tmp_path):
    write_settings(tmp_path, small_settings())
    assert "chromosome 21 is not in the settings; known: 22, Y" in run(
        "build", "--chromosome", "21", "--config", config(tmp_path), code=2
    )


def test_wrong_input__unknown_dataset(tmp_path):
    write_settings(tmp_path, small_settings())
    assert "dataset nope is not in the settings; known: examples" in run(
        "build", "--dataset", "nope", "--config", config(tmp_path), code=2
    )


def test_wrong_input__missing_fasta(tmp_path):
    assert "nowhere.fa" in fails(tmp_path, genome_only(fasta="nowhere.fa"))


def test_wrong_input__truncated_gzip(tmp_path):
    whole = demo.ANNOTATION.read_bytes()
    (tmp_path / "cut.gtf.gz").write_bytes(whole[: len(whole) // 2])
    assert "truncated" in fails(tmp_path, genome_only(annotation="cut.gtf.gz"))
    assert not (tmp_path / "data/toy/gene_annotation.parquet").exists()


def test_wrong_input__annotation_of_other_contigs(tmp_path):
    text = (
        gzip.decompress(demo.ANNOTATION.read_bytes()).decode().replace("chr22\t", "chr7\t").replace("chrY\t", "chr8\t")
    )
    (tmp_path / "other.gtf").write_text(text)
    message = fails(tmp_path, genome_only(annotation="other.gtf"))
    assert "No gene at all on 2 chromosomes of the settings (22, Y)" in message
    assert not (tmp_path / "data/toy/genes").exists()


@needs_weights
def test_wrong_input__annotation_of_another_build(folder):
    """Exons moved by 1,000 bases, as between assemblies: the motif check stops everything downstream."""
    moved = []
    for line in gzip.decompress(demo.ANNOTATION.read_bytes()).decode().splitlines(keepends=True):
        fields = line.split("\t")
        if len(fields) == 9:
            fields[3], fields[4] = str(int(fields[3]) + 1000), str(int(fields[4]) + 1000)
        moved.append("\t".join(fields))
    (folder / "moved.gtf").write_text("".join(moved))
    settings = small_settings()
    settings["genomes"]["toy"]["annotation"] = "moved.gtf"
    settings["genomes"]["toy"]["partial_sequence"] = True
    before = files_of(folder / "data/model"), files_of(folder / "data/examples")
    message = fails(folder, settings)
    assert "splice_motifs" in message
    assert (files_of(folder / "data/model"), files_of(folder / "data/examples")) == before


@needs_weights
@pytest.mark.parametrize(
    ("genes", "text"),
    [
        ({"policy": "custom", "include": ["DDX3Y", "NOPE1", "NOPE2"]}, "NOPE1"),
        ({"policy": "all", "types": ["protein_codin"]}, "protein_codin"),
        ({"policy": "all", "types": ["protein_coding,lncRNA"]}, "protein_coding,lncRNA"),
        ({"policy": "all", "types": ["snoRNA"], "exclude": []}, "no splice site"),
    ],
)
def test_wrong_input__selection(folder, genes, text):
    settings = small_settings()
    settings["datasets"]["wrong"] = settings["datasets"]["examples"] | {"genes": genes}
    assert text in fails(folder, settings)
    assert not (folder / "data/wrong").exists()


@needs_weights
@pytest.mark.skipif(os.geteuid() == 0 and not shutil.which("setpriv"), reason="root may write anywhere")
def test_wrong_input__read_only_data_dir(folder):
    """In a process without root's right to write everywhere."""
    (folder / "data/model/model_report.parquet").unlink()
    (folder / "data/model").chmod(0o555)
    for path in [folder, *folder.rglob("*")]:
        path.chmod(path.stat().st_mode | 0o044 | (0o011 if path.is_dir() else 0))
    command = [*COMMAND, "build"]
    if os.geteuid() == 0:
        command = ["setpriv", "--bounding-set=-dac_override,-dac_read_search,-fowner", "--inh-caps=-all", *command]
    found = subprocess.run([*command, "--config", config(folder)], capture_output=True, text=True, check=False)
    (folder / "data/model").chmod(0o755)
    assert found.returncode == 1, found.stdout + found.stderr
    assert "no permission" in found.stderr
    assert not list((folder / "data").rglob("*.partial"))
