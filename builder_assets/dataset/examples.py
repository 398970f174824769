"""Training examples of one chromosome: which bases, their labels, their features, their weights.

Works gene by gene; whatever is drawn or computed for a gene depends on that gene, its strand's sites and the seed,
so that adding genes never touches the rows of others. `example_stream` makes the rows; here they are put together.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from builder_assets.dataset.example_stream import ExampleInputs, ExampleStream, prediction_types
from builder_assets.dataset.features.annotation import AnnotationTables
from builder_assets.dataset.score_bins import ELIGIBLE_COLUMNS
from builder_assets.sequence import ChromosomeSequence
from builder_assets.settings import EvaluationSettings, ExampleSettings

__all__ = ["ChromosomeExamples", "chromosome_examples", "prediction_types", "training_examples"]


@dataclass(frozen=True)
class ChromosomeExamples:
    """The examples of one chromosome, and what they were drawn from.

    Attributes:
        examples: training_examples, one row per (chrom, gene_id, position), sorted.
        gene_counts: One row per selected gene: chrom, gene_id, n_rows, n_sites, n_eligible, pool_<tier>,
            drawn_<tier>, eligible_bin_0..4 (eligible bases per score bin).
    """

    examples: pl.DataFrame
    gene_counts: pl.DataFrame

    @property
    def eligible_bins(self) -> np.ndarray:
        """Eligible bases per score bin over all genes, int64 (5,)."""
        return self.gene_counts.select(pl.col(ELIGIBLE_COLUMNS).sum()).to_numpy().ravel()


def training_examples(
    selected: pl.DataFrame,
    scores: pl.DataFrame,
    sites: pl.DataFrame,
    genes: pl.DataFrame,
    sequence: ChromosomeSequence,
    settings: ExampleSettings,
    evaluation: EvaluationSettings,
    annotation: AnnotationTables | None = None,
) -> pl.DataFrame:
    """The examples of one chromosome; see `chromosome_examples`."""
    return chromosome_examples(selected, scores, sites, genes, sequence, settings, evaluation, annotation).examples


def chromosome_examples(
    selected: pl.DataFrame,
    scores: pl.DataFrame,
    sites: pl.DataFrame,
    genes: pl.DataFrame,
    sequence: ChromosomeSequence,
    settings: ExampleSettings,
    evaluation: EvaluationSettings,
    annotation: AnnotationTables | None = None,
    masked: pl.DataFrame | None = None,
) -> ChromosomeExamples:
    """The examples of one chromosome in one table, and the pools behind them; every hard rule is checked.

    Args:
        selected: SELECTED_GENES of the chromosome; none is legal and gives no rows.
        scores: SPLICE_SCORES; genes that are not selected are ignored.
        sites: SPLICE_SITES of the whole chromosome, selected or not: other genes' sites are no negatives.
        genes: GENES.
        sequence: The chromosome's bases.
        settings: Features and negatives.
        evaluation: Which sites are examples, and from which score on a base is called.
        annotation: Needed where `settings.features.annotation_features`.
        masked: MASKED_SITES: bases that are no negatives either.

    Raises:
        ValueError: inputs do not fit each other, or a hard rule is broken; the text says which and where.
    """
    inputs = ExampleInputs(selected, scores, sites, genes, sequence, annotation, masked)
    stream = ExampleStream(inputs, settings, evaluation)
    frames = list(stream)
    return ChromosomeExamples(pl.concat([stream.contract.empty(), *frames]), stream.gene_counts)
