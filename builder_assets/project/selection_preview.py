"""What a dataset would take, before anything is scored; and when an error policy cannot be built by chromosome.

Reads built tables and settings; writes nothing.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import polars as pl

from builder_assets.base_model.assets import gene_request
from builder_assets.dataset.split_table import user_sides
from builder_assets.dataset.splits import assign_splits, dataset_genes
from builder_assets.manifest import Cell, ancestors, pending_cells
from builder_assets.project.building import Scope
from builder_assets.project.folder import Project
from builder_assets.selection import GeneSelection, genes_to_judge
from resources.gene_tables import read_gene_table
from resources.table_files import scan

TYPICAL_RATE = 20_000.0  # bases per second on two CPU cores, benchmarks/NOTES.md
KEY = ["chrom", "gene_id"]


class PreviewError(ValueError):
    """A preview or a build by chromosome is not possible; the text says what has to be built first."""


@dataclass(frozen=True)
class SelectionPreview:
    """What a dataset would take.

    Attributes:
        dataset: Its name.
        policy: Its policy.
        selection: The genes chosen; None where the policy ranks by errors that are not known yet.
        table: GENE_SELECTION as it would be; the candidates to score where `selection` is None.
        to_score: Genes and bases that have no scores yet.
        rate: Bases per second.
        measured: Whether the rate was measured in this project.
    """

    dataset: str
    policy: str
    selection: GeneSelection | None
    table: pl.DataFrame
    to_score: tuple[int, int]
    rate: float
    measured: bool

    @property
    def seconds(self) -> float:
        """Expected scoring time."""
        return self.to_score[1] / self.rate

    @property
    def shown_columns(self) -> list[str]:
        """Columns of the list of genes."""
        return [name for name in ("rank", *KEY, "gene_name", "split", "reason") if name in self.table.columns]

    def shown(self, limit: int) -> Iterator[list[str]]:
        """The first genes as text."""
        for row in self.table.select(self.shown_columns).head(limit).iter_rows():
            yield ["" if value is None else str(value) for value in row]

    def lines(self) -> list[str]:
        """The preview in words."""
        genes, bases = self.to_score
        source = "as measured here" if self.measured else "typical of two CPU cores; none was measured here yet"
        cost = f"to score: {genes:,} genes, {bases:,} bases, about {self.seconds / 60:,.1f} min at {self.rate:,.0f} "
        cost += f"bases/s ({source})"
        if self.selection is None:
            return [
                f"{self.dataset}: policy {self.policy} ranks by the base model's errors, which are not all known yet.",
                f"{self.table.height:,} candidates have to be scored and evaluated first; they are listed.",
                cost,
            ]
        taken = self.table.filter("is_selected")
        sides = ", ".join(f"{side} {n}" for side, n in taken.group_by("split").len().sort("split").iter_rows())
        head = (
            f"{self.dataset}: policy {self.policy} takes {taken.height:,} of {self.selection.n_candidates:,} candidates"
        )
        refused = (
            f"refused: {self.selection.n_refused_intronless:,} without a splice site, "
            f"{self.selection.n_refused_n:,} mostly unknown bases"
        )
        return [f"{head} ({sides}).", refused, *self.selection.notes, cost]

    def as_dict(self) -> dict[str, Any]:
        """The preview for a program."""
        return {
            "dataset": self.dataset,
            "policy": self.policy,
            "candidates": self.selection.n_candidates if self.selection else self.table.height,
            "known": self.selection is not None,
            "genes_to_score": self.to_score[0],
            "bases_to_score": self.to_score[1],
            "bases_per_second": self.rate,
            "expected_seconds": round(self.seconds, 1),
            "notes": list(self.selection.notes) if self.selection else [],
            "genes": self.table.select(self.shown_columns).to_dicts(),
        }


def preview_selection(project: Project, name: str) -> SelectionPreview:
    """What dataset `name` would take, from the tables that are built.

    Raises:
        PreviewError: the dataset is unknown, or genome tables are not built.
        SelectionError: the choice cannot be met.
    """
    settings = project.settings
    if name not in settings.datasets:
        raise PreviewError(
            f"dataset {name!r} is not in the settings; known: {', '.join(settings.datasets) or '(none)'}."
        )
    dataset = settings.datasets[name]
    model = settings.base_models[dataset.base_model]
    genes = _built(project, f"{model.genome}/genes")
    units = _built(project, f"{model.genome}/split_units")
    request = gene_request(dataset.genes, settings)
    performance = None
    if dataset.genes.reads_performance and not _missing(project, f"{dataset.base_model}/gene_performance"):
        performance = _built(project, f"{dataset.base_model}/gene_performance")
    wanted = genes_to_judge(genes, request.choice, request.include, request.exclude)
    wanted = wanted.join(genes, on=KEY, how="left", maintain_order="left")
    selection, table = None, wanted
    if performance is not None or not dataset.genes.reads_performance:
        split_file = dataset.splits.file and settings.path(dataset.splits.file)
        sides = user_sides(read_gene_table(split_file, ("gene_id", "split")), genes) if split_file else None
        selection = dataset_genes(genes, units, request, dataset.splits, performance, sides)
        table = assign_splits(selection.table, units, dataset.splits, model.trained_on, sides).sort(
            "rank", nulls_last=True
        )
    unscored = wanted.join(_scored(project, dataset.base_model), on=KEY, how="anti")
    rate = measured_rate(project, dataset.base_model)
    cost = (unscored.height, int(unscored["length"].sum()))
    return SelectionPreview(name, dataset.genes.policy, selection, table, cost, rate or TYPICAL_RATE, rate is not None)


def measured_rate(project: Project, base_model: str) -> float | None:
    """Bases per second of the latest scoring that scored at all; None if nothing was scored in this project."""
    key = project.manifest.nodes[f"{base_model}/splice_scores"].key
    for record in project.instance.fetch_materializations(key, limit=100).records:
        metadata = record.asset_materialization.metadata if record.asset_materialization else {}
        rate = metadata.get("bases_per_second")
        if rate is not None and float(str(rate.value)) > 0:
            return float(str(rate.value))
    return None


def check_error_policies(project: Project, scope: Scope) -> None:
    """Raise where a build limited to chromosomes includes an error policy that lacks performance of any chromosome.

    Raises:
        PreviewError: names the datasets and the chromosomes.
    """
    if not scope.chromosomes or (scope.genomes and not scope.datasets):
        return
    names = scope.datasets or tuple(project.settings.datasets)
    ranked = [name for name in names if project.settings.datasets[name].genes.reads_performance]
    lacking = {
        name: missing
        for name in ranked
        if (missing := _missing(project, f"{project.settings.datasets[name].base_model}/gene_performance"))
    }
    if lacking:
        shown = "; ".join(
            f"{name} ({project.settings.datasets[name].genes.policy}) lacks {', '.join(missing)}"
            for name, missing in lacking.items()
        )
        raise PreviewError(
            f"{len(lacking)} datasets choose genes by errors over all chromosomes, and performance is not built for "
            f"every one: {shown}. Build without --chromosome first, or name other datasets with --dataset."
        )


def _missing(project: Project, asset: str) -> list[str]:
    """Partitions of an asset that are not built, or whose inputs are not: what they hold may be of other genes."""
    nodes = project.manifest.nodes
    pending = pending_cells(nodes, project.manifest.statuses(project.instance, {asset} | ancestors(nodes, asset)))
    return [cell.partition for cell in nodes[asset].cells if cell in pending]


def _built(project: Project, asset: str) -> pl.DataFrame:
    cells = project.manifest.nodes[asset].cells
    behind = set(_missing(project, asset))
    missing = [str(cell) for cell in cells if cell.partition in behind]
    if missing:
        raise PreviewError(
            f"{len(missing)} tables that a preview reads are not built or not fresh: {', '.join(missing[:5])}. "
            f"`builder build --genome {cells[0].asset.split('/')[0]}` builds them; nothing is scored."
        )
    return _collected(project, cells)


def _scored(project: Project, base_model: str) -> pl.DataFrame:
    """Genes that have scores."""
    cells = project.manifest.nodes[f"{base_model}/splice_scores"].cells
    there = [cell for cell in cells if project.manifest.path_of(cell).is_file()]
    none = pl.DataFrame(schema=dict.fromkeys(KEY, pl.String))
    return pl.concat([none, *[scan(project.manifest.path_of(cell)).select(KEY).collect() for cell in there]])


def _collected(project: Project, cells: Iterable[Cell]) -> pl.DataFrame:
    return pl.concat([scan(project.manifest.path_of(cell)) for cell in cells]).collect()
