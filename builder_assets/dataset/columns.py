"""The columns of `training_examples`: blocks, each a tuple of columns declared beside the function that fills it.

A new block of features = a tuple of columns and one pure function in a module of its own, one line in
`feature_blocks`, and one call in `examples`.
"""

from builder_assets.dataset.features.annotation import ANNOTATION_COLUMNS
from builder_assets.dataset.features.conservation import CONSERVATION_COLUMNS
from builder_assets.dataset.features.ensemble_spread import ENSEMBLE_SD_COLUMNS
from builder_assets.dataset.features.kmers import kmer_columns
from builder_assets.dataset.features.motifs import MOTIF_COLUMNS
from builder_assets.dataset.features.score_context import CONTEXT_COLUMNS
from builder_assets.dataset.features.scores import BASE_COLUMNS, DERIVED_COLUMNS
from builder_assets.dataset.features.sequence import SEQUENCE_COLUMNS, window_columns
from builder_assets.settings import FeatureSettings
from builder_assets.tables.base_model import SEEN
from builder_assets.tables.dataset import SPLITS, TIERS
from builder_assets.tables.genome import CHROM, GENE_ID, GENE_NAME, GENE_TYPE, POSITION, STRAND
from resources.table_contract import Column, TableContract

EXAMPLES_SCHEMA_VERSION = 2  # 2: score_context and motif blocks; sequence windows with two flank lengths
ROLES = ("key", "label", "group", "feature", "annotation_feature", "metadata", "leakage", "weight")
PREDICTION_TYPES = ("TP", "FP", "FN", "TN", "XP")

KEY_COLUMNS = (
    CHROM,
    GENE_ID,
    Column(name="position", dtype="int64", description="The base.", unit=POSITION, role="key", minimum=1),
)

LABEL_COLUMNS = (
    Column(
        name="splice_type",
        dtype="string",
        description="From the annotation only: the site that the gene has here.",
        role="label",
        allowed=("donor", "acceptor", "neither"),
    ),
    Column(
        name="label",
        dtype="int8",
        description="splice_type as a number: neither 0, donor 1, acceptor 2.",
        role="label",
        minimum=0,
        maximum=2,
    ),
)

GROUP_COLUMNS = (
    Column(
        name="unit",
        dtype="string",
        description="Split unit: group of genes that no split, fold or cross-validation may part.",
        role="group",
    ),
)

METADATA_COLUMNS = (
    STRAND,
    GENE_NAME.model_copy(update={"role": "metadata"}),
    GENE_TYPE.model_copy(update={"role": "metadata"}),
    Column(
        name="offset",
        dtype="int64",
        description="0-based distance from the gene's 5' end in transcription direction.",
        unit="offset",
        role="metadata",
        minimum=0,
    ),
    Column(name="split", dtype="string", description="Side of the split.", role="metadata", allowed=SPLITS),
    Column(
        name="fold",
        dtype="int8",
        description="Cross-validation fold, from 0; whole units.",
        role="metadata",
        minimum=0,
    ),
    SEEN,
)

SPAN_COLUMNS = (
    Column(
        name="gene_length", dtype="int32", description="Bases of the gene.", unit="bases", role="feature", minimum=1
    ),
    Column(
        name="distance_to_5p",
        dtype="int32",
        description="Bases between it and the gene's 5' end; 0 at the first base.",
        unit="bases",
        role="feature",
        minimum=0,
    ),
    Column(
        name="distance_to_3p",
        dtype="int32",
        description="Bases between it and the gene's 3' end; 0 at the last base.",
        unit="bases",
        role="feature",
        minimum=0,
    ),
    Column(
        name="relative_position",
        dtype="float32",
        description="distance_to_5p / (gene_length - 1); 0 in a gene of one base.",
        role="feature",
        minimum=0,
        maximum=1,
    ),
)

_NO_SITE = "null on negatives"
LEAKAGE_COLUMNS = (
    Column(
        name="site_n_transcripts",
        dtype="int32",
        description=f"Transcripts that use the site; {_NO_SITE}.",
        unit="count",
        role="leakage",
        nullable=True,
        minimum=1,
    ),
    Column(
        name="site_transcript_ids",
        dtype="list<string>",
        description=f"Transcripts that use the site, sorted; {_NO_SITE}.",
        role="leakage",
        nullable=True,
    ),
    Column(
        name="any_canonical",
        dtype="bool",
        description=f"The canonical transcript uses the site; {_NO_SITE}.",
        role="leakage",
        nullable=True,
    ),
    Column(
        name="any_basic",
        dtype="bool",
        description=f"A basic transcript uses the site; {_NO_SITE} and where the annotation has no such tag.",
        role="leakage",
        nullable=True,
    ),
    Column(
        name="near_site",
        dtype="bool",
        description="Another annotated site of the strand, of any gene and kind, within +-2; itself not counted.",
        role="leakage",
    ),
    Column(
        name="negative_tier",
        dtype="string",
        description="Tier it was drawn from; null on sites.",
        role="leakage",
        nullable=True,
        allowed=TIERS,
    ),
    Column(
        name="pred_type",
        dtype="string",
        description=(
            "What the base model's call at the threshold is. Sites, by the score of their own kind: TP or FN; "
            "negatives, by the higher score: FP or TN. XP cannot arise: other genes' sites are no examples."
        ),
        role="leakage",
        allowed=PREDICTION_TYPES,
    ),
)

WEIGHT_COLUMNS = (
    Column(
        name="sample_weight",
        dtype="float64",
        description="Bases of the gene that it stands for: pool / drawn of its tier; 1 on sites.",
        role="weight",
        minimum=1,
    ),
)


def feature_blocks(features: FeatureSettings) -> dict[str, tuple[Column, ...]]:
    """The blocks of feature columns under these settings, by name, in stored order."""
    window = window_columns(sequence=features.window_sequence, one_hot=features.window_one_hot)
    blocks = {
        "base": BASE_COLUMNS,
        "derived": DERIVED_COLUMNS,
        "score_context": CONTEXT_COLUMNS if features.score_context else (),
        "ensemble_sd": ENSEMBLE_SD_COLUMNS if features.ensemble_sd else (),
        "motif": MOTIF_COLUMNS if features.motif else (),
        "conservation": CONSERVATION_COLUMNS if features.conservation else (),
        "span": SPAN_COLUMNS,
        "sequence": SEQUENCE_COLUMNS,
        "window": window,
        "annotation": ANNOTATION_COLUMNS if features.annotation_features else (),
        "kmers": kmer_columns(features.kmers, features.kmer_values),
    }
    return {name: columns for name, columns in blocks.items() if columns}


def training_examples_contract(features: FeatureSettings) -> TableContract:
    """The contract of `training_examples` under these settings; the same for every chromosome."""
    blocks = feature_blocks(features)
    return TableContract(
        name="training_examples",
        description="One row per example: a splice site or a sampled negative, with features from scores and bases.",
        columns=(
            *KEY_COLUMNS,
            *LABEL_COLUMNS,
            *GROUP_COLUMNS,
            *METADATA_COLUMNS,
            *[column for block in blocks.values() for column in block],
            *LEAKAGE_COLUMNS,
            *WEIGHT_COLUMNS,
        ),
        key=("chrom", "gene_id", "position"),
        schema_version=EXAMPLES_SCHEMA_VERSION,
    )


def columns_of_role(contract: TableContract, role: str) -> list[str]:
    """Names of the columns that have `role`, in stored order."""
    return [column.name for column in contract.columns if column.role == role]
