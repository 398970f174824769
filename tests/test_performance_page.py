"""Numbers of docs/performance.md, scale.md, scoring.md: measured in benchmarks/results, or reckoned from the code."""

import json
import re
from itertools import pairwise
from pathlib import Path

import polars as pl

from builder_assets.base_model.architectures import architecture_of
from builder_assets.base_model.chromosome_scores import BATCH_BASES
from builder_assets.base_model.engines import CORE_BYTES_PER_ROW, fitting_tiles
from builder_assets.base_model.scoring import TILE_LENGTHS
from builder_assets.base_model.spectral import computed_bases, computed_ranges, room_for
from builder_assets.dataset.example_stream import BATCH_BYTES

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "performance.md").read_text("utf-8")
SCALE = (ROOT / "docs" / "scale.md").read_text("utf-8")
NOTES = (ROOT / "benchmarks" / "NOTES.md").read_text("utf-8")
SPLICEAI = architecture_of("spliceai", 10_000)
MB = 1e6


def measured(name: str) -> dict:
    return json.loads((ROOT / "benchmarks" / "results" / f"{name}.json").read_text("utf-8"))


def tables(title: str, page: str = PAGE) -> list[list[list[str]]]:
    """The tables of a section, without their heads: rows of cells."""
    section = page.split(f"\n## {title}\n")[1].split("\n## ")[0]
    found = [part.splitlines() for part in re.findall(r"(?:^\|.*\n)+", section, re.MULTILINE)]
    return [[[cell.strip() for cell in row.strip("|").split(" | ")] for row in lines[2:]] for lines in found]


def engine_row(engine: dict) -> list[str]:
    rates = [f"{engine['bases_per_second']['all']:,.0f}", f"{engine['bases_per_cpu_second']:,.0f}"]
    return [*rates, f"{engine['peak_memory_mb']:.0f} MB" if "peak_memory_mb" in engine else ""]


def test_scoring__is_what_was_measured() -> None:
    (table,) = tables("Scoring")
    engines = measured("scoring")["engines"]
    names = (
        "SpliceAI: this project, float32", "SpliceAI: this project, bfloat16", "SpliceAI: PyTorch, long tiles, float32",
        "SpliceAI: PyTorch, long tiles, bfloat16", "SpliceAI: TensorFlow, blocks of 5,000",
        "OpenSpliceAI x5: this project, float32", "OpenSpliceAI x5: its predict, blocks of 5,000",
        "OpenSpliceAI x1: this project, float32", "OpenSpliceAI x1: its predict, blocks of 5,000",
    )  # fmt: skip
    assert [[*row, ""][1:4] for row in table] == [engine_row(engines[name]) for name in names]
    ours, rounded, torch, torch_rounded = (engines[name] for name in names[:4])
    times, times_rounded = (
        one["bases_per_second"]["all"] / other["bases_per_second"]["all"]
        for one, other in ((ours, torch), (rounded, torch_rounded))
    )
    assert (
        f"{ours['ratio']:.1f} times `spliceai`, {times:.1f} times PyTorch, {engines[names[5]]['ratio']:.1f} times "
        f"OpenSpliceAI's own predict (one seed: {engines[names[7]]['ratio']:.1f})"
    ) in PAGE
    assert f"{rounded['ratio']:.1f} times `spliceai` and {times_rounded:.1f} times PyTorch's" in PAGE
    peaks = [ours["peak_memory_mb"], engines[names[5]]["peak_memory_mb"]]
    assert f"{min(peaks):.0f} to {max(peaks):.0f} MB at the peak" in PAGE


def test_examples__are_what_was_measured() -> None:
    found = measured("examples")
    names = ("kmers_3", "kmers_3_6", "checks_of_3mers", "checks_of_3_and_6mers")
    rows = [[f"{found[name]['seconds']} s", f"{found[name]['gigabytes']:.2f} GB"] for name in names]
    (table,) = tables("Training examples")
    assert [row[1:] for row in table] == rows
    assert f"{found['kmers_3']['rows']:,} rows" in PAGE
    assert f"an {found['peer_of_3mers']['times_as_fast']:.0f}th of the processor time" in PAGE


def test_genome_tables__are_what_was_measured() -> None:
    found = measured("genome_tables")
    pure, register, build = (found[name] for name in ("pure_functions", "register", "builder_build"))
    rows = [
        [f"{pure['seconds']:.0f}", f"{pure['gigabytes']:.1f} GB"], [f"{pure['parsing_seconds']:.1f}"],
        [f"{register['seconds']:.1f}", f"{register['gigabytes']:.1f} GB"],
        [f"{build['build_seconds']:.0f}", f"{build['build_gigabytes']:.1f} GB"],
        [f"{build['nothing_to_do_seconds']:.1f}"], [f"{build['one_gene_of_chr21_gone_seconds']:.0f}"],
    ]  # fmt: skip
    (table,) = tables("Genome tables")
    assert [[cell for cell in row[1:] if cell] for row in table] == rows
    told = PAGE.split("to parse the annotation alone:")[1]
    peers = ("gtfparse.read_gtf", "pyranges.read_gtf", "gffutils.create_db, no inference")
    for name, digits in zip(peers, (1, 1, 0), strict=True):
        assert f"{name.partition('.')[0]} {found[name]['seconds']:.{digits}f} s" in told
    assert f"not finished after {found['gffutils.create_db']['not_finished_after_seconds']} s" in told
    assert f"Genome tables of a whole human annotation: {build['build_gigabytes']:.1f} GB" in PAGE


