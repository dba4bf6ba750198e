"""The state of a run as a reader must take it: alive, dead, on another host."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from engine.runs.status import STALE_AFTER_SECONDS, Status, process_start_time, status_from_json

HERE = socket.gethostname()


def mine(**changes: object) -> Status:
    started = process_start_time(os.getpid())
    return replace(
        Status("running", pid=os.getpid(), host=HERE, process_started=started, heartbeat=time.time()), **changes
    )  # type: ignore[arg-type]


def test_the_process_that_runs_is_alive() -> None:
    assert mine().alive
    assert mine().alive_state == "running"
    assert mine(state="paused").alive_state == "paused"


def test_a_heartbeat_does_not_matter_on_the_same_host() -> None:
    assert mine(heartbeat=0.0).alive  # A long step, or a stopped process: still ours.


def test_a_reused_pid_is_not_the_run() -> None:
    status = mine()
    assert status.process_started is not None
    assert replace(status, process_started=status.process_started - 60).alive_state == "interrupted"
    assert replace(status, process_started=None).alive_state == "interrupted"


def test_a_clock_that_was_set_a_second_back_kills_nobody() -> None:
    status = mine()
    assert status.process_started is not None
    assert replace(status, process_started=status.process_started - 1).alive


def test_a_dead_process_reads_as_interrupted() -> None:
    process = subprocess.Popen([sys.executable, "-c", "pass"])
    process.wait()

    assert mine(pid=process.pid).alive_state == "interrupted"


def test_a_zombie_is_dead() -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    started = process_start_time(process.pid)
    assert started is not None
    process.kill()
    deadline = time.monotonic() + 10
    while process_start_time(process.pid) is not None and time.monotonic() < deadline:
        time.sleep(0.01)

    assert mine(pid=process.pid, process_started=started).alive_state == "interrupted"
    process.wait()


def test_another_host_is_judged_by_its_heartbeat() -> None:
    far = mine(host=HERE + "-other", pid=1)

    assert far.alive
    assert replace(far, heartbeat=time.time() - STALE_AFTER_SECONDS - 1).alive_state == "interrupted"


@pytest.mark.parametrize("state", ["created", "stopped", "finished", "failed"])
def test_a_run_that_ended_stays_what_it_is(state: str) -> None:
    status = mine(state=state)
    assert not status.alive
    assert status.alive_state == state


def test_a_running_status_without_a_process_is_interrupted() -> None:
    assert Status("running").alive_state == "interrupted"


def test_status_survives_json_and_unknown_keys() -> None:
    status = mine(metrics={"validation_accuracy_percent": 71.8}, error={"what": "x", "where": None, "mend": None})

    assert status_from_json({**json.loads(json.dumps(status.as_json())), "later": 1}) == status


@pytest.mark.parametrize("document", [None, [], 5, {}, {"state": "dancing"}, {"state": "interrupted"}])
def test_a_broken_status_reads_as_created(document: object) -> None:
    assert status_from_json(document) == Status("created")


def test_values_of_another_kind_are_left_out() -> None:
    found = status_from_json(
        {"state": "running", "step": "many", "epoch": 3, "pid": "x", "metrics": None, "error": [], "seconds": True}
    )

    assert found == Status("running", epoch=3)
    assert found.alive_state == "interrupted"
