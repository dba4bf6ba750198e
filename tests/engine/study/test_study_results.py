"""The table against numbers worked out by hand, its CSV, its page, and that it reads the same twice."""

import csv
import io
import math
import re

import pytest

from engine.runs import RunFolder
from engine.study.curves import CurveReader
from engine.study.page import write_page
from engine.study.results import read_results, results_json
from engine.study.table import as_csv, cells, columns, remarks

ACCURACIES = {
    "darts/seed-0/search": 70.0, "darts/seed-1/search": 72.0, "darts/seed-2/search": 74.0,
    "darts/seed-0/retrain-0": 80.0, "darts/seed-1/retrain-1": 84.0, "darts/seed-2/retrain-2": 82.0,
    "darts/seed-0/retrain-0/test": 90.0, "darts/seed-1/retrain-1/test": 94.0, "darts/seed-2/retrain-2/test": 95.0,
    "random/seed-0/retrain-0/test": 91.0, "random/seed-1/retrain-1/test": 92.0, "random/seed-2/retrain-2/test": 93.0,
}  # fmt: skip


@pytest.fixture
def done(study, carry_out):
    folder = study(methods=["darts"], seeds=3)
    assert carry_out(folder, lambda task: ACCURACIES.get(task.id, 60.0))[0] == "finished"
    return folder


def test_means_and_deviations_are_over_the_cells(done):
    document = results_json(read_results(done.path))
    darts, random = document["methods"]
    assert (darts["name"], darts["seeds"], darts["split"], document["over"]) == ("darts", 3, "test", "cells")
    assert darts["accuracy_percent_mean"] == pytest.approx(93.0)
    assert darts["accuracy_percent_std"] == pytest.approx(math.sqrt((9 + 1 + 4) / 2))
    assert (darts["accuracy_percent_best"], darts["accuracy_percent_worst"]) == (95.0, 90.0)
    assert darts["search_validation_percent_mean"] == pytest.approx(72.0)
    assert random["accuracy_percent_std"] == pytest.approx(1.0)
    assert darts["parameters_mean"] == 1234
    assert darts["tests_so_far"] == 3
    # DARTS_V2: one skip connection in the normal cell, four in the reduction cell (counted in its text).
    assert darts["skip_connections"][0] == skips_of_darts_v2()
    assert darts["search_hours"] == pytest.approx(3 * 36 / 3600)
    assert darts["retrain_hours"] == pytest.approx(3 * 36 / 3600)
    assert darts["gpu_hours"] == 0


def skips_of_darts_v2():
    from engine.genotype.named import named
    from engine.genotype.text import as_text

    normal, reduction = as_text(named("DARTS_V2")).split("reduce=")
    return [normal.count("skip_connect"), reduction.count("skip_connect")]


def test_paired_differences_and_correlation(done):
    document = results_json(read_results(done.path))
    difference = document["differences"][0]
    assert (difference["first"], difference["second"], difference["n"]) == ("darts", "random", 3)
    assert difference["mean_percent"] == pytest.approx((-1 + 2 + 2) / 3)
    assert difference["std_percent"] == pytest.approx(math.sqrt(3))
    # 70, 72, 74 against 90, 94, 95: the same order.
    assert document["methods"][0]["correlation"]["spearman"] == pytest.approx(1.0)
    assert document["correlation"]["n"] == 3 + 3
    assert document["methods"][1]["correlation"] is None


def test_a_finished_study_reads_the_same_again(done):
    assert results_json(read_results(done.path)) == results_json(read_results(done.path))


def test_several_retrainings_of_a_cell_are_averaged_first(study, carry_out):
    folder = study(methods=["darts"], seeds=2, random_cells=0, retrain_seeds=2)
    accuracies = {"darts/seed-0/retrain-0/test": 80.0, "darts/seed-0/retrain-1/test": 90.0,
                  "darts/seed-1/retrain-0/test": 60.0, "darts/seed-1/retrain-1/test": 64.0}  # fmt: skip
    carry_out(folder, lambda task: accuracies.get(task.id, 50.0))
    row = read_results(folder.path).rows[0]
    assert row.accuracy.n == 2
    assert row.accuracies == {0: 85.0, 1: 62.0}


