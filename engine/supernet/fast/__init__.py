"""The supernet made fast: the same mathematics with shared work."""
