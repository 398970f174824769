"""What the rows and columns of `training_examples` depend on: `negatives:` and the features of a dataset."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from builder_assets.settings.frozen import Frozen, Share


class TierRatios(Frozen):
    """Negatives drawn per tier, as multiples of the gene's sites; hard and mid are always taken whole."""

    low: float = Field(default=1.0, ge=0)
    decoy: float = Field(default=1.0, ge=0)
    near: float = Field(default=0.5, ge=0)
    easy: float = Field(default=0.5, ge=0)


class NegativeSettings(Frozen):
    """The bounds of the six tiers of negatives, and how many of each are drawn."""

    hard_prob: Share = 0.15
    mid_prob: Share = 0.01
    low_prob: Share = 0.001
    window: int = Field(default=75, ge=0)
    ratios: TierRatios = TierRatios()
    minimum: int = Field(default=2, ge=0)
    keep_all: bool = False
    seed: int = 42

    @model_validator(mode="after")
    def _ordered(self) -> "NegativeSettings":
        if not self.low_prob <= self.mid_prob <= self.hard_prob:
            raise ValueError(
                f"bounds must not fall: low_prob {self.low_prob} <= mid_prob {self.mid_prob} <= "
                f"hard_prob {self.hard_prob}"
            )
        return self


class FeatureSettings(Frozen):
    """What the columns of a training table depend on."""

    kmers: tuple[Annotated[int, Field(ge=1, le=6)], ...] = (3,)
    kmer_values: Literal["counts", "frequencies"] = "counts"
    flank: int = Field(default=250, ge=0, le=32000)
    flank_upstream: int | None = Field(default=None, ge=0, le=32000)
    flank_downstream: int | None = Field(default=None, ge=0, le=32000)
    score_context: bool = True
    motif: bool = True
    annotation_features: bool = False
    # Left out of the code version where it is off: tables built before there was this choice stay fresh.
    ensemble_sd: bool = Field(default=False, exclude_if=lambda on: not on)
    conservation: str | None = None
    window_sequence: bool = False
    window_one_hot: bool = False

    @property
    def upstream(self) -> int:
        """Bases of the window before the example's base."""
        return self.flank if self.flank_upstream is None else self.flank_upstream

    @property
    def downstream(self) -> int:
        """Bases of the window after the example's base."""
        return self.flank if self.flank_downstream is None else self.flank_downstream

    @property
    def versioned(self) -> "FeatureSettings":
        """The settings with the path of the conservation track replaced by a word: its content counts."""
        return self.model_copy(update={"conservation": self.conservation and "given"})


class ExampleSettings(Frozen):
    """What training_examples depends on: its features and its negatives."""

    features: FeatureSettings
    negatives: NegativeSettings
