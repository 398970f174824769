"""`builder inspect`: one gene as text and as a picture, on both strands."""

from dataclasses import replace
from xml.etree import ElementTree as ET

import matplotlib as mpl
import polars as pl
import pytest
from matplotlib.colors import to_hex
from typer.testing import CliRunner

from builder_assets.cli import app
from builder_assets.project.folder import create_project
from builder_assets.project.gene_search import UnknownGeneError
from builder_assets.reports.gene_picture import check_format, covered, drawn_tables, gene_figure, save_picture
from builder_assets.reports.gene_view import gene_view, sites_and_calls
from builder_assets.settings import load_settings
from tests.projects import needs_weights
from tests.reports.drawn_project import write_drawn_project


@pytest.fixture
def config(tmp_path):
    path = write_drawn_project(tmp_path)
    create_project(tmp_path)
    return path


def run(*arguments):
    result = CliRunner().invoke(app, ["inspect", *map(str, arguments)], env={"COLUMNS": "200"})
    return result.exit_code, result.output


def test_sites_and_calls__are_5_to_3_on_both_strands(config):
    settings = load_settings(config)
    columns = ["offset", "position", "kind", "motif", "outcome"]
    assert sites_and_calls(gene_view(settings, "Alpha")).select(columns).rows() == [
        (9, 110, "donor", "GT", "TP"), (19, 120, "donor", None, "FP"), (30, 131, "acceptor", "AG", "FN"),
    ]  # fmt: skip
    minus = sites_and_calls(gene_view(settings, "C"))
    assert minus.select(columns).rows() == [(9, 231, "donor", "GC", "TP"), (30, 210, "acceptor", "AG", "TP")]
    assert minus["score"].to_list() == pytest.approx([0.8, 0.6])


def test_sites_and_calls__reads_the_bases_beside_a_call_that_is_no_site(config):
    bases = ["A"] * 201  # of 50..250
    bases[121 - 50 : 123 - 50] = "GC"  # after the base 120, which is called on the + strand
    (config.parent / "f").write_text(f">1:50-250\n{''.join(bases)}\n", encoding="utf-8")
    view = gene_view(load_settings(config), "Alpha")
    called = sites_and_calls(view).select("position", "motif", "outcome").rows()
    assert called == [(110, "GT", "TP"), (120, "GC", "FP"), (131, "AG", "FN")]
    (shown,) = (line for line in run("A", "--config", config)[1].splitlines() if " 120 " in line)
    assert {"GC", "FP"} <= set(shown.split())


def test_inspect__says_truth_scores_and_calls(config):
    code, text = run("gamma", "--config", config)
    assert code == 0
    assert "Gamma C protein_coding  1:201-240 (-)  40 bases" in text
    assert "1 introns (GC-AG 1)" in text
    donor = next(line for line in text.splitlines() if "231" in line)
    assert [word for word in donor.split() if word not in "│"] == [
        "231", "9", "donor", "GC", "1", "canonical", "0.800", "TP",
    ]  # fmt: skip


def test_inspect__says_what_is_not_built(config):
    code, text = run("Delta", "--config", config)
    assert code == 0
    assert "m: no scores of this gene; no dataset needs it, or it is not built." in text
    assert "no splice site, and no base that is called." in text
    assert "position" not in text  # no table without rows


def test_inspect__explains_its_abbreviations(config):
    text = run("A", "--config", config)[1]
    assert "XP: a call that is another gene's site, neither right nor wrong. AP: average precision" in text


def test_inspect__names_what_it_does_not_know(config):
    assert run("Omega", "--config", config) == (
        2, "error: g: 'Omega' is no gene here. Ids are stable ids, symbols or aliases of this annotation.\n",
    )  # fmt: skip
    assert "1 have it in their name: Alpha." in run("Alph", "--config", config)[1]
    assert "name one of m" in run("A", "--base-model", "x", "--config", config)[1]
    with pytest.raises(UnknownGeneError, match="base model 'x': name one of m"):
        gene_view(load_settings(config), "A", "x")
    with pytest.raises(UnknownGeneError, match="g: 'Omega' is no gene here"):
        gene_view(load_settings(config), "Omega")


