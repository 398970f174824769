"""The outcome of a meta-model baseline for people: Markdown and a picture."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from builder_assets.base_model.kind_tracks import KINDS
from builder_assets.dataset.card.text import markdown_rows
from builder_assets.pictures import COLOURS, STYLE, svg_text

MOST_GENES = 20
POOLED_HEAD = (
    "kind",
    "model",
    "n_sites",
    "calls",
    "tp",
    "fp",
    "fn",
    "precision",
    "recall",
    "average_precision",
    "top_k_accuracy",
)
GENE_HEAD = ("gene_name", "n_sites", "fp_base", "fn_base", "fp_meta", "fn_meta", "corrected", "introduced")


def baseline_markdown(name: str, facts: Mapping[str, Any]) -> str:
    """The report on a baseline; a result below the base model is said as plainly as one above."""
    errors, genes = facts["errors"], facts["errors_by_gene"]
    changed = [gene for gene in genes if gene["corrected"] or gene["introduced"]]
    shown = changed if len(changed) <= MOST_GENES else [*changed[: MOST_GENES // 2], *changed[-MOST_GENES // 2 :]]
    sections = {
        f"Meta-model baseline of {name}": (
            f"A gradient-boosted model on {facts['features']} columns of role `feature`, starting from the base "
            f"model's probabilities, trained on {facts['training_rows']:,} rows in {facts['folds']} folds over split "
            f"units. Judged on all {facts['bases']:,} bases of {facts['genes']:,} genes, each by the model that saw no "
            "gene of its unit; other genes' sites are masked for both models.\n\n" + verdict(facts["pooled"])
        ),
        "Every base, pooled": _table(POOLED_HEAD, facts["pooled"])
        + f"\n\nCalls, precision and recall at {facts['threshold']:g}. average_precision is the area under the "
        "precision-recall curve.\n\n![precision over recall, calibration](meta_model_baseline.svg)",
        "Errors": f"{errors['corrected']:,} errors of the base model corrected, {errors['introduced']:,} introduced, "
        f"in {len(changed)} of {len(genes)} genes. Those that gain and lose most:\n\n" + _table(GENE_HEAD, shown),
        "Calibration": _table(tuple(facts["calibration"][0]), facts["calibration"]),
        "What the trees use": _table(("feature", "share_of_gain"), facts["importances"]),
    }
    return (
        "\n\n".join(f"{'##' if step else '#'} {title}\n\n{text}" for step, (title, text) in enumerate(sections.items()))
        + "\n"
    )


def verdict(pooled: Sequence[Mapping[str, Any]]) -> str:
    """One sentence: is the meta-model above or below the base model, in average precision and top-k, both kinds?"""
    base, meta = (next(r for r in pooled if r["kind"] == "both" and r["model"] == m) for m in ("base", "meta"))
    parts = []
    for metric, word in (("average_precision", "average precision"), ("top_k_accuracy", "top-k accuracy")):
        if base[metric] is None:
            return "No site was judged, so nothing can be said."
        difference = meta[metric] - base[metric]
        place = "above" if difference > 0 else "below" if difference < 0 else "equal to"
        parts.append(f"{word} {meta[metric]:.4f}, {place} the base model's {base[metric]:.4f}")
    return f"Donors and acceptors together: {'; '.join(parts)}."


def baseline_plot(facts: Mapping[str, Any], curves: Mapping[str, Sequence[tuple[float, float]]]) -> str:
    """Precision over recall and calibration of both models, as SVG; the base model is dashed."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(8, 3.4), layout="constrained")
        left, right = figure.subplots(1, 2)
        for label, points in curves.items():
            kind, model = label.split(", ")
            if points:
                style = "--" if model.startswith("base") else "-"
                left.plot(*zip(*points, strict=True), style, color=COLOURS[kind], label=label)
        left.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="recall", ylabel="precision")
        left.legend(frameon=False, loc="lower left")
        right.plot([0, 1], [0, 1], color="0.8")
        for kind in KINDS:
            for model, style in (("base", "o--"), ("meta", "o-")):
                rows = [r for r in facts["calibration"] if (r["kind"], r["model"]) == (kind, model)]
                means, shares = [r["mean_score"] for r in rows], [r["share_of_sites"] for r in rows]
                right.plot(means, shares, style, color=COLOURS[kind], markersize=3)
        right.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="mean score", ylabel="share of sites")
    return svg_text(figure)


def _table(head: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> str:
    return markdown_rows(head, [[row[name] for name in head] for row in rows])
