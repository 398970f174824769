"""The Markdown of a dataset card: a YAML head for Hugging Face and a body for people. Facts come ready counted."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import polars as pl
import yaml

from builder_assets.base_model.report_tables import gene_mean_table, gene_type_table, pooled_table

DATA_FILES = "training_examples/*.parquet"
# Hugging Face's own names for sizes.
SIZE_CATEGORIES = (
    (1_000, "n<1K"),
    (10_000, "1K<n<10K"),
    (100_000, "10K<n<100K"),
    (1_000_000, "100K<n<1M"),
    (10_000_000, "1M<n<10M"),
    (100_000_000, "10M<n<100M"),
    (1_000_000_000, "100M<n<1B"),
    (10_000_000_000, "1B<n<10B"),
)
INTRODUCTION = """\
Training examples for meta-models that correct a splice-site predictor. One row is one base of one gene,
keyed by (`chrom`, `gene_id`, `position`); positions are 1-based on the + strand. The label says whether the annotation
has a donor (last exon base), an acceptor (first exon base) or neither there; it never depends on a score.
Sites are complete; negatives are sampled in tiers of the base model's score and carry `sample_weight`, the number of
bases that each stands for. A meta-model is to be judged on every base of held-out genes, never on these rows."""

LOADING = """\
Splits are a column (`split`), so that a whole chromosome stays in one file.

```python
import polars as pl
train = pl.scan_parquet("training_examples/*.parquet").filter(pl.col("split") == "train").collect()
```
```sql
-- DuckDB
SELECT * FROM 'training_examples/*.parquet' WHERE split = 'train';
```
```python
import pandas as pd
train = pd.read_parquet("training_examples", filters=[("split", "==", "train")])
```

Train on columns whose role is `feature`, weighted by `sample_weight`. Columns of role `leakage` tell the label.
The role of every column stands in the Parquet schema's field metadata and in the JSON card."""


def card_markdown(facts: Mapping[str, Any], performance: pl.DataFrame) -> str:
    """The card as Markdown with a YAML head.

    Args:
        facts: The JSON part of the card, as `card.dataset_card` makes it.
        performance: Single numbers of the base model: scope, labels, kind, metric, value.
    """
    sections = {
        "Licence": facts["licence"]["text"],
        "How to load it": LOADING,
        "Counts": _counts_text(facts["counts"]),
        "Weights": markdown_rows(
            ("tier", "rows", "weight", "weight_max", "effective_rows"), [row.values() for row in facts["weights"]]
        )
        + "\n\nEffective rows = (sum of weights)^2 / sum of squared weights.",
        "P(site) by score": _p_site_text(facts["score_bins"], facts["notes"]),
        "Base model": _model_text(performance),
        "Features": _feature_text(facts["features"], facts["columns"]),
        "Other columns": _other_columns_text(facts["columns"]),
        "Settings": _yaml_block(facts["config"]),
        "Versions": markdown_rows(("what", "version"), sorted(facts["versions"].items())),
        "Inputs": markdown_rows(("input", "hash"), sorted(facts["inputs"].items())),
    }
    body = "\n\n".join(f"## {title}\n\n{text}" for title, text in sections.items())
    warning = in_sample_warning(facts["in_sample"])
    introduction = f"{INTRODUCTION}\n\n{warning}" if warning else INTRODUCTION
    return f"---\n{_head(facts)}---\n\n# {facts['name']}\n\n{introduction}\n\n{body}\n"


def size_category(rows: int) -> str:
    """Hugging Face's name for a number of rows."""
    return next((name for limit, name in SIZE_CATEGORIES if rows < limit), "10B<n<100B")


def in_sample_warning(in_sample: Mapping[str, int]) -> str:
    """A warning where training rows lie on chromosomes that the base model was trained on, else nothing."""
    seen, rows = in_sample["train_rows_seen"], in_sample["train_rows"]
    if not seen:
        return ""
    return (
        f"> **Warning.** {seen:,} of {rows:,} training rows ({seen / rows:.0%}) lie on chromosomes that the base model "
        "was trained on (`base_model_seen`). Its scores are better there than on unseen genes; a meta-model trained "
        "on them will trust the scores too much. The split preset `stacking` avoids this."
    )


def _head(facts: Mapping[str, Any]) -> str:
    head = {
        "pretty_name": facts["name"],
        "license": "other",
        "license_name": facts["licence"]["name"],
        "license_link": facts["licence"]["link"],
        "task_categories": ["tabular-classification"],
        "tags": ["biology", "genomics", "splicing", "splice-sites", "tabular"],
        "size_categories": [size_category(facts["counts"]["rows"])],
        "configs": [{"config_name": "default", "data_files": DATA_FILES}],
    }
    return yaml.safe_dump(head, sort_keys=False, allow_unicode=True)


