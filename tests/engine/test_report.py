"""The report: a page for every kind and state of run, that loads nothing and trusts nothing."""

from __future__ import annotations

import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.config import resolve
from engine.genotype.discretize import discretize
from engine.genotype.named import named
from engine.report.page import write_report
from engine.runs import AlphaRecord, Event, EventWriter, RunFolder, Status

STEPS = 5


class Log:
    """Writes the events of a made-up run."""

    def __init__(self, folder: RunFolder, **started: Any) -> None:
        self._writer = EventWriter(folder.path / "events.jsonl")
        self.say(0, "started", steps_per_epoch=STEPS, **started)

    def say(self, step: int, kind: str, **data: Any) -> None:
        self._writer.write(Event(1e9 + step, step, step // STEPS, kind, data))

    def curves(self, epochs: int, *, validation: bool = True) -> None:
        for step in range(epochs * STEPS):
            self.say(step, "step", loss=2.0 / (step + 1), accuracy_percent=50.0)
            if step % STEPS == STEPS - 1:
                measured = {"validation_loss": 1.0, "validation_accuracy_percent": 60.0} if validation else {
                    "validation_loss": None, "validation_accuracy_percent": None}  # fmt: skip
                self.say(step, "epoch", train_loss=1.5 / (step + 1), train_accuracy_percent=70.0, **measured)


def searched(
    path: Path, *, method: str = "pc-darts", epochs: int = 4, state: str = "finished", name: str = ""
) -> RunFolder:
    config = resolve("search", method=method, values={"epochs": epochs})
    folder = RunFolder.create(path, config, {"versions": {"torch": "2.14.1"}, "command": "nascope search"}, name=name)
    log = Log(folder, epochs=epochs, primitives=list(config.primitives), parameters=299_578, classes=list("0123456789"),
              splits={"weights": 649, "alphas": 648, "validation": 229, "test": 270}, validation_split="validation")  # fmt: skip
    log.curves(epochs)
    generator = np.random.default_rng(5)
    for epoch in range(epochs):
        step = epoch * STEPS + STEPS - 1
        normal, reduction = generator.normal(size=(2, 14, 8)) * (epoch + 1) / epochs
        betas = generator.normal(size=(2, 14)) if config.edge_normalization else (None, None)  # type: ignore[attr-defined]
        fields = {"normal": normal.tolist(), "reduction": reduction.tolist()}
        if betas[0] is not None:
            fields |= {"normal_betas": betas[0].tolist(), "reduction_betas": betas[1].tolist()}
        log.say(step, "alphas", **fields)
        log.say(step, "gradient", weight_gradient_norm=3.0, alpha_gradient_norm=0.1)
        folder.write_genotype(discretize(AlphaRecord(step, epoch, normal, reduction, *betas), config.primitives))
    folder.write_status(
        Status(state, epoch=epochs, epochs=epochs, seconds=75.0, metrics={"validation_accuracy_percent": 61.25})  # type: ignore[arg-type]
    )
    return folder


def page_of(folder: RunFolder) -> str:
    return write_report(folder).read_text(encoding="utf-8")


def text_of(page: str) -> str:
    text = re.sub(r"<style>.*?</style>|<[^>]+>", " ", page, flags=re.DOTALL)
    return re.sub(r"[ \n]+", " ", text)  # A thin space between thousands stays.


class Strict(HTMLParser):
    """Collects what is wrong with a page: tags that do not match, ids that clash, anything that loads or runs."""

    void = frozenset({"meta", "br", "img", "input", "hr", "link"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: Counter[str] = Counter()
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._attributes(tag, attrs)
        if tag not in self.void:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._attributes(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"</{tag}> at {self.getpos()}")

    def _attributes(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "iframe", "object", "embed", "link"):
            self.wrong.append(f"<{tag}>")
        for name, value in attrs:
            if name == "id":
                self.ids[value or ""] += 1
            if name == "src" or name.startswith("on") or (name.endswith("href") and not (value or "").startswith("#")):
                self.wrong.append(f"{name}={value}")


def assert_sound(page: str) -> None:
    parser = Strict()
    parser.feed(page)
    parser.close()
    assert parser.wrong == []
    assert parser.open == []
    assert [identity for identity, count in parser.ids.items() if count > 1] == []
    for reference in re.findall(r'(?:href="#|url\(#)([^")]+)', page):
        assert reference in parser.ids, reference
    assert not re.findall(r"url\(\s*[\"']?(?!data:|#)[^)\s]+|@import", page)
    assert page.count("<?xml") == page.count("<!DOCTYPE svg") == 0


@pytest.mark.parametrize("method", ["darts", "pc-darts"])
def test_a_search_has_its_whole_story_on_the_page(method: str, tmp_path: Path) -> None:
    folder = searched(tmp_path / "run", method=method)

    page = page_of(folder)

    assert_sound(page)
    text = text_of(page)
    for words in ("validation accuracy 61.2 %", "held-out validation split", "649 images", "648 images", "The test split was not touched", "0.30 M",
                  "Normal cell", "Reduction alphas", "Why this normal cell", "Had another rule chosen", "alpha_learning_rate", "torch 2.14.1",
                  "epoch 4 of 4", "Genotype(normal=[", "leads by", "One search with one seed"):  # fmt: skip
        assert words in text, words
    assert page.count("<svg") == 6  # two rows of curves, two cells, two heatmaps
    assert ("alpha × beta" in text) == (method == "pc-darts")
    assert "var(--train)" in page
    assert "prefers-color-scheme: dark" in page


def test_the_page_can_go_elsewhere_and_leaves_no_other_file(tmp_path: Path) -> None:
    folder = searched(tmp_path / "run")
    before = {entry.name for entry in folder.path.iterdir()}

    assert write_report(folder, tmp_path / "page.html") == tmp_path / "page.html"
    assert {entry.name for entry in folder.path.iterdir()} == before


def test_what_people_and_files_say_is_escaped(tmp_path: Path) -> None:
    attack = "<script>alert('x')</script>"
    folder = searched(tmp_path / "run", name=attack)
    folder.write_meta(notes=attack, tags=[attack, 5])
    folder.add_facts(command=attack, versions={attack: attack}, data="image-folder:" + attack)
    folder.add_result(attack, **{attack: attack, "accuracy_percent": 1.0})
    log = EventWriter(folder.path / "events.jsonl")
    log.write(Event(1e9, 19, 3, "diagnosis", {"code": "a", "severity": attack, "message": attack}))
    log.write(Event(1e9, 19, 3, "message", {"text": attack, "level": attack}))
    folder.write_status(Status("failed", error={"what": attack, "where": attack, "mend": attack}))

    page = page_of(folder)

    assert_sound(page)
    assert "alert('x')</script>" not in page
    assert "&lt;script&gt;" in page


def test_strange_primitives_are_labels_not_markup(tmp_path: Path) -> None:
    cell = named("DARTS_V2").as_json()
    cell["normal"]["nodes"][0][0][0] = '<b>$x^{$ & "op"</b>'
    folder = RunFolder.create(tmp_path / "run", resolve("retrain", values={"genotype": cell}))

    page = page_of(folder)

    assert_sound(page)
    assert "<b>" not in page


def test_a_retraining_tells_which_images_count_and_how_often_it_was_tested(tmp_path: Path) -> None:
    config = resolve("retrain", values={"genotype": named("DARTS_V2").as_json(), "epochs": 3})
    folder = RunFolder.create(tmp_path / "run", config)
    log = Log(
        folder,
        epochs=3,
        parameters=246_106,
        splits={"train": 1300, "validation": 227, "test": 270},
        validation_split="validation",
    )
    log.curves(3)
    folder.write_status(Status("finished", epoch=3, epochs=3, metrics={"validation_accuracy_percent": 98.0}))
    for accuracy in (96.0, 97.5):
        folder.add_result("test", split="test", images=270, accuracy_percent=accuracy)

    page = page_of(folder)

    assert_sound(page)
    text = text_of(page)
    assert "Retrain of DARTS_V2 · digits" in text
    assert "test accuracy 97.5 % 270 images; tested twice" in text
    assert "The test split was touched twice. Every look at it" in text
    assert "the best epoch is picked by them" in text
    assert "Why this" not in text
    assert page.count("<svg") == 3


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"data": "cifar10"}, "270 images; of other data (cifar10); tested once"),
        ({"data": "digits", "images_changed": True}, "may have been trained on; tested once"),
        ({"data": "digits", "checkpoint": "checkpoint-last.pt", "epoch": 2}, "tested after epoch 2 of 3; tested once"),
        ({"data": "digits", "checkpoint": "checkpoint-best.pt", "epoch": 2}, "97.5 % 270 images; tested once"),
    ],
)
def test_what_spoils_a_test_stands_beside_its_number(tmp_path: Path, row: dict[str, object], says: str) -> None:
    folder = RunFolder.create(tmp_path / "run", resolve("retrain", values={"genotype": named("DARTS_V2").as_json()}))
    folder.write_status(Status("finished", epoch=3, epochs=3))
    folder.add_result("test", split="test", images=270, accuracy_percent=97.5, **row)

    assert says in text_of(page_of(folder))


