"""The form of a new run, made from the declarations of ``engine.config``."""
