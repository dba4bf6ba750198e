"""Explanations from plain arrays: margins, changes, other rules, diagnoses. numpy only."""

from engine.explain.changes import (
    EpochAlphas,
    alphas_of,
    cell_change_epochs,
    edge_changes,
    explain_records,
    mean_weight_by_epoch,
)
from engine.explain.choices import EdgeChange, EdgeExplanation, NodeExplanation, OtherRule, explain_cell, other_rules
from engine.explain.collapse import diagnose, diagnose_epoch
from engine.explain.diagnosis import Diagnosis, Severity
from engine.explain.measures import Entropy, mean_entropy, skip_count, skip_share, weightless_share
from engine.explain.sentences import why_this_edge

__all__ = [
    "Diagnosis",
    "EdgeChange",
    "EdgeExplanation",
    "Entropy",
    "EpochAlphas",
    "NodeExplanation",
    "OtherRule",
    "Severity",
    "alphas_of",
    "cell_change_epochs",
    "diagnose",
    "diagnose_epoch",
    "edge_changes",
    "explain_cell",
    "explain_records",
    "mean_entropy",
    "mean_weight_by_epoch",
    "other_rules",
    "skip_count",
    "skip_share",
    "weightless_share",
    "why_this_edge",
]
