"""Runs a run: from a folder to a trainer, through the loop, to an end that the folder explains."""
