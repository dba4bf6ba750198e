"""Explanations of a run's cells as the views need them: at any epoch, again and again, without starting over each time."""

from __future__ import annotations

from collections.abc import Mapping

from app.run_model import RunModel
from engine.explain import EdgeChange, EdgeExplanation, NodeExplanation, OtherRule, explain_cell, other_rules
from engine.genotype import CellKind, Genotype
from engine.genotype.discretize import discretize_cell, edge_index, edge_list, operation_weights
from engine.runs import AlphaRecord

_Choices = tuple[tuple[str, bool], ...]
"""For every edge its best operation and whether it is kept."""


class Explained:
    """Explains a model's cells; remembers the choices of each epoch, so that a new one costs one epoch's work."""

    def __init__(self, model: RunModel) -> None:
        self.model = model
        self._choices: dict[tuple[CellKind, int], _Choices] = {}
        self._nodes: tuple[tuple[CellKind, int], tuple[NodeExplanation, ...]] | None = None

    def record(self, epoch: int | None) -> AlphaRecord | None:
        """The alphas of an epoch; the newest for None."""
        return self.model.alphas(epoch) if self.model.kind == "search" else None

    def nodes(self, kind: CellKind, epoch: int | None) -> tuple[NodeExplanation, ...]:
        """One kind of cell at an epoch, each edge with when it last changed; empty before the first alphas."""
        record = self.record(epoch)
        if record is None:
            return ()
        key = (kind, record.step)
        if self._nodes is None or self._nodes[0] != key:
            try:
                found = explain_cell(*record.of(kind), self.model.primitives, changes=self._changes(kind, record))
            except ValueError:  # A log whose rows do not fit its space: nothing to explain.
                found = ()
            self._nodes = (key, found)
        return self._nodes[1]

    def edge(self, kind: CellKind, source: int, node: int, epoch: int | None) -> EdgeExplanation | None:
        """One edge at an epoch."""
        nodes = self.nodes(kind, epoch)
        if node < len(nodes) and source < len(nodes[node].edges):
            return nodes[node].edges[source]
        return None

    def weights(self, kind: CellKind, epoch: int | None) -> Mapping[tuple[int, int, str], float]:
        """Softmax weight of every operation by source, node and primitive; without the way there, which takes longer."""
        record, primitives = self.record(epoch), self.model.primitives
        if record is None:
            return {}
        rows = operation_weights(record.of(kind)[0])
        pairs = edge_list(self.model.nodes)
        if rows.shape != (len(pairs), len(primitives)):  # A log whose rows do not fit its space.
            return {}
        return {
            (source, node, name): float(rows[row, column])
            for row, (source, node) in enumerate(pairs)
            for column, name in enumerate(primitives)
        }

    def rules(self, kind: CellKind, epoch: int | None) -> tuple[OtherRule, ...]:
        """What other rules would choose at an epoch."""
        record = self.record(epoch)
        if record is None:
            return ()
        try:
            return other_rules(*record.of(kind), self.model.primitives)
        except ValueError:
            return ()

    def before(self, epoch: int | None) -> Genotype | None:
        """The cells at the end of the epoch before; None in the first."""
        record = self.record(epoch)
        if record is None or record.epoch == 0:
            return None
        return self.model.genotype(record.epoch - 1)

    def _changes(self, kind: CellKind, until: AlphaRecord) -> list[EdgeChange]:
        records = [record for record in self.model.history.alphas_by_epoch() if record.epoch < until.epoch]
        found: list[EdgeChange] = []
        last: _Choices = ()
        for record in [*records, until]:
            choices = self._chosen(kind, record)
            if len(choices) != len(last):
                found = [EdgeChange(None)] * len(choices)
            elif choices != last:
                for row, (before, now) in enumerate(zip(last, choices, strict=True)):
                    if before != now:
                        found[row] = EdgeChange(record.epoch, before[0] if before[0] != now[0] else None)
            last = choices
        return found

    def _chosen(self, kind: CellKind, record: AlphaRecord) -> _Choices:
        key = (kind, record.step)
        if key not in self._choices:
            primitives = self.model.primitives
            alphas, betas = record.of(kind)
            cell = discretize_cell(alphas, primitives, betas)
            kept = {edge_index(edge.source, node) for node, _, edge in cell.edges()}
            allowed = [column for column, name in enumerate(primitives) if name != "none"]
            best = operation_weights(alphas, betas)[:, allowed].argmax(axis=1)
            self._choices[key] = tuple(
                (primitives[allowed[int(column)]], row in kept) for row, column in enumerate(best)
            )
        return self._choices[key]
