"""A base model's weights and the device that scores with them, as Dagster knows them."""

from pathlib import Path

import dagster as dg

from resources.accelerator import configure_jax
from resources.model_weights import WeightFileError, weight_files


class BaseModelFiles(dg.ConfigurableResource):
    """Where one base model's weight files lie, and where compiled programs are kept.

    Attributes:
        family: `spliceai` or `openspliceai`.
        weights: Folder of the weight files; None for the installed package `spliceai`.
        cache_dir: Folder of compiled programs; None for no cache.
    """

    family: str
    weights: str | None = None
    cache_dir: str | None = None

    @classmethod
    def of(cls, family: str, weights: str | None) -> "BaseModelFiles":
        """The files alone, to be looked at before anything runs."""
        return cls(family=family, weights=weights)

    def paths(self) -> list[Path]:
        """The weight files; raises `WeightFileError` where they are not all there."""
        return weight_files(self.family, self.weights)

    def paths_if_there(self) -> list[Path]:
        """The weight files, or none: definitions load without them, so that the error comes when they are needed."""
        try:
            return self.paths()
        except WeightFileError:
            return []

    def configure_device(self) -> str:
        """Set JAX up and say what it runs on."""
        return configure_jax(Path(self.cache_dir) if self.cache_dir else None)
