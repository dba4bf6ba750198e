"""``nascope cost``: the documents, the words, and every refusal. All but the latency without torch."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from engine.config import resolve
from engine.genotype.named import named
from engine.genotype.read import read_genotype
from engine.runs import Event, RunFolder

CIFAR_V2 = (3_349_342, 476_426, 528_359_040)


def alpha_events(seed: int = 0) -> list[Event]:
    source = np.random.default_rng(seed)
    values = {kind: source.normal(size=(14, 8)).tolist() for kind in ("normal", "reduction")}
    return [Event(1.0, 9, 0, "alphas", values)]


def test_json_has_the_published_numbers(nascope):
    for network, expected in (("cifar", CIFAR_V2), ("imagenet", (4_718_752, 1_260_776, 529_911_552))):
        found = nascope("cost", "DARTS_V2", "--network", network, "--auxiliary", "--json").json

        assert (found["parameters"], found["auxiliary_parameters"], found["macs"]) == expected
        assert found["input"] == [3, 32, 32] if network == "cifar" else [3, 224, 224]
        assert sum(part["macs"] for part in found["parts"]) == found["macs"]
        assert sum(part["parameters"] for part in found["parts"]) == found["parameters"]
        assert len(found["parts"]) == found["layers"] + 2


def test_words_name_every_cell_and_the_convention(nascope):
    answer = nascope("cost", "DARTS_V2", "--auxiliary")

    assert answer.code == 0
    for part in (
        "cell 0 normal",
        "cell 6 reduction",
        "cell 19 normal",
        "classifier",
        "3,349,342",
        "476,426",
        "528,359,040",
    ):
        assert part in answer.out
    assert "36 channels and 20 cells" in answer.out
    assert "Several numbers circulate" in answer.err


def test_sizes_can_be_said(nascope):
    found = nascope(
        "cost", "DARTS_V2", "--channels", "16", "--layers", "8", "--classes", "100", "--input", "16", "--json"
    ).json

    assert (found["channels"], found["layers"], found["classes"], found["input"]) == (16, 8, 100, [3, 16, 16])
    assert found["auxiliary_parameters"] == 0


def test_a_retraining_has_its_own_sizes_unless_a_network_is_named(nascope, make_run):
    run = make_run("retraining", kind="retrain", data="cifar100", channels=12, layers=6)

    own = nascope("cost", run.path, "--json").json
    paper = nascope("cost", run.path, "--network", "cifar", "--json").json

    assert (own["channels"], own["layers"], own["classes"]) == (12, 6, 100)
    assert paper["macs"] == CIFAR_V2[2]


def test_a_file_and_a_search_are_counted_at_the_papers_sizes(nascope, make_run, tmp_path):
    file = tmp_path / "cell.json"
    file.write_text(json.dumps(named("DARTS_V2").as_json()))

    assert nascope("cost", file, "--json").json["macs"] == CIFAR_V2[2]
    assert nascope("cost", make_run("search").path, "--json").json["macs"] == CIFAR_V2[2]


@pytest.mark.parametrize(
    ("arguments", "parameters", "macs"),
    [
        ((), 1_930_618, 300_255_744),
        (("pc-darts",), 299_578, 56_596_992),
        (
            ("pc-darts", "--network", "imagenet", "--channels", 16, "--layers", 8, "--partial-channels", 2),
            956_512,
            144_392_832,
        ),
    ],
)
def test_supernets_of_the_methods(nascope, arguments, parameters, macs):
    found = nascope("cost", *arguments, "--supernet", "--json").json

    assert (found["parameters"], found["macs"]) == (parameters, macs)


def test_the_supernet_of_a_search_run(nascope, make_run):
    run = make_run("search", data="digits", channels=8, layers=5, nodes=2)

    found = nascope("cost", run.path, "--supernet", "--json").json
    other = nascope("cost", run.path, "--supernet", "--space", "no-none", "--nodes", 4, "--json").json

    assert (found["input"], found["channels"], found["arch_parameters"]) == ([1, 8, 8], 8, 2 * 5 * 8)
    assert other["arch_parameters"] == 2 * 14 * 7
    assert other["parameters"] > found["parameters"]
    assert "supernet of" in nascope("cost", run.path, "--supernet").out


def test_a_budget_gives_cells_that_keep_to_it(nascope, make_run, tmp_path):
    run = make_run("search", events=alpha_events())
    out = tmp_path / "cells.json"

    free = nascope("cost", run.path, "--budget", "10G", "--json").json
    found = nascope("cost", run.path, "--budget", "350M", "-o", out, "--json").json

    assert free["changed"] == []
    assert free["macs"] == free["unconstrained"]["macs"] > 350_000_000 >= found["macs"]
    assert found["score"] < free["score"] == found["unconstrained"]["score"]
    assert found["changed"]
    written = read_genotype(str(out))
    assert written.as_json() == found["genotype"]
    assert written.source["epoch"] == 1
    assert nascope("cost", out, "--json").json["macs"] == found["macs"]


def test_a_budget_in_words(nascope, make_run):
    run = make_run("search", events=alpha_events())

    tight, wide = nascope("cost", run.path, "--budget", "350M"), nascope("cost", run.path, "--budget", "1G")

    assert tight.code == wide.code == 0
    assert "Normal cell" in tight.out
    assert " against " in tight.out
    assert "nothing changes" in wide.out


def test_the_latency_is_measured_for_one_image_and_for_a_batch(nascope, monkeypatch):
    from engine.bench import latency

    monkeypatch.setattr(latency, "WARM_UP_SECONDS", 0.0)
    monkeypatch.setattr(latency, "TIMING_SECONDS", 0.01)
    sizes = ("--channels", 4, "--layers", 3, "--input", 8, "--latency", "--batch-size", 4, "--device", "cpu")

    found = nascope("cost", "DARTS_V2", *sizes, "--json").json

    assert [row["batch_size"] for row in found["latency"]] == [1, 4]
    assert all(row["median_ms"] > 0 for row in found["latency"])
    assert found["device"].startswith("cpu")
    assert "images a second" in nascope("cost", "DARTS_V2", *sizes).out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "no genotype was named"),
        (("DARTS_V3",), "DARTS_V2"),
        (("DARTS_V2", "--space", "darts"), "--supernet"),
        (("DARTS_V2", "-o", "x.json"), "--budget"),
        (("DARTS_V2", "--supernet"), "neither a search nor a method"),
        (("darts", "--supernet", "--latency"), "--latency"),
        (("--supernet", "--space", "nothing"), "nothing"),
        (("pc-darts", "--supernet", "--channels", "6"), "parts"),
        (("DARTS_V2", "--budget", "500M"), "a budget needs the alphas"),
        (("DARTS_V2", "--auxiliary", "--input", "8"), "auxiliary"),
        (("DARTS_V2", "--channels", "1"), "--channels"),
        (("DARTS_V2", "--latency", "--device", "gpu9", "--channels", "2"), "gpu9"),
    ],
)
def test_refusals_are_one_sentence(nascope, arguments, says):
    answer = nascope("cost", *arguments)

    assert answer.code == 2
    assert says in answer.err
    assert "Traceback" not in answer.err
    assert answer.err.count("\n") == 1


@pytest.mark.parametrize(
    ("budget", "says"), [("much", "«much» is no amount"), ("1M", "the cheapest network"), ("0", "out of range")]
)
def test_refused_budgets(nascope, make_run, budget, says):
    run = make_run("search", events=alpha_events())

    answer = nascope("cost", run.path, "--budget", budget, "--json")

    assert answer.code == 2
    assert says in answer.json["error"]["what"]
    assert answer.json["error"]["mend"]


def test_runs_without_alphas_have_no_budget(nascope, make_run):
    assert "no alphas" in nascope("cost", make_run("empty").path, "--budget", "1G").err
    assert "no search" in nascope("cost", make_run("retraining", kind="retrain").path, "--budget", "1G").err


def test_a_retraining_whose_classes_nobody_has_counted_yet_is_taken_at_the_papers_sizes(nascope, tmp_path):
    values = {"genotype": named("DARTS_V2").as_json(), "data": f"image-folder:{tmp_path}", "channels": 10}
    run = RunFolder.create(tmp_path / "run", resolve("retrain", values=values))

    assert nascope("cost", run.path, "--json").json["macs"] == CIFAR_V2[2]


def test_counting_needs_no_torch():
    code = "import sys; from engine.cli import main; main(['cost', 'DARTS_V2', '--json']); sys.exit('torch' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 0, done.stderr
