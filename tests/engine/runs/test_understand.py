"""A two-stage run's own files give the numbers of its answers: rows that compare, each network once."""

from __future__ import annotations

from engine.runs import RunHistory
from engine.runs.subnet_log import SubnetRow, measured_alike
from engine.runs.understand import answers_of_run
from engine.subnets import space_named
from engine.subnets.architecture import biggest, smallest

LAPTOP = space_named("laptop")


def row(architecture, accuracy, found_by, setting="now", latency=None):
    return SubnetRow(architecture.as_json(), 198_160, 1, 1, accuracy, 0.5, found_by, setting, latency or {}, 0.0)


def texts(rows, results, seconds, tmp_path):
    history = RunHistory.read(tmp_path / "events.jsonl")
    config = {"kind": "two-stage", "space": "laptop"}
    return [answer.text for answer in answers_of_run(config, history, results, measured_alike(rows), seconds)]


def test_a_network_counts_once_however_often_it_was_written_and_earlier_checkpoints_not_at_all(tmp_path):
    rows = [
        row(smallest(LAPTOP), 10.0, "smallest", setting="before"), row(smallest(LAPTOP), 90.0, "smallest"),
        row(biggest(LAPTOP), 98.0, "biggest"), row(biggest(LAPTOP), 98.0, "biggest", latency={"cpu": 1.5}),
    ]  # fmt: skip

    _, search, _, at_once = texts(rows, [], 0.0, tmp_path)

    assert "Here 2 networks were measured" in search
    assert "smallest network has 90.00 % and the biggest 98.00 %" in at_once


def test_only_selections_tell_what_a_network_takes(tmp_path):
    results = [{"what": "test", "seconds": 1e6}, {"what": "select", "seconds": 30.0, "measured_now": 60}]

    search = texts([row(smallest(LAPTOP), 90.0, "smallest")], results, 120.0, tmp_path)[1]

    assert "choosing 30 s" in search
    assert "0.5 s for each further network" in search


def test_a_training_that_has_not_begun_has_taken_no_time(tmp_path):
    assert "taken" not in texts([], [], 0.0, tmp_path)[1]
