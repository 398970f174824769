"""What users meet on real machines: full disks, missing memory, files that change under a build, hostile names."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from builder_assets import demo
from resources.publishing import dead_partial_files
from tests.processes import COMMAND
from tests.projects import built, built_cells, files_of, needs_weights, reopened, small_settings, write_settings
from tests.test_cli import config, run
from tests.test_kills import check_whole, finish

pytestmark = [needs_weights, pytest.mark.faults]


def limited(folder: Path, *limits: str) -> subprocess.CompletedProcess:
    """A build in a process that the system limits."""
    if not shutil.which("prlimit"):
        pytest.skip("needs prlimit, of util-linux")
    return subprocess.run(
        ["prlimit", *limits, *COMMAND, "build", "--config", str(folder / "builder.yaml")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("mount"), reason="needs the right to mount a small disk")
def test_full_disk__fails_with_one_error_and_goes_on_when_there_is_room(folder, built_folder, tmp_path):
    """A disk of 400 kB for data_dir: what fits is whole, what does not is named, nothing half-written stays."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k", "none", str(disk)], check=False)
    if mounted.returncode:
        pytest.skip("this machine lets nobody mount a small disk")
    try:
        write_settings(folder, small_settings() | {"data_dir": str(disk)})
        shutil.rmtree(folder / ".dagster")
        text = run("build", "--config", config(folder), code=1)
        assert "no space left" in text.lower()
        assert dead_partial_files(disk) == []
        assert list(disk.rglob("*.partial")) == []
        subprocess.run(["mount", "-o", "remount,size=100m", str(disk)], check=True)
        assert [failure for result in built(reopened(folder)) for failure in result.failures] == []
        assert files_of(disk) == files_of(built_folder / "data")
    finally:
        os.chdir("/")
        subprocess.run(["umount", "-l", str(disk)], check=True)


def test_memory__a_limit_fails_the_step_and_not_the_project(empty_folder, built_folder):
    found = limited(empty_folder, "--data=700000000")
    assert found.returncode != 0, found.stdout
    check_whole(empty_folder)
    finish(empty_folder, built_folder)


def test_file_size_limit__is_told_like_a_full_disk(empty_folder, built_folder):
    """Files above 200 kB cannot be written, the history's databases among them: whatever the exit, nothing is lost."""
    found = limited(empty_folder, "--fsize=200000")
    assert found.returncode != 0, found.stdout
    check_whole(empty_folder)
    finish(empty_folder, built_folder)


def test_fasta__replaced_under_the_same_name_with_the_same_time(empty_folder):
    """Another base at the same place: size and time alone would not tell, the change of the inode's time does."""
    own = empty_folder / "own.fa"
    text = subprocess.run(
        [sys.executable, "-c", f"import gzip; print(gzip.open({str(demo.FASTA)!r}, 'rt').read(), end='')"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    own.write_text(text)
    settings = small_settings()
    settings["genomes"]["toy"]["fasta"] = str(own)
    write_settings(empty_folder, settings)
    built(reopened(empty_folder))
    lines = text.splitlines(keepends=True)
    place = next(number for number, line in enumerate(lines) if number > 5 and "ACGT" in line)
    lines[place] = lines[place].replace("ACGT", "ACGA", 1)
    own.write_text("".join(lines))
    rebuilt = built_cells(built(reopened(empty_folder)))
    assert {"toy/genome_fasta", "toy/contig[22]"} <= rebuilt
    assert "toy/contig[Y]" in rebuilt  # read again, equal
    assert "toy/genes[Y]" not in rebuilt


def test_annotation__that_vanishes_is_named_and_what_is_built_stays(folder):
    own = folder / "own.gtf.gz"
    shutil.copy(demo.ANNOTATION, own)
    settings = small_settings()
    settings["genomes"]["toy"]["annotation"] = str(own)
    write_settings(folder, settings)
    built(reopened(folder))
    before = files_of(folder / "data")
    own.unlink()
    text = run("build", "--config", config(folder), code=1)
    assert "own.gtf.gz" in text
    assert files_of(folder / "data") == before


@pytest.mark.skipif(shutil.which("faketime") is None, reason="needs faketime, e.g. Debian's package")
def test_clock__that_jumps_between_two_builds(empty_folder, built_folder):
    """Begun three days from now, continued two days ago, ended today."""
    for shift, chromosome in (("+3d", "22"), ("-2d", "Y")):
        command = ["faketime", "-f", shift, *COMMAND, "build", "--chromosome", chromosome]
        found = subprocess.run(
            [*command, "--config", config(empty_folder)], capture_output=True, text=True, check=False
        )  # fmt: skip
        assert found.returncode == 0, found.stdout + found.stderr
    finish(empty_folder, built_folder)


def test_clock__that_jumps_back_rebuilds_nothing(folder):
    """Times of files are compared for equality only; a file that was touched is read, found equal, and recorded."""
    for path in (folder / "data").rglob("*.parquet"):
        os.utime(path, ns=(10**18, 10**18))
    inputs = {"toy/genome_fasta", "toy/gene_annotation", "model/base_model_weights"}  # registered again, equal
    assert built_cells(built(reopened(folder))) <= inputs


@pytest.mark.parametrize("name", ["../outside", "a/b", "..", "", "x" * 300, "zwölf", "two words", "a\nb", "$(touch x)"])
@pytest.mark.parametrize("kind", ["genomes", "base_models", "datasets"])
def test_names__that_are_no_folder_names_are_refused(tmp_path, kind, name):
    settings = small_settings()
    (value,) = settings[kind].values()
    settings[kind] = {name: value}
    write_settings(tmp_path / "project", settings)
    before = sorted(tmp_path.rglob("*"))
    text = run("plan", "--config", config(tmp_path / "project"), code=2)
    assert "error:" in text
    assert sorted(tmp_path.rglob("*")) == before


def test_chromosomes__that_are_no_file_names_are_refused(tmp_path):
    settings = small_settings()
    settings["genomes"]["toy"]["chromosomes"] = ["../../22"]
    write_settings(tmp_path / "project", settings)
    assert "error:" in run("plan", "--config", config(tmp_path / "project"), code=2)


def test_paths__with_spaces_and_other_letters(tmp_path, built_folder, untouched_folder):
    folder = tmp_path / "mein Projekt ü (1)"
    write_settings(folder, small_settings())
    shutil.copytree(untouched_folder / ".cache", folder / ".cache")
    assert [failure for result in built(reopened(folder)) for failure in result.failures] == []
    assert files_of(folder / "data") == files_of(built_folder / "data")


def test_gzip_bomb__ends_within_bounded_memory(empty_folder):
    """1 GB of blank lines in a few MB: read as a stream, refused for holding no annotation."""
    bomb = empty_folder / "bomb.gtf.gz"
    with bomb.open("wb") as file:
        subprocess.run(["sh", "-c", "head -c 1000000000 /dev/zero | tr '\\0' '\\n' | gzip -1"], stdout=file, check=True)
    settings = yaml.safe_load((empty_folder / "builder.yaml").read_text())
    settings["genomes"]["toy"]["annotation"] = str(bomb)
    write_settings(empty_folder, settings)
    found = limited(empty_folder, "--data=3000000000")
    assert found.returncode == 1, found.stderr
    assert "bomb.gtf.gz" in found.stderr
    assert not (empty_folder / "data/toy/gene_annotation.parquet").exists()
