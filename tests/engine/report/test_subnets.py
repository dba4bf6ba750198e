"""The page of two-stage runs and of runs that train one sub-network: the front, its chart, the picture, the answers."""

from __future__ import annotations

import html
import json
import random
import re

import pytest

from engine.config import resolve
from engine.cost.subnets import subnet_cost
from engine.report.charts import front_svg
from engine.report.page import write_report
from engine.report.subnets import selection_numbers
from engine.runs import Event, EventWriter, RunFolder, Status
from engine.runs.subnet_log import SubnetRow, append_subnet, front_of
from engine.subnets import space_from_json, space_named
from engine.subnets.architecture import biggest, smallest
from engine.subnets.sample import uniform

LAPTOP = space_named("laptop")


def row_of(architecture, accuracy, found_by="evolution", setting="s"):
    cost = subnet_cost(architecture)
    return SubnetRow(architecture.as_json(), cost.macs, cost.parameters, cost.memory_bytes, accuracy, 1.0, found_by, setting, {}, 1.0)  # fmt: skip


def trained(path, *, values=None, state="finished", classes=10):
    folder = RunFolder.create(
        path, resolve("two-stage", method="attentive-nas", values={"epochs": 2, **(values or {})})
    )
    writer = EventWriter(folder.path / "events.jsonl")
    started = {"steps_per_epoch": 1, "epochs": 2, "parameters": 144_322, "classes": [str(n) for n in range(classes)],
               "splits": {"train": 400, "validation": 70, "test": 30}, "validation_split": "validation"}  # fmt: skip
    writer.write(Event(1e9, 0, 0, "started", started))
    for epoch in range(2):
        measured = {"train_loss": 1.0, "train_accuracy_percent": 80.0, "validation_loss": 1.0, "validation_accuracy_percent": 91.25,
                    "smallest_validation_accuracy_percent": 71.5, "sampled_validation_accuracy_percent": 77.5}  # fmt: skip
        writer.write(Event(1e9 + epoch, epoch, epoch, "epoch", measured))
    folder.write_status(Status(state, epoch=2, epochs=2, seconds=60.0))
    return folder


def page_of(folder):
    return write_report(folder).read_text(encoding="utf-8")


def text_of(page):
    text = re.sub(r"<style>.*?</style>|<[^>]+>", " ", page, flags=re.DOTALL)
    return html.unescape(re.sub(r"[ \n]+", " ", text))


def test_two_stage_page_shows_the_front_best_first_and_the_best_networks_picture(tmp_path):
    folder = trained(tmp_path / "run")
    middle = uniform(LAPTOP, random.Random(4))
    for row in (
        row_of(smallest(LAPTOP), 70.0, "smallest"),
        row_of(middle, 88.5),
        row_of(biggest(LAPTOP), 80.0, "biggest"),
    ):
        append_subnet(folder.path, row)  # The biggest is dearer and worse than the middle one: not on the front.

    page = page_of(folder)

    rows = re.findall(r"<tr><td>([0-9a-f]{8})</td><td class=\"n\">([^<]+)</td>", page)
    assert rows == [(middle.key, "88.5 %"), (smallest(LAPTOP).key, "70.0 %")]
    assert "3 measured on the validation split" in text_of(page)
    assert 'aria-labelledby="picture-subnet-' in page
    assert f"{middle.key}: {subnet_cost(middle).in_words()}" in text_of(page)
    assert "Is weight sharing the same as continuous relaxation?" in page
    assert "<h2>Cells</h2>" not in page
    assert "alphas, epoch" not in page


def test_networks_of_older_weights_are_not_mixed_in(tmp_path):
    folder = trained(tmp_path / "run")
    append_subnet(folder.path, row_of(biggest(LAPTOP), 99.0, setting="old"))
    append_subnet(folder.path, row_of(smallest(LAPTOP), 70.0, setting="new"))

    text = text_of(page_of(folder))

    assert "1 measured on the validation split" in text
    assert "99.0 %" not in text


def test_before_a_selection_the_page_says_how_to_choose(tmp_path):
    page = page_of(trained(tmp_path / "run"))

    assert "No sub-network was chosen yet: nascope select" in page
    assert "How to understand it" in page
    assert 'aria-label="Accuracy against' not in page


def test_damaged_rows_leave_the_page_whole(tmp_path):
    folder = trained(tmp_path / "run")
    append_subnet(folder.path, row_of(smallest(LAPTOP), 70.0))
    path = folder.path / "subnets.jsonl"
    broken = json.loads(path.read_text()) | {"architecture": {"space": "moon<b>"}, "accuracy_percent": 99.0}
    path.write_text(path.read_text() + json.dumps(broken) + '\n{"half')

    page = page_of(folder)

    assert smallest(LAPTOP).key in page
    assert "moon" not in page


def test_picture_counts_the_classes_of_the_data_and_the_space_of_a_file(tmp_path):
    document = {**LAPTOP.as_json(), "name": "mine", "resolution": [20, 40]}
    space = space_from_json(document).with_classes(5)
    folder = trained(tmp_path / "run", values={"space": "mine", "space_definition": document}, classes=5)
    append_subnet(folder.path, row_of(smallest(space), 70.0))

    assert subnet_cost(smallest(space)).in_words() in text_of(page_of(folder))


def test_a_selection_is_told_in_words(tmp_path):
    folder = trained(tmp_path / "run")
    best = {"key": "0123abcd", "architecture": smallest(LAPTOP).as_json(), "macs": 479_064, "accuracy_percent": 81.5}
    folder.add_result("select", budget={"macs": 800_000}, strategy="evolution", seed=3, evaluated=16, best=best,
                      random={**best, "accuracy_percent": 79.25}, predictor={"rank_correlation": 0.75}, seconds=30.0)  # fmt: skip

    page = text_of(page_of(folder))

    assert "budget 800.0 K multiply-adds · strategy evolution · evaluated 16 · seed 3" in page
    assert "best 0123abcd 81.50 % at 479.1 K multiply-adds" in page
    assert "best of as many random ones 0123abcd 79.25 %" in page
    assert "{'" not in page


@pytest.mark.parametrize("line", [{}, {"budget": 3, "best": [1], "random": None, "predictor": "x", "seconds": "y"}])
def test_a_damaged_selection_is_told_as_far_as_it_goes(line):
    assert selection_numbers({"what": "select", **line}) == [("budget", "none")]


def test_page_of_a_sub_networks_training_shows_its_picture_and_no_front(tmp_path):
    values = {"architecture": biggest(LAPTOP).as_json(), "epochs": 2}
    page = page_of(RunFolder.create(tmp_path / "run", resolve("subnet", data="digits", values=values)))

    assert 'aria-labelledby="picture-subnet-' in page
    assert "No sub-network was chosen" not in page
    assert "<h2>Cells</h2>" not in page
    assert "Training of a sub-network" in page


def test_chart_has_every_measured_network_once():
    networks = [uniform(LAPTOP, random.Random(seed)) for seed in range(6)]
    rows = [row_of(network, 60.0 + place, "random" if place % 2 else "fine") for place, network in enumerate(networks)]

    svg = front_svg(rows, front_of(rows))

    assert len(re.findall(r"<use ", svg)) >= len(rows)
    assert all(word in svg for word in ("found by the search", "drawn at random", "front"))
    assert "NaN" not in front_svg(rows[:1], rows[:1])  # A single point has no range of its own.
