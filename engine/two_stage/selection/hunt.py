"""One strategy at work: it proposes networks, has them measured, and may not ask for more than it was given."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from engine.subnets import Architecture
from engine.two_stage.selection.allowed import PATIENCE, Allowed
from engine.two_stage.selection.book import Book, MeasuredNetwork

Preference = Callable[[Sequence[Architecture]], Architecture]
"""Picks one of several proposals before any is measured (a predictor)."""

FEW_DRAWS = 50
"""Random networks that are drawn for a new one: each may take ``PATIENCE`` draws itself."""

NEAR = 3
"""Draws of which the closest to the budget is taken: the most accurate networks are seldom far below it."""

PROPOSALS = 64
"""Networks that are proposed for one that is measured, where there is a preference."""


class Hunt:
    """The draws and measurements of one strategy.

    What it finds is a function of the seed: networks that the book knows already count as asked for like any other.

    Args:
        evaluations: different networks that it may ask for.
        prefer: picks among ``PROPOSALS`` proposals; None takes each as it comes.
        told: called after each network.
    """

    def __init__(
        self,
        allowed: Allowed,
        book: Book,
        rng: random.Random,
        evaluations: int,
        *,
        prefer: Preference | None = None,
        told: Callable[[MeasuredNetwork], None] = lambda network: None,
    ) -> None:
        self.allowed = allowed
        self.rng = rng
        self.evaluations = evaluations
        self._book = book
        self._prefer = prefer
        self._told = told
        self._asked: dict[tuple[int, ...], MeasuredNetwork] = {}
        self._lowered: set[tuple[int, ...]] = set()

    @property
    def left(self) -> int:
        """Networks that may still be asked for."""
        return self.evaluations - len(self._asked)

    @property
    def found(self) -> list[MeasuredNetwork]:
        """What was asked for, in order."""
        return list(self._asked.values())

    @property
    def lowered(self) -> int:
        """How many of them are no uniform draws, but were lowered to the budget."""
        return len(self._lowered & self._asked.keys())

    def is_new(self, architecture: Architecture) -> bool:
        """Whether this strategy has not asked for it yet."""
        return architecture.values() not in self._asked

    def ask(self, architecture: Architecture, found_by: str) -> MeasuredNetwork:
        """Have a network measured.

        Raises:
            ValueError: it is over the budget, or no evaluation is left: both are faults of the strategy.
        """
        values = architecture.values()
        if values in self._asked:
            return self._asked[values]
        if self.left <= 0 or architecture not in self.allowed:
            raise ValueError("a strategy asked for a network that it may not have")
        self._asked[values] = found = self._book.measured(architecture, found_by)
        self._told(found)
        return found

    def random(self) -> Architecture | None:
        """A random network within the budget that was not asked for yet; None where none was met."""
        return self.propose(self._random, FEW_DRAWS if self._prefer is None else 2 * PROPOSALS)

    def near(self) -> Architecture | None:
        """Like ``random``, but of ``NEAR`` draws the one that comes closest to the budget, where there is one."""
        return (
            self.propose(self._near, FEW_DRAWS) if self.allowed.is_limited and self._prefer is None else self.random()
        )

    def propose(self, make: Callable[[], Architecture | None], patience: int = PATIENCE) -> Architecture | None:
        """A new network within the budget out of those that ``make`` gives; None where ``patience`` of them were none."""
        found: dict[tuple[int, ...], Architecture] = {}
        wanted = 1 if self._prefer is None else PROPOSALS
        for _ in range(patience):
            proposal = make()
            if proposal is not None and self.is_new(proposal) and proposal in self.allowed:
                found[proposal.values()] = proposal
            if len(found) == wanted:
                break
        if not found:
            return None
        return next(iter(found.values())) if self._prefer is None else self._prefer(list(found.values()))

    def _near(self) -> Architecture | None:
        drawn = [found for found in (self._random() for _ in range(NEAR)) if self.is_new(found)]
        return max(drawn, key=self.allowed.share, default=None)

    def _random(self) -> Architecture:
        found, is_lowered = self.allowed.draw(self.rng)
        if is_lowered:
            self._lowered.add(found.values())
        return found
