"""The Dagster UI on a real project, in a real browser: the graph, a backfill from the button, partitions, checks."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.dagster_ui import answers, ask, wait_for
from tests.projects import built, needs_weights, reopened

webdriver = pytest.importorskip("selenium.webdriver", reason="needs selenium: pip install -e .[ui]")

pytestmark = [needs_weights, pytest.mark.ui]

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if BROWSER is None or DRIVER is None:
        pytest.skip("needs a Chromium browser and its driver, e.g. Debian's chromium and chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for word in ("headless", "no-sandbox", "disable-gpu", "disable-background-networking", "window-size=1800,1300"):
        options.add_argument(f"--{word}")
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture
def server(empty_folder: Path) -> Iterator[str]:
    """Address of the UI of a project in which only the genome's tables are built."""
    project = reopened(empty_folder)
    from builder_assets.building import Scope

    built(project, Scope(chromosomes=("22",)))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-W", "ignore", "-c", "from builder_assets.cli import main; main()", "ui"]
    process = subprocess.Popen(
        [*command, "--port", str(port), "--config", str(empty_folder / "builder.yaml")],
        start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    wait_for(lambda: answers(address))
    yield address
    os.killpg(process.pid, signal.SIGTERM)
    process.wait(timeout=30)


def seen(browser: Any, address: str, path: str, *words: str, name: str = "") -> None:
    """Open a page, wait until it shows every word, and keep a picture of it."""
    browser.get(address + path)
    wait_for(lambda: all(word in browser.find_element("tag name", "body").text for word in words))
    time.sleep(1.5)  # the graph is laid out after its words are there
    if name and (folder := os.environ.get("SCREENSHOTS")):
        Path(folder).mkdir(parents=True, exist_ok=True)
        browser.save_screenshot(str(Path(folder) / f"{name}.png"))


def click(browser: Any, text: str) -> None:
    """Press the button that says `text`."""

    def pressed() -> bool:
        for button in browser.find_elements("css selector", "button, a"):
            if button.is_displayed() and button.is_enabled() and button.text.strip().rstrip("…") == text:
                button.click()
                return True
        return False

    wait_for(pressed)


def test_ui__backfill_from_the_button_to_all_green(browser, server):
    groups = ",".join(f"global@global:{name}" for name in ("toy", "model", "examples"))
    graph = f"/asset-groups?expanded={quote(groups)}"
    seen(browser, server, graph, "toy", "model", "examples", name="asset_graph")
    asset = "/assets/model/genes_to_score"
    seen(browser, server, f"{asset}?view=partitions", "Partition", "22", "Y", name="partitions_before")
    click(browser, "Materialize")
    click(browser, "All")
    if os.environ.get("SCREENSHOTS"):
        browser.save_screenshot(str(Path(os.environ["SCREENSHOTS"]) / "backfill_dialog.png"))
    click(browser, "Launch backfill")
    state = '{ assetNodeOrError(assetKey: {path: ["model", "genes_to_score"]}) { ... on AssetNode { '
    state += "partitionStats { numMaterialized numFailed numPartitions } } } }"
    wait_for(lambda: ask(server, state)["assetNodeOrError"]["partitionStats"]["numMaterialized"] == 2)
    seen(browser, server, f"{asset}?view=partitions&partition=Y", "bases", name="partition")
    seen(browser, server, "/assets/toy/splice_sites?view=checks", "splice_motifs", name="checks")
    seen(browser, server, "/runs", "Success", name="runs")
