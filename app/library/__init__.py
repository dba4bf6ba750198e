"""The library: every run below the data folder, in groups, with what is queued and the named cells."""
