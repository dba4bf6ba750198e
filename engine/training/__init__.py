"""The loop, checkpoints and devices: what is the same for every kind of run."""
