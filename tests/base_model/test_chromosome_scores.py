"""Scoring of a chromosome: what is scored again and what never, kept in batches, honest failures."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from builder_assets.base_model import chromosome_scores, scored_bases
from builder_assets.base_model.architectures import architecture_of
from builder_assets.base_model.chromosome_scores import GeneFailureError, SpanError, score_chromosome
from builder_assets.sequence import ChromosomeSequence
from builder_assets.settings import NetworkSettings
from builder_assets.tables import SPLICE_SCORES, splice_scores_contract
from resources.log_file import written_to
from resources.score_memo import ScoreMemo
from resources.table_files import write_frames

MASKED = NetworkSettings(family="openspliceai", context=80)
GENOMIC = MASKED.model_copy(update={"flanks": "genomic"})
CODES = np.random.default_rng(3).integers(0, 4, 1000).astype(np.uint8)
#             1001 .................... 2000
#   A +          1101-1160
#   B -                 1301-1400
#   C +                        1501-1570
SPANS = {"A": (1101, 1160, "+"), "B": (1301, 1400, "-"), "C": (1501, 1570, "+")}


class DrawnScorer:
    """Donor: the first base read over 10; acceptor: the number of bases read over 1000. Counts what it is asked."""

    architecture = architecture_of("openspliceai", 80)

    def __init__(self, killed_after: int | None = None, failing: int = 0, no_number: int = 0) -> None:
        self.asked: list[int] = []
        self.killed_after, self.failing, self.no_number = killed_after, failing, no_number

    def score_genes(self, genes, progress, *, flanked):
        for codes in genes:
            if len(self.asked) == self.killed_after:
                os.kill(os.getpid(), signal.SIGKILL)
            if len(codes) == self.failing:
                raise RuntimeError("the device fell asleep")
            self.asked.append(len(codes))
            length = len(codes) - 80 * flanked
            progress(length, 2 * length)
            track = np.tile(np.float32([0, len(codes) / 1000, codes[0] / 10, 0, 0.1, 0.2]), (length, 1))
            track[:3] = np.nan if length == self.no_number else track[:3]
            yield track


def drawn_sequence(codes: np.ndarray = CODES) -> ChromosomeSequence:
    return ChromosomeSequence("22", 1001, codes, ((1001, 2000),))


def drawn_genes(spans: dict[str, tuple[int, int, str]]) -> pl.DataFrame:
    rows = [("22", gene, strand, start, end, end - start + 1) for gene, (start, end, strand) in spans.items()]
    return pl.DataFrame(rows, schema=["chrom", "gene_id", "strand", "start", "end", "length"], orient="row")


def memo_in(folder: Path, *, sd: bool = False) -> ScoreMemo:
    tracks = list(chromosome_scores.tracks_of(ensemble_sd=sd))
    return ScoreMemo(folder / "model" / "splice_scores" / "22.parquet", folder, tracks)


def scored(folder, spans, network=MASKED, weights="weights", codes=CODES, scorer=None, *, sd=False):
    """Build the partition as the asset does: score, publish, tidy at the next start."""
    memo, scorer = memo_in(folder, sd=sd), scorer or DrawnScorer()
    memo.tidy()
    given = (drawn_genes(spans), drawn_sequence(codes), scorer, weights, network, memo, "drawn")
    scoring = score_chromosome(*given, ensemble_sd=sd)
    memo.published.parent.mkdir(parents=True, exist_ok=True)
    write_frames([scoring.table], splice_scores_contract(ensemble_sd=sd), {}, memo.published)
    return scoring, scorer.asked


def test_score_chromosome__puts_scores_in_transcription_order_beside_their_gene(tmp_path):
    table = scored(tmp_path, SPANS)[0].table
    SPLICE_SCORES.check(table)
    assert table["gene_id"].to_list() == ["A", "B", "C"]
    assert table["donor_scores"].list.len().to_list() == [60, 100, 70]
    # The first base of B in its direction is the complement of position 1400.
    first = [CODES[100], 3 - CODES[399], CODES[500]]
    np.testing.assert_allclose(table["donor_scores"].list.first(), np.array(first) / 10)


def test_score_chromosome__genomic_flanks_read_what_stands_beside_the_gene(tmp_path):
    table = scored(tmp_path, {"A": SPANS["A"], "Z": (1011, 1040, "+")}, GENOMIC)[0].table
    np.testing.assert_allclose(table["acceptor_scores"].list.first(), [0.140, 0.110])
    assert table["donor_scores"].list.len().to_list() == [60, 30]
    # Forty bases before A; Z has only ten, so it reads N (code 4) first.
    np.testing.assert_allclose(table["donor_scores"].list.first(), [CODES[60] / 10, 0.4])


def test_score_chromosome__scores_only_what_changed(tmp_path):
    assert scored(tmp_path, {"A": SPANS["A"]})[1] == [60]
    added, asked = scored(tmp_path, SPANS)
    assert asked == [100, 70]
    assert (added.n_scored, added.n_reused, added.n_dropped, added.bases_scored) == (2, 1, 0, 170)
    assert scored(tmp_path, SPANS)[1] == []
    assert scored(tmp_path, SPANS | {"A": (1101, 1161, "+")})[1] == [61]
    assert scored(tmp_path, SPANS | {"A": (1101, 1160, "-")})[1] == [60]
    changed = CODES.copy()
    changed[310] = (changed[310] + 1) % 4
    assert scored(tmp_path, SPANS, codes=changed)[1] == [100]
    beside = changed.copy()
    beside[95] = (beside[95] + 1) % 4  # before A: masked scores do not read it
    assert scored(tmp_path, SPANS, codes=beside)[1] == []
    assert scored(tmp_path, SPANS, codes=beside, weights="others")[1] == [60, 100, 70]
    assert scored(tmp_path, SPANS, GENOMIC, codes=beside)[1] == [140, 180, 150]
    assert scored(tmp_path, SPANS, GENOMIC, codes=changed)[1] == [140]


def test_score_chromosome__says_how_it_went(tmp_path):
    scored(tmp_path, {"A": SPANS["A"]})
    scoring, _ = scored(tmp_path, {"B": SPANS["B"], "C": SPANS["C"]})
    assert scoring.padding_share == 0.5  # the drawn scorer reports twice the work
    assert scoring.bases_per_second == 170 / scoring.seconds
    assert re.fullmatch(r"2 genes scored, 0 reused, 1 dropped, 170 bases, [\d,]+ bases/s, 50% padding", scoring.text)
    again, _ = scored(tmp_path, {"B": SPANS["B"], "C": SPANS["C"]})
    assert (again.padding_share, again.bases_per_second) == (None, 0.0)
    assert again.text == "0 genes scored, 2 reused, 0 dropped, 0 bases, 0 bases/s"


def test_score_chromosome__writes_a_line_per_gene_into_the_log_file(tmp_path, capfd):
    scored(tmp_path, {"A": SPANS["A"]})
    with written_to(tmp_path / "logs/run.log", ["builder.scoring", chromosome_scores.GENE_LOGGER]) as path:
        scored(tmp_path, SPANS)
    scored(tmp_path, SPANS)  # after it, nothing more is written
    lines = [line.split(" ", 3)[2:] for line in path.read_text().splitlines()]
    assert [level for level, _ in lines] == ["DEBUG"] * 3
    assert [text.split(" scored")[0] for _, text in lines] == ["22 A reused", "22 B", "22 C"]
    assert lines[1][1] == "22 B scored: 100 bases at 1,301-1,400 (-)"
    assert capfd.readouterr().err == ""


def test_score_chromosome__says_while_scoring_how_long_it_takes(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(scored_bases, "SECONDS_BETWEEN_LINES", 0)
    with caplog.at_level("INFO", "builder.scoring"):
        scored(tmp_path, SPANS)
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 3
    assert re.fullmatch(r"22: 60 of 230 bases of 3 new genes scored, [\d,]+ bases/s, about \d+ s left", lines[0])
    assert lines[2].endswith("about 0 s left")


def test_score_chromosome__stores_the_sd_beside_the_same_scores(tmp_path):
    """Turned on, genes are scored again, since it was not kept; turned off, their scores are known."""
    plain = scored(tmp_path, SPANS)[0].table
    first = scored(tmp_path, {"A": SPANS["A"], "B": SPANS["B"]}, sd=True)
    assert first[1] == [60, 100]
    spread, asked = scored(tmp_path, SPANS, sd=True)
    assert asked == [70]
    splice_scores_contract(ensemble_sd=True).check(spread.table)
    assert spread.table.select(SPLICE_SCORES.names).equals(plain)
    assert spread.table["donor_sd"].list.len().to_list() == [60, 100, 70]
    np.testing.assert_allclose(spread.table["donor_sd"].list.first(), 0.2)
    np.testing.assert_allclose(spread.table["acceptor_sd"].list.first(), 0.1)
    assert scored(tmp_path, SPANS, sd=True)[1] == []
    off, asked = scored(tmp_path, SPANS)
    assert asked == []
    assert off.table.equals(plain)


def test_score_chromosome__with_the_sd_keeps_batches_of_a_killed_run(tmp_path):
    scored(tmp_path, SPANS)
    failing = DrawnScorer(failing=100)
    with pytest.raises(GeneFailureError, match="the scores of 2 others are kept"):
        scored(tmp_path, SPANS, scorer=failing, sd=True)
    assert scored(tmp_path, SPANS, sd=True)[1] == [100]


def test_score_chromosome__genes_that_left_come_back_without_scoring(tmp_path):
    first = scored(tmp_path, SPANS)[0].table
    fewer, _ = scored(tmp_path, {"C": SPANS["C"]})
    assert (fewer.n_dropped, fewer.table.height) == (2, 1)
    again, asked = scored(tmp_path, SPANS)
    assert asked == []
    assert again.table.equals(first)


def test_score_chromosome__two_genes_of_one_span_share_their_scores(tmp_path):
    scoring, asked = scored(tmp_path, {"A": SPANS["A"], "A_copy": SPANS["A"]})
    assert asked == [60]
    assert scoring.table["donor_scores"].list.len().to_list() == [60, 60]


def test_score_chromosome__names_the_gene_beyond_and_keeps_the_others(tmp_path):
    spans = SPANS | {"D": (1990, 2010, "+")}
    scorer = DrawnScorer()
    with pytest.raises(SpanError, match=r"1 of 4 genes on 22 .*D \(1,990-2,010\)\. The scores of the others are kept"):
        scored(tmp_path, spans, scorer=scorer)
    assert scorer.asked == [60, 100, 70]
    assert not memo_in(tmp_path).published.exists()
    assert scored(tmp_path, SPANS)[1] == []


def test_score_chromosome__names_failing_genes_and_keeps_the_others(tmp_path):
    scorer = DrawnScorer(failing=60, no_number=100)
    with pytest.raises(GeneFailureError) as raised:
        scored(tmp_path, SPANS, scorer=scorer)
    assert str(raised.value) == (
        "2 genes on 22 could not be scored; the scores of 1 others are kept: 22:1,101-1,160 (+): the device fell "
        "asleep; 22:1,301-1,400 (-): 3 of 100 bases have scores that are no numbers on drawn"
    )
    assert scored(tmp_path, SPANS)[1] == [60, 100]


def test_score_chromosome__gives_up_where_every_gene_fails(tmp_path, monkeypatch):
    monkeypatch.setattr(chromosome_scores, "MOST_FAILURES", 1)
    scorer = DrawnScorer(failing=60)
    with pytest.raises(GeneFailureError, match="1 genes on 22 could not be scored; the scores of 0 others"):
        scored(tmp_path, SPANS, scorer=scorer)
    assert scorer.asked == []


def test_score_chromosome__killed_at_any_gene_loses_at_most_one_batch(tmp_path, monkeypatch):
    """A process scores batches of two small genes or one large one and is killed before its third gene."""
    program = (
        "import sys; from pathlib import Path; from tests.base_model import test_chromosome_scores as t; "
        "t.chromosome_scores.BATCH_BASES = 100; "
        "t.scored(Path(sys.argv[1]), t.SPANS, scorer=t.DrawnScorer(killed_after=int(sys.argv[2])))"
    )
    root = Path(__file__).parents[2]
    ended = subprocess.run([sys.executable, "-c", program, str(tmp_path), "2"], cwd=root, check=False)
    assert ended.returncode == -signal.SIGKILL
    monkeypatch.setattr(chromosome_scores, "BATCH_BASES", 100)
    scoring, asked = scored(tmp_path, SPANS)
    assert asked == [70]
    assert scoring.table.equals(scored(tmp_path / "fresh", SPANS)[0].table)


def test_score_memo__scores_again_what_it_cannot_read(tmp_path, caplog):
    scored(tmp_path, SPANS)
    memo = memo_in(tmp_path)
    memo.published.write_bytes(memo.published.read_bytes()[:-40])
    (batch,) = memo.batches()
    assert memo.tidy() == 0
    assert scored(tmp_path, SPANS)[1] == []  # the batch still holds them
    memo.published.unlink()
    batch.write_bytes(b"PAR1")
    assert scored(tmp_path, SPANS)[1] == [60, 100, 70]
    assert "cannot be read, so its genes are scored again" in caplog.text


def test_score_memo__tidies_what_the_partition_holds(tmp_path):
    scored(tmp_path, SPANS)
    memo = memo_in(tmp_path)
    assert len(memo.batches()) == 1
    assert memo.tidy() == 1
    assert memo.batches() == []
    assert not list(tmp_path.rglob("*.partial"))


def test_score_memo__altered_batch_is_scored_again(tmp_path, caplog):
    memo = ScoreMemo(tmp_path / "model" / "splice_scores" / "1.parquet", tmp_path)
    rows = pl.DataFrame(
        {"fingerprint": ["a"], "scored_by": ["x"], "donor_scores": [[0.5, 0.25]], "acceptor_scores": [[0.0, 1.0]]},
        schema=memo.schema,
    )
    memo.write(rows)
    assert memo.read(["a"]).equals(rows)
    (batch,) = memo.batches()
    rows.with_columns(pl.col("donor_scores").list.eval(pl.element() / 2)).write_parquet(batch)
    assert memo.read(["a"]).is_empty()
    assert "holds other scores than were kept there" in caplog.text