def _counts_text(counts: Mapping[str, Any]) -> str:
    first = f"{counts['rows']:,} rows from {counts['genes']:,} genes ({counts['genes_without_rows']:,} without rows)."
    splits = _crossed("split", counts["rows_by_split_and_label"], {"genes": counts["genes_by_split"]})
    others = [
        _crossed(title, counts[f"rows_by_{key}"])
        for title, key in (
            ("chromosome", "chromosome_and_label"),
            ("gene type", "gene_type_and_label"),
            ("sites and tiers of negatives", "split_and_tier"),
        )
    ]
    return "\n\n".join([first, splits, "![rows per split and tier](rows.svg)", *others])


def _crossed(
    title: str, cells: Mapping[str, Mapping[str, int]], more: Mapping[str, Mapping[str, int]] | None = None
) -> str:
    """A table of counts with a sum per row; `more` puts columns of other counts before it, 0 where it lacks a row."""
    more = more or {}
    names = list(dict.fromkeys([*cells, *(key for column in more.values() for key in column)]))
    words = list(next(iter(cells.values())))
    rows = []
    for name in names:
        own = [cells.get(name, {}).get(word, 0) for word in words]
        rows.append([name, *(column.get(name, 0) for column in more.values()), *own, sum(own)])
    return markdown_rows((title, *more, *words, "rows"), rows)


def _p_site_text(score_bins: Sequence[Mapping[str, Any]], notes: Sequence[str]) -> str:
    explained = (
        "P(site) is the share of sites among the bases whose highest score lies in a bin: among the rows, among the "
        "rows weighted by `sample_weight`, and among all bases of the genes. A model trained on rows must see the "
        "last one, so train with the weights."
    )
    table = markdown_rows(tuple(score_bins[0]), [row.values() for row in score_bins])
    return "\n\n".join([explained, table, "![P(site) by score](p_site.svg)", *(f"> **Note.** {n}" for n in notes)])


def _model_text(performance: pl.DataFrame) -> str:
    if performance.is_empty():
        return "No performance was reported."
    tables = {
        "Pooled, each base once. XP: calls that another gene's site explains.": pooled_table(performance),
        "Means over genes.": gene_mean_table(performance),
        "By gene type, both kinds, summed over genes.": gene_type_table(performance),
    }
    parts = [f"{title}\n\n{markdown_rows(t.columns, t.iter_rows())}" for title, t in tables.items() if t.height]
    return "\n\n".join([*parts, "![precision over recall of the base model](base_model.svg)"])


def _feature_text(summary: Sequence[Mapping[str, Any]], columns: Sequence[Mapping[str, Any]]) -> str:
    """Values and meaning of every feature."""
    known = {column["name"]: column for column in columns}
    rows = []
    for row in summary:
        column = known[row["column"].split(" .. ")[0]]
        meaning = f"{row['columns']} columns. {column['description']}" if row["columns"] > 1 else column["description"]
        numbers = [row[word] for word in ("null_share", "minimum", "mean", "sd", "maximum")]
        rows.append((f"`{row['column']}`", column["role"], column.get("unit", ""), *numbers, meaning))
    return markdown_rows(("column", "role", "unit", "null", "min", "mean", "sd", "max", "meaning"), rows)


def _other_columns_text(columns: Sequence[Mapping[str, Any]]) -> str:
    others = [c for c in columns if c["role"] not in ("feature", "annotation_feature")]
    return markdown_rows(("column", "role", "type", "meaning"), [(f"`{c['name']}`", *_facts_of(c)) for c in others])


def _facts_of(column: Mapping[str, Any]) -> tuple[str, str, str]:
    return column["role"], column["dtype"], column["description"]


def _yaml_block(content: Mapping[str, Any]) -> str:
    return f"```yaml\n{yaml.safe_dump(dict(content), sort_keys=True, allow_unicode=True)}```"


def markdown_rows(head: Sequence[str], rows: Iterable[Iterable[Any]]) -> str:
    """A Markdown table; numbers are rounded for people."""
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    lines += ["| " + " | ".join(_cell(value) for value in row) + " |" for row in rows]
    return "\n".join(lines)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    return f"{value:,}" if isinstance(value, int) else str(value).replace("|", "\\|")
