"""Training examples of one chromosome as a stream of frames, so that wide tables never lie in memory as a whole.

    genes by id -> rows by position -> batches of bounded size -> frames in the contract's order

Hard rules of a batch are checked on the batch, those of a chromosome when the last batch has been taken: a stream
that breaks one raises before its reader can call it complete.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from builder_assets.base_model.masked_sites import MaskedSites
from builder_assets.coordinates import position_expr
from builder_assets.dataset import rules
from builder_assets.dataset.columns import training_examples_contract
from builder_assets.dataset.features.annotation import AnnotationTables, annotation_features
from builder_assets.dataset.features.kmers import kmer_frequencies, kmer_names
from builder_assets.dataset.features.scores import CENTRE, base_features, derived_features
from builder_assets.dataset.features.sequence import sequence_features
from builder_assets.dataset.gene_rows import (
    GeneRows,
    GeneValues,
    gene_rows,
    window_arrays,
    window_series,
)
from builder_assets.dataset.gene_tracks import selected_gene_tracks
from builder_assets.dataset.score_bins import ELIGIBLE_COLUMNS
from builder_assets.dataset.site_labels import ACCEPTOR, DONOR, NEITHER, SPLICE_TYPES, ChromosomeSites
from builder_assets.sequence import ChromosomeSequence
from builder_assets.settings import EvaluationSettings, ExampleSettings, FeatureSettings
from builder_assets.tables.dataset import TIERS
from resources.table_contract import TableContract

GENE_COLUMNS = ("chrom", "gene_id", "unit", "strand", "gene_name", "gene_type", "split", "fold", "base_model_seen")
JUDGED_COLUMNS = ("chrom", "gene_id", "position", "strand", "splice_type", "label", "sample_weight")
BATCH_BYTES = 96_000_000  # of finished columns; several copies of a batch live at a time
BATCH_ROWS = 65_536


@dataclass(frozen=True)
class ExampleInputs:
    """What the examples of one chromosome are made of; see `examples.chromosome_examples`."""

    selected: pl.DataFrame
    scores: pl.DataFrame
    sites: pl.DataFrame
    genes: pl.DataFrame
    sequence: ChromosomeSequence
    annotation: AnnotationTables | None = None
    masked: pl.DataFrame | None = None
    conservation: GeneValues | None = None


@dataclass
class ExampleStream:
    """The examples of one chromosome, frame by frame, once.

    Attributes:
        inputs: What they are made of.
        settings: Features and negatives.
        evaluation: Which sites are examples, and from which score on a base is called.
        gene_counts: After the last frame: one row per selected gene, EXAMPLE_POOLS.
    """

    inputs: ExampleInputs
    settings: ExampleSettings
    evaluation: EvaluationSettings
    gene_counts: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=count_schema()))

    @property
    def contract(self) -> TableContract:
        """The contract of every frame."""
        return training_examples_contract(self.settings.features)

    def __iter__(self) -> Iterator[pl.DataFrame]:
        """The frames, sorted by key, the last row of one before the first of the next.

        Raises:
            ValueError: inputs do not fit each other, or a hard rule is broken; the text says which and where.
        """
        features, contract = self.settings.features, self.contract
        if features.annotation_features and self.inputs.annotation is None:
            raise ValueError(
                "annotation_features are on, but no transcripts, exons, introns and gene_overlaps were given."
            )
        judged = [contract.empty().select(JUDGED_COLUMNS)]
        counts: list[dict[str, str | int]] = []
        per_gene = self._per_gene()
        for parts in batches(self._genes(counts), rows_per_batch(contract)):
            frame = self._frame(parts, per_gene, contract)
            contract.check(frame)
            rules.check_scores(frame)
            judged.append(frame.select(JUDGED_COLUMNS))
            yield frame
        self.gene_counts = pl.DataFrame(counts, schema=count_schema())
        rows = pl.concat(judged)
        rules.check_labels(rows, self.inputs.sites, self.evaluation.labels)
        rules.check_weights(rows, self.gene_counts)
        rules.check_genes(rows, self.inputs.selected)

    def _chosen(self) -> pl.DataFrame:
        return self.inputs.selected.filter("is_selected").sort("gene_id")

    def _genes(self, counts: list[dict[str, str | int]]) -> Iterator[GeneRows]:
        """The rows of each selected gene, by gene_id; its counts are added to `counts`."""
        inputs, chosen = self.inputs, self._chosen()
        if chosen.is_empty():
            return
        site_index = ChromosomeSites(inputs.sites, self.evaluation.labels)
        masked = MaskedSites(inputs.masked)
        for gene in selected_gene_tracks(chosen, inputs.scores, inputs.genes, inputs.sequence):
            rows = gene_rows(gene, site_index, masked, self.settings, inputs.conservation)
            counts.append(rows.counts)
            yield rows

    def _per_gene(self) -> pl.DataFrame:
        """What is the same on every row of a gene."""
        table = self._chosen().select(*GENE_COLUMNS, "start", "end", gene_length="length")
        if self.settings.features.annotation_features and self.inputs.annotation is not None:
            more = annotation_features(self.inputs.genes, self.inputs.annotation)
            table = table.join(more, on=["chrom", "gene_id"], how="left")
        return table

    def _frame(self, parts: list[GeneRows], per_gene: pl.DataFrame, contract: TableContract) -> pl.DataFrame:
        features = self.settings.features
        genes = pl.DataFrame({"gene_id": [part.gene.gene_id for part in parts]})
        genes = genes.join(per_gene, on="gene_id", how="left", maintain_order="left")
        gene_of_row = np.repeat(np.arange(len(parts)), [part.height for part in parts])
        arrays = {name: np.concatenate([part.arrays[name] for part in parts]) for name in parts[0].arrays}
        windows = [window_arrays(part, features) for part in parts]
        arrays |= {name: np.concatenate([part[name] for part in windows]) for name in windows[0]}
        blocks = [genes[gene_of_row], pl.DataFrame(_row_columns(arrays, self.evaluation.threshold))]
        optional = [pl.DataFrame(window_series(part, features)) for part in parts]
        blocks += [pl.concat([part.columns for part in parts]), pl.concat(optional)]
        rows = pl.concat([block for block in blocks if block.width], how="horizontal")
        rows = _placed(rows).join(
            _site_columns(self.inputs.sites),
            on=["chrom", "gene_id", "position", "splice_type"],
            how="left",
            maintain_order="left",
        )
        wide = [rows, *[_kmer_frame(arrays[f"{k}mers"], k, features) for k in features.kmers]]
        frame = pl.concat(wide, how="horizontal")
        rules.check_kmer_sums(frame, features, {k: arrays[f"known_{k}mers"] for k in features.kmers})
        return frame.select(contract.names).cast(dict(contract.polars_schema()))  # pyright: ignore[reportArgumentType]


def rows_per_batch(contract: TableContract) -> int:
    """How many rows of a table are made at a time."""
    return max(1, min(BATCH_ROWS, BATCH_BYTES // contract.row_bytes))


def batches(genes: Iterable[GeneRows], size: int) -> Iterator[list[GeneRows]]:
    """The rows of all genes in order, in lists of parts with `size` rows together; the last one may have fewer."""
    parts: list[GeneRows] = []
    room = size
    for rows in genes:
        first = 0
        while first < rows.height:
            end = min(rows.height, first + room)
            parts.append(rows.part(first, end))
            room -= end - first
            first = end
            if not room:
                yield parts
                parts, room = [], size
    if parts:
        yield parts


def count_schema() -> pl.Schema:
    """Columns of EXAMPLE_POOLS as they are counted."""
    numbers = ["n_rows", "n_sites", "n_eligible", *[f"{part}_{t}" for part in ("pool", "drawn") for t in TIERS]]
    return pl.Schema(
        {"chrom": pl.String(), "gene_id": pl.String()} | {n: pl.Int64() for n in [*numbers, *ELIGIBLE_COLUMNS]}
    )


def _kmer_frame(counts: np.ndarray, k: int, features: FeatureSettings) -> pl.DataFrame:
    values = kmer_frequencies(counts) if features.kmer_values == "frequencies" else counts
    return pl.from_numpy(np.asfortranarray(values), schema=kmer_names(k))


def _row_columns(arrays: dict[str, np.ndarray], threshold: float) -> dict[str, np.ndarray | pl.Series]:
    """The columns that follow from a row's own arrays."""
    columns = {name: arrays[name] for name in ("offset", "label", "sample_weight", "near_site")}
    columns |= {
        "splice_type": pl.Series(SPLICE_TYPES).gather(arrays["label"]),
        "negative_tier": _tier_names(arrays["tier"]),
        "pred_type": prediction_types(
            arrays["label"], arrays["donor"][:, CENTRE], arrays["acceptor"][:, CENTRE], threshold
        ),
    }
    columns |= base_features(arrays["donor"], arrays["acceptor"], arrays["inside"])
    return columns | derived_features(arrays["donor"], arrays["acceptor"]) | sequence_features(arrays["bases"])


def _placed(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows with their position and the features of the gene's span."""
    return rows.with_columns(
        position=position_expr(pl.col("offset"), pl.col("start"), pl.col("end"), pl.col("strand")),
        distance_to_5p=pl.col("offset"),
        distance_to_3p=pl.col("gene_length") - 1 - pl.col("offset"),
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
