"""The queue: order, limit, and that it outlives the window."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from fake_run import fake_config

from app.run_queue import RunQueue, queue_file
from engine.runs import RunFolder


@pytest.fixture
def runs(home):
    return [RunFolder.create(home / "runs" / name, fake_config(epochs=2)).path for name in ("a", "b", "c")]


class Engines:
    """Counts launches as running engines."""

    def __init__(self):
        self.launched = []
        self.live = 0

    def launch(self, path):
        self.launched.append(path)
        self.live += 1


@pytest.fixture
def engines():
    return Engines()


@pytest.fixture
def make_queue(qapp, engines):
    made = []

    def make(limit=1):
        queue = RunQueue(engines.launch, lambda: engines.live, lambda: limit)
        made.append(queue)
        return queue

    yield make
    for queue in made:
        queue.close()


def test_one_engine_at_a_time_in_the_order_of_adding(make_queue, engines, runs):
    queue = make_queue()

    for path in runs:
        queue.add(path)
    assert engines.launched == runs[:1]
    assert [queue.place(path) for path in runs] == [None, 1, 2]

    engines.live = 0
    queue.advance()
    assert engines.launched == runs[:2]


def test_the_limit_lets_more_engines_work(make_queue, engines, runs):
    queue = make_queue(limit=2)

    for path in runs:
        queue.add(path)

    assert engines.launched == runs[:2]


def test_the_order_survives_a_restart_without_what_is_gone_or_done(make_queue, engines, runs):
    engines.live = 1
    first = make_queue()
    for path in runs:
        first.add(path)
    first.move(runs[2], -1)
    first.close()
    done = RunFolder(runs[0])
    done.write_status(replace(done.status(), state="finished"))

    second = make_queue()

    assert second.waiting() == [runs[2], runs[1]]


def test_a_second_window_leaves_the_first_ones_queue_alone(make_queue, engines, runs):
    engines.live = 1
    first = make_queue()
    first.add(runs[0])

    second = make_queue()
    second.add(runs[1])

    assert not second.is_owner
    assert json.loads(queue_file().read_text())["runs"] == [str(runs[0])]


def test_a_damaged_queue_file_is_an_empty_queue(make_queue, home):
    queue_file().write_text('{"runs": [1, {"a": 2}]}')

    assert make_queue().waiting() == []


def test_a_removed_run_does_not_start(make_queue, engines, runs):
    engines.live = 1
    queue = make_queue()
    queue.add(runs[0])
    queue.remove(runs[0])
    engines.live = 0

    queue.advance()

    assert engines.launched == []
