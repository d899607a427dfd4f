"""Configurations compared: a grid of runs, statistics one can trust, and a page that shows them."""
