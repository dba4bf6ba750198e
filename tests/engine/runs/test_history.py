"""Events arranged: series, alphas and marks, and what a resume undoes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.runs import Event, RunHistory
from engine.runs.history import Series


def event(step: int, kind: str = "step", **data: object) -> Event:
    return Event(float(step), step, step // 10, kind, data)


def alphas(step: int, value: float = 0.0, **betas: object) -> Event:
    rows = np.full((5, 3), value).tolist()
    return event(step, "alphas", normal=rows, reduction=rows, **betas)


def history(*events: Event) -> RunHistory:
    found = RunHistory()
    found.feed([event(0, "started", steps_per_epoch=10, epochs=3), *events])
    return found


def test_numbers_become_series_by_type_and_field() -> None:
    found = history(event(0, loss=2.0, note="x", flag=True), event(5, loss=None), event(9, "epoch", train_loss=1))

    assert found.series["step.loss"].steps.tolist() == [0, 5]
    assert np.isnan(found.series["step.loss"].values[1])
    assert found.series["epoch.train_loss"].values.tolist() == [1]
    assert "step.note" not in found.series
    assert "step.flag" not in found.series
    assert (found.step, found.steps_per_epoch) == (5, 10)


def test_a_series_grows_and_forgets() -> None:
    series = Series()
    for step in range(1000):
        series.append(step / 2, step, step**2)
    series.drop_from(600)

    assert len(series) == 600
    assert series.times[-1] == 299.5
    np.testing.assert_array_equal(series.values, np.arange(600.0) ** 2)


def test_a_resume_drops_its_step_and_later_ones() -> None:
    found = history(
        *(event(step, loss=float(step)) for step in range(8)), alphas(3, 1.0), alphas(7, 2.0),
        event(3, "checkpoint"), event(4, "diagnosis", code="x"), event(7, "diagnosis", code="x"), event(4, "resumed"), event(4, loss=40.0),
    )  # fmt: skip

    assert found.series["step.loss"].values.tolist() == [0, 1, 2, 3, 40]
    assert [record.step for record in found.alphas] == [3]
    assert [entry.type for entry in found.notable if entry.type != "started"] == ["checkpoint", "resumed"]
    assert found.started["epochs"] == 3


def test_resumes_from_the_start_and_several_resumes() -> None:
    found = history(event(0, loss=1.0), event(1, loss=1.0), event(0, "resumed"), event(0, loss=2.0), event(1, loss=2.0), event(2, loss=2.0),
                    event(1, "resumed"), event(1, loss=3.0))  # fmt: skip

    assert found.series["step.loss"].values.tolist() == [2, 3]
    assert len(found.of_type("resumed")) == 2


def test_an_epoch_that_ends_twice_counts_once() -> None:
    # Killed after the events of the epoch's end, before the checkpoint behind it: the earlier checkpoint stands at step 10.
    found = history(
        event(9, "epoch", train_loss=1.0), alphas(9), event(10, "resumed"), event(9, "epoch", train_loss=1.0), alphas(9)
    )

    assert found.series["epoch.train_loss"].values.tolist() == [1.0]
    assert [record.epoch for record in found.alphas_by_epoch()] == [0]


def test_a_new_start_begins_anew() -> None:
    found = history(event(0, loss=1.0), alphas(3), event(0, "started", epochs=9), event(0, loss=5.0))

    assert found.series["step.loss"].values.tolist() == [5]
    assert found.alphas == []
    assert found.started["epochs"] == 9


def test_alphas_are_found_by_epoch() -> None:
    found = history(alphas(4, 1), alphas(9, 2), alphas(19, 3), alphas(39, 4))

    def value(epoch: int) -> float:
        record = found.alphas_at_epoch(epoch)
        assert record is not None
        return float(record.normal[0, 0])

    assert [value(epoch) for epoch in (0, 1, 2, 3, 9)] == [2, 3, 3, 4, 4]
    assert [record.step for record in found.alphas_by_epoch()] == [9, 19, 39]
    assert found.epochs_logged == 4
    assert RunHistory().alphas_at_epoch(0) is None


def test_betas_come_along_and_broken_alphas_are_left_out() -> None:
    found = history(
        alphas(1, normal_betas=[0.0] * 5, reduction_betas=[1.0] * 5),
        event(2, "alphas", normal=[[1], [2, 3]], reduction=[[1]]),
        event(3, "alphas", normal=[[1.0]]),
        event(4, "alphas", normal=5, reduction=5),
    )

    [record] = found.alphas
    alphas_of_kind, betas = record.of("reduction")
    assert alphas_of_kind.shape == (5, 3)
    assert betas is not None
    assert betas.tolist() == [1.0] * 5
    assert record.of("normal")[1].tolist() == [0.0] * 5


def test_feed_tells_what_changed() -> None:
    found = RunHistory()

    assert found.feed([]) == set()
    assert found.revision == 0
    assert found.feed([event(0, loss=1.0), event(0, "message", text="x")]) == {"step", "message"}
    assert found.revision == 1
    assert found.last["message"].data["text"] == "x"


@settings(deadline=None, max_examples=100)
@given(st.lists(st.tuples(st.integers(1, 12), st.integers(0, 12)), max_size=6))
def test_after_any_kills_and_resumes_the_history_is_that_of_an_unbroken_run(sittings: list[tuple[int, int]]) -> None:
    """Each sitting runs some steps on; the next one goes on from an earlier checkpoint."""
    log, done = [event(0, "started")], 0
    for steps, back in sittings:
        log += [event(step, loss=float(step)) for step in range(done, done + steps)]
        log += [alphas(step, step) for step in range(done, done + steps)]
        done = max(0, done + steps - back)
        log.append(event(done, "resumed"))
    # Within a sitting alphas were logged after the steps here; by step they are the same.
    found = RunHistory()
    found.feed(log)

    assert [record.step for record in found.alphas] == list(range(done))
    assert found.series["step.loss"].values.tolist() == list(range(done)) if sittings else not found.series


def test_a_whole_log_is_read_from_its_file(tmp_path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text(
        "\n".join(entry.as_line() for entry in (event(0, "started", epochs=2), event(1, loss=0.5))) + "\n",
        encoding="utf-8",
    )

    assert RunHistory.read(path).series["step.loss"].values.tolist() == [0.5]
    assert RunHistory.read(tmp_path / "none.jsonl").started == {}


def test_an_empty_history_has_no_step() -> None:
    assert RunHistory().step == -1
    assert RunHistory().steps_per_epoch == 0
    with pytest.raises(KeyError):
        RunHistory().series["step.loss"]
