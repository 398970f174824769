"""The pages of the small project in a real browser: light and dark, downloads, nothing outside the file."""

import os
from base64 import b64decode
from pathlib import Path

import polars as pl
import pytest

from builder_assets.reports.pages import write_pages
from tests.projects import needs_weights, reopened
from tests.test_ui import BROWSER, DRIVER

webdriver = pytest.importorskip("selenium.webdriver", reason="needs selenium: pip install -e .[ui]")
pytestmark = [pytest.mark.ui, needs_weights]

HEADINGS = {
    "model": ["How right", "Where it errs", "Scores", "Annotation", "Genes"],
    "examples": ["Rows", "Negatives", "Features", "Genes"],
}


@pytest.fixture(scope="module")
def pages(built_folder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    before = Path.cwd()
    pages = list(write_pages(reopened(built_folder), [], folder))
    os.chdir(before)
    return {page.path.stem: page.path for page in pages}


@pytest.fixture(scope="module")
def downloads(tmp_path_factory):
    return tmp_path_factory.mktemp("downloads")


@pytest.fixture(scope="module")
def browser(downloads):
    if BROWSER is None or DRIVER is None:
        pytest.skip("needs a Chromium browser and its driver, e.g. Debian's chromium and chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for word in ("headless", "no-sandbox", "disable-gpu", "disable-background-networking", "window-size=1300,1000"):
        options.add_argument(f"--{word}")
    options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


def shown(browser, path: Path, scheme: str) -> None:
    """Open a page as a reader with a light or dark system sees it, and keep a picture where SCREENSHOTS says."""
    feature = {"name": "prefers-color-scheme", "value": scheme}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
    browser.get(path.as_uri())
    if folder := os.environ.get("SCREENSHOTS"):
        height = browser.execute_script("return document.documentElement.scrollHeight")
        browser.set_window_size(1300, height + 150)
        browser.save_screenshot(str(Path(folder) / f"report_{path.stem}_{scheme}.png"))


def brightness(colour: str) -> float:
    """Mean of the three channels of rgb(...) or rgba(...)."""
    channels = [float(part) for part in colour.split("(")[1].rstrip(")").split(",")]
    return sum(channels[:3]) / 3


@pytest.mark.parametrize("name", HEADINGS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page__is_readable(browser, pages, name, scheme):
    shown(browser, pages[name], scheme)
    assert browser.title == name
    assert [heading.text for heading in browser.find_elements("tag name", "h2")] == HEADINGS[name]
    body = browser.find_element("tag name", "body")
    paper, ink = (brightness(body.value_of_css_property(what)) for what in ("background-color", "color"))
    assert paper - ink > 120 if scheme == "light" else ink - paper > 120
    text = browser.find_element("css selector", "figure svg g[id*='text_'] text, figure svg text")
    assert brightness(text.value_of_css_property("fill")) == pytest.approx(ink)
    for picture in browser.find_elements("css selector", "figure svg"):
        assert picture.size["width"] > 200
        assert picture.size["height"] > 80
    assert browser.execute_script("return document.documentElement.scrollWidth <= window.innerWidth")


@pytest.mark.parametrize("name", HEADINGS)
def test_page__fits_a_telephone(browser, pages, name):
    """Tables and pictures scroll within their frames; the page does not scroll sideways."""
    size = {"width": 420, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        browser.get(pages[name].as_uri())
        assert browser.execute_script("return window.innerWidth") == 420
        assert browser.execute_script("return document.documentElement.scrollWidth") <= 420
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_page__of_a_base_model_says_that_its_genes_were_seen_in_training(browser, pages):
    browser.get(pages["model"].as_uri())
    text = browser.find_element("tag name", "body").text
    assert "genes lie on chromosomes that the base model was trained on" in text


@pytest.mark.parametrize("name", HEADINGS)
def test_page__words_in_pictures_are_large_enough_to_read(browser, pages, name):
    shown(browser, pages[name], "light")
    heights = browser.execute_script(
        "return [...document.querySelectorAll('figure svg text')].map(text => [text.textContent, parseFloat("
        "getComputedStyle(text).fontSize) * text.ownerSVGElement.getScreenCTM().a])"
    )
    assert len(heights) > 100
    assert [(text, pixels) for text, pixels in heights if pixels < 9] == []


@pytest.mark.parametrize("name", HEADINGS)
def test_page__every_picture_has_its_numbers(browser, pages, name):
    browser.get(pages[name].as_uri())
    pictures = browser.find_elements("xpath", "//figure[.//*[local-name() = 'svg']]")
    assert len(pictures) > 5
    for picture in pictures:
        link = picture.find_element("css selector", "a[download$='.csv']")
        table = pl.read_csv(b64decode(link.get_attribute("href").split("base64,")[1]), infer_schema_length=None)
        assert table.height, picture.text


def test_page__numbers_of_distributions_and_genes_are_those_drawn(browser, pages):
    browser.get(pages["examples"].as_uri())

    def downloaded(title: str, part: str) -> pl.DataFrame:
        link = browser.find_element("xpath", f"//h3[starts-with(., '{title}')]/a[. = '{part}']")
        return pl.read_csv(b64decode(link.get_attribute("href").split("base64,")[1]), infer_schema_length=None)

    bins = downloaded("Distributions by label", "CSV")
    assert bins.columns == ["feature", "asinh_width", "label", "low", "high", "rows", "share"]
    assert bins.group_by("feature", "label").agg(pl.col("share").sum())["share"].to_list() == pytest.approx([1.0] * 60)
    assert downloaded("Correlation of features", "CSV").height > 60
    gene = browser.find_element("xpath", "//h3[contains(., ' FP, ')]").text.split(":")[0]
    assert {"transcript_id", "start", "end", "is_canonical"} <= set(downloaded(gene, "exons").columns)
    scores = downloaded(gene, "scores")
    assert scores.select(pl.max_horizontal("donor", "acceptor").min()).item() >= 0.001
    assert downloaded(gene, "examples")["position"].is_unique().all()


def test_page__says_whether_rows_are_all_or_a_sample(browser, pages):
    browser.get(pages["examples"].as_uri())
    text = browser.find_element("tag name", "body").text
    rows = text.split(" rows from ")[0].split()[-1]
    assert f"All {rows} rows, unweighted" in text
    assert "A sample" not in text


def test_page__loads_nothing_but_itself(browser, pages):
    for path in pages.values():
        browser.get_log("browser")
        browser.get(path.as_uri())
        assert browser.get_log("browser") == []
        asked = [entry["message"] for entry in browser.get_log("performance")]
        assert not [message for message in asked if '"url":"http' in message and "requestWillBeSent" in message]


def test_page__numbers_can_be_downloaded(browser, pages, downloads):
    from selenium.webdriver.support.ui import WebDriverWait

    browser.get(pages["model"].as_uri())
    browser.find_element("css selector", "a[download='model.worst-genes.csv']").click()
    file = downloads / "model.worst-genes.csv"
    WebDriverWait(browser, 20).until(lambda _: file.is_file())
    first = browser.find_element("xpath", "//h3[starts-with(., 'Worst genes')]/..//tbody/tr[1]/td[2]").text
    assert pl.read_csv(file)["gene_id"][0] == first
