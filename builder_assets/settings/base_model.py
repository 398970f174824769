"""`base_models:`, the splice-site predictor that is run over a genome, and how its scores are judged."""

from typing import Literal

from pydantic import Field, model_validator

from builder_assets.settings.frozen import ChromosomeName, Frozen

# Both model families' human models were trained on every chromosome but these (Jaganathan 2019; Chao 2025).
HELD_OUT_CHROMOSOMES = ("1", "3", "5", "7", "9")
TRAINED_CHROMOSOMES = tuple(c for c in [*map(str, range(1, 23)), "X", "Y"] if c not in HELD_OUT_CHROMOSOMES)
TRAINED_ASSEMBLY = {"spliceai": "GRCh37", "openspliceai": "GRCh38"}


class NetworkSettings(Frozen):
    """What the scores of a gene depend on, besides its bases and the weights."""

    family: Literal["spliceai", "openspliceai"]
    context: Literal[80, 400, 2000, 10000] = 10000
    flanks: Literal["masked", "genomic"] = "masked"
    precision: Literal["float32", "bfloat16"] = "float32"


class StoredSpread(Frozen):
    """What is stored beside the scores; none of it changes them."""

    ensemble_sd: bool


class EvaluationSettings(Frozen):
    """Which bases count as sites or as unknown, and from which score on a base is called."""

    labels: Literal["all", "basic", "canonical", "mane"] = "all"
    threshold: float = Field(default=0.5, gt=0, lt=1)
    mask_sites: Literal["given"] | None = None


class BaseModelSettings(Frozen):
    """One base model on one genome."""

    genome: str
    family: Literal["spliceai", "openspliceai"]
    weights: str | None = None
    context: Literal[80, 400, 2000, 10000] = 10000
    labels: Literal["all", "basic", "canonical", "mane"] = "all"
    mask_sites: str | None = None
    threshold: float = Field(default=0.5, gt=0, lt=1)
    flanks: Literal["masked", "genomic"] = "masked"
    precision: Literal["float32", "bfloat16"] = "float32"
    ensemble_sd: bool = False
    longest_tile: int | None = Field(default=None, ge=512)
    trained_on: tuple[ChromosomeName, ...] = TRAINED_CHROMOSOMES
    other_assembly: bool = False

    @property
    def network(self) -> NetworkSettings:
        """The part that scores depend on."""
        return NetworkSettings(family=self.family, context=self.context, flanks=self.flanks, precision=self.precision)

    @property
    def scores(self) -> tuple[NetworkSettings | StoredSpread, ...]:
        """What the table of scores depends on. Nothing is said of a spread that is not stored."""
        return (self.network, StoredSpread(ensemble_sd=True)) if self.ensemble_sd else (self.network,)

    @property
    def evaluation(self) -> EvaluationSettings:
        """The part that calls, performance and examples depend on; of the masked sites the content counts, no path."""
        mask = "given" if self.mask_sites else None
        return EvaluationSettings(labels=self.labels, threshold=self.threshold, mask_sites=mask)

    @model_validator(mode="after")
    def _complete(self) -> "BaseModelSettings":
        if self.family == "openspliceai" and self.weights is None:
            raise ValueError("family openspliceai needs `weights:`, the folder of its .pt files")
        if self.family == "spliceai" and self.context != 10000:
            raise ValueError(f"SpliceAI was published with a context of 10000 only, not {self.context}")
        return self
