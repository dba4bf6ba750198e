"""Whole sittings of small runs: data that change or vanish, orders while the data are read, tests of what was trained."""

from __future__ import annotations

import multiprocessing
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from engine.config import RunConfig, resolve
from engine.data import Normalization, load_data
from engine.errors import DataError, RunError
from engine.execution.execute import execute
from engine.execution.gap import measure_gap
from engine.execution.outcome import Outcome
from engine.genotype.named import named
from engine.retrain.testing import run_test
from engine.runs import Event, RunFolder, give_order, read_events
from engine.runs.folder import CHECKPOINT_BEST, CHECKPOINT_LAST, EVENTS

SMALL = {"epochs": 2, "channels": 2, "layers": 3, "batch_size": 8, "threads": 1, "device": "cpu", "cutout": 0}
Pictures = Callable[..., Path]


@pytest.fixture(autouse=True)
def nascope_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NASCOPE_HOME", str(tmp_path / "home"))


@pytest.fixture
def pictures(tmp_path: Path) -> Pictures:
    """Adds noisy pictures of two classes to a folder: ``pictures(count, first=0)``."""

    def add(count: int = 12, first: int = 0) -> Path:
        for number in range(first, first + count):
            for label, name in enumerate(("dark", "light")):
                (tmp_path / "pets" / name).mkdir(parents=True, exist_ok=True)
                noise = np.random.default_rng([number, label]).integers(0, 120, (8, 8, 3)) + 120 * label
                Image.fromarray(noise.astype(np.uint8)).save(tmp_path / "pets" / name / f"{number}.png")
        return tmp_path / "pets"

    return add


def search_of(pets: Path, **values: Any) -> RunConfig:
    space = {"nodes": 1, "space": "max_pool_3x3,skip_connect", "image_size": 8}
    return resolve("search", data=f"image-folder:{pets}", values={**SMALL, **space, **values})


def retrain_of(pets: Path | str, **values: Any) -> RunConfig:
    said = {**SMALL, "auxiliary": False, "image_size": 8, "genotype": named("DARTS_V2").as_json()}
    return resolve("retrain", data=pets if isinstance(pets, str) else f"image-folder:{pets}", values={**said, **values})


def stopped_after_a_step(folder: RunFolder) -> Outcome:
    return execute(folder, on_event=lambda event: order_at_step(folder, event))


def order_at_step(folder: RunFolder, event: Event) -> None:
    if event.type == "step":
        give_order(folder.path, "stop")


def test_images_that_changed_between_two_sittings_are_refused(tmp_path: Path, pictures: Pictures) -> None:
    folder = RunFolder.create(tmp_path / "run", search_of(pictures()))
    assert stopped_after_a_step(folder).state == "stopped"
    checkpoint = (folder.path / CHECKPOINT_LAST).read_bytes()
    pictures(1, first=99)

    with pytest.raises(DataError, match="not those that the run was begun with"):
        execute(folder)
    with pytest.raises(DataError, match="not those"):
        measure_gap(folder, "cpu")

    assert folder.status().state == "failed"
    assert (folder.path / CHECKPOINT_LAST).read_bytes() == checkpoint
    for name in ("dark", "light"):
        (tmp_path / "pets" / name / "99.png").unlink()
    assert execute(folder).state == "finished"


def test_images_that_vanished_fail_the_run_until_they_are_back(tmp_path: Path, pictures: Pictures) -> None:
    pets = pictures()
    folder = RunFolder.create(tmp_path / "run", search_of(pets))
    stopped_after_a_step(folder)
    shutil.move(pets, tmp_path / "elsewhere")

    with pytest.raises(DataError, match="no such folder"):
        execute(folder)

    assert folder.status().state == "failed"
    assert read_events(folder.path / EVENTS)[-1].type == "failed"
    shutil.move(tmp_path / "elsewhere", pets)
    assert execute(folder).state == "finished"


def test_a_run_that_trained_nothing_may_begin_with_changed_images(tmp_path: Path, pictures: Pictures) -> None:
    folder = RunFolder.create(tmp_path / "run", search_of(pictures()))
    folder.add_facts(decided={"split_fingerprint": "of an earlier try"})

    assert stopped_after_a_step(folder).state == "stopped"


@pytest.mark.parametrize("order", ["pause", "stop", "detach"])
def test_orders_are_not_lost_while_the_data_are_read(tmp_path: Path, pictures: Pictures, order: Any) -> None:
    folder = RunFolder.create(tmp_path / "run", search_of(pictures()))
    given = []

    def listen(event: Event) -> None:
        if event.type == "message" and "total" in event.data and not given:
            given.append(give_order(folder.path, order))
        if event.type == "paused":
            give_order(folder.path, "run")

    assert execute(folder, on_event=listen).state == ("stopped" if order == "stop" else "finished")

    types = [event.type for event in read_events(folder.path / EVENTS)]
    assert ("paused" in types) == (order == "pause")
    if order == "detach":
        assert folder.status().control_id == given[0].id


