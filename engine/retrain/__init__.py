"""Retraining a genotype from scratch, and testing it."""
