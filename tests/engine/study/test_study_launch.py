"""Carrying members out: real child processes here, and stand-ins for Ray and submitit."""

import _thread
import os
import signal
import sys
import threading
import time
from types import SimpleNamespace

import pytest

from engine.errors import NascopeError
from engine.study.launch.base import Task, last_error
from engine.study.launch.local import LocalLauncher, cuda_devices
from engine.study.launch.remote import carry_out

ECHO = "import os, sys; print(os.environ.get('OMP_NUM_THREADS'), os.environ.get('CUDA_VISIBLE_DEVICES')); "


class Script(Task):
    """A task that runs a line of Python instead of the engine."""

    @property
    def command(self):
        return [sys.executable, "-c", self.words[0]]


def task(tmp_path, code, **more):
    return Script("m", (code,), tmp_path, **more)


def end_of(work, seconds=20.0):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        code = work.poll()
        if code is not None:
            return code
        time.sleep(0.01)
    raise AssertionError("it did not end")


def test_the_command_is_the_engines(tmp_path):
    words = Task("m", ("resume", "RUN", "--tied-to-stdin"), tmp_path).command
    assert words == [sys.executable, "-P", "-m", "engine.cli", "resume", "RUN", "--tied-to-stdin"]


def test_an_exit_code_and_the_last_line_of_errors(tmp_path):
    work = LocalLauncher().start(
        task(tmp_path, "import sys; sys.stderr.write('a\\nnascope: bad thing.\\n'); sys.exit(2)")
    )
    assert end_of(work) == 2
    assert last_error(tmp_path / "stderr.txt") == "bad thing."
    assert last_error(tmp_path / "none.txt") == ""


def test_stop_ends_standard_input(tmp_path):
    work = LocalLauncher().start(task(tmp_path, "import sys; sys.stdin.read(); print('saved'); sys.exit(0)"))
    time.sleep(0.2)
    assert work.poll() is None
    work.stop()
    assert end_of(work) == 0
    assert (tmp_path / "stdout.txt").read_text() == "saved\n"


def test_stop_terminates_what_listens_to_no_input_and_kill_ends_anything(tmp_path):
    work = LocalLauncher().start(task(tmp_path, "import time; time.sleep(60)", is_tied=False))
    work.stop()
    assert end_of(work) == -signal.SIGTERM
    work = LocalLauncher().start(task(tmp_path, "import time; time.sleep(60)"))
    work.kill()
    assert work.poll() == -signal.SIGKILL


def test_an_orphan_is_found_by_its_pid_and_start_time(tmp_path):
    launcher = LocalLauncher()
    work = launcher.start(task(tmp_path, "import sys; sys.stdin.read()"))
    job = work.as_json()
    found = launcher.find(job)
    assert found.poll() is None
    assert launcher.find({**job, "started": job["started"] - 100}) is None
    assert launcher.find({}) is None
    work.stop()
    end_of(work)
    assert found.poll() == 0
    assert launcher.find(job) is None


def test_children_share_cores_and_take_gpus_in_turn(tmp_path, monkeypatch):
    monkeypatch.setattr("engine.study.launch.local.cores", lambda: 8)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    launcher = LocalLauncher(4, gpus=["0", "GPU-7"])
    folders = [tmp_path / str(number) for number in range(4)]
    works = []
    for number, folder in enumerate(folders):
        folder.mkdir()
        works.append(launcher.start(task(folder, ECHO, wants_gpu=number != 3, threads=5 if number == 2 else None)))
    for work in works:
        assert end_of(work) == 0
    said = [(folder / "stdout.txt").read_text().split() for folder in folders]
    assert said == [["2", "0"], ["2", "GPU-7"], ["None", "0"], ["2", "None"]]


def test_one_at_a_time_shares_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert end_of(LocalLauncher(1, gpus=["0", "1"]).start(task(tmp_path, ECHO))) == 0
    assert (tmp_path / "stdout.txt").read_text().split() == ["3", "None"]


