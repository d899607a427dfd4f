"""Files of any size, a block of rows at a time; a row that cannot be read costs that row alone."""
