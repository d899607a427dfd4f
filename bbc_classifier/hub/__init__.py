"""Publishing a finished run: its card, its files, and the Hub. The only room that writes to the network."""
