import re
from base64 import b64decode
from xml.etree import ElementTree

from builder_assets.base_model.report_text import report_markdown
from tests.base_model.test_model_report import REPORT

TEXT = report_markdown("spliceai", REPORT)


def test_report_markdown__is_a_table_with_one_row_per_set_of_sites():
    rows = [line.strip("| ").split(" | ") for line in TEXT.splitlines() if line.startswith("| ")]
    assert rows[0][:8] == ["scope", "labels", "kind", "n_sites", "tp", "fp", "fn", "xp"]
    assert [row[:3] for row in rows[1:4]] == [["all", "all", kind] for kind in ("both", "donor", "acceptor")]
    # Donors 103 and 115 called, 112 and 205 missed, 108 wrong; the acceptor 215 called.
    assert rows[2][3:10] == ["4", "2", "1", "2", "0", "0.667", "0.500"]
    assert "pr_curve" not in TEXT
    assert "n_peaks" not in TEXT


def test_report_markdown__explains_its_words_and_names_the_page():
    assert "XP: a call that is another gene's site" in TEXT
    assert "top_k_accuracy: the share of sites among the k bases with the highest scores" in TEXT
    assert "within 6 bases" in TEXT
    assert "`builder report spliceai`" in TEXT


def test_report_markdown__holds_three_small_pictures():
    pictures = dict(re.findall(r"!\[([^]]+)\]\(data:image/svg\+xml;base64,([^)]+)\)", TEXT))
    assert list(pictures) == [
        "precision over recall", "scores of sites and of other bases", "mean score around sites",
    ]  # fmt: skip
    for data in pictures.values():
        svg = b64decode(data)
        assert ElementTree.fromstring(svg).tag == "{http://www.w3.org/2000/svg}svg"
        assert len(svg) < 60_000
