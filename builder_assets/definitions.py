"""What Dagster loads: the asset graph that builder.yaml describes."""

from builder_assets.asset_graph import build_defs
from builder_assets.settings import load_settings

defs = build_defs(load_settings())
