"""Which of the files that FASTA indexing leaves behind `builder clean` takes away; more is in test_adoption.py."""

import gzip

import pytest
import yaml

from builder_assets.project.folder import create_project, open_project
from builder_assets.project.leftovers import leftovers, remove
from tests.test_cli import run


@pytest.fixture
def project_with(tmp_path, monkeypatch):
    """Makes an open project of one genome with the given FASTA."""
    monkeypatch.chdir(tmp_path)

    def make(fasta):
        create_project(tmp_path)
        genome = {"assembly": "fish", "fasta": fasta, "annotation": "a.gtf", "chromosomes": ["1"]}
        (tmp_path / "builder.yaml").write_text(yaml.safe_dump({"genomes": {"g": genome}}), encoding="utf-8")
        return open_project(tmp_path / "builder.yaml")

    return make


def indexed(project, content):
    """Names of the files in the index folder once the FASTA has this content and was read."""
    fasta, folder = project.settings.root / "a.fa.gz", project.settings.data_path / "g" / "fasta_index"
    fasta.write_bytes(gzip.compress(content, mtime=0))
    with project.defs.resources["g_files"].reference() as reference:
        assert reference.records() == [("1", len(content) - 4)]
    return {path.name for path in folder.iterdir()}


def test_clean__copies_of_a_fasta_that_changed(project_with, tmp_path):
    project = project_with("a.fa.gz")
    first = indexed(project, b">1\nACGT\n")
    assert len(first) == 3  # the copy and its two indices
    assert leftovers(project) == []
    both = indexed(project, b">1\nACGTACGT\n")
    folder = tmp_path / "data" / "g" / "fasta_index"
    (folder / "own.fa").touch()  # of the user, whose files are no leftovers here
    (folder / f".{max(both)}.999999999.partial").touch()
    found = leftovers(project)
    assert {leftover.path.name for leftover in found} == first | {f".{max(both)}.999999999.partial"}
    assert {leftover.why for leftover in found if leftover.path.name in first} == {
        "of a FASTA that changed since, or is no longer in the settings"
    }
    assert "4 files would be removed" in run("clean", "--dry-run", "--config", str(tmp_path / "builder.yaml"))
    remove(project, found)
    assert {path.name for path in folder.iterdir()} == both - first | {"own.fa"}


@pytest.mark.parametrize("content", [None, b""])
def test_clean__copies_of_a_fasta_that_is_gone_or_no_longer_in_the_settings(project_with, tmp_path, content):
    names = indexed(project_with("a.fa.gz"), b">1\nACGT\n")
    (tmp_path / "b.fa").write_bytes(b">1\nACGT\n")
    assert {leftover.path.name for leftover in leftovers(project_with("b.fa"))} == names
    (tmp_path / "a.fa.gz").unlink()
    if content is not None:
        (tmp_path / "a.fa.gz").write_bytes(content)
    assert {leftover.path.name for leftover in leftovers(project_with("a.fa.gz"))} == names
