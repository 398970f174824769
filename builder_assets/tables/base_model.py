"""Tables of a base model: weights, genes to score, scores, calls and performance."""

from builder_assets.tables.genome import CHROM, END, GENE_ID, GENE_TYPE, POSITION, START, STRAND, count
from resources.table_contract import Column, TableContract

KIND = Column(name="kind", dtype="string", description="Kind of site.", allowed=("donor", "acceptor"))
LENGTH = Column(name="length", dtype="int64", description="end - start + 1.", unit="bases", minimum=1)
SEEN = Column(
    name="base_model_seen",
    dtype="bool",
    description="Whether the base model was trained on this chromosome.",
    role="metadata",
)

BASE_MODEL_WEIGHTS = TableContract(
    name="base_model_weights",
    description="Every array of every ensemble member, by name, shape and digest; the values stay where they are.",
    columns=(
        Column(name="member", dtype="int32", description="Ensemble member, from 1.", minimum=1),
        Column(name="array", dtype="string", description="Name of the array in this project's network."),
        Column(name="source", dtype="string", description="Name of the array in the weight file."),
        Column(name="shape", dtype="string", description="Sizes joined by x, e.g. 11x32x32."),
        Column(name="n_values", dtype="int64", description="Number of values.", minimum=1),
        Column(name="sha256", dtype="string", description="SHA-256 of the float32 values, little-endian, C order."),
    ),
    key=("member", "array"),
)

_GENES_TO_SCORE = (
    CHROM,
    GENE_ID,
    STRAND,
    START,
    END,
    LENGTH,
)

SCORING_PLAN = TableContract(
    name="scoring_plan",
    description="Genes that the base model has to score, and why.",
    columns=(
        *_GENES_TO_SCORE,
        Column(name="reason", dtype="string", description="Which datasets need it, and why."),
    ),
    key=("chrom", "gene_id"),
)
GENES_TO_SCORE = TableContract(
    name="genes_to_score",
    description="One chromosome of the scoring plan, without the reasons: a new reason rescores nothing.",
    columns=_GENES_TO_SCORE,
    key=("chrom", "gene_id"),
)

_SD = "over the ensemble's n members, denominator n, per base; index = offset."
ENSEMBLE_SD = (
    Column(name="donor_sd", dtype="list<float32>", description=f"SD of P(donor) {_SD}", unit="probability"),
    Column(name="acceptor_sd", dtype="list<float32>", description=f"SD of P(acceptor) {_SD}", unit="probability"),
)
SPLICE_SCORES = TableContract(
    name="splice_scores",
    description="Donor and acceptor probability of every base of every gene scored.",
    columns=(
        CHROM,
        GENE_ID,
        STRAND,
        START,
        END,
        LENGTH,
        Column(
            name="fingerprint",
            dtype="string",
            description="Hash of all that the scores depend on: bases read, weights, architecture, flanks, precision.",
        ),
        Column(name="scored_by", dtype="string", description="Device and library version that computed them."),
        Column(
            name="donor_scores",
            dtype="list<float32>",
            description="P(donor) per base; index = offset; exactly `length` values.",
            unit="probability",
        ),
        Column(
            name="acceptor_scores",
            dtype="list<float32>",
            description="P(acceptor) per base; index = offset; exactly `length` values.",
            unit="probability",
        ),
    ),
    key=("chrom", "gene_id"),
)


def splice_scores_contract(*, ensemble_sd: bool) -> TableContract:
    """SPLICE_SCORES, with the SD over the ensemble's members where the base model stores it."""
    columns = (*SPLICE_SCORES.columns, *(ENSEMBLE_SD if ensemble_sd else ()))
    return SPLICE_SCORES.model_copy(update={"columns": columns})


SPLICE_CALLS = TableContract(
    name="splice_calls",
    description="Every called base and every missed site: TP, FP, FN and XP (explained by another gene's site).",
    columns=(
        CHROM,
        GENE_ID,
        Column(name="position", dtype="int64", description="Called base or missed site.", unit=POSITION, minimum=1),
        KIND,
        STRAND,
        Column(name="offset", dtype="int64", description="Offset in the gene.", unit="offset", minimum=0),
        Column(
            name="outcome",
            dtype="string",
            description="FP means not annotated, not false. XP: a same-strand site of the same kind of another gene.",
            allowed=("TP", "FP", "FN", "XP"),
        ),
        Column(name="score", dtype="float32", description="Score of its kind.", unit="probability"),
        Column(
            name="is_tandem",
            dtype="bool",
            description="Another site of the same kind of this gene lies within 6 nt.",
        ),
    ),
    key=("chrom", "gene_id", "position", "kind"),
)


def _rate(name: str, description: str) -> Column:
    return Column(name=name, dtype="float64", description=description, nullable=True, minimum=0, maximum=1)


GENE_PERFORMANCE = TableContract(
    name="gene_performance",
    description="How right the base model is, per gene and kind, from all bases.",
    columns=(
        CHROM,
        GENE_ID,
        KIND,
        STRAND,
        GENE_TYPE,
        LENGTH,
        SEEN,
        count("n_sites", "Scorable sites of the chosen labels."),
        count("tp", "Sites called at exactly their base."),
        count("fp", "Called bases that no gene of the strand has as a site of this kind."),
        count("fn", "Sites not called."),
        count("xp", "Called bases that are a site of this kind of another gene only."),
        Column(name="tn", dtype="int64", description="Scorable bases that are none of the above.", minimum=0),
        _rate("precision", "tp / (tp + fp); null without calls."),
        _rate("recall", "tp / (tp + fn); null without sites."),
        _rate("f1", "2 tp / (2 tp + fp + fn); null without sites."),
        _rate("average_precision", "Area under precision-recall steps, explained bases masked; null without sites."),
        _rate("top_k_accuracy", "Share of the n_sites highest bases that are sites; ties by offset; null without."),
        count("n_peaks", "Sites whose own-kind maximum within +-5 reaches the threshold and that are not tandem."),
        count("n_peaks_at_shift_0", "Of those, the ones whose maximum lies exactly on the site."),
    ),
    key=("chrom", "gene_id", "kind"),
)

MODEL_REPORT = TableContract(
    name="model_report",
    description="Pooled values and gene means of the base model, by labels, seen or unseen, gene type and motif.",
    columns=(
        Column(name="scope", dtype="string", description="all, seen, unseen, gene_type=... or motif=..."),
        Column(name="labels", dtype="string", description="Sites counted: the model's labels, or canonical only."),
        Column(
            name="kind", dtype="string", description="donor, acceptor or both.", allowed=("donor", "acceptor", "both")
        ),
        Column(name="metric", dtype="string", description="What `value` is."),
        Column(
            name="x",
            dtype="float64",
            description="Where a metric is a curve or histogram, the place on it (recall, shift or score); else 0.",
        ),
        Column(name="value", dtype="float64", description="Null where it is not defined.", nullable=True),
    ),
    key=("scope", "labels", "kind", "metric", "x"),
)

MASKED_SITES = TableContract(
    name="masked_sites",
    description="Exon-side bases of junctions seen in reads: where not annotated, unknown, neither example nor error.",
    columns=(
        CHROM,
        Column(name="position", dtype="int64", description="The base.", unit=POSITION, minimum=1),
        STRAND,
    ),
    key=("chrom", "position", "strand"),
)
