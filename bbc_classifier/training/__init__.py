"""Training: the options become a run directory with a calibrated, evaluated classifier."""
