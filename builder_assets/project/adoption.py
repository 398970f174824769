"""`builder adopt`: a history from the files on disk, where the history was lost, damaged, or the files moved.

Nothing is derived anew. Input files are read and registered again, since only their content says that they are the
ones; whole tables that are what would be built now are recorded; checks judge what is recorded.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from builder_assets.manifest import Cell, State, Status, cells_of, next_layers
from builder_assets.project.building import LayerResult, current_statuses, reap_dead_runs, run_layer
from builder_assets.project.folder import Project, alone


@dataclass(frozen=True)
class Adoption:
    """What an adoption found.

    Attributes:
        recorded: Cells that are built now and were not before, their files untouched.
        behind: Cells with a file that is not what would be built now, with the cause.
        absent: Cells without a file, which no build here or elsewhere left.
        failures: Input files that could not be registered.
    """

    recorded: tuple[Cell, ...]
    behind: tuple[Status, ...]
    absent: tuple[Cell, ...]
    failures: tuple[str, ...]


def adopt(project: Project) -> Adoption:
    """Record what lies in data_dir, and judge it; derives nothing.

    Raises:
        BuildInProgressError: another command that writes works in this folder.
    """
    with alone(project.settings.root):
        reap_dead_runs(project.instance)
        before = project.manifest.statuses(project.instance)
        failures = [failure for result in _registered(project) for failure in result.failures]
        after = current_statuses(project)
    recorded = tuple(cell for cell, status in after.items() if status.is_built and not before[cell].is_built)
    behind = [status for status in after.values() if not status.is_built]
    absent = tuple(status.cell for status in behind if not project.manifest.path_of(status.cell).is_file())
    there = tuple(_told(project, status) for status in behind if status.cell not in absent)
    return Adoption(recorded, there, absent, tuple(failures))


def _told(project: Project, status: Status) -> Status:
    """The status of a file without a record, with what is wrong with the file."""
    misfit = project.manifest.misfit_of(project.instance, status.cell) if status.state is State.MISSING else ""
    return replace(status, causes=(misfit,)) if misfit else status


def _registered(project: Project) -> Iterator[LayerResult]:
    """Runs that read input files which are not registered as they are now."""
    inputs = [cell for cell in cells_of(project.manifest.nodes) if project.manifest.nodes[cell.asset].input_files]
    given_up: set[Cell] = set()
    while layers := next_layers(project.manifest.nodes, current_statuses(project), inputs, given_up):
        for layer in layers:
            yield run_layer(project, layer)
            given_up |= set(layer.cells)
