"""The architect, regularizers and the search trainer."""
