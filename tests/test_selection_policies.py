import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from builder_assets import tables
from builder_assets.selection import SelectionError, genes_to_judge, select_genes
from builder_assets.settings import ERROR_POLICIES, GeneChoice
from tests.test_selection import genes_table, selected

#  gene  side        sites  TP FP FN   errors  rate  F1
#  A     train         10    9  5  1        6   0.6  18/24 = 0.75
#  B     train          4    1  0  3        3   0.75  2/5  = 0.40
#  C     train         20   16  4  4        8   0.4  32/40 = 0.80
#  D     train          2    0  0  2        2   1.0   0 (too few sites for hard)
#  E     train          8    8  0  0        0   0     1
#  V, W  validation, T, U, S, R  test: all wrong, and never ranked
ROWS = {"A": (10, 9, 5, 1), "B": (4, 1, 0, 3), "C": (20, 16, 4, 4), "D": (2, 0, 0, 2), "E": (8, 8, 0, 0)}
HELD_OUT = dict(zip("VWTUSR", ["validation"] * 2 + ["test"] * 4, strict=True))
GENES = genes_table(
    *[{"gene_id": name, "n_splice_sites": 4} for name in [*ROWS, *HELD_OUT]], {"gene_id": "N", "n_splice_sites": 0}
)
SIDES = pl.DataFrame(
    {"chrom": "1", "gene_id": [*ROWS, *HELD_OUT, "N"], "side": ["train"] * 5 + list(HELD_OUT.values()) + ["train"]}
)


def performance(rows: dict[str, tuple[int, int, int, int]]) -> pl.DataFrame:
    """GENE_PERFORMANCE of genes given by sites, TP, FP and FN of both kinds; all but one site are donors."""
    table = []
    for gene_id, (n_sites, tp, fp, fn) in rows.items():
        for kind, values in (("donor", (n_sites - 1, tp, fp, fn)), ("acceptor", (1, 0, 0, 0))):
            names = dict(zip(("n_sites", "tp", "fp", "fn"), values, strict=True))
            table.append({"chrom": "1", "gene_id": gene_id, "kind": kind, **names})
    schema = {name: tables.GENE_PERFORMANCE.polars_schema()[name] for name in table[0]}
    return pl.DataFrame(table, schema=schema)


PERFORMANCE = performance(ROWS | dict.fromkeys(HELD_OUT, (4, 0, 9, 4)))


def choose(policy: str, count: int, **more: object):
    choice = GeneChoice(policy=policy, count=count, **more)
    return select_genes(GENES, choice, performance=PERFORMANCE, sides=SIDES)


@pytest.mark.parametrize(
    ("policy", "order"),
    [("error_total", "CABDE"), ("error_fp", "ACBDE"), ("error_fn", "CBDAE"), ("error_rate", "DBACE"), ("hard", "BACE")],
)
def test_error_policies__rank_training_genes_by_what_performance_says(policy, order) -> None:
    selection = choose(policy, 3, eval_count=0)
    assert selected(selection) == list(order[:3])
    assert selected(choose(policy, 5, eval_count=0))[: len(order)] == list(order)


def test_error_policies__say_the_errors_as_the_reason() -> None:
    assert choose("error_total", 1).table["reason"].to_list() == ["policy error_total, 4 FP and 4 FN at 20 sites"]
    hard = choose("hard", 1)
    assert hard.table["reason"].to_list() == ["policy hard, 0 FP and 3 FN at 4 sites, F1 0.4"]
    assert hard.notes[0] == "policy hard: 1 training genes with fewer than 4 sites passed over."


def test_error_policies__fill_validation_and_test_at_random() -> None:
    chosen = choose("error_total", 6, eval_count=4)
    order = [g for g in selected(select_genes(GENES, GeneChoice(policy="random", count=11))) if g in HELD_OUT]
    validation = [g for g in order if HELD_OUT[g] == "validation"]
    test = [g for g in order if HELD_OUT[g] == "test"]
    assert selected(chosen) == ["C", "A", validation[0], *test[:3]]
    better = performance(ROWS | dict.fromkeys(HELD_OUT, (4, 4, 0, 0)))
    choice = GeneChoice(policy="error_total", count=6, eval_count=4)
    again = select_genes(GENES, choice, performance=better, sides=SIDES)
    assert selected(again) == selected(chosen)


def test_error_policies__held_out_share_is_that_of_the_candidates() -> None:
    assert len(set(selected(choose("error_total", 11))) & set(HELD_OUT)) == 6
    taken = set(selected(choose("error_total", 5)))
    assert len(taken & set(HELD_OUT)) == 3  # 5 x 6 / 11 = 2.7


def test_error_policies__listed_genes_come_first_and_count() -> None:
    chosen = choose("error_total", 4, eval_count=1, include=("E", "V"))
    assert selected(chosen) == ["E", "V", "C", "A"]


