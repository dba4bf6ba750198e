"""Two processes find what one finds on the joint batch: alphas, weights, statistics, metrics."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

EQUAL = 1e-10


@pytest.fixture(scope="module")
def differences(run_ranks, tmp_path_factory):
    out = tmp_path_factory.mktemp("ranks") / "differences.json"
    ends = run_ranks(str(Path(__file__).with_name("two_ranks.py")), str(out))
    assert [code for code, _, _ in ends] == [0, 0], ends
    return json.loads(out.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "begin",
    [
        "exchanges",
        "batch norm",
        "synchronize",
        "evaluate",
        "gap",
        "darts, batch norm in eval mode",
        "darts, synchronized",
        "darts, second order, batch norm in eval mode",
        "darts, second order, synchronized",
        "darts, exact second order, batch norm in eval mode",
        "pc-darts, batch norm in eval mode",
        "pc-darts, synchronized",
        "pc-darts, second order, batch norm in eval mode",
        "pc-darts, second order, synchronized",
        "pc-darts, recomputing",
        "beta-darts",
        "darts, textbook",
        "two-stage",
    ],
)
def test_two_ranks_are_one_process_on_the_joint_batch(differences, begin):
    mine = {name: value for name, value in differences.items() if name.startswith(begin)}
    assert mine
    assert all(value < EQUAL for value in mine.values()), mine


def test_float32_far_from_zero_is_as_exact_as_its_input(differences):
    # float32 holds 300 + x to 3e-5; sums of x and x² in float32 would be off by more than 1e-2.
    assert differences["float32 far from zero"] < 2e-4
