"""The files around the code: what a newcomer and CI rely on."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = [ROOT / ".ci/run", *sorted((ROOT / "tools").glob("*.sh")), *sorted((ROOT / "examples").glob("*.sh"))]


def tool(name: str):
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_scripts_parse_and_can_be_run(script):
    assert subprocess.run(["bash", "-n", script], check=False).returncode == 0
    assert os.access(script, os.X_OK)


def test_make_lists_every_target_with_a_sentence():
    declared = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.M)[1].split()

    listed = subprocess.run(["make", "--no-print-directory", "-C", ROOT], capture_output=True, text=True, check=True)

    assert re.findall(r"^  make (\w+) +\S", listed.stdout, re.M) == declared


def test_ci_runs_make_test():
    assert "make test" in (ROOT / ".ci/run").read_text()


def test_constraints_pin_everything_that_the_project_asks_for():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [
        *project["dependencies"],
        *(entry for extra in project["optional-dependencies"].values() for entry in extra),
    ]
    pinned = {
        line.partition("==")[0].lower().replace("_", "-")
        for line in (ROOT / "constraints.txt").read_text().splitlines()
        if "==" in line
    }

    missing = {re.match(r"[\w.-]+", entry)[0].lower().replace("_", "-") for entry in wanted} - pinned

    assert missing == set()


def test_no_file_of_the_set_up_names_a_registry():
    for path in (ROOT / "Makefile", ROOT / "constraints.txt", ROOT / "pyproject.toml", *SCRIPTS):
        assert not re.search(r"index-url|extra-index|find-links|pypi\.|pythonhosted", path.read_text()), path


def test_find_python_refuses_what_is_none():
    script = ROOT / "tools/find-python.sh"

    found = subprocess.run([script, sys.executable], capture_output=True, text=True, check=False)
    refused = subprocess.run([script, "/bin/false"], capture_output=True, text=True, check=False)

    assert found.stdout.strip() == sys.executable
    assert refused.returncode == 1
    assert "/bin/false" in refused.stderr


def test_without_any_python_the_set_up_says_what_to_do(tmp_path):
    (tmp_path / "bash").symlink_to("/bin/bash")
    environment = {"PATH": str(tmp_path)}

    done = subprocess.run(
        ["/bin/bash", ROOT / "tools/find-python.sh"], env=environment, capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    assert "make setup PYTHON=" in done.stderr


@pytest.fixture
def fake_debian(tmp_path, monkeypatch):
    """A Debian on which only libegl1, graphviz and a renamed libglib are installed; returns a runner of the script."""
    programs = {
        "dpkg-query": 'case "${!#}" in libegl1|graphviz|libglib2.0-0t64) printf installed;; *) exit 1;; esac',
        "id": "echo ${FAKE_UID:-1000}",
        "sudo": "exit 1",
        "apt-get": 'echo "$@" >> "$APT_LOG"',
    }
    for name, body in programs.items():
        (tmp_path / name).write_text(f"#!/bin/bash\n{body}\n")
        (tmp_path / name).chmod(0o755)

    def call(uid: int) -> tuple[subprocess.CompletedProcess[str], str]:
        log = tmp_path / "apt.log"
        environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "FAKE_UID": str(uid), "APT_LOG": str(log)}
        done = subprocess.run(
            [ROOT / "tools/system-packages.sh", sys.executable],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        return done, log.read_text() if log.exists() else ""

    return call


def test_without_rights_the_one_command_is_printed(fake_debian):
    done, ordered = fake_debian(1000)

    assert done.returncode == 0
    assert ordered == ""
    assert re.search(r"sudo apt-get install -y .*libxcb-cursor0", done.stderr)
    assert not re.search(r" (libegl1|graphviz|libglib2\.0-0\S*)( |$)", done.stderr)


def test_as_root_only_what_is_missing_is_installed(fake_debian):
    done, ordered = fake_debian(0)

    assert done.returncode == 0
    install = next(line for line in ordered.splitlines() if line.startswith("install"))
    assert "libxcb-cursor0" in install
    assert "graphviz" not in install
    assert "libglib2.0-0" not in install


def test_settings_page_is_what_make_docs_would_write():
    writer = tool("write_settings_page")

    assert writer.settings_page() == (ROOT / "docs/settings.md").read_text(), "run make docs"


def test_protocols_page_is_what_make_docs_would_write():
    writer = tool("write_protocols_page")

    assert writer.protocols_page() == (ROOT / "docs/protocols.md").read_text(), "run make docs"


def test_make_fast_picks_the_tests_of_what_changed(tmp_path):
    for folder in ("tests/engine/search", "tests/engine"):
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / folder / "test_it.py").touch()
    chosen = tool("changed_tests").folders_to_test

    assert chosen(["engine/search/architect.py", "README.md"], tmp_path) == ["tests/engine/search"]
    assert chosen(["engine/cost/cost.py"], tmp_path) == ["tests/engine"]
    assert chosen(["tests/engine/search/test_it.py"], tmp_path) == ["tests/engine/search/test_it.py"]
    assert chosen(["tests/engine/search/gone.py", "docs/a.md"], tmp_path) == []
    assert chosen(["engine/search/a.py", "pyproject.toml"], tmp_path) == ["tests"]


@pytest.mark.slow
def test_python_example_searches_retrains_and_tests(tmp_path):
    small = ["epochs=1", "channels=4", "layers=3", "batch_size=64", "limit_images=200"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "NASCOPE_HOME": str(tmp_path / "home")}

    done = subprocess.run(
        [sys.executable, ROOT / "examples/search_and_retrain.py", tmp_path / "out", *small],
        capture_output=True, text=True, env=environment, timeout=240, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert "Genotype(normal=" in done.stdout
    assert re.search(r"Test: \d+\.\d\d %", done.stdout)
