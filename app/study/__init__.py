"""A study in the window: its table, its curves, start and stop."""
