"""The asset graph with a pod for each step, the scoring of a chromosome in one that has a GPU."""

from dagster_k8s import k8s_job_executor

from builder_assets.asset_graph import build_defs
from builder_assets.settings import load_settings

defs = build_defs(
    load_settings(),
    executor=k8s_job_executor.configured(
        {"step_k8s_config": {"container_config": {"resources": {"requests": {"cpu": "1", "memory": "4Gi"}}}}}
    ),
    scoring_tags={
        "dagster-k8s/config": {
            "container_config": {"resources": {"limits": {"nvidia.com/gpu": 1}}},
            "pod_spec_config": {"tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists"}]},
        }
    },
)
