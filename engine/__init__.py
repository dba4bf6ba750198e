"""nascope's engine: knows genotypes, configurations and runs; searches, retrains and tests. No Qt in here."""

__version__ = "0.1.0"
