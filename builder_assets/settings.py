"""`builder.yaml`, validated: what exists in a project and every choice that shapes its data.

Frozen models only. Each asset factory receives just the model that its `code_version` covers, so that a setting
which an asset does not read cannot change it. Paths, worker counts and devices are in no code version.
"""

import difflib
import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

import fsspec
import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator

from resources.places import is_remote, place

CONFIG_VARIABLE = "BUILDER_CONFIG"
CONFIG_NAME = "builder.yaml"
LOCAL_FILES = ".cache/files"  # of a project whose data_dir is in an object store
MOST_KMER_COLUMNS = 6000
NAME = re.compile(r"^[A-Za-z][A-Za-z0-9_]{0,99}$")

# Both model families' human models were trained on every chromosome but these (Jaganathan 2019; Chao 2025).
HELD_OUT_CHROMOSOMES = ("1", "3", "5", "7", "9")
TRAINED_CHROMOSOMES = tuple(c for c in [*map(str, range(1, 23)), "X", "Y"] if c not in HELD_OUT_CHROMOSOMES)
TRAINED_ASSEMBLY = {"spliceai": "GRCh37", "openspliceai": "GRCh38"}


class SettingsError(ValueError):
    """`builder.yaml` cannot be used; the text names the YAML path, the value and what is allowed."""


def _as_text(value: Any) -> Any:
    """YAML reads 22 as a number; chromosome names are text."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


ChromosomeName = Annotated[str, BeforeValidator(_as_text), Field(pattern=r"^[A-Za-z0-9_.*-]{1,60}$")]
Share = Annotated[float, Field(ge=0, le=1)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class IntronSettings(_Frozen):
    """What counts as an intron, and what happens where sequence is partial."""

    min_intron: int = Field(default=30, ge=0)
    partial_sequence: bool = False


class GenomeSettings(_Frozen):
    """One genome: a FASTA, an annotation, and the chromosomes to build."""

    assembly: str
    fasta: str
    annotation: str
    chromosomes: tuple[ChromosomeName, ...] = Field(min_length=1, max_length=99)
    regions: tuple[str, ...] = ()
    min_intron: int = Field(default=30, ge=0)
    partial_sequence: bool = False
    paralogs: str | None = None

    @property
    def introns(self) -> IntronSettings:
        """The part that the per-chromosome tables read."""
        return IntronSettings(min_intron=self.min_intron, partial_sequence=self.partial_sequence)

    @field_validator("chromosomes")
    @classmethod
    def _unique(cls, chromosomes: tuple[str, ...]) -> tuple[str, ...]:
        twice = sorted({c for c in chromosomes if chromosomes.count(c) > 1})
        if twice:
            raise ValueError(f"{', '.join(twice)} named more than once")
        prefixed = [c for c in chromosomes if c.startswith("chr") or c == "M"]
        if prefixed:
            raise ValueError(
                f"{', '.join(prefixed)}: chromosomes are named without `chr`, the mitochondrion is MT; "
                "the files may use any common name"
            )
        return chromosomes

    @field_validator("regions")
    @classmethod
    def _regions(cls, regions: tuple[str, ...]) -> tuple[str, ...]:
        for region in regions:
            found = re.fullmatch(r"[^:]+:(\d+)-(\d+)", region)
            if not found or int(found[1]) < 1 or int(found[1]) > int(found[2]):
                raise ValueError(f"{region!r} is not of the form chromosome:start-end (1-based, closed)")
        return regions


class NetworkSettings(_Frozen):
    """What the scores of a gene depend on, besides its bases and the weights."""

    family: Literal["spliceai", "openspliceai"]
    context: Literal[80, 400, 2000, 10000] = 10000
    flanks: Literal["masked", "genomic"] = "masked"
    precision: Literal["float32", "bfloat16"] = "float32"


class StoredSpread(_Frozen):
    """What is stored beside the scores; none of it changes them."""

    ensemble_sd: bool


class EvaluationSettings(_Frozen):
    """Which bases count as sites or as unknown, and from which score on a base is called."""

    labels: Literal["all", "basic", "canonical", "mane"] = "all"
    threshold: float = Field(default=0.5, gt=0, lt=1)
    mask_sites: Literal["given"] | None = None


class BaseModelSettings(_Frozen):
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


# Policies that rank genes by how wrong the base model is on them; they choose training genes only.
ERROR_POLICIES = ("error_total", "error_fp", "error_fn", "error_rate", "hard")
COUNTED_POLICIES = ("random", *ERROR_POLICIES, "length_strata", "splice_density")


class GeneChoice(_Frozen):
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


class TierRatios(_Frozen):
    """Negatives drawn per tier, as multiples of the gene's sites; hard and mid are always taken whole."""

    low: float = Field(default=1.0, ge=0)
    decoy: float = Field(default=1.0, ge=0)
    near: float = Field(default=0.5, ge=0)
    easy: float = Field(default=0.5, ge=0)


