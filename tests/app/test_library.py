"""The library: groups, second lines, filter, scanning."""

from __future__ import annotations

import time

from fake_run import write_fake_library, write_fake_run

from app.library.entries import library_entries, run_line
from app.library.scan import LibraryScanner
from engine.genotype.named import named_genotypes
from engine.runs import RunFolder


def entries_of(runs, **more):
    return [(entry.kind, entry.title) for entry in library_entries(runs, **more)]


def scanned(folder):
    return LibraryScanner([folder]).look()


def test_runs_stand_in_groups_by_state_and_day(qapp, tmp_path):
    write_fake_library(tmp_path)
    old = write_fake_run(
        tmp_path / "runs" / "old",
        state="finished",
        name="long ago",
        done=1,
        epochs=1,
        created=time.time() - 40 * 86_400,
    )
    write_fake_run(tmp_path / "runs" / "live", state="running", name="at work", done=1, epochs=3)

    entries = library_entries(scanned(tmp_path))

    headers = [entry.title for entry in entries if entry.kind == "header"]
    assert headers == ["Running", "Today", "Last week", "Earlier"] or headers == ["Running", "Last week", "Earlier"]
    assert entries[1].title == "at work"
    assert entries[-1].key == str(old.path)


def test_queued_runs_stand_in_the_order_of_the_queue(qapp, tmp_path):
    paths = [write_fake_run(tmp_path / name, state="stopped", name=name, done=1, epochs=3).path for name in ("a", "b")]

    entries = library_entries(scanned(tmp_path), queue=[paths[0], paths[1]])

    assert [entry.title for entry in entries] == ["Queued", "a", "b"]
    assert [entry.line for entry in entries[1:]] == ["next in the queue", "number 2 in the queue"]


def test_the_second_line_is_the_state_and_the_number_that_matters(qapp, tmp_path):
    def line(**run):
        folder = write_fake_run(tmp_path / f"{len(list(tmp_path.iterdir()))}", epochs=5, **run)
        return folder, run_line(scanned(folder.path)[0])

    assert line(state="running", done=3)[1].startswith("epoch 3 of 5 · ")
    assert line(state="stopped", done=3)[1].startswith("stopped in epoch 3 · ")
    assert line(state="failed", done=1, error={"what": "Out of memory."})[1] == "failed: Out of memory."
    assert line(state="running", done=2, pid=2**22 + 7)[1].startswith("interrupted in epoch 2")
    retrain, before = line(kind="retrain", data="digits", state="finished", done=5)
    assert before.startswith("finished · ")
    retrain.add_result("test", accuracy_percent=98.89)
    assert run_line(scanned(retrain.path)[0]) == "finished · test 98.9 %"


def test_every_word_of_the_filter_must_be_found(qapp, tmp_path):
    write_fake_library(tmp_path)
    runs = scanned(tmp_path)

    assert entries_of(runs, genotypes=named_genotypes(), words="darts_v2") == [
        ("header", "Named cells"),
        ("genotype", "DARTS_V2"),
    ]
    assert [title for kind, title in entries_of(runs, words="beta stopped") if kind == "run"] == [
        "Beta-DARTS · my X-rays"
    ]
    assert entries_of(runs, words="no such thing") == []


def test_named_cells_show_error_and_size_with_honest_digits(qapp):
    lines = {entry.title: entry.line for entry in library_entries([], genotypes=named_genotypes())}

    assert lines["DARTS_V2"] == "2.76 % · 3.3 M"
    assert lines["DARTS_V1"].startswith("3.00 %")


def test_the_scanner_notices_a_rename_and_a_death_and_skips_what_is_damaged(qapp, tmp_path):
    scanner = LibraryScanner([tmp_path])
    run = write_fake_run(tmp_path / "run", state="running", done=1, epochs=3)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "config.json").write_text("{")
    assert [found.state for found in scanner.look()] == ["running"]

    RunFolder(run.path).write_meta(name="mine")
    assert scanner.look()[0].summary.title == "mine"

    status = run.status()
    run.write_status(type(status)(**{**status.as_json(), "pid": 2**22 + 9}))
    assert scanner.look()[0].state == "interrupted"


def test_hundreds_of_runs_are_looked_at_again_quickly(qapp, tmp_path):
    source = write_fake_run(tmp_path / "0", state="finished", done=1, epochs=1, steps_per_epoch=1)
    for number in range(1, 200):
        folder = tmp_path / str(number)
        folder.mkdir()
        for name in ("config.json", "meta.json", "status.json"):
            (folder / name).write_bytes((source.path / name).read_bytes())
    scanner = LibraryScanner([tmp_path])
    scanner.look()

    begin = time.perf_counter()
    found = scanner.look()

    assert len(found) == 200
    assert time.perf_counter() - begin < 0.5


def test_a_supernet_tells_its_range_and_a_test_of_one_network_is_not_its_own(qapp, tmp_path):
    run = write_fake_run(
        tmp_path / "net", kind="two-stage", method="attentive-nas", data="digits", epochs=5, done=5, state="finished"
    )
    run.add_result("test", split="test", accuracy_percent=12.3, subnet={})
    found = scanned(tmp_path)

    metrics = run.status().metrics
    low, high = metrics["smallest_validation_accuracy_percent"], metrics["validation_accuracy_percent"]
    assert run_line(found[0]) == f"finished · {low:.1f} to {high:.1f} %"
    assert entries_of(found)[1] == ("run", "AttentiveNAS · digits")
