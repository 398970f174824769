"""docs/columns.md is written from the contract; set WRITE_GOLDEN=1 to write it anew, and read the difference."""

import os
import re
from itertools import groupby
from pathlib import Path

from builder_assets.dataset.card.text import markdown_rows
from builder_assets.dataset.columns import feature_blocks, training_examples_contract
from builder_assets.dataset.features.kmers import kmer_columns
from builder_assets.settings import FeatureSettings
from resources.table_contract import Column

PAGE = Path(__file__).parents[2] / "docs" / "columns.md"
EVERYTHING = FeatureSettings(
    kmers=(3,),
    ensemble_sd=True,
    annotation_features=True,
    conservation="given",
    window_sequence=True,
    window_one_hot=True,
)
INTRODUCTION = """\
# Columns of `training_examples`

Written from the table contract by `tests/dataset/test_columns_page.py`, which fails where this page is behind.
Every column is computed alike on every row, whatever its label. No float is NaN or infinite. A column has nulls only
where its meaning says when. Role, unit, legal values and meaning stand in the Parquet files too, as metadata of each
field. [Features](features.md) says which setting turns a block on; the [Data dictionary](tables.md) has all other
tables.
"""
# Columns that differ in one base or shift only stand on one line.
SERIES = (re.compile(r"^(base)_(?:[mp]\d+|0)$"), re.compile(r"^(\d+mer)_[ACGT]+$"))


def series_of(column: Column) -> str:
    found = [match[1] for pattern in SERIES if (match := pattern.match(column.name))]
    return found[0] if found else column.name


def line(columns: list[Column]) -> list[str]:
    first, last = columns[0], columns[-1]
    name = f"`{first.name}`" if len(columns) == 1 else f"`{first.name}` .. `{last.name}` ({len(columns)})"
    null = "yes" if first.nullable else "no"
    return [name, first.role, first.dtype, first.unit, first.values, null, first.description]


def table(columns: tuple[Column, ...]) -> str:
    lines = [line(list(part)) for _, part in groupby(columns, key=series_of)]
    return markdown_rows(("column", "role", "type", "unit", "legal values", "null", "meaning"), lines)


def page() -> str:
    contract, blocks = training_examples_contract(EVERYTHING), feature_blocks(EVERYTHING)
    of_blocks = {column.name for columns in blocks.values() for column in columns}
    others = tuple(column for column in contract.columns if column.name not in of_blocks)
    sections = {"Keys, labels, groups, metadata, leakage, weight": table(others)}
    sections |= {f"Block {name}": table(columns) for name, columns in blocks.items()}
    sections["Block kmers with `kmer_values: frequencies`"] = table(kmer_columns((3,), "frequencies"))
    text = "\n".join(f"## {title}\n\n{content}\n" for title, content in sections.items())
    return f"{INTRODUCTION}\nSchema version {contract.schema_version}.\n\n{text}"


def test_columns_page__is_what_the_contract_says() -> None:
    if os.environ.get("WRITE_GOLDEN"):
        PAGE.write_text(page(), encoding="utf-8")
    assert page() == PAGE.read_text(encoding="utf-8")


def test_columns__numbers_of_features_have_a_unit_or_a_range() -> None:
    for column in training_examples_contract(EVERYTHING).columns:
        if column.role in ("feature", "annotation_feature") and column.dtype.startswith(("int", "uint", "float")):
            assert column.unit or column.values, column.name
