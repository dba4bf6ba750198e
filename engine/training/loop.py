"""The one loop: what is the same for every kind of run.

Epochs and steps, orders from the folder, the cadence of events, checkpoints and resume. What a step is belongs to the
trainer. The loop never prints and owns no thread; times and memory are the only things in a run that are not a
function of its configuration.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import psutil
import torch

from engine.distributed import ALONE, Ranks
from engine.errors import RunError
from engine.runs.folder import CHECKPOINT_LAST
from engine.training.checkpoint import random_states
from engine.training.device import memory_mib
from engine.training.direction import STOPS, Decision, Direction
from engine.training.failure import first_line, is_out_of_memory
from engine.training.journal import Journal
from engine.training.resuming import refuse_other_batches, restore_random
from engine.training.trainer import EpochReport, Trainer

STEP_EVENTS_PER_EPOCH = 400
"""Upper bound, so that 50 epochs of a CIFAR search stay a few MiB."""
STEP_EVENTS_PER_EPOCH_OF_A_GPU = 80
"""Each event reads numbers back, and so waits for the device."""
DETAILS_PER_EPOCH = 10
_PAUSE_LOOK_SECONDS = 0.1


class _End(Exception):
    """Somebody wants the run to end; ``reason`` as in ``stopped`` events."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class LoopEnd:
    """How a sitting ended: ``finished``, or ``stopped`` with the reason."""

    state: str
    reason: str | None = None


