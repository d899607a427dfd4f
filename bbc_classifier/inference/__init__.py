"""Loading a classifier and running it on texts, files and directories of files."""
