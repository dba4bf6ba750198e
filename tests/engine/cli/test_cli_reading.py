"""``runs compare explain draw export report test data doctor``: what they say about runs and cells."""

from __future__ import annotations

import json
import shutil
import sys
import types

import numpy as np
import pytest

from engine.errors import DataError
from engine.genotype.named import named
from engine.genotype.read import read_genotype
from engine.runs import Event

EDGES, PRIMITIVES = 14, 8


def alphas_event(step: int, epoch: int, strongest: int, *, betas: bool = False) -> Event:
    """Alphas that are 0 but for one primitive, 1 on every edge; the edge from k−2 leads a little at each node."""
    alphas = np.zeros((EDGES, PRIMITIVES))
    alphas[:, strongest] = 1.0
    alphas[[0, 2, 5, 9], strongest] = 1.5
    data = {"normal": alphas.tolist(), "reduction": alphas.tolist()}
    if betas:
        data |= {"normal_betas": [0.0] * EDGES, "reduction_betas": [0.0] * EDGES}
    return Event(100.0 + step, step, epoch, "alphas", data)


STARTED = Event(99.0, 0, 0, "started", {"epochs": 3, "steps_per_epoch": 10})


def test_runs_lists_each_run_with_the_contracts_keys(nascope, make_run, tmp_path):
    make_run("a", place=tmp_path / "runs", state="finished", metrics={"validation_accuracy_percent": 90.0})
    make_run("b", place=tmp_path / "runs/deeper", state="running")

    rows = nascope("runs", tmp_path / "runs", "--json").json["runs"]

    assert {row["path"]: row["state"] for row in rows} == {
        str(tmp_path / "runs/a"): "finished",
        str(tmp_path / "runs/deeper/b"): "interrupted",
    }
    assert {"path", "kind", "method", "data", "state", "epoch", "epochs", "metrics"} <= set(rows[0])


def test_runs_for_people_name_state_and_accuracy(nascope, make_run, tmp_path):
    make_run("a", place=tmp_path / "runs", state="finished", metrics={"validation_accuracy_percent": 90.0})

    out = nascope("runs", tmp_path / "runs").out

    assert "finished" in out
    assert "90.00 %" in out


def test_runs_without_any_say_how_to_start(nascope):
    answer = nascope("runs")

    assert answer.code == 0
    assert "nascope search" in answer.err


def test_compare_shows_only_what_differs(nascope, make_run):
    first = make_run("first", epochs=9, metrics={"validation_accuracy_percent": 80.0})
    second = make_run("second", epochs=9, channels=32, metrics={"validation_accuracy_percent": 85.0})
    second.write_genotype(named("DARTS_V1"))

    found = nascope("compare", first.path, second.path, "--json").json

    assert found["settings"] == {"channels": [first.config().channels, 32]}
    assert found["metrics"]["validation_accuracy_percent"] == [80.0, 85.0]
    assert found["genotypes"][0]["same_cells"] is False
    assert found["genotypes"][0]["differences"]


def test_compare_of_equal_cells_says_so(nascope, make_run):
    first, second = make_run("first"), make_run("second")

    assert nascope("compare", first.path, second.path, "--json").json["genotypes"][0]["same_cells"] is True
    assert "the same cells" in nascope("compare", first.path, second.path).out


def test_explain_has_the_contracts_keys_and_the_softmax(nascope, make_run):
    folder = make_run(events=[STARTED, alphas_event(9, 0, 4), alphas_event(19, 1, 5)])

    found = nascope("explain", folder.path, "--json").json

    edge = found["cells"]["normal"][1]["edges"][0]
    assert (edge["from"], edge["primitive"], edge["kept"]) == (0, "sep_conv_5x5", True)
    weight = np.exp(1.5) / (np.exp(1.5) + 7)
    assert edge["alpha"] == pytest.approx(weight, abs=1e-6)
    assert edge["margin"] == pytest.approx(weight - 1 / (np.exp(1.5) + 7), abs=1e-6)
    assert edge["none"] == pytest.approx(1 / (np.exp(1.5) + 7), abs=1e-6)
    assert edge["last_changed_epoch"] == 1
    assert "beta" not in edge
    assert [len(node["edges"]) for node in found["cells"]["reduction"]] == [2, 3, 4, 5]
    assert all({"code", "severity", "message"} <= set(row) for row in found["diagnoses"])


def test_explain_has_betas_where_the_method_has_them(nascope, make_run):
    folder = make_run(method="pc-darts", channels=8, events=[STARTED, alphas_event(9, 0, 4, betas=True)])

    cells = nascope("explain", folder.path, "--json").json["cells"]

    assert cells["normal"][1]["edges"][0]["beta"] == pytest.approx(1 / 3, abs=1e-6)


