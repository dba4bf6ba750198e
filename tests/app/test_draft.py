"""What a form says and what follows from it."""

from __future__ import annotations

import shlex

import pytest
from fake_run import write_fake_run

from app.forms.draft import RunDraft
from app.forms.field_row import range_words
from app.menu_work import draft_of
from engine.cli.starting import Said
from engine.config import describe
from engine.genotype.named import named
from engine.subnets import named_subnets, space_named
from engine.subnets.architecture import smallest


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


def test_a_method_of_another_kind_turns_the_draft_into_a_run_of_that_kind(qapp):
    draft = RunDraft("search", method="pc-darts")
    for name, value in {"epochs": 9, "channels": 12, "space": "darts", "order": "second", "device": "cpu"}.items():
        draft.say(name, value)

    draft.say("method", "bignas")

    assert draft.kind == "two-stage"
    assert draft.is_ready  # Whatever a search alone can be told waits, even what is wrong.
    assert draft.said == {"epochs": 9, "device": "cpu"}
    assert draft.config.the_space().name == "laptop"
    assert draft.slug == "bignas-digits"

    draft.say("networks_per_step", 6)
    draft.say("epochs", 11)
    draft.say("method", "darts")
    assert draft.kind == "search"
    assert draft.said == {"channels": 12, "order": "second", "epochs": 11, "device": "cpu"}

    draft.say("method", "attentive-nas")
    assert draft.said == {"networks_per_step": 6, "epochs": 11, "device": "cpu"}
    assert draft.value("sampling") == "best-up"


@pytest.mark.parametrize("method", ["bignas", "attentive-nas"])
def test_the_command_line_makes_the_same_supernet(qapp, method):
    draft = RunDraft("two-stage", method=method, data="cifar10", preset="small")
    for name, value in {
        "epochs": 9,
        "sampling": "worst-up",
        "space": "cifar",
        "zero_gamma": False,
        "learning_rate_floor": 0.1,
    }.items():
        draft.say(name, value)
    assert draft.is_ready
    words = shlex.split(draft.command_line())
    assert words[:2] == ["nascope", "search"]
    said = Said(
        data=words[words.index("--data") + 1], out=None, config_file=None, preset=words[words.index("--preset") + 1], seed=None, device=None,
        epochs=None, name="", as_json=False, tied_to_stdin=False, method=words[words.index("--method") + 1],
        assignments=tuple(words[place + 1] for place, word in enumerate(words) if word == "--set"),
    )  # fmt: skip

    assert said.search_kind() == "two-stage"
    assert said.resolved("two-stage") == draft.config


def test_a_published_sub_network_is_trained_from_scratch_by_its_name(qapp):
    draft = RunDraft("subnet", architecture=named_subnets()["AttentiveNAS-A2"].architecture)

    assert draft.is_ready
    assert draft.command_line() == "nascope retrain AttentiveNAS-A2 --data digits"
    assert draft.slug == "retrain-AttentiveNAS-A2-digits"
    assert draft.config.supernet_run is None


def test_fine_tuning_is_gentle_and_knows_its_supernet(qapp, tmp_path):
    run = write_fake_run(
        tmp_path / "net", kind="two-stage", method="bignas", data="digits", epochs=6, done=6, state="finished", seed=4
    )
    run.add_facts(decided={"split_fingerprint": "abc"})
    network = smallest(run.config().the_space())
    usual = RunDraft("subnet", architecture=network)

    draft = RunDraft("subnet", architecture=network, supernet_run=run.path)

    assert draft.is_ready
    assert draft.command_line() == f"nascope retrain {run.path} --subnet {network.key} --data digits"
    assert (draft.config.supernet_run, draft.config.split_fingerprint) == (str(run.path), "abc")
    assert draft.config.learning_rate == pytest.approx(usual.config.learning_rate / 10)
    assert draft.config.epochs == draft.default("epochs") < usual.config.epochs
    assert draft.said == {}
    draft.say("epochs", 3)
    assert draft.config.epochs == 3
    assert draft.slug == f"fine-tune-{network.key}-digits"


def test_a_supernet_that_is_gone_is_a_fault_not_a_crash(qapp, tmp_path):
    network = smallest(space_named("laptop"))

    draft = RunDraft("subnet", architecture=network, supernet_run=tmp_path / "gone")

    assert not draft.is_ready
    assert str(tmp_path / "gone") in " ".join(map(str, draft.faults))


def test_a_space_that_does_not_ship_comes_with_a_file_until_another_is_chosen(qapp):
    definition = {**space_named("laptop").as_json(), "name": "mine", "resolution": [24, 32]}
    draft = draft_of(
        {"kind": "two-stage", "method": "bignas", "space": "mine", "space_definition": definition, "epochs": 4}
    )

    assert draft.is_ready
    assert draft.config.the_space().resolution == (24, 32)
    assert draft.config.epochs == 4
    draft.say("space", "laptop")
    assert draft.config.the_space() == space_named("laptop")


def test_a_configuration_of_a_sub_network_opens_as_one(qapp):
    record = named_subnets()["AttentiveNAS-A1"].architecture.as_json()

    draft = draft_of({"kind": "subnet", "architecture": record, "data": "cifar10", "epochs": 5})

    assert (draft.kind, draft.config.epochs) == ("subnet", 5)
    assert draft_of({"method": "attentive-nas"}).kind == "two-stage"
    assert draft_of({"kind": "two-stage"}).method == "bignas"


def test_ranges_are_told_in_words():
    fields = {field.name: field for field in describe("search")}

    assert range_words(fields["epochs"]) == "1 to 100,000"
    assert range_words(fields["seed"]) == "at least 0"
    assert range_words(fields["gradient_clip"]) == "above 0"
    assert range_words(fields["device"]) == ""
