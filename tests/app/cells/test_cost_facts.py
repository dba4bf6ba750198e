"""The cost in the inspector: the published numbers, the run's own network, and an operation's part in it."""

from __future__ import annotations

from pathlib import Path

import pytest
from fake_run import fake_config, fake_events
from pytestqt.qtbot import QtBot

from app.cells.cost_facts import network_facts, operation_facts
from app.cells.inspector import Inspector
from app.run_model import RunModel
from app.selection import Operation, Selection
from engine.config import resolve
from engine.cost import PAPER_CIFAR, NetworkSettings, network_cost
from engine.cost.quantities import in_words
from engine.genotype import Cell, Edge, Genotype
from engine.genotype.named import named
from engine.genotype.primitives import PrimitiveDeclaration, _registry, register
from engine.runs import Status


def search_model(done: int = 10) -> RunModel:
    config = fake_config(method="darts", data="digits")
    model = RunModel(Path("run"), config.model_dump(), name="My run")
    model.feed(list(fake_events(config, done=done, steps_per_epoch=2)))
    model.set_status(Status("running", epochs=50))
    return model


@pytest.fixture
def pane(qtbot: QtBot) -> tuple[Inspector, Selection]:
    selection = Selection()
    inspector = Inspector(selection)
    qtbot.addWidget(inspector)
    inspector.resize(270, 820)
    inspector.show()
    qtbot.waitExposed(inspector)
    return inspector, selection


def test_a_named_cell_costs_what_the_papers_say() -> None:
    cifar, imagenet = network_facts(named("DARTS_V2"), None)

    assert cifar.value == "3.35 M · 528.4 M"
    assert imagenet.value == "4.72 M · 529.9 M"
    assert "36 channels, 20 cells" in cifar.hint
    assert "without the auxiliary head" in cifar.hint


def test_a_retraining_shows_its_own_network_first() -> None:
    values = {"genotype": named("DARTS_V2").as_json(), "data": "cifar100", "channels": 16, "layers": 8}
    model = RunModel(Path("run"), resolve("retrain", values=values).model_dump())

    facts = network_facts(named("DARTS_V2"), model)

    own = network_cost(named("DARTS_V2"), NetworkSettings("cifar", 16, 8, 100, 32))
    assert facts[0].name == "this network"
    assert facts[0].value == f"{in_words(own.parameters)} · {in_words(own.macs)}"
    assert len(facts) == 3


def test_a_retraining_of_the_papers_sizes_is_not_told_twice() -> None:
    values = {"genotype": named("DARTS_V2").as_json(), "data": "cifar10", "channels": 36, "layers": 20}
    model = RunModel(Path("run"), resolve("retrain", values=values).model_dump())

    assert [fact.name for fact in network_facts(named("DARTS_V2"), model)] == [
        "CIFAR-10, paper size",
        "ImageNet, paper size",
    ]


def test_shares_of_all_operations_leave_only_what_stands_around_them() -> None:
    genotype = named("DARTS_V2")
    shares = []
    for kind in ("normal", "reduction"):
        for node, _, edge in genotype.cell(kind).edges():  # type: ignore[arg-type]
            facts = operation_facts(Operation(kind, edge.source, node, edge.primitive), genotype, None, "whole")  # type: ignore[arg-type]
            shares.append(float(facts[1].value.split(" · ")[1].removesuffix(" %")))
    nothing = Cell(tuple((Edge("none", 0),) for _ in range(4)), (2, 3, 4, 5))
    around = network_cost(Genotype(nothing, nothing), PAPER_CIFAR).macs / network_cost(genotype, PAPER_CIFAR).macs

    assert sum(shares) == pytest.approx(100 * (1 - around), abs=0.05 * len(shares))


def test_an_operation_that_is_not_in_the_cell_is_told_what_it_would_take() -> None:
    facts = operation_facts(Operation("normal", 0, 0, "sep_conv_5x5"), named("DARTS_V2"), None, "whole")

    # By hand: at each of the 18 normal cells 2 * (25 C + C * C) multiply-adds a pixel, C and pixels by the third.
    macs = sum(6 * 2 * (25 * c + c * c) * side * side for c, side in ((36, 32), (72, 16), (144, 8)))
    assert facts[1].name == "this would take"
    assert facts[1].value.endswith(in_words(macs))
    assert "all 18 normal cells" in facts[1].hint


def test_the_cost_follows_the_cell_while_it_forms(pane: tuple[Inspector, Selection]) -> None:
    inspector, selection = pane
    model = search_model()
    inspector.set_model(model)

    shown = {}
    for epoch in range(10):
        selection.show_epoch(epoch)
        genotype = model.genotype(epoch)
        assert genotype is not None
        cost = network_cost(genotype, PAPER_CIFAR)
        expected = f"{in_words(cost.parameters)} · {in_words(cost.macs)}"
        assert f"CIFAR-10, paper size: {expected}" in inspector.text()
        shown[expected] = epoch
    assert len(shown) > 1


def test_an_edge_of_a_search_shows_its_part_of_the_final_network(pane: tuple[Inspector, Selection]) -> None:
    inspector, selection = pane
    model = search_model()
    inspector.set_model(model)
    genotype = model.genotype(None)
    assert genotype is not None
    edge = genotype.normal.nodes[2][0]

    selection.select(Operation("normal", edge.source, 2, edge.primitive))

    own = network_cost(genotype, NetworkSettings("cifar", 16, 5, 10, 8, image_channels=1))
    text = inspector.text()
    final = text[text.index("If this were the final cell") :]
    assert f"parameters, 16 channels, 5 cells: {in_words(own.parameters)}" in final
    assert f"multiply-adds, 8×8: {in_words(own.macs)}" in final
    assert "of it this operation: " in final
    assert "Cost: " not in text


def test_an_operation_of_a_named_cell_shows_its_part(pane: tuple[Inspector, Selection]) -> None:
    inspector, selection = pane
    inspector.set_genotype(named("DARTS_V2"))
    assert "CIFAR-10, paper size: 3.35 M · 528.4 M" in inspector.text()

    selection.select(Operation("normal", 0, 0, "sep_conv_3x3"))

    assert "whole network: 3.35 M · 528.4 M" in inspector.text()
    assert "of it this operation: 10.7 % · 10.4 %" in inspector.text()


def test_primitives_without_a_closed_form_are_said_to_be_uncounted(pane: tuple[Inspector, Selection]) -> None:
    register(PrimitiveDeclaration("own_conv", "own", "other", "custom", builder="somewhere:build"))
    try:
        for name in ("own_conv", "never_heard_of"):
            cell = Cell(((Edge(name, 0), Edge("skip_connect", 1)),), (2,))
            genotype = Genotype(cell, cell)
            facts = network_facts(genotype, None)
            assert [fact.value for fact in facts] == ["not counted"]
            assert name in facts[0].hint
            assert operation_facts(Operation("normal", 0, 0, name), genotype, None, "whole") == []
            inspector, selection = pane
            inspector.set_genotype(genotype)
            assert "cost: not counted" in inspector.text()
            selection.select(Operation("normal", 0, 0, name))
            assert "Cost: " not in inspector.text()
            selection.select(None)
    finally:
        del _registry()["own_conv"]
