"""``nascope select`` on a supernet with random weights: what it answers, keeps, reuses and refuses."""

from __future__ import annotations

import json
import os
import signal

import pytest
import torch

from engine.config import resolve
from engine.data import load_data
from engine.runs import RunFolder, Status
from engine.runs.subnet_log import read_subnets
from engine.subnets import architecture_from_json, space_from_json
from engine.training.checkpoint import save_checkpoint
from engine.two_stage.measuring import SubnetMeter
from engine.two_stage.supernet import DynamicSupernet

SPACE = {
    "schema": 1, "name": "tiny", "classes": 10, "resolution": [8, 12], "first": {"width": [4, 8], "stride": 1},
    "stages": [
        {"name": "mb1", "width": [8], "depth": [1, 2], "kernel_size": [3, 5], "expand_ratio": [1], "stride": 2, "squeeze_excite": False},
        {"name": "mb2", "width": [8, 16], "depth": [1, 2], "kernel_size": [3, 5], "expand_ratio": [2, 3], "stride": 2,
         "squeeze_excite": True},
    ],
    "last": {"width": [16, 32], "head": "v3", "expansion": 2},
}  # fmt: skip


def config():
    return resolve(
        "two-stage", method="bignas",
        values={
            "space": "tiny", "space_definition": SPACE, "data": "digits", "image_size": 8, "limit_images": 96, "batch_size": 32,
            "epochs": 3, "calibration_images": 48, "calibration_batch_size": 24, "seed": 3, "threads": 1, "device": "cpu",
        },
    )  # fmt: skip


@pytest.fixture(scope="module")
def data():
    return load_data(config(), torch.device("cpu"))


@pytest.fixture
def run(tmp_path, data):
    """A finished run."""
    folder = RunFolder.create(tmp_path / "run", config())
    torch.manual_seed(0)
    supernet = DynamicSupernet(space_from_json(SPACE), zero_gamma=False)
    trainer = {
        "weights": supernet.state_dict(), "classes": list(data.class_names), "image_channels": data.channels,
        "image_size": data.image_size, "normalization": [list(data.normalization.mean), list(data.normalization.std)],
    }  # fmt: skip
    save_checkpoint(folder.path / "checkpoint-last.pt", {"step": 9, "epoch": 3, "epochs_ended": 3, "trainer": trainer})
    folder.add_facts(decided={"split_fingerprint": data.fingerprint, "reading": "memory"})
    folder.write_status(Status("finished", epoch=3, epochs=3))
    return folder


def least_macs():
    from engine.cost.subnets import subnet_macs
    from engine.subnets.architecture import smallest

    return subnet_macs(smallest(space_from_json(SPACE)))


def select(nascope, run, *more):
    return nascope("select", run.path, "--device", "cpu", "--evaluations", 6, *more)


def test_the_answer_the_rows_and_the_kept_network_agree(nascope, run, tmp_path):
    limit = 3 * least_macs()
    out = tmp_path / "best.json"
    answer = select(nascope, run, "--macs", limit, "-o", out, "--json")
    assert answer.code == 0, answer.err
    found = answer.json
    assert found["budget"] == {"macs": limit}
    assert found["strategy"] == "coarse-to-fine"
    front = found["subnets"]
    assert front
    assert all(row["macs"] <= limit for row in front)
    rows = read_subnets(run.path)
    assert len(rows) == found["measured_now"] == found["evaluated"]
    by_record = {json.dumps(row.architecture, sort_keys=True): row for row in rows}
    for row in front:
        kept = by_record[json.dumps(row["architecture"], sort_keys=True)]
        assert (kept.accuracy_percent, kept.macs, kept.setting) == (
            row["accuracy_percent"],
            row["macs"],
            found["setting"],
        )
    assert found["random"]["evaluated"] == 6
    best = json.loads(out.read_text())
    assert best["key"] == front[0]["key"] == architecture_from_json(best["architecture"]).key
    assert best["run"] == str(run.path)
    assert (run.path / "subnets" / f"{best['key']}.json").is_file()
    assert (run.path / "subnets" / f"{best['key']}.pt").is_file()
    (result,) = run.results()
    assert (result["what"], result["strategy"], result["best"]["key"]) == ("select", "coarse-to-fine", best["key"])
    assert run.tests_so_far() == 0


def test_accuracies_are_those_of_the_meter(nascope, run, data):
    found = select(nascope, run, "--json").json["subnets"][0]
    torch.manual_seed(0)
    supernet = DynamicSupernet(space_from_json(SPACE), zero_gamma=False)
    supernet.order_memory(channels_last=True)
    meter = SubnetMeter(data, config(), torch.device("cpu"))
    architecture = architecture_from_json(found["architecture"])
    assert meter.measure(supernet, architecture).accuracy_percent == pytest.approx(found["accuracy_percent"])


