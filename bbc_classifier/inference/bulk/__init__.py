"""Any number of rows, of any number of files, answered into a folder: in shards, by any number of processes."""
