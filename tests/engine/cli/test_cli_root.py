"""The command itself: finding commands, one sentence for every failure, exit codes, nothing heavy for help."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from engine.cli import root
from engine.cli.root import SECTIONS

COMMANDS = [name for section in SECTIONS.values() for name in section]


def test_help_of_every_command_loads_neither_torch_nor_qt():
    script = (
        "import sys\n"
        "from engine.cli import main\n"
        f"for command in {COMMANDS!r}:\n"
        "    assert main([command, '--help']) == 0, command\n"
        "assert main(['--help']) == 0\n"
        "print(sorted(set(sys.modules) & {'torch', 'PySide6', 'app', 'matplotlib', 'sklearn'}), file=sys.stderr)\n"
    )

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)

    assert done.returncode == 0
    assert done.stderr.strip() == "[]"


def test_plain_help_loads_no_command():
    script = "import sys; from engine.cli import main; main(['--help']); print([n for n in sys.modules if n in ('pydantic', 'rich', 'numpy')], file=sys.stderr)"

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)

    assert done.stderr.strip() == "[]"
    assert all(command in done.stdout for command in COMMANDS)


def test_module_and_script_are_one_program():
    done = subprocess.run([sys.executable, "-m", "engine.cli", "--version"], capture_output=True, text=True, timeout=60)

    assert done.stdout.startswith("nascope ")
    assert done.returncode == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["serch"], "Did you mean search?"),
        (["no/such/file.json"], "no run or genotype"),
        (["--nonsense"], "--nonsense"),
        (["search", "--nonsense"], "--nonsense"),
        (["search", "stray"], "stray"),
        (["retrain"], "GENOTYPE"),
        (["draw", "DARTS_V2"], "-o"),
        (["draw", "DARTS_V2", "-o", "x.svg", "--cell", "wrong"], "wrong"),
        (["stop", "run", "--timeout", "soon"], "soon"),
        (["compare", "one"], "two runs"),
        (["explain", "x", "--epoch", "0"], "--epoch"),
        (["search", "--set", "epochs"], "key=value"),
        (["export", "DARTS_V2", "--format", "onnx"], "has no weights"),
        (["export", "DARTS_V2", "--format", "jsn"], "json"),
        (["test", ""], "no run was named"),
        (["test", "x" * 5000], "no such run folder"),
        (["x" * 5000], "no command"),
        (["data", "fetsch", "x"], "fetsch"),
    ],
)
def test_bad_usage_is_one_sentence_and_exit_2(nascope, arguments, says):
    answer = nascope(*arguments)

    assert answer.code == 2
    assert says in answer.err
    assert answer.err.count("\n") == 1
    assert "Traceback" not in answer.err
    assert answer.out == ""


@pytest.mark.parametrize(
    "arguments",
    [["serch"], ["search", "--nonsense"], ["search", "--epochs", "0"], ["stop", "nothing"], ["runs", "no/such/folder"]],
)
def test_failure_with_json_is_one_error_document(nascope, arguments):
    answer = nascope(*arguments, "--json")

    assert answer.code == 2
    assert {"what", "where", "mend"} <= set(answer.json["error"])
    assert answer.err.count("\n") == 1


@pytest.mark.parametrize("arguments", [["runs"], ["genotypes"], ["methods"], ["data"], ["doctor"]])
def test_json_is_the_only_thing_on_standard_output(nascope, arguments):
    answer = nascope(*arguments, "--json")

    assert answer.code == 0
    assert isinstance(answer.json, dict)
    assert answer.out.isascii()


def test_lists_have_name_summary_and_source(nascope):
    for command in ("genotypes", "methods", "data"):
        rows = nascope(command, "--json").json[command]

        assert rows
        assert all({"name", "summary", "source"} <= set(row) for row in rows)


def test_methods_tell_the_protocols_with_sources_and_departures(nascope):
    found = nascope("methods", "--json").json["protocols"]
    of_imagenet = next(
        entry for entry in found
        if (entry["kind"], entry["method"], entry["data"]) == ("search", "pc-darts", ["imagenet"])
    )  # fmt: skip

    values = {entry["name"]: entry for entry in of_imagenet["values"]}
    assert values["batch_size"] == {"name": "batch_size", "value": 1024, "source": "PC-DARTS train_search_imagenet.py"}
    assert "10 %" in values["limit_portion"]["source"]
    assert of_imagenet["departs"]
    printed = nascope("methods").out
    assert "search on imagenet: pc-darts" in printed
    assert of_imagenet["departs"][0] in printed


def test_methods_list_every_setting_with_its_range(nascope):
    settings = nascope("methods", "--json").json["settings"]["search"]

    row = next(field for field in settings if field["name"] == "train_portion")
    assert (row["default"], row["minimum"], row["maximum"]) == (0.5, 0.1, 0.9)


def test_search_help_names_every_set_key(nascope):
    text = nascope("search", "--help").out

    assert "alpha_learning_rate" in text
    assert "at least 0.1, at most 0.9" in " ".join(text.split())


def test_unexpected_error_is_one_sentence_without_traceback(nascope, monkeypatch):
    monkeypatch.setattr(root.nascope, "main", lambda **_: 1 / 0)

    answer = nascope("runs", "--json")

    assert answer.code == 1
    assert "ZeroDivisionError" in answer.err
    assert "Traceback" not in answer.err
    assert "NASCOPE_DEBUG" in answer.json["error"]["mend"]


def test_unexpected_error_shows_its_traceback_on_request(nascope, monkeypatch):
    monkeypatch.setattr(root.nascope, "main", lambda **_: 1 / 0)
    monkeypatch.setenv("NASCOPE_DEBUG", "1")

    assert "Traceback" in nascope("runs").err


def test_interrupt_outside_of_a_run_is_130(nascope, monkeypatch):
    def interrupted(**_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(root.nascope, "main", interrupted)

    assert nascope("runs").code == 130


def test_a_reader_that_has_gone_is_no_traceback():
    # 5,000 characters are more than head reads, but may fit the pipe: closing before the start is what surely breaks it.
    read, write = os.pipe()
    os.close(read)

    done = subprocess.run(
        [sys.executable, "-m", "engine.cli", "methods", "--json"],
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
    )

    os.close(write)
    assert done.returncode == 1
    assert done.stderr == ""


def test_exit_code_and_document_reach_the_shell(tmp_path: Path):
    done = subprocess.run(
        [sys.executable, "-m", "engine.cli", "search", "--method", "beta-dart", "--json"],
        capture_output=True, text=True, cwd=tmp_path, timeout=60,
    )  # fmt: skip

    assert done.returncode == 2
    assert "beta-darts" in json.loads(done.stdout)["error"]["what"]
    assert done.stderr.startswith("nascope: ")


def test_a_users_own_engine_folder_shadows_nothing(tmp_path: Path):
    (tmp_path / "engine").mkdir()
    (tmp_path / "engine/__init__.py").write_text("raise SystemExit('shadowed')")

    done = subprocess.run(
        [sys.executable, "-P", "-m", "engine.cli", "--version"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode == 0
