"""The learning rate of a two-stage training as a closed form of the step, so that a resume needs no scheduler state.

Other than cells' schedules, which hold a rate for an epoch, these run on with every step.
"""

from __future__ import annotations

import math

from engine.config.two_stage import TwoStageConfig

_START = 0.001
"""Share of the learning rate at the first step of a warm-up. Source: AttentiveNAS."""


def learning_rate_at(config: TwoStageConfig, step: int, steps_per_epoch: int) -> float:
    """The learning rate of a step, counted from 0 over all epochs."""
    warmup = config.learning_rate_warmup_epochs * steps_per_epoch
    if config.learning_rate_schedule == "cosine":
        steps = config.epochs * steps_per_epoch
        return warmed_cosine(step, steps, warmup, config.learning_rate, config.learning_rate_min)
    decay_steps = config.learning_rate_decay_epochs * steps_per_epoch
    return floored_exponential(
        step, warmup, config.learning_rate, config.learning_rate_decay, decay_steps, config.learning_rate_floor
    )


def warm_up(step: int, warmup: int) -> float:
    """Factor of a warm-up of so many steps: straight from 0.001 at step 0 to 1 at its end."""
    if step >= warmup:
        return 1.0
    done = step / warmup
    return _START * (1 - done) + done


def warmed_cosine(step: int, steps: int, warmup: int, base: float, minimum: float = 0.0) -> float:
    """A cosine from ``base`` at step 0 to ``minimum`` at ``steps``, times the warm-up: the cosine does not wait for its end.

    Source: AttentiveNAS (WarmupCosineLR).
    """
    return warm_up(step, warmup) * (minimum + (base - minimum) * (1 + math.cos(math.pi * step / steps)) / 2)


def floored_exponential(step: int, warmup: int, base: float, decay: float, decay_steps: float, floor: float) -> float:
    """After the warm-up ``base`` times ``decay`` every ``decay_steps`` steps, never below ``floor`` of ``base``.

    Source: BigNAS section 3.2 (exponential with constant ending).
    """
    if step < warmup:
        return base * warm_up(step, warmup)
    return base * max(floor, math.pow(decay, (step - warmup) / decay_steps))
