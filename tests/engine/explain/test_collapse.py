"""Diagnoses: each on a crafted history with a known answer, none on what is healthy or published."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest

from engine.explain import Diagnosis, diagnose, diagnose_epoch, mean_entropy, skip_count, skip_share, weightless_share
from engine.genotype import DARTS_PRIMITIVES, Cell, Edge, Genotype
from engine.genotype.discretize import discretize
from engine.genotype.named import named, named_genotypes
from engine.runs import AlphaRecord, Event, RunHistory

NONE, SKIP, SEP = 0, 3, 4
KEPT_ROWS = (0, 1, 2, 3, 5, 6, 9, 10)
"""Rows of the edges from k−2 and k−1, two a node."""


def cells(skips: int) -> Genotype:
    """A normal cell with this many skips of 8."""
    edges = [Edge("skip_connect" if place < skips else "sep_conv_3x3", place % 2) for place in range(8)]
    cell = Cell(tuple(tuple(edges[2 * node : 2 * node + 2]) for node in range(4)), (2, 3, 4, 5))
    return Genotype(cell, named("DARTS_V2").reduction)


def alphas(*, skips: int = 0, strength: float = 1.0, none: float = 0.0, step: int = 0, epoch: int = 0) -> AlphaRecord:
    """Alphas whose normal cell has this many skips; ``strength`` is the raw alpha of chosen operations, ``none`` that of none."""
    normal = np.zeros((14, 8))
    for place, row in enumerate(KEPT_ROWS):
        normal[row, SKIP if place < skips else SEP] = strength
    reduction = np.zeros((14, 8))
    reduction[list(KEPT_ROWS), SEP] = strength
    normal[:, NONE] = reduction[:, NONE] = none
    return AlphaRecord(step, epoch, normal, reduction)


def history(
    records: Sequence[AlphaRecord] = (), *, epochs: int = 20, events: Sequence[Event] = (), **started: object
) -> RunHistory:
    found = RunHistory()
    found.feed([Event(0, 0, 0, "started", {"epochs": epochs, "steps_per_epoch": 10, **started})])
    found.feed(events)
    found.alphas.extend(records)
    return found


def epoch_events(**series: Sequence[float | None]) -> list[Event]:
    length = len(next(iter(series.values())))
    return [
        Event(place, place * 10 + 9, place, "epoch", {name: values[place] for name, values in series.items()})
        for place in range(length)
    ]


def codes(diagnoses: Sequence[Diagnosis]) -> list[str]:
    return [diagnosis.code for diagnosis in diagnoses]


@pytest.mark.parametrize("genotype", named_genotypes(), ids=lambda genotype: genotype.name)
def test_published_cells_raise_no_warning(genotype: Genotype) -> None:
    assert diagnose(history(), DARTS_PRIMITIVES, genotype=genotype) == []


@pytest.mark.parametrize(
    ("skips", "expected"),
    [
        (0, []),
        (4, []),
        (5, [("many_skips", "warning")]),
        (6, [("skip_collapse", "severe")]),
        (8, [("skip_collapse", "severe")]),
    ],
)
def test_skips_of_the_normal_cell_are_counted(skips: int, expected: list[tuple[str, str]]) -> None:
    found = diagnose(history(), DARTS_PRIMITIVES, genotype=cells(skips))

    assert [(diagnosis.code, diagnosis.severity) for diagnosis in found] == expected
    if found:
        assert found[0].numbers == {"skips": skips, "edges": 8}
        assert f"{skips} of 8" in found[0].message


def test_skips_of_alphas_are_those_of_their_cell() -> None:
    record = alphas(skips=7)

    assert skip_count(discretize(record, DARTS_PRIMITIVES).normal) == 7
    assert "skip_collapse" in codes(diagnose(history([record]), DARTS_PRIMITIVES))


def rising(skips: int, weights: Sequence[float]) -> list[AlphaRecord]:
    """Skip gains on every edge by this much an epoch, without ever overtaking the chosen operations."""
    found = []
    for epoch, weight in enumerate(weights):
        record = alphas(skips=skips, strength=3.0, epoch=epoch, step=10 * epoch + 9)
        record.normal[[row for row in range(14) if row not in KEPT_ROWS], SKIP] = weight
        found.append(record)
    return found


@pytest.mark.parametrize(
    ("skips", "weights", "is_rising"),
    [
        (3, [0, 0.5, 1, 1.5, 2, 2.5], True),
        (3, [0, 0.5, 1, 0.9, 2, 2.5], True),  # 4 of 5
        (3, [0, 0.5, 0.4, 0.3, 2, 2.5], False),  # 3 of 5
        (3, [2.5, 2, 1.5, 1, 0.5, 0], False),
        (3, [1, 1.001, 1.002, 1.003, 1.004, 1.005], False),  # grows, by nothing
        (2, [0, 0.5, 1, 1.5, 2, 2.5], False),  # as many as DARTS_V2
        (3, [0, 1, 2, 2.5], False),  # too short to tell
    ],
)
def test_rising_skips_are_seen_before_they_win(skips: int, weights: list[float], is_rising: bool) -> None:
    found = diagnose(history(rising(skips, weights), epochs=100), DARTS_PRIMITIVES)

    assert ("skips_rising" in codes(found)) == is_rising


def test_alphas_that_stay_uniform_are_chance_after_half_of_the_search() -> None:
    still = AlphaRecord(0, 0, *(1e-3 * np.random.default_rng(0).normal(size=(2, 14, 8))))

    def at(epoch: int, **extra: int) -> list[str]:
        genotype = discretize(still, DARTS_PRIMITIVES)
        return codes(diagnose_epoch(still, genotype, primitives=DARTS_PRIMITIVES, epoch=epoch, epochs=20, **extra))

    assert at(8) == []
    assert at(9) == ["alphas_unmoved_normal", "alphas_unmoved_reduction"]
    assert at(9, warmup_epochs=6) == []  # 4 of 14 epochs with moving alphas
    assert at(12, warmup_epochs=6) == ["alphas_unmoved_normal", "alphas_unmoved_reduction"]
    assert at(5, warmup_epochs=6) == []


def test_alphas_that_moved_as_far_as_an_epoch_of_darts_can_move_them_are_no_chance() -> None:
    moved = AlphaRecord(0, 0, *np.random.default_rng(0).choice([-0.12, 0.12], size=(2, 14, 8)))
    genotype = discretize(moved, DARTS_PRIMITIVES)

    found = diagnose_epoch(moved, genotype, primitives=DARTS_PRIMITIVES, epoch=15, epochs=20)

    assert not any(code.startswith("alphas_unmoved") for code in codes(found))


def test_deciding_in_the_first_quarter_is_too_early() -> None:
    decided = alphas(strength=0.0)
    decided.normal[:, SEP] = 6.0
    genotype = discretize(decided, DARTS_PRIMITIVES)

    def at(epoch: int, epochs: int = 20) -> list[str]:
        return codes(diagnose_epoch(decided, genotype, primitives=DARTS_PRIMITIVES, epoch=epoch, epochs=epochs))

    assert "decided_early_normal" in at(4)
    assert "decided_early_reduction" not in at(4)
    assert "decided_early_normal" not in at(5)
    assert "decided_early_normal" not in at(0, epochs=4)


def test_a_dominant_none_is_explained_not_warned_of() -> None:
    [found] = [entry for entry in diagnose(history([alphas(none=2.0)]), DARTS_PRIMITIVES) if entry.code == "none_first"]

    assert found.severity == "info"
    assert found.numbers["edges_with_none_first"] == 28
    assert "none_first" not in codes(diagnose(history([alphas(none=0.0)]), DARTS_PRIMITIVES))  # A tie is no lead.
    seven = DARTS_PRIMITIVES[1:]
    without = alphas(none=2.0)
    without = AlphaRecord(0, 0, without.normal[:, 1:], without.reduction[:, 1:])
    assert "none_first" not in codes(diagnose(history([without]), seven))


def test_close_decisions_are_told_at_the_end() -> None:
    close = alphas(strength=0.05, epoch=19)
    clear = alphas(strength=1.5, epoch=19)

    assert "close_decisions" in codes(diagnose(history([close]), DARTS_PRIMITIVES))
    assert "close_decisions" not in codes(diagnose(history([clear]), DARTS_PRIMITIVES))
    assert "close_decisions" not in codes(diagnose(history([alphas(strength=0.05, epoch=10)]), DARTS_PRIMITIVES))


@pytest.mark.parametrize(
    ("weight", "alpha", "found"),
    [(12.0, 0.6, False), (9.8, 9.8, False), (12.0, 1e-4, True), (0.01, 5.0, True), (12.0, None, False)],
)
def test_gradients_out_of_proportion_are_told(weight: float, alpha: float | None, found: bool) -> None:
    events = [
        Event(step, step, 0, "gradient", {"weight_gradient_norm": weight, "alpha_gradient_norm": alpha})
        for step in range(5)
    ]

    assert (codes(diagnose(history(events=events), DARTS_PRIMITIVES)) == ["gradient_imbalance"]) == found


def test_a_loss_that_is_no_number_is_severe() -> None:
    events = [Event(0, 0, 0, "step", {"loss": 2.3}), Event(1, 1, 0, "step", {"loss": None})]

    [found] = diagnose(history(events=events), DARTS_PRIMITIVES)

    assert (found.code, found.severity) == ("loss_not_finite", "severe")


@pytest.mark.parametrize(
    ("losses", "found"),
    [([2.3, 2.3, 2.31, 2.3, 2.3], True), ([2.3, 2.2, 2.0, 1.5, 1.2], False), ([2.3, 2.3], False)],
)
def test_a_loss_that_does_not_fall_is_told(losses: list[float], found: bool) -> None:
    assert (
        "loss_not_falling" in codes(diagnose(history(events=epoch_events(train_loss=losses)), DARTS_PRIMITIVES))
    ) == found


@pytest.mark.parametrize(
    ("train", "validation", "expected"),
    [
        (99.7, 88.5, []),  # a DARTS search on CIFAR-10, quark0/darts issue 12
        (99.7, 80.0, ["overfit"]),
        (60.0, 12.0, ["accuracy_at_chance"]),
        (50.0, None, []),
    ],
)
def test_accuracies_are_judged_by_their_gap_and_by_chance(
    train: float, validation: float | None, expected: list[str]
) -> None:
    events = epoch_events(train_accuracy_percent=[train] * 5, validation_accuracy_percent=[validation] * 5)
    names = [str(digit) for digit in range(10)]

    assert codes(diagnose(history(events=events, classes=names), DARTS_PRIMITIVES)) == expected


def test_the_gravest_comes_first() -> None:
    events = epoch_events(train_accuracy_percent=[99.0] * 5, validation_accuracy_percent=[70.0] * 5)

    found = diagnose(history([alphas(skips=7)], events=events), DARTS_PRIMITIVES)

    assert [diagnosis.severity for diagnosis in found] == sorted(
        (diagnosis.severity for diagnosis in found), key=["severe", "warning", "info"].index
    )
    assert codes(found)[0] == "skip_collapse"


def test_a_run_that_has_only_started_gives_nothing() -> None:
    assert diagnose(RunHistory(), DARTS_PRIMITIVES) == []


def test_entropy_is_ln_k_when_uniform_and_0_when_decided() -> None:
    uniform = mean_entropy(np.zeros((14, 8)))
    assert uniform.nats == pytest.approx(math.log(8))
    assert uniform.share == pytest.approx(1)
    decided = np.zeros((14, 8))
    decided[:, 2] = 2000.0
    assert mean_entropy(decided).nats == pytest.approx(0)
    halves = np.log(np.tile([0.5, 0.5, 1e-300, 1e-300], (5, 1)))
    assert mean_entropy(halves).nats == pytest.approx(math.log(2))


def test_shares_count_edges() -> None:
    assert skip_share(named("DARTS_V1").normal) == 3 / 8
    assert weightless_share(named("DARTS_V2").reduction) == 1
    assert weightless_share(named("AmoebaNet").normal) == pytest.approx(6 / 10)
