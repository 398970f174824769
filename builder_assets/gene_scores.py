"""Scores for people: one gene in a notebook, all genes in a genome browser.

from builder_assets.gene_scores import scores_of
scores_of("DGCR8", "spliceai_grch37")
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import polars as pl

from builder_assets.base_model.genome_tracks import SD_TRACKS, STRAND_NAMES, bed_of_calls, gene_frame, track_of
from builder_assets.coordinates import ASSEMBLY_LENGTHS
from builder_assets.selection import KEY, match_entries
from builder_assets.settings import Settings, load_settings
from builder_assets.tables import GENES
from resources.table_files import require_schema_version, scan
from resources.track_files import write_bed, write_bigwig

KINDS = ("donor", "acceptor")


class UnknownGeneError(ValueError):
    """No such base model, or no scores of that gene; the text says what there is."""


def scores_of(gene: str, base_model: str | None = None, config: str | Path | None = None) -> pl.DataFrame:
    """Scores of every base of one gene, in transcription order; no other gene's scores are read.

    Args:
        gene: As in a gene list: id with or without version, symbol or alias; `chrom|name` for one place.
        base_model: Name in builder.yaml; may be left out where there is only one.
        config: The settings file; found as the command line finds it.

    Returns:
        offset, position (1-based), donor, acceptor, neither; with `ensemble_sd` on the base model, donor_sd and
        acceptor_sd.

    Raises:
        UnknownGeneError: no such base model, or the gene has no scores, or several genes are called so.
        SchemaVersionError: the tables are of another version of this code.
    """
    settings = load_settings(config)
    name = _model_name(settings, base_model)
    genome = settings.data_path / settings.base_models[name].genome
    parts = _parts(genome / "genes")
    for path in parts:
        require_schema_version(path, GENES.schema_version)
    genes = pl.concat([scan(path) for path in parts])
    found = match_entries(genes.select(*KEY, "gene_name", "gene_aliases").collect(), [gene]).select(KEY)
    if found.height != 1:
        shown = ", ".join(f"{chrom}:{gene_id}" for chrom, gene_id in found.head(5).iter_rows())
        raise UnknownGeneError(f"{found.height} genes of {genome.name} are called {gene!r}{shown and ': '}{shown}.")
    chrom, gene_id = found.row(0)
    path = settings.data_path / name / "splice_scores" / f"{chrom}.parquet"
    rows = scan(path).filter(pl.col("gene_id") == gene_id).collect() if path.is_file() else pl.DataFrame()
    if not rows.height:
        raise UnknownGeneError(
            f"{name} has no scores of {gene!r} ({gene_id}): no dataset needs it, or it is not built."
        )
    return gene_frame(rows.row(0, named=True))


def export_tracks(
    base_model: str | None, folder: Path, minimum: float = 0.001, config: str | Path | None = None
) -> list[Path]:
    """Write donor and acceptor scores as bigWig, one file per kind and strand, and calls as BED; returns the files.

    Where the base model stores the SD over its members, there is a file per kind and strand of that, too.

    Args:
        base_model: Name in builder.yaml; may be None where there is only one.
        folder: Where to write.
        minimum: Lower scores are left out of the bigWig files; 0 keeps every scored base.
        config: The settings file.

    Raises:
        UnknownGeneError: no such base model, or nothing of it is built.
    """
    settings = load_settings(config)
    name = _model_name(settings, base_model)
    parts = _parts(settings.data_path / name / "splice_scores")
    if not parts:
        raise UnknownGeneError(f"{name} has no scores yet. `builder build` makes them.")
    assembly = settings.genomes[settings.base_models[name].genome].assembly
    lengths = {path.stem: _length(path, assembly) for path in parts}
    columns = {kind: f"{kind}_scores" for kind in KINDS}
    if settings.base_models[name].ensemble_sd:
        columns |= {track: track for track in SD_TRACKS}
    files = []
    for track, column in columns.items():
        for strand, word in STRAND_NAMES.items():
            files.append(folder / f"{name}.{track}.{word}.bw")
            write_bigwig(files[-1], lengths, _tracks(parts, column, strand, minimum))
    calls = [scan(path).collect() for path in _parts(settings.data_path / name / "splice_calls")]
    if calls:
        files.append(folder / f"{name}.calls.bed")
        write_bed(files[-1], bed_of_calls(pl.concat(calls)))
    return files


def _tracks(parts: list[Path], column: str, strand: str, minimum: float) -> Iterator[tuple[str, pl.DataFrame]]:
    track = partial(track_of, column=column, strand=strand, minimum=minimum)
    for path in parts:
        yield path.stem, track(scan(path).select("strand", "start", "end", column).collect())


def _parts(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.parquet"))


def _length(path: Path, assembly: str) -> int:
    """Bases of a chromosome; where the assembly is not known, up to its last scored one."""
    known = ASSEMBLY_LENGTHS.get(assembly, {}).get(path.stem)
    return known or int(scan(path).select(pl.col("end").max()).collect().item() or 1)


def _model_name(settings: Settings, base_model: str | None) -> str:
    names = list(settings.base_models)
    name = names[0] if base_model is None and len(names) == 1 else base_model
    if name not in settings.base_models:
        raise UnknownGeneError(f"base model {base_model!r}: name one of {', '.join(names) or '(none defined)'}.")
    return str(name)
