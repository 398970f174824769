"""What the manifest says of a partition, and why: its record against graph, input files, disk and checks."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import dagster as dg

from builder_assets.manifest.graph import Cell
from builder_assets.manifest.history import Attempt
from builder_assets.manifest.input_files import changed_files
from builder_assets.manifest.look import Look
from builder_assets.manifest.versions import cause_of_change
from resources.table_files import file_state
from resources.table_store import FILES, INPUTS, SETTINGS

RUN_FAILED = "its last run failed"


class State(StrEnum):
    """What the manifest says of one partition."""

    BUILT = "built"
    MISSING = "missing"
    FAILED = "failed"
    STALE = "stale"
    CHANGED_INPUT = "changed input"
    UNVERIFIED = "unverified"
    IN_PROGRESS = "in progress"


@dataclass(frozen=True)
class Warned:
    """A check that found something which stops nothing, and what it said."""

    check: str
    text: str


@dataclass(frozen=True)
class Status:
    """State of one cell, and the causes in words.

    `rows` and `seconds` are those of the last build; None where there was none. `warnings` are checks on the cell's
    own table that found something which stops nothing.
    """

    cell: Cell
    state: State
    causes: tuple[str, ...] = ()
    rows: int | None = None
    seconds: float | None = None
    warnings: tuple[Warned, ...] = ()

    @property
    def is_built(self) -> bool:
        """Whether nothing has to be done for this cell itself."""
        return self.state is State.BUILT


def status_of(look: Look, cell: Cell, attempt: Attempt | None) -> Status:
    """State of one cell; `attempt` is what came of its latest run, where that recorded nothing."""
    record = look.record(cell)
    last = (_rows(record), _seconds(record))
    if attempt is Attempt.IN_PROGRESS:
        return Status(cell, State.IN_PROGRESS, ("a run is building it",), *last)
    if attempt is Attempt.FAILED:
        return Status(cell, State.FAILED, (RUN_FAILED,), *last)
    if record is None:
        return Status(cell, State.MISSING, ("never built",))
    if changed := changed_files(look.nodes[cell.asset].input_files, record):
        return Status(cell, State.CHANGED_INPUT, changed, *last)
    if causes := stale_causes(look, cell, record):
        return Status(cell, State.STALE, causes, *last)
    if damage := _file_difference(look, cell, record):
        gone = damage.startswith("file is gone")
        return Status(cell, State.MISSING if gone else State.UNVERIFIED, (damage,), *last)
    if failed := _failed_checks(look, cell):
        return Status(cell, State.FAILED, failed, *last)
    return Status(cell, State.BUILT, (), *last, _warned_checks(look, cell))


def stale_causes(look: Look, cell: Cell, record: dg.AssetMaterialization) -> tuple[str, ...]:
    """What of the code, the settings and the inputs is not as it was when the cell was recorded."""
    current = look.nodes[cell.asset].code_version
    causes = []
    recorded = (record.tags or {}).get("dagster/code_version")
    if recorded != current:
        kept = json.loads(str(record.metadata[SETTINGS].value)) if SETTINGS in record.metadata else None
        causes.append(cause_of_change(recorded, current, kept, look.nodes[cell.asset].settings))
    before = json.loads(str(record.metadata[INPUTS].value)) if INPUTS in record.metadata else {}
    now = look.input_versions(cell)
    causes += [f"input {name} changed" for name in sorted(before.keys() & now.keys()) if before[name] != now[name]]
    causes += [f"input {name} is new" for name in sorted(now.keys() - before.keys())]
    causes += [f"input {name} is no longer read" for name in sorted(before.keys() - now.keys())]
    return tuple(causes)


def _file_difference(look: Look, cell: Cell, record: dg.AssetMaterialization) -> str:
    recorded = json.loads(str(record.metadata[FILES].value)) if FILES in record.metadata else {}
    for name, state in recorded.items():
        path = look.path_of(cell).with_name(name)
        if not path.is_file():
            return f"file is gone: {path}"
        if file_state(path) != state:
            return f"file was changed by other hands: {path}"
    return ""


def _failed_checks(look: Look, cell: Cell) -> tuple[str, ...]:
    """Checks that found an ERROR in what is recorded, or never judged it."""
    failed = []
    for key, verdict in look.verdicts(cell).items():
        asset = key.asset_key.to_user_string()
        if verdict is None:
            failed.append(f"check {key.name} has not judged {asset}")
        elif not verdict.passed and verdict.severity is dg.AssetCheckSeverity.ERROR:
            failed.append(f"check {key.name} on {asset} failed: {verdict.description}")
    return tuple(failed)


def _warned_checks(look: Look, cell: Cell) -> tuple[Warned, ...]:
    """Checks that found no ERROR in what is recorded of this very asset, but did not pass."""
    own = look.nodes[cell.asset].key
    return tuple(
        Warned(key.name, verdict.description or "")
        for key, verdict in look.verdicts(cell).items()
        if key.asset_key == own and verdict is not None and not verdict.passed
    )


def unjudged_checks(look: Look, statuses: Mapping[Cell, Status]) -> dict[str, list[dg.AssetCheckKey]]:
    """Checks, by partition, that never judged the content of cells with which nothing else is wrong."""
    found: dict[str, dict[dg.AssetCheckKey, None]] = {}
    for cell, status in statuses.items():
        if status.state is State.FAILED and status.causes != (RUN_FAILED,):
            unjudged = [key for key, verdict in look.verdicts(cell).items() if verdict is None]
            if unjudged:
                found.setdefault(cell.partition, {}).update(dict.fromkeys(unjudged))
    return {partition: list(keys) for partition, keys in found.items()}


def _rows(record: dg.AssetMaterialization | None) -> int | None:
    for name in ("dagster/partition_row_count", "dagster/row_count"):
        if record is not None and name in record.metadata:
            return int(str(record.metadata[name].value))
    return None


def _seconds(record: dg.AssetMaterialization | None) -> float | None:
    return float(str(record.metadata["seconds"].value)) if record and "seconds" in record.metadata else None
