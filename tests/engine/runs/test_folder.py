"""Run folders: made once, read back, listed, and never broken by a file that somebody spoiled."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest
from filelock import FileLock

from engine.config import SearchConfig, resolve
from engine.errors import ConfigError, GenotypeError, RunError
from engine.genotype.named import named
from engine.runs import RunFolder, Status, find_runs, give_order, runs_home, summarize
from engine.runs.control import ControlWatch, read_control
from engine.runs.files import read_json, write_atomically
from engine.runs.library import default_title
from engine.runs.origin import retrain_origin
from engine.subnets import architecture_from_json, named_subnets


def search(**values: object) -> SearchConfig:
    config = resolve("search", values=values)
    assert isinstance(config, SearchConfig)
    return config


def test_a_new_folder_tells_everything(tmp_path: Path) -> None:
    folder = RunFolder.create(
        tmp_path / "a" / "run", search(epochs=7), {"versions": {"torch": "2"}, "command": "nascope"}, name="mine"
    )

    assert RunFolder.open(folder.path).config() == search(epochs=7)
    document = folder.config_document()
    assert (document["schema"], document["command"], document["world_size"]) == (1, "nascope", 1)
    assert folder.status() == Status("created", epochs=7)
    assert folder.meta() == {"name": "mine", "tags": [], "notes": ""}
    assert folder.genotype() is None
    assert folder.results() == []


def test_a_second_run_in_one_folder_is_refused(tmp_path: Path) -> None:
    RunFolder.create(tmp_path, search())

    with pytest.raises(RunError, match="holds a run already"):
        RunFolder.create(tmp_path, search())


def test_a_file_in_the_way_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")

    with pytest.raises(RunError, match="cannot be written"):
        RunFolder.create(tmp_path / "file" / "run", search())


@pytest.mark.parametrize(("name", "says"), [("nothing-here", "no such run folder"), (".", "holds no run")])
def test_opening_what_is_no_run_says_so(name: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=says) as caught:
        RunFolder.open(tmp_path / name)
    assert str(tmp_path) in str(caught.value.where)


def test_dated_folders_get_free_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NASCOPE_HOME", str(tmp_path))

    paths = [RunFolder.create_dated(search(), slug="darts-digits").path for _ in range(3)]

    assert all(path.parent == runs_home() == tmp_path / "runs" for path in paths)
    assert [path.name[10:] for path in paths] == ["-darts-digits", "-darts-digits-2", "-darts-digits-3"]


def test_facts_are_added_and_the_configuration_stays(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path, search())
    folder.add_facts(decided={"threads": 2})

    assert folder.config() == search()
    assert folder.config_document()["decided"] == {"threads": 2}


def test_the_genotype_of_a_search_and_of_a_retraining(tmp_path: Path) -> None:
    searched = RunFolder.create(tmp_path / "s", search())
    searched.write_genotype(named("DARTS_V1"))
    config = resolve("retrain", values={"genotype": named("DARTS_V2").as_json()})
    retrained = RunFolder.create(tmp_path / "r", config)

    assert searched.genotype() == named("DARTS_V1")
    assert retrained.genotype() == named("DARTS_V2")
    (tmp_path / "s" / "genotype.json").write_text('{"normal": 5}', encoding="utf-8")
    with pytest.raises(GenotypeError, match=r"genotype\.json"):
        searched.genotype()


def test_results_are_kept_and_tests_counted(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path, search())
    folder.add_result("test", accuracy_percent=97.0)
    folder.add_result("discretization_gap", gap_percent=3.0)
    with (tmp_path / "results.jsonl").open("a", encoding="utf-8") as file:
        file.write('[1]\n{"what": "te')
    assert [row["what"] for row in folder.results()] == ["test", "discretization_gap"]
    assert folder.tests_so_far() == 1


def test_the_lock_keeps_a_second_writer_out(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path, search())
    lock = folder.lock()
    try:
        with pytest.raises(RunError, match="works on this run"):
            folder.lock()
    finally:
        lock.release()
    other = folder.lock()
    assert isinstance(other, FileLock)
    other.release()


def test_the_end_of_a_text_file_is_shown(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    (tmp_path / "log.txt").write_text("".join(f"line {number}\n" for number in range(500)), encoding="utf-8")

    assert folder.tail_of("log.txt", 2) == ["line 498", "line 499"]
    assert folder.tail_of("none.txt") == []


def test_runs_are_found_newest_first_and_spoiled_ones_left_out(tmp_path: Path) -> None:
    for number, place in enumerate(("old", "deep/er/new", "hidden/.trash/x", "too/deep/for/us")):
        folder = RunFolder.create(tmp_path / place, search())
        folder.add_facts(created=1000 + number)  # whole seconds, as an import writes them
    for name, content in (("spoiled", "{"), ("list", "[]"), ("kindless", "{}")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text(content, encoding="utf-8")

    assert [run.path.relative_to(tmp_path).as_posix() for run in find_runs(tmp_path)] == ["deep/er/new", "old"]
    assert [run.path for run in find_runs(tmp_path / "old")] == [tmp_path / "old"]
    assert find_runs(tmp_path / "nowhere") == []


@pytest.mark.parametrize("meta", ["{", "[]", '{"tags": null, "name": 5}', '{"tags": "x", "more": 1}', "\ufffd"])
def test_notes_that_somebody_spoiled_hide_no_run(meta: str, tmp_path: Path) -> None:
    RunFolder.create(tmp_path, search())
    (tmp_path / "meta.json").write_text(meta, encoding="utf-8")

    [run] = find_runs(tmp_path)

    assert run.title == "DARTS 1st order · digits"
    assert run.tags == ()


def test_notes_are_changed_one_by_one(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path, search(), name="first")
    folder.write_meta(tags=["good"])

    summary = summarize(tmp_path)

    assert summary is not None
    assert (summary.title, summary.tags) == ("first", ("good",))
    row = summary.as_json()
    assert {"path", "kind", "method", "data", "state", "epoch", "epochs", "metrics"} <= set(row)
    json.dumps(row)


_A0 = named_subnets()["AttentiveNAS-A0"].architecture.as_json()
_ALMOST_A0 = architecture_from_json(_A0 | {"resolution": 224})


@pytest.mark.parametrize(
    ("config", "title"),
    [
        ({"kind": "search", "method": "pc-darts", "data": "cifar10"}, "PC-DARTS · CIFAR-10"),
        ({"kind": "search", "method": "darts", "order": 2, "data": "digits"}, "DARTS 2nd order · digits"),
        ({"kind": "search", "method": "own", "data": "image-folder:/a/pets"}, "own · pets"),
        ({"kind": "retrain", "genotype": {"name": "DARTS_V2"}, "data": "strange"}, "Retrain of DARTS_V2 · strange"),
        ({"kind": "retrain", "genotype": [1]}, "Retrain of a cell · "),
        ({"kind": "two-stage", "method": "bignas", "data": "digits"}, "BigNAS · digits"),
        ({"kind": "subnet", "architecture": _A0, "data": "cifar10"}, "AttentiveNAS-A0 · CIFAR-10"),
        (
            {"kind": "subnet", "architecture": _A0 | {"classes": 10}, "supernet_run": "/a", "data": "cifar10"},
            "Fine-tuned AttentiveNAS-A0 · CIFAR-10",
        ),
        ({"kind": "subnet", "architecture": _A0 | {"resolution": 224}, "data": "digits"}, f"{_ALMOST_A0.key} · digits"),
        ({"kind": "subnet", "architecture": [1], "data": "digits"}, "a sub-network · digits"),
    ],
)
def test_runs_have_a_title_before_anybody_names_them(config: dict, title: str) -> None:
    assert default_title(config) == title


def test_a_damaged_configuration_names_its_file(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path, search())
    (tmp_path / "config.json").write_text('{"kind": "search", "epochs": 0, "schema": 1}', encoding="utf-8")

    with pytest.raises(ConfigError, match=r"config\.json, epochs"):
        folder.config()


def test_a_configuration_of_an_unknown_kind_is_an_error_not_a_crash(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path, search())
    (tmp_path / "config.json").write_text('{"kind": "quantum", "schema": 1}', encoding="utf-8")

    with pytest.raises(ConfigError, match=r"config\.json.*kind"):
        folder.config()


def test_an_order_is_new_once(tmp_path: Path) -> None:
    watch = ControlWatch(tmp_path)
    assert watch.new_order() is None
    order = give_order(tmp_path, "stop")

    assert watch.new_order() == order
    assert watch.new_order() is None
    again = give_order(tmp_path, "stop")
    assert again.id != order.id
    assert watch.new_order() == again


def test_an_order_of_an_earlier_sitting_is_not_obeyed_twice(tmp_path: Path) -> None:
    order = give_order(tmp_path, "stop")

    assert ControlWatch(tmp_path, obeyed_id=order.id).new_order() is None


@pytest.mark.parametrize("content", ["{", "[]", '{"id": 5, "order": "stop"}', '{"id": "x", "order": "explode"}'])
def test_a_broken_order_is_none(content: str, tmp_path: Path) -> None:
    (tmp_path / "control.json").write_text(content, encoding="utf-8")
    assert read_control(tmp_path) is None
    assert ControlWatch(tmp_path).new_order() is None


def test_a_reader_never_sees_half_a_file(tmp_path: Path) -> None:
    path = tmp_path / "status.json"
    texts = [json.dumps({"n": letter * 50_000}) for letter in "ab"]
    write_atomically(path, texts[0])
    done = threading.Event()

    def write() -> None:
        for number in range(60):
            write_atomically(path, texts[number % 2])
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    broken = 0
    while not done.is_set():
        broken += read_json(path) is None
    writer.join()

    assert broken == 0
    assert [entry.name for entry in tmp_path.iterdir()] == ["status.json"]


def test_a_retraining_remembers_the_search_it_comes_from(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path, search())
    folder.add_facts(decided={"split_fingerprint": "abc"})

    values = retrain_origin(named("DARTS_V1"), folder.path)

    assert (values["search_run"], values["split_fingerprint"]) == (str(tmp_path), "abc")
    assert values["genotype"]["name"] == "DARTS_V1"
    assert set(retrain_origin(named("DARTS_V1"))) == {"genotype"}


def test_a_retraining_hands_on_what_it_knows_of_its_search(tmp_path: Path) -> None:
    genotype = named("DARTS_V1")
    values = {"genotype": genotype.as_json(), "search_run": "/runs/s", "split_fingerprint": "abc"}
    folder = RunFolder.create(tmp_path, resolve("retrain", values=values))

    assert retrain_origin(genotype, folder.path) == values


@pytest.mark.parametrize("name", ["events.jsonl", "checkpoint-last.pt"])
def test_what_is_left_of_another_run_is_not_taken_for_a_new_ones(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()

    with pytest.raises(RunError, match="holds a run already"):
        RunFolder.create(tmp_path, search())


def test_a_damaged_genotype_is_not_taken_for_none(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path, search())
    (tmp_path / "genotype.json").write_text('{"normal": [', encoding="utf-8")

    with pytest.raises(GenotypeError, match="not valid JSON"):
        folder.genotype()


def test_a_folder_that_cannot_be_written_cannot_be_locked(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path, search())
    (tmp_path / ".lock").mkdir()

    with pytest.raises(RunError, match="cannot be written"):
        folder.lock()


def test_the_users_folder_is_the_same_from_everywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NASCOPE_HOME", "here")

    assert runs_home() == tmp_path / "here" / "runs"
