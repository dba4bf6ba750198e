"""A selection: random networks first, then a strategy, and the networks that nothing beside them dominates."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from engine.cost.subnets import subnet_cost
from engine.errors import NascopeError
from engine.genotype.primitives import suggestion
from engine.subnets import Architecture, Space
from engine.subnets.architecture import biggest, smallest
from engine.subnets.front import front
from engine.two_stage.selection.allowed import Allowed
from engine.two_stage.selection.book import Book, MeasuredNetwork
from engine.two_stage.selection.coarse_to_fine import coarse_to_fine
from engine.two_stage.selection.evolution import evolution
from engine.two_stage.selection.hunt import Hunt
from engine.two_stage.selection.limits import Limits
from engine.two_stage.selection.predicting import PredictorReport, Promising


@dataclass(frozen=True)
class Progress:
    """Where a selection stands.

    Attributes:
        phase: ``random`` or the strategy.
        done, of: networks that this phase has asked for, and may ask for.
        best: the most accurate network of this selection so far.
    """

    phase: str
    done: int
    of: int
    best: MeasuredNetwork


@dataclass(frozen=True)
class Selection:
    """What a selection gives.

    Attributes:
        networks: every known network within the budget, also of earlier selections.
        random_best: the most accurate of the random networks, the cheaper of equals; None where none was met.
        random_evaluated: random networks.
        random_lowered: of them, those that are no uniform draws (``Allowed.draw``).
        strategy_best, strategy_evaluated: of the strategy, which may have had the same number of networks.
        evaluated: different networks that were asked for.
        measured_now: of them, those that were not known before.
        predictor: None where none was wanted.
    """

    networks: tuple[MeasuredNetwork, ...]
    random_best: MeasuredNetwork | None
    random_evaluated: int
    random_lowered: int
    strategy_best: MeasuredNetwork
    strategy_evaluated: int
    evaluated: int
    measured_now: int
    predictor: PredictorReport | None


def _random(hunt: Hunt) -> None:
    """Networks drawn at random within the budget, and nothing else."""
    while hunt.left:
        drawn = hunt.random()
        if drawn is None:
            return
        hunt.ask(drawn, "random")


STRATEGIES: Mapping[str, Callable[[Hunt], None]] = {
    "coarse-to-fine": coarse_to_fine,
    "evolution": evolution,
    "random": _random,
}
"""By the names of the command line."""


def default_strategy(method: str) -> str:
    """The paper's own: evolution for AttentiveNAS, coarse to fine for BigNAS."""
    return "evolution" if method == "attentive-nas" else "coarse-to-fine"


def refuse_strategy(name: str) -> None:
    """Refuse what is no strategy.

    Raises:
        NascopeError: with the names that there are.
    """
    if name not in STRATEGIES:
        raise NascopeError(
            f"«{name[:60]}» is no strategy.{suggestion(name[:60], STRATEGIES)}", where="--strategy", mend=f"Use {', '.join(STRATEGIES)}."
        )  # fmt: skip


def non_dominated(networks: Iterable[MeasuredNetwork]) -> list[MeasuredNetwork]:
    """The networks beside which none is both as cheap in multiply-adds and as accurate; the most accurate first."""
    return front(networks, lambda network: network.macs, lambda network: network.accuracy_percent)[::-1]


def select(
    space: Space,
    limits: Limits,
    book: Book,
    *,
    strategy: str,
    evaluations: int,
    seed: int = 0,
    with_predictor: bool = False,
    within_latency: Callable[[Architecture], bool] | None = None,
    told: Callable[[Progress], None] = lambda progress: None,
) -> Selection:
    """Spend ``evaluations`` on random networks and as many on a strategy.

    The smallest network, and the biggest where it is within the limits, are measured beside: they are the ends of the front.
    Both shares begin with the same random numbers, so a strategy that begins with random networks meets those of the baseline
    and costs less time; each is counted in full all the same. What is asked for depends on the space, the limits, the
    accuracies and the seed, not on what the book knows already (but for a predictor, which is fitted to all of it).

    Args:
        limits: that not even the smallest network keeps to are refused before anything is measured.
        within_latency: whether a network is expected to keep to the limit of latency.

    Raises:
        NascopeError: an unknown strategy, an impossible limit, too few networks for a predictor.
    """
    refuse_strategy(strategy)
    limits.refuse_below(subnet_cost(smallest(space)))
    allowed = Allowed(space, limits, within_latency)
    best: list[MeasuredNetwork] = []

    def hunt(phase: str, share: Callable[[Hunt], None], prefer: Promising | None) -> Hunt:
        def tell(network: MeasuredNetwork) -> None:
            best[:] = [most_accurate([*best, network])]
            told(Progress(phase, len(made.found), evaluations, best[0]))

        made = Hunt(allowed, book, random.Random(f"select/{seed}"), evaluations, prefer=prefer, told=tell)
        share(made)
        return made

    before = book.measured_now
    extremes = [book.measured(smallest(space), "smallest")]
    if biggest(space) in allowed:
        extremes.append(book.measured(biggest(space), "biggest"))
    best += extremes
    baseline = hunt("random", _random, None)
    promising = Promising(book, is_limited=allowed.is_limited) if with_predictor else None
    searched = baseline
    if strategy != "random" or promising is not None:
        searched = hunt(strategy, STRATEGIES[strategy], promising)
    asked = {network.architecture.values() for network in (*extremes, *baseline.found, *searched.found)}
    return Selection(
        tuple(network for network in book.networks() if network.architecture in allowed),
        most_accurate(baseline.found) if baseline.found else None, len(baseline.found), baseline.lowered,
        most_accurate(searched.found), len(searched.found), len(asked), book.measured_now - before,
        promising.report() if promising is not None else None,
    )  # fmt: skip


def most_accurate(networks: Iterable[MeasuredNetwork]) -> MeasuredNetwork:
    """The most accurate network; of equals the cheaper one."""
    return max(networks, key=lambda network: (network.accuracy_percent, -network.macs))
