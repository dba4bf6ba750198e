"""How far a study is, read from its members' folders: the same answer for the scheduler, the table and the window."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from engine.config.study import StudyConfig
from engine.runs import RunFolder, Status
from engine.runs.folder import CONFIG, RESULTS, STATUS
from engine.study.folder import StudyStatus
from engine.study.plan import Member, members

MemberState = Literal["waiting", "ready", "running", "stopped", "finished", "failed", "blocked"]
"""``ready``: all that it needs has finished. ``blocked``: what it needs has failed."""


@dataclass(frozen=True)
class MemberView:
    """A member with its state and the status of its run."""

    member: Member
    state: MemberState
    status: Status | None = None
    error: str = ""


class MemberReader:
    """Reads members' folders, and each file again only when it has changed: a study may have thousands of them."""

    def __init__(self, study: Path) -> None:
        self.study = study
        self._statuses: dict[Path, tuple[tuple[int, int] | None, Status | None]] = {}
        self._tests: dict[Path, tuple[Any, Mapping[str, Any] | None]] = {}

    def status(self, folder: Path) -> Status | None:
        """The status of a member's run; None where it has not been made."""
        stamp = _stamp(folder / STATUS)
        known = self._statuses.get(folder)
        if known is None or stamp is None or known[0] != stamp:
            made = stamp is not None or (folder / CONFIG).is_file()
            known = (stamp, RunFolder(folder).status() if made else None)
            self._statuses[folder] = known
        return known[1]

    def test(self, folder: Path) -> Mapping[str, Any] | None:
        """The first test of a retraining that was made after it finished; None where there is none yet.

        A test that somebody made earlier, or on other images, is counted by the run but is not the study's number.
        """
        stamp = (_stamp(folder / STATUS), _stamp(folder / RESULTS))
        known = self._tests.get(folder)
        if known is None or known[0] != stamp:
            known = (stamp, _first_test(folder, self.status(folder)))
            self._tests[folder] = known
        return known[1]

    def has_finished(self, member: Member) -> bool:
        """Whether a member is done, for good."""
        if member.seed is None:
            return False
        folder = member.folder(self.study)
        if member.kind == "test":
            return self.test(folder) is not None
        status = self.status(folder)
        return status is not None and status.state == "finished"


def _first_test(folder: Path, status: Status | None) -> Mapping[str, Any] | None:
    run = RunFolder(folder)
    if status is None or status.state != "finished" or not (folder / RESULTS).is_file():
        return None
    data = run.config_document().get("data")
    for row in run.results():
        if row.get("what") == "test" and row.get("data", data) == data and _is_number(row.get("accuracy_percent")):
            t = row.get("t")
            if _is_number(t) and t >= status.heartbeat:  # type: ignore[operator]
                return row
    return None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino


def view_members(
    config: StudyConfig, reader: MemberReader, *, picks: Mapping[str, int],
    noted: Mapping[str, Mapping[str, Any]] | None = None, running: frozenset[str] = frozenset(),
) -> list[MemberView]:  # fmt: skip
    """Every member with its state.

    Args:
        picks: seed of the picked cell by row.
        noted: the study's notes on its members: ``failed`` and ``error``.
        running: ids of members that are known to be worked on.
    """
    found: dict[str, MemberView] = {}
    for member in members(config, picks):
        note = (noted or {}).get(member.id, {})
        found[member.id] = _view(member, reader, note, member.id in running, found)
    return list(found.values())


def _view(
    member: Member, reader: MemberReader, note: Mapping[str, Any], is_running: bool, before: Mapping[str, MemberView]
) -> MemberView:
    status = reader.status(member.folder(reader.study)) if member.seed is not None else None
    error = str(note.get("error") or "")
    if is_running:  # Also one that has said its last word: until its process is gone it may still write.
        return MemberView(member, "running", status)
    if reader.has_finished(member):
        return MemberView(member, "finished", status)
    if status is not None and status.alive and member.kind != "test":
        return MemberView(member, "running", status)
    if note.get("failed"):
        return MemberView(member, "failed", status, error)
    needed = [before[name].state for name in member.needs]
    is_retraining_of_picked = member.kind == "retrain" and len(needed) > 1
    # A pick is made from what there is; anything else stands or falls with what it needs.
    over = ("finished", "failed", "blocked")
    if is_retraining_of_picked and all(state in over for state in needed):
        if "finished" not in needed:
            return MemberView(member, "blocked", status)
        return MemberView(member, "ready" if member.seed is not None else "waiting", status)
    if not is_retraining_of_picked and any(state in ("failed", "blocked") for state in needed):
        return MemberView(member, "blocked", status)
    if member.seed is None or any(state != "finished" for state in needed):
        return MemberView(member, "waiting", status)
    is_begun = status is not None and status.state != "created" and member.kind != "test"
    return MemberView(member, "stopped" if is_begun else "ready", status, error)


def picked_seed(config: StudyConfig, views: Mapping[str, MemberView], row: str) -> int | None:
    """Seed of the cell that a row's short retrainings pick, once all of them are over; None before, or where all failed.

    The best validation accuracy in the last epoch, the earlier seed among equals. The last epoch, since the best of all
    epochs would pick by luck.
    """
    shorts = [views[f"{row}/seed-{seed}/short"] for seed in config.seeds_of(row)]
    if any(view.state not in ("finished", "failed", "blocked") for view in shorts):
        return None
    scored = [
        (accuracy, -place, view.member.seed)
        for place, view in enumerate(shorts)
        if view.state == "finished" and view.status is not None
        and isinstance(accuracy := view.status.metrics.get("validation_accuracy_percent"), int | float)
    ]  # fmt: skip
    return max(scored)[2] if scored else None


def study_state(status: StudyStatus, views: Sequence[MemberView]) -> str:
    """``finished`` where nothing is left to do, else what the study's process is doing."""
    if all(view.state == "finished" for view in views):
        return "finished"
    state = status.alive_state
    return "stopped" if state == "finished" else state  # Members were added since.
