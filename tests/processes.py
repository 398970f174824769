"""`builder` in a process of its own."""

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

COMMAND = [sys.executable, "-W", "ignore", "-c", "from builder_assets.cli import main; main()"]
CTRL_C = b"\x03"


def started(folder: Path, *arguments: str, stdout: int = subprocess.PIPE) -> subprocess.Popen:
    """`builder` at work on the project in `folder`, at the head of a process group."""
    return subprocess.Popen(
        [*COMMAND, *arguments, "--config", str(folder / "builder.yaml")],
        stdout=stdout, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip


def started_in_terminal(folder: Path, *arguments: str) -> tuple[subprocess.Popen, int]:
    """The same in a terminal of its own, and the file descriptor of who sits before it; Ctrl-C is `CTRL_C`."""
    main, terminal = pty.openpty()
    *python, code = COMMAND
    owning = f"import fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); {code}"
    process = subprocess.Popen(
        [*python, owning, *arguments, "--config", str(folder / "builder.yaml")],
        stdin=terminal, stdout=terminal, stderr=terminal, env=os.environ | {"TERM": "xterm", "COLUMNS": "120"},
        start_new_session=True,
    )  # fmt: skip
    os.close(terminal)
    return process, main


def read_terminal(main: int, until: str | None = None) -> str:
    """What is written to a terminal, colours left out, up to a text or until nobody has the other end any more."""
    said = ""
    try:
        while not (until and until in said) and (part := os.read(main, 65536)):
            said += re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", part.decode(errors="replace"))
    except OSError:  # the other end is closed
        pass
    return said
