"""The longest human gene, on a CPU, from bases to stored scores: how much memory it takes."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.projects import needs_weights

LONGEST = 2_473_620  # bases of RBFOX1, GENCODE
PROGRAM = """
import sys
from pathlib import Path
import numpy as np
import polars as pl
from builder_assets.base_model.architectures import architecture_of
from builder_assets.base_model.chromosome_scores import score_chromosome
from builder_assets.base_model.scoring import Scorer
from builder_assets.base_model.weights import load_ensemble
from builder_assets.sequence import ChromosomeSequence
from builder_assets.settings import NetworkSettings
from builder_assets.tables import GENES_TO_SCORE, splice_scores_contract
from resources.accelerator import configure_jax, peak_memory_mb
from resources.score_memo import ScoreMemo
from resources.table_files import write_frames

folder, length = Path(sys.argv[1]), int(sys.argv[2])
codes = np.random.default_rng(1).integers(0, 4, length).astype(np.uint8)
gene = {"chrom": ["16"], "gene_id": ["longest"], "strand": ["-"], "start": [1], "end": [length], "length": [length]}
device = configure_jax(None)
ensemble = load_ensemble(architecture_of("spliceai", 10_000))
tracks = ["donor_scores", "acceptor_scores", "donor_sd", "acceptor_sd"]
path = folder / "model" / "splice_scores" / "16.parquet"
path.parent.mkdir(parents=True)
scoring = score_chromosome(
    GENES_TO_SCORE.conform(pl.DataFrame(gene)), ChromosomeSequence("16", 1, codes, ((1, length),)),
    Scorer(ensemble, ensemble_sd=True), ensemble.sha256, NetworkSettings(family="spliceai"),
    ScoreMemo(path, folder, tracks), device, ensemble_sd=True,
)
write_frames([scoring.table], splice_scores_contract(ensemble_sd=True), {}, path)
assert scoring.table["donor_scores"].list.len().item() == length
print(peak_memory_mb(), scoring.text)
"""


@pytest.mark.scale
@needs_weights
def test_longest_human_gene__is_scored_within_4_gb(tmp_path):
    command = [sys.executable, "-c", PROGRAM, str(tmp_path), str(LONGEST)]
    root = Path(__file__).parents[2]
    found = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    megabytes, text = found.stdout.split(" ", 1)
    print(found.stdout)
    assert text.startswith("1 genes scored")
    assert int(megabytes) < 4_000
