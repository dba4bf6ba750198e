"""What a form says and what follows from it."""

from __future__ import annotations

import shlex

import pytest

from app.forms.draft import RunDraft
from app.forms.field_row import range_words
from engine.cli.starting import Said
from engine.config import describe
from engine.genotype.named import named


def test_a_fresh_draft_is_ready_with_the_presets_values(qapp):
    draft = RunDraft("search")

    assert draft.is_ready
    assert draft.value("epochs") == 20
    assert draft.command_line() == "nascope search --method darts --data digits"


def test_other_data_refresh_the_defaults_and_keep_what_was_said(qapp):
    draft = RunDraft("search")
    draft.say("channels", 12)

    draft.say("data", "cifar10")

    assert draft.value("epochs") == 50
    assert draft.value("channels") == 12
    assert draft.default("channels") == 16


def test_saying_the_default_says_nothing(qapp):
    draft = RunDraft("search")
    draft.say("epochs", 7)
    draft.say("epochs", 20)

    assert draft.said == {}


def test_a_warm_up_scales_with_the_epochs_unless_it_was_said(qapp):
    draft = RunDraft("search", method="pc-darts")
    assert draft.value("warmup_epochs") == 6

    draft.say("epochs", 10)
    assert draft.value("warmup_epochs") == 3

    draft.say("warmup_epochs", 1)
    assert draft.value("warmup_epochs") == 1


@pytest.mark.parametrize(
    ("name", "value", "field", "words"),
    [
        ("learning_rate", "fast", "learning_rate", "a number"),
        ("data", "cifar11", "data", "no data set"),
        ("data", "image-folder:/no/such/place", "data", "no such folder"),
        ("device", "tpu", "device", "no device"),
        ("space", "skip_connect", "space", "fewer than two"),
    ],
)
def test_faults_stand_beside_their_field(qapp, name, value, field, words):
    draft = RunDraft("search")

    draft.say(name, value)

    assert words in draft.fault(field)
    assert not draft.is_ready


def test_the_command_line_makes_the_same_configuration(qapp):
    draft = RunDraft("search", method="pc-darts")
    for name, value in {"epochs": 9, "alpha_learning_rate": 3e-4, "augment": False, "threads": 2}.items():
        draft.say(name, value)

    words = shlex.split(draft.command_line())
    said = Said(
        data=words[words.index("--data") + 1], out=None, config_file=None, preset=None, seed=None, device=None, epochs=None, name="",
        as_json=False, tied_to_stdin=False, method=words[words.index("--method") + 1],
        assignments=tuple(words[place + 1] for place, word in enumerate(words) if word == "--set"),
    )  # fmt: skip

    assert said.resolved("search") == draft.config


def test_a_retraining_carries_its_cells(qapp):
    draft = RunDraft("retrain", genotype=named("DARTS_V2"))

    assert draft.is_ready
    assert draft.slug == "retrain-DARTS_V2-digits"
    assert draft.command_line() == "nascope retrain DARTS_V2 --data digits"
    assert draft.config.genotype["name"] == "DARTS_V2"


def test_ranges_are_told_in_words():
    fields = {field.name: field for field in describe("search")}

    assert range_words(fields["epochs"]) == "1 to 100,000"
    assert range_words(fields["seed"]) == "at least 0"
    assert range_words(fields["gradient_clip"]) == "above 0"
    assert range_words(fields["device"]) == ""