def test_explain_of_an_earlier_epoch_does_not_know_the_later_ones(nascope, make_run):
    folder = make_run(events=[STARTED, alphas_event(9, 0, 4), alphas_event(19, 1, 5)])

    edge = nascope("explain", folder.path, "--epoch", 1, "--json").json["cells"]["normal"][0]["edges"][0]

    assert edge["primitive"] == "sep_conv_3x3"
    assert edge["last_changed_epoch"] is None
    assert "epochs 1 to 2" in nascope("explain", folder.path, "--epoch", 7).err


def test_explain_of_a_random_cell_has_its_edges_without_alphas(nascope, make_run):
    folder = make_run(method="random", state="finished")

    found = nascope("explain", folder.path, "--json").json

    assert [len(node["edges"]) for node in found["cells"]["normal"]] == [2, 2, 2, 2]
    assert found["cells"]["normal"][0]["edges"][0]["alpha"] is None
    assert nascope("explain", folder.path).code == 0


def test_explain_for_people_says_why_and_what_was_dropped(nascope, make_run):
    folder = make_run(events=[STARTED, alphas_event(9, 0, 4)])

    out = nascope("explain", folder.path).out

    assert "dropped" in out
    assert "node 3, from k−2" in out


def test_explain_gap_measures_now(nascope, make_run, monkeypatch):
    gap = types.ModuleType("engine.execution.gap")
    gap.measure_gap = lambda folder, device: {
        "soft_accuracy_percent": 90.0,
        "discrete_accuracy_percent": 60.0,
        "device": device,
    }
    monkeypatch.setitem(sys.modules, "engine.execution.gap", gap)
    folder = make_run(events=[STARTED, alphas_event(9, 0, 4)])

    found = nascope("explain", folder.path, "--gap", "--device", "cpu", "--json").json["discretization_gap"]

    assert found == {"soft_accuracy_percent": 90.0, "discrete_accuracy_percent": 60.0, "device": "cpu"}


@pytest.mark.parametrize(
    ("kind", "head"), [("svg", b"<svg"), ("png", b"\x89PNG"), ("pdf", b"%PDF"), ("dot", b"digraph")]
)
def test_draw_needs_no_dot_program(nascope, tmp_path, monkeypatch, kind, head):
    monkeypatch.setenv("PATH", "/nonexistent")
    target = tmp_path / f"cell.{kind}"

    assert nascope("draw", "DARTS_V2", "-o", target).code == 0
    assert head in target.read_bytes()[:4000]


def test_draw_of_one_cell_is_not_the_picture_of_both(nascope, tmp_path):
    nascope("draw", "DARTS_V2", "-o", tmp_path / "both.svg")
    nascope("draw", "DARTS_V2", "-o", tmp_path / "one.svg", "--cell", "reduction")

    assert (tmp_path / "one.svg").read_text() != (tmp_path / "both.svg").read_text()


@pytest.mark.parametrize("name", ["cell.gif", "cell", "no/folder/cell.svg"])
def test_draw_refuses_places_and_endings_it_cannot_write(nascope, tmp_path, name):
    answer = nascope("draw", "DARTS_V2", "-o", tmp_path / name)

    assert answer.code == 2
    assert name.rpartition("/")[2] in answer.err


@pytest.mark.parametrize("format", ["json", "text", "python"])
def test_export_reads_back_as_the_same_cells(nascope, tmp_path, format):
    text = nascope("export", "PC_DARTS_cifar", "--format", format).out

    (tmp_path / "cell.txt").write_text(text)
    assert read_genotype(str(tmp_path / "cell.txt")).same_cells(named("PC_DARTS_cifar"))


def test_export_takes_the_format_from_the_ending(nascope, tmp_path):
    for name, head in (("a.json", "{"), ("a.py", "Genotype("), ("a.svg", "<svg"), ("a.gv", "digraph")):
        assert nascope("export", "DARTS_V2", "-o", tmp_path / name).code == 0
        assert head in (tmp_path / name).read_text()[:4000]


def test_export_of_a_run_gives_its_cells(nascope, make_run):
    document = json.loads(nascope("export", make_run().path, "--format", "json").out)

    assert document["normal"] == named("DARTS_V2").as_json()["normal"]


@pytest.mark.parametrize("format", ["onnx", "torch", "safetensors"])
def test_weights_are_not_exported_where_there_are_none(nascope, format):
    answer = nascope("export", "DARTS_V2", "--format", format)

    assert answer.code == 2
    assert "retrain" in answer.err


