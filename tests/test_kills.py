"""kill -9 at any moment: nothing wrong, partial or lost, and the next build ends with the same bytes."""

import os
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from resources.publishing import dead_partial_files
from resources.table_store import verify_file
from tests.projects import built, files_of, needs_weights, reopened

pytestmark = needs_weights

COMMAND = [sys.executable, "-W", "ignore", "-c", "from builder_assets.cli import main; main()"]


def started(folder: Path, *arguments: str) -> subprocess.Popen:
    """`builder` at work in a process of its own."""
    return subprocess.Popen(
        [*COMMAND, *arguments, "--config", str(folder / "builder.yaml")],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip


def killed_at(folder: Path, seconds: float) -> bool:
    """Start a build and kill it after `seconds`; False if it was done before."""
    with started(folder, "build") as process:
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            return True
    return False


def check_whole(folder: Path) -> None:
    """Whatever lies under a final name is whole and holds what its footer promises."""
    for path in (folder / "data").rglob("*.parquet"):
        assert verify_file(path)
    for path in (folder / "data").rglob("*.memo"):
        assert pl.read_parquet(path).height


def finish(folder: Path, reference: Path) -> None:
    """Build what is left; nothing remains of the dead, and the bytes are those of a build without kills."""
    results = built(reopened(folder))
    assert [failure for result in results for failure in result.failures] == []
    assert dead_partial_files(folder / "data") == []
    assert files_of(folder / "data") == files_of(reference / "data")
    assert reopened(folder).instance.event_log_storage.get_concurrency_info("gpu").active_run_ids == set()
    assert built(reopened(folder)) == []


def test_kills__three_in_a_build(folder, built_folder):
    """Each a little later than the one before; the tables of genes, scores and examples have to be made again."""
    for left in ("toy/genes", "model/splice_scores", "examples"):
        shutil.rmtree(folder / "data" / left)
    for seconds in (2.5, 3.5, 4.5):
        assert killed_at(folder, seconds)
        check_whole(folder)
    finish(folder, built_folder)


@pytest.mark.faults
def test_kills__fifty_in_builds_from_nothing(empty_folder, built_folder):
    draw, kills, builds = random.Random(50), 0, 0
    while kills < 50:
        if killed_at(empty_folder, draw.uniform(0.5, 9)):
            kills += 1
            check_whole(empty_folder)
        else:
            builds += 1
            finish(empty_folder, built_folder)
            shutil.rmtree(empty_folder / "data")
    finish(empty_folder, built_folder)
    assert kills == 50


@pytest.mark.faults
def test_two_builds_at_once__one_works_and_the_other_says_so(empty_folder, built_folder):
    processes = [started(empty_folder, "build") for _ in range(2)]
    texts = [process.communicate(timeout=300)[0] for process in processes]
    codes = sorted(process.returncode for process in processes)
    assert codes[0] == 0, texts
    if codes != [0, 0]:  # the second came while the first was at work
        assert codes == [0, 1]
        assert any("another `builder build` is at work in" in text for text in texts)
    finish(empty_folder, built_folder)


@pytest.mark.faults
def test_first_starts__eight_at_once_make_one_history(empty_folder):
    shutil.rmtree(empty_folder / ".dagster")
    processes = [started(empty_folder, "status", "--json") for _ in range(8)]
    texts = [process.communicate(timeout=300)[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * 8, texts
    assert reopened(empty_folder).instance.get_runs() == []


@pytest.mark.faults
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals__stop_a_build_that_can_go_on(empty_folder, built_folder, number):
    with started(empty_folder, "build") as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "model/splice_scores" in line:
                break
        process.send_signal(number)
        rest = process.stdout.read()
    assert process.returncode == 1, rest
    assert "stopped. What is finished stays; `builder build` goes on from there." in rest
    check_whole(empty_folder)
    finish(empty_folder, built_folder)
