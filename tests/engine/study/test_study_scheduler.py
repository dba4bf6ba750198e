"""Working a study off: order, picks, failures, stops, and going on."""

import errno
from dataclasses import replace

import pytest
from tests_study import FakeLauncher, FakeWork, finish_run

from engine.config.study import check_study
from engine.errors import RunError
from engine.runs import RunFolder, give_order
from engine.study.plan import members
from engine.study.results import read_results
from engine.study.scheduler import Scheduler


def fail(task):
    run = RunFolder(task.folder)
    run.write_status(
        replace(run.status(), state="failed", error={"what": "out of memory", "where": None, "mend": None})
    )
    return 1


def fine(task):
    return 50.0


def test_members_of_a_plain_study():
    config = check_study({"methods": ["darts"], "seeds": [0, 3], "random_cells": 1})
    found = [(member.id, member.needs) for member in members(config)]
    assert found == [
        ("darts/seed-0/search", ()),
        ("darts/seed-0/retrain-0", ("darts/seed-0/search",)),
        ("darts/seed-0/retrain-0/test", ("darts/seed-0/retrain-0",)),
        ("random/seed-0/search", ()),
        ("random/seed-0/retrain-0", ("random/seed-0/search",)),
        ("random/seed-0/retrain-0/test", ("random/seed-0/retrain-0",)),
        ("darts/seed-3/search", ()),
        ("darts/seed-3/retrain-3", ("darts/seed-3/search",)),
        ("darts/seed-3/retrain-3/test", ("darts/seed-3/retrain-3",)),
    ]


def test_a_study_is_worked_off_once(study, carry_out):
    folder = study(methods=["darts"], seeds=2)
    end, launcher, _ = carry_out(folder, fine)
    assert end == "finished"
    assert len(launcher.started) == len(set(launcher.started)) == 12
    assert launcher.started.index("darts/seed-0/search") < launcher.started.index("darts/seed-0/retrain-0")
    again, launcher, _ = carry_out(folder, fine)
    assert (again, launcher.started) == ("finished", [])


def test_runs_are_ordinary_runs_with_the_cells_of_their_search(study, carry_out):
    folder = study(methods=["darts"], seeds=1, random_cells=0)
    carry_out(folder, fine)
    search, retrain = RunFolder(folder.path / "darts/seed-0/search"), RunFolder(folder.path / "darts/seed-0/retrain-0")
    assert retrain.config().search_run == str(search.path)
    assert retrain.genotype() == search.genotype()
    assert retrain.config().seed == 0
    assert retrain.meta()["name"] == "darts · retraining · seed 0"


def test_no_more_than_the_slots_at_a_time(study, carry_out):
    folder = study(methods=["darts"], seeds=3, random_cells=0)
    launched = []

    class Slow(FakeWork):
        def __init__(self, task):
            super().__init__(None)
            self.task, self.looks = task, 0

        def poll(self):
            self.looks += 1
            if self.code is None and self.looks > 3:
                finish_run(self.task.folder, 40.0)
                self.code = 0
            return self.code

    class Slots(FakeLauncher):
        def start(self, task):
            if task.words[0] == "test":
                return super().start(task)
            work = Slow(task)
            self.live = [other for other in self.live if other.code is None] + [work]
            self.most = max(self.most, len(self.live))
            launched.append(task.id)
            return work

    launcher = Slots(fine, slots=2)
    assert Scheduler(folder, folder.config(), launcher, say=lambda text: None).run() == "finished"
    assert launcher.most == 2
    assert len(launched) == 6


