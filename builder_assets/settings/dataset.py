"""`datasets:`, each of one base model: its genes, splits, negatives and features."""

from pydantic import field_validator, model_validator

from builder_assets.settings.gene_choice import GeneChoice
from builder_assets.settings.splits import SplitSettings
from builder_assets.settings.training_examples import ExampleSettings, FeatureSettings, NegativeSettings

MOST_KMER_COLUMNS = 6000  # of all lengths together


class DatasetSettings(FeatureSettings):
    """One training dataset: its features, and what they are made of."""

    base_model: str
    genes: GeneChoice
    negatives: NegativeSettings = NegativeSettings()
    splits: SplitSettings = SplitSettings()
    baseline: bool = False

    @model_validator(mode="after")
    def _judgeable(self) -> "DatasetSettings":
        if self.baseline and self.splits.folds < 2:
            raise ValueError("`baseline: true` needs `splits: folds:` of 2 at least: one to train on, one to judge")
        return self

    @property
    def features(self) -> FeatureSettings:
        """The part that decides the columns."""
        return FeatureSettings(**{name: getattr(self, name) for name in FeatureSettings.model_fields})

    @property
    def examples(self) -> ExampleSettings:
        """The part that training_examples reads."""
        return ExampleSettings(features=self.features.versioned, negatives=self.negatives)

    @property
    def versioned(self) -> "DatasetSettings":
        """The settings without paths."""
        parts = {"genes": self.genes.versioned, "splits": self.splits.versioned}
        return self.model_copy(update=parts | {"conservation": self.features.versioned.conservation})

    @field_validator("kmers")
    @classmethod
    def _bounded(cls, kmers: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(kmers)) != len(kmers):
            raise ValueError(f"{list(kmers)} names a length twice")
        columns = sum(4**k for k in kmers)
        if columns > MOST_KMER_COLUMNS:
            raise ValueError(f"{list(kmers)} would make {columns:,} k-mer columns; at most {MOST_KMER_COLUMNS:,}")
        return tuple(sorted(kmers))