def test_export_into_a_folder_that_is_not_there_is_one_sentence(nascope, tmp_path):
    answer = nascope("export", "DARTS_V2", "--format", "json", "-o", tmp_path / "no/where.json")

    assert answer.code == 2
    assert "where.json" in answer.err


def test_unknown_genotype_names_a_close_one(nascope):
    assert "DARTS_V2" in nascope("export", "DARTS_V3", "--format", "json").err


def test_report_is_one_page_in_the_run_or_where_it_is_wanted(nascope, make_run, tmp_path):
    folder = make_run(events=[STARTED, alphas_event(9, 0, 4)])

    assert nascope("report", folder.path).code == 0
    assert nascope("report", folder.path, "-o", tmp_path / "page.html").code == 0

    assert "<svg" in (folder.path / "report.html").read_text()
    assert "<svg" in (tmp_path / "page.html").read_text()


def test_report_that_cannot_be_written_is_one_sentence(nascope, make_run, tmp_path):
    answer = nascope("report", make_run().path, "-o", tmp_path / "no/page.html")

    assert answer.code == 2
    assert "page.html" in answer.err


def test_test_gives_the_numbers_and_counts(nascope, engine, make_run):
    folder = make_run(kind="retrain", state="finished")

    first, second = (nascope("test", folder.path, "--json").json for _ in range(2))

    assert first["accuracy_percent"] == 97.25
    assert second["tests_so_far"] == first["tests_so_far"] + 1
    assert "3 times" in nascope("test", folder.path).err


def test_accuracies_of_the_alphas_half_are_marked_in_the_list(nascope, make_run):
    for name, split in (("held-out", "validation"), ("fitted", "alphas")):
        make_run(name, metrics={"validation_accuracy_percent": 90.0, "validation_split": split})
    folder = make_run("other")

    lines = {line.split()[0]: line for line in nascope("runs", folder.path.parent).out.splitlines() if "90.00" in line}

    assert "alphas' half" in lines["fitted"]
    assert "alphas" not in lines["held-out"]


def test_a_test_says_which_weights_it_took_and_what_spoils_it(nascope, engine, make_run):
    finished = nascope("test", make_run(kind="retrain", state="finished").path)
    assert "best on the validation split: those after epoch 7" in finished.err
    assert "not finished" not in finished.err
    assert "warning" not in finished.err

    engine.images_changed = True
    running = nascope("test", make_run("other", kind="retrain", state="running", alive=True).path)
    assert "has not finished (running, 3 of" in running.err
    assert "images have changed" in running.err


def test_a_search_cannot_be_tested(nascope, engine, make_run):
    answer = nascope("test", make_run().path)

    assert answer.code == 2
    assert "Retrain" in answer.err


def test_data_fetch_shows_progress_and_names_the_files(nascope, monkeypatch, tmp_path):
    fetch = types.ModuleType("engine.data.fetch")

    def fake(name, progress):
        for done in range(0, 101, 5):
            progress("downloading", done, 100)
        return [tmp_path / name]

    fetch.fetch = fake
    monkeypatch.setitem(sys.modules, "engine.data.fetch", fetch)

    answer = nascope("data", "fetch", "cifar10", "--json")

    assert answer.json == {"data": "cifar10", "files": [str(tmp_path / "cifar10")]}
    assert [line for line in answer.err.splitlines() if "50 %" in line] == ["downloading: 50 %"]


def test_data_fetch_failure_is_one_sentence(nascope, monkeypatch):
    fetch = types.ModuleType("engine.data.fetch")

    def fail(name, progress):
        raise DataError("cannot be downloaded (no connection).", where=name, mend="Check the network.")

    fetch.fetch = fail
    monkeypatch.setitem(sys.modules, "engine.data.fetch", fetch)

    answer = nascope("data", "fetch", "cifar10")

    assert answer.code == 2
    assert "no connection" in answer.err


def test_doctor_names_problems_with_their_mend(nascope, monkeypatch, nascope_home):
    nascope_home.parent.mkdir(exist_ok=True)
    nascope_home.write_text("a file where the folder should be")

    found = nascope("doctor", "--json").json

    assert {"versions", "devices", "dot", "problems"} <= set(found)
    assert found["home"]["writable"] is False
    assert all(problem["what"] and problem["mend"] for problem in found["problems"])
    assert any("NASCOPE_HOME" in problem["mend"] for problem in found["problems"])


def test_doctor_finds_no_dot_where_there_is_none(nascope, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)

    assert nascope("doctor", "--json").json["dot"] == {"path": None, "version": None}
