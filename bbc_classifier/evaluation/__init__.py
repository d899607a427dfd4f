"""Metrics with intervals, calibration, paired tests, baselines, and the evaluation of a saved classifier."""
