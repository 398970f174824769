"""The manifest: which partition of which asset is built, and what has to be built again, and why.

The record is Dagster's event log: every materialisation carries its code version, its data version and the data
versions of its inputs. This module compares that record with the asset graph as it is now, with the files on
disk, and with the input files that users own. It decides; `cli` and the sensors act.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any

import dagster as dg

from builder_assets.history import Attempt, History
from builder_assets.versions import cause_of_change
from resources.table_store import (
    FILES,
    INPUTS,
    DamagedFileError,
    TableStore,
    companion_texts,
    companions_of,
    file_state,
    read_provenance,
    scan,
    verify_file,
)

INPUT_FILES = "input_files"  # definition metadata: paths of the user's files that the asset registers
REGISTERED = "registered_files"  # materialisation metadata: path, size and mtime of those files when read
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


@dataclass(frozen=True, order=True)
class Cell:
    """One partition of one asset; `partition` is "" for an asset without partitions."""

    asset: str
    partition: str = ""

    def __str__(self) -> str:
        return f"{self.asset}[{self.partition}]" if self.partition else self.asset


@dataclass(frozen=True)
class Node:
    """What the manifest needs to know of one asset.

    `checks` are (asset, name) of the checks on any table of its step: where one of them is wrong, all are.
    """

    key: dg.AssetKey
    code_version: str
    parents: tuple[str, ...]
    partitions: tuple[str, ...]
    input_files: tuple[str, ...]
    group: str
    step: str
    checks: tuple[tuple[str, str], ...] = ()
    companions: Mapping[str, str] = field(default_factory=dict)

    @property
    def cells(self) -> list[Cell]:
        """All partitions of the asset."""
        name = self.key.to_user_string()
        return [Cell(name, partition) for partition in self.partitions] or [Cell(name)]


@dataclass(frozen=True)
class Status:
    """State of one cell, and the causes in words.

    `rows` and `seconds` are those of the last build; None where there was none.
    """

    cell: Cell
    state: State
    causes: tuple[str, ...] = ()
    rows: int | None = None
    seconds: float | None = None

    @property
    def is_built(self) -> bool:
        """Whether nothing has to be done for this cell itself."""
        return self.state is State.BUILT


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


def nodes_of(assets: Sequence[dg.AssetsDefinition], checks: Iterable[dg.AssetCheckKey] = ()) -> dict[str, Node]:
    """The asset graph in build order, parents first."""
    nodes: dict[str, Node] = {}
    named = sorted((check.asset_key.to_user_string(), check.name) for check in checks)
    for definition in assets:
        own = {spec.key.to_user_string() for spec in definition.specs}
        for spec in definition.specs:
            name = spec.key.to_user_string()
            partitions = spec.partitions_def or definition.partitions_def
            nodes[name] = Node(
                key=spec.key,
                code_version=spec.code_version or "",
                parents=tuple(sorted({dep.asset_key.to_user_string() for dep in spec.deps})),
                partitions=tuple(partitions.get_partition_keys()) if partitions else (),
                input_files=tuple(spec.metadata.get(INPUT_FILES, ())),
                group=spec.group_name or "",
                step=definition.node_def.name,
                checks=tuple((asset, check) for asset, check in named if asset in own),
                companions=companions_of(spec.metadata),
            )
    return {name: nodes[name] for name in _topological(nodes)}


def _topological(nodes: Mapping[str, Node]) -> list[str]:
    ordered: dict[str, None] = {}

    def visit(name: str) -> None:
        if name not in ordered and name in nodes:
            for parent in nodes[name].parents:
                visit(parent)
            ordered[name] = None

    for name in nodes:
        visit(name)
    return list(ordered)


def registered_files(paths: Iterable[str | Path]) -> dict[str, Any]:
    """Materialisation metadata that lets the manifest see later that a user's file changed."""
    files = {str(path): file_state(Path(path)) for path in paths}
    return {REGISTERED: dg.MetadataValue.text(json.dumps(files, sort_keys=True))}