def test_a_failed_member_is_tried_again_and_the_others_go_on(study, carry_out):
    folder = study(methods=["darts"], seeds=2, random_cells=0, retries=2)
    bad = "darts/seed-0/search"
    end, launcher, said = carry_out(folder, lambda task: fail if task.id == bad else 50.0)
    assert end == "failed"
    assert launcher.started.count(bad) == 3
    assert "darts/seed-1/retrain-1/test" in launcher.started
    assert "darts/seed-0/retrain-0" not in launcher.started
    assert any("out of memory" in line and "given up" in line for line in said)
    results = read_results(folder.path)
    assert [(view.member.id, view.error) for view in results.failures] == [(bad, "out of memory")]
    assert results.state == "failed"
    states = {view.member.id: view.state for view in results.views}
    assert states["darts/seed-0/retrain-0"] == states["darts/seed-0/retrain-0/test"] == "blocked"
    end, launcher, _ = carry_out(folder, fine)  # The next call tries it again.
    assert end == "finished"
    assert launcher.started == [bad, "darts/seed-0/retrain-0", "darts/seed-0/retrain-0/test"]


def test_a_member_that_is_ended_from_outside_after_progress_does_not_fail(study, carry_out):
    folder = study(methods=["darts"], seeds=1, random_cells=0, retries=0)
    left = [3]

    def preempt(task):
        run = RunFolder(task.folder)
        left[0] -= 1
        if left[0] < 0:
            finish_run(task.folder, 50.0)
            return 0
        run.write_status(replace(run.status(), state="stopped", step=run.status().step + 5))
        return 143

    end, launcher, _ = carry_out(folder, lambda task: preempt if task.id.endswith("search") else 50.0)
    assert end == "finished"
    assert launcher.started.count("darts/seed-0/search") == 4


def test_a_member_that_is_ended_from_outside_without_progress_fails_in_the_end(study, carry_out):
    folder = study(methods=["darts"], seeds=1, random_cells=0, retries=1)
    end, launcher, said = carry_out(folder, lambda task: lambda task: -9)
    assert end == "failed"
    assert launcher.started == ["darts/seed-0/search"] * 2
    assert "SIGKILL" in " ".join(said)


def test_the_best_short_retraining_is_picked(study, carry_out):
    folder = study(methods=["darts"], seeds=[4, 5, 6], random_cells=0, pick={"epochs": 1}, retrain_seeds=[0, 1])
    short = {"darts/seed-4/short": 40.0, "darts/seed-5/short": 60.0, "darts/seed-6/short": 60.0}
    end, launcher, said = carry_out(folder, lambda task: short.get(task.id, 50.0))
    assert end == "finished"
    assert [name for name in launcher.started if "retrain" in name and "test" not in name] == [
        "darts/seed-5/retrain-0",
        "darts/seed-5/retrain-1",
    ]
    assert "darts: the cell of seed 5 is picked." in said
    row = read_results(folder.path).rows[0]
    assert (row.picked_seed, row.accuracy.n, row.short.n) == (5, 2, 3)


def test_a_pick_is_made_of_what_did_not_fail(study, carry_out):
    folder = study(methods=["darts"], seeds=2, random_cells=0, pick={"epochs": 1}, retrain_seeds=1, retries=0)
    end, launcher, _ = carry_out(folder, lambda task: fail if task.id == "darts/seed-0/search" else 50.0)
    assert end == "failed"
    assert "darts/seed-1/retrain-0/test" in launcher.started


def test_all_short_retrainings_failed(study, carry_out):
    folder = study(methods=["darts"], seeds=2, random_cells=0, pick={"epochs": 1}, retries=0)
    end, launcher, _ = carry_out(folder, lambda task: fail if task.id.endswith("short") else 50.0)
    assert end == "failed"
    assert not any("retrain" in name for name in launcher.started)


def test_a_wish_to_stop_lets_members_save(study, carry_out):
    folder = study(methods=["darts"], seeds=1, random_cells=0)

    def goes_on(task):
        return None

    asked = iter([None, None, *["interrupt"] * 1000])
    end, launcher, said = carry_out(folder, lambda task: goes_on, stop_reason=lambda: next(asked))
    assert end == "interrupt"
    assert [work.stops for work in launcher.live] == [1]
    assert folder.status().state == "stopped"
    assert any("stopped and saved" in line for line in said)
    assert len(launcher.started) == 1


