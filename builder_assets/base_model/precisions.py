"""The precisions that scores can be computed in, and what was measured of each: said wherever scores are reported.

The numbers are those of benchmarks/results/precision.json; a test holds them against it.
"""

PRECISIONS = {
    "float32": "as the published models compute, within 1e-5 in p and 1e-4 in ln p",
    "bfloat16": (
        "convolutions read 8 significant bits; against float32 on 6,565,962 bases of real genes at most "
        "1.0e-02 in p and 1.4e-01 in ln p, 2 of 2,811 calls changed, pooled top-k by at most 0.0000: "
        "benchmarks/results/precision.json, docs/scoring.md"
    ),
}
