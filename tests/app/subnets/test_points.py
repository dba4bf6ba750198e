"""Points, fronts and what a budget buys, against brute force."""

from __future__ import annotations

import random

import pytest
from subnet_runs import SPACE, append, drawn, epoch_events, row_of, rows_of

from app.subnets.follow import SubnetTail
from app.subnets.points import point_of_row, points_of_rows, points_of_training, space_of
from engine.runs.subnet_log import SUBNETS
from engine.subnets.architecture import biggest, smallest


def points_from(rows):
    return points_of_rows([(row.setting, point_of_row(row)) for row in rows])


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("cost", ["macs", "parameters", "memory_bytes"])
def test_the_front_is_that_of_brute_force(seed, cost):
    points = points_from(rows_of(40, seed))

    def beaten(point):
        return any(
            other is not point and other.cost(cost) <= point.cost(cost) and other.accuracy_percent >= point.accuracy_percent
            for other in points.entries
        )  # fmt: skip

    expected = sorted((point for point in points.entries if not beaten(point)), key=lambda point: point.cost(cost))
    assert points.front(cost) == expected


@pytest.mark.parametrize("seed", range(10))
def test_a_budget_buys_the_most_accurate_network_that_it_affords(seed):
    points = points_from(rows_of(40, seed))
    draw = random.Random(seed)

    drawn_budgets = [draw.uniform(150_000, 3_400_000) for _ in range(30)]
    for budget in (*drawn_budgets, *(point.macs for point in points.entries)):  # A network's own cost affords it.
        fitting = [point for point in points.entries if point.macs <= budget]
        best = max(fitting, key=lambda point: (point.accuracy_percent, -point.macs), default=None)
        assert points.best_under(budget) == best


def test_only_the_newest_setting_counts_and_the_newest_numbers_of_a_network():
    old = rows_of(10, 1, "old")
    again = row_of(drawn(7), 91.0, "random", "new", {"cpu": 2.0})
    later = row_of(drawn(7), 92.0, "evolution", "new", {"gpu": 1.0})

    points = points_from([*old, again, later])

    assert [(point.accuracy_percent, point.latency_ms) for point in points.entries] == [
        (92.0, {"cpu": 2.0, "gpu": 1.0})
    ]
    assert points.devices() == ["cpu", "gpu"]
    assert points.front("latency:cpu") == list(points.entries)
    assert points.front("latency:tpu") == []


def test_the_smallest_keeps_its_role_when_a_search_meets_it_again():
    points = points_from([row_of(smallest(SPACE), 90.0, "smallest"), row_of(smallest(SPACE), 90.0, "evolution")])

    assert points.role("smallest") is not None


def test_rows_that_are_no_networks_are_left_out():
    row = row_of(drawn(1), float("nan"))
    assert point_of_row(row) is None

    record = {**drawn(1).as_json(), "depth": [9, 9, 9]}
    assert point_of_row(type(row)(record, 1, 1, 1, 90.0, 0.1, "random", "one", {}, 0.0)) is None


def test_while_training_the_newest_epochs_networks_stand_there(make_run):
    model = make_run(epochs=2)
    model.feed(epoch_events(2, accuracy=70.0))

    points = points_of_training(model)

    assert points.epoch == 2
    assert {point.found_by: point.accuracy_percent for point in points.entries} == {
        "smallest": 72.0,
        "biggest": 72.0,
        "sampled": 72.0,
    }
    assert (
        points.role("biggest").memory_bytes > points.role("smallest").memory_bytes > 0
    )  # Events have no memory: counted here.


def test_the_space_has_the_datas_classes(make_run):
    model = make_run()

    assert space_of(model) == SPACE.with_classes(10)
    assert point_of_row(row_of(biggest(SPACE), 99.0)).macs == 3_178_752  # The facts' number for 10 classes.


def test_the_tail_reads_whole_new_lines_only(tmp_path):
    tail = SubnetTail(tmp_path)
    assert tail.read() == []

    first, second, third = rows_of(3)
    append(tmp_path, [first])
    with (tmp_path / SUBNETS).open("a") as file:
        file.write("{half a line\n" + '{"architecture": ')
    assert [row.macs for row in tail.read()] == [first.macs]
    assert tail.read() == []

    with (tmp_path / SUBNETS).open("a") as file:
        file.write("1}\n")
    append(tmp_path, [second])
    assert [row.macs for row in tail.read()] == [second.macs]

    (tmp_path / SUBNETS).unlink()
    assert (tail.read(), tail.begins_anew) == ([], True)
    append(tmp_path, [third])
    assert [row.macs for row in tail.read()] == [third.macs]


def test_a_tail_from_the_end_and_a_file_longer_than_one_bite(tmp_path):
    rows = rows_of(400)
    append(tmp_path, rows)
    late, tail = SubnetTail(tmp_path, from_end=True), SubnetTail(tmp_path)

    bites = []
    while found := tail.read():
        bites.append(found)

    assert len(bites) > 1
    assert [row.accuracy_percent for bite in bites for row in bite] == [row.accuracy_percent for row in rows]
    append(tmp_path, rows[:1])
    assert len(late.read()) == 1
