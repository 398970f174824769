"""All of `builder.yaml`: what exists in a project, under which names, and where its files lie."""

import re
from collections.abc import Iterable
from pathlib import Path

import fsspec
from pydantic import Field, field_validator, model_validator

from builder_assets.settings.base_model import TRAINED_ASSEMBLY, BaseModelSettings
from builder_assets.settings.dataset import DatasetSettings
from builder_assets.settings.frozen import Frozen
from builder_assets.settings.genome import GenomeSettings
from resources.places import is_remote, place

LOCAL_FILES = ".cache/files"  # of a project whose data_dir is in an object store
NAME = re.compile(r"^[A-Za-z][A-Za-z0-9_]{0,99}$")


class Settings(Frozen):
    """All of `builder.yaml`. `root` is its folder; relative paths count from there."""

    root: Path
    data_dir: str = "data"
    genomes: dict[str, GenomeSettings] = Field(min_length=1)
    base_models: dict[str, BaseModelSettings] = Field(default_factory=dict)
    datasets: dict[str, DatasetSettings] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _consistent(self) -> "Settings":
        names = [*self.genomes, *self.base_models, *self.datasets]
        for name in names:
            if not NAME.fullmatch(name):
                raise ValueError(f"name {name!r}: use letters, digits and _, a letter first, at most 100 characters")
            if names.count(name) > 1:
                raise ValueError(f"name {name!r} is used twice among genomes, base_models and datasets")
        for name, model in self.base_models.items():
            if model.genome not in self.genomes:
                raise ValueError(f"base_models.{name}.genome: {model.genome!r} is none of {_listed(self.genomes)}")
            assembly = self.genomes[model.genome].assembly
            trained = TRAINED_ASSEMBLY[model.family]
            if assembly != trained and not model.other_assembly:
                raise ValueError(
                    f"base_models.{name}: {model.family} was trained on {trained}, genome {model.genome!r} is "
                    f"{assembly}; set `other_assembly: true` if that is on purpose"
                )
        for name, dataset in self.datasets.items():
            if dataset.base_model not in self.base_models:
                raise ValueError(
                    f"datasets.{name}.base_model: {dataset.base_model!r} is none of {_listed(self.base_models)}"
                )
            if dataset.ensemble_sd and not self.base_models[dataset.base_model].ensemble_sd:
                raise ValueError(
                    f"datasets.{name}.ensemble_sd: base model {dataset.base_model!r} does not store the SD over its "
                    f"members; set base_models.{dataset.base_model}.ensemble_sd: true (its genes are scored again)"
                )
        return self

    def path(self, text: str) -> Path:
        """`text` as a path, relative ones counted from the folder of builder.yaml."""
        return (self.root / Path(text).expanduser()).resolve()

    @property
    def data_path(self) -> Path:
        """Where tables are stored."""
        return place(self.data_dir) if is_remote(self.data_dir) else self.path(self.data_dir)

    @property
    def local_path(self) -> Path:
        """Where indices and downloads lie, which are opened by name: data_dir, if it is a folder."""
        return self.root / LOCAL_FILES if is_remote(self.data_dir) else self.data_path

    @field_validator("data_dir")
    @classmethod
    def _reachable(cls, data_dir: str) -> str:
        if is_remote(data_dir):
            try:
                fsspec.get_filesystem_class(data_dir.partition("://")[0])
            except (ImportError, ValueError) as error:
                raise ValueError(
                    f"{data_dir!r}: {error}; s3:// needs `pip install splice-dataset-builder[s3]`"
                ) from error
        return data_dir

    def datasets_of(self, base_model: str) -> dict[str, DatasetSettings]:
        """The datasets built on one base model, in the order of the settings."""
        return {name: d for name, d in self.datasets.items() if d.base_model == base_model}


def _listed(names: Iterable[str]) -> str:
    return ", ".join(map(repr, names)) or "(none defined)"