def test_the_papers_retraining_without_a_validation_split_says_so(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path / "run", resolve("retrain", values={"genotype": named("DARTS_V2").as_json()}))
    log = Log(folder, epochs=2, splits={"train": 50_000, "test": 10_000}, validation_split=None)
    log.curves(2, validation=False)

    text = text_of(page_of(folder))

    assert "No validation split was held out" in text
    assert "50\u2009000 images" in text


def test_numbers_of_the_alphas_half_are_not_called_held_out(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path / "run", resolve("search", data="cifar10"))
    log = Log(folder, epochs=2, splits={"weights": 25_000, "alphas": 25_000}, validation_split="alphas")
    log.curves(2)

    text = text_of(page_of(folder))

    assert "the alphas were fitted to these images" in text
    assert "held-out" not in text


@pytest.mark.parametrize("state", ["created", "running", "failed", "stopped"])
def test_a_run_that_has_only_begun_has_a_page(state: str, tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path / "run", resolve("search"))
    error = {"what": "no memory left.", "where": "batch_size", "mend": "Try 32."} if state == "failed" else None
    folder.write_status(Status(state, epochs=20, error=error))  # type: ignore[arg-type]

    page = page_of(folder)

    assert_sound(page)
    text = text_of(page)
    assert "No numbers yet" in text
    assert "The run has no cell yet" in text
    assert ("batch_size: no memory left. Try 32." in text) == (state == "failed")
    assert ("interrupted" in text) == (state == "running")  # Nobody works on it.


