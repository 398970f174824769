"""One gene more in a dataset of 200, on real genes: what is built again, and what stays to the byte."""

import polars as pl
import pytest

from builder_assets.manifest import Cell
from tests.projects import built, built_cells, reopened, write_settings

pytestmark = pytest.mark.scale
N_GENES = 200


def test_build__one_gene_more_leaves_200_as_they_are(shared, tmp_path) -> None:
    data = shared / "data"
    settings = {
        "genomes": {
            "grch37": {
                "assembly": "GRCh37",
                "fasta": str(data / "grch37/dev.fa.gz"),
                "annotation": str(data / "grch37/gencode_v30lift37.gtf.gz"),
                "chromosomes": [20, 22, "Y"],
                "regions": ["20:1-7391880", "22:20000001-21000000", "Y:1-59034049"],
                "partial_sequence": True,
            }
        },
        # The smallest published network: this test is about what is built again, not about scores.
        "base_models": {
            "model": {
                "genome": "grch37", "family": "openspliceai", "context": 80, "other_assembly": True,
                "weights": str(data / "openspliceai-mane/80nt"),
            }
        },
        "datasets": {
            "examples": {"base_model": "model", "genes": {"policy": "custom", "include_file": "genes.txt"}}
        },
    }  # fmt: skip
    folder = tmp_path / "project"
    write_settings(folder, {"genomes": settings["genomes"]})
    assert not [failure for layer in built(reopened(folder)) for failure in layer.failures]
    write_settings(folder, settings)
    genes = pl.read_parquet(folder / "data/grch37/genes").filter(pl.col("n_splice_sites") > 0).sort("length", "gene_id")
    *first, last = genes.filter(pl.col("n_fraction") == 0).head(N_GENES + 1).select("gene_id", "chrom").rows()
    (folder / "genes.txt").write_text("\n".join(gene_id for gene_id, _ in first))
    project = reopened(folder)
    assert not [failure for layer in built(project) for failure in layer.failures]
    paths = {c: project.manifest.path_of(Cell("examples/training_examples", c)) for c in ("20", "22", "Y")}
    before = {chrom: path.read_bytes() for chrom, path in paths.items()}
    rows = pl.read_parquet(paths[last[1]])

    (folder / "genes.txt").write_text("\n".join(gene_id for gene_id, _ in [*first, last]))
    again = built_cells(built(reopened(folder)))
    # The slices of the plan and of the selection are asked again on every chromosome, and come out equal.
    assert {"model/genes_to_score[20]", "examples/selected_genes[20]"} <= again
    made = [name for name in again if "[" in name and not name.startswith(("model/genes_to", "examples/selected"))]
    assert {name.partition("[")[2].rstrip("]") for name in made} == {last[1]}
    assert not any(name.startswith("grch37/") for name in again)
    for chrom, path in paths.items():
        assert (path.read_bytes() == before[chrom]) == (chrom != last[1])
    after = pl.read_parquet(paths[last[1]])
    assert after.filter(pl.col("gene_id") != last[0]).equals(rows)
    assert after.height > rows.height