def test_an_order_through_the_folder_stops_a_study(study, carry_out):
    folder = study(methods=["darts"], seeds=1, random_cells=0)

    def order(task):
        give_order(folder.path, "stop")
        return

    end, launcher, _ = carry_out(folder, lambda task: order)
    assert end == "order"
    assert len(launcher.started) == 1
    end, _, _ = carry_out(folder, fine)  # The old order is not obeyed again.
    assert end == "finished"


def test_a_crash_of_the_scheduler_leaves_no_member_running(study, carry_out):
    folder = study(methods=["darts"], seeds=1, random_cells=0)

    def goes_on(task):
        return None

    class Interrupted(BaseException):
        pass

    calls = []

    def second_ctrl_c():
        calls.append(1)
        if len(calls) > 2:
            raise Interrupted
        return

    launcher = FakeLauncher(lambda task: goes_on)
    with pytest.raises(Interrupted):
        Scheduler(folder, folder.config(), launcher, say=lambda text: None, stop_reason=second_ctrl_c).run()
    assert [work.killed for work in launcher.live] == [True]
    assert folder.status().state == "stopped"


def test_what_an_earlier_sitting_left_behind_is_waited_for(study, carry_out):
    folder = study(methods=["darts"], seeds=1, random_cells=0)
    name = "darts/seed-0/search"
    folder.write_status(replace(folder.status(), state="running", members={name: {"job": {"name": name}}}))

    class Ends(FakeWork):
        looks = 0

        def poll(self):
            self.looks += 1
            return None if self.looks < 5 else 0

    orphan = Ends(None)
    end, launcher, said = carry_out(folder, fine, left_behind={name: orphan})
    assert end == "finished"
    assert orphan.looks == 5
    assert launcher.started[0] == name  # It had not finished: it goes on with one process only.
    assert said[0].startswith(f"{name}: still worked on")


def test_a_member_stopped_by_hand_is_left_alone_until_the_next_call(study, carry_out):
    folder = study(methods=["darts"], seeds=1, random_cells=0)

    def by_hand(task):
        run = RunFolder(task.folder)
        run.write_status(replace(run.status(), state="stopped"))
        return 3

    end, launcher, _ = carry_out(folder, lambda task: by_hand)
    assert (end, launcher.started) == ("held", ["darts/seed-0/search"])
    assert carry_out(folder, fine)[0] == "finished"


def test_one_scheduler_a_study(study):
    folder = study(methods=["darts"])
    lock = folder.lock()
    try:
        with pytest.raises(RunError, match="works on this study"):
            folder.lock()
    finally:
        lock.release()


def test_a_test_made_before_the_end_or_on_other_images_is_not_the_studys(study, carry_out):
    folder = study(methods=["darts"], seeds=1, random_cells=0)

    def with_own_test(task):
        RunFolder(task.folder).add_result("test", data="digits", accuracy_percent=99.0)
        finish_run(task.folder, 50.0)
        RunFolder(task.folder).add_result("test", data="npz:/other.npz", accuracy_percent=98.0)
        return 0

    end, _, _ = carry_out(folder, lambda task: with_own_test if task.id.endswith("retrain-0") else 42.0)
    assert end == "finished"
    row = read_results(folder.path).rows[0]
    assert row.accuracy.mean == 42.0
    assert row.tests_so_far == 3


def test_a_full_disk_stops_no_member_that_can_still_save(study, carry_out, monkeypatch):
    folder = study(methods=["darts"], seeds=1, random_cells=0)

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("engine.study.folder.StudyFolder.write_status", full)
    end, _, said = carry_out(folder, fine)
    assert end == "finished"
    assert sum("No space left" in sentence for sentence in said) == 1
    assert read_results(folder.path).state == "finished"


def test_members_that_cannot_save_are_failures_with_the_reason(study, carry_out, monkeypatch):
    folder = study(methods=["darts"], seeds=1, random_cells=0)

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("engine.study.scheduler.make_run", full)
    end, launcher, said = carry_out(folder, fine)
    assert (end, launcher.started) == ("failed", [])
    assert "No space left" in read_results(folder.path).failures[0].error
    assert said
