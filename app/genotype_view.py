"""A named or an opened genotype: both cells and its passport."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QLocale
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from app.cells.cell_view import CellView
from app.fact_table import Fact, FactTable
from app.labels import Label
from app.panel import Panel
from app.panel_rows import gap_of, panel_row
from app.selection import Selection
from engine.genotype import Genotype, declaration, is_registered

translate = QCoreApplication.translate


class GenotypeView(QWidget):
    """Two cells above, where they come from below.

    Attributes:
        named: the views by their object name.
    """

    def __init__(self, selection: Selection, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.cells = [CellView("normal", selection), CellView("reduction", selection)]
        self.named: dict[str, QWidget] = {"cell_normal": self.cells[0], "cell_reduction": self.cells[1]}
        gap = gap_of(self)
        self._summary = Label("").wrapped()
        self._note = Label("", tone="dim").wrapped()
        self._left, self._right = FactTable(), FactTable()
        self._passport = Panel(self.tr("Passport"))
        for table in (self._left, self._right):
            table.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Maximum)
        self._passport.body.addWidget(self._summary)
        tables = QHBoxLayout()
        tables.setSpacing(gap * 3)
        tables.addWidget(self._left, 1)
        tables.addWidget(self._right, 1)
        self._passport.body.addLayout(tables)
        self._passport.body.addWidget(self._note)
        self._passport.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(gap)
        self._cells = panel_row(
            Panel(self.tr("Normal cell"), self.cells[0]), Panel(self.tr("Reduction cell"), self.cells[1]), gap
        )
        box.addWidget(self._cells, 1)
        box.addWidget(self._passport)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Cells are wider than high: one above the other where two beside each other would be narrow and tall."""
        super().resizeEvent(event)
        narrow = event.size().width() / 2 < event.size().height()
        layout = self._cells.layout()
        if isinstance(layout, QBoxLayout):
            layout.setDirection(QBoxLayout.Direction.TopToBottom if narrow else QBoxLayout.Direction.LeftToRight)

    def set_passport_shown(self, shown: bool) -> None:
        """Show the passport here: for where the inspector, which tells it too, is folded away."""
        self._passport.setVisible(shown)

    def set_genotype(self, genotype: Genotype | None, place: str = "") -> None:
        """Show another genotype.

        Args:
            place: the file that it was read from, if any.
        """
        for view in self.cells:
            view.set_genotype(genotype)
        if genotype is None:
            return
        source = genotype.source
        self._summary.setText(
            str(source.get("summary") or self.tr("Cells from a file.") if place else source.get("summary") or "")
        )
        self._summary.setVisible(bool(self._summary.text()))
        note = str(source.get("note") or "")
        self._note.setText(note)
        self._note.setVisible(bool(note))
        self._left.set_facts(shape_facts(genotype, place))
        self._right.set_facts(published_facts(genotype))


def shape_facts(genotype: Genotype, place: str = "") -> list[Fact]:
    """What the cells are made of."""
    facts: list[Fact] = [
        (translate("GenotypeView", "nodes"), str(len(genotype.normal.nodes)) if len(genotype.normal.nodes) == len(genotype.reduction.nodes)
         else f"{len(genotype.normal.nodes)} / {len(genotype.reduction.nodes)}"),
        (translate("GenotypeView", "operations in the normal cell"), _counts(genotype, "normal")),
        (translate("GenotypeView", "operations in the reduction cell"), _counts(genotype, "reduction")),
    ]  # fmt: skip
    unknown = [name for name in genotype.used_primitives() if not is_registered(name)]
    if unknown:
        facts.append((translate("GenotypeView", "not registered"), ", ".join(unknown), "warn"))
    for key, name in (
        ("paper", translate("GenotypeView", "paper")),
        ("repository", translate("GenotypeView", "source")),
        ("method", translate("GenotypeView", "method")),
        ("run", translate("GenotypeView", "run")),
    ):
        if genotype.source.get(key):
            facts.append((name, str(genotype.source[key])))
    epoch = genotype.source.get("epoch")
    if isinstance(epoch, int):
        facts.append((translate("GenotypeView", "epoch"), str(epoch)))
    if place:
        facts.append((translate("GenotypeView", "file"), place))
    return facts


def published_facts(genotype: Genotype) -> list[Fact]:
    """The numbers that its authors published."""
    source, facts = genotype.source, []
    error = source.get("test_error_percent")
    if isinstance(error, int | float):
        spread = source.get("test_error_std_percent")
        facts.append(
            (
                translate("GenotypeView", "CIFAR-10 test error"),
                f"{error:.2f} ± {spread:.2f} %" if isinstance(spread, int | float) else f"{error:.2f} %",
            )
        )
    for key, name, unit in (
        ("parameters_millions", translate("GenotypeView", "parameters, 36 channels, 20 cells"), " M"), ("search_gpu_days", translate("GenotypeView", "search"), translate("GenotypeView", " GPU days")),
        ("imagenet_top1_error_percent", translate("GenotypeView", "ImageNet top-1 error"), " %"), ("imagenet_top5_error_percent", translate("GenotypeView", "ImageNet top-5 error"), " %"),
        ("imagenet_parameters_millions", translate("GenotypeView", "ImageNet parameters"), " M"), ("imagenet_mult_adds_millions", translate("GenotypeView", "ImageNet multiply-adds"), " M"),
    ):  # fmt: skip
        value = source.get(key)
        if isinstance(value, int | float):
            facts.append((name, f"{QLocale().toString(value)}{unit}" if isinstance(value, int) else f"{value:g}{unit}"))
    if source.get("numbers_from"):
        facts.append((translate("GenotypeView", "numbers from"), str(source["numbers_from"])))
    return list(facts)


def _counts(genotype: Genotype, kind: str) -> str:
    names = [edge.primitive for _, _, edge in (genotype.normal if kind == "normal" else genotype.reduction).edges()]
    return ", ".join(f"{names.count(name)} × {declaration(name).label}" for name in dict.fromkeys(names))
