"""The self-contained page of a run. No torch; matplotlib only where a page is written."""