@dataclass
class Manifest:
    """Compares the record with the graph and the disk.

    Attributes:
        nodes: The asset graph, parents first.
        store: Where the tables lie.
    """

    nodes: dict[str, Node]
    store: TableStore
    _look: History | None = field(default=None, repr=False)

    @cached_property
    def cells(self) -> list[Cell]:
        """Every partition of every asset, in build order."""
        return [cell for node in self.nodes.values() for cell in node.cells]

    def parents_of(self, cell: Cell) -> list[Cell]:
        """The cells that a cell is made from."""
        node = self.nodes[cell.asset]
        parents: list[Cell] = []
        for name in node.parents:
            parent = self.nodes[name]
            if not parent.partitions:
                parents.append(Cell(name))
            elif node.partitions == parent.partitions:
                parents.append(Cell(name, cell.partition))
            else:
                parents.extend(parent.cells)
        return parents

    def statuses(self, instance: dg.DagsterInstance, only: Iterable[str] | None = None) -> dict[Cell, Status]:
        """State of every cell (of the assets in `only`), in build order."""
        history = self._history(instance, anew=True)
        wanted = set(self.nodes if only is None else only)
        return {
            cell: self._status(instance, cell, attempts)
            for name, node in self.nodes.items()
            if name in wanted
            for attempts in [history.attempts(node.key)]
            for cell in node.cells
        }

    def _history(self, instance: dg.DagsterInstance, *, anew: bool = False) -> History:
        """The look at the log that `statuses` took last."""
        same = self._look is not None and self._look.instance is instance
        if anew or not same:
            whole = tuple(node.key for node in self.nodes.values() if not node.partitions)
            self._look = History(instance, whole, self._look.events if self._look and same else {})
        assert self._look is not None
        return self._look

    def _record(self, instance: dg.DagsterInstance, cell: Cell) -> dg.AssetMaterialization | None:
        return self._history(instance).record(self.nodes[cell.asset].key, cell.partition)

    def _status(self, instance: dg.DagsterInstance, cell: Cell, attempts: Mapping[str, Attempt]) -> Status:
        node = self.nodes[cell.asset]
        record = self._record(instance, cell)
        attempt = attempts.get(cell.partition)
        last = (_rows(record), _seconds(record))
        if attempt is Attempt.IN_PROGRESS:
            return Status(cell, State.IN_PROGRESS, ("a run is building it",), *last)
        if attempt is Attempt.FAILED:
            return Status(cell, State.FAILED, (RUN_FAILED,), *last)
        if record is None:
            return Status(cell, State.MISSING, ("never built",))
        if changed := _changed_inputs(node, record):
            return Status(cell, State.CHANGED_INPUT, changed, *last)
        if causes := self._stale_causes(instance, cell, record):
            return Status(cell, State.STALE, causes, *last)
        if damage := self._file_difference(cell, record):
            gone = damage.startswith("file is gone")
            return Status(cell, State.MISSING if gone else State.UNVERIFIED, (damage,), *last)
        if failed := self._failed_checks(instance, cell):
            return Status(cell, State.FAILED, failed, *last)
        return Status(cell, State.BUILT, (), *last)

    def _stale_causes(
        self, instance: dg.DagsterInstance, cell: Cell, record: dg.AssetMaterialization
    ) -> tuple[str, ...]:
        node = self.nodes[cell.asset]
        causes = []
        recorded = (record.tags or {}).get("dagster/code_version")
        if recorded != node.code_version:
            causes.append(f"{cause_of_change(recorded, node.code_version)} changed ({recorded} -> {node.code_version})")
        before = json.loads(str(record.metadata[INPUTS].value)) if INPUTS in record.metadata else {}
        now = self.input_versions(instance, cell)
        causes += [f"input {name} changed" for name in sorted(before.keys() & now.keys()) if before[name] != now[name]]
        causes += [f"input {name} is new" for name in sorted(now.keys() - before.keys())]
        causes += [f"input {name} is no longer read" for name in sorted(before.keys() - now.keys())]
        return tuple(causes)

    def input_versions(self, instance: dg.DagsterInstance, cell: Cell) -> dict[str, str]:
        """Recorded data version of every cell that `cell` is made from: `asset` or `asset/partition`."""
        versions = {}
        for parent in self.parents_of(cell):
            record = self._record(instance, parent)
            if record is not None:
                versions[_file_name(parent)] = (record.tags or {}).get("dagster/data_version", "")
        return versions

    def _file_difference(self, cell: Cell, record: dg.AssetMaterialization) -> str:
        recorded = json.loads(str(record.metadata[FILES].value)) if FILES in record.metadata else {}
        for name, state in recorded.items():
            path = self.path_of(cell).with_name(name)
            if not path.is_file():
                return f"file is gone: {path}"
            if file_state(path) != state:
                return f"file was changed by other hands: {path}"
        return ""

    def _failed_checks(self, instance: dg.DagsterInstance, cell: Cell) -> tuple[str, ...]:
        """Checks that found an ERROR in what is recorded, or never judged it."""
        failed = []
        for asset, name in self.nodes[cell.asset].checks:
            key = dg.AssetCheckKey(self.nodes[asset].key, name)
            verdict = self._verdict(instance, Cell(asset, cell.partition), key)
            if verdict is None:
                failed.append(f"check {name} has not judged {asset}")
            elif not verdict.passed and verdict.severity is dg.AssetCheckSeverity.ERROR:
                failed.append(f"check {name} on {asset} failed: {verdict.description}")
        return tuple(failed)

    def unjudged(
        self, instance: dg.DagsterInstance, statuses: Mapping[Cell, Status]
    ) -> dict[str, list[dg.AssetCheckKey]]:
        """Checks, by partition, that never judged the content of cells with which nothing else is wrong."""
        found: dict[str, dict[dg.AssetCheckKey, None]] = {}
        for cell, status in statuses.items():
            if status.state is not State.FAILED or status.causes == (RUN_FAILED,):
                continue
            for asset, name in self.nodes[cell.asset].checks:
                key = dg.AssetCheckKey(self.nodes[asset].key, name)
                if self._verdict(instance, Cell(asset, cell.partition), key) is None:
                    found.setdefault(cell.partition, {})[key] = None
        return {partition: list(keys) for partition, keys in found.items()}

    def _verdict(
        self, instance: dg.DagsterInstance, cell: Cell, key: dg.AssetCheckKey
    ) -> dg.AssetCheckEvaluation | None:
        record = self._record(instance, cell)
        return self._history(instance).verdict(
            key, (record.tags or {}).get("dagster/data_version", "") if record else ""
        )

    def verified(self, instance: dg.DagsterInstance, cell: Cell) -> list[str]:
        """What is wrong with the files of a recorded cell, every value read; empty where nothing is."""
        path, node = self.path_of(cell), self.nodes[cell.asset]
        record = self._record(instance, cell)
        recorded = (record.tags or {}).get("dagster/data_version") if record else None
        try:
            found = verify_file(path)
            if found != recorded:
                return [f"{path} holds other values than the history says ({found}, not {recorded})."]
            texts = companion_texts(scan(path).collect(), node.companions)
        except (DamagedFileError, OSError) as error:
            return [str(error)]
        files = {name: path.with_name(name) for name in texts}
        gone = [f"file is gone: {file}" for file in files.values() if not file.is_file()]
        return gone + [
            f"{file} is not what was published with {path.name}."
            for name, file in files.items()
            if file.is_file() and file.read_bytes() != texts[name].encode()
        ]

    def path_of(self, cell: Cell) -> Path:
        """The file that marks a cell as built."""
        return self.store.path_of(self.nodes[cell.asset].key, cell.partition or None)

    def pending(self, statuses: Mapping[Cell, Status]) -> set[Cell]:
        """Cells that are not built, and all cells below them."""
        pending: set[Cell] = set()
        for cell in self.cells:
            if cell in statuses and (
                not statuses[cell].is_built or any(parent in pending for parent in self.parents_of(cell))
            ):
                pending.add(cell)
        return pending

    def layers(
        self, statuses: Mapping[Cell, Status], wanted: Iterable[Cell] | None = None, given_up: Iterable[Cell] = ()
    ) -> list[Layer]:
        """The runs that can start now: per partition, everything whose inputs are built or in the same run.

        Args:
            statuses: State of every cell.
            wanted: Cells that may be built; all where not given.
            given_up: Cells that are left out, and all below them.
        """
        wanted_cells = set(self.cells if wanted is None else wanted)
        blocked, pending = set(given_up), self.pending(statuses)
        chosen: dict[tuple[tuple[str, ...], str], dict[str, None]] = {}
        for cell in self.cells:
            parents = self.parents_of(cell)
            run = (self.nodes[cell.asset].partitions, cell.partition)  # genomes may list other chromosomes
            if cell in blocked or any(parent in blocked for parent in parents):
                blocked.add(cell)
            elif cell in wanted_cells and not statuses[cell].is_built:
                together = chosen.get(run, {})
                if all(
                    parent not in pending or (parent.partition == cell.partition and parent.asset in together)
                    for parent in parents
                ):
                    chosen.setdefault(run, {})[cell.asset] = None
        return [Layer(partition, self._whole_steps(assets)) for (_, partition), assets in chosen.items()]

    def _whole_steps(self, assets: Iterable[str]) -> tuple[str, ...]:
        """`assets` and those made by the same steps, in build order: one step makes several tables at once."""
        steps = {self.nodes[name].step for name in assets}
        return tuple(name for name, node in self.nodes.items() if node.step in steps)

    def require_fresh(self, instance: dg.DagsterInstance, asset: str) -> None:
        """Raise unless every partition of the inputs of `asset` is built and fresh.

        Raises:
            IncompleteInputError: names the partitions that are not, and why.
        """
        statuses = self.statuses(instance, self.ancestors(asset))
        pending = self.pending(statuses)
        behind = sorted(
            cell
            for cell in {parent for node_cell in self.nodes[asset].cells for parent in self.parents_of(node_cell)}
            if cell in pending
        )
        if behind:
            shown = "; ".join(
                f"{cell} ({statuses[cell].causes[0] if statuses[cell].causes else 'an input of it is stale'})"
                for cell in behind[:5]
            )
            raise IncompleteInputError(
                f"{asset} needs every partition of its inputs; {len(behind)} are not built or not fresh: {shown}. "
                "`builder build` builds them first."
            )

    def ancestors(self, asset: str) -> set[str]:
        """Everything that `asset` is made from."""
        above: set[str] = set()
        for parent in self.nodes[asset].parents:
            above |= {parent} | self.ancestors(parent)
        return above

    def recover(self, instance: dg.DagsterInstance, statuses: Mapping[Cell, Status]) -> list[Cell]:
        """Record whole files that are what would be built now, instead of building them again.

        Looks at cells without a record (a writer was killed between file and record, or the history was lost) and
        at files whose size or time differs from the record (a copy, a moved folder, a damage). Every value is read.
        """
        recovered = []
        for cell, status in statuses.items():
            node = self.nodes[cell.asset]
            path = self.path_of(cell)
            lacks_record = status.state in (State.MISSING, State.UNVERIFIED) or status.causes == (RUN_FAILED,)
            if not lacks_record or not path.is_file():
                continue
            try:
                made_by = read_provenance(path)
                if node.input_files or not self._is_current(instance, cell, made_by):
                    continue
                verify_file(path)
            except DamagedFileError:
                continue
            self._report(instance, cell, made_by)
            recovered.append(cell)
        return recovered

    def recovered_statuses(self, instance: dg.DagsterInstance) -> dict[Cell, Status]:
        """Statuses after whole files that only lack a record have been recorded."""
        statuses = self.statuses(instance)
        recorded: set[Cell] = set()
        while found := set(self.recover(instance, statuses)) - recorded:
            recorded |= found  # what reads a recovered file may be recovered next
            statuses = self.statuses(instance)
        return statuses

    def _is_current(self, instance: dg.DagsterInstance, cell: Cell, made_by: Mapping[str, Any]) -> bool:
        """Whether a footer tells of this cell as it would be built now, and of the values that were recorded."""
        record = self._record(instance, cell)
        recorded = (record.tags or {}).get("dagster/data_version") if record else made_by["data_version"]
        return (
            made_by["asset"] == cell.asset
            and made_by["partition"] == (cell.partition or None)
            and made_by["code_version"] == self.nodes[cell.asset].code_version
            and made_by[INPUTS] == self.input_versions(instance, cell)
            and (made_by["data_version"] == recorded or self._stale_record(instance, cell, record))
        )

    def _stale_record(self, instance: dg.DagsterInstance, cell: Cell, record: dg.AssetMaterialization | None) -> bool:
        """Whether the record is of an earlier code or input: then its data version says nothing of the file."""
        return record is not None and bool(self._stale_causes(instance, cell, record))

    def _report(self, instance: dg.DagsterInstance, cell: Cell, made_by: Mapping[str, Any]) -> None:
        node = self.nodes[cell.asset]
        if node.companions:
            path = self.path_of(cell)
            self.store.publish_companions(path, scan(path).collect(), node.companions)
        instance.report_runless_asset_event(
            dg.AssetMaterialization(
                asset_key=node.key,
                partition=cell.partition or None,
                description="Recorded from a whole file on disk, not built again.",
                metadata=self.store.record_metadata(node.key, cell.partition or None, node.companions),
                tags={
                    "dagster/code_version": made_by["code_version"],
                    "dagster/data_version": made_by["data_version"],
                },
            )
        )
        self._history(instance).forget(node.key)


def _file_name(cell: Cell) -> str:
    return f"{cell.asset}/{cell.partition}" if cell.partition else cell.asset


def _rows(record: dg.AssetMaterialization | None) -> int | None:
    for name in ("dagster/partition_row_count", "dagster/row_count"):
        if record is not None and name in record.metadata:
            return int(str(record.metadata[name].value))
    return None


def _seconds(record: dg.AssetMaterialization | None) -> float | None:
    return float(str(record.metadata["seconds"].value)) if record and "seconds" in record.metadata else None


def _changed_inputs(node: Node, record: dg.AssetMaterialization) -> tuple[str, ...]:
    """Input files of the user that are not as they were when they were registered."""
    known = json.loads(str(record.metadata[REGISTERED].value)) if REGISTERED in record.metadata else {}
    changed = [f"{name} is no longer read" for name in sorted(known.keys() - set(node.input_files))]
    for name in node.input_files:
        path = Path(name)
        if not path.is_file():
            changed.append(f"{name} is gone")
        elif name not in known:
            changed.append(f"{name} is new")
        elif known[name] != file_state(path):
            changed.append(f"{name} changed")
    return tuple(changed)
