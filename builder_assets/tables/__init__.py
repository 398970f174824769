"""The contract of every stored table: one registry, read by assets, store, checks and documentation."""

from builder_assets.tables.base_model import (
    BASE_MODEL_WEIGHTS,
    GENE_PERFORMANCE,
    GENES_TO_SCORE,
    MODEL_REPORT,
    SCORING_PLAN,
    SPLICE_CALLS,
    SPLICE_SCORES,
)
from builder_assets.tables.dataset import (
    DATASET_CARD,
    EXAMPLE_POOLS,
    GENE_MANIFEST,
    GENE_SELECTION,
    META_MODEL_BASELINE,
    SELECTED_GENES,
)
from builder_assets.tables.genome import (
    ANNOTATION_RECORDS,
    CONTIG,
    EXONS,
    GENE_ANNOTATION,
    GENE_OVERLAPS,
    GENES,
    GENOME_FASTA,
    INTRONS,
    SPLICE_SITES,
    SPLIT_UNITS,
    TRANSCRIPTS,
)
from resources.table_contract import Column, ContractError, TableContract

__all__ = [
    "ANNOTATION_RECORDS",
    "BASE_MODEL_WEIGHTS",
    "CONTIG",
    "DATASET_CARD",
    "EXAMPLE_POOLS",
    "EXONS",
    "GENES",
    "GENES_TO_SCORE",
    "GENE_ANNOTATION",
    "GENE_MANIFEST",
    "GENE_OVERLAPS",
    "GENE_PERFORMANCE",
    "GENE_SELECTION",
    "GENOME_FASTA",
    "INTRONS",
    "META_MODEL_BASELINE",
    "MODEL_REPORT",
    "SCORING_PLAN",
    "SELECTED_GENES",
    "SPLICE_CALLS",
    "SPLICE_SCORES",
    "SPLICE_SITES",
    "SPLIT_UNITS",
    "TRANSCRIPTS",
    "Column",
    "ContractError",
    "TableContract",
]