def test_with_a_pick_the_accuracy_is_of_the_picked_cells_retrainings(study, carry_out):
    folder = study(methods=["darts"], seeds=2, random_cells=0, pick={"epochs": 1}, retrain_seeds=[3, 4])
    accuracies = {"darts/seed-0/search": 55.0, "darts/seed-1/search": 51.0, "darts/seed-0/short": 40.0,
                  "darts/seed-1/short": 60.0, "darts/seed-1/retrain-3/test": 90.0, "darts/seed-1/retrain-4/test": 92.0}  # fmt: skip
    carry_out(folder, lambda task: accuracies.get(task.id, 50.0))
    results = read_results(folder.path)
    document = results_json(results)
    row = document["methods"][0]
    assert document["over"] == "retrainings of the picked cell"
    assert (row["seeds"], row["picked_seed"], row["accuracy_count"]) == (2, 1, 2)
    assert row["accuracy_percent"] == {"3": 90.0, "4": 92.0}
    assert row["short_validation_percent_mean"] == 50.0
    assert document["correlation"]["between"][1] == "short_validation_percent"
    assert "not how well another search would do" in remarks(results)[0]


def test_without_a_test_the_split_is_validation(study, carry_out):
    folder = study(methods=["darts"], seeds=1, random_cells=0, test=False)
    _, launcher, _ = carry_out(folder, lambda task: 61.0)
    row = results_json(read_results(folder.path))["methods"][0]
    assert (row["split"], row["accuracy_percent_mean"], row["accuracy_percent_std"]) == ("validation", 61.0, None)
    assert not any(name.endswith("test") for name in launcher.started)


def test_a_study_that_has_not_begun(study):
    results = read_results(study(methods=["darts"]).path)
    assert results.state == "created"
    assert results_json(results)["methods"][0]["accuracy_percent_mean"] is None
    assert cells(results, results.rows[0])[2] == "–"
    assert len(cells(results, results.rows[0])) == len(columns(results))


def test_a_second_test_by_hand_is_counted_and_said(done):
    RunFolder(done.path / "darts/seed-0/retrain-0").add_result("test", data="digits", accuracy_percent=99.9)
    results = read_results(done.path)
    assert results.rows[0].accuracy.mean == pytest.approx(93.0)
    assert results.rows[0].tests_so_far == 4
    assert any("touched 7 times, for 6 retrained networks (1 more than one each" in line for line in remarks(results))


def test_csv_has_one_line_a_retraining(done):
    rows = list(csv.DictReader(io.StringIO(as_csv(read_results(done.path)))))
    assert len(rows) == 6
    assert rows[1] | {"search_seconds": "", "retrain_seconds": ""} == {
        "method": "darts", "row": "darts", "seed": "1", "search_validation_percent": "72.0", "search_validation_split": "validation",
        "short_validation_percent": "", "picked": "", "retrain_seed": "1", "split": "test", "accuracy_percent": "94.0",
        "validation_percent": "84.0", "parameters": "1234", "skips_normal": str(skips_of_darts_v2()[0]),
        "skips_reduction": str(skips_of_darts_v2()[1]), "search_seconds": "", "retrain_seconds": "", "tests_so_far": "1",
        "run": "darts/seed-1/retrain-1",
    }  # fmt: skip


def test_the_page_stands_alone(done, tmp_path):
    text = write_page(read_results(done.path), tmp_path / "page.html").read_text(encoding="utf-8")
    assert "93.00 ± 2.65 (n=3)" in text
    assert not re.search(r"""(?:src|href)=["'](?!#|data:)""", text)
    assert text.count("<svg") == 4
    ids = re.findall(r'\sid="([^"]+)"', text)
    assert len(ids) == len(set(ids))


def test_hostile_names_stay_text(study, tmp_path):
    folder = study(methods=[{"name": "a", "method": "darts", "set": {"space": "no-none"}}], search={"epochs": 1})
    document = folder.path / "study.json"
    text = document.read_text(encoding="utf-8").replace('"command": ""', '"command": "<script>alert(1)</script>"')
    document.write_text(text, encoding="utf-8")
    page = write_page(read_results(folder.path), tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<script>" not in page


def test_curves_are_read_on(done):
    reader = CurveReader()
    run = done.path / "darts/seed-0/search"
    epochs, values, is_validation = reader.curve(run)
    assert (list(epochs), list(values), is_validation) == ([1, 2], [69, 70], True)
    with (run / "events.jsonl").open("a", encoding="utf-8") as log:
        log.write('{"t":1,"step":2,"epoch":2,"type":"epoch","validation_accuracy_percent":71}\n{"t":1,"st')
    assert list(reader.curve(run)[1]) == [69, 70, 71]
    with (run / "events.jsonl").open("a", encoding="utf-8") as log:
        log.write('ep":2,"epoch":2,"type":"resumed"}\n')
    assert list(reader.curve(run)[1]) == [69, 70]
