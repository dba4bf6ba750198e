"""The self-contained page of a run. No torch."""

from engine.report.page import write_report

__all__ = ["write_report"]