def test_a_run_after_one_step_has_a_page(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path / "run", resolve("search"))
    log = Log(folder, epochs=20)
    log.say(0, "step", loss=None, accuracy_percent=10.0)

    page = page_of(folder)

    assert_sound(page)
    assert "became infinite or no number" in page


def test_a_random_cell_has_a_page_without_alphas(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path / "run", resolve("search", method="random"))
    Log(folder, epochs=0)
    folder.write_genotype(named("DARTS_V1"))
    folder.write_status(Status("finished"))

    page = page_of(folder)

    assert_sound(page)
    text = text_of(page)
    assert "drawn at random" in text
    assert "Why this" not in text
    assert page.count("<svg") == 2


def test_spoiled_files_still_give_a_page(tmp_path: Path) -> None:
    folder = searched(tmp_path / "run")
    (folder.path / "genotype.json").write_text('{"normal": 5}', encoding="utf-8")
    (folder.path / "meta.json").write_text("[", encoding="utf-8")
    log = EventWriter(folder.path / "events.jsonl")
    log.write(Event(1e9, 19, 3, "alphas", {"normal": [[1.0]], "reduction": [[1.0]]}))
    log.write(Event(1e9, 19, 3, "discretization_gap", {"gap_percent": None}))

    page = page_of(folder)

    assert_sound(page)
    assert "genotype.json" in page


def test_the_same_run_gives_the_same_pictures(tmp_path: Path) -> None:
    folder = searched(tmp_path / "run")

    first, second = ("".join(re.findall(r"<svg.*?</svg>", page_of(folder), re.DOTALL)) for _ in range(2))

    assert first == second
