"""Known truths of a real stretch of the genome: chr22:20-21M of GRCh37 with SpliceAI's own gene table.

The numbers were counted outside this project with the published models: 17 genes of two or more
exons, 135 introns, 126 of 135 donors and 126 of 135 acceptors called at 0.5, exactly on the site.
"""

import importlib.util
from pathlib import Path

import polars as pl

from builder_assets import demo
from builder_assets.base_model.architectures import architecture_of
from builder_assets.base_model.chromosome_scores import score_chromosome
from builder_assets.base_model.evaluation import check_alignment, evaluate, shift_histogram
from builder_assets.base_model.scoring import Scorer
from builder_assets.base_model.weights import load_ensemble
from builder_assets.genome.annotation_records import records_from_annotation
from builder_assets.genome.chromosome_tables import chromosome_tables
from builder_assets.genome.contigs import chromosome_sequence, contig_of
from builder_assets.settings import EvaluationSettings, IntronSettings, NetworkSettings
from builder_assets.tables import GENES_TO_SCORE
from resources.accelerator import configure_jax
from resources.annotation_file import read_annotation
from resources.reference_genome import ReferenceGenome
from resources.score_memo import ScoreMemo
from tests.projects import needs_weights


@needs_weights
def test_spliceai_on_its_own_genes__calls_126_donors_and_126_acceptors(tmp_path):
    package = importlib.util.find_spec("spliceai")
    assert package is not None
    assert package.submodule_search_locations
    table = Path(package.submodule_search_locations[0]) / "annotations" / "grch37.txt"
    reference = ReferenceGenome(demo.FASTA, tmp_path)
    sequence = chromosome_sequence(reference, contig_of(reference, "22", "GRCh37", ()), "GRCh37")
    records = records_from_annotation(read_annotation(table), "GRCh37").filter(pl.col("chrom") == "22")
    built = chromosome_tables(records, sequence, IntronSettings(partial_sequence=True))
    genes = built.genes.filter(pl.col("n_splice_sites") > 0)
    assert genes.height == 17
    assert built.introns.height == 135

    device = configure_jax(None)
    ensemble = load_ensemble(architecture_of("spliceai", 10_000))
    network = NetworkSettings(family="spliceai")
    memo = ScoreMemo(tmp_path / "model" / "splice_scores" / "22.parquet", tmp_path)
    scored = score_chromosome(
        GENES_TO_SCORE.conform(genes), sequence, Scorer(ensemble), ensemble.sha256, network, memo, device
    ).table
    assert scored["donor_scores"].list.len().to_list() == genes.sort("gene_id")["length"].to_list()

    rule = EvaluationSettings()
    calls = evaluate(scored, built.splice_sites, built.genes, sequence, rule, ()).calls
    found = dict(calls.filter(pl.col("outcome") == "TP").group_by("kind").len().iter_rows())
    assert found == {"donor": 126, "acceptor": 126}

    shifts = shift_histogram(scored, built.splice_sites, built.genes, rule)
    check_alignment(shifts)
    by_shift = shifts.group_by("strand", "kind", "shift").agg(pl.col("n").sum()).filter(pl.col("n") > 0)
    modes = by_shift.sort("n", descending=True).group_by("strand", "kind").agg(pl.col("shift").first())
    assert modes["shift"].to_list() == [0, 0, 0, 0]
