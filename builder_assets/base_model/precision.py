"""What each precision policy costs in accuracy, as measured: shown with the scores and in the model report."""

MEASURED = "benchmarks/NOTES.md, Precision"
POLICIES = {
    "float32": "float32: within 1e-5 of the published models, logarithms within 1e-4, checked with every build",
    "bfloat16": f"bfloat16: errors, changed calls and top-k against float32 are in {MEASURED}",
}
