"""Writing and following the log: nothing is lost, invented or read twice, whatever falls between two polls."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.runs import Event, EventTail, EventWriter, read_events
from engine.runs.events import EVENT_FIELDS, event_from_line


def event(step: int, kind: str = "step", **data: object) -> Event:
    return Event(1.5 + step, step, step // 10, kind, data)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    events = [event(0, "started", command="nascope «x»"), event(1, loss=0.1), event(2, "alphas", normal=[[1e-3, -2.5]])]
    writer = EventWriter(tmp_path / "events.jsonl")
    for entry in events:
        writer.write(entry)
    writer.close()

    assert read_events(tmp_path / "events.jsonl") == events


def test_a_line_has_the_four_fields_and_valid_json() -> None:
    line = event(3, loss=float("nan"), nested=[{"a": float("inf")}]).as_line()

    assert json.loads(line, parse_constant=pytest.fail) == {
        "t": 4.5,
        "step": 3,
        "epoch": 0,
        "type": "step",
        "loss": None,
        "nested": [{"a": None}],
    }


@pytest.mark.parametrize(
    "line",
    ["", "x", "{", "[]", "5", "null", "{}", '{"t": 1, "step": 1, "epoch": 0}', '{"t": "x", "step": 1, "epoch": 0, "type": "a"}',
     '{"t": 1, "step": Infinity, "epoch": 0, "type": "a"}', '{"t": 1, "step": 1e999, "epoch": 0, "type": "a"}', "[" * 100_000],
)  # fmt: skip
def test_what_is_no_event_is_none(line: str) -> None:
    assert event_from_line(line) is None


def test_a_half_written_line_waits_for_its_end(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    first, second = event(1).as_line() + "\n", event(2).as_line() + "\n"
    tail = EventTail(path)
    assert tail.poll() == []

    path.write_text(first + second[:7], encoding="utf-8")
    assert [entry.step for entry in tail.poll()] == [1]
    assert tail.poll() == []
    path.write_text(first + second, encoding="utf-8")
    assert [entry.step for entry in tail.poll()] == [2]
    assert tail.poll() == []


def test_a_resume_cuts_the_half_written_line_off_for_writer_and_follower(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    tail = EventTail(path)
    path.write_text(event(1).as_line() + '\n{"t": 1, "type": "st', encoding="utf-8")
    assert [entry.step for entry in tail.poll()] == [1]

    writer = EventWriter(path)
    writer.write(event(1, "resumed"))
    writer.close()

    assert [entry.type for entry in tail.poll()] == ["resumed"]
    assert [entry.type for entry in read_events(path)] == ["step", "resumed"]
    assert all(json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())


@pytest.mark.parametrize("size", [0, 10, 65_536, 200_000])
def test_a_log_without_any_end_of_line_is_cut_to_nothing(size: int, tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"x" * size)

    EventWriter(path).close()

    assert path.read_bytes() == b""


def test_a_long_half_written_line_is_cut_behind_the_last_whole_one(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    whole = event(1).as_line() + "\n"
    path.write_text(whole + "y" * 150_000, encoding="utf-8")

    EventWriter(path).close()

    assert path.read_text(encoding="utf-8") == whole


def test_a_replaced_log_is_read_from_its_start(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text("".join(event(step).as_line() + "\n" for step in range(5)), encoding="utf-8")
    tail = EventTail(path)
    tail.poll()

    other = tmp_path / "other"
    other.write_text(event(0, "started").as_line() + "\n", encoding="utf-8")
    other.replace(path)

    assert [entry.type for entry in tail.poll()] == ["started"]


def test_a_stretch_of_noise_does_not_end_the_reading(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text(
        ("noise" * 1000 + "\n") * 1000 + event(7).as_line() + "\n", encoding="utf-8"
    )  # more than one poll reads

    assert [entry.step for entry in read_events(path)] == [7]


def test_a_line_longer_than_a_poll_is_read(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text(event(1, text="x" * 5000).as_line() + "\n" + event(2).as_line() + "\n", encoding="utf-8")
    tail = EventTail(path)

    assert [entry.step for entry in (*tail.poll(100), *tail.poll(100))] == [1, 2]


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    texts=st.lists(st.text(max_size=40), max_size=12),
    pieces=st.lists(st.integers(1, 60), max_size=30),
    limit=st.integers(16, 200),
)
def test_any_pieces_give_every_event_once_and_in_order(
    texts: list[str], pieces: list[int], limit: int, tmp_path: Path
) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"")
    events = [event(step, text=text) for step, text in enumerate(texts)]
    content = "".join(entry.as_line() + "\n" for entry in events).encode()
    tail, found, position = EventTail(path), [], 0
    for piece in [*pieces, len(content)]:
        with path.open("ab") as file:
            file.write(content[position : position + piece])
        position += piece
        found += tail.poll(limit)
    while fresh := tail.poll(limit):
        found += fresh

    assert found == events


def test_every_type_of_event_tells_its_fields() -> None:
    assert {
        "started",
        "resumed",
        "step",
        "epoch",
        "alphas",
        "genotype",
        "gradient",
        "checkpoint",
        "stopped",
        "finished",
        "failed",
    } <= set(EVENT_FIELDS)