class NegativeSettings(_Frozen):
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


CHROMOSOME_PRESETS: dict[str, dict[str, tuple[str, ...]]] = {
    # Unseen by both published base models, so a stacked model is trained on honest scores.
    "stacking": {"train": ("1", "3", "5"), "validation": ("7",), "test": ("9",)},
    # SpliceAI's own test chromosomes; what is not named is for training.
    "spliceai": {"validation": (), "test": HELD_OUT_CHROMOSOMES},
}


class SplitSettings(_Frozen):
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


class FeatureSettings(_Frozen):
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


class ExampleSettings(_Frozen):
    """What training_examples depends on: its features and its negatives."""

    features: FeatureSettings
    negatives: NegativeSettings


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


class Settings(_Frozen):
    """All of `builder.yaml`. `root` is its folder; relative paths count from there."""

    root: Path
    data_dir: str = "data"
    genomes: dict[str, GenomeSettings] = Field(min_length=1)
    base_models: dict[str, BaseModelSettings] = {}
    datasets: dict[str, DatasetSettings] = {}

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


def _listed(names: Any) -> str:
    return ", ".join(map(repr, names)) or "(none defined)"


def find_config(config: str | Path | None = None) -> Path:
    """The settings file to use: `config`, else $BUILDER_CONFIG, else ./builder.yaml.

    Raises:
        SettingsError: there is none; the text names `builder init`.
    """
    path = Path(config or os.environ.get(CONFIG_VARIABLE) or CONFIG_NAME).expanduser().resolve()
    if not path.is_file():
        raise SettingsError(f"no settings file at {path}. `builder init DIR` writes one to start from.")
    return path


def load_settings(config: str | Path | None = None) -> Settings:
    """Read and validate a settings file.

    Raises:
        SettingsError: the file is missing, is no YAML, or breaks a rule; one line per problem.
    """
    path = find_config(config)
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not readable as YAML: {error}") from error
    if not isinstance(content, dict):
        raise SettingsError(f"{path} holds no settings: expected the keys data_dir, genomes, base_models, datasets.")
    try:
        return Settings.model_validate(content | {"root": path.parent})
    except ValidationError as error:
        problems = _problems(error)
        raise SettingsError("\n".join([f"{path}: {len(problems)} problem(s)", *problems])) from error


def _problems(error: ValidationError) -> list[str]:
    lines = []
    for problem in error.errors():
        path = ".".join(str(part) for part in problem["loc"])
        if problem["type"] == "extra_forbidden":
            lines.append(f"  {path}: unknown key{_nearest(problem['loc'])}")
        elif problem["type"] == "missing":
            lines.append(f"  {path}: is required")
        else:
            message = problem["msg"].removeprefix("Value error, ")
            value = problem["input"]
            shown = f"{value!r}: " if isinstance(value, str | int | float | bool) else ""
            lines.append(f"  {path}: {shown}{message}" if path else f"  {message}")
    return lines


def _nearest(location: tuple[int | str, ...]) -> str:
    """The known keys at a place in the settings, the most similar one first."""
    model: Any = Settings
    for part in location[:-1]:
        model = _annotation_of(model, str(part))
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        return ""
    known = [name for name in model.model_fields if name != "root"]
    close = difflib.get_close_matches(str(location[-1]), known, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return f"{hint} (known: {', '.join(known)})"


def _annotation_of(model: Any, part: str) -> Any:
    """What the settings expect under key `part` of `model`: a model, or None for anything simpler."""
    if get_origin(model) is dict:
        return get_args(model)[1]
    field = model.model_fields.get(part) if isinstance(model, type) and issubclass(model, BaseModel) else None
    return field.annotation if field else None
