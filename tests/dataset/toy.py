"""A chromosome small enough to draw, as the tables that examples are made of."""

from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl

from builder_assets import tables
from builder_assets.dataset.examples import ChromosomeExamples, chromosome_examples
from builder_assets.dataset.features.annotation import AnnotationTables
from builder_assets.sequence import ChromosomeSequence, codes_of, reverse_complement
from builder_assets.settings import EvaluationSettings, ExampleSettings, FeatureSettings, NegativeSettings


@dataclass(frozen=True)
class ToyGene:
    """A gene by hand: its span, and its sites and scores by offset."""

    gene_id: str
    strand: str
    start: int
    end: int
    sites: tuple[tuple[int, str], ...] = ()  # (offset, kind)
    donor: dict[int, float] = field(default_factory=dict)
    acceptor: dict[int, float] = field(default_factory=dict)
    background: float = 0.0
    split: str = "train"
    canonical: frozenset[int] = frozenset()  # offsets of canonical sites

    @property
    def length(self) -> int:
        return self.end - self.start + 1

    def position(self, offset: int) -> int:
        return self.start + offset if self.strand == "+" else self.end - offset


@dataclass(frozen=True)
class ToyChromosome:
    letters: str
    genes: tuple[ToyGene, ...]
    chrom: str = "7"

    @property
    def sequence(self) -> ChromosomeSequence:
        return ChromosomeSequence(self.chrom, 1, codes_of(self.letters), ((1, len(self.letters)),))

    def table(self, contract, rows: list[dict]) -> pl.DataFrame:
        schema = contract.polars_schema()
        nulls = dict.fromkeys(schema)
        frame = contract.conform(pl.DataFrame([nulls | row for row in rows], schema=schema))
        contract.check(frame)
        return frame

    def spans(self, gene: ToyGene) -> dict:
        span = {"chrom": self.chrom, "gene_id": gene.gene_id, "strand": gene.strand}
        return span | {"start": gene.start, "end": gene.end, "length": gene.length}

    @property
    def selected(self) -> pl.DataFrame:
        rows = [
            self.spans(gene)
            | {"rank": rank, "is_selected": True, "reason": "toy", "gene_name": gene.gene_id.lower(), "fold": 0}
            | {"gene_type": "protein_coding", "unit": f"{self.chrom}|{gene.gene_id}", "split": gene.split}
            | {"base_model_seen": False}
            for rank, gene in enumerate(self.genes, start=1)
        ]
        return self.table(tables.SELECTED_GENES, rows)

    @property
    def gene_table(self) -> pl.DataFrame:
        rows = [
            self.spans(gene)
            | {"gene_type": "protein_coding", "n_fraction": 0.0, "n_transcripts": 1, "n_exons": 2}
            | {"n_donors": 1, "n_acceptors": 1, "n_splice_sites": len(gene.sites)}
            | {"canonical_transcript_id": f"T-{gene.gene_id}"}
            for gene in self.genes
        ]
        return self.table(tables.GENES, rows)

    @property
    def scores(self) -> pl.DataFrame:
        rows = [
            self.spans(gene)
            | {"fingerprint": "f", "scored_by": "hand"}
            | {"donor_scores": self.track(gene, gene.donor), "acceptor_scores": self.track(gene, gene.acceptor)}
            for gene in self.genes
        ]
        return self.table(tables.SPLICE_SCORES, rows)

    @property
    def scores_with_sd(self) -> pl.DataFrame:
        """SD of P(donor) half the donor score, of P(acceptor) a quarter of the acceptor score."""
        halves, quarters = (pl.element() / divisor for divisor in (2, 4))
        spread = {"donor_sd": ("donor_scores", halves), "acceptor_sd": ("acceptor_scores", quarters)}
        return self.scores.with_columns(**{n: pl.col(c).list.eval(part) for n, (c, part) in spread.items()})

    def track(self, gene: ToyGene, values: dict[int, float]) -> list[float]:
        track = np.full(gene.length, gene.background, dtype=np.float32)
        track[list(values)] = list(values.values())
        return track.tolist()

    @property
    def sites(self) -> pl.DataFrame:
        known = np.pad(self.sequence.codes != 4, 2, constant_values=False)
        rows = []
        for gene in self.genes:
            for offset, kind in gene.sites:
                position = gene.position(offset)
                rows.append(
                    {"chrom": self.chrom, "gene_id": gene.gene_id, "position": position, "kind": kind}
                    | {"strand": gene.strand, "intron_position": position, "transcript_ids": [f"T-{gene.gene_id}"]}
                    | {"n_transcripts": 1, "n_genes_sharing": 1, "any_canonical": offset in gene.canonical}
                    | {"motif": "GT", "is_scorable": bool(known[position - 1 : position + 4].all())}
                )
        return self.table(tables.SPLICE_SITES, rows)

    def build(
        self,
        negatives: NegativeSettings | None = None,
        *,
        kmers: tuple[int, ...] = (1,),
        flank: int = 30,
        labels: str = "all",
        annotation: AnnotationTables | None = None,
        masked: pl.DataFrame | None = None,
        **features_: object,
    ) -> ChromosomeExamples:
        features = FeatureSettings(
            **{"kmers": kmers, "flank": flank, "annotation_features": annotation is not None} | features_
        )
        settings = ExampleSettings(features=features, negatives=negatives or NegativeSettings())
        evaluation = EvaluationSettings(labels=labels)
        scores = self.scores_with_sd if features.ensemble_sd else self.scores
        inputs = (self.selected, scores, self.sites, self.gene_table, self.sequence)
        return chromosome_examples(*inputs, settings, evaluation, annotation, masked)

    def mirrored(self) -> "ToyChromosome":
        """The same chromosome read from its other end: strands and positions swap, offsets stay."""
        length = len(self.letters)
        letters = "".join("ACGTN"[code] for code in reverse_complement(codes_of(self.letters)))
        genes = [
            replace(
                gene,
                strand="-" if gene.strand == "+" else "+",
                start=length + 1 - gene.end,
                end=length + 1 - gene.start,
            )
            for gene in self.genes
        ]
        return replace(self, letters=letters, genes=tuple(genes))


def random_letters(length: int, seed: int) -> str:
    return "".join(np.random.Generator(np.random.PCG64(seed)).choice(list("ACGT"), length))


def random_gene(gene_id: str, strand: str, start: int, end: int, seed: int) -> ToyGene:
    """A gene with scores over all tiers and four sites, well apart."""
    generator = np.random.Generator(np.random.PCG64(seed))
    length = end - start + 1
    log_scores = 10 ** generator.uniform(-5, -0.4, size=(2, length))
    spots = np.sort(generator.choice(np.arange(10, length - 10, 7), size=4, replace=False))
    kinds = ("donor", "acceptor", "donor", "acceptor")
    return ToyGene(
        gene_id=gene_id,
        strand=strand,
        start=start,
        end=end,
        sites=tuple((int(spot), kind) for spot, kind in zip(spots, kinds, strict=True)),
        donor=dict(enumerate(log_scores[0].tolist())),
        acceptor=dict(enumerate(log_scores[1].tolist())),
        canonical=frozenset(int(spot) for spot in spots[:2]),
    )
