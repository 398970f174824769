"""`builder.yaml`, validated: what exists in a project and every choice that shapes its data.

Frozen models only. Each asset factory receives just the model that its `code_version` covers, so that a setting
which an asset does not read cannot change it. Paths, worker counts and devices are in no code version.
"""

from builder_assets.settings.base_model import (
    TRAINED_CHROMOSOMES,
    BaseModelSettings,
    EvaluationSettings,
    NetworkSettings,
)
from builder_assets.settings.dataset import DatasetSettings
from builder_assets.settings.gene_choice import ERROR_POLICIES, GeneChoice
from builder_assets.settings.genome import GenomeSettings, IntronSettings
from builder_assets.settings.project import Settings
from builder_assets.settings.reading import CONFIG_NAME, CONFIG_VARIABLE, SettingsError, find_config, load_settings
from builder_assets.settings.splits import SplitSettings
from builder_assets.settings.training_examples import ExampleSettings, FeatureSettings, NegativeSettings, TierRatios

__all__ = [
    "CONFIG_NAME",
    "CONFIG_VARIABLE",
    "ERROR_POLICIES",
    "TRAINED_CHROMOSOMES",
    "BaseModelSettings",
    "DatasetSettings",
    "EvaluationSettings",
    "ExampleSettings",
    "FeatureSettings",
    "GeneChoice",
    "GenomeSettings",
    "IntronSettings",
    "NegativeSettings",
    "NetworkSettings",
    "Settings",
    "SettingsError",
    "SplitSettings",
    "TierRatios",
    "find_config",
    "load_settings",
]
