"""Which stored tables are not what would be built now, and why: asked of the manifest before they are shown."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from builder_assets.manifest import Cell, Node, State, Status, ancestors, parents_of, pending_cells
from builder_assets.project.folder import Project
from builder_assets.project.stored import MOST_NAMED, NotBuiltError


@dataclass(frozen=True)
class Behind:
    """A partition of a table that is not built and fresh.

    Attributes:
        cell: The partition.
        cause: Why, in words.
        is_there: Whether its files are there all the same, so that old values can be shown.
        was_built: Whether the history knows it; what was never built may be left out, what is gone may not.
    """

    cell: Cell
    cause: str
    is_there: bool
    was_built: bool


def tables_behind(project: Project, assets: Collection[str]) -> list[Behind]:
    """Partitions of `assets` that are not built and fresh, or are made from such; none where all are."""
    nodes = project.manifest.nodes
    above = set().union(*(ancestors(nodes, asset) for asset in assets))
    statuses = project.manifest.statuses(project.instance, above | set(assets))
    pending = pending_cells(nodes, statuses)
    return [
        _behind(project, statuses[cell], _cause(nodes, statuses, pending, cell))
        for cell in statuses
        if cell.asset in assets and cell in pending
    ]


def _cause(nodes: Mapping[str, Node], statuses: Mapping[Cell, Status], pending: set[Cell], cell: Cell) -> str:
    """Why a cell is pending: its own causes, else those of what it is made from, and of which table."""
    first = cell
    while statuses[first].is_built:
        first = next(parent for parent in parents_of(nodes, first) if parent in pending)
    causes = "; ".join(statuses[first].causes)
    return causes if first == cell else f"an input is stale: {first}: {causes}"


def _behind(project: Project, status: Status, cause: str) -> Behind:
    was_built = status.rows is not None
    has_file = project.manifest.path_of(status.cell).is_file()
    is_there = has_file and not (status.state is State.MISSING and was_built)  # a file beside the table is gone
    unknown = has_file and status.state is State.MISSING and not was_built
    return Behind(status.cell, "the history does not know it" if unknown else cause, is_there, was_built)


def listed(behind: Collection[Behind]) -> str:
    """The first few, each with its cause."""
    shown = "; ".join(f"{one.cell} ({one.cause})" for one in list(behind)[:MOST_NAMED])
    return shown + (f" and {len(behind) - MOST_NAMED} more" if len(behind) > MOST_NAMED else "")


def require_there(behind: Iterable[Behind]) -> None:
    """Raise where a table that was built once is gone.

    Raises:
        NotBuiltError: names what is gone, and how many.
    """
    gone = [one for one in behind if one.was_built and not one.is_there]
    if gone:
        raise NotBuiltError(
            f"{len(gone)} tables that are read here are gone: {listed(gone)}. `builder build` makes them again."
        )


def stale_lines(behind: Iterable[Behind]) -> Iterator[str]:
    """One line per table and cause for those that are there, to be said wherever their values are shown."""
    for where, cause in _by_cause(one for one in behind if one.is_there):
        yield f"stale: {where}: {cause}; `builder build` makes it anew."


def left_out_lines(behind: Iterable[Behind]) -> Iterator[str]:
    """One line per table and cause for those that are not there, where others of their table are shown."""
    for where, cause in _by_cause(one for one in behind if not one.is_there):
        yield f"left out: {where}: {cause}; `builder build` makes it."


def _by_cause(behind: Iterable[Behind]) -> Iterator[tuple[str, str]]:
    """`asset[partitions]` and cause, partitions of one asset that have one cause together."""
    causes: dict[tuple[str, str], list[str]] = {}
    for one in behind:
        causes.setdefault((one.cell.asset, one.cause), []).append(one.cell.partition)
    for (asset, cause), partitions in causes.items():
        yield (asset if partitions == [""] else f"{asset}[{', '.join(partitions)}]"), cause
