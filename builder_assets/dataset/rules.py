"""The hard rules of a dataset: each raises one ValueError saying what, where, how many, and what to look at.

Labels, spans and sums are worked out again here, on another way than the tables were made.
"""

from collections.abc import Iterable, Mapping

import numpy as np
import polars as pl

from builder_assets.base_model.kind_tracks import is_counted
from builder_assets.dataset.features.kmers import kmer_names
from builder_assets.settings import FeatureSettings
from builder_assets.tables.dataset import TIERS

KEY = ["chrom", "gene_id", "position"]
SUM_TOLERANCE = 1e-6  # two float32 probabilities and their rounding
WEIGHT_TOLERANCE = 1e-9  # relative; weights are float64
SHARE_TOLERANCE = 1e-4  # 4,096 shares, each rounded to float32
BIN_MINIMUM = 20
SMALL_DATASET = 200  # sites, about ten genes


def check_labels(examples: pl.DataFrame, sites: pl.DataFrame, labels: str) -> None:
    """Raise unless sites and negatives are exactly what the annotation says.

    Args:
        examples: training_examples of one chromosome.
        sites: SPLICE_SITES of that whole chromosome.
        labels: The sites that become examples: all, basic, canonical or mane.
    """
    by_base = sites.group_by("chrom", "strand", "position").agg(n_kinds=pl.col("kind").n_unique())
    expected = (
        sites.filter(is_counted(sites, labels))
        .join(by_base, on=["chrom", "strand", "position"])
        .filter(pl.col("n_kinds") == 1)
        .select(*KEY, pl.col("kind").alias("expected"))
    )
    rows = examples.join(expected, on=KEY, how="left").join(by_base, on=["chrom", "strand", "position"], how="left")
    number = pl.col("splice_type").replace_strict({"neither": 0, "donor": 1, "acceptor": 2}, return_dtype=pl.Int8)
    wrong = rows.filter(
        (pl.col("splice_type") != pl.col("expected").fill_null("neither"))
        | (pl.col("label") != number)
        | ((pl.col("splice_type") == "neither") & pl.col("n_kinds").is_not_null())
    )
    if wrong.height:
        raise ValueError(
            f"{wrong.height} of {examples.height} examples carry another label than the annotation gives, first "
            f"{_place(wrong)}: {wrong['splice_type'][0]}, annotated {wrong['expected'][0] or 'neither'}. "
            "training_examples and splice_sites are of different builds."
        )
    genes = examples.select("chrom", "gene_id").unique()
    absent = expected.join(genes, on=["chrom", "gene_id"], how="semi").join(examples, on=KEY, how="anti").sort(KEY)
    if absent.height:
        raise ValueError(
            f"{absent.height} annotated sites of the genes are no examples, first {_place(absent)}; "
            "training_examples and splice_sites are of different builds."
        )


def check_scores(examples: pl.DataFrame) -> None:
    """Raise unless donor and acceptor scores are probabilities whose sum is at most 1 + 1e-6."""
    donor, acceptor = pl.col("donor_score").cast(pl.Float64), pl.col("acceptor_score").cast(pl.Float64)
    low, high = pl.min_horizontal(donor, acceptor), donor + acceptor
    # Negated, so that NaN and null fail too.
    wrong = examples.filter(~((low >= 0) & (high <= 1 + SUM_TOLERANCE)).fill_null(value=False) | high.is_nan())
    if wrong.height:
        raise ValueError(
            f"{wrong.height} of {examples.height} examples have scores that are no probabilities, first "
            f"{_place(wrong)}: donor {wrong['donor_score'][0]}, acceptor {wrong['acceptor_score'][0]}. "
            "Rebuild splice_scores."
        )


def check_kmer_sums(examples: pl.DataFrame, features: FeatureSettings, known_starts: dict[int, np.ndarray]) -> None:
    """Raise unless the counts of each length add up to the places of the window that hold no N, frequencies to 1.

    Args:
        examples: Rows of training_examples.
        features: Lengths, and whether they are counts.
        known_starts: Per length, windows of k bases without N, int64 (n,), one per row of `examples`.
    """
    for k in features.kmers:
        block = examples.select(kmer_names(k)).to_numpy()
        if features.kmer_values == "counts":
            sums, expected = block.sum(axis=1, dtype=np.int64), known_starts[k]
            wrong = np.flatnonzero(sums != expected)
        else:
            sums, expected = block.sum(axis=1, dtype=np.float64), np.minimum(known_starts[k], 1)
            wrong = np.flatnonzero(np.abs(sums - expected) > SHARE_TOLERANCE)
        if len(wrong):
            first = int(wrong[0])
            raise ValueError(
                f"{k}-mer {features.kmer_values} of {len(wrong)} of {examples.height} examples do not add up, first "
                f"{_place(examples[first])}: {sums[first]:g} instead of {expected[first]:g}; {known_starts[k][first]} "
                "places of its window are without N."
            )


