"""Two-stage methods: train one weight-sharing supernet, then choose sub-networks from it."""
