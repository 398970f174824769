"""Measurements of speed and of precision, as ratios within one run."""
