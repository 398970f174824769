"""The Dagster UI on a real project, in a real browser: the graph, a backfill from the button, partitions, checks."""

import contextlib
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from builder_assets.manifest import next_layers
from builder_assets.project.building import Scope, run_layer
from tests.dagster_ui import SECONDS, ask, reached, served, wait_for
from tests.projects import built, needs_weights, reopened

webdriver = pytest.importorskip("selenium.webdriver", reason="needs selenium: pip install -e .[ui]")
exceptions = pytest.importorskip("selenium.common.exceptions")

pytestmark = [needs_weights, pytest.mark.ui]

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
# The page was drawn anew since the button was found, or a dialog that comes or goes still lies over it.
NOT_YET = (exceptions.StaleElementReferenceException, exceptions.ElementClickInterceptedException)


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


def seen(browser: Any, address: str, path: str, *words: str, name: str = "") -> None:
    """Open a page, wait until it shows every word, and keep a picture of it."""

    def missing() -> list[str]:
        shown = browser.find_element("tag name", "body").text
        return [word for word in words if word not in shown]

    browser.get(address + path)
    reached(lambda: not missing(), SECONDS)
    assert missing() == [], f"{path} shows {browser.find_element('tag name', 'body').text!r}"
    time.sleep(1.5)  # the graph is laid out after its words are there
    if name and (folder := os.environ.get("SCREENSHOTS")):
        Path(folder).mkdir(parents=True, exist_ok=True)
        browser.save_screenshot(str(Path(folder) / f"{name}.png"))


def click(browser: Any, text: str) -> None:
    """Press the first button that says `text`, or that and what it counts: `Re-execute from failure (1)`."""

    def pressed() -> bool:
        with contextlib.suppress(*NOT_YET):
            for button in browser.find_elements("css selector", "button, a"):
                if button.is_displayed() and button.is_enabled() and says(button.text, text):
                    button.click()
                    return True
        return False

    wait_for(pressed)


def says(shown: str, text: str) -> bool:
    return shown.strip().rstrip("…") == text or shown.startswith(f"{text} ")


def materialised(address: str, asset: str) -> tuple[int, int]:
    """How many partitions of an asset are materialised, and how many failed, as the UI is told."""
    path = ", ".join(f'"{part}"' for part in asset.split("/"))
    query = "{ assetNodeOrError(assetKey: {path: [%s]}) { ... on AssetNode { partitionStats { %s } } } }"
    found = ask(address, query % (path, "numMaterialized numFailed"))["assetNodeOrError"]["partitionStats"]
    return found["numMaterialized"], found["numFailed"]


def test_ui__one_asset_backfilled_from_its_page(browser, empty_folder):
    built(reopened(empty_folder), Scope(chromosomes=("22",)))
    with served(empty_folder) as server:
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
        wait_for(lambda: materialised(server, "model/genes_to_score") == (2, 0))
        seen(browser, server, f"{asset}?view=partitions&partition=Y", "bases", name="partition")
        seen(browser, server, "/assets/toy/splice_sites?view=checks", "splice_motifs", name="checks")
        seen(browser, server, "/assets/toy/genes?view=overview", "Plots")
        click(browser, "Plots")
        wait_for(lambda: browser.find_elements("css selector", "canvas"))
        seen(browser, server, "/runs", "Success", name="runs")


# Of every picture of the page, once all are loaded (or are known to be broken, which gives 0).
WIDTHS = """
const pictures = [...document.images];
return pictures.every(picture => picture.complete) ? pictures.map(picture => picture.naturalWidth) : [];
"""


def test_ui__reports_show_their_pictures(browser, folder):
    """A data URI is shown; a link to a file beside the table would be a broken picture."""
    with served(folder) as server:
        for asset, says in (("model/model_report", "average_precision"), ("examples/dataset_card", "How to load it")):
            seen(browser, server, f"/assets/{asset}", "Show Markdown")
            link = browser.find_element("xpath", "//*[contains(text(), 'Show Markdown')]")
            browser.execute_script("arguments[0].click()", link)
            wait_for(lambda: says in browser.find_element("tag name", "body").text)  # noqa: B023  awaited here
            widths = wait_for(lambda: browser.execute_script(WIDTHS))
            assert len(widths) == 3
            assert min(widths) > 200
            if folder_of_pictures := os.environ.get("SCREENSHOTS"):
                browser.save_screenshot(str(Path(folder_of_pictures) / f"{asset.replace('/', '_')}.png"))


CHROMOSOME_TABLES = [
    f"toy/{name}"
    for name in (
        "contig", "annotation_records", "genes", "transcripts", "exons", "introns", "splice_sites", "gene_overlaps"
    )
]  # fmt: skip


def runs(server: str, job: str) -> dict[str, str]:
    """Ids of the runs of a job, and how each stands."""
    query = '{ runsOrError(filter: {pipelineName: "%s"}) { ... on Runs { results { runId status } } } }'
    return {run["runId"]: run["status"] for run in ask(server, query % job)["runsOrError"]["results"]}


def backfills(server: str) -> list[str]:
    """How each backfill stands; the daemon looks for their ends every half minute."""
    query = "{ partitionBackfillsOrError { ... on PartitionBackfills { results { status } } } }"
    return [backfill["status"] for backfill in ask(server, query)["partitionBackfillsOrError"]["results"]]


def test_ui__genome_backfilled_from_the_button_and_the_failed_run_again(browser, empty_folder, built_folder):
    """Every chromosome of every table of a genome; one cannot be written at first, and is re-executed."""
    project = reopened(empty_folder)
    inputs = next_layers(project.manifest.nodes, project.manifest.statuses(project.instance))[0]
    run_layer(project, inputs)
    in_the_way = empty_folder / "data/toy/contig/Y.parquet"
    in_the_way.mkdir(parents=True)
    with served(empty_folder) as server:
        job = "toy__chromosomes"
        # Of a graph only the nodes in view are drawn: which ones depends on how fast it is laid out.
        page = f"/locations/__repository__@builder/jobs/{job}"
        seen(browser, server, page, f"View {len(CHROMOSOME_TABLES)} assets", "Materialize all")
        click(browser, "Materialize all")
        click(browser, "All")
        click(browser, "Launch backfill")
        # Both ends are waited for: which tables of 22 and of Y are there together before the runs end is a matter of
        # luck, and to re-execute a run of a backfill that has ended, but of no other, the UI wants a confirmation.
        wait_for(lambda: sorted(runs(server, job).values()) == ["FAILURE", "SUCCESS"])
        wait_for(lambda: backfills(server) == ["COMPLETED_FAILED"])
        assert {name: materialised(server, name) for name in CHROMOSOME_TABLES} == {
            name: (2, 0) if name == "toy/annotation_records" else (1, 1)  # records need no contig
            for name in CHROMOSOME_TABLES
        }
        in_the_way.rmdir()
        [failed] = [run for run, status in runs(server, job).items() if status == "FAILURE"]
        seen(browser, server, f"/runs/{failed}", "Failure", name="failed_run")
        click(browser, "Re-execute")
        click(browser, "Confirm")
        wait_for(lambda: sorted(runs(server, job).values()) == ["FAILURE", "SUCCESS", "SUCCESS"])
        assert {materialised(server, name) for name in CHROMOSOME_TABLES} == {(2, 0)}
        seen(browser, server, "/assets/toy/genes?view=partitions", "Materialized", name="all_green")
    for name in CHROMOSOME_TABLES:
        for chromosome in ("22", "Y"):
            table = f"data/{name}/{chromosome}.parquet"
            assert (empty_folder / table).read_bytes() == (built_folder / table).read_bytes()
