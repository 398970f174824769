"""Tables of a dataset: the genes it takes and the manifest. Its examples are declared in `dataset.columns`."""

from builder_assets.tables.base_model import LENGTH, SEEN
from builder_assets.tables.genome import CHROM, END, GENE_ID, GENE_NAME, GENE_TYPE, START, STRAND, count
from resources.table_contract import Column, TableContract

SPLITS = ("train", "validation", "test", "excluded")

_SELECTION = (
    CHROM,
    GENE_ID,
    Column(
        name="rank", dtype="int32", description="Order of selection, from 1; null for refused genes.", nullable=True
    ),
    Column(name="is_selected", dtype="bool", description="False: asked for, and refused."),
    Column(name="reason", dtype="string", description="Why it was selected or refused."),
    GENE_NAME,
    GENE_TYPE,
    STRAND,
    START,
    END,
    LENGTH,
    Column(name="unit", dtype="string", description="Split unit; genes of one unit never stand on two sides."),
    Column(name="split", dtype="string", description="Side of the split.", allowed=SPLITS, role="metadata"),
    Column(name="fold", dtype="int8", description="Cross-validation fold, from 0; whole units.", minimum=0),
    SEEN,
)

GENE_SELECTION = TableContract(
    name="gene_selection",
    description="Genes that the dataset takes, in order, and those that were refused, each with its reason.",
    columns=_SELECTION,
    key=("chrom", "gene_id"),
)
SELECTED_GENES = TableContract(
    name="selected_genes",
    description="The selected genes of one chromosome.",
    columns=_SELECTION,
    key=("chrom", "gene_id"),
)

TIERS = ("hard", "mid", "low", "decoy", "near", "easy")

GENE_MANIFEST = TableContract(
    name="gene_manifest",
    description="One row per selected gene, in order of selection.",
    columns=(
        Column(name="global_index", dtype="int32", description="Row number, from 0.", minimum=0),
        GENE_ID,
        GENE_NAME,
        GENE_TYPE,
        CHROM,
        STRAND,
        Column(name="gene_length", dtype="int64", description="end - start + 1.", unit="bases", minimum=1),
        START,
        END,
        count("total_splice_sites", "Unique sites."),
        count("donor_sites", "Unique donor sites."),
        count("acceptor_sites", "Unique acceptor sites."),
        Column(
            name="splice_density_per_kb",
            dtype="float64",
            description="total_splice_sites per 1,000 bases of the gene.",
            unit="sites/kb",
        ),
        Column(
            name="file_name",
            dtype="string",
            description="File of its examples, relative to the dataset's folder; null if it has no rows.",
            nullable=True,
        ),
        Column(name="reason", dtype="string", description="Why it was selected."),
        Column(name="split", dtype="string", description="Side of the split.", allowed=SPLITS),
        Column(name="fold", dtype="int8", description="Cross-validation fold.", minimum=0),
        SEEN,
        count("n_rows", "Examples."),
        count("rows_donor", "Examples labelled donor."),
        count("rows_acceptor", "Examples labelled acceptor."),
        count("rows_neither", "Examples labelled neither."),
        *[count(f"rows_{tier}", f"Negatives of tier {tier}.") for tier in TIERS],
        *[count(name, f"{name.upper()} of both kinds, from all bases.") for name in ("tp", "fp", "fn", "xp")],
    ),
    key=("chrom", "gene_id"),
    sort=("global_index",),
)

DATASET_CARD = TableContract(
    name="dataset_card",
    description="What the dataset is, in full: README.md for people and Hugging Face, dataset_card.json for machines.",
    columns=(
        Column(name="json", dtype="string", description="Text of dataset_card.json."),
        Column(name="markdown", dtype="string", description="Text of README.md."),
        *[
            Column(name=name, dtype="string", description=f"SVG: {text}.")
            for name, text in (
                ("p_site.svg", "P(site) per score bin"),
                ("rows.svg", "rows per split and tier"),
                ("base_model.svg", "precision over recall of the base model"),
            )
        ],
    ),
)

META_MODEL_BASELINE = TableContract(
    name="meta_model_baseline",
    description="A meta-model trained on the dataset, judged on every base of held-out genes against the base model.",
    columns=(
        Column(name="json", dtype="string", description="Text of meta_model_baseline.json."),
        Column(name="markdown", dtype="string", description="Text of meta_model_baseline.md."),
        Column(name="plot", dtype="string", description="SVG: precision over recall, calibration."),
    ),
)

CONSERVATION_TRACK = TableContract(
    name="conservation_track",
    description="The user's conservation track on one chromosome, by digest; the values stay where they are.",
    columns=(
        CHROM,
        Column(name="n_values", dtype="int64", description="Bases that have a value.", unit="count", minimum=0),
        Column(name="sha256", dtype="string", description="SHA-256 of the track's float32 values, base by base."),
    ),
    key=("chrom",),
)

EXAMPLE_POOLS = TableContract(
    name="example_pools",
    description="Per gene, what its examples were drawn from: eligible bases per tier and per score bin.",
    columns=(
        CHROM,
        GENE_ID,
        *[
            Column(name=name, dtype="int64", description=text, unit="count", minimum=0)
            for name, text in (
                ("n_rows", "Examples."),
                ("n_sites", "Sites among them."),
                ("n_eligible", "Bases that may be negatives."),
                *[(f"pool_{tier}", f"Eligible bases of tier {tier}.") for tier in TIERS],
                *[(f"drawn_{tier}", f"Negatives drawn from tier {tier}.") for tier in TIERS],
                *[(f"eligible_bin_{b}", f"Eligible bases in score bin {b} of 0..4.") for b in range(5)],
            )
        ],
    ),
    key=("chrom", "gene_id"),
)
