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
from builder_assets.project.gene_search import UnknownGeneError, stored_genes, the_gene
from builder_assets.project.stored import NotBuiltError, chromosomes_of, file_of, files_of, gene_rows, whole
from builder_assets.settings import Settings, load_settings
from builder_assets.tables import SPLICE_CALLS, SPLICE_SCORES
from resources.table_contract import TableContract
from resources.table_files import scan
from resources.track_files import write_bed, write_bigwig

KINDS = ("donor", "acceptor")


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
        UnknownGeneError: no such base model; or no gene is called so, or several; or no dataset needs its scores.
        NotBuiltError: a table is not there; names the chromosomes.
        SchemaVersionError: the tables are of another version of this code.
    """
    settings = load_settings(config)
    name = model_name(settings, base_model)
    _, row = the_gene(stored_genes(settings, settings.base_models[name].genome), gene)
    rows = gene_rows(settings, name, SPLICE_SCORES, row["chrom"], row["gene_id"])
    if not rows.height:
        raise UnknownGeneError(f"{name} has no scores of {gene!r} ({row['gene_id']}): no dataset needs it.")
    return gene_frame(rows.row(0, named=True))


def export_tracks(
    base_model: str | None, folder: Path, minimum: float = 0.001, config: str | Path | None = None
) -> list[Path]:
    """Write donor and acceptor scores as bigWig, one file per kind and strand, and calls as BED; returns the files.

    Where the SD over the base model's members is stored, there is a file per kind and strand of that, too. They hold
    the chromosomes that are built.

    Args:
        base_model: Name in builder.yaml; may be None where there is only one.
        folder: Where to write.
        minimum: Lower scores are left out of the bigWig files; 0 keeps every scored base.
        config: The settings file.

    Raises:
        UnknownGeneError: no such base model.
        NotBuiltError: nothing of it is built.
        SchemaVersionError: the tables are of another version of this code.
    """
    settings = load_settings(config)
    name = model_name(settings, base_model)
    parts = list(files_of(settings, name, SPLICE_SCORES, _built(settings, name, SPLICE_SCORES)).values())
    if not parts:
        raise NotBuiltError(f"{name} has no scores yet. `builder build` makes them.")
    assembly = settings.genomes[settings.base_models[name].genome].assembly
    lengths = {path.stem: _length(path, assembly) for path in parts}
    columns = {kind: f"{kind}_scores" for kind in KINDS}
    if all(set(SD_TRACKS) <= set(scan(path).collect_schema().names()) for path in parts):
        columns |= {track: track for track in SD_TRACKS}
    files = []
    for track, column in columns.items():
        for strand, word in STRAND_NAMES.items():
            files.append(folder / f"{name}.{track}.{word}.bw")
            write_bigwig(files[-1], lengths, _tracks(parts, column, strand, minimum))
    if called := _built(settings, name, SPLICE_CALLS):
        files.append(folder / f"{name}.calls.bed")
        write_bed(files[-1], bed_of_calls(whole(settings, name, SPLICE_CALLS, called)))
    return files


def _tracks(parts: list[Path], column: str, strand: str, minimum: float) -> Iterator[tuple[str, pl.DataFrame]]:
    track = partial(track_of, column=column, strand=strand, minimum=minimum)
    for path in parts:
        yield path.stem, track(scan(path).select("strand", "start", "end", column).collect())


def _built(settings: Settings, name: str, contract: TableContract) -> list[str]:
    """Chromosomes of a base model's table that have a file."""
    return [chrom for chrom in chromosomes_of(settings, name) if file_of(settings, name, contract, chrom).is_file()]


def _length(path: Path, assembly: str) -> int:
    """Bases of a chromosome; where the assembly is not known, up to its last scored one."""
    known = ASSEMBLY_LENGTHS.get(assembly, {}).get(path.stem)
    return known or int(scan(path).select(pl.col("end").max()).collect().item() or 1)


def model_name(settings: Settings, base_model: str | None) -> str:
    """The base model that is asked for; the only one where none is named.

    Raises:
        UnknownGeneError: no such base model, or there are several.
    """
    names = list(settings.base_models)
    name = names[0] if base_model is None and len(names) == 1 else base_model
    if name not in settings.base_models:
        raise UnknownGeneError(f"base model {base_model!r}: name one of {', '.join(names) or '(none defined)'}.")
    return str(name)
