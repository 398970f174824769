"""`genes:` of a dataset: which genes it takes."""

from typing import Literal

from pydantic import Field, model_validator

from builder_assets.settings.frozen import Frozen

# Policies that rank genes by how wrong the base model is on them; they choose training genes only.
ERROR_POLICIES = ("error_total", "error_fp", "error_fn", "error_rate", "hard")
COUNTED_POLICIES = ("random", *ERROR_POLICIES, "length_strata", "splice_density")


class GeneChoice(Frozen):
    """Which genes a dataset takes."""

    policy: Literal[
        "all", "random", "custom",
        "error_total", "error_fp", "error_fn", "error_rate", "hard", "length_strata", "splice_density",
    ]  # fmt: skip
    count: int | None = Field(default=None, ge=1)
    eval_count: int | None = Field(default=None, ge=0)
    types: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    include_file: str | None = None
    exclude: tuple[str, ...] = ()
    exclude_file: str | None = None
    on_unknown: Literal["fail", "skip"] = "fail"
    intronless: Literal["refuse", "keep"] = "refuse"
    seed: int = 42

    @model_validator(mode="after")
    def _consistent(self) -> "GeneChoice":
        if self.policy in COUNTED_POLICIES and self.count is None:
            raise ValueError(f"policy {self.policy} needs `count:`, the number of genes in total")
        if self.policy not in COUNTED_POLICIES and self.count is not None:
            raise ValueError(f"policy {self.policy} takes no `count:`")
        if self.eval_count is not None and not self.reads_performance:
            raise ValueError(f"policy {self.policy} takes no `eval_count:`; it belongs to {', '.join(ERROR_POLICIES)}")
        if self.eval_count is not None and self.count is not None and self.eval_count >= self.count:
            raise ValueError(
                f"`eval_count:` {self.eval_count} genes of validation and test are part of `count:` {self.count}, "
                "which leaves none for training"
            )
        if self.policy == "custom" and not self.include and self.include_file is None:
            raise ValueError("policy custom needs `include:` or `include_file:`")
        return self

    @property
    def reads_performance(self) -> bool:
        """Whether genes are ranked by the base model's errors."""
        return self.policy in ERROR_POLICIES

    @property
    def versioned(self) -> "GeneChoice":
        """The choice with the paths of its list files replaced by a word: their content counts, not where they lie."""
        given = {"include_file": self.include_file and "given", "exclude_file": self.exclude_file and "given"}
        return self.model_copy(update=given)
