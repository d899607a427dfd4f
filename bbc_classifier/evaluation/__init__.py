"""Figures, intervals and pictures from a saved classifier's predictions."""
