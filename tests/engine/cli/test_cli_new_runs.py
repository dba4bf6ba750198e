"""``search`` and ``retrain``: what is said becomes one checked configuration, and a refused start leaves nothing."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from engine.errors import DataError
from engine.genotype.named import named
from engine.runs import RunFolder, find_runs, runs_home


def config_of(path):
    return RunFolder.open(path).config_document()


def test_search_answers_with_run_state_epochs_metrics_and_genotype(nascope, engine, tmp_path):
    answer = nascope("search", "--out", tmp_path / "run", "--json")

    assert answer.code == 0
    assert answer.json["run"] == str(tmp_path / "run")
    assert answer.json["state"] == "finished"
    assert answer.json["epochs"] == 2
    assert answer.json["metrics"] == {"validation_accuracy_percent": 91.5}
    assert answer.json["genotype"]["normal"] == named("DARTS_V1").as_json()["normal"]


def test_retrain_answer_has_no_genotype_of_a_search(nascope, engine, tmp_path):
    answer = nascope("retrain", "DARTS_V2", "--out", tmp_path / "run", "--json")

    assert set(answer.json) == {"run", "state", "epochs", "metrics"}


def test_options_and_settings_reach_the_configuration(nascope, engine, tmp_path):
    nascope(
        "search", "--method", "pc-darts", "--data", "digits", "--seed", 7, "--epochs", 9, "--device", "cpu", "--preset", "small",
        "--set", "channels=12", "--set", "batch_size=32", "--name", "mine", "--out", tmp_path / "run",
    )  # fmt: skip

    config = config_of(tmp_path / "run")
    said = ("method", "data", "seed", "epochs", "device", "channels", "batch_size", "partial_channels", "preset")
    assert [config[key] for key in said] == ["pc-darts", "digits", 7, 9, "cpu", 12, 32, 4, "small"]
    assert RunFolder(tmp_path / "run").meta()["name"] == "mine"


def test_configuration_keeps_the_command_that_started_the_run(nascope, engine, tmp_path):
    nascope("search", "--out", tmp_path / "a run", "--seed", "1")

    assert config_of(tmp_path / "a run")["command"] == f"nascope search --out '{tmp_path / 'a run'}' --seed 1"


def test_without_out_runs_get_dated_folders_that_are_free(nascope, engine):
    first, second = (nascope("search", "--json").json["run"] for _ in range(2))

    assert first != second
    assert {str(run.path) for run in find_runs(runs_home())} == {first, second}
    assert first.endswith("-darts-digits")


def test_a_runs_configuration_can_be_used_again(nascope, engine, tmp_path):
    nascope("search", "--method", "pc-darts", "--seed", 5, "--set", "channels=8", "--out", tmp_path / "first")

    nascope("search", "--config", tmp_path / "first/config.json", "--epochs", 11, "--out", tmp_path / "second")

    first, second = config_of(tmp_path / "first"), config_of(tmp_path / "second")
    assert (second["method"], second["seed"], second["channels"], second["epochs"]) == ("pc-darts", 5, 8, 11)
    assert second["partial_channels"] == first["partial_channels"] == 4


def test_another_method_does_not_keep_the_switches_of_the_file(nascope, engine, tmp_path):
    nascope("search", "--method", "pc-darts", "--set", "channels=8", "--out", tmp_path / "first")

    nascope("search", "--config", tmp_path / "first/config.json", "--method", "darts", "--out", tmp_path / "second")

    second = config_of(tmp_path / "second")
    assert (second["method"], second["partial_channels"], second["edge_normalization"]) == ("darts", 1, False)
    assert second["channels"] == 8


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--set", "batchsize=64"], "batch_size"),
        (["--set", "batch_size=-1"], "batch_size"),
        (["--set", "learning_rate=fast"], "learning_rate"),
        (["--epochs", "0"], "epochs"),
        (["--epochs", "many"], "epochs"),
        (["--seed", "-1"], "seed"),
        (["--device", "tpu"], "tpu"),
        (["--device", "cuda:99"], "cuda:99"),
        (["--preset", "papr"], "paper"),
        (["--method", "beta-dart"], "beta-darts"),
        (["--data", "cifar11"], "cifar10"),
        (["--data", "npz"], "npz:FILE"),
        (["--epochs", "3", "--set", "epochs=4"], "twice"),
        (["--config", "missing.json"], "missing.json"),
        (["--set", "genotype={}"], "genotype"),
    ],
)
def test_bad_settings_are_refused_before_a_folder_is_made(nascope, engine, tmp_path, arguments, says):
    answer = nascope("search", *arguments, "--out", tmp_path / "run")

    assert answer.code == 2
    assert says in answer.err
    assert not (tmp_path / "run").exists()
    assert engine.carried_out == []


def test_all_faults_are_named_at_once(nascope, engine):
    answer = nascope("search", "--set", "batch_size=0", "--set", "channels=0", "--set", "chanels=3")

    assert all(name in answer.err for name in ("batch_size", "channels", "chanels"))


def test_broken_and_foreign_configuration_files_are_refused_by_name(nascope, engine, tmp_path):
    broken, other = tmp_path / "broken.json", tmp_path / "other.json"
    broken.write_text('{"kind": "search",')
    other.write_text(json.dumps({"kind": "retrain", "epochs": 3}))

    assert "broken.json" in nascope("search", "--config", broken).err
    answer = nascope("search", "--config", other)
    assert answer.code == 2
    assert "other.json" in answer.err
    assert "retrain" in answer.err


def test_data_that_cannot_be_used_leave_no_run_behind(nascope, engine, tmp_path):
    engine.failure = DataError("is no image.", where="pets/dog/broken.png")

    answer = nascope("search", "--out", tmp_path / "run")

    assert answer.code == 2
    assert "broken.png" in answer.err
    assert not (tmp_path / "run").exists()


def test_refused_start_leaves_no_dated_folder(nascope, engine):
    engine.failure = DataError("is no image.", where="pets/dog/broken.png")

    nascope("search")

    assert list(runs_home().iterdir()) == []


def test_refused_start_keeps_what_was_in_the_folder_before(nascope, engine, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/notes.txt").write_text("precious")
    engine.failure = DataError("is no image.")

    nascope("search", "--out", tmp_path / "mine")

    assert [file.name for file in (tmp_path / "mine").iterdir()] == ["notes.txt"]


def test_a_folder_that_holds_a_run_is_refused_and_kept(nascope, engine, make_run):
    folder = make_run()
    before = (folder.path / "config.json").read_text()

    answer = nascope("search", "--out", folder.path)

    assert answer.code == 2
    assert "holds a run already" in answer.err
    assert (folder.path / "config.json").read_text() == before


@pytest.mark.parametrize(
    ("state", "code", "says"),
    [("stopped", 130, "Ctrl-C"), ("stopped", 143, "SIGTERM"), ("stopped", 3, "nascope stop"), ("failed", 1, "failed")],
)
def test_exit_code_and_resume_hint_of_a_run_that_did_not_finish(nascope, engine, tmp_path, state, code, says):
    error = {"what": "Out of memory.", "where": "batch_size", "mend": "Halve it."} if state == "failed" else None
    engine.outcome = replace(engine.outcome, state=state, exit_code=code, error=error)

    answer = nascope("search", "--out", tmp_path / "run", "--json")

    assert answer.code == code
    assert answer.json["state"] == state
    assert says in answer.err
    assert f"nascope resume {tmp_path / 'run'}" in answer.err
    assert ("error" in answer.json) == (state == "failed")


def test_crash_leaves_its_traceback_in_the_runs_log(nascope, engine, tmp_path):
    engine.failure = ZeroDivisionError("of all things")

    answer = nascope("search", "--out", tmp_path / "run")

    assert answer.code == 1
    assert str(tmp_path / "run/log.txt") in answer.err
    assert "Traceback" not in answer.err
    assert "ZeroDivisionError: of all things" in (tmp_path / "run/log.txt").read_text()


def test_tied_to_stdin_is_passed_on(nascope, engine, tmp_path):
    nascope("search", "--out", tmp_path / "run", "--tied-to-stdin")

    assert engine.carried_out == [(tmp_path / "run", True)]


def test_retrain_takes_cells_and_split_from_a_search(nascope, engine, make_run, tmp_path):
    search = make_run("search", state="finished")
    search.add_facts(decided={"split_fingerprint": "abc"})

    nascope("retrain", search.path, "--out", tmp_path / "retrained")

    config = config_of(tmp_path / "retrained")
    assert config["search_run"] == str(search.path)
    assert config["split_fingerprint"] == "abc"
    assert config["genotype"]["normal"] == named("DARTS_V2").as_json()["normal"]


def test_retrain_refuses_primitives_that_nothing_builds(nascope, engine, tmp_path):
    document = named("DARTS_V2").as_json()
    document["normal"]["nodes"][1][1][0] = "dw_conv_7x7"
    (tmp_path / "strange.json").write_text(json.dumps(document))

    answer = nascope("retrain", tmp_path / "strange.json", "--out", tmp_path / "run")

    assert answer.code == 2
    assert "dw_conv_7x7" in answer.err
    assert "nascope.primitives" in answer.err
    assert not (tmp_path / "run").exists()


def test_retrain_of_a_search_without_cells_is_refused(nascope, engine, make_run):
    answer = nascope("retrain", make_run(genotype=None).path)

    assert answer.code == 2
    assert "no cell" in answer.err


def test_demo_searches_retrains_tests_and_reports(nascope, engine, tmp_path):
    answer = nascope("demo", "--out", tmp_path / "demo", "--epochs", 2, "--retrain-epochs", 3, "--json")

    assert answer.code == 0
    assert answer.json["test"]["accuracy_percent"] == 97.25
    assert [path for path, _ in engine.carried_out] == [tmp_path / "demo/search", tmp_path / "demo/retrain"]
    assert config_of(tmp_path / "demo/retrain")["epochs"] == 3
    assert config_of(tmp_path / "demo/retrain")["search_run"] == str(tmp_path / "demo/search")
    assert (tmp_path / "demo/retrain/report.html").exists()


def test_demo_ends_with_a_stopped_search(nascope, engine, tmp_path):
    engine.outcome = replace(engine.outcome, state="stopped", exit_code=130)

    answer = nascope("demo", "--out", tmp_path / "demo")

    assert answer.code == 130
    assert len(engine.carried_out) == 1
    assert "nascope resume" in answer.err


def test_demo_refuses_bad_settings_of_the_second_stage_first(nascope, engine):
    answer = nascope("demo", "--retrain-epochs", "0")

    assert answer.code == 2
    assert engine.carried_out == []