def test_a_second_selection_measures_nothing_again(nascope, run):
    first = select(nascope, run, "--json").json
    lines = (run.path / "subnets.jsonl").read_text()
    again = select(nascope, run, "--json").json
    assert again["measured_now"] == 0
    assert again["subnets"] == first["subnets"]
    assert (run.path / "subnets.jsonl").read_text() == lines
    assert "--seed" in select(nascope, run).err


def test_words_for_people(nascope, run):
    answer = select(nascope, run, "--strategy", "evolution")
    assert answer.code == 0
    key = run.results()[-1]["best"]["key"]
    assert key in answer.out
    assert "random networks" in answer.out
    assert f"nascope test {run.path} --subnet {key}" in answer.err
    assert "evolution" in answer.err


def test_a_predictor_tells_its_rank_correlation(nascope, run):
    found = nascope("select", run.path, "--evaluations", 16, "--predictor", "--json").json
    assert set(found["predictor"]) >= {"rank_correlation", "networks"}
    assert found["predictor"]["networks"] >= 16
    assert "held-out" in nascope("select", run.path, "--evaluations", 16, "--predictor").out


def test_a_limit_of_latency_is_measured(nascope, run, monkeypatch):
    from engine.bench import latency as bench

    monkeypatch.setattr(bench, "WARM_UP_SECONDS", 0.0)
    monkeypatch.setattr(bench, "_MOST_PASSES", 5)
    found = select(nascope, run, "--latency", "10s", "--json").json
    assert all(0 < row["latency_ms"] < 10_000 for row in found["subnets"])
    assert found["latency"]["dropped"] == 0
    assert list(run.path.glob("latency-*.json"))
    assert any(row.latency_ms for row in read_subnets(run.path))
    refused = select(nascope, run, "--latency", "1us")
    assert refused.code == 2
    assert "the smallest network takes" in refused.err


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (("--macs", "1k"), "--macs 1k: the smallest network has"),
        (("--parameters", "5"), "--parameters 5: the smallest network has"),
        (("--memory", "1KiB"), "--memory 1KiB: the smallest network takes"),
        (("--macs", "much"), "no amount of multiply-adds"),
        (("--parameters", "much"), "no amount of parameters"),
        (("--memory", "8M"), "no amount of memory"),
        (("--latency", "5"), "no time"),
        (("--strategy", "greedy"), "no strategy"),
        (("--predictor",), "too few"),
    ],
)
def test_what_is_refused_before_anything_is_measured(nascope, run, more, says):
    answer = select(nascope, run, *more)
    assert answer.code == 2
    assert says in answer.err
    assert len(answer.err.splitlines()) == 1
    assert not (run.path / "subnets.jsonl").exists()


def test_runs_without_a_supernet_are_refused(nascope, make_run):
    answer = nascope("select", make_run(state="finished").path)
    assert (answer.code, "no supernet" in answer.err) == (2, True)


def test_an_unfinished_run_is_refused_until_said(nascope, run):
    run.write_status(Status("stopped", epoch=2, epochs=3))
    refused = select(nascope, run)
    assert refused.code == 2
    assert "stopped, 2 of 3 epochs" in refused.err
    assert "nascope resume" in refused.err
    assert select(nascope, run, "--unfinished").code == 0


def test_a_running_run_is_refused(nascope, run):
    from engine.runs.status import process_start_time

    run.write_status(
        Status("running", epoch=2, epochs=3, pid=os.getpid(), host=os.uname().nodename, process_started=process_start_time(os.getpid()))
    )  # fmt: skip
    answer = select(nascope, run, "--unfinished")
    assert answer.code == 2
    assert "training is running" in answer.err


def test_a_run_without_an_epoch_is_refused(nascope, run, data):
    content = torch.load(run.path / "checkpoint-last.pt", weights_only=True)
    save_checkpoint(run.path / "checkpoint-last.pt", {**content, "epochs_ended": 0})
    answer = select(nascope, run, "--unfinished")
    assert (answer.code, "no epoch is trained yet" in answer.err) == (2, True)


def test_two_selections_at_once_are_refused(nascope, run):
    from filelock import FileLock

    with FileLock(run.path / ".select.lock"):
        answer = select(nascope, run)
    assert (answer.code, "selection" in answer.err) == (2, True)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_keeps_what_was_measured(nascope, run, monkeypatch, number, code):
    measure = SubnetMeter.measure

    def third_is_interrupted(self, *more):
        if len(read_subnets(run.path)) == 3:
            signal.raise_signal(number)
        return measure(self, *more)

    monkeypatch.setattr(SubnetMeter, "measure", third_is_interrupted)
    answer = select(nascope, run)
    assert answer.code == code
    assert "3 newly measured networks are kept" in answer.err
    assert len(read_subnets(run.path)) == 3
    monkeypatch.setattr(SubnetMeter, "measure", measure)
    found = select(nascope, run, "--json").json
    assert found["measured_now"] == found["evaluated"] - 3
