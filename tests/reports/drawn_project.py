"""A project of one drawn chromosome, stored as a build would store it: every number can be counted on a finger.

+ gene A 101..140   exon 101-110 | intron 111-130 (GT-AG) | exon 131-140
                    donor 110 (score 0.9: TP), acceptor 131 (score 0.2: FN), 120 called as donor (0.7: FP)
- gene C 201..240   exon 231-240 | intron 211-230 (GC-AG) | exon 201-210      5' is 240
                    donor 231 (0.8: TP), acceptor 210 (0.6: TP); not sampled
"""

from pathlib import Path
from typing import Any

import polars as pl
import yaml

from builder_assets import tables
from resources.table_contract import TableContract
from resources.table_files import write_frames
from tests.base_model.drawn_genes import drawn_genes, drawn_scores, drawn_sites, gene, site

GENES = drawn_genes(
    gene("A", 101, 140, gene_name="Alpha", canonical_transcript_id="TA"),
    gene("C", 201, 240, "-", gene_name="Gamma", canonical_transcript_id="TC"),
    gene("D", 301, 305, gene_name="Delta"),
)
SCORES = drawn_scores(
    GENES, {"A": {110: 0.9, 120: 0.7}, "C": {231: 0.8}}, {"A": {131: 0.2}, "C": {210: 0.6}}
)  # fmt: skip
SITES = drawn_sites(
    site("A", 110), site("A", 131, "acceptor", motif="AG"),
    site("C", 231, strand="-", motif="GC"), site("C", 210, "acceptor", "-", motif="AG"),
)  # fmt: skip


def _frame(contract: TableContract, *rows: dict[str, Any], **usual: Any) -> pl.DataFrame:
    """Rows of a contract; columns that no row names are null."""
    schema = contract.polars_schema()
    return contract.conform(pl.DataFrame([dict.fromkeys(schema) | usual | row for row in rows], schema=schema))


def _exon(gene_id: str, rank: int, start: int, end: int, strand: str) -> dict[str, Any]:
    return {"gene_id": gene_id, "transcript_id": f"T{gene_id}", "exon_rank": rank, "start": start, "end": end} | {
        "strand": strand
    }


EXONS = _frame(
    tables.EXONS,
    _exon("A", 1, 101, 110, "+"), _exon("A", 2, 131, 140, "+"),
    _exon("C", 1, 231, 240, "-"), _exon("C", 2, 201, 210, "-"),
    chrom="1",
)  # fmt: skip
INTRONS = _frame(
    tables.INTRONS,
    {"gene_id": "A", "strand": "+", "start": 111, "end": 130, "donor_position": 110, "acceptor_position": 131,
     "motif": "GT-AG", "motif_class": "GT-AG"},
    {"gene_id": "C", "strand": "-", "start": 211, "end": 230, "donor_position": 231, "acceptor_position": 210,
     "motif": "GC-AG", "motif_class": "GC-AG"},
    chrom="1", length=20, is_gap=False, n_transcripts=1,
)  # fmt: skip
CALLS = _frame(
    tables.SPLICE_CALLS,
    {"gene_id": "A", "position": 110, "kind": "donor", "strand": "+", "offset": 9, "outcome": "TP", "score": 0.9},
    {"gene_id": "A", "position": 120, "kind": "donor", "strand": "+", "offset": 19, "outcome": "FP", "score": 0.7},
    {"gene_id": "A", "position": 131, "kind": "acceptor", "strand": "+", "offset": 30, "outcome": "FN", "score": 0.2},
    {"gene_id": "C", "position": 231, "kind": "donor", "strand": "-", "offset": 9, "outcome": "TP", "score": 0.8},
    {"gene_id": "C", "position": 210, "kind": "acceptor", "strand": "-", "offset": 30, "outcome": "TP", "score": 0.6},
    chrom="1", is_tandem=False,
)  # fmt: skip


def _performed(
    gene_id: str, kind: str, strand: str, tp: int, fp: int, fn: int, **rates: float | None
) -> dict[str, Any]:
    return {"gene_id": gene_id, "kind": kind, "strand": strand, "tp": tp, "fp": fp, "fn": fn, **rates}


PERFORMANCE = _frame(
    tables.GENE_PERFORMANCE,
    _performed("A", "donor", "+", 1, 1, 0, precision=0.5, recall=1.0, f1=2 / 3, average_precision=1.0),
    _performed("A", "acceptor", "+", 0, 0, 1, recall=0.0, f1=0.0, average_precision=1.0),
    _performed("C", "donor", "-", 1, 0, 0, precision=1.0, recall=1.0, f1=1.0, average_precision=1.0),
    _performed("C", "acceptor", "-", 1, 0, 0, precision=1.0, recall=1.0, f1=1.0, average_precision=1.0),
    chrom="1", gene_type="protein_coding", length=40, base_model_seen=False, n_sites=1, xp=0, tn=38,
    n_peaks=1, n_peaks_at_shift_0=1,
)  # fmt: skip


def write_drawn_project(folder: Path) -> Path:
    """Store the drawn tables below `folder` and return the path of its builder.yaml."""
    made = {
        "g/genes": (GENES, tables.GENES),
        "g/exons": (EXONS, tables.EXONS),
        "g/introns": (INTRONS, tables.INTRONS),
        "g/splice_sites": (SITES, tables.SPLICE_SITES),
        "m/splice_scores": (SCORES, tables.SPLICE_SCORES),
        "m/splice_calls": (CALLS, tables.SPLICE_CALLS),
        "m/gene_performance": (PERFORMANCE, tables.GENE_PERFORMANCE),
    }
    for name, (frame, contract) in made.items():
        path = folder / "data" / name / "1.parquet"
        path.parent.mkdir(parents=True)
        write_frames([contract.conform(frame)], contract, {}, path)
    settings = {
        "genomes": {"g": {"assembly": "GRCh37", "fasta": "f", "annotation": "a", "chromosomes": [1]}},
        "base_models": {"m": {"genome": "g", "family": "spliceai"}},
        "datasets": {"d": {"base_model": "m", "genes": {"policy": "all"}}},
    }
    config = folder / "builder.yaml"
    config.write_text(yaml.safe_dump(settings), encoding="utf-8")
    return config
