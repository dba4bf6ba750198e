"""The benchmark of the search step measures two searches that are one, and says so where they are not."""

import contextlib
import dataclasses
import io
import json
import sys

import pytest
import search_step
import torch
from torch import nn

TINY = {"batch": 2, "threads": 1, "channels": 8, "cells": 3, "image_size": 16, "rounds": 1}
CHECKED = TINY | {"batch": 4, "rounds": 2}


@pytest.fixture(autouse=True)
def usual_precision():
    yield
    torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize("method", search_step.METHODS)
def test_both_sides_take_the_same_steps(method):
    assert search_step.measure_agreement(search_step.Case(method, **CHECKED))["gap_float64"] < 1e-9


def test_other_mathematics_gets_no_ratio(monkeypatch):
    make = search_step.make_textbook

    def with_another_rate(case):
        search = make(case)
        search._weight_optimizer.param_groups[0]["lr"] *= 1.001
        return search

    monkeypatch.setattr(search_step, "make_textbook", with_another_rate)

    with pytest.raises(SystemExit, match="step 1 has other losses"):
        search_step.measure_agreement(search_step.Case("darts-1", **CHECKED))


def test_ratios_are_those_of_the_numbers_beside_them():
    found = search_step.measure_times(search_step.Case("pc-darts-1", **TINY))

    assert found["gap_float32"][0] < 1e-4
    assert found["ratio"] == pytest.approx(found["seconds"]["textbook"] / found["seconds"]["fast"], rel=0.01)
    counts = found["operations"]
    assert found["operations_ratio"] == pytest.approx(counts["textbook"] / counts["fast"], abs=1e-3)
    assert counts["textbook"] > counts["fast"] > 1000


def test_operations_are_counted_forward_and_backward_without_views():
    weight, x = torch.ones(3, 2, requires_grad=True), torch.ones(1, 2)

    assert search_step.operations(lambda: nn.functional.linear(x, weight)) == 1  # mm; the transposition is a view
    assert search_step.operations(lambda: (x @ weight.t()).relu()) == 2
    assert search_step.operations(lambda: weight.view(6)[2:].detach()) == 0


@pytest.mark.slow
def test_a_run_prints_a_row_and_adds_a_line(tmp_path, monkeypatch, capsys):
    results = tmp_path / "results.jsonl"
    options = [
        "--only",
        "darts-1",
        "--batch",
        "2",
        "--threads",
        "1",
        "--channels",
        "4",
        "--cells",
        "3",
        "--image-size",
        "16",
    ]
    in_child = search_step.ask

    def ask(case, what):
        """Memory by processes of their own; for the rest a child's work is done here, which spares two starts of torch."""
        if what in search_step.MEMORY:
            return in_child(case, what) if what != "recomputing" else {what: 1.0}
        with contextlib.redirect_stdout(io.StringIO()) as said:
            search_step.child(json.dumps({"case": dataclasses.asdict(case) | {"rounds": 1}, "what": what}))
        torch.set_default_dtype(torch.float32)
        return json.loads(said.getvalue().splitlines()[-1])

    monkeypatch.setattr(search_step, "ask", ask)
    monkeypatch.setattr(sys, "argv", ["search_step.py", *options, "--rounds", "1", "--results", str(results)])

    assert search_step.main() == 0

    (line,) = map(json.loads, results.read_text().splitlines())
    assert (line["benchmark"], line["method"], line["batch"], line["threads"]) == ("search_step", "darts-1", 2, 1)
    assert line["peak_mb"]["textbook"] > 0
    assert line["peak_mb"]["fast"] > 0
    assert line["memory_ratio"]["fast"] == pytest.approx(
        line["peak_mb"]["textbook"] / line["peak_mb"]["fast"], abs=1e-3
    )
    assert f"{line['ratio']:.2f}" in capsys.readouterr().out
