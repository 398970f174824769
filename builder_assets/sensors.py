"""What the daemon of `dagster dev` does by itself: say what is stale, and, where it is switched on, build it.

freshness          on: the check `up_to_date` of every asset, with the stale partitions and causes; builds nothing
bring_up_to_date   off: requests the next layer of the plan whenever no run is at work, as `builder build` would
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg

from builder_assets.manifest import Cell, Manifest, State, Status, next_layers, pending_cells

UP_TO_DATE = "up_to_date"
SECONDS_BETWEEN_LOOKS = 60
MOST_SHOWN = 10
AT_WORK = (
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
)


def freshness_checks(manifest: Manifest) -> list[dg.AssetChecksDefinition]:
    """The check `up_to_date` of every asset: one step a group, run with its assets or from the UI's button."""
    groups: dict[str, list[str]] = {}
    for name, node in manifest.nodes.items():
        groups.setdefault(node.group, []).append(name)
    return [_freshness_check(manifest, group, names) for group, names in groups.items()]


def _freshness_check(manifest: Manifest, group: str, names: list[str]) -> dg.AssetChecksDefinition:
    specs = [
        dg.AssetCheckSpec(
            UP_TO_DATE, asset=manifest.nodes[name].key, description="Whether every partition is built and fresh."
        )
        for name in names
    ]

    @dg.multi_asset_check(name=f"{group}__{UP_TO_DATE}", specs=specs, can_subset=True)
    def up_to_date(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        selected = {key.asset_key.to_user_string(): key for key in context.selected_asset_check_keys}
        for name, (passed, text) in freshness(manifest, context.instance).items():
            if name in selected:
                yield dg.AssetCheckResult(
                    passed=passed, asset_key=selected[name].asset_key, check_name=UP_TO_DATE,
                    severity=dg.AssetCheckSeverity.WARN, description=text,
                )  # fmt: skip

    return up_to_date


def freshness(manifest: Manifest, instance: dg.DagsterInstance) -> dict[str, tuple[bool, str]]:
    """For every asset: whether all its partitions are built and fresh, and what a person should read."""
    statuses = manifest.statuses(instance)
    pending = pending_cells(manifest.nodes, statuses)
    return {name: _verdict(node.cells, statuses, pending) for name, node in manifest.nodes.items()}


def _verdict(cells: list[Cell], statuses: Mapping[Cell, Status], pending: set[Cell]) -> tuple[bool, str]:
    behind = [cell for cell in cells if cell in pending]
    if not behind:
        return True, f"All {len(cells)} built and fresh." if len(cells) > 1 else "Built and fresh."
    shown = [f"{cell.partition + ': ' if cell.partition else ''}{_cause(statuses[cell])}" for cell in behind]
    more = f"; and {len(shown) - MOST_SHOWN} more" if len(shown) > MOST_SHOWN else ""
    return False, f"{len(behind)} of {len(cells)} not up to date. {'; '.join(shown[:MOST_SHOWN])}{more}"


def _cause(status: Status) -> str:
    return "an input is not up to date" if status.is_built else f"{status.state} ({'; '.join(status.causes)})"


def sensors_of(manifest: Manifest) -> list[dg.SensorDefinition]:
    """Both sensors."""

    @dg.sensor(
        name="freshness",
        minimum_interval_seconds=SECONDS_BETWEEN_LOOKS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Reports the check up_to_date of every asset: what is stale and why. Builds nothing.",
    )
    def freshness_sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        verdicts = freshness(manifest, context.instance)
        told: dict[str, Any] = json.loads(context.cursor or "{}")
        news = {name: verdict for name, verdict in verdicts.items() if told.get(name) != list(verdict)}
        if not news:
            return dg.SkipReason("Nothing changed since the last look.")
        return dg.SensorResult(
            asset_events=[
                dg.AssetCheckEvaluation(
                    asset_key=manifest.nodes[name].key, check_name=UP_TO_DATE, passed=passed,
                    severity=dg.AssetCheckSeverity.WARN, description=text,
                )
                for name, (passed, text) in news.items()
            ],
            cursor=json.dumps(verdicts),
        )  # fmt: skip

    @dg.sensor(
        name="bring_up_to_date",
        target=dg.AssetSelection.assets(*[node.key for node in manifest.nodes.values()]),
        minimum_interval_seconds=SECONDS_BETWEEN_LOOKS,
        default_status=dg.DefaultSensorStatus.STOPPED,
        description="Builds what is missing or stale, a layer at a time. What failed waits for a person.",
    )
    def bring_up_to_date(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        if context.instance.get_runs(dg.RunsFilter(statuses=list(AT_WORK)), limit=1):
            return dg.SkipReason("A run is at work; the next layer waits for it.")
        statuses = manifest.recovered_statuses(context.instance)
        failed = [cell for cell, status in statuses.items() if status.state is State.FAILED]
        layers = next_layers(manifest.nodes, statuses, given_up=failed)
        if not layers:
            return dg.SkipReason(f"{len(failed)} failed and wait for a person." if failed else "All is up to date.")
        return dg.SensorResult(
            run_requests=[
                dg.RunRequest(
                    asset_selection=[manifest.nodes[name].key for name in layer.assets],
                    partition_key=layer.partition or None,
                )
                for layer in layers
            ]
        )

    return [freshness_sensor, bring_up_to_date]
