"""What is in a data set before anything is trained on it: its rows, its lengths, its duplicates and its leaks."""
