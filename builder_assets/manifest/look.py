"""What is known of the cells at one time: the graph, where the tables lie, and one look at the event log."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import dagster as dg

from builder_assets.manifest.graph import Cell, Node, parents_of
from builder_assets.manifest.history import History
from resources.table_store import TableStore


@dataclass(frozen=True)
class Look:
    """The record of every cell, as it was when `history` was read.

    Attributes:
        nodes: The asset graph, parents first.
        store: Where the tables lie.
        history: What the event log said.
    """

    nodes: Mapping[str, Node]
    store: TableStore
    history: History

    def path_of(self, cell: Cell) -> Path:
        """The file that marks a cell as built."""
        return self.store.path_of(self.nodes[cell.asset].key, cell.partition or None)

    def record(self, cell: Cell) -> dg.AssetMaterialization | None:
        """The latest materialisation of a cell."""
        return self.history.record(self.nodes[cell.asset].key, cell.partition)

    def data_version(self, cell: Cell) -> str | None:
        """The hash of the cell's values, as recorded; None where nothing is."""
        record = self.record(cell)
        return (record.tags or {}).get("dagster/data_version") if record else None

    def input_versions(self, cell: Cell) -> dict[str, str]:
        """Recorded data version of every cell that `cell` is made from: `asset` or `asset/partition`."""
        recorded = [parent for parent in parents_of(self.nodes, cell) if self.record(parent) is not None]
        return {_file_name(parent): self.data_version(parent) or "" for parent in recorded}

    def verdicts(self, cell: Cell) -> dict[dg.AssetCheckKey, dg.AssetCheckEvaluation | None]:
        """Every check on the tables of the cell's step, and what it found; None where it never judged the content."""
        verdicts = {}
        for asset, name in self.nodes[cell.asset].checks:
            key = dg.AssetCheckKey(self.nodes[asset].key, name)
            verdicts[key] = self.history.verdict(key, self.data_version(Cell(asset, cell.partition)) or "")
        return verdicts


def _file_name(cell: Cell) -> str:
    return f"{cell.asset}/{cell.partition}" if cell.partition else cell.asset
