"""What each selection policy offers, in which order and why; `selection` adds lists, refusals and the count.

    policy           order
    all, custom      by chrom and gene_id
    random           by blake2b-64 of "seed|chrom|gene_id"
    length_strata    five strata of equal size by length, a random gene of each in turn, shortest stratum first
    splice_density   splice sites per kb, falling
    error_total      FP + FN, falling        both kinds summed, training genes only;
    error_fp         FP, falling             validation and test are filled at random, since testing on genes
    error_fn         FN, falling             chosen for their errors flatters
    error_rate       (FP + FN) / n_sites, falling
    hard             F1, rising, n_sites >= 4

Ties are broken by gene_id, then chrom.
"""

import polars as pl

from builder_assets.seeds import seed_of
from builder_assets.settings import GeneChoice

KEY = ["chrom", "gene_id"]
TIES = ["gene_id", "chrom"]
STRATA = 5
HARD_MINIMUM_SITES = 4
TRAIN, EVALUATION = "train", ("validation", "test")
COUNTS = ("n_sites", "tp", "fp", "fn")


class SelectionError(ValueError):
    """The genes asked for cannot be taken; the text lists what is wrong."""


def policy_order(others: pl.DataFrame, choice: GeneChoice) -> pl.DataFrame:
    """The genes of a policy that reads no performance, in its order, with the reason."""
    if choice.policy == "random":
        return random_order(others, choice.seed, f"policy random, seed {choice.seed}")
    if choice.policy == "length_strata":
        return _length_strata(others, choice.seed)
    if choice.policy == "splice_density":
        density = 1000 * pl.col("n_splice_sites") / pl.col("length")
        others = others.with_columns(density=density)
        others = others.sort("density", *TIES, descending=[True, False, False])
        return others.with_columns(
            reason=pl.format("policy splice_density, {} sites per kb", pl.col("density").round(2))
        ).drop("density")
    return others.sort(KEY).with_columns(reason=pl.lit(f"policy {choice.policy}"))


def random_order(genes: pl.DataFrame, seed: int, reason: str) -> pl.DataFrame:
    """Genes in the order that `seed` gives each of them, whatever other genes there are."""
    return _with_number(genes, seed).sort("number", *TIES).drop("number").with_columns(reason=pl.lit(reason))


def _with_number(genes: pl.DataFrame, seed: int) -> pl.DataFrame:
    # A Python loop, since BLAKE2 is defined one text at a time: about 1 microsecond per gene.
    numbers = [seed_of(seed, chrom, gene_id) for chrom, gene_id in genes.select(KEY).iter_rows()]
    return genes.with_columns(pl.Series("number", numbers, dtype=pl.UInt64))


