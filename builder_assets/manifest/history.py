"""What Dagster's event log says of our tables, asked for in few queries: a genome has hundreds of partitions.

A `History` is one look at the log. Events never change, so those already read are handed on to the next look.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

import dagster as dg
from dagster._core.storage.event_log.base import AssetRecord

JUDGED_VERSION = "judged_version"  # check metadata: data version of the table that was judged
MOST_VERDICTS = 500  # of one check, newest first: enough for 99 chromosomes built five times
PAGE = 100  # verdicts, or materialisations, asked for at once


class Attempt(StrEnum):
    """What came of the latest run that was to build a partition, where it recorded nothing."""

    FAILED = "failed"
    IN_PROGRESS = "in progress"


@dataclass
class Verdicts:
    """Evaluations of one check, newest first, by the data version that they judged."""

    by_version: dict[str, dg.AssetCheckEvaluation] = field(default_factory=dict)
    n_read: int = 0
    cursor: int | None = None
    at_end: bool = False


@dataclass
class History:
    """One look at the event log of `instance`.

    Attributes:
        instance: Where the log lies.
        whole: Keys of the assets without partitions; they are asked for together.
        events: Materialisations by storage id, kept from earlier looks.
    """

    instance: dg.DagsterInstance
    whole: tuple[dg.AssetKey, ...]
    events: dict[int, dg.AssetMaterialization] = field(default_factory=dict)
    _records: dict[dg.AssetKey, dict[str, dg.AssetMaterialization]] = field(default_factory=dict)
    _entries: dict[dg.AssetKey, AssetRecord] | None = None
    _verdicts: dict[dg.AssetCheckKey, Verdicts] = field(default_factory=dict)

    def record(self, key: dg.AssetKey, partition: str) -> dg.AssetMaterialization | None:
        """The latest materialisation of a partition, "" for an asset without partitions."""
        if key not in self._records:
            self._records[key] = self._whole_record(key) if key in self.whole else self._partition_records(key)
        return self._records[key].get(partition)

    def forget(self, key: dg.AssetKey) -> None:
        """Something was recorded of this asset since this look."""
        self._records.pop(key, None)
        self._entries = None

    def _asset_records(self) -> dict[dg.AssetKey, AssetRecord]:
        if self._entries is None:
            found = self.instance.get_asset_records(list(self.whole)) if self.whole else ()
            self._entries = {record.asset_entry.asset_key: record for record in found}
        return self._entries

    def _whole_record(self, key: dg.AssetKey) -> dict[str, dg.AssetMaterialization]:
        entry = self._asset_records().get(key)
        event = entry.asset_entry.last_materialization if entry else None
        latest = event.asset_materialization if event else None
        return {"": latest} if latest else {}

    def _partition_records(self, key: dg.AssetKey) -> dict[str, dg.AssetMaterialization]:
        latest = self.instance.event_log_storage.get_latest_storage_id_by_partition(
            key, dg.DagsterEventType.ASSET_MATERIALIZATION
        )
        new = sorted(set(latest.values()) - self.events.keys())
        for start in range(0, len(new), PAGE):
            wanted = dg.AssetRecordsFilter(asset_key=key, storage_ids=new[start : start + PAGE])
            for record in self.instance.fetch_materializations(wanted, limit=PAGE).records:
                if record.asset_materialization:
                    self.events[record.storage_id] = record.asset_materialization
        return {partition: self.events[number] for partition, number in latest.items() if number in self.events}

    def attempts(self, key: dg.AssetKey) -> dict[str, Attempt]:
        """Partitions whose latest attempt failed or is running; "" for an asset without partitions."""
        if key in self.whole:
            return self._whole_attempt(key)
        tried = self.instance.event_log_storage
        runs = tried.get_latest_asset_partition_materialization_attempts_without_materializations(key)
        states = {partition: self._attempt_of_run(run_id) for partition, (run_id, _) in runs.items()}
        return {partition: state for partition, state in states.items() if state is not None}

    def _whole_attempt(self, key: dg.AssetKey) -> dict[str, Attempt]:
        record = self._asset_records().get(key)
        if record is None:
            return {}
        entry = record.asset_entry
        planned, done = entry.last_planned_materialization_storage_id, entry.last_materialization_storage_id
        if planned is None or (done is not None and done > planned):
            return {}
        state = self._attempt_of_run(entry.last_planned_materialization_run_id or "")
        return {"": state} if state else {}

    def _attempt_of_run(self, run_id: str) -> Attempt | None:
        """What a run that was to build something, and recorded nothing, means for it."""
        run = self.instance.get_run_by_id(run_id)
        if run is None or run.is_success:
            return None
        return Attempt.FAILED if run.is_finished else Attempt.IN_PROGRESS

    def verdict(self, check: dg.AssetCheckKey, data_version: str) -> dg.AssetCheckEvaluation | None:
        """The latest verdict on this content. Equal content is judged alike, so the partition plays no part.

        (In a backfill Dagster leaves the partition of an evaluation empty.)
        """
        verdicts = self._verdicts.setdefault(check, Verdicts())
        while data_version not in verdicts.by_version and not verdicts.at_end:
            self._read_more(check, verdicts)
        return verdicts.by_version.get(data_version)

    def _read_more(self, check: dg.AssetCheckKey, verdicts: Verdicts) -> None:
        records = self.instance.event_log_storage.get_asset_check_execution_history(
            check, limit=PAGE, cursor=verdicts.cursor
        )
        for version, verdict in _judged(record.event for record in records):
            verdicts.by_version.setdefault(version, verdict)
        verdicts.n_read += len(records)
        verdicts.at_end = len(records) < PAGE or verdicts.n_read >= MOST_VERDICTS
        verdicts.cursor = min((record.id for record in records), default=None)


def _judged(events: Iterable[dg.EventLogEntry | None]) -> Iterable[tuple[str, dg.AssetCheckEvaluation]]:
    """(data version, verdict) of the evaluations that say what they judged."""
    for event in events:
        verdict = event.dagster_event.event_specific_data if event and event.dagster_event else None
        judged = verdict.metadata.get(JUDGED_VERSION) if isinstance(verdict, dg.AssetCheckEvaluation) else None
        if isinstance(verdict, dg.AssetCheckEvaluation) and judged is not None:
            yield str(judged.value), verdict
