"""What is pending, and which runs can start: decided from the graph and the states of its cells alone."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from builder_assets.manifest.graph import Cell, Node, cells_of, parents_of
from builder_assets.manifest.states import Status


@dataclass(frozen=True)
class Layer:
    """Assets of one partition that can be built in one run."""

    partition: str
    assets: tuple[str, ...]

    @property
    def cells(self) -> list[Cell]:
        """What the run will build."""
        return [Cell(asset, self.partition) for asset in self.assets]


class IncompleteInputError(RuntimeError):
    """An asset over all chromosomes was asked for before every chromosome of its inputs was built and fresh."""


def pending_cells(nodes: Mapping[str, Node], statuses: Mapping[Cell, Status]) -> set[Cell]:
    """Cells that are not built, and all cells below them."""
    pending: set[Cell] = set()
    for cell in cells_of(nodes):
        if cell in statuses and (
            not statuses[cell].is_built or any(parent in pending for parent in parents_of(nodes, cell))
        ):
            pending.add(cell)
    return pending


def next_layers(
    nodes: Mapping[str, Node],
    statuses: Mapping[Cell, Status],
    wanted: Iterable[Cell] | None = None,
    given_up: Iterable[Cell] = (),
) -> list[Layer]:
    """The runs that can start now: per partition, everything whose inputs are built or in the same run.

    Args:
        nodes: The asset graph, parents first.
        statuses: State of every cell.
        wanted: Cells that may be built; all where not given.
        given_up: Cells that are left out, and all below them.
    """
    cells = cells_of(nodes)
    wanted_cells = set(cells if wanted is None else wanted)
    blocked, pending = set(given_up), pending_cells(nodes, statuses)
    chosen: dict[tuple[tuple[str, ...], str], dict[str, None]] = {}
    for cell in cells:
        parents = parents_of(nodes, cell)
        run = (nodes[cell.asset].partitions, cell.partition)  # genomes may list other chromosomes
        if cell in blocked or any(parent in blocked for parent in parents):
            blocked.add(cell)
        elif cell in wanted_cells and not statuses[cell].is_built:
            together = chosen.get(run, {})
            if all(
                parent not in pending or (parent.partition == cell.partition and parent.asset in together)
                for parent in parents
            ):
                chosen.setdefault(run, {})[cell.asset] = None
    return [Layer(partition, _whole_steps(nodes, assets)) for (_, partition), assets in chosen.items()]


def _whole_steps(nodes: Mapping[str, Node], assets: Iterable[str]) -> tuple[str, ...]:
    """`assets` and those made by the same steps, in build order: one step makes several tables at once."""
    steps = {nodes[name].step for name in assets}
    return tuple(name for name, node in nodes.items() if node.step in steps)


def require_fresh(nodes: Mapping[str, Node], statuses: Mapping[Cell, Status], asset: str) -> None:
    """Raise unless every partition of the inputs of `asset` is built and fresh.

    Args:
        nodes: The asset graph, parents first.
        statuses: State of every cell that `asset` is made from, directly or not.
        asset: The asset that is to be built.

    Raises:
        IncompleteInputError: names the partitions that are not, and why.
    """
    pending = pending_cells(nodes, statuses)
    inputs = {parent for cell in nodes[asset].cells for parent in parents_of(nodes, cell)}
    behind = sorted(cell for cell in inputs if cell in pending)
    if behind:
        shown = "; ".join(
            f"{cell} ({statuses[cell].causes[0] if statuses[cell].causes else 'an input of it is stale'})"
            for cell in behind[:5]
        )
        raise IncompleteInputError(
            f"{asset} needs every partition of its inputs; {len(behind)} are not built or not fresh: {shown}. "
            "`builder build` builds them first."
        )
