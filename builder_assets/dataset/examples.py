"""Training examples of one chromosome: which bases, their labels, their features, their weights.

Works gene by gene; whatever is drawn or computed for a gene depends on that gene, its strand's sites and the seed,
so that adding genes never touches the rows of others.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from builder_assets.coordinates import position_expr
from builder_assets.dataset import rules
from builder_assets.dataset.annotation_features import AnnotationTables, annotation_features
from builder_assets.dataset.columns import training_examples_contract
from builder_assets.dataset.gene_tracks import GeneTracks, selected_gene_tracks
from builder_assets.dataset.kmers import kmer_counts, kmer_names, windows_with_n
from builder_assets.dataset.negatives import NOT_ELIGIBLE, draw_negatives, tiers_of
from builder_assets.dataset.score_bins import ELIGIBLE_COLUMNS, eligible_per_bin
from builder_assets.dataset.score_features import CENTRE, base_features, derived_features, neighbourhood
from builder_assets.dataset.sequence_features import base_counts, sequence_features, window_chunks
from builder_assets.dataset.site_labels import ACCEPTOR, DONOR, NEITHER, SPLICE_TYPES, ChromosomeSites
from builder_assets.seeds import generator_of
from builder_assets.sequence import ChromosomeSequence
from builder_assets.settings import EvaluationSettings, ExampleSettings, FeatureSettings
from builder_assets.tables.dataset import TIERS

GENE_COLUMNS = ("chrom", "gene_id", "unit", "strand", "gene_name", "gene_type", "split", "fold", "base_model_seen")


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


@dataclass(frozen=True)
class _GeneRows:
    """The examples of one gene as arrays; n rows each."""

    arrays: dict[str, np.ndarray]
    counts: dict[str, str | int]


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
) -> ChromosomeExamples:
    """The examples of one chromosome and the pools behind them; every hard rule of a chromosome is checked.

    Args:
        selected: SELECTED_GENES of the chromosome; none is legal and gives no rows.
        scores: SPLICE_SCORES; genes that are not selected are ignored.
        sites: SPLICE_SITES of the whole chromosome, selected or not: other genes' sites are no negatives.
        genes: GENES.
        sequence: The chromosome's bases.
        settings: Features and negatives.
        evaluation: Which sites are examples, and from which score on a base is called.
        annotation: Needed where `settings.features.annotation_features`.

    Raises:
        ValueError: inputs do not fit each other, or a hard rule is broken; the text says which and where.
    """
    features = settings.features
    contract = training_examples_contract(features)
    chosen = selected.filter("is_selected").sort("gene_id")
    if features.annotation_features and annotation is None:
        raise ValueError("annotation_features are on, but no transcripts, exons, introns and gene_overlaps were given.")
    if chosen.is_empty():
        return ChromosomeExamples(contract.empty(), pl.DataFrame(schema=_count_schema()))
    site_index = ChromosomeSites(sites, evaluation.labels)
    parts = [_gene_rows(g, site_index, settings) for g in selected_gene_tracks(chosen, scores, genes, sequence)]
    counts = pl.DataFrame([part.counts for part in parts], schema=_count_schema())
    arrays = {name: np.concatenate([part.arrays[name] for part in parts]) for name in parts[0].arrays}
    rows = _assembled(chosen, counts, arrays, features, evaluation.threshold)
    rows = rows.join(_site_columns(sites), on=["chrom", "gene_id", "position", "splice_type"], how="left")
    if features.annotation_features and annotation is not None:
        rows = rows.join(annotation_features(genes, annotation), on=["chrom", "gene_id"], how="left")
    rules.check_kmer_sums(rows, features.kmers, {k: arrays[f"known_{k}mers"] for k in features.kmers})
    examples = contract.conform(rows)
    contract.check(examples)
    rules.check_labels(examples, sites, evaluation.labels)
    rules.check_scores(examples)
    rules.check_weights(examples, counts)
    rules.check_genes(examples, selected)
    return ChromosomeExamples(examples, counts)


def _count_schema() -> pl.Schema:
    numbers = ["n_rows", "n_sites", "n_eligible", *[f"{part}_{t}" for part in ("pool", "drawn") for t in TIERS]]
    return pl.Schema(
        {"chrom": pl.String(), "gene_id": pl.String()} | {n: pl.Int64() for n in [*numbers, *ELIGIBLE_COLUMNS]}
    )


def _gene_rows(gene: GeneTracks, site_index: ChromosomeSites, settings: ExampleSettings) -> _GeneRows:
    """Draw one gene's examples and read what needs the gene's whole arrays."""
    sites = site_index.of_gene(gene)
    eligible = gene.scorable & ~sites.annotated
    tiers = tiers_of(gene.donor, gene.acceptor, gene.codes, eligible, sites.own_offsets, settings.negatives)
    n_sites = len(sites.labels)
    generator = generator_of(settings.negatives.seed, gene.chrom, gene.gene_id)
    drawn = draw_negatives(tiers, n_sites, settings.negatives, generator)
    offsets = np.concatenate([sites.labelled_offsets, drawn.offsets])
    donor, inside = neighbourhood(gene.donor, offsets)
    acceptor, _ = neighbourhood(gene.acceptor, offsets)
    arrays = {
        "offset": offsets,
        "label": np.concatenate([sites.labels, np.full(len(drawn.offsets), NEITHER, dtype=np.int8)]),
        "tier": np.concatenate([np.full(n_sites, NOT_ELIGIBLE, dtype=np.int8), drawn.tiers]),
        "sample_weight": np.concatenate([np.ones(n_sites), drawn.weights]),
        "near_site": site_index.near_site(gene, offsets),
        "donor": donor,
        "acceptor": acceptor,
        "inside": inside,
    } | _window_arrays(gene.codes, offsets, settings.features)
    bins = eligible_per_bin(gene.donor, gene.acceptor, eligible)
    counts = {"chrom": gene.chrom, "gene_id": gene.gene_id, "n_rows": len(offsets), "n_sites": n_sites}
    counts |= {"n_eligible": int(drawn.pools.sum())}
    counts |= {f"pool_{tier}": int(n) for tier, n in zip(TIERS, drawn.pools, strict=True)}
    counts |= {f"drawn_{tier}": int(n) for tier, n in zip(TIERS, drawn.drawn, strict=True)}
    return _GeneRows(arrays, counts | {name: int(n) for name, n in zip(ELIGIBLE_COLUMNS, bins, strict=True)})


def _window_arrays(codes: np.ndarray, offsets: np.ndarray, features: FeatureSettings) -> dict[str, np.ndarray]:
    """Base counts, k-mer counts and places without N of each window, a bounded number of windows at a time."""
    widest = 4 ** max(features.kmers, default=1)
    arrays: dict[str, np.ndarray] = {"bases": np.empty((len(offsets), 5), dtype=np.int32)}
    for k in features.kmers:
        arrays[f"{k}mers"] = np.empty((len(offsets), 4**k), dtype=np.uint16)
        arrays[f"known_{k}mers"] = np.empty(len(offsets), dtype=np.int64)
    first = 0
    for windows in window_chunks(codes, offsets, features.flank, widest):
        rows = slice(first, first + len(windows))
        arrays["bases"][rows] = base_counts(windows)
        for k in features.kmers:
            arrays[f"{k}mers"][rows] = kmer_counts(windows, k)
            with_n = windows_with_n(windows, k)
            arrays[f"known_{k}mers"][rows] = with_n.shape[1] - np.count_nonzero(with_n, axis=1)
        first += len(windows)
    return arrays


def _assembled(
    chosen: pl.DataFrame,
    counts: pl.DataFrame,
    arrays: dict[str, np.ndarray],
    features: FeatureSettings,
    threshold: float,
) -> pl.DataFrame:
    """All columns that follow from the genes' rows and arrays, in the order of the arrays."""
    gene_of_row = np.repeat(np.arange(counts.height), counts["n_rows"].to_numpy())
    per_gene = chosen.select(*GENE_COLUMNS, "start", "end", gene_length="length")[gene_of_row]
    columns = {
        "offset": arrays["offset"],
        "label": arrays["label"],
        "sample_weight": arrays["sample_weight"],
        "near_site": arrays["near_site"],
        "splice_type": pl.Series(SPLICE_TYPES).gather(arrays["label"]),
        "negative_tier": _tier_names(arrays["tier"]),
        "pred_type": prediction_types(
            arrays["label"], arrays["donor"][:, CENTRE], arrays["acceptor"][:, CENTRE], threshold
        ),
    }
    columns |= base_features(arrays["donor"], arrays["acceptor"], arrays["inside"])
    columns |= derived_features(arrays["donor"], arrays["acceptor"])
    columns |= sequence_features(arrays["bases"])
    blocks = [per_gene, pl.DataFrame(columns)]
    blocks += [pl.from_numpy(arrays[f"{k}mers"], schema=kmer_names(k)) for k in features.kmers]
    rows = pl.concat(blocks, how="horizontal")
    to_3p = pl.col("gene_length") - 1 - pl.col("offset")
    return rows.with_columns(
        position=position_expr(pl.col("offset"), pl.col("start"), pl.col("end"), pl.col("strand")),
        distance_to_5p=pl.col("offset"),
        distance_to_3p=to_3p,
        relative_position=pl.col("offset") / pl.max_horizontal(pl.col("gene_length") - 1, pl.lit(1)),
    )


def prediction_types(labels: np.ndarray, donor: np.ndarray, acceptor: np.ndarray, threshold: float) -> pl.Series:
    """TP or FN of sites by the score of their own kind, FP or TN of negatives by the higher one; strings (n,)."""
    own = np.where(labels == DONOR, donor, np.where(labels == ACCEPTOR, acceptor, np.maximum(donor, acceptor)))
    called = own >= np.float32(threshold)
    names = np.where(labels == NEITHER, np.where(called, 1, 3), np.where(called, 0, 2))
    return pl.Series(["TP", "FP", "FN", "TN"]).gather(names)


def _tier_names(tiers: np.ndarray) -> pl.Series:
    """Names of the tiers, null where there is none."""
    return pl.Series([*TIERS, None], dtype=pl.String).gather(np.where(tiers < 0, len(TIERS), tiers))


def _site_columns(sites: pl.DataFrame) -> pl.DataFrame:
    """What is told about a site, keyed as an example is; unique, since (chrom, gene_id, position, kind) is."""
    return sites.select(
        "chrom",
        "gene_id",
        "position",
        "any_canonical",
        "any_basic",
        splice_type="kind",
        site_n_transcripts="n_transcripts",
        site_transcript_ids="transcript_ids",
    )
