"""docs/predecessor.md names nothing that is not there, and leaves out no column of the predecessor."""

import re
from pathlib import Path

from builder_assets.dataset.columns import training_examples_contract
from builder_assets.dataset.predecessor_columns import SIDECAR, master_columns
from builder_assets.settings import FeatureSettings, load_settings

TESTS = Path(__file__).parent
PAGE = (TESTS.parent / "docs" / "predecessor.md").read_text(encoding="utf-8")
COLUMNS = set(training_examples_contract(FeatureSettings(annotation_features=True)).names)
CODE = re.compile(r"`([^`]+)`")
NO_COLUMN = {"master", "sidecar/", "score_context"}


def rows(title: str) -> list[list[str]]:
    """The cells of the table in a section, its head left out."""
    section = PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")][1:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_predecessor_page__columns_here_exist() -> None:
    for there, here, _ in rows("Its columns, here"):
        named = set(CODE.findall(here)) - NO_COLUMN
        assert named <= COLUMNS, there
        if here.startswith("same"):
            assert set(CODE.findall(there)) <= COLUMNS, there


def test_predecessor_page__has_every_column_that_the_export_writes() -> None:
    theirs = {name for there, _, _ in rows("Its columns, here") for name in CODE.findall(there)}
    left_out = {
        name
        for there, here, why in rows("Its columns, here")
        if here.startswith("left out") or "left out of `master`" in why or why == "as above"
        for name in CODE.findall(there)
    }
    written = {expression.meta.output_name() for expression in master_columns(["3mer_AAA", "3mer_TTT"])}
    ratios = {name for name in written if name.endswith("_ratio")}
    assert written <= theirs
    assert not written & (left_out - ratios)
    assert set(SIDECAR) - {"chrom", "gene_id", "position"} <= set(CODE.findall(rows("Its columns, here")[-1][1]))


def test_predecessor_page__every_test_exists() -> None:
    defined = {
        name for path in TESTS.rglob("test_*.py") for name in re.findall(r"^def (test_\w+)", path.read_text(), re.M)
    }
    named = {
        name for _, tests in rows("Its defects, and the test that catches each here") for name in CODE.findall(tests)
    }
    assert len(named) > 40
    assert named <= defined


def test_predecessor_page__its_settings_are_accepted(tmp_path) -> None:
    (snippet,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    above = "genomes: {g: {assembly: GRCh37, fasta: a.fa, annotation: a.gtf, chromosomes: [1]}}\n"
    above += "base_models: {spliceai: {genome: g, family: spliceai}}\n"
    (tmp_path / "builder.yaml").write_text(above + snippet, encoding="utf-8")
    dataset = load_settings(tmp_path / "builder.yaml").datasets["train_random_1000_3mers"]
    assert (dataset.genes.count, dataset.kmers, dataset.negatives.ratios.easy) == (1000, (3,), 0.5)
