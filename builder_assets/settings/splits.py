"""`splits:` of a dataset: which side of training, validation and test a gene is on."""

from typing import Literal

from pydantic import Field, model_validator

from builder_assets.settings.base_model import HELD_OUT_CHROMOSOMES
from builder_assets.settings.frozen import ChromosomeName, Frozen, Share

CHROMOSOME_PRESETS: dict[str, dict[str, tuple[str, ...]]] = {
    # Unseen by both published base models, so a stacked model is trained on honest scores.
    "stacking": {"train": ("1", "3", "5"), "validation": ("7",), "test": ("9",)},
    # SpliceAI's own test chromosomes; what is not named is for training.
    "spliceai": {"validation": (), "test": HELD_OUT_CHROMOSOMES},
}


class SplitSettings(Frozen):
    """How genes are parted into training, validation and test, and into folds."""

    by: Literal["gene", "chromosome", "table"] = "gene"
    file: str | None = None
    validation: Share = 0.1
    test: Share = 0.2
    preset: Literal["stacking", "spliceai"] | None = None
    chromosomes: dict[Literal["train", "validation", "test"], tuple[ChromosomeName, ...]] | None = None
    folds: int = Field(default=5, ge=1, le=127)
    seed: int = 42

    @model_validator(mode="after")
    def _consistent(self) -> "SplitSettings":
        if self.validation + self.test >= 1:
            raise ValueError(f"validation {self.validation} + test {self.test} leave nothing for training")
        if (self.by == "table") != (self.file is not None):
            raise ValueError("`by: table` and `file:`, a table with gene_id and split, belong together")
        if self.by != "chromosome" and (self.preset or self.chromosomes):
            raise ValueError("`preset:` and `chromosomes:` belong to `by: chromosome`")
        if self.by == "chromosome" and (self.preset is None) == (self.chromosomes is None):
            raise ValueError("`by: chromosome` needs either `preset:` or `chromosomes:`")
        named = [c for side in self.chromosome_table.values() for c in side]
        twice = sorted({c for c in named if named.count(c) > 1})
        if twice:
            raise ValueError(f"chromosome {', '.join(twice)} stands on more than one side")
        return self

    @property
    def versioned(self) -> "SplitSettings":
        """The settings with the path of the table replaced by a word: its content counts, not where it lies."""
        return self.model_copy(update={"file": self.file and "given"})

    @property
    def chromosome_table(self) -> dict[str, tuple[str, ...]]:
        """Side -> chromosomes; empty unless `by: chromosome`."""
        if self.preset:
            return CHROMOSOME_PRESETS[self.preset]
        return {str(side): names for side, names in (self.chromosomes or {}).items()}