def test_tiles__are_reckoned_as_the_page_says() -> None:
    """By the room that a piece gets, the work that it is, and the memory that two tiles have to fit into."""
    (table,) = tables("Tiles and batches")
    gene = 1_000_000
    for name, memory, work, device in table:
        tile = int(re.findall(r"[\d,]+\d", name)[0].replace(",", ""))
        room = room_for(tile, SPLICEAI)
        assert memory == f"{room.rows * CORE_BYTES_PER_ROW / MB:.0f} MB"
        n_pieces = -(-gene // room.capacity)
        cuts = [gene * cut // n_pieces for cut in range(n_pieces + 1)]
        ranges = [computed_ranges(SPLICEAI, piece, (0, gene)) for piece in pairwise(cuts)]
        assert work == f"{sum(computed_bases(SPLICEAI, one) for one in ranges) / gene:.2f}"
        enough = float(device.removesuffix(" MB"))
        shorter = tile // 2
        assert fitting_tiles((shorter, tile), SPLICEAI.context, round((enough + 0.5) * MB)) == (shorter, tile)
        assert fitting_tiles((shorter, tile), SPLICEAI.context, round((enough - 0.5) * MB)) == (shorter,)
    assert f"{max(TILE_LENGTHS):,}, as it comes" in PAGE
    assert f"Scores\nare kept every {BATCH_BASES:,} bases" in PAGE
    assert f"batches of {BATCH_BYTES / MB:.0f} MB of columns" in PAGE
    (row,) = re.findall(r"\*\*phases once per four units, members in a loop of XLA\*\* \| (.*) \|", NOTES)
    assert re.findall(r"([\d,]+) (?:bases/s )?at (?:8,192|65,536|131,072)", PAGE) == row.split(" | ")


CANONICAL = 1_119_538_391  # bases, the sum of ends less starts in SpliceAI's table for GRCh38


def test_canonical_genes__are_counted_in_the_table(shared) -> None:
    table = pl.read_csv(shared / "data/grch38/spliceai_genes.txt.gz", separator="\t", infer_schema_length=None)
    lengths = table.select(chrom="CHROM", length=pl.col("TX_END") - pl.col("TX_START"))
    assert lengths["length"].sum() == CANONICAL
    share = lengths.filter(chrom="1")["length"].sum() / CANONICAL
    assert f"chromosome 1 holds {share:.0%}".replace("%", " %") in SCALE


def test_hours__follow_from_the_rates() -> None:
    ours = measured("scoring")["engines"]["SpliceAI: this project, float32"]
    rate, per_cpu = ours["bases_per_second"]["all"], ours["bases_per_cpu_second"]
    assert f"{rate:,.0f} bases/s on two idle cores of an AMD EPYC with AVX-512, {per_cpu:,.0f} per CPU-second" in SCALE
    hours, cpu_hours = CANONICAL / rate / 3600, CANONICAL / per_cpu / 3600
    assert f"| {hours:.1f} h | {2 * hours:.1f} h | 1.12e9 / {rate:,.0f} bases/s |" in SCALE
    assert f"| {cpu_hours:.1f} h | {2 * cpu_hours:.1f} h | 1.12e9 / {per_cpu:,.0f} bases per CPU-second |" in SCALE
    assert f"at this rate {hours:.1f} hours on two cores" in PAGE
    assert f"| {2 * cpu_hours * 0.05:.1f} USD | {2 * cpu_hours:.1f} CPU-hours |" in SCALE


def test_scale__has_the_measured_rows() -> None:
    genome, examples = measured("genome_tables"), measured("examples")
    pure, register = genome["pure_functions"], genome["register"]
    assert f"{pure['cpu_seconds']:.1f} CPU-seconds, {pure['gigabytes']:.1f} GB" in SCALE
    assert f"{register['cpu_seconds']:.1f} CPU-seconds" in SCALE
    rows, size = examples["kmers_3"]["rows"], examples["kmers_3"]["file_gigabytes"]
    assert f"{examples['kmers_3']['cpu_seconds']} CPU-seconds per 144 Mb of scored genes ({rows:,} rows)" in SCALE
    assert f"{size * 1e6 / rows:.2f} kB a row" in SCALE


def test_scoring_page__has_the_measured_differences_and_costs() -> None:
    page = (ROOT / "docs" / "scoring.md").read_text("utf-8")
    runs = [run for run in measured("precision").values() if isinstance(run, dict)]
    more = [run["cpu_seconds_bfloat16"] / run["cpu_seconds_float32"] - 1 for run in runs]
    assert f"{min(more) * 100:.0f} to {max(more) * 100:.0f} % more processor time in the runs below" in page
    engines = measured("scoring")["engines"]
    names = ("SpliceAI: this project, float32", "OpenSpliceAI x5: this project, float32")
    largest = max(engines[name]["max_difference"] for name in names)
    one_seed = engines["OpenSpliceAI x1: this project, float32"]
    log = max(engine["max_log_difference"] for engine in (*(engines[name] for name in names), one_seed))
    (told,) = re.findall(r"within (\S+) in p and (\S+) in ln p of .*?one seed: (\S+)\)", page, re.DOTALL)
    for bound, found in zip(map(float, told), (largest, log, one_seed["max_difference"]), strict=True):
        assert found <= bound < 1.05 * found