def check_weights(examples: pl.DataFrame, gene_counts: pl.DataFrame) -> None:
    """Raise unless the weights of each gene add up to its sites and eligible bases.

    A tier of which nothing was drawn (`near` in a gene without sites) stands for nothing and is left out.

    Args:
        examples: Rows of training_examples.
        gene_counts: Per gene chrom, gene_id, n_sites, pool_<tier> and drawn_<tier>.
    """
    pools = [pl.when(pl.col(f"drawn_{tier}") > 0).then(pl.col(f"pool_{tier}")).otherwise(0) for tier in TIERS]
    expected = gene_counts.select("chrom", "gene_id", expected=pl.col("n_sites") + pl.sum_horizontal(pools))
    found = examples.group_by("chrom", "gene_id").agg(found=pl.col("sample_weight").sum())
    both = found.join(expected, on=["chrom", "gene_id"], how="full", coalesce=True).with_columns(
        pl.col("found", "expected").fill_null(0).cast(pl.Float64)
    )
    wrong = both.filter(
        (pl.col("found") - pl.col("expected")).abs() > WEIGHT_TOLERANCE * pl.max_horizontal("expected", pl.lit(1.0))
    ).sort("chrom", "gene_id")
    if wrong.height:
        raise ValueError(
            f"weights of {wrong.height} of {both.height} genes do not add up to their sites and eligible bases, first "
            f"{wrong['chrom'][0]} {wrong['gene_id'][0]}: {wrong['found'][0]:g} instead of {wrong['expected'][0]:g}."
        )


def check_genes(examples: pl.DataFrame, selected: pl.DataFrame) -> None:
    """Raise unless every example belongs to a gene that the selection takes."""
    chosen = selected.filter("is_selected").select("chrom", "gene_id")
    strange = examples.join(chosen, on=["chrom", "gene_id"], how="anti").sort(KEY)
    if strange.height:
        raise ValueError(
            f"{strange.height} of {examples.height} examples belong to genes that were not selected, first "
            f"{_place(strange)}. Rebuild training_examples."
        )


def check_manifest(manifest: pl.DataFrame, selection: pl.DataFrame) -> None:
    """Raise unless the manifest lists exactly the selected genes, those without rows included."""
    chosen = selection.filter("is_selected").select("chrom", "gene_id")
    listed = manifest.select("chrom", "gene_id")
    absent = chosen.join(listed, on=["chrom", "gene_id"], how="anti").height
    extra = listed.join(chosen, on=["chrom", "gene_id"], how="anti").height
    twice = listed.height - listed.n_unique()
    if absent or extra or twice:
        raise ValueError(
            f"the manifest of {listed.height} genes lacks {absent} of {chosen.height} selected genes, holds {extra} "
            f"that were not selected and {twice} twice. Rebuild gene_manifest."
        )


def check_units(genes: pl.DataFrame) -> None:
    """Raise where a split unit stands on two sides; `excluded` is no side.

    Args:
        genes: Rows with unit and split: a selection or examples.
    """
    sides = genes.filter(pl.col("split") != "excluded").group_by("unit").agg(pl.col("split").unique().sort())
    torn = sides.filter(pl.col("split").list.len() > 1).sort("unit")
    if torn.height:
        raise ValueError(
            f"{torn.height} of {sides.height} split units stand on more than one side, first {torn['unit'][0]} on "
            f"{' and '.join(torn['split'][0])}. Rebuild gene_selection from the present split_units."
        )


def check_score_bins(table: pl.DataFrame) -> str:
    """Raise where a score bin that holds sites holds fewer negatives than min(20, its eligible negatives).

    Below `SMALL_DATASET` sites the settings may well draw fewer than 20, so there the finding is only told.

    Args:
        table: `score_bin_table` with eligible bases counted, of a whole dataset.

    Returns:
        The finding on a small dataset, for people; nothing where no bin is thin.
    """
    thin = table.filter(
        (pl.col("sites") > 0)
        & (pl.col("negatives") < pl.min_horizontal(pl.col("eligible"), pl.lit(BIN_MINIMUM, dtype=pl.Int64)))
    )
    if thin.is_empty():
        return ""
    low, high, sites, negatives, eligible = thin.select("low", "high", "sites", "negatives", "eligible").row(0)
    finding = (
        f"{thin.height} score bins hold sites and hardly a negative, first {low:g} to {high:g}: {sites} sites, "
        f"{negatives} of {eligible} eligible negatives. A meta-model would learn that such scores mean a site. "
        "Raise `negatives.ratios` or `negatives.minimum`, or take more genes."
    )
    if table["sites"].sum() >= SMALL_DATASET:
        raise ValueError(finding)
    return finding


def check_schemas(parts: Mapping[str, pl.LazyFrame]) -> None:
    """Raise unless the tables of all chromosomes have one schema.

    Args:
        parts: Chromosome -> training_examples.
    """
    schemas = {chrom: part.collect_schema() for chrom, part in parts.items()}
    (first, expected), *others = schemas.items()
    for chrom, schema in others:
        if schema != expected:
            strange = [name for name in dict.fromkeys([*expected, *schema]) if expected.get(name) != schema.get(name)]
            raise ValueError(
                f"training_examples of chromosome {chrom} has another schema than that of {first}: {len(strange)} "
                f"columns differ, {', '.join(strange[:5]) or 'in their order'}. Rebuild training_examples."
            )


def check_files(found: Iterable[str], chromosomes: Iterable[str]) -> None:
    """Raise where a folder of examples holds more than one file per chromosome: readers take all that lies there.

    Args:
        found: Names of the files in the dataset's folder of training_examples.
        chromosomes: Those of the settings.
    """
    strange = sorted(set(found) - {f"{chrom}.parquet" for chrom in chromosomes})
    if strange:
        raise ValueError(
            f"{len(strange)} files in the dataset's folder training_examples belong to no chromosome of the settings, "
            f"{', '.join(strange[:5])}; whoever loads the folder would read them too. Take them away, or put their "
            "chromosomes back into the settings."
        )


def _place(rows: pl.DataFrame) -> str:
    chrom, gene_id, position = rows.select(KEY).row(0)
    return f"{chrom}:{position} in {gene_id}"
