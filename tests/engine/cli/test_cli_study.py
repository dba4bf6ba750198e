"""``nascope study`` as a command: a real tiny study, killed and gone on with; refusals."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from engine.runs import read_events

TINY = {"epochs": 1, "channels": 4, "layers": 3, "limit_images": 64, "batch_size": 32}
WORDS = {"data": "digits", "methods": ["random"], "seeds": 1, "search": {"epochs": 1}, "retrain": {**TINY, "epochs": 2}}


def nascope(*words, **more):
    return subprocess.run(
        [sys.executable, "-P", "-m", "engine.cli", *map(str, words)], capture_output=True, text=True, timeout=240,
        stdin=subprocess.DEVNULL, env={**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "160"}, check=False, **more,
    )  # fmt: skip


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "study.json"
    path.write_text(json.dumps(WORDS), encoding="utf-8")
    return path


def finished(folder):
    return {
        log: log.stat().st_mtime_ns
        for log in folder.rglob("events.jsonl")
        if any(event.type == "finished" for event in read_events(log))
    }


def test_a_study_survives_a_kill_and_reads_the_same_again(file, tmp_path):
    out = tmp_path / "out"
    words = [sys.executable, "-P", "-m", "engine.cli", "study", str(file), "--out", str(out)]
    process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    end = time.monotonic() + 120
    while not finished(out) and time.monotonic() < end:
        time.sleep(0.1)
    process.send_signal(signal.SIGKILL)
    process.wait()
    half = finished(out)
    assert half

    done = nascope("study", file, "--out", out, "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    whole = finished(out)
    assert half.items() <= whole.items()
    assert len(whole) == 2
    row = document["methods"][0]
    assert (row["name"], row["seeds"], row["tests_so_far"]) == ("random", 1, 1)
    assert 0 <= row["accuracy_percent_mean"] <= 100
    assert row["accuracy_percent_std"] is None
    tests = (out / "random/seed-0/retrain-0/results.jsonl").read_text().splitlines()
    assert [json.loads(line)["accuracy_percent"] for line in tests] == [row["accuracy_percent_mean"]]

    again = nascope("study", out, "--json")
    assert json.loads(again.stdout) == document
    assert finished(out) == whole
    assert (out / "study.html").is_file()
    assert "random" in (out / "study.csv").read_text()
    table = nascope("study", out)
    assert "test accuracy, %" in table.stdout

    changed = tmp_path / "other.json"
    changed.write_text(json.dumps({**WORDS, "retrain": TINY}), encoding="utf-8")
    refused = nascope("study", changed, "--out", out)
    assert refused.returncode == 2
    assert "retrain: was" in refused.stderr
    report = nascope("report", out, "-o", tmp_path / "page.html")
    assert report.returncode == 0
    assert "Methods" in (tmp_path / "page.html").read_text()


def test_members_that_fail_give_exit_code_1(tmp_path):
    (tmp_path / "broken.npz").write_bytes(b"no images")
    words = {**WORDS, "data": f"npz:{tmp_path / 'broken.npz'}", "retries": 0}
    file = tmp_path / "study.json"
    file.write_text(json.dumps(words), encoding="utf-8")
    done = nascope("study", file, "--out", tmp_path / "out", "--json")
    assert done.returncode == 1
    document = json.loads(done.stdout)
    assert document["state"] == "failed"
    assert document["failed"][0]["member"] == "random/seed-0/retrain-0"
    assert "broken.npz" in document["failed"][0]["error"]
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"methods": ["pc-dart"]}', "Did you mean pc-darts"),
        ('{"methods": 3, "seed": 1}', "seed: is no key of a study"),
        ("[1]", "expected an object"),
        ("{", "not valid"),
        ('{"schema": 9}', "newer"),
    ],
)
def test_bad_files_are_refused_in_one_sentence(text, says, tmp_path):
    file = tmp_path / "bad.json"
    file.write_text(text, encoding="utf-8")
    done = nascope("study", file, "--out", tmp_path / "out")
    assert done.returncode == 2
    assert says in done.stderr
    assert "bad.json" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_data_that_are_not_there_are_refused_before_anything_is_made(tmp_path):
    file = tmp_path / "study.json"
    file.write_text(json.dumps({**WORDS, "data": f"npz:{tmp_path / 'missing.npz'}"}), encoding="utf-8")
    done = nascope("study", file, "--out", tmp_path / "out")
    assert done.returncode == 2
    assert "missing.npz: there is no such file" in done.stderr
    assert not (tmp_path / "out").exists()


def test_places_that_are_taken_are_refused(file, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "config.json").write_text("{}")
    assert "holds a run" in nascope("study", file, "--out", tmp_path / "run").stderr
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "study.json").write_text(json.dumps(WORDS))
    assert "not written by a study" in nascope("study", file, "--out", tmp_path / "mine").stderr
    assert "holds no study" in nascope("study", tmp_path / "mine").stderr
    assert "nowhere.json" in nascope("study", tmp_path / "nowhere.json").stderr
