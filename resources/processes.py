"""Names of processes, so that another machine does not take a living one for dead."""

import os
import re
import socket


def this_process() -> str:
    """This process, as `<id>@<machine>`."""
    return f"{os.getpid()}@{socket.gethostname()}"


def machine_of(process: str) -> str:
    """The machine in a name that `this_process` gave."""
    return process.partition("@")[2]


def is_on_this_machine(process: str) -> bool:
    """Whether this machine can tell if a process lives."""
    return machine_of(process) == socket.gethostname()


def is_running(process: str) -> bool:
    """Whether a process with the id of `process` runs on this machine."""
    found = re.match(r"\d+", process)
    if not found:
        return False
    try:
        os.kill(int(found[0]), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
