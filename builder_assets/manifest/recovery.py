"""Stored files, every value read: those that are whole and only lack a record are recorded, not built again."""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from builder_assets.manifest.graph import Cell
from builder_assets.manifest.look import Look
from builder_assets.manifest.states import RUN_FAILED, State, Status, stale_causes
from resources.table_files import DamagedFileError, read_provenance, scan, verify_file
from resources.table_store import INPUTS, companion_texts


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
            if node.input_files or not _is_current(look, cell, made_by):
                continue
            verify_file(path)
        except DamagedFileError:
            continue
        _record(look, cell, made_by)
        recovered.append(cell)
    return recovered


def _is_current(look: Look, cell: Cell, made_by: Mapping[str, Any]) -> bool:
    """Whether a footer tells of this cell as it would be built now, and of the values that were recorded."""
    record = look.record(cell)
    recorded = look.data_version(cell) if record else made_by["data_version"]
    return (
        made_by["asset"] == cell.asset
        and made_by["partition"] == (cell.partition or None)
        and made_by["code_version"] == look.nodes[cell.asset].code_version
        and made_by[INPUTS] == look.input_versions(cell)
        and (made_by["data_version"] == recorded or _is_stale_record(look, cell, record))
    )


def _is_stale_record(look: Look, cell: Cell, record: dg.AssetMaterialization | None) -> bool:
    """Whether the record is of an earlier code or input: then its data version says nothing of the file."""
    return record is not None and bool(stale_causes(look, cell, record))


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
