"""Names of processes, so that another machine does not take a living one for dead."""

import os
import socket


def this_process() -> str:
    """This process, as `<id>@<machine>`."""
    return f"{os.getpid()}@{socket.gethostname()}"


def id_of(process: str) -> int:
    """The id in a name that `this_process` gave."""
    return int(process.partition("@")[0])


def is_on_this_machine(process: str) -> bool:
    """Whether this machine can tell if a process lives."""
    return process.partition("@")[2] == socket.gethostname()


def is_running(process: int) -> bool:
    """Whether a process with this id runs on this machine."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
