"""The manifest of one asset graph, as assets, sensors and commands are given it; the rules stand beside it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import dagster as dg

from builder_assets.manifest import plan, recovery, states
from builder_assets.manifest.graph import Cell, Node, ancestors
from builder_assets.manifest.history import History
from builder_assets.manifest.look import Look
from builder_assets.manifest.states import Status
from resources.table_store import TableStore


@dataclass
class Manifest:
    """Compares the record with the graph and the disk.

    Attributes:
        nodes: The asset graph, parents first.
        store: Where the tables lie.
    """

    nodes: dict[str, Node]
    store: TableStore
    _last_look: Look | None = field(default=None, repr=False)

    def statuses(self, instance: dg.DagsterInstance, only: Iterable[str] | None = None) -> dict[Cell, Status]:
        """State of every cell (of the assets in `only`), in build order."""
        look = self._look(instance, anew=True)
        wanted = set(self.nodes if only is None else only)
        return {
            cell: states.status_of(look, cell, attempts.get(cell.partition))
            for name, node in self.nodes.items()
            if name in wanted
            for attempts in [look.history.attempts(node.key)]
            for cell in node.cells
        }

    def recovered_statuses(self, instance: dg.DagsterInstance) -> dict[Cell, Status]:
        """Statuses after whole files that only lack a record have been recorded."""
        statuses = self.statuses(instance)
        recorded: set[Cell] = set()
        while found := set(recovery.recover(self._look(instance), statuses)) - recorded:
            recorded |= found  # what reads a recovered file may be recovered next
            statuses = self.statuses(instance)
        return statuses

    def _look(self, instance: dg.DagsterInstance, *, anew: bool = False) -> Look:
        """The look at the log that `statuses` took last."""
        last = self._last_look if self._last_look and self._last_look.history.instance is instance else None
        if last is None or anew:
            whole = tuple(node.key for node in self.nodes.values() if not node.partitions)
            history = History(instance, whole, last.history.events if last else {})
            last = self._last_look = Look(self.nodes, self.store, history)
        return last

    def require_fresh(self, instance: dg.DagsterInstance, asset: str) -> None:
        """Raise unless every partition of the inputs of `asset` is built and fresh.

        Raises:
            IncompleteInputError: names the partitions that are not, and why.
        """
        plan.require_fresh(self.nodes, self.statuses(instance, ancestors(self.nodes, asset)), asset)

    def input_versions(self, instance: dg.DagsterInstance, cell: Cell) -> dict[str, str]:
        """Recorded data version of every cell that `cell` is made from: `asset` or `asset/partition`."""
        return self._look(instance).input_versions(cell)

    def unjudged(
        self, instance: dg.DagsterInstance, statuses: Mapping[Cell, Status]
    ) -> dict[str, list[dg.AssetCheckKey]]:
        """Checks, by partition, that never judged the content of cells with which nothing else is wrong."""
        return states.unjudged_checks(self._look(instance), statuses)

    def faults_of(self, instance: dg.DagsterInstance, cell: Cell) -> list[str]:
        """What is wrong with the files of a recorded cell, every value read; empty where nothing is."""
        return recovery.faults_of(self._look(instance), cell)

    def misfit_of(self, instance: dg.DagsterInstance, cell: Cell) -> str:
        """Why the file of a cell without a record is not what would be built now; empty where it is."""
        return recovery.misfit(self._look(instance), cell)

    def path_of(self, cell: Cell) -> Path:
        """The file that marks a cell as built."""
        return self.store.path_of(self.nodes[cell.asset].key, cell.partition or None)
