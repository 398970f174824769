"""A bar in a terminal, lines in a log: what a build says while it scores."""

import os
import pty
import re
import subprocess
import sys

from tests.processes import read_terminal

STEP = """
import logging, os
from builder_assets.base_model import scored_bases
from builder_assets.base_model.scored_bases import Teller
from builder_assets.cli.progress import shown_progress

scored_bases.SECONDS_BETWEEN_LINES = scored_bases.SECONDS_BETWEEN_ADVANCES = 0
with shown_progress():
    kept = os.dup(1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # as Dagster does for a step
    teller = Teller("22", 100, 3)
    for scored in (40, 70):
        teller.tell(scored)
    teller.tell(100)
    os.dup2(kept, 1)
    logging.getLogger("builder.scoring").info("22: 3 genes scored")
"""


def said_in_a_terminal() -> str:
    main, terminal = pty.openpty()
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "120"}
    process = subprocess.Popen([sys.executable, "-c", STEP], stdout=terminal, stderr=terminal, env=environment)
    os.close(terminal)
    said = read_terminal(main)
    assert process.wait() == 0, said
    os.close(main)
    return said


def test_progress__is_a_bar_in_a_terminal_though_the_step_has_no_stdout():
    said = said_in_a_terminal()
    assert re.search(r"22 ━+[^0-9]* 40/100 bases [\d,]+ bases/s", said)
    assert "70/100 bases" in said
    assert "of 100 bases of 3 new genes scored" not in said  # the bar says it
    _, last = said.split("22: 3 genes scored\r\n")
    assert "bases" not in last  # what is scored needs no bar


def test_progress__is_plain_lines_in_a_log():
    done = subprocess.run(
        [sys.executable, "-c", STEP.replace("os.dup2(", "(lambda *_: None)(")],
        capture_output=True,
        text=True,
        check=True,
    )
    lines = done.stdout.splitlines()
    assert re.fullmatch(r"    22: 40 of 100 bases of 3 new genes scored, [\d,]+ bases/s, about \d+ s left", lines[0])
    assert lines[-1] == "    22: 3 genes scored"
    assert "\x1b" not in done.stdout + done.stderr
    assert "\r" not in done.stdout + done.stderr
