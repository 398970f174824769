"""The precisions that scores can be computed in, and what was measured of each: said wherever scores are reported.

The numbers are those of benchmarks/results/precision.json; a test holds them against it.
"""

PRECISIONS = {
    "float32": "as the published models compute, within 1e-5 in p and 1e-4 in ln p",
    "bfloat16": "TBD",
}
