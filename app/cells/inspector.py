"""Why is the cell as it is: explains the selected operation, the run's cells, or a named genotype."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtGui import QColor, QPalette, QShowEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from app.cells.cell_facts import cell_facts, in_cell, kind_word, node_sentence, rule_facts
from app.cells.cost_facts import network_facts, operation_facts
from app.cells.edge_facts import edge_facts, verdict, why
from app.cells.edge_history import EdgeHistory
from app.cells.explained import Explained
from app.cells.fact_table import Fact, FactTable
from app.cells.gap_facts import gap_facts, gap_sentence, measured_gap
from app.cells.notice_stack import NoticeStack, noticed
from app.cells.passport import how_a_cell_works, passport_facts
from app.cells.pill_label import PillLabel
from app.cells.words import summary, way
from app.labels import SMALL, Label
from app.run_model import RunModel
from app.scroll import Column, thin_scroll_bars
from app.selection import Operation, Selection
from app.theme import manager, theme
from engine.explain import EdgeExplanation
from engine.genotype import Genotype
from engine.genotype.discretize import edge_index, operation_weights

LIVE_INTERVAL_MILLISECONDS = 400
"""Explanations of a live run are renewed no more often."""


class Section(QWidget):
    """A heading with something below; hidden as one."""

    def __init__(self, title: str, content: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(self.fontMetrics().height() // 3)
        self.heading = Label(title, bold=True)
        self.heading.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        column.addWidget(self.heading)
        column.addWidget(content)
        self.content = content
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)


class _Column(Column):
    """Takes the pane's width, whatever its texts would like: they wrap."""

    def minimumSizeHint(self) -> QSize:
        """As high as needed, no width of its own."""
        return QSize(0, super().minimumSizeHint().height())


