"""A two-stage run with measured networks."""

from __future__ import annotations

import pytest
from subnet_runs import append, epoch_events

from app.run_model import RunModel
from engine.runs import Event, Status


@pytest.fixture
def make_run(tmp_path):
    """Makes a run's folder and model: ``epochs`` behind it, ``rows`` measured."""

    def make(*, epochs=1, state="finished", rows=(), name="run", **config):
        folder = tmp_path / name
        folder.mkdir()
        append(folder, rows)
        model = RunModel(
            folder,
            {"kind": "two-stage", "method": "bignas", "space": "laptop", "data": "digits", "epochs": 3, **config},
        )
        model.feed(
            [Event(1.0, 0, 0, "started", {"classes": [str(number) for number in range(10)], "parameters": 144_322})]
        )
        for epoch in range(epochs):
            model.feed(epoch_events(epoch))
        model.set_status(Status(state))
        return model

    return make
