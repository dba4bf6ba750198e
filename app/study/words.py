"""What the window says of a study and its members."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from engine.study.results import StudyResults
from engine.study.state import MemberView

translate = QCoreApplication.translate


def state_word(state: str) -> str:
    """A state of a study or a member."""
    return {
        "created": translate("study", "not started"), "waiting": translate("study", "waiting"), "ready": translate("study", "ready"),
        "running": translate("study", "running"), "stopped": translate("study", "stopped"), "finished": translate("study", "finished"),
        "failed": translate("study", "failed"), "blocked": translate("study", "blocked"), "interrupted": translate("study", "interrupted"),
    }.get(state, state)  # fmt: skip


def member_word(view: MemberView) -> str:
    """What a member is."""
    member = view.member
    seed = member.own_seed
    if member.kind == "search":
        return translate("study", "search, seed {n}").format(n=seed)
    if member.kind == "short":
        return translate("study", "short retraining, seed {n}").format(n=seed)
    if member.seed is None:
        return translate("study", "retraining of the picked cell, seed {n}").format(n=seed)
    if member.kind == "retrain":
        if member.seed == seed:
            return translate("study", "retraining, seed {n}").format(n=seed)
        return translate("study", "retraining of the cell of seed {cell}, seed {n}").format(cell=member.seed, n=seed)
    return translate("study", "test of the cell of seed {cell}, seed {n}").format(cell=member.seed, n=seed)


def member_state(view: MemberView) -> str:
    """The state of a member, with its epoch while it runs."""
    word = state_word(view.state)
    status = view.status
    if view.state == "running" and status is not None and status.epochs and view.member.kind != "test":
        return translate("study", "epoch {n} of {total}").format(
            n=min(status.epoch + 1, status.epochs), total=status.epochs
        )
    return word


def progress_words(results: StudyResults) -> str:
    """«Running · 5 of 18»."""
    done = sum(view.state == "finished" for view in results.views)
    word = state_word(results.state)
    return translate("study", "{state} · {n} of {total}").format(
        state=word[:1].upper() + word[1:], n=done, total=len(results.views)
    )


def title_of(results: StudyResults) -> str:
    """What a study is called: its folder."""
    return translate("study", "Study {name}").format(name=results.path.name)
