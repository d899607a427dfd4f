"""Comparison of encoders and poolings: a grid of runs, exact paired tests and a report."""