class Inspector(QScrollArea):
    """The pane on the right. Texts can be selected; it scrolls where it is low."""

    def __init__(self, selection: Selection, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._selection = selection
        self._model: RunModel | None = None
        self._explained: Explained | None = None
        self._genotype: Genotype | None = None
        self._gap: Mapping[str, Any] | None = None
        self._dirty = False
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMinimumWidth(self.fontMetrics().averageCharWidth() * 30)
        self.setAccessibleName(self.tr("Inspector"))

        self._content = content = _Column()
        self._column = QVBoxLayout(content)
        line = self.fontMetrics().height()
        self._column.setContentsMargins(0, 0, line // 3, 0)
        self._column.setSpacing(line)
        self._heading = self._text(Label(scale=1.08, bold=True))
        self._pill = PillLabel()
        self._verdict = self._text(Label(tone="dim", scale=SMALL))
        self._verdict.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self._pill_row = QWidget()
        row = QHBoxLayout(self._pill_row)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._pill)
        row.addWidget(self._verdict, 1)
        self._intro = self._text(Label(tone="dim", scale=SMALL))
        self._table = FactTable()
        self._history = EdgeHistory()
        self._why = self._text(Label(tone="dim", scale=SMALL))
        self._primitive_text = self._text(Label(tone="dim", scale=SMALL))
        self._cost = FactTable()
        self._rules = FactTable()
        self._how = self._text(Label(tone="dim", scale=SMALL))
        self._notices = NoticeStack()
        self._gap_table = FactTable()
        self._gap_text = self._text(Label(tone="dim", scale=SMALL))
        gap = QWidget()
        gap_column = QVBoxLayout(gap)
        gap_column.setContentsMargins(0, 0, 0, 0)
        gap_column.setSpacing(line // 3)
        gap_column.addWidget(self._gap_table)
        gap_column.addWidget(self._gap_text)
        gap.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)

        self._history_section = Section(self.tr("This edge over time"), self._history)
        self._why_section = Section(self.tr("Why this operation?"), self._why)
        self._primitive_section = Section(self.tr("What it does"), self._primitive_text)
        self._gap_section = Section(self.tr("Discretization gap"), gap)
        self._cost_section = Section(self.tr("Cost: parameters · multiply-adds"), self._cost)
        self._rules_section = Section(self.tr("If this were the final cell"), self._rules)
        self._how_section = Section(self.tr("How a cell works"), self._how)
        for widget in (
            self._heading, self._pill_row, self._intro, self._table, self._history_section, self._why_section,
            self._primitive_section, self._notices, self._cost_section, self._gap_section, self._rules_section, self._how_section,
        ):  # fmt: skip
            self._column.addWidget(widget)
        self._column.addStretch(1)
        self.setWidget(content)

        thin_scroll_bars(self)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(LIVE_INTERVAL_MILLISECONDS)
        self._timer.timeout.connect(self.refresh)
        selection.operation_changed.connect(self._on_operation)
        selection.epoch_changed.connect(self._on_selection)
        manager().changed.connect(self._recolour)
        self._recolour()
        self.refresh()

    def set_model(self, model: RunModel | None) -> None:
        """Explain a run; None teaches what to open."""
        if self._model is not None:
            self._model.events_arrived.disconnect(self._on_events)
            self._model.status_changed.disconnect(self._later)
        self._model = model
        self._explained = None if model is None else Explained(model)
        self._genotype = None
        self._timer.stop()
        self.read_gap()
        if model is not None:
            model.events_arrived.connect(self._on_events)
            model.status_changed.connect(self._later)
        self.verticalScrollBar().setValue(0)
        self.refresh()

    def set_genotype(self, genotype: Genotype | None) -> None:
        """Show the passport of a genotype that belongs to no run."""
        if self._model is not None:
            self.set_model(None)
        self._genotype = genotype
        self.verticalScrollBar().setValue(0)
        self.refresh()

    def read_gap(self) -> None:
        """Look for the discretization gap again: it may have been measured."""
        has_one = self._model is not None and self._model.kind == "search" and not self._model.is_random
        self._gap = measured_gap(self._model) if has_one and self._model is not None else None

    @property
    def table(self) -> FactTable:
        """The main table."""
        return self._table

    def text(self) -> str:
        """All that is shown, line by line."""
        lines = [self._heading.text()]
        if not self._pill_row.isHidden():
            lines.append(f"{self._pill.accessibleName()} {self._verdict.text()}")
        for widget in (
            self._intro,
            self._table,
            self._why_section,
            self._primitive_section,
            self._cost_section,
            self._gap_section,
            self._rules_section,
            self._how_section,
        ):
            if widget.isHidden():
                continue
            content = widget.content if isinstance(widget, Section) else widget
            if isinstance(widget, Section):
                lines.append(widget.heading.text())
            tables = [content] if isinstance(content, FactTable) else content.findChildren(FactTable)
            lines += [f"{name}: {value}" for table in tables for name, value in table.values().items()]
            if content is self._gap_section.content:
                lines.append(self._gap_text.text())
            elif isinstance(content, Label):
                lines.append(content.text())
        return "\n".join([*lines, *self._notices.messages()])

    # When to look again

    def _on_events(self, types: set[str]) -> None:
        if "discretization_gap" in types:
            self.read_gap()
        if types & {
            "alphas",
            "diagnosis",
            "discretization_gap",
            "started",
            "resumed",
            "genotype",
            "epoch",
            "finished",
            "stopped",
        }:
            self._later()

    def _later(self) -> None:
        if not self.isVisible():
            self._dirty = True
        elif not self._timer.isActive():
            self._timer.start()

    def _on_operation(self, operation: Operation | None) -> None:
        self.verticalScrollBar().setValue(0)
        self.refresh()

    def _on_selection(self, _: object = None) -> None:
        if self.isVisible():
            self.refresh()
        else:
            self._dirty = True

    def showEvent(self, event: QShowEvent) -> None:
        """Catch up with what came while hidden."""
        super().showEvent(event)
        if self._dirty:
            self.refresh()

    # What is shown

    def refresh(self) -> None:
        """Explain anew."""
        self._dirty = False
        self._timer.stop()
        operation, epoch = self._selection.operation, self._selection.epoch
        genotype = self._genotype if self._model is None else self._model.genotype(epoch)
        for part in (
            self._pill_row, self._intro, self._table, self._history_section, self._why_section, self._primitive_section,
            self._cost_section, self._gap_section, self._rules_section, self._how_section,
        ):  # fmt: skip
            part.hide()
        if self._model is None and genotype is None:
            self._show_nothing()
        elif operation is not None and self._explained is not None and self._edge(operation) is not None:
            self._show_edge(operation)
        elif operation is not None and genotype is not None and in_cell(genotype, operation):
            self._show_plain_operation(operation, genotype)
        else:
            self._show_summary(genotype)
        self._notices.show_noticed([] if self._model is None else noticed(self._model, epoch))

    def _edge(self, operation: Operation) -> EdgeExplanation | None:
        if self._explained is None:
            return None
        return self._explained.edge(operation.kind, operation.source, operation.node, self._selection.epoch)

    def _show_nothing(self) -> None:
        self._heading.setText(self.tr("Nothing chosen"))
        self._say(
            self._intro,
            self.tr(
                "Choose a run or a named cell on the left. Click an operation in its cell, and this pane says why it is there."
            ),
        )
        self._how.setText(how_a_cell_works(None))
        self._how_section.show()

    def _show_edge(self, operation: Operation) -> None:
        """An operation of a search: chosen or not."""
        explained, edge = self._explained, self._edge(operation)
        assert explained is not None
        assert edge is not None
        node = explained.nodes(operation.kind, self._selection.epoch)[operation.node]
        self._heading.setText(f"{way(operation)}, {kind_word(operation.kind)}")
        self._show_pill(operation.primitive, verdict(operation, edge, len(node.kept)))
        self._table.set_facts(edge_facts(operation, edge))
        self._table.show()
        self._show_history(operation)
        self._say(self._why, why(operation, edge, node, explained.rules(operation.kind, self._selection.epoch)))
        self._why_section.show()
        self._primitive_text.setText(summary(operation.primitive))
        self._primitive_section.show()
        self._show_rules(operation)

    def _show_history(self, operation: Operation) -> None:
        model = self._model
        if model is None:
            return
        row = edge_index(operation.source, operation.node)
        records = [record for record in model.history.alphas_by_epoch() if row < len(record.of(operation.kind)[0])]
        weights = np.array([operation_weights(record.of(operation.kind)[0][row : row + 1])[0] for record in records])
        if not len(records) or weights.shape[1] != len(model.primitives):
            return
        epochs = max(int(model.history.started.get("epochs") or 0), model.status.epochs)
        self._history.set_series(
            [record.epoch for record in records], weights, model.primitives, operation.primitive, last_epoch=epochs - 1
        )
        self._history.set_epoch(self._selection.epoch)
        self._history_section.show()

    def _show_plain_operation(self, operation: Operation, genotype: Genotype) -> None:
        """An operation of a cell without alphas."""
        self._heading.setText(f"{way(operation)}, {kind_word(operation.kind)}")
        count = len(genotype.cell(operation.kind).nodes[operation.node])
        self._show_pill(operation.primitive, self.tr("one of {count} inputs").format(count=count))
        self._primitive_text.setText(summary(operation.primitive))
        self._primitive_section.show()
        self._say(self._intro, node_sentence(operation, genotype))
        self._show_cost(operation_facts(operation, genotype, self._model, self.tr("whole network")))
        self._how.setText(how_a_cell_works(genotype))
        self._how_section.show()

    def _show_summary(self, genotype: Genotype | None) -> None:
        """Nothing selected: the cells as a whole, and what to click."""
        model = self._model
        title = model.title if model is not None else (genotype.name if genotype is not None else "")
        self._heading.setText(title or self.tr("Cell"))
        self._say(self._intro, self._hint(genotype))
        if genotype is None:
            return
        self._table.set_facts([*(passport_facts(genotype) if model is None else []), *cell_facts(genotype)])
        self._table.show()
        self._show_cost(network_facts(genotype, model))
        self._show_gap()
        self._show_rules()
        self._how.setText(how_a_cell_works(genotype))
        self._how_section.show()

    def _hint(self, genotype: Genotype | None) -> str:
        """What a person can do here now."""
        model = self._model
        if genotype is None and model is not None and model.has_ended:
            return self.tr("It ended before there was a cell.")
        if genotype is None:
            return self.tr("The cells appear with the first alphas. Then click an operation to see why it was chosen.")
        if model is not None and model.is_random:
            return self.tr(
                "Drawn uniformly from the search space; nothing was trained. Retrain it: what it reaches is what a search has to beat."
            )
        if model is not None and model.kind == "search":
            return self.tr("Click an operation in a cell, or a field of the alphas, to see why it was chosen.")
        hint = self.tr("Click an operation in a cell to see what it does.")
        note = genotype.source.get("summary") if model is None else None
        return f"{note} {hint}" if isinstance(note, str) else hint

    def _show_gap(self) -> None:
        """How the chosen cells do with the search's weights: at the end of a search, or where it was measured."""
        gap = self._gap if self._selection.epoch is None else None
        facts = [] if gap is None else gap_facts(gap)
        if gap is not None and facts:
            self._gap_table.set_facts(facts)
            self._say(self._gap_text, gap_sentence(gap))
            self._gap_section.show()

    def _show_cost(self, facts: list[Fact]) -> None:
        """Closed forms, so that they follow the cell while it forms."""
        self._cost.set_facts(facts)
        self._cost_section.setVisible(bool(facts))

    def _show_rules(self, operation: Operation | None = None) -> None:
        """Which edges other ways of choosing would exchange, and of an operation what it would cost."""
        epoch = self._selection.epoch
        facts = [] if self._explained is None else rule_facts(self._explained, epoch)
        genotype = None if self._model is None else self._model.genotype(epoch)
        if operation is not None and genotype is not None:
            facts = [*operation_facts(operation, genotype, self._model), *facts]
        self._rules.set_facts(facts)
        self._rules_section.setVisible(bool(facts))

    # Small things

    def _show_pill(self, primitive: str, verdict: str) -> None:
        self._pill.set_primitive(primitive)
        self._verdict.setText(verdict)
        self._pill_row.show()

    @staticmethod
    def _text(text: Label) -> Label:
        text.wrapped()
        text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        text.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        return text

    @staticmethod
    def _say(target: Label, text: str) -> None:
        target.setTextFormat(Qt.TextFormat.PlainText)
        target.setText(text)
        target.show()

    def _recolour(self) -> None:
        for widget in (self.viewport(), self._content):
            palette = QPalette(widget.palette())
            palette.setColor(QPalette.ColorRole.Window, QColor(theme().panel))
            widget.setPalette(palette)
            widget.setAutoFillBackground(True)
