"""Processes that end while others wait for them, and commands that are no work for several."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

SCRIPT = str(Path(__file__).with_name("two_endings.py"))


def test_a_process_that_is_refused_before_they_meet_ends_all(run_ranks, tmp_path):
    begun = time.monotonic()
    ended = run_ranks(SCRIPT, "refused before they meet", "search", "--out", str(tmp_path / "run"))
    assert time.monotonic() - begun < 60
    assert [code for code, _, _ in ended] == [2, 2], ended
    assert "Process 1 on" in ended[0][2]
    assert "layers" in ended[0][2]
    assert len(ended[0][2].splitlines()) == 1
    assert not (tmp_path / "run").exists()


def test_a_process_that_waits_for_its_gpu_in_vain_ends_with_the_reason(run_ranks):
    ended = run_ranks(SCRIPT, "failed while the other waits for its GPU")
    assert [code for code, _, _ in ended] == [1, 1], ended
    assert ended[0][1].startswith("Last words: Process 1 on")
    assert "Out of memory." in ended[0][1]


@pytest.mark.parametrize(
    "arguments",
    [("study", "study.json"), ("bench", "--json"), ("search", "--forecast")],
    ids=" ".join,
)
def test_the_work_of_one_process_is_refused_once(run_ranks, arguments):
    first, other = run_ranks("-m", "engine.cli", *arguments)
    assert first[0] == other[0] == 2
    assert other[1:] == ("", "")
    assert len(first[2].splitlines()) == 1
    assert "is the work of one process, and torchrun started 2" in first[2]
    if "--json" in arguments:
        assert json.loads(first[1])["error"]["where"] == "nascope bench"
    else:
        assert first[1] == ""
