"""``explain`` and ``compare`` of two-stage runs: answers in the run's numbers, fronts where cells would stand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.cli.compare_subnets import Front, best_within, budgets
from engine.config import resolve
from engine.runs import RunFolder
from engine.runs.subnet_log import SubnetRow, append_subnet
from engine.subnets import space_named
from engine.subnets.architecture import biggest, smallest

LAPTOP = space_named("laptop")


def add(folder, architecture, macs, accuracy, setting="s"):
    append_subnet(folder.path, SubnetRow(architecture.as_json(), macs, 10, 10, accuracy, 0.5, "evolution", setting, {}, 1.0))  # fmt: skip


@pytest.fixture
def make(tmp_path):
    def call(name, method="bignas", **values):
        folder = RunFolder.create(tmp_path / name, resolve("two-stage", method=method, data="digits", values=values))
        folder.write_status(
            replace(folder.status(), state="finished", epoch=2, epochs=2, metrics={"validation_accuracy_percent": 90.0})
        )
        return folder

    return call


def test_compare_sets_the_best_network_within_each_budget_side_by_side(nascope, make):
    first, second = make("first"), make("second", method="attentive-nas")
    add(first, smallest(LAPTOP), 200_000, 71.0)
    add(first, biggest(LAPTOP), 3_000_000, 95.0)
    add(second, biggest(LAPTOP), 3_000_000, 93.0)

    out = nascope("compare", first.path, second.path).out

    lines = {line.split("multiply-adds")[0].strip(): line.split("multiply-adds")[1].split() for line in out.splitlines() if "multiply-adds" in line}  # fmt: skip
    assert lines == {"200.0 K": ["71.00", "%", "–"], "3.00 M": ["95.00", "%", "93.00", "%"]}
    assert "cells" not in out


def test_compare_gives_fronts_as_json_and_none_for_searches(nascope, make, make_run):
    first, search = make("first"), make_run("search")
    add(first, biggest(LAPTOP), 3_000_000, 95.0, setting="old")
    add(first, smallest(LAPTOP), 200_000, 71.0)

    found = nascope("compare", first.path, search.path, "--json").json

    assert [(row["run"], row["measured"], [net["macs"] for net in row["front"]]) for row in found["fronts"]] == [
        (str(first.path), 1, [200_000])
    ]
    assert found["genotypes"][0]["same_cells"] is None


def test_compare_says_how_to_get_a_front(nascope, make, make_run):
    out = nascope("compare", make("first").path, make("second").path).out

    assert "nascope select" in out
    assert "no cells" not in out


def test_budgets_are_few_and_reach_from_the_least_to_the_most(make):
    folder = make("first")
    for number in range(11):
        architecture = replace(smallest(LAPTOP), width=(8, 8, 16, 24, 96), resolution=20) if number == 0 else None
        if architecture is None:
            values = [coordinate.choices[number % len(coordinate.choices)] for coordinate in LAPTOP.coordinates()]
            values[0] = LAPTOP.resolution[number // 3]
            architecture = smallest(LAPTOP).from_values(LAPTOP, values)
        add(folder, architecture, 1000 * (number + 1), 50.0 + number)
    front = Front.of(folder)

    found = budgets([front])

    assert found == [1000, 3000, 5000, 7000, 9000, 11000]
    assert [front.within(macs) for macs in (999, 1000, 4999, 10**9)] == [None, 50.0, 53.0, 60.0]


def test_nothing_measured_makes_no_table(make):
    assert best_within([Front.of(make("first"))]) == {}


def test_explain_answers_four_questions_and_gives_the_front_best_first(nascope, make):
    folder = make("first")
    before = nascope("explain", folder.path)
    add(folder, smallest(LAPTOP), 200_000, 71.0)
    add(folder, biggest(LAPTOP), 3_000_000, 95.0)

    found = nascope("explain", folder.path, "--json").json

    assert before.code == 0
    assert "nascope select" in before.err
    assert [row["accuracy_percent"] for row in found["front"]] == [95.0, 71.0]
    assert len(found["understand"]) == 4
    assert all(
        row["question"].endswith("?") and "248,832" in found["understand"][0]["text"] for row in found["understand"]
    )
    assert found["diagnoses"] == []
    assert "nascope select" not in nascope("explain", folder.path).err


@pytest.mark.parametrize(("out", "says"), [("gone/best.json", "has no folder"), (".", "is a folder")])
def test_select_refuses_a_place_for_the_record_before_any_work(nascope, make, tmp_path, out, says):
    answer = nascope("select", make("first").path, "-o", tmp_path / out)

    assert answer.code == 2
    assert says in answer.err
    assert "sub-networks, the supernet" not in answer.err  # Nothing was opened, let alone measured.
