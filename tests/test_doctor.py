"""`builder doctor` finds what a build would stumble over, before it is built."""

import shutil

import pytest

from builder_assets.manifest.input_files import InputFileError, registered_files
from builder_assets.project.doctor import disk_finding, findings, version_finding
from tests.projects import needs_weights, reopened, small_settings, write_settings
from tests.test_cli import config, run

pytestmark = needs_weights


def problems(folder):
    return [found.text for found in findings(reopened(folder), "splice-dataset-builder") if not found.is_well]


def test_doctor__names_every_file_of_the_user_that_is_not_there(folder):
    settings = small_settings()
    settings["base_models"]["model"]["mask_sites"] = "nothere.bed"
    (dataset,) = settings["datasets"].values()
    dataset["genes"]["include_file"] = "nothere.tsv"
    dataset["conservation"] = "nothere.bw"
    write_settings(folder, settings)
    wrong = [line for line in run("doctor", "--config", config(folder), code=1).splitlines() if "problem" in line[:8]]
    for name in ("nothere.bed", "nothere.tsv", "nothere.bw"):
        assert [line for line in wrong if f"{name} is not there: correct builder.yaml" in line]


def test_doctor__a_gene_that_the_annotation_lacks(folder):
    settings = small_settings()
    (dataset,) = settings["datasets"].values()
    dataset["genes"]["include"] = ["NOSUCHGENE"]
    write_settings(folder, settings)
    (problem,) = problems(folder)
    assert "entries are unknown: NOSUCHGENE." in problem


def test_doctor__a_package_that_a_dataset_needs(folder, monkeypatch):
    settings = small_settings()
    (dataset,) = settings["datasets"].values()
    dataset |= {"baseline": True}
    write_settings(folder, settings)
    monkeypatch.setitem(__import__("sys").modules, "lightgbm", None)
    (problem,) = problems(folder)
    assert "Install the extra `baseline`" in problem


def test_doctor__says_that_genes_are_known_later(empty_folder):
    text = run("doctor", "--config", config(empty_folder))
    assert "its genes are not known yet" in text
    assert "`builder build --genome toy` builds them" in text


@pytest.mark.parametrize(
    ("builder_yaml", "text"),
    [
        (None, "problem settings: no settings file at"),
        (
            "genoms: {}\n",
            "builder.yaml: 2 problem(s); genomes: is required; genoms: unknown key; did you mean 'genomes'?",
        ),
    ],
)
def test_doctor__without_a_valid_project_looks_at_the_rest(tmp_path, builder_yaml, text):
    if builder_yaml:
        (tmp_path / "builder.yaml").write_text(builder_yaml)
    said = run("doctor", "--online", "--config", config(tmp_path), code=1)
    assert text in said
    assert [line for line in said.splitlines() if line.startswith("problem")] == said.splitlines()[:1]
    for what in ("spliceai weights: 5 files in", "device: cpu", "versions: all", "installed: dagster"):
        assert f"ok      {what}" in said


def test_doctor__with_a_damaged_history_looks_at_the_rest(empty_folder):
    (empty_folder / ".dagster/history/runs.db").write_bytes(b"no database" * 100)
    said = run("doctor", "--config", config(empty_folder), code=1)
    assert "problem history: the history in" in said
    assert "`builder adopt` puts it aside" in said
    assert "ok      versions: all" in said


def test_disk_finding__room_for_the_scores(tmp_path):
    folder = tmp_path / "not" / "there" / "yet"
    free = shutil.disk_usage(tmp_path).free
    assert not disk_finding(folder, free // 14).is_well
    assert "set `data_dir:` to another disk" in disk_finding(folder, free).text
    assert disk_finding(folder, 0).is_well == (free >= 1e9)


@pytest.mark.parametrize(
    ("required", "text"),
    [
        (["polars>=999"], "polars is 2.* needed is >=999"),
        (["no-such-package>=1"], "no-such-package is not installed, needed is >=1"),
    ],
)
def test_version_finding__says_what_does_not_fit(required, text):
    found = version_finding(["numpy>=1", *required])
    assert not found.is_well
    first, _, last = text.partition(" 2.* ")
    assert first in found.text
    assert last in found.text


def test_version_finding__extras_are_not_required():
    assert version_finding(["numpy>=1", 'no-such-package>=1; extra == "ray"']).is_well


def test_registered_files__a_file_that_is_not_there(tmp_path):
    with pytest.raises(InputFileError, match=r"gone.bed is not there\. Put it there, or correct its path in builder"):
        registered_files([tmp_path / "gone.bed"])
