"""Live views of a run: curves, alpha heatmaps and the epoch slider."""
