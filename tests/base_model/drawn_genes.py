"""Small genes drawn by hand: tables of genes, sites and scores in which every number can be counted on a finger."""

from collections.abc import Mapping

import numpy as np
import polars as pl

from builder_assets import tables
from builder_assets.sequence import ChromosomeSequence, codes_of
from tests.test_selection import genes_table

Scores = Mapping[int, float]


def gene(gene_id: str, start: int, end: int, strand: str = "+", **more: object) -> dict:
    return {"gene_id": gene_id, "start": start, "end": end, "length": end - start + 1, "strand": strand} | more


def drawn_genes(*rows: dict) -> pl.DataFrame:
    return genes_table(*rows)


def drawn_scores(
    genes: pl.DataFrame, donor: dict[str, Scores], acceptor: dict[str, Scores] | None = None
) -> pl.DataFrame:
    """tables.SPLICE_SCORES of the genes named in `donor`: gene_id -> position -> score, 0.001 elsewhere."""
    rows = []
    for row in genes.filter(pl.col("gene_id").is_in(list(donor))).iter_rows(named=True):
        tracks = {}
        for kind, given in (("donor", donor), ("acceptor", acceptor or {})):
            track = np.full(row["length"], 0.001, dtype=np.float32)
            for position, score in given.get(row["gene_id"], {}).items():
                track[position - row["start"] if row["strand"] == "+" else row["end"] - position] = score
            tracks[f"{kind}_scores"] = track.tolist()
        rows.append(row | tracks | {"fingerprint": "f", "scored_by": "hand"})
    schema = tables.SPLICE_SCORES.polars_schema()
    return tables.SPLICE_SCORES.conform(pl.DataFrame([{c: r[c] for c in schema} for r in rows], schema=schema))


def site(gene_id: str, position: int, kind: str = "donor", strand: str = "+", **more: object) -> dict:
    return {"gene_id": gene_id, "position": position, "kind": kind, "strand": strand} | more


def drawn_sites(*rows: dict) -> pl.DataFrame:
    usual = {
        "chrom": "1", "intron_position": 1, "transcript_ids": ["T"], "n_transcripts": 1, "n_genes_sharing": 1,
        "any_canonical": True, "any_basic": None, "any_mane": None, "motif": "GT", "is_scorable": True,
        "window_hash": None,
    }  # fmt: skip
    schema = tables.SPLICE_SITES.polars_schema()
    return tables.SPLICE_SITES.conform(pl.DataFrame([usual | row for row in rows], schema=schema))


def drawn_sequence(length: int, unknown: tuple[int, ...] = ()) -> ChromosomeSequence:
    """`length` bases of chromosome 1, N at the 1-based positions `unknown`."""
    codes = codes_of("ACGT" * (length // 4 + 1))[:length].copy()
    codes[np.array(unknown, dtype=int) - 1] = 4
    return ChromosomeSequence(chrom="1", first_position=1, codes=codes, segments=((1, length),))
