"""A project of one gene per strand, stored as a build would store it: every place can be counted on a finger.

+ gene A 101..130   exons 101..105 and 121..130   donor 105 (called), acceptor 121 (missed), donor score at 110: FP
- gene C 201..230   exons 226..230 and 201..210   donor 226 (called), acceptor 210 (called)
"""

from pathlib import Path

import polars as pl
import yaml

from builder_assets import tables
from resources.table_files import write_frames
from tests.base_model.drawn_genes import drawn_genes, drawn_scores, drawn_sites, gene, site

GENES = drawn_genes(
    gene("A", 101, 130, gene_name="Alpha", canonical_transcript_id="TA"),
    gene("C", 201, 230, "-", gene_name="Gamma", canonical_transcript_id="TC"),
    gene("D", 301, 305, gene_name="Delta"),
)
SITES = drawn_sites(
    site("A", 105, n_transcripts=2), site("A", 121, "acceptor"),
    site("C", 226, strand="-"), site("C", 210, "acceptor", strand="-"),
)  # fmt: skip
SCORES = drawn_scores(GENES, {"A": {105: 0.9, 110: 0.7}, "C": {226: 0.8}}, {"A": {121: 0.25}, "C": {210: 0.6}})
CALLS = [
    ("A", 105, "donor", "+", 4, "TP", 0.9), ("A", 110, "donor", "+", 9, "FP", 0.7),
    ("A", 121, "acceptor", "+", 20, "FN", 0.25),
    ("C", 226, "donor", "-", 4, "TP", 0.8), ("C", 210, "acceptor", "-", 20, "TP", 0.6),
]  # fmt: skip
EXONS = [
    ("A", "TA", 1, "+", 101, 105), ("A", "TA", 2, "+", 121, 130), ("A", "TB", 1, "+", 103, 105),
    ("C", "TC", 1, "-", 226, 230), ("C", "TC", 2, "-", 201, 210),
]  # fmt: skip


def padded(contract: tables.TableContract, frame: pl.DataFrame) -> pl.DataFrame:
    """`frame` with the columns of `contract` that it lacks: null where that is legal, else 0, False or empty."""
    blank = {pl.String: "", pl.Boolean: False}
    missing = [
        pl.lit(None if column.nullable else blank.get(dtype, 0), dtype=dtype).alias(column.name)
        for column, dtype in zip(contract.columns, contract.polars_schema().values(), strict=True)
        if column.name not in frame.columns
    ]
    return contract.conform(frame.with_columns(missing))


def store(path: Path, contract: tables.TableContract, frame: pl.DataFrame) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_frames([padded(contract, frame)], contract, {}, path)


def performance() -> pl.DataFrame:
    """One row per gene and kind, counted from the drawing."""
    columns = ["gene_id", "kind", "strand", "n_sites", "tp", "fp", "fn", "precision", "recall", "f1"]
    rows = [
        ("A", "acceptor", "+", 1, 0, 0, 1, None, 0.0, 0.0),
        ("A", "donor", "+", 1, 1, 1, 0, 0.5, 1.0, 2 / 3),
        ("C", "acceptor", "-", 1, 1, 0, 0, 1.0, 1.0, 1.0),
        ("C", "donor", "-", 1, 1, 0, 0, 1.0, 1.0, 1.0),
    ]
    frame = pl.DataFrame(rows, schema=columns, orient="row", infer_schema_length=None)
    return frame.with_columns(chrom=pl.lit("1"), length=pl.lit(30), tn=pl.lit(28))


def selection() -> pl.DataFrame:
    rows = [("A", 1, True, "policy all", "+", 101, 130, 30, "1|A", "train", 2),
            ("D", None, False, "without a splice site", "+", 301, 305, 5, "1|D", "train", 0)]  # fmt: skip
    columns = ["gene_id", "rank", "is_selected", "reason", "strand", "start", "end", "length", "unit", "split", "fold"]
    return pl.DataFrame(rows, schema=columns, orient="row").with_columns(chrom=pl.lit("1"))


def write_project(folder: Path) -> Path:
    """builder.yaml and the tables that `builder inspect` reads; returns the settings file."""
    data = folder / "data"
    gene_columns = ["gene_id", "strand", "start", "end"]
    calls = pl.DataFrame(
        CALLS, schema=["gene_id", "position", "kind", "strand", "offset", "outcome", "score"], orient="row"
    )
    exons = pl.DataFrame(
        EXONS, schema=["gene_id", "transcript_id", "exon_rank", "strand", "start", "end"], orient="row"
    ).with_columns(chrom=pl.lit("1"))
    store(data / "g/genes/1.parquet", tables.GENES, GENES.sort(*gene_columns[:1]))
    store(data / "g/splice_sites/1.parquet", tables.SPLICE_SITES, SITES)
    store(data / "g/exons/1.parquet", tables.EXONS, exons)
    store(data / "m/splice_scores/1.parquet", tables.SPLICE_SCORES, SCORES)
    store(data / "m/splice_calls/1.parquet", tables.SPLICE_CALLS, calls.with_columns(chrom=pl.lit("1")))
    store(data / "m/gene_performance/1.parquet", tables.GENE_PERFORMANCE, performance())
    store(data / "d/gene_selection.parquet", tables.GENE_SELECTION, selection())
    settings = {
        "genomes": {"g": {"assembly": "GRCh37", "fasta": "f", "annotation": "a", "chromosomes": [1]}},
        "base_models": {"m": {"genome": "g", "family": "spliceai"}},
        "datasets": {"d": {"base_model": "m", "genes": {"policy": "all"}, "kmers": []}},
    }
    path = folder / "builder.yaml"
    path.write_text(yaml.safe_dump(settings), encoding="utf-8")
    return path
