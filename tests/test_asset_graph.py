"""The asset graph: it loads, and it is the one written down in golden/asset_graph.txt."""

import os
from pathlib import Path

import dagster as dg

from builder_assets.asset_graph import build_defs, manifest_of
from builder_assets.settings import load_settings

ROOT = Path(__file__).parents[1]
GOLDEN = Path(__file__).parent / "golden" / "asset_graph.txt"


def graph_text() -> str:
    """One paragraph per asset: key, group, partitions, code version, parents, checks."""
    lines = []
    for name, node in manifest_of(load_settings(ROOT / "builder.yaml")).nodes.items():
        partitions = f" [{' '.join(node.partitions)}]" if node.partitions else ""
        lines.append(f"{name}{partitions}  group {node.group}  code {node.code_version}  step {node.step}")
        lines += [f"    <- {parent}" for parent in node.parents]
        lines += [f"    check {check} on {asset}" for asset, check in node.checks]
    return "\n".join(lines) + "\n"


def test_asset_graph__is_the_one_written_down():
    """Set WRITE_GOLDEN=1 to write it anew, and read the difference."""
    if os.environ.get("WRITE_GOLDEN"):
        GOLDEN.write_text(graph_text())
    assert graph_text() == GOLDEN.read_text()


def test_build_defs__loads():
    dg.Definitions.validate_loadable(build_defs(load_settings(ROOT / "builder.yaml")))


def test_build_defs__assets_explain_themselves():
    for spec in build_defs(load_settings(ROOT / "builder.yaml")).resolve_all_asset_specs():
        assert spec.description, spec.key
        assert spec.group_name == spec.key.path[0]
        assert spec.kinds
        assert spec.code_version
        assert "dagster/column_schema" in spec.metadata


def test_jobs__never_mix_partitionings():
    defs = build_defs(load_settings(ROOT / "builder.yaml"))
    graph = defs.resolve_asset_graph()
    jobs = [job for job in defs.resolve_all_job_defs() if not job.name.startswith("__")]
    assert {job.name for job in jobs} == {
        f"{name}__{part}" for name in ("demo", "spliceai_demo", "demo_3mers") for part in ("whole", "chromosomes")
    }
    for job in jobs:
        partitions = {graph.get(key).partitions_def for key in job.asset_layer.selected_asset_keys}
        assert len(partitions) == 1, job.name
