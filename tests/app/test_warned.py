"""Warnings in the list of runs: read from the log piece by piece, and only those that still stand."""

from __future__ import annotations

import json

import pytest
from fake_run import write_fake_run
from PySide6.QtGui import QFontMetricsF

from app.labels import SMALL, scaled_font
from app.library.delegate import fitted
from app.library.entries import library_entries
from app.library.scan import LibraryScanner
from app.library.warned import WarningsRead
from engine.genotype import Cell, Edge, Genotype
from engine.genotype.named import named

COLLAPSED = "6 of 8 operations in the normal cell are skip connections: the search has collapsed"


def line(step, kind, **data):
    return json.dumps({"t": 1.0, "step": step, "epoch": 0, "type": kind, **data}, separators=(",", ":")) + "\n"


def warning(step, code="skip_collapse", severity="severe", skips=6, message=f"{COLLAPSED}. Such cells test badly."):
    return line(step, "diagnosis", code=code, severity=severity, message=message, numbers={"skips": skips, "edges": 8})


def cells_with(skips):
    """DARTS_V1's cells with this many skips in the normal one."""
    base = named("DARTS_V1")
    nodes, count = [], 0
    for node in base.normal.nodes:
        edges = []
        for edge in node:
            edges.append(Edge("skip_connect" if count < skips else "sep_conv_3x3", edge.source))
            count += 1
        nodes.append(tuple(edges))
    return Genotype(Cell(tuple(nodes), base.normal.concat), base.reduction)


@pytest.fixture
def run(tmp_path):
    found = write_fake_run(tmp_path / "one", method="darts", epochs=3, done=3, state="finished", name="one")
    (found.path / "events.jsonl").write_text("")
    return found


def append(run, text):
    with (run.path / "events.jsonl").open("a") as file:
        file.write(text)


def test_only_what_is_new_is_read_and_half_a_line_waits_for_its_end(run):
    read = WarningsRead()
    whole = warning(5)
    append(run, line(0, "step", loss=1.0) + whole[:40])
    read.read_on(run.path)
    assert read.standing(run.path) == ""

    append(run, whole[40:])
    run.write_genotype(cells_with(6))
    read.read_on(run.path)

    assert read.standing(run.path) == COLLAPSED
    assert read.offset == (run.path / "events.jsonl").stat().st_size


def test_the_present_cells_can_refute_a_warning_about_skips(run):
    read = WarningsRead()
    append(run, warning(5))
    read.read_on(run.path)

    run.write_genotype(cells_with(2))
    assert read.standing(run.path) == ""
    run.write_genotype(cells_with(7))
    assert read.standing(run.path) == COLLAPSED


def test_a_resume_drops_what_came_after_its_checkpoint(run):
    read = WarningsRead()
    run.write_genotype(cells_with(8))
    append(run, warning(5, code="a", severity="warning", message="Early.") + warning(9, code="b", message="Late."))
    append(run, line(8, "resumed"))
    read.read_on(run.path)

    assert read.standing(run.path) == "Early"


def test_infos_and_broken_lines_warn_of_nothing(run):
    read = WarningsRead()
    append(run, warning(5, severity="info") + '{"type":"diagnosis","severity":"severe"\n' + '["type":"diagnosis"]\n')
    read.read_on(run.path)

    assert read.standing(run.path) == ""


def test_the_list_marks_a_finished_run_with_a_standing_warning(qapp, run):
    append(run, warning(5))
    run.write_genotype(cells_with(6))
    scanner = LibraryScanner([run.path.parent])

    (found,) = [entry for entry in library_entries(scanner.look()) if entry.kind == "run"]

    assert found.state == "warned"
    assert found.line.endswith("· warned")
    assert COLLAPSED in found.tooltip


def test_the_number_stays_where_the_second_line_is_too_long(qapp):
    metrics = QFontMetricsF(scaled_font(SMALL))
    text = "interrupted in epoch 31 · 70.8 %"

    assert fitted(text, metrics, 10_000) == text
    short = fitted(text, metrics, metrics.horizontalAdvance(text) * 0.8)
    assert short.endswith("… · 70.8 %")
    assert metrics.horizontalAdvance(short) <= metrics.horizontalAdvance(text) * 0.8 + 1
    assert fitted("failed: killed by the system", metrics, 60).endswith("…")
