"""Labeled texts: read from any source, cleaned of duplicates and split by group."""