class Loop:
    """Trains a run from where it stands to its end, a stop, or a failure that is raised.

    With several processes each has a loop, and all do the same steps. Rank 0 alone has a direction and a journal that
    writes; it says before every step what is to be done.

    Args:
        direction: None on the ranks that follow.
        seed: of the run, for the random numbers of resumes on another number of processes.
    """

    def __init__(
        self,
        trainer: Trainer,
        journal: Journal,
        direction: Direction | None,
        *,
        device: torch.device,
        checkpoint_minutes: float,
        ranks: Ranks = ALONE,
        seed: int = 0,
    ) -> None:
        self._trainer = trainer
        self._journal = journal
        self._direction = direction
        self._device = device
        self._checkpoint_seconds = checkpoint_minutes * 60
        self._ranks = ranks
        self._seed = seed

        self._done = 0  # steps
        self._epochs_ended = 0
        self._best_score: float | None = None
        self._metrics: dict[str, Any] = {}
        self._seconds = 0.0  # of computing, over all sittings
        self._epoch_seconds = 0.0
        self._epochs_before = 0  # of the run in its last sitting

        self._clock = time.monotonic()
        self._saved_at = time.monotonic()

    def run(self, checkpoint: Mapping[str, Any] | None, facts: Mapping[str, Any], epochs_before: int = 0) -> LoopEnd:
        """Train.

        Args:
            checkpoint: a loaded one to go on from; None starts anew.
            facts: what the ``started`` event tells besides the trainer's facts.
            epochs_before: of the run in its last sitting; 0 where there was none.

        Raises:
            RunError: the training diverged.
            OSError: the disk is full.
        """
        self._epochs_before = epochs_before
        try:
            if checkpoint is None:
                self._start(facts)
            else:
                self._resume(checkpoint)
            self._journal.status(state="running", **self._progress())
            try:
                self._train()
            except _End as end:
                return self._stop(end.reason)
            self._finish()
            return LoopEnd("finished")
        finally:
            self._trainer.close()
            self._journal.close()

    @property
    def epochs_ended(self) -> int:
        """Whole epochs trained so far, over all sittings."""
        return self._epochs_ended

    @property
    def metrics(self) -> dict[str, Any]:
        """The newest numbers of the run."""
        return self._metrics

    def emit(self, kind: str, fields: Mapping[str, Any]) -> None:
        """Log an event at the step just done."""
        step = max(self._done - 1, 0)
        self._emit_at(kind, step, step // max(self._trainer.steps_per_epoch, 1), fields)

    # -- the course of a run --------------------------------------------------------------------------------------

    def _start(self, facts: Mapping[str, Any]) -> None:
        self.emit("started", {**facts, **self._trainer.facts(), "epochs": self._trainer.epochs,
                              "steps_per_epoch": self._trainer.steps_per_epoch})  # fmt: skip
        if self._trainer.epochs:
            self._trainer.check()
        self._say_initial()
        if self._trainer.epochs:
            self._save()

    def _resume(self, checkpoint: Mapping[str, Any]) -> None:
        try:
            self._trainer.load_state_dict(checkpoint["trainer"])
        except (RuntimeError, ValueError, KeyError) as error:
            if is_out_of_memory(error):
                raise
            raise RunError(
                f"does not fit the run's settings ({first_line(error)}).", where=self._journal.checkpoint,
                mend="Put back the config.json that it was trained with.",
            ) from error  # fmt: skip
        self._done = checkpoint["step"]
        self._epochs_ended = checkpoint["epochs_ended"]
        self._best_score = checkpoint["best_score"]
        self._metrics = dict(checkpoint["metrics"])
        self._seconds = checkpoint["seconds"]
        self._epoch_seconds = checkpoint["epoch_seconds"]
        refuse_other_batches(checkpoint, self._trainer.steps_per_epoch, self._ranks)
        changed = restore_random(checkpoint, self._ranks, self._device, self._seed)
        epoch = min(self._done // self._trainer.steps_per_epoch, max(self._trainer.epochs - 1, 0))
        self._emit_at("resumed", self._done, epoch, {"epochs": self._trainer.epochs})
        if self._done == 0:
            self._say_initial()
        if changed is not None:
            self.emit("message", {"text": changed, "level": "info"})
        before = self._epochs_before
        if before not in (0, self._trainer.epochs):
            text = f"The run has {self._trainer.epochs} epochs now instead of {before}: from here on its schedules follow the new number."
            self.emit("message", {"text": text, "level": "info"})

    def _say_initial(self) -> None:
        report = self._trainer.initial_report()
        self._say(report)
        self._metrics.update(report.metrics)

    def _train(self) -> None:
        self._clock = time.monotonic()
        while self._epochs_ended < self._trainer.epochs:
            # Within an epoch only: its own checkpoint comes at its end.
            self._obey(saves_by_time=self._done % self._trainer.steps_per_epoch != 0)
            if self._done == (self._epochs_ended + 1) * self._trainer.steps_per_epoch:
                self._end_epoch()
            else:
                self._step()
        for kind, fields in self._trainer.final_reports(self._obey):
            self.emit(kind, fields)
            self._metrics.update({name: value for name, value in fields.items() if name.endswith("_percent")})

    def _step(self) -> None:
        position = self._done % self._trainer.steps_per_epoch
        is_logged = (
            position
            % self._every(STEP_EVENTS_PER_EPOCH_OF_A_GPU if self._device.type == "cuda" else STEP_EVENTS_PER_EPOCH)
            == 0
        )
        if is_logged and self._device.type == "cuda":
            torch.cuda.synchronize(self._device)  # Else the time of this step would hold what earlier ones left queued.
        begin = time.monotonic()
        images = self._trainer.step(self._done)
        self._done += 1
        if is_logged:
            metrics = self._trainer.step_metrics()
            seconds = time.monotonic() - begin
            self.emit("step", {**metrics, "images_per_second": images / seconds, "step_seconds": seconds})
            self._refuse_divergence(metrics)
        detail_every = self._every(DETAILS_PER_EPOCH)
        if position % detail_every == detail_every - 1 or position == self._trainer.steps_per_epoch - 1:
            for kind, fields in self._trainer.detail_reports():
                self.emit(kind, fields)
        self._count_time()
        self._journal.status(write=self._done == 1, **self._progress())

    def _end_epoch(self) -> None:
        epoch = self._epochs_ended
        report = self._trainer.end_epoch(epoch, self._obey)
        self._count_time()
        self._say(report)
        self.emit("epoch", {**report.metrics, "seconds": self._epoch_seconds})
        self._say_memory()
        self._metrics.update(report.metrics)
        self._epochs_ended += 1
        self._epoch_seconds = 0.0
        is_best = report.score is not None and (self._best_score is None or report.score > self._best_score)
        if is_best:
            self._best_score = report.score
            accuracy = report.metrics.get("validation_accuracy_percent", report.score)
            self._metrics |= {"best_epoch": epoch, "best_validation_accuracy_percent": accuracy}
        self._save(best=is_best)
        self._journal.status(**self._progress())

    def _finish(self) -> None:
        if self._trainer.epochs:
            self._save()
        self.emit("finished", {"metrics": self._metrics})
        self._journal.sync()
        self._journal.status(state="finished", **self._progress())

    def _stop(self, reason: str) -> LoopEnd:
        self._save()
        self.emit("stopped", {"reason": reason})
        self._journal.status(state="stopped", **self._progress())
        return LoopEnd("stopped", reason)

    # -- orders ---------------------------------------------------------------------------------------------------

    def _obey(self, *, saves_by_time: bool = False) -> None:
        """Do what rank 0 finds that orders and signals ask for; pauses in here, ends by ``_End``."""
        paused = False
        while True:
            decision = self._decide(paused, saves_by_time)
            match decision:
                case Decision.GO:
                    return
                case Decision.SAVE:
                    self._save()
                    saves_by_time = False
                case Decision.PAUSE:
                    paused = True
                    self._save()
                    self.emit("paused", {})
                    self._journal.status(state="paused", **self._progress())
                case Decision.UNPAUSE:
                    paused = False
                    self.emit("unpaused", {})
                    self._journal.status(state="running")
                case Decision.WAIT:
                    if self._direction is not None:  # The others wait for what it says next.
                        time.sleep(_PAUSE_LOOK_SECONDS)
                    self._clock = time.monotonic()
                case _:
                    raise _End(STOPS[decision])

    def _decide(self, paused: bool, saves_by_time: bool) -> Decision:
        found = Decision.GO
        if self._direction is not None:
            is_due = saves_by_time and time.monotonic() - self._saved_at > self._checkpoint_seconds
            found = self._direction.look(self._journal, paused=paused, save_is_due=is_due)
        return Decision(self._ranks.first_decides(found))

    # -- writing --------------------------------------------------------------------------------------------------

    def _say(self, report: EpochReport) -> None:
        for kind, fields in report.reports:
            self.emit(kind, fields)
        if report.genotype is not None:
            self._journal.genotype(report.genotype)

    def _say_memory(self) -> None:
        device_mib, device_total_mib = memory_mib(self._device)
        resident_mib = psutil.Process().memory_info().rss / 2**20
        self.emit(
            "memory", {"resident_mib": resident_mib, "device_mib": device_mib, "device_total_mib": device_total_mib}
        )

    def _save(self, *, best: bool = False) -> None:
        self._count_time()
        states = self._ranks.all_say(random_states(self._device if self._ranks.size > 1 else None))
        content = {
            "step": self._done, "epochs_ended": self._epochs_ended, "best_score": self._best_score, "metrics": self._metrics,
            "seconds": self._seconds, "epoch_seconds": self._epoch_seconds, "trainer": self._trainer.state_dict(),
            "random": states[0], "steps_per_epoch": self._trainer.steps_per_epoch,
        }  # fmt: skip
        if len(states) > 1:
            content["random_of_ranks"] = states
        self._journal.save(content, best=best)
        self._saved_at = time.monotonic()
        self.emit("checkpoint", {"file": CHECKPOINT_LAST, "best": best})

    def _emit_at(self, kind: str, step: int, epoch: int, fields: Mapping[str, Any]) -> None:
        self._journal.event(kind, step, epoch, fields)

    def _progress(self) -> dict[str, Any]:
        return {
            "step": self._done, "epoch": self._epochs_ended, "epochs": self._trainer.epochs,
            "steps_per_epoch": self._trainer.steps_per_epoch, "metrics": dict(self._metrics), "seconds": self._seconds,
        }  # fmt: skip

    def _count_time(self) -> None:
        now = time.monotonic()
        self._seconds += now - self._clock
        self._epoch_seconds += now - self._clock
        self._clock = now

    def _every(self, times_an_epoch: int) -> int:
        return max(1, math.ceil(self._trainer.steps_per_epoch / times_an_epoch))

    @staticmethod
    def _refuse_divergence(metrics: Mapping[str, float | None]) -> None:
        broken = [name for name, value in metrics.items() if value is not None and not math.isfinite(value)]
        if broken:
            raise RunError(
                f"The training diverged: {broken[0]} is not finite.", where="learning_rate",
                mend="Lower learning_rate (or alpha_learning_rate) and start anew.",
            )  # fmt: skip