def test_cuda_devices_as_the_environment_says(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2, GPU-a")
    assert cuda_devices() == ["2", "GPU-a"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    assert cuda_devices() == []


def test_the_remote_piece_gives_the_exit_code(tmp_path):
    assert carry_out(["no-such-command"], str(tmp_path / "out"), str(tmp_path / "err")) == 2
    assert "no-such-command" in (tmp_path / "err").read_text()


def test_an_interrupted_remote_piece_lets_its_child_end(tmp_path, monkeypatch):
    children = []
    real = __import__("subprocess").Popen

    def popen(command, **more):
        child = real([sys.executable, "-c", "import sys; sys.stdin.read(); sys.exit(7)"], **more)
        children.append(child)
        threading.Timer(0.5, _thread.interrupt_main).start()  # from here on: starting may take long
        return child

    monkeypatch.setattr("engine.study.launch.remote.subprocess.Popen", popen)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # A shell's background jobs ignore it.
    try:
        with pytest.raises(KeyboardInterrupt):
            carry_out(["x"], str(tmp_path / "out"), str(tmp_path / "err"))
    finally:
        signal.signal(signal.SIGINT, before)
    assert children[0].returncode == 7


class FakeRay:
    """As much of Ray as is used: tasks run when they are asked for."""

    class exceptions:  # noqa: N801 - Ray's name
        class TaskCancelledError(Exception):
            pass

    def __init__(self):
        self.options, self.cancelled, self.ended = [], [], False

    def is_initialized(self):
        return False

    def init(self, **more):
        pass

    def cluster_resources(self):
        return {"CPU": 8.0, "GPU": 2.0}

    def remote(self, function):
        def options(**more):
            self.options.append(more)
            return SimpleNamespace(remote=lambda *words: {"function": function, "words": words})

        return SimpleNamespace(options=options)

    def wait(self, references, timeout):
        return [entry for entry in references if "code" in entry or entry in self.cancelled], []

    def get(self, reference):
        if reference in self.cancelled:
            raise self.exceptions.TaskCancelledError
        if isinstance(reference["code"], Exception):
            raise reference["code"]
        return reference["code"]

    def cancel(self, reference, **more):
        self.cancelled.append(reference)

    def shutdown(self):
        self.ended = True


def test_ray_tasks(tmp_path, monkeypatch):
    ray = FakeRay()
    monkeypatch.setitem(sys.modules, "ray", ray)
    from engine.study.launch.on_ray import RayLauncher

    launcher = RayLauncher()
    work = launcher.start(Task("darts/seed-0/search", ("resume", "RUN"), tmp_path, threads=3))
    assert ray.options == [{"name": "darts/seed-0/search", "num_cpus": 3, "num_gpus": 1, "max_retries": 0}]
    assert work._reference["function"] is carry_out
    assert work._reference["words"] == (
        ["resume", "RUN"],
        str(tmp_path / "stdout.txt"),
        str(tmp_path / "stderr.txt"),
        True,
    )
    assert work.poll() is None
    work._reference["code"] = 3
    assert work.poll() == 3
    waiting = launcher.start(Task("b", ("resume", "RUN2"), tmp_path, wants_gpu=False))
    assert ray.options[1]["num_gpus"] == 0
    waiting.stop()
    assert waiting.poll() == 143
    lost = launcher.start(Task("c", ("resume", "RUN3"), tmp_path))
    lost._reference["code"] = RuntimeError("the worker died")
    assert lost.poll() == 1
    launcher.close()
    assert ray.ended


def test_slurm_jobs(tmp_path, monkeypatch):
    jobs, asked = [], {}

    class Job:
        job_id, cancelled, over, code = "17", False, False, 0

        def done(self):
            return self.over

        def result(self):
            if self.code is None:
                raise RuntimeError("timed out")
            return self.code

        def cancel(self, check):
            self.cancelled = True

    class Executor:
        def __init__(self, folder, cluster):
            asked.update(folder=folder, cluster=cluster)

        def update_parameters(self, **more):
            if "colour" in more:
                raise ValueError("Unknown argument 'colour'")
            asked.update(more)

        def submit(self, *words):
            jobs.append((Job(), words))
            return jobs[-1][0]

    found = Job()
    fake = SimpleNamespace(AutoExecutor=Executor, SlurmJob=lambda folder, number: found)
    monkeypatch.setitem(sys.modules, "submitit", fake)
    from engine.study.launch.on_slurm import SlurmLauncher

    launcher = SlurmLauncher(tmp_path / ".jobs", {"timeout_min": 30, "slurm_partition": "gpu"})
    assert (asked["cluster"], asked["timeout_min"], asked["slurm_partition"]) == ("slurm", 30, "gpu")
    work = launcher.start(Task("a", ("resume", "RUN"), tmp_path))
    assert work.as_json() == {"slurm": "17"}
    assert work.poll() is None
    work.stop()
    assert jobs[0][0].cancelled
    jobs[0][0].over, jobs[0][0].code = True, None
    assert work.poll() == 1
    assert launcher.find({"slurm": "17"}).poll() is None
    found.over = True
    assert launcher.find({"slurm": "17"}) is None
    with pytest.raises(NascopeError, match="colour"):
        SlurmLauncher(tmp_path, {"colour": 1})


@pytest.mark.parametrize(("module", "launcher"), [("ray", "RayLauncher"), ("submitit", "SlurmLauncher")])
def test_a_missing_package_is_said_with_its_mend(module, launcher, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    import engine.study.launch.on_ray as on_ray
    import engine.study.launch.on_slurm as on_slurm

    with pytest.raises(NascopeError, match=r"nascope\[cluster\]"):
        on_ray.RayLauncher() if launcher == "RayLauncher" else on_slurm.SlurmLauncher(tmp_path, {})


def test_a_folder_without_rights_is_no_crash(tmp_path):
    launcher = LocalLauncher()
    with pytest.raises(OSError):
        launcher.start(task(tmp_path / "missing", ECHO))
    folder = tmp_path / "there"
    folder.mkdir()
    assert end_of(launcher.start(task(folder, ECHO))) == 0
    assert os.listdir(folder)  # noqa: PTH208