def test_what_is_tested_is_normalized_as_what_was_trained(
    tmp_path: Path, pictures: Pictures, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained_on = retrain_of(pictures())
    folder = RunFolder.create(tmp_path / "run", trained_on)
    execute(folder)
    mine = load_data(trained_on, torch.device("cpu")).normalization
    other = tmp_path / "other.npz"
    labels = np.arange(40) % 2
    noise = np.random.default_rng(5).integers(0, 50, (40, 8, 8, 3))
    np.savez(other, images=noise.astype(np.uint8), labels=labels, class_names=np.array(["dark", "light"]))
    seen: list[Normalization | None] = []

    def spy(*arguments: Any, **named_arguments: Any) -> Any:
        loaded = load_data(*arguments, **named_arguments)
        seen.append(loaded.splits["test"].normalization)
        return loaded

    monkeypatch.setattr("engine.retrain.testing.load_data", spy)
    found = run_test(folder, data=f"npz:{other}", device="cpu")

    assert seen == [mine]
    assert found["images_changed"] is False
    assert found["top5_accuracy_percent"] is None


def test_a_test_of_changed_images_says_so(tmp_path: Path, pictures: Pictures) -> None:
    folder = RunFolder.create(tmp_path / "run", retrain_of(pictures()))
    execute(folder)
    assert run_test(folder, device="cpu")["images_changed"] is False
    pictures(3, first=50)

    assert run_test(folder, device="cpu")["images_changed"] is True
    assert [row["images_changed"] for row in folder.results()] == [False, True]


def test_nothing_is_tested_before_the_first_epoch(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path / "run", retrain_of("digits", limit_images=64))
    stopped_after_a_step(folder)

    with pytest.raises(RunError, match="no epoch is trained"):
        run_test(folder, device="cpu")

    assert folder.tests_so_far() == 0


def test_images_of_other_colours_are_refused(tmp_path: Path, pictures: Pictures) -> None:
    folder = RunFolder.create(tmp_path / "run", retrain_of("digits", limit_images=64, epochs=1))
    execute(folder)

    with pytest.raises(DataError, match="3 colour channels"):
        run_test(folder, data=f"image-folder:{pictures()}", device="cpu")


@pytest.mark.parametrize(("data", "level"), [("digits", "warning"), ("cifar10", "info")])
def test_a_retraining_warns_of_changed_images_but_not_of_other_data(tmp_path: Path, data: str, level: str) -> None:
    genotype = {**named("DARTS_V2").as_json(), "source": {"data": data}}
    config = retrain_of("digits", limit_images=64, epochs=1, genotype=genotype, split_fingerprint="of the search")
    folder = RunFolder.create(tmp_path / "run", config)

    stopped_after_a_step(folder)

    said = [event.data for event in read_events(folder.path / EVENTS) if event.type == "message"]
    assert any(words["level"] == level and "search" in words["text"] for words in said)


def test_a_checkpoint_that_was_damaged_is_named_with_the_mend(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path / "run", retrain_of("digits", limit_images=64))
    execute(folder)
    folder.add_facts(epochs=3)
    (folder.path / CHECKPOINT_LAST).write_bytes(b"PK\x03\x04 half")

    with pytest.raises(RunError, match=r"checkpoint-best\.pt"):
        execute(folder)

    assert folder.status().state == "failed"
    shutil.copy(folder.path / CHECKPOINT_BEST, folder.path / CHECKPOINT_LAST)
    assert execute(folder).state == "finished"


def test_an_imported_run_is_not_carried_out(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path / "run", resolve("search", values=SMALL), {"imported_from": "log.txt"})

    with pytest.raises(RunError, match="imported"):
        execute(folder)

    assert folder.status().state == "created"


def test_auto_reading_means_the_same_in_every_sitting(
    tmp_path: Path, pictures: Pictures, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = RunFolder.create(tmp_path / "run", retrain_of(pictures(), workers=0))
    assert stopped_after_a_step(folder).state == "stopped"
    assert folder.decided()["reading"] == "memory"

    monkeypatch.setattr("engine.data.folder._fits_in_memory", lambda count, size: False)
    assert execute(folder).state == "finished"  # Other splits would be refused.


def test_files_stay_files_and_are_let_go_where_memory_would_do(tmp_path: Path, pictures: Pictures) -> None:
    folder = RunFolder.create(tmp_path / "run", retrain_of(pictures(), workers=1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("engine.data.folder._fits_in_memory", lambda count, size: False)
        assert stopped_after_a_step(folder).state == "stopped"
    assert folder.decided()["reading"] == "files"
    assert multiprocessing.active_children() == []

    assert execute(folder).state == "finished"
    assert run_test(folder, device="cpu")["images_changed"] is False
