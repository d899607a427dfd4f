"""Files of rows, in and out: every format to and from an Arrow table, and what is wrong with a file in a sentence."""
