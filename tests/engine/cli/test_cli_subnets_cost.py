"""``nascope cost``, ``draw``, ``genotypes`` and ``methods`` for sub-networks and spaces: documents, words, refusals."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine.config import resolve
from engine.runs import Event, EventWriter, RunFolder
from engine.runs.folder import EVENTS
from engine.subnets import space_from_json, space_named, space_names
from engine.subnets.architecture import biggest, smallest

A0 = (203_389_568, 8_954_184)


def record_file(folder: Path, record: Any, name: str = "record.json") -> Path:
    path = folder / name
    path.write_text(json.dumps(record), encoding="utf-8")
    return path


def started(folder: RunFolder, classes: int) -> None:
    writer = EventWriter(folder.path / EVENTS)
    writer.write(Event(1.0, 0, 0, "started", {"classes": [str(number) for number in range(classes)]}))
    writer.close()


def test_a_published_subnet_and_its_record_cost_the_same(nascope, tmp_path):
    by_name = nascope("cost", "AttentiveNAS-A0", "--json").json
    by_file = nascope("cost", record_file(tmp_path, by_name["architecture"]), "--json").json

    assert by_name == by_file
    assert (by_name["macs"], by_name["parameters"]) == A0
    assert by_name["input"] == [3, 192, 192]
    assert sum(part["macs"] for part in by_name["stages"]) == by_name["macs"]
    assert sum(part["parameters"] for part in by_name["stages"]) == by_name["parameters"]
    assert by_name["memory_bytes"] > 4 * by_name["parameters"]


def test_words_name_every_stage_and_the_sums(nascope):
    answer = nascope("cost", "AttentiveNAS-A0")

    assert answer.code == 0
    for part in (
        "stem",
        "mb1",
        "mb7",
        "head",
        "classifier",
        "3×3 ×4 SE",
        "203,389,568",
        "8,954,184",
        "37.65 MiB",
        "1000 classes",
    ):
        assert part in answer.out
    assert "shortcuts between equal widths" in answer.err


def test_another_resolution_of_the_space_and_another_number_of_classes(nascope):
    larger = nascope("cost", "AttentiveNAS-A0", "--input", "288", "--json").json
    fewer = nascope("cost", "AttentiveNAS-A0", "--classes", "10", "--json").json

    assert larger["macs"] == 449_394_848
    assert larger["architecture"]["resolution"] == 288
    assert fewer["parameters"] == A0[1] - 990 * 1793
    assert fewer["architecture"]["classes"] == 10
    refused = nascope("cost", "AttentiveNAS-A0", "--input", "200")
    assert refused.code == 2
    assert "--input: 200 is no choice" in refused.err
    assert "192, 224, 256, 288" in refused.err


@pytest.mark.parametrize(
    "options",
    [("--network", "cifar"), ("--channels", "16"), ("--layers", "8"), ("--auxiliary",), ("--supernet",), ("--budget", "5M"),
     ("--space", "darts"), ("--nodes", "4"), ("--partial-channels", "4"), ("-o", "x.json")],
    ids=lambda options: options[0],
)  # fmt: skip
def test_options_of_cells_are_refused_by_name(nascope, options):
    answer = nascope("cost", "AttentiveNAS-A0", *options)

    assert answer.code == 2
    assert answer.err.startswith(f"nascope: {'--out' if options[0] == '-o' else options[0]}: ")
    assert not answer.out


def test_a_faulty_record_names_file_and_field(nascope, tmp_path):
    record = nascope("cost", "AttentiveNAS-A0", "--json").json["architecture"]
    for change, says in (
        ({"width": [17, *record["width"][1:]]}, ("width[0] (stem)", "17", "16 is the nearest")),
        ({"depth": [1, 3]}, ("depth", "has 2 values")),
        ({"space": "moon"}, ("space", "moon", "laptop")),
        ({"expand": 3}, ("expand", "is no field")),
    ):
        path = record_file(tmp_path, {**record, **change})
        answer = nascope("cost", path)
        assert answer.code == 2
        assert all(part in answer.err for part in (str(path), *says))


@pytest.mark.parametrize("name", space_names())
def test_a_space_by_its_ends(nascope, name):
    found = nascope("cost", name, "--json").json
    space = space_named(name)

    assert found["networks"] == space.size
    assert found["smallest"]["architecture"] == smallest(space).as_json()
    assert found["biggest"]["architecture"] == biggest(space).as_json()
    assert found["supernet"]["parameters"] >= found["biggest"]["parameters"]
    words = nascope("cost", name)
    assert f"{found['smallest']['macs']:,}" in words.out
    assert f"{found['supernet']['parameters']:,}" in words.out


def test_a_two_stage_run_has_its_own_space_and_the_classes_of_its_data(nascope, make_run, tmp_path):
    document = space_named("laptop").as_json() | {"name": "mine", "resolution": [24, 32]}
    own = record_file(tmp_path, document, "space.json")
    config = resolve("two-stage", method="bignas", values={"space": str(own)})
    folder = RunFolder.create(tmp_path / "run", config)
    started(folder, 7)

    found = nascope("cost", folder.path, "--json").json

    space = space_from_json(document).with_classes(7)
    assert found["run"] == str(folder.path)
    assert (found["space"], found["classes"], found["networks"]) == ("mine", 7, space.size)
    assert found["smallest"]["architecture"] == smallest(space).as_json()
    assert found["supernet"]["parameters"] == 144_322 - 3 * 129
    for option in (("--input", "24"), ("--latency",), ("--supernet",)):
        refused = nascope("cost", folder.path, *option)
        assert refused.code == 2
        assert refused.err.startswith(f"nascope: {option[0]}: ")


def test_a_run_that_trains_one_subnet_is_counted_and_drawn_with_the_classes_of_its_data(nascope, tmp_path):
    record = smallest(space_named("laptop")).as_json()
    folder = RunFolder.create(tmp_path / "run", resolve("subnet", values={"architecture": record}))
    started(folder, 3)

    found = nascope("cost", folder.path, "--json").json

    assert found["parameters"] == 22_370 - 7 * 97
    assert nascope("draw", folder.path, "-o", tmp_path / "run.svg").code == 0


def test_supernet_of_a_two_stage_method_is_asked_by_its_space(nascope):
    answer = nascope("cost", "attentive-nas", "--supernet")

    assert answer.code == 2
    assert "name a space" in answer.err


def test_cells_are_counted_as_before(nascope):
    assert nascope("cost", "DARTS_V2", "--json").json["macs"] == 528_359_040
    missing = nascope("cost", "no-such-thing")
    assert missing.code == 2


def test_latency_is_measured_at_the_networks_own_resolution(nascope, tmp_path, monkeypatch):
    from engine.bench import latency

    monkeypatch.setattr(latency, "TIMING_SECONDS", 0.05)
    monkeypatch.setattr(latency, "WARM_UP_SECONDS", 0.0)
    path = record_file(tmp_path, smallest(space_named("laptop")).as_json())

    found = nascope("cost", path, "--latency", "--batch-size", "2", "--device", "cpu", "--json").json

    assert [row["batch_size"] for row in found["latency"]] == [1, 2]
    assert all(row["median_ms"] > 0 for row in found["latency"])
    assert found["macs"] == 198_160


def test_draw_writes_a_picture_of_the_stages_and_refuses_the_rest(nascope, tmp_path):
    assert nascope("draw", "AttentiveNAS-A1", "-o", tmp_path / "a1.svg").code == 0
    text = (tmp_path / "a1.svg").read_text(encoding="utf-8")
    assert "AttentiveNAS-A1" in text
    assert "279.2 M multiply-adds" in text
    for arguments, says in (
        (("AttentiveNAS-A1", "-o", tmp_path / "a.svg", "--cell", "normal"), "no cells"),
        (("AttentiveNAS-A1", "-o", tmp_path / "a.dot"), "DOT is for cells"),
        (("laptop", "-o", tmp_path / "a.svg"), "no single network"),
    ):
        answer = nascope("draw", *arguments)
        assert answer.code == 2
        assert says in answer.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a1.svg"]


def test_genotypes_lists_published_subnets(nascope):
    found = {entry["name"]: entry for entry in nascope("genotypes", "--json").json["subnets"]}

    assert (found["AttentiveNAS-A0"]["macs"], found["AttentiveNAS-A0"]["parameters"]) == A0
    assert found["AttentiveNAS-A0"]["facts"]["imagenet_top1_accuracy_percent"] == 77.3
    words = nascope("genotypes").out
    assert "AttentiveNAS-A6" in words
    assert "709.0 M" in words


def test_methods_tell_their_kind_and_list_the_spaces(nascope):
    found = nascope("methods", "--json").json

    kinds = {method["name"]: method["kind"] for method in found["methods"]}
    assert kinds["bignas"] == kinds["attentive-nas"] == "two-stage"
    assert kinds["darts"] == "search"
    spaces = {space["name"]: space for space in found["spaces"]}
    assert list(spaces) == list(space_names())
    assert (spaces["laptop"]["smallest_macs"], spaces["laptop"]["biggest_macs"]) == (198_160, 3_178_752)
    assert spaces["laptop"]["size"] == 248_832
    words = nascope("methods").out
    assert "nascope select" in words
    assert "440,301,256,704" in words
