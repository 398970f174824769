"""The examples of one gene: which bases are drawn, and every feature that reads the gene's whole arrays.

Rows stand in order of position, so that genes in order of id make a sorted chromosome.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl

from builder_assets.base_model.masked_sites import MaskedSites
from builder_assets.coordinates import position_of_offset
from builder_assets.dataset.features.conservation import conservation_features
from builder_assets.dataset.features.ensemble_spread import ensemble_spread
from builder_assets.dataset.features.kmers import kmer_counts_of_windows
from builder_assets.dataset.features.motifs import motif_features
from builder_assets.dataset.features.score_context import score_context
from builder_assets.dataset.features.scores import neighbourhood
from builder_assets.dataset.features.sequence import (
    base_counts,
    one_hot_windows,
    window_chunks,
    window_sequences,
)
from builder_assets.dataset.gene_tracks import GeneTracks
from builder_assets.dataset.negatives import NOT_ELIGIBLE, draw_negatives, tiers_of
from builder_assets.dataset.score_bins import ELIGIBLE_COLUMNS, eligible_per_bin
from builder_assets.dataset.site_labels import NEITHER, ChromosomeSites
from builder_assets.seeds import generator_of
from builder_assets.settings import ExampleSettings, FeatureSettings
from builder_assets.tables.dataset import TIERS

# The track of a gene: (start, end, strand) -> float32 (length,) in transcription direction, NaN without value.
GeneValues = Callable[[int, int, str], np.ndarray]


@dataclass(frozen=True)
class GeneRows:
    """Examples of one gene, in order of position; n rows.

    Attributes:
        gene: The gene.
        arrays: Name -> values, first axis n.
        columns: Finished columns, n rows.
        counts: What the rows were drawn from.
    """

    gene: GeneTracks
    arrays: dict[str, np.ndarray]
    columns: pl.DataFrame
    counts: dict[str, str | int]

    @property
    def height(self) -> int:
        """Number of rows."""
        return len(self.arrays["offset"])

    def part(self, first: int, end: int) -> "GeneRows":
        """The rows from `first` to before `end`."""
        arrays = {name: values[first:end] for name, values in self.arrays.items()}
        return GeneRows(self.gene, arrays, self.columns[first:end], self.counts)


def gene_rows(
    gene: GeneTracks,
    site_index: ChromosomeSites,
    masked: MaskedSites,
    settings: ExampleSettings,
    conservation: GeneValues | None = None,
) -> GeneRows:
    """Draw one gene's examples and compute what needs the gene's whole arrays."""
    sites = site_index.of_gene(gene)
    eligible = gene.scorable & ~sites.annotated
    eligible[masked.offsets(gene.start, gene.end, gene.strand)] = False
    tiers = tiers_of(gene.donor, gene.acceptor, gene.codes, eligible, sites.own_offsets, settings.negatives)
    n_sites = len(sites.labels)
    generator = generator_of(settings.negatives.seed, gene.chrom, gene.gene_id)
    drawn = draw_negatives(tiers, n_sites, settings.negatives, generator)
    offsets = np.concatenate([sites.labelled_offsets, drawn.offsets])
    order = np.argsort(position_of_offset(offsets, gene.start, gene.end, gene.strand))
    arrays = {
        "offset": offsets,
        "label": np.concatenate([sites.labels, np.full(len(drawn.offsets), NEITHER, dtype=np.int8)]),
        "tier": np.concatenate([np.full(n_sites, NOT_ELIGIBLE, dtype=np.int8), drawn.tiers]),
        "sample_weight": np.concatenate([np.ones(n_sites), drawn.weights]),
    }
    arrays = {name: values[order] for name, values in arrays.items()}
    arrays |= _score_arrays(gene, arrays["offset"])
    arrays["near_site"] = site_index.near_site(gene, arrays["offset"])
    bins = eligible_per_bin(gene.donor, gene.acceptor, eligible)
    counts = {"chrom": gene.chrom, "gene_id": gene.gene_id, "n_rows": len(offsets), "n_sites": n_sites}
    counts |= {"n_eligible": int(drawn.pools.sum())}
    counts |= {f"pool_{tier}": int(n) for tier, n in zip(TIERS, drawn.pools, strict=True)}
    counts |= {f"drawn_{tier}": int(n) for tier, n in zip(TIERS, drawn.drawn, strict=True)}
    counts |= {name: int(n) for name, n in zip(ELIGIBLE_COLUMNS, bins, strict=True)}
    return GeneRows(gene, arrays, _gene_columns(gene, arrays["offset"], settings.features, conservation), counts)


def _score_arrays(gene: GeneTracks, offsets: np.ndarray) -> dict[str, np.ndarray]:
    donor, inside = neighbourhood(gene.donor, offsets)
    acceptor, _ = neighbourhood(gene.acceptor, offsets)
    return {"donor": donor, "acceptor": acceptor, "inside": inside}


def _gene_columns(
    gene: GeneTracks, offsets: np.ndarray, features: FeatureSettings, conservation: GeneValues | None
) -> pl.DataFrame:
    """The optional blocks that read beyond the nearest bases."""
    columns: dict[str, np.ndarray | pl.Series] = {}
    if features.score_context:
        columns |= score_context(gene.donor, gene.acceptor, offsets)
    if features.ensemble_sd:
        columns |= ensemble_spread(gene.ensemble_sd, offsets)
    if features.motif:
        columns |= motif_features(gene.codes, offsets)
    if features.conservation:
        if conservation is None:
            raise ValueError("the settings name a conservation track, but no track was given.")
        columns |= conservation_features(conservation(gene.start, gene.end, gene.strand), offsets)
    return pl.DataFrame(columns)


def window_arrays(rows: GeneRows, features: FeatureSettings) -> dict[str, np.ndarray]:
    """Base counts, k-mer counts and places without N of each window, a bounded number of windows at a time."""
    codes, offsets = rows.gene.codes, rows.arrays["offset"]
    chunks = window_chunks(codes, offsets, features.upstream, features.downstream, 1)
    arrays = {"bases": np.concatenate([np.empty((0, 5), dtype=np.int32), *[base_counts(chunk) for chunk in chunks]])}
    for k in features.kmers:
        counted = kmer_counts_of_windows(codes, offsets, features.upstream, features.downstream, k)
        arrays[f"{k}mers"], arrays[f"known_{k}mers"] = counted
    return arrays


def window_series(rows: GeneRows, features: FeatureSettings) -> dict[str, pl.Series]:
    """The raw windows of one gene's rows, in the forms that are asked for."""
    if not (features.window_sequence or features.window_one_hot):
        return {}
    chunks = list(window_chunks(rows.gene.codes, rows.arrays["offset"], features.upstream, features.downstream, 1))
    width = features.upstream + 1 + features.downstream
    windows = np.concatenate([np.empty((0, width), dtype=np.uint8), *chunks])
    series = {"window_sequence": window_sequences(windows)} if features.window_sequence else {}
    return series | ({"window_one_hot": one_hot_windows(windows)} if features.window_one_hot else {})
