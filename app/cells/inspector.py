"""Why is the cell as it is: explains the selected operation, the run's cells, or a named genotype."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtGui import QColor, QPalette, QShowEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from app.cells.edge_history import EdgeHistory
from app.cells.explained import Explained
from app.cells.fact_table import Fact, FactTable
from app.cells.notice import Notice
from app.cells.passport import how_a_cell_works, passport_facts
from app.cells.pill_label import PillLabel
from app.cells.words import label, summary, way
from app.labels import SMALL, Label
from app.run_model import RunModel
from app.selection import Operation, Selection
from app.theme import manager, theme
from engine.explain import EdgeExplanation, skip_count, why_this_edge
from engine.genotype import CELL_KINDS, CellKind, Genotype
from engine.genotype.discretize import edge_index, operation_weights
from engine.genotype.graph import state_name

LIVE_INTERVAL_MILLISECONDS = 400
"""Explanations of a live run are renewed no more often."""
NOTICES_LIMIT = 6
SEVERITIES = ("severe", "warning", "info")


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


class _Column(QWidget):
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
        self._notices: list[tuple[str, str, str]] = []
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
        self._rules = FactTable()
        self._how = self._text(Label(tone="dim", scale=SMALL))
        self._cards = QWidget()
        self._card_column = QVBoxLayout(self._cards)
        self._card_column.setContentsMargins(0, 0, 0, 0)
        self._card_column.setSpacing(line // 2)
        self._cards.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)

        self._history_section = Section(self.tr("This edge over time"), self._history)
        self._why_section = Section(self.tr("Why this operation?"), self._why)
        self._primitive_section = Section(self.tr("What it does"), self._primitive_text)
        self._rules_section = Section(self.tr("If this were the final cell"), self._rules)
        self._how_section = Section(self.tr("How a cell works"), self._how)
        for widget in (
            self._heading, self._pill_row, self._intro, self._table, self._history_section, self._why_section,
            self._primitive_section, self._cards, self._rules_section, self._how_section,
        ):  # fmt: skip
            self._column.addWidget(widget)
        self._column.addStretch(1)
        self.setWidget(content)

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
            self._rules_section,
            self._how_section,
        ):
            if widget.isHidden():
                continue
            content = widget.content if isinstance(widget, Section) else widget
            if isinstance(widget, Section):
                lines.append(widget.heading.text())
            if isinstance(content, FactTable):
                lines += [f"{name}: {value}" for name, value in content.values().items()]
            elif isinstance(content, Label):
                lines.append(content.text())
        return "\n".join([*lines, *(message for _, message, _ in self._notices)])

    # When to look again

    def _on_events(self, types: set[str]) -> None:
        if types & {"alphas", "diagnosis", "started", "resumed", "genotype", "epoch", "finished", "stopped"}:
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
        operation = self._selection.operation
        genotype = self._genotype if self._model is None else self._model.genotype(self._selection.epoch)
        for part in (
            self._pill_row, self._intro, self._table, self._history_section, self._why_section, self._primitive_section,
            self._rules_section, self._how_section,
        ):  # fmt: skip
            part.hide()
        if self._model is None and genotype is None:
            self._show_nothing()
        elif operation is not None and self._explained is not None and self._edge(operation) is not None:
            self._show_edge(operation)
        elif operation is not None and genotype is not None and _in_cell(genotype, operation):
            self._show_plain_operation(operation, genotype)
        else:
            self._show_summary(genotype)
        self._show_notices()

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
        self._heading.setText(f"{way(operation)}, {self._kind(operation.kind)}")
        is_best = operation.primitive == edge.primitive
        self._show_pill(operation.primitive, self._verdict_text(operation, edge, len(node.kept)))
        weight = edge.weights.get(operation.primitive, 0.0)
        facts = [
            Fact(
                self.tr("alpha (softmax)"),
                f"{weight:.3f}",
                hint=self.tr("Share of this operation in the edge's weighted sum."),
            )
        ]
        if edge.beta is not None:
            hint = self.tr("Share of this edge among the node's edges, softmax of the betas (PC-DARTS eq. 3).")
            facts.append(Fact(self.tr("edge weight (beta)"), f"{edge.beta:.3f}", hint=hint))
            facts.append(
                Fact(
                    self.tr("alpha × beta"),
                    f"{weight * edge.beta:.3f}",
                    hint=self.tr("What the discretization compares."),
                )
            )
        if is_best:
            facts.append(Fact(self.tr("runner-up"), f"{label(edge.runner_up)} · {edge.runner_up_alpha:.3f}"))
            small = edge.margin_is_small
            text = self.tr("{margin:.3f} · small") if small else "{margin:.3f}"
            hint = self.tr("Lead over the runner-up in softmax weight. Small: below a tenth of the weight.")
            facts.append(Fact(self.tr("margin"), text.format(margin=edge.margin), "warn" if small else "text", hint))
        else:
            facts.append(Fact(self.tr("best here"), f"{label(edge.primitive)} · {edge.alpha:.3f}"))
            facts.append(Fact(self.tr("behind it by"), f"{edge.alpha - weight:.3f}"))
        if edge.none is not None and operation.primitive != "none":
            hint = self.tr("Share of none in the softmax: it takes part there and is never chosen.")
            facts.append(Fact(self.tr("held by none"), f"{edge.none:.3f}", hint=hint))
        changed = edge.last_changed_epoch
        when = self.tr("never") if changed is None else self.tr("epoch {epoch}").format(epoch=changed + 1)
        facts.append(
            Fact(
                self.tr("last changed"),
                when,
                hint=self.tr("When the edge's best operation, or whether it is kept, changed."),
            )
        )
        self._table.set_facts(facts)
        self._table.show()
        self._show_history(operation)
        rules = explained.rules(operation.kind, self._selection.epoch)
        why = why_this_edge(edge, node, rules)
        if not is_best:
            text = self.tr("{name} has {weight:.3f} here, {gap:.3f} less than {best}.")
            first = text.format(
                name=_capital(label(operation.primitive)),
                weight=weight,
                gap=edge.alpha - weight,
                best=label(edge.primitive),
            )
            why = f"{first} {why}"
        self._say(self._why, why)
        self._why_section.show()
        self._primitive_text.setText(summary(operation.primitive))
        self._primitive_section.show()
        self._show_rules()

    def _verdict_text(self, operation: Operation, edge: EdgeExplanation, kept: int) -> str:
        if operation.primitive != edge.primitive:
            return self.tr("not chosen")
        if not edge.kept:
            return self.tr("best here, edge not kept")
        return self.tr("chosen, {place} of {kept} inputs").format(place=_ordinal(edge.place + 1), kept=kept)

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
        self._heading.setText(f"{way(operation)}, {self._kind(operation.kind)}")
        edges = genotype.cell(operation.kind).nodes[operation.node]
        self._show_pill(operation.primitive, self.tr("one of {count} inputs").format(count=len(edges)))
        self._primitive_text.setText(summary(operation.primitive))
        self._primitive_section.show()
        others = [edge for edge in edges if (edge.primitive, edge.source) != (operation.primitive, operation.source)]
        beside = " " + self.tr("and adds {others}").format(
            others=self.tr(" and ").join(f"{label(edge.primitive)} {self.tr('of')} {state_name(edge.source)}" for edge in others)
        ) if others else ""  # fmt: skip
        text = self.tr("Node {node} takes {operation} of {source}{beside}.").format(
            node=operation.node,
            operation=label(operation.primitive),
            source=state_name(operation.source),
            beside=beside,
        )
        self._say(self._intro, text)
        self._how.setText(how_a_cell_works(genotype))
        self._how_section.show()

    def _show_summary(self, genotype: Genotype | None) -> None:
        """Nothing selected: the cells as a whole, and what to click."""
        model = self._model
        title = model.title if model is not None else (genotype.name if genotype is not None else "")
        self._heading.setText(title or self.tr("Cell"))
        if genotype is None:
            self._say(
                self._intro,
                self.tr("The cells appear with the first alphas. Then click an operation to see why it was chosen."),
            )
            return
        if model is not None and model.kind == "search":
            hint = self.tr("Click an operation in a cell, or a field of the alphas, to see why it was chosen.")
        else:
            hint = self.tr("Click an operation in a cell to see what it does.")
        note = genotype.source.get("summary") if model is None else None
        self._say(self._intro, f"{note} {hint}" if isinstance(note, str) else hint)
        facts = passport_facts(genotype) if model is None else []
        for kind in CELL_KINDS:
            cell = genotype.cell(kind)
            operations = sum(len(edges) for edges in cell.nodes)
            skips = skip_count(cell)
            text = self.tr("{operations} operations, {skips} skip").format(operations=operations, skips=skips)
            many = skips > operations // 2
            facts.append(Fact(self._kind_title(kind), text, "warn" if many else "text"))
        self._table.set_facts(facts)
        self._table.show()
        self._show_rules()
        self._how.setText(how_a_cell_works(genotype))
        self._how_section.show()

    def _show_rules(self) -> None:
        """Which edges other ways of choosing would exchange."""
        if self._explained is None:
            return
        facts = []
        for kind in CELL_KINDS:
            for rule in self._explained.rules(kind, self._selection.epoch):
                facts.append((rule.code, rule.title, kind, rule.differing_edges))
        rows = []
        for code, title in dict.fromkeys((code, title) for code, title, *_ in facts):
            both = [(kind, count) for other, _, kind, count in facts if other == code]
            total = sum(count for _, count in both)
            value = (
                self.tr("same cells")
                if total == 0
                else self.tr("1 edge differs")
                if total == 1
                else self.tr("{count} edges differ").format(count=total)
            )
            detail = ", ".join(f"{self._kind(kind)}: {count}" for kind, count in both)
            rows.append(Fact(_capital(title), value, hint=f"{self._rule_hint()} {detail}"))
        self._rules.set_facts(rows)
        self._rules_section.setVisible(bool(rows))

    def _rule_hint(self) -> str:
        return self.tr("The same alphas, another way to choose which edges a node keeps.")

    def _show_notices(self) -> None:
        newest: dict[str, tuple[str, str, str]] = {}
        if self._model is not None:
            for event in self._model.history.of_type("diagnosis"):
                if self._selection.epoch is not None and event.epoch > self._selection.epoch:
                    continue
                severity = str(event.data.get("severity", "info"))
                message = str(event.data.get("message", ""))
                when = self.tr("Seen in epoch {epoch}").format(epoch=event.epoch + 1)
                newest[str(event.data.get("code", message))] = (severity, message, when)
        found = sorted(newest.values(), key=lambda entry: SEVERITIES.index(entry[0]) if entry[0] in SEVERITIES else 2)
        found = found[:NOTICES_LIMIT]
        if found != self._notices:
            self._notices = found
            while (item := self._card_column.takeAt(0)) is not None:
                widget = item.widget()
                if widget is not None:
                    widget.hide()
                    widget.deleteLater()
            for severity, message, when in found:
                notice = Notice(severity, message, when)
                self._card_column.addWidget(notice)
                notice.show()
        self._cards.setVisible(bool(found))

    # Small things

    def _show_pill(self, primitive: str, verdict: str) -> None:
        self._pill.set_primitive(primitive)
        self._verdict.setText(verdict)
        self._pill_row.show()

    def _kind(self, kind: CellKind) -> str:
        return self.tr("normal") if kind == "normal" else self.tr("reduction")

    def _kind_title(self, kind: CellKind) -> str:
        return self.tr("normal cell") if kind == "normal" else self.tr("reduction cell")

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
        thin = max(6, self.fontMetrics().averageCharWidth())
        self.verticalScrollBar().setStyleSheet(
            f"QScrollBar:vertical {{ width: {thin}px; background: transparent; border: none; }}"
            f"QScrollBar::handle:vertical {{ background: {theme().border}; border-radius: {thin // 2}px; min-height: 3em; }}"
            f"QScrollBar::handle:vertical:hover {{ background: {theme().faint}; }}"
            "QScrollBar::add-line, QScrollBar::sub-line { height: 0; } QScrollBar::add-page, QScrollBar::sub-page { background: none; }"
        )


def _in_cell(genotype: Genotype, operation: Operation) -> bool:
    nodes = genotype.cell(operation.kind).nodes
    return operation.node < len(nodes) and any(
        (edge.primitive, edge.source) == (operation.primitive, operation.source) for edge in nodes[operation.node]
    )


def _ordinal(place: int) -> str:
    return f"{place}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(place if place < 20 else place % 10, 'th') }"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
