"""Options in, finished run out."""
