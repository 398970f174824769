"""docs/tables.md is written from the contracts; set WRITE_GOLDEN=1 to write it anew, and read the difference."""

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
import pyarrow.parquet as pq
import pytest
import yaml

from builder_assets.asset_graph import assets_and_checks
from builder_assets.dataset.card.text import markdown_rows
from builder_assets.settings import load_settings
from builder_assets.tables import GENE_MANIFEST, splice_scores_contract
from resources.table_contract import TableContract
from resources.table_store import CONTRACT, companions_of
from tests.projects import needs_weights, small_settings

PAGE = Path(__file__).parents[1] / "docs" / "tables.md"
WRITTEN = re.compile(r"(?<=<!-- tables -->\n).*?(?=\n<!-- end -->)", re.DOTALL)
GROUPS = {"toy": "genome", "model": "base model", "examples": "dataset"}
OPTIONAL = {
    "masked_sites": "`mask_sites:` of the base model",
    "conservation_track": "`conservation:` of the dataset",
    "meta_model_baseline": "`baseline: true` of the dataset",
}
HEAD = ("column", "type", "unit", "legal values", "null", "meaning")


class Stored(NamedTuple):
    """A table as the asset graph declares it."""

    group: str
    contract: TableContract
    path: str
    companions: list[str]


@pytest.fixture(scope="module")
def stored(tmp_path_factory) -> list[Stored]:
    """All tables that there can be, in the order of the graph."""
    settings = small_settings()
    settings["base_models"]["model"]["mask_sites"] = "junctions.bed"
    settings["datasets"]["examples"] |= {"conservation": "track.bw", "baseline": True}
    path = tmp_path_factory.mktemp("everything") / "builder.yaml"
    path.write_text(yaml.safe_dump(settings), encoding="utf-8")
    assets, _ = assets_and_checks(load_settings(path))
    return list(declared(assets))


def declared(assets: Iterable[Any]) -> Iterator[Stored]:
    for definition in assets:
        for spec in definition.specs:
            group = GROUPS[spec.key.path[0]]
            contract = TableContract.model_validate(spec.metadata[CONTRACT].data)
            if contract.name == "splice_scores":
                contract = splice_scores_contract(ensemble_sd=True)
            chromosome = "/<chromosome>" if definition.partitions_def else ""
            path = f"<{group.replace(' ', '_')}>/{contract.name}{chromosome}.parquet"
            yield Stored(group, contract, path, list(companions_of(spec.metadata)))


def code(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def section(table: Stored) -> str:
    contract = table.contract
    facts = [f"`{table.path}`"]
    if table.companions:
        facts.append(f"beside it {code(table.companions)}")
    if contract.key:
        facts.append(f"key {code(contract.key)}")
    if contract.order and tuple(contract.order) != contract.key:
        facts.append(f"sorted by {code(contract.order)}")
    if contract.schema_version > 1:
        facts.append(f"schema version {contract.schema_version}")
    if contract.name in OPTIONAL:
        facts.append(f"only with {OPTIONAL[contract.name]}")
    head = f"### `{contract.name}`\n\n{contract.description}\n\n{'; '.join(facts)}.\n"
    if contract.name == "training_examples":
        return f"{head}\nIts columns: [Columns](columns.md).\n"
    rows = (
        (
            f"`{column.name}`", column.dtype, column.unit, column.values, "yes" if column.nullable else "no",
            column.description + " Only with `ensemble_sd: true`." * column.name.endswith("_sd"),
        )
        for column in contract.columns
    )  # fmt: skip
    return f"{head}\n{markdown_rows(HEAD, rows)}\n"


def written(stored: list[Stored]) -> str:
    parts = {group: [section(table) for table in stored if table.group == group] for group in GROUPS.values()}
    return "\n".join(f"## Tables of a {group}\n\n" + "\n".join(sections) for group, sections in parts.items())


def test_tables_page__is_what_the_contracts_say(stored) -> None:
    if os.environ.get("WRITE_GOLDEN"):
        PAGE.write_text(WRITTEN.sub(lambda _: written(stored), PAGE.read_text("utf-8")), encoding="utf-8")
    found = WRITTEN.search(PAGE.read_text("utf-8"))
    assert found
    assert found[0] == written(stored)


@needs_weights
def test_tables_page__has_what_a_built_project_has_on_disk(built_folder) -> None:
    """Every file's path, and the names of its columns in their order, as the file says and not the code."""
    sections = re.findall(r"^### `(\w+)`\n(.*?)(?=^##|^<!-- end)", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    page = dict(sections)
    assert len(page) == len(sections)
    groups = {"toy": "<genome>", "model": "<base_model>", "examples": "<dataset>"}
    files = [path for path in (built_folder / "data").glob("*/**/*.parquet") if ".scratch" not in path.parts]
    for path in files:
        group, table, *chromosome = path.relative_to(built_folder / "data").with_suffix("").parts
        where = "/".join([groups[group], table, *("<chromosome>" for _ in chromosome)])
        assert f"`{where}.parquet`" in page[table]
        if table != "training_examples":
            columns = re.findall(r"^\| `([\w.]+)` ", page[table], re.MULTILINE)
            fields = pq.read_schema(path)
            assert [name for name in columns if not name.endswith("_sd")] == fields.names, table
            assert all(field.metadata.keys() >= {b"unit", b"values", b"description"} for field in fields)
    assert {path.relative_to(built_folder / "data").with_suffix("").parts[1] for path in files} == {*page} - {*OPTIONAL}


def of_people() -> list[list[str]]:
    part = PAGE.read_text("utf-8").split("\n## The gene manifest\n")[1].split("\n## ")[0]
    lines = [line for line in part.splitlines() if line.startswith("| ")][1:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_gene_manifest__is_explained_column_by_column() -> None:
    named = [name for _, columns, _ in of_people() for name in re.findall(r"`(\w+)`", columns)]
    assert sorted(named) == sorted(GENE_MANIFEST.names)


@needs_weights
def test_gene_manifest__adds_up_as_the_page_says(built_folder, monkeypatch) -> None:
    """The page's snippet reads it; its sums hold on real genes."""
    (snippet,) = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    monkeypatch.chdir(built_folder / "data/examples")
    names: dict[str, Any] = {}
    exec(compile(snippet, "docs/tables.md", "exec"), names)
    genes: pl.DataFrame = names["genes"]
    assert genes.columns == GENE_MANIFEST.names
    assert names["hardest"]["fn"].is_sorted(descending=True)
    groups = {"n_rows": ("rows_donor", "rows_acceptor", "rows_neither")}
    groups["rows_neither"] = tuple(f"rows_{tier}" for tier in ("hard", "mid", "low", "decoy", "near", "easy"))
    for total, parts in groups.items():
        assert genes[total].to_list() == genes.select(pl.sum_horizontal(parts)).to_series().to_list()
    examples = pl.concat(pl.read_parquet(name) for name in sorted(set(genes["file_name"])))
    rows = examples.group_by("chrom", "gene_id").len()
    assert genes.join(rows, on=["chrom", "gene_id"]).select((pl.col("len") == pl.col("n_rows")).all()).item()
    assert genes["reason"].to_list() == [f"listed as {name}" for name in genes["gene_name"]]
    assert genes["global_index"].to_list() == list(range(genes.height))
