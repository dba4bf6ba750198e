"""``retrain``, ``test`` and ``export`` with a sub-network: what its words mean, and which settings it gets."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from engine.cli.arguments import find_subnet
from engine.config import resolve
from engine.config.advice import rate_for_another_batch
from engine.errors import NascopeError
from engine.runs import RunFolder
from engine.runs.subnet_log import SubnetRow, append_subnet
from engine.subnets import named_subnets, space_named
from engine.subnets.architecture import biggest, smallest
from engine.subnets.sample import mutate

LAPTOP = space_named("laptop")
A0 = named_subnets()["AttentiveNAS-A0"].architecture


@pytest.fixture
def run(tmp_path):
    """A two-stage run that has finished, with settings of its own for the images."""
    values = {
        "validation_portion": 0.2,
        "seed": 6,
        "limit_images": 500,
        "learning_rate": 0.3,
        "batch_size": 32,
        "epochs": 12,
    }
    folder = RunFolder.create(tmp_path / "run", resolve("two-stage", method="bignas", data="digits", values=values))
    folder.add_facts(decided={"split_fingerprint": "f" * 32})
    folder.write_status(replace(folder.status(), state="finished", epoch=12, epochs=12))
    return folder


def row(architecture):
    return SubnetRow(architecture.as_json(), 1, 2, 3, 90.0, 0.5, "evolution", "abc", {}, 1.0)


def config_of(path):
    return RunFolder.open(path).config_document()


# -- which sub-network ------------------------------------------------------------------------------------------------


def test_every_way_to_name_a_sub_network(run, tmp_path):
    import random

    chosen = mutate(biggest(LAPTOP), 0.5, random.Random(2))
    append_subnet(run.path, row(smallest(LAPTOP)))
    append_subnet(run.path, row(chosen))
    record, answer = tmp_path / "record.json", tmp_path / "row.json"
    record.write_text(json.dumps(replace(chosen, space=LAPTOP.with_classes(100)).as_json()))
    answer.write_text(json.dumps({"accuracy_percent": 1.0, "architecture": chosen.as_json()}))

    for text in (chosen.key, chosen.key.upper(), str(record), str(answer)):
        assert find_subnet(text, run) == chosen, text
    assert find_subnet("smallest", run) == smallest(LAPTOP)
    assert find_subnet("biggest", run) == biggest(LAPTOP)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("01234567", "nascope select"),
        ("medium", "smallest"),
        ("AttentiveNAS-A0", "laptop"),
        ("no/such/file.json", "no such"),
        ("broken.json", "JSON"),
        ("", "RUN|file"),
    ],
)
def test_what_is_no_sub_network(run, tmp_path, monkeypatch, text, says):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "broken.json").write_text("{")
    (run.path / "subnets.jsonl").write_text('{"architecture": 3}\nnonsense\n')

    with pytest.raises(NascopeError, match=says):
        find_subnet(text, run)


# -- retrain ----------------------------------------------------------------------------------------------------------


def test_a_published_network_or_a_record_is_trained_from_scratch(nascope, engine, tmp_path):
    record = tmp_path / "record.json"
    record.write_text(json.dumps(A0.as_json()))

    for target, out in (("AttentiveNAS-A0", "one"), (record, "two")):
        assert nascope("retrain", target, "--epochs", 3, "--out", tmp_path / out, "--json").code == 0
        config = config_of(tmp_path / out)
        assert (config["kind"], config["epochs"], config["supernet_run"]) == ("subnet", 3, None)
        assert config["architecture"] == A0.as_json()
        assert config["learning_rate"] == 0.1  # of the preset
    assert nascope("retrain", tmp_path / "one", "--out", tmp_path / "three").code == 0
    assert config_of(tmp_path / "three")["architecture"] == A0.as_json()
    assert "retrain-AttentiveNAS-A0-digits" in nascope("retrain", "AttentiveNAS-A0", "--json").json["run"]


def test_fine_tuning_is_gentle_and_on_the_images_of_the_run(nascope, engine, run, tmp_path):
    assert nascope("retrain", run.path, "--subnet", "biggest", "--out", tmp_path / "out").code == 0

    config = config_of(tmp_path / "out")
    assert config["supernet_run"] == str(run.path)
    assert config["split_fingerprint"] == "f" * 32
    images = ("data", "validation_portion", "seed", "limit_images")
    assert [config[name] for name in images] == ["digits", 0.2, 6, 500]
    gentle = ("epochs", "learning_rate", "learning_rate_warmup_epochs", "dropout", "drop_connect", "batch_size")
    # A tenth of the preset's 0.1 for batches of 64, not of what the supernet was trained with.
    assert [config[name] for name in gentle] == [10, pytest.approx(0.01), 0, 0.0, 0.0, 64]


def test_what_a_person_says_wins_over_the_run_and_over_gentleness(nascope, engine, run, tmp_path):
    (tmp_path / "settings.json").write_text(json.dumps({"dropout": 0.5, "seed": 8}))

    answer = nascope(
        "retrain", run.path, "--subnet", "smallest", "--epochs", 30, "--set", "learning_rate=0.2", "--set", "learning_rate_warmup_epochs=2",
        "--config", tmp_path / "settings.json", "--out", tmp_path / "out",
    )  # fmt: skip

    config = config_of(tmp_path / "out")
    said = ("epochs", "learning_rate", "learning_rate_warmup_epochs", "dropout", "seed", "validation_portion")
    assert answer.code == 0
    assert [config[name] for name in said] == [30, 0.2, 2, 0.5, 8, 0.2]


def test_other_data_have_splits_of_their_own(nascope, engine, run, tmp_path):
    data = f"npz:{tmp_path / 'other.npz'}"
    (tmp_path / "other.npz").write_bytes(b"")

    nascope("retrain", run.path, "--subnet", "smallest", "--data", data, "--out", tmp_path / "tuned")
    nascope("retrain", run.path, "--subnet", "smallest", "--data", data, "--from-scratch", "--out", tmp_path / "anew")
    nascope("retrain", run.path, "--subnet", "smallest", "--from-scratch", "--out", tmp_path / "same")

    tuned, anew, same = (config_of(tmp_path / name) for name in ("tuned", "anew", "same"))
    assert (tuned["data"], tuned["seed"], tuned["limit_images"], tuned["supernet_run"]) == (
        data,
        0,
        None,
        str(run.path),
    )
    assert (anew["supernet_run"], anew["split_fingerprint"]) == (None, None)
    assert (same["supernet_run"], same["split_fingerprint"], same["seed"]) == (None, "f" * 32, 6)
    assert (same["epochs"], same["dropout"]) == (30, 0.2)  # of the preset, from scratch


def test_refused_retrainings(nascope, engine, run, tmp_path):
    young = RunFolder.create(tmp_path / "young", resolve("two-stage", method="bignas", data="digits"))
    search = RunFolder.create(tmp_path / "search", resolve("search", data="digits"))
    for arguments, says in (
        ((run.path,), "nascope select"),
        ((run.path, "--from-scratch"), "nascope select"),
        ((run.path, "--subnet", "huge"), "no such"),
        ((young.path, "--subnet", "biggest"), "no epoch"),
        ((search.path, "--subnet", "biggest"), "no two-stage run"),
        (("AttentiveNAS-A0", "--subnet", "biggest"), "sub-network itself"),
        (("DARTS_V2", "--from-scratch"), "no two-stage run"),
        (("AttentiveNAS-A0", "--set", "layers=3"), "layers"),
    ):
        answer = nascope("retrain", *arguments, "--out", tmp_path / "out")
        assert (answer.code, says in answer.err, answer.err.count("\n")) == (2, True, 1), answer.err
        assert not (tmp_path / "out").exists()


def test_an_unfinished_supernet_is_said(nascope, engine, run, tmp_path):
    run.write_status(replace(run.status(), state="stopped", epoch=4))

    answer = nascope("retrain", run.path, "--subnet", "biggest", "--out", tmp_path / "out")

    assert answer.code == 0
    assert "4 of 12 epochs" in answer.err


def test_help_names_the_settings_that_only_sub_networks_have(nascope):
    text = nascope("retrain", "--help").out
    assert "Weights, sub-networks only" in text
    assert "nesterov" in text
    assert text.count("learning_rate_schedule ") == 1
    assert "networks_per_step" in nascope("search", "--help").out


@pytest.mark.parametrize(("kind", "values"), [("two-stage", {}), ("subnet", {"architecture": A0.as_json()})])
def test_a_rate_for_another_batch_is_told_for_the_new_kinds(kind, values):
    usual = resolve(kind, data="digits", values=values)
    changed = resolve(kind, data="digits", values={**values, "batch_size": 256})

    assert rate_for_another_batch(usual) is None
    assert "learning_rate=0.1 would be 0.4" in rate_for_another_batch(changed)


# -- test -------------------------------------------------------------------------------------------------------------


def test_testing_a_sub_network_says_what_it_costs(nascope, engine, run):
    answer = nascope("test", run.path, "--subnet", "biggest")

    assert answer.code == 0
    assert "3.179 M multiply-adds, 139,458 parameters" in answer.out
    found = nascope("test", run.path, "--subnet", "biggest", "--json").json
    assert (found["architecture"], found["tests_so_far"]) == (biggest(LAPTOP).as_json(), 2)


def test_refused_tests(nascope, engine, run, tmp_path):
    search = RunFolder.create(tmp_path / "search", resolve("search", data="digits"))
    for arguments, says in (
        ((run.path,), "nascope select"),
        ((search.path,), "nascope retrain"),
        ((search.path, "--subnet", "biggest"), "two-stage"),
    ):
        answer = nascope("test", *arguments)
        assert (answer.code, says in answer.err) == (2, True), answer.err
    assert run.results() == []
