"""Opening a finished classifier and running it over texts."""
