"""One look at Dagster's event log: the latest of every partition, attempts, verdicts, in few queries."""

from collections.abc import Iterator

import dagster as dg
import pytest

from builder_assets.manifest import JUDGED_VERSION, history
from builder_assets.manifest.history import History

CONTIG = dg.AssetKey(["toy", "contig"])
CARD = dg.AssetKey(["examples", "dataset_card"])


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def recorded(instance: dg.DagsterInstance, key: dg.AssetKey, partition: str | None, version: str) -> None:
    instance.report_runless_asset_event(
        dg.AssetMaterialization(key, partition=partition, tags={"dagster/data_version": version})
    )


def judged(instance: dg.DagsterInstance, version: str, *, passed: bool) -> None:
    instance.report_runless_asset_event(
        dg.AssetCheckEvaluation(
            asset_key=CONTIG, check_name="identities", passed=passed, metadata={JUDGED_VERSION: version}
        )
    )


def version_of(look: History, key: dg.AssetKey, partition: str) -> str | None:
    record = look.record(key, partition)
    return (record.tags or {})["dagster/data_version"] if record else None


def test_record__is_the_latest_of_each_partition(instance) -> None:
    for partition, version in (("22", "a"), ("Y", "b"), ("22", "c")):
        recorded(instance, CONTIG, partition, version)
    recorded(instance, CARD, None, "d")
    look = History(instance, (CARD,))
    assert [version_of(look, CONTIG, p) for p in ("22", "Y", "1")] == ["c", "b", None]
    assert version_of(look, CARD, "") == "d"


def test_record__is_of_the_time_of_the_look_until_forgotten(instance) -> None:
    recorded(instance, CONTIG, "22", "a")
    recorded(instance, CARD, None, "a")
    look = History(instance, (CARD,))
    for key, partition in ((CONTIG, "22"), (CARD, "")):
        assert version_of(look, key, partition) == "a"
        recorded(instance, key, partition or None, "b")
        assert version_of(look, key, partition) == "a"
        look.forget(key)
        assert version_of(look, key, partition) == "b"


def test_record__of_any_number_of_partitions_is_read_once(instance, monkeypatch) -> None:
    for number in range(history.PAGE + 20):
        recorded(instance, CONTIG, str(number), f"version {number}")
    calls = []
    fetch = instance.fetch_materializations
    monkeypatch.setattr(instance, "fetch_materializations", lambda *a, **o: calls.append(a) or fetch(*a, **o))
    first = History(instance, ())
    assert {version_of(first, CONTIG, str(n)) for n in range(history.PAGE + 20)} == {
        f"version {n}" for n in range(history.PAGE + 20)
    }
    assert len(calls) == 2
    assert version_of(History(instance, (), first.events), CONTIG, "7") == "version 7"
    assert len(calls) == 2


def test_verdict__is_the_latest_on_that_content_however_long_ago(instance) -> None:
    check = dg.AssetCheckKey(CONTIG, "identities")
    judged(instance, "old", passed=False)
    judged(instance, "old", passed=True)
    for number in range(history.PAGE + 5):
        judged(instance, f"newer {number}", passed=False)
    look = History(instance, ())
    verdict = look.verdict(check, "old")
    assert verdict is not None
    assert verdict.passed
    assert look.verdict(check, "never judged") is None


def test_verdict__looks_back_so_far_and_no_further(instance, monkeypatch) -> None:
    monkeypatch.setattr(history, "MOST_VERDICTS", history.PAGE)
    judged(instance, "old", passed=True)
    for number in range(history.PAGE):
        judged(instance, f"newer {number}", passed=True)
    assert History(instance, ()).verdict(dg.AssetCheckKey(CONTIG, "identities"), "old") is None
