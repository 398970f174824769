"""The Markdown of a dataset card: a YAML head for Hugging Face and a body for people. Facts come ready counted."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import yaml

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


def card_markdown(facts: Mapping[str, Any]) -> str:
    """The card as Markdown with a YAML head.

    Args:
        facts: The JSON part of the card, as `card.dataset_card` makes it.
    """
    counts = facts["counts"]
    sections = {
        "Licence": facts["licence"]["text"],
        "Counts": _counts_text(counts),
        "Weights": _table(
            ("tier", "rows", "weight", "weight_max", "effective_rows"), [row.values() for row in facts["weights"]]
        )
        + "\n\nEffective rows = (sum of weights)^2 / sum of squared weights.",
        "P(site) by score": _table(tuple(facts["score_bins"][0]), [row.values() for row in facts["score_bins"]]),
        "Base model": _model_text(facts["base_model"]),
        "Columns": _table(
            ("role", "columns", "names"),
            [(role, len(names), _shown(names)) for role, names in facts["columns_by_role"].items()],
        ),
        "How to load it": LOADING,
        "Settings": _yaml_block(facts["config"]),
        "Versions": _table(("what", "version"), sorted(facts["versions"].items())),
        "Inputs": _table(("input", "hash"), sorted(facts["inputs"].items())),
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
    tables = [
        _table((title, "rows"), counts[key].items())
        for title, key in (
            ("label", "rows_by_label"),
            ("tier of negatives", "rows_by_tier"),
            ("chromosome", "rows_by_chromosome"),
            ("split", "rows_by_split"),
            ("gene type", "rows_by_gene_type"),
        )
    ]
    return "\n\n".join([first, _table(("split", "genes"), counts["genes_by_split"].items()), *tables])


def _model_text(values: Sequence[Mapping[str, Any]]) -> str:
    if not values:
        return "No performance was reported."
    return _table(tuple(values[0]), [row.values() for row in values])


def _yaml_block(content: Mapping[str, Any]) -> str:
    return f"```yaml\n{yaml.safe_dump(dict(content), sort_keys=True, allow_unicode=True)}```"


def _table(head: Sequence[str], rows: Iterable[Iterable[Any]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    lines += ["| " + " | ".join(_cell(value) for value in row) + " |" for row in rows]
    return "\n".join(lines)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    return f"{value:,}" if isinstance(value, int) else str(value).replace("|", "\\|")


def _shown(names: Sequence[str], limit: int = 60) -> str:
    more = f", .. and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(f"`{name}`" for name in names[:limit]) + more