def _length_strata(others: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Strata are made of the genes that can be taken, so that refused ones move no boundary."""
    refused = (
        others.filter(pl.col("refusal").is_not_null()).sort(KEY).with_columns(reason=pl.lit("policy length_strata"))
    )
    genes = others.filter(pl.col("refusal").is_null()).sort("length", *TIES)
    genes = genes.with_columns(stratum=pl.int_range(pl.len()) * STRATA // pl.max_horizontal(pl.len(), 1))
    lowest, highest = pl.col("length").min().over("stratum"), pl.col("length").max().over("stratum")
    text = f"policy length_strata, stratum {{}} of {STRATA} ({{}} to {{}} bases), seed {seed}"
    genes = _with_number(genes.with_columns(reason=pl.format(text, pl.col("stratum") + 1, lowest, highest)), seed)
    genes = genes.sort("stratum", "number", *TIES).with_columns(turn=pl.int_range(pl.len()).over("stratum"))
    genes = genes.sort("turn", "stratum").drop("turn", "stratum", "number")
    return pl.concat([genes, refused.select(genes.columns)])


def ranked_by_errors(
    asked: pl.DataFrame,
    others: pl.DataFrame,
    choice: GeneChoice,
    performance: pl.DataFrame | None,
    sides: pl.DataFrame | None,
) -> tuple[pl.DataFrame, pl.DataFrame, tuple[str, ...]]:
    """Listed and other candidates with their side; the others in order: training genes by errors, then at random.

    Genes on no side of the split are no candidates, unless they are listed.

    Raises:
        SelectionError: performance or sides are not there, or not of every candidate.
    """
    if performance is None or sides is None:
        raise SelectionError(
            f"policy {choice.policy} ranks genes by the base model's errors and needs gene_performance and the sides "
            "of the split. `builder build` scores and evaluates every candidate first."
        )
    sums = performance.group_by(KEY).agg(pl.col(COUNTS).sum())
    asked = asked.join(sides, on=KEY, how="left", maintain_order="left")
    others = others.join(sides, on=KEY, how="left").filter(pl.col("side").is_not_null())
    train = others.filter(pl.col("side") == TRAIN).join(sums, on=KEY, how="left")
    unknown = train.filter(pl.col("refusal").is_null() & pl.col("n_sites").is_null()).sort(KEY)
    if unknown.height:
        raise SelectionError(
            f"policy {choice.policy}: {unknown.height} of {train.height} training candidates have no row in "
            f"gene_performance, first {'|'.join(unknown.select(KEY).row(0))}. Every candidate has to be scored and "
            "evaluated first: `builder build` does."
        )
    notes: tuple[str, ...] = ()
    if choice.policy == "hard":
        few = train.filter(pl.col("refusal").is_null() & (pl.col("n_sites") < HARD_MINIMUM_SITES)).height
        train = train.filter(pl.col("refusal").is_not_null() | (pl.col("n_sites") >= HARD_MINIMUM_SITES))
        notes = (f"policy hard: {few} training genes with fewer than {HARD_MINIMUM_SITES} sites passed over.",) * (
            few > 0
        )
    train = _by_errors(train, choice.policy)
    reason = f"policy {choice.policy}: validation and test at random, seed {choice.seed}"
    held_out = random_order(others.filter(pl.col("side") != TRAIN), choice.seed, reason)
    return asked, pl.concat([train, held_out], how="diagonal_relaxed"), notes


def _by_errors(train: pl.DataFrame, policy: str) -> pl.DataFrame:
    """Training genes by their errors, the worst first; genes for which the measure is not defined last."""
    fp, fn, tp, sites = pl.col("fp"), pl.col("fn"), pl.col("tp"), pl.col("n_sites")
    with_sites = pl.when(sites > 0)
    measures = {
        "error_total": fp + fn,
        "error_fp": fp,
        "error_fn": fn,
        "error_rate": with_sites.then((fp + fn) / sites),
        "hard": with_sites.then(2 * tp / (2 * tp + fp + fn)),
    }
    train = train.with_columns(measure=measures[policy].cast(pl.Float64))
    train = train.sort("measure", *TIES, descending=[policy != "hard", False, False], nulls_last=True)
    f1 = pl.format(", F1 {}", pl.col("measure").round(3)) if policy == "hard" else pl.lit("")
    text = pl.format("policy {}, {} FP and {} FN at {} sites{}", pl.lit(policy), fp, fn, sites, f1)
    return train.with_columns(reason=text.fill_null(f"policy {policy}"))


def training_share(taken: pl.DataFrame, choice: GeneChoice) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """The genes of an error policy: `eval_count` of validation and test together, the rest for training.

    Listed genes come first on their side and count there. Without `eval_count`, validation and test get the share of
    `count` that they have of the candidates. Of the held-out genes each side gets its share of the candidates, at
    least one where there is one.
    """
    count = choice.count or 0
    held_out = taken.filter(pl.col("side").is_in(EVALUATION))
    rest = taken.filter(~pl.col("side").is_in(EVALUATION) | pl.col("side").is_null())
    wanted = choice.eval_count
    if wanted is None:
        wanted = min(round(count * held_out.height / max(taken.height, 1)), count - 1)
    listed = pl.col("entry").is_not_null()
    most = count - rest.filter(listed).height
    wanted = min(max(wanted, held_out.filter(listed).height), most, held_out.height)
    sizes = {side: held_out.filter(pl.col("side") == side).height for side in EVALUATION}
    validation = min(max(round(wanted * sizes["validation"] / max(held_out.height, 1)), 1), sizes["validation"])
    validation = max(min(validation, wanted - (sizes["test"] > 0)), wanted - sizes["test"], 0)
    named = {side: held_out.filter(listed & (pl.col("side") == side)).height for side in EVALUATION}
    validation = min(max(validation, named["validation"]), wanted - named["test"])
    parts = [
        rest.head(count - wanted),
        held_out.filter(pl.col("side") == "validation").head(validation),
        held_out.filter(pl.col("side") == "test").head(wanted - validation),
    ]
    chosen = pl.concat(parts)
    idle = chosen.filter((pl.col("side") == TRAIN) & (pl.col("fp") + pl.col("fn") == 0)).height
    notes = (f"policy {choice.policy}: {idle} of the training genes taken have no error.",) * (idle > 0)
    return chosen.sort(listed, descending=True, maintain_order=True), notes
