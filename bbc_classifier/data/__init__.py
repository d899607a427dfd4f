"""Articles: read from a source, freed of duplicates, split by group, encoded for a tokenizer."""