def test_error_policies__say_how_many_of_their_genes_have_no_error() -> None:
    notes = choose("error_total", 5, eval_count=0).notes
    assert notes == ("policy error_total: 1 of the training genes taken have no error.",)


def test_error_policies__genes_on_no_side_are_no_candidates() -> None:
    sides = SIDES.with_columns(side=pl.when(pl.col("gene_id") != "C").then("side"))
    choice = GeneChoice(policy="error_total", count=2, eval_count=0)
    assert selected(select_genes(GENES, choice, performance=PERFORMANCE, sides=sides)) == ["A", "B"]


def test_error_policies__ties_go_by_gene_id() -> None:
    even = performance(dict.fromkeys([*ROWS, *HELD_OUT], (4, 2, 1, 2)))
    choice = GeneChoice(policy="error_total", count=5, eval_count=0)
    shuffled = GENES.sample(fraction=1, shuffle=True, seed=3)
    assert selected(select_genes(shuffled, choice, performance=even, sides=SIDES)) == list("ABCDE")


@pytest.mark.parametrize("policy", ERROR_POLICIES)
def test_error_policies__are_never_silently_random(policy) -> None:
    choice = GeneChoice(policy=policy, count=2)
    with pytest.raises(SelectionError, match=f"policy {policy} ranks genes by the base model's errors and needs"):
        select_genes(GENES, choice)
    with pytest.raises(SelectionError, match=r"1 of 6 training candidates have no row in gene_performance, first 1\|C"):
        select_genes(GENES, choice, performance=PERFORMANCE.filter(pl.col("gene_id") != "C"), sides=SIDES)


def test_genes_to_judge__are_all_candidates_of_an_error_policy() -> None:
    wanted = genes_to_judge(GENES, GeneChoice(policy="error_fn", count=2, exclude=("E",)))
    assert wanted["gene_id"].sort().to_list() == sorted({*ROWS, *HELD_OUT} - {"E"})
    assert genes_to_judge(GENES, GeneChoice(policy="custom", include=("A",)))["gene_id"].to_list() == ["A"]


def test_length_strata__take_the_same_number_from_each_length() -> None:
    table = genes_table(*[{"gene_id": f"G{n:02d}", "length": 100 * n, "end": 100 * n} for n in range(1, 51)])
    chosen = select_genes(table, GeneChoice(policy="length_strata", count=10)).table
    strata = [(int(gene_id[1:]) - 1) // 10 for gene_id in chosen["gene_id"]]
    assert strata == [0, 1, 2, 3, 4] * 2
    assert chosen["reason"][1] == "policy length_strata, stratum 2 of 5 (1100 to 2000 bases), seed 42"


def test_splice_density__takes_the_densest_first() -> None:
    table = genes_table(
        {"gene_id": "A", "length": 1000, "n_splice_sites": 4},
        {"gene_id": "B", "length": 500, "n_splice_sites": 4},
        {"gene_id": "C", "length": 1000, "n_splice_sites": 8},
        {"gene_id": "D", "length": 9000, "n_splice_sites": 9},
    )
    chosen = select_genes(table, GeneChoice(policy="splice_density", count=3)).table
    assert chosen["gene_id"].to_list() == ["B", "C", "A"]
    assert chosen["reason"][0] == "policy splice_density, 8.0 sites per kb"


@settings(max_examples=30, deadline=None)
@given(
    st.integers(1, 11),
    st.integers(0, 10),
    st.integers(0, 2**32),
    st.sets(st.sampled_from([*ROWS, *HELD_OUT]), max_size=4),
)
def test_error_policies__count_is_the_total_and_listed_genes_are_in(count, eval_count, seed, listed) -> None:
    if eval_count >= count or len(listed) > count:
        return
    more = {"include": tuple(sorted(listed)), "seed": seed, "eval_count": eval_count}
    chosen = selected(choose("error_total", count, **more))
    assert len(chosen) == len(set(chosen)) <= count
    assert listed <= set(chosen)
    n_listed = len(listed & set(HELD_OUT))
    assert len(set(chosen) & set(HELD_OUT)) <= max(eval_count, n_listed)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"policy": "hard"}, "policy hard needs `count:`"),
        ({"policy": "all", "count": 3}, "policy all takes no `count:`"),
        (
            {"policy": "random", "count": 3, "eval_count": 1},
            "policy random takes no `eval_count:`; it belongs to error_",
        ),
        ({"policy": "error_fp", "count": 3, "eval_count": 3}, "leaves none for training"),
    ],
)
def test_gene_choice__says_what_does_not_fit(values, message) -> None:
    with pytest.raises(ValidationError, match=message):
        GeneChoice(**values)
