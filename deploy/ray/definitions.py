"""The asset graph whose steps are Ray jobs, one GPU each for the scoring of a chromosome."""

from dagster_ray import ray_executor

from builder_assets.asset_graph import build_defs
from builder_assets.settings import load_settings

SETTINGS = ["BUILDER_CONFIG", "RAY_API_ADDRESS"]  # a step reads them too
HISTORY = [f"DAGSTER_PG_{word}" for word in ("HOST", "PORT", "DB", "USER", "PASSWORD")]

defs = build_defs(
    load_settings(),
    executor=ray_executor.configured(
        {"ray": {"address": {"env": "RAY_API_ADDRESS"}, "num_cpus": 1, "env_vars": [*SETTINGS, *HISTORY]}}
    ),
    scoring_tags={"dagster-ray/config": {"num_gpus": 1}},
)
