"""Stored files, every value read: those that are whole and only lack a record are recorded, not built again."""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from builder_assets.manifest.graph import Cell
from builder_assets.manifest.look import Look
from builder_assets.manifest.states import RUN_FAILED, State, Status, stale_causes
from builder_assets.manifest.versions import cause_of_change
from resources.table_files import DamagedFileError, read_provenance, scan, verify_file
from resources.table_store import INPUTS, SETTINGS, companion_texts


def recover(look: Look, statuses: Mapping[Cell, Status]) -> list[Cell]:
    """Record whole files that are what would be built now, instead of building them again.

    Looks at cells without a record (a writer was killed between file and record, or the history was lost) and
    at files whose size or time differs from the record (a copy, a moved folder, a damage). Every value is read.
    """
    recovered = []
    for cell, status in statuses.items():
        node = look.nodes[cell.asset]
        path = look.path_of(cell)
        lacks_record = status.state in (State.MISSING, State.UNVERIFIED) or status.causes == (RUN_FAILED,)
        if not lacks_record or not path.is_file():
            continue
        try:
            made_by = read_provenance(path)
            if node.input_files or _difference(look, cell, made_by):
                continue
            verify_file(path)
        except DamagedFileError:
            continue
        _record(look, cell, made_by)
        recovered.append(cell)
    return recovered


def misfit(look: Look, cell: Cell) -> str:
    """What is wrong with a file that is there but was not recorded; empty where nothing is. Reads every value."""
    path = look.path_of(cell)
    try:
        made_by = read_provenance(path)
        verify_file(path)
    except DamagedFileError as error:
        return str(error)
    return _difference(look, cell, made_by)


def _difference(look: Look, cell: Cell, made_by: Mapping[str, Any]) -> str:
    """What a footer tells that is not of this cell as it would be built now, or not of the values recorded."""
    node, record = look.nodes[cell.asset], look.record(cell)
    if (made_by["asset"], made_by["partition"]) != (cell.asset, cell.partition or None):
        return f"the file was made as {Cell(made_by['asset'], made_by['partition'] or '')}"
    if made_by["code_version"] != node.code_version:
        cause = cause_of_change(made_by["code_version"], node.code_version, made_by.get(SETTINGS), node.settings)
        return f"the file was made before {cause}"
    before, now = made_by[INPUTS], look.input_versions(cell)
    if other := sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name)):
        return f"the file was made from another {', '.join(other)}"
    if record and made_by["data_version"] != look.data_version(cell) and not _is_stale_record(look, cell, record):
        return "the file holds other values than were recorded"
    return ""


def _is_stale_record(look: Look, cell: Cell, record: dg.AssetMaterialization) -> bool:
    """Whether the record is of an earlier code or input: then its data version says nothing of the file."""
    return bool(stale_causes(look, cell, record))


def _record(look: Look, cell: Cell, made_by: Mapping[str, Any]) -> None:
    """Record a cell that no run made."""
    node, store = look.nodes[cell.asset], look.store
    if node.companions:
        path = look.path_of(cell)
        store.publish_companions(path, scan(path).collect(), node.companions)
    look.history.instance.report_runless_asset_event(
        dg.AssetMaterialization(
            asset_key=node.key,
            partition=cell.partition or None,
            description="Recorded from a whole file on disk, not built again.",
            metadata=store.record_metadata(node.key, cell.partition or None, node.companions),
            tags={
                "dagster/code_version": made_by["code_version"],
                "dagster/data_version": made_by["data_version"],
            },
        )
    )
    look.history.forget(node.key)


def faults_of(look: Look, cell: Cell) -> list[str]:
    """What is wrong with the files of a recorded cell, every value read; empty where nothing is."""
    path, node = look.path_of(cell), look.nodes[cell.asset]
    recorded = look.data_version(cell)
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
