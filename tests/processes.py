"""`builder` in a process of its own."""

import subprocess
import sys
from pathlib import Path

COMMAND = [sys.executable, "-W", "ignore", "-c", "from builder_assets.cli import main; main()"]


def started(folder: Path, *arguments: str, stdout: int = subprocess.PIPE) -> subprocess.Popen:
    """`builder` at work on the project in `folder`, at the head of a process group."""
    return subprocess.Popen(
        [*COMMAND, *arguments, "--config", str(folder / "builder.yaml")],
        stdout=stdout, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip
