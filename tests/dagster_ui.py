"""A running Dagster UI: starting it, and talking to it."""

import contextlib
import inspect
import json
import signal
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil

from tests.processes import started
from tests.servers import free_port

SECONDS = 120


def answers(address: str) -> bool:
    """Whether a web server is up at `address`."""
    try:
        with urllib.request.urlopen(f"{address}/server_info", timeout=2) as answer:
            return answer.status == 200
    except OSError:
        return False


def reached(condition: Callable[[], Any], seconds: float) -> Any:
    """What `condition` gives once it is true, or at the end of `seconds`."""
    deadline = time.monotonic() + seconds
    while not (found := condition()) and time.monotonic() < deadline:
        time.sleep(0.5)
    return found


def wait_for(condition: Callable[[], Any]) -> Any:
    """What `condition` gives once it is true; fail after a while."""
    found = reached(condition, SECONDS)
    assert found, f"not so after {SECONDS} s: {inspect.getsource(condition).strip()}"
    return found


def ask(address: str, query: str) -> Any:
    """The data of a GraphQL query."""
    request = urllib.request.Request(
        f"{address}/graphql", json.dumps({"query": query}).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)["data"]


@contextlib.contextmanager
def served(folder: Path, *, ended_by: signal.Signals = signal.SIGTERM) -> Iterator[str]:
    """The UI of a project, its daemon and their runs; gives the address. What outlives `ended_by` is killed."""
    port = free_port()
    process = started(folder, "ui", "--port", str(port), stdout=subprocess.DEVNULL)
    with answering(process, port, ended_by=ended_by) as address:
        yield address


@contextlib.contextmanager
def answering(process: subprocess.Popen, port: int, *, ended_by: signal.Signals = signal.SIGTERM) -> Iterator[str]:
    """The address at which a process serves the UI; at the end it and all that it started are stopped."""
    try:
        address = f"http://127.0.0.1:{port}"
        wait_for(lambda: answers(address))
        yield address
    finally:
        below = psutil.Process(process.pid).children(recursive=True)
        for number in (ended_by, signal.SIGKILL):
            for member in below:
                with contextlib.suppress(psutil.NoSuchProcess):
                    member.send_signal(number)
            process.send_signal(number)
            _, below = psutil.wait_procs(below, timeout=30)
        process.wait(timeout=30)
