"""Talking to a running Dagster UI."""

import json
import time
import urllib.request
from collections.abc import Callable
from typing import Any

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
    assert found, "the UI did not get there in time"
    return found


def ask(address: str, query: str) -> Any:
    """The data of a GraphQL query."""
    request = urllib.request.Request(
        f"{address}/graphql", json.dumps({"query": query}).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)["data"]
