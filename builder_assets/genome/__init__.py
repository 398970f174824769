"""From a FASTA and an annotation to per-chromosome tables of genes and splice sites."""
