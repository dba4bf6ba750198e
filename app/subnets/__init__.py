"""Sub-networks of a two-stage run: what was sampled, what was measured, what is chosen."""