def test_inspect__refuses_a_picture_before_it_says_anything(config, tmp_path):
    code, text = run("A", "--picture", tmp_path / "a.txt", "--config", config)
    assert (code, text) == (2, "error: a.txt: a picture's name ends in one of .png, .svg, .pdf.\n")
    with pytest.raises(ValueError, match=r"a\.txt: a picture's name ends in one of \.png, \.svg, \.pdf"):
        check_format(tmp_path / "a.txt")


def test_drawn_tables__hold_all_that_the_picture_shows(config):
    tables = drawn_tables(gene_view(load_settings(config), "A"))
    assert list(tables) == ["sites and calls", "exons", "scores"]
    assert tables["exons"].rows() == [("TA", 1, 101, 110, True), ("TA", 2, 131, 140, True)]
    drawn = {position: (donor, acceptor) for position, donor, acceptor in tables["scores"].iter_rows()}
    assert drawn[110] == (pytest.approx(0.9), pytest.approx(0.001))
    assert drawn[131] == (pytest.approx(0.001), pytest.approx(0.2))
    assert list(drawn) == sorted(drawn)


def test_drawn_tables__leave_out_scores_that_are_not_drawn(config):
    view = gene_view(load_settings(config), "A")
    faint = view.scores.with_columns(donor=pl.when(pl.col("position") == 110).then("donor").otherwise(0.0009),
                                     acceptor=pl.lit(0.0))  # fmt: skip
    assert drawn_tables(replace(view, scores=faint))["scores"]["position"].to_list() == [110]


def test_covered__is_drawn_once_where_exons_overlap():
    exons = pl.DataFrame({"start": [5, 1, 20, 8], "end": [9, 6, 30, 12]})
    assert covered(exons) == [(1, 12), (20, 30)]


def test_picture__of_a_gene_with_nothing_stored_is_its_place(config):
    (exons,) = gene_figure(gene_view(load_settings(config), "Delta")).axes
    assert exons.get_xlim() == (300, 306)


def test_picture__canonical_exons_are_stronger_than_all_in_the_ink_of_the_page(config):
    view = gene_view(load_settings(config), "A")
    for ink in ("#000000", "#ffffff"):  # light, dark
        with mpl.rc_context({"text.color": ink}):
            canonical, _, every, _ = gene_figure(view).axes[0].collections
        assert {to_hex(part.get_facecolor()[0]) for part in (canonical, every)} == {ink}
        assert canonical.get_alpha() > every.get_alpha()


def test_picture__shows_outcomes_and_needs_a_known_format(config, tmp_path):
    view = gene_view(load_settings(config), "A")
    exons, donors, acceptors = gene_figure(view).axes
    boxes = [path.vertices for path in exons.collections[0].get_paths()]
    assert [(box[:, 0].min(), box[:, 0].max()) for box in boxes] == [(100.5, 110.5), (130.5, 140.5)]
    called = [tuple(point) for marks in donors.collections[2:] for point in marks.get_offsets()]
    assert called[:2] == [(110, pytest.approx(0.9)), (120, pytest.approx(0.7))]
    assert acceptors.get_xlim() == (100, 141)
    code, text = run("A", "--picture", tmp_path / "out" / "a.svg", "--config", config)
    assert (code, "wrote" in text) == (0, True)
    assert ET.parse(tmp_path / "out" / "a.svg").getroot().tag.endswith("svg")
    with pytest.raises(ValueError, match=r"a\.gif: a picture's name ends in one of \.png, \.svg, \.pdf"):
        save_picture(view, tmp_path / "a.gif")


@needs_weights
def test_inspect__of_a_built_gene_shows_its_examples(built_folder, tmp_path):
    code, text = run("TMEM191B", "--config", built_folder / "builder.yaml", "--picture", tmp_path / "gene.png")
    assert code == 0
    assert "examples: " in text
    assert "highest negatives" in text
    assert (tmp_path / "gene.png").read_bytes()[:4] == b"\x89PNG"
