"""What all processes of a run do but rank 0: train as it says, write nothing."""

from __future__ import annotations

import traceback
from pathlib import Path

from engine.distributed import LeftAlone, Ranks, explained, lookout, tell_failure
from engine.errors import NascopeError
from engine.execution.outcome import Outcome
from engine.execution.prepare import Plan, prepare
from engine.training.failure import failure_in_words
from engine.training.interrupts import EXIT_CODES
from engine.training.journal import NoJournal
from engine.training.loop import Loop
from engine.training.rank_device import device_of_rank


def follow(ranks: Ranks) -> Outcome:
    """Work on the run that rank 0 executes until it ends; a failure here is told to rank 0, which writes it down."""
    plan: Plan | None = None
    loop: Loop | None = None
    try:
        plan = ranks.first_says(plan)
        assert plan is not None
        config = plan.config
        device = device_of_rank(config.device, ranks)
        trainer = prepare(plan, device, lambda what, done, total: None, ranks)
        loop = Loop(
            trainer, NoJournal(), None, device=device, checkpoint_minutes=config.checkpoint_minutes, ranks=ranks,
            seed=config.seed,
        )  # fmt: skip
        with lookout(ranks, device, lambda error: None):
            end = loop.run(plan.checkpoint, {}, plan.epochs_before)
    except Exception as error:
        if isinstance(explained(error, ranks), LeftAlone):
            return Outcome("failed", 1, 0)
        is_input = isinstance(error, NascopeError) and loop is None
        words: dict[str, str | None] = {"what": f"{type(error).__name__}: {error}", "where": None, "mend": None}
        if plan is not None:
            words = failure_in_words(error, plan.config, Path(), plan.decided)
        tell_failure(words, "".join(traceback.format_exception(error)), is_input=is_input)
        return Outcome("failed", 2 if is_input else 1, 0, error=words)
    exit_code = 0 if end.state == "finished" else EXIT_CODES[end.reason or "order"]
    return Outcome(end.state, exit_code, loop.epochs_ended, dict(loop.metrics))
