"""kill -9 at any moment: nothing wrong, partial or lost, and the next build ends with the same bytes."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Collection
from pathlib import Path

import dagster as dg
import polars as pl
import psutil
import pytest
from dagster._core.execution import compute_logs

from builder_assets.project.building import StoppedError, processes_of, stoppable
from resources.publishing import dead_partial_files
from resources.table_files import verify_file
from tests.dagster_ui import answering, answers, ask, served, wait_for
from tests.processes import CTRL_C, read_terminal, started, started_in_terminal
from tests.projects import built, files_of, needs_weights, reopened
from tests.servers import free_port

pytestmark = needs_weights


def test_stoppable__both_signals_are_one_error():
    before = signal.getsignal(signal.SIGTERM)
    for number in (signal.SIGTERM, signal.SIGINT):
        with pytest.raises(StoppedError, match=r"^stopped\. What is finished stays; `builder build`"), stoppable():
            signal.raise_signal(number)
        assert signal.getsignal(signal.SIGTERM) is before


def test_stoppable__ctrl_c_does_not_reach_what_copies_the_output_of_a_step(tmp_path):
    """Blocked in those processes, and in this one as before."""
    with stoppable(), compute_logs.execute_posix_tail(str(tmp_path), sys.__stderr__) as processes:
        assert [interrupt_is_blocked(process) for process in processes] == [True, True]
        assert not interrupt_is_blocked(os.getpid())


def interrupt_is_blocked(process: int) -> bool:
    status = Path(f"/proc/{process}/status")
    if not status.exists():
        pytest.skip("needs Linux's /proc")
    blocked = next(line.split()[1] for line in status.read_text().splitlines() if line.startswith("SigBlk:"))
    return bool(int(blocked, 16) >> (signal.SIGINT - 1) & 1)


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


LAUNCH = """
mutation { launchPartitionBackfill(backfillParams: {assetSelection: [%s], allPartitions: true}) { __typename } }
"""


@pytest.mark.faults
def test_kills__of_run_workers_and_the_daemon(empty_folder, built_folder):
    """A backfill from the UI; its workers die in mid-run, then the daemon; `builder build` picks up what is left."""
    draw, workers = random.Random(5), 0
    keys = ", ".join(
        "{path: [" + ", ".join(f'"{part}"' for part in node.key.path) + "]}"
        for node in reopened(empty_folder).manifest.nodes.values()
    )
    for n_spared in (0, 1, 3, 4):  # one kill each: a backfill whose run dies asks for no more
        with served(empty_folder, ended_by=signal.SIGKILL) as address:
            assert "LaunchBackfillSuccess" in str(ask(address, LAUNCH % keys))
            spared: set[int] = set()
            while len(spared) < n_spared:
                spared.add(wait_for(lambda spared=frozenset(spared): running_worker(empty_folder, spared)))
            worker = wait_for(lambda spared=frozenset(spared): running_worker(empty_folder, spared))
            time.sleep(draw.uniform(0, 1.5))
            workers += killed(worker)
            check_whole(empty_folder)
            (daemon,) = [p for p in psutil.process_iter(["cmdline"]) if is_daemon_of(p, address)]
            assert killed(daemon.pid)
    assert workers >= 2
    check_whole(empty_folder)
    finish(empty_folder, built_folder)


def killed(pid: int) -> bool:
    """kill -9; False if it was gone before."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def is_daemon_of(process: psutil.Process, address: str) -> bool:
    """Whether a process is the daemon beside the web server of `address`."""
    if "dagster._daemon" not in " ".join(process.info["cmdline"] or ()):
        return False
    parent = process.parent()
    port = address.rpartition(":")[2]
    return parent is not None and port in parent.cmdline()


def running_worker(folder: Path, other_than: Collection[int]) -> int | None:
    """Process of a run that is under way in this project."""
    instance = reopened(folder).instance
    for run in instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED])):
        for pid in processes_of(instance, run):
            if pid not in other_than and psutil.pid_exists(pid):
                return pid
    return None


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
@pytest.mark.parametrize("wait", [0, 0.5, 3], ids=["between", "starting", "scoring"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals__stop_a_build_that_can_go_on(empty_folder, built_folder, number, wait):
    """Wherever the signal strikes: between two runs, while a run starts, in its step."""
    with started(empty_folder, "build") as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "model/splice_scores" in line:
                break
        time.sleep(wait)
        process.send_signal(number)
        rest = process.stdout.read()
    assert process.returncode == 1, rest
    assert "stopped. What is finished stays; `builder build` goes on from there." in rest
    check_whole(empty_folder)
    finish(empty_folder, built_folder)


@pytest.mark.ui
def test_ui__sigterm_ends_all_that_it_started(empty_folder):
    """Also where SIGINT is ignored, as with `builder ui &` in a script; its port is free for the next one."""
    port = free_port()
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        process = started(empty_folder, "ui", "--port", str(port), stdout=subprocess.DEVNULL)
    finally:
        signal.signal(signal.SIGINT, before)
    with answering(process, port) as address:
        below = psutil.Process(process.pid).children(recursive=True)
        assert len(below) >= 2
        process.terminate()
        _, alive = psutil.wait_procs(below, timeout=60)
        for member in alive:
            member.kill()
        assert alive == []
        assert not answers(address)


@pytest.mark.faults
def test_ctrl_c__in_a_terminal_prints_that_the_build_stopped_and_nothing_else(empty_folder):
    """A terminal sends it to the whole process group: to the processes, too, that copy a step's output."""
    process, terminal = started_in_terminal(empty_folder, "build")
    said = read_terminal(terminal, until="bases/s")  # a step is at work
    os.write(terminal, CTRL_C)
    said += read_terminal(terminal)
    assert process.wait(timeout=60) == 1, said
    assert "stopped. What is finished stays; `builder build` goes on from there." in said
    assert "Traceback" not in said
    assert "KeyboardInterrupt" not in said
