"""States, actions, progress and words."""

from __future__ import annotations

import gc

import pytest
from fake_run import fake_events, write_fake_run
from PySide6.QtWidgets import QApplication

from app import i18n, settings
from app.progress import epoch_of, fraction_done, in_words, percent, seconds_left
from app.run_model import RunModel
from app.run_state import Shown, availability, pill_words
from app.status_bar import folder_words, machine_words


def visible(shown):
    return {name for name, how in availability(shown).items() if how.visible}


def usable(shown):
    return {name for name, how in availability(shown).items() if how.visible and how.enabled}


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("running", {"pause", "stop", "export", "retrain"}),
        ("preparing", {"stop", "export", "retrain"}),
        ("starting", {"stop", "export", "retrain"}),
        ("pausing", {"stop", "export", "retrain"}),
        ("paused", {"resume", "stop", "export", "retrain"}),
        ("stopping", {"export", "retrain"}),
        ("overdue", {"stop", "export", "retrain"}),
        ("queued", {"stop", "export", "retrain"}),
        ("stopped", {"resume", "export", "retrain"}),
        ("interrupted", {"resume", "export", "retrain"}),
        ("failed", {"resume", "export", "retrain"}),
        ("created", {"resume", "export", "retrain"}),
        ("finished", {"export", "retrain"}),
    ],
)
def test_only_what_makes_sense_can_be_pressed(state, expected):
    assert usable(Shown(state, "search", has_cells=True, has_checkpoint=True, has_begun=True)) == expected


def test_a_test_needs_a_trained_network_that_rests():
    trained = Shown("finished", "retrain", has_cells=True, has_checkpoint=True)

    assert "test" in usable(trained)
    assert "test" not in usable(Shown("running", "retrain", has_cells=True, has_checkpoint=True))
    assert "test" not in usable(Shown("finished", "retrain", has_cells=True, has_checkpoint=True, is_testing=True))
    assert "test" not in visible(Shown("finished", "search", has_cells=True))


def test_a_supernet_offers_what_can_be_done_with_its_networks():
    nothing_chosen = Shown("finished", "two-stage", offers={"select": (True, "")})
    assert usable(nothing_chosen) == {"select"}
    assert availability(nothing_chosen)["export"].tip == "Choose a sub-network first."

    busy = (False, "A search goes on.")
    chosen = Shown(
        "running",
        "two-stage",
        offers={"select": busy, "test": (True, ""), "export": (True, ""), "fine_tune": (True, "")},
    )
    assert usable(chosen) == {"pause", "stop", "test", "export", "retrain"}
    assert availability(chosen)["select"].tip == "A search goes on."
    assert availability(chosen)["retrain"].text == "Fine-tune…"


def test_a_sub_networks_run_is_tested_and_exported_as_a_retraining_is():
    trained = Shown("finished", "subnet", has_checkpoint=True)
    assert usable(trained) == {"test", "export", "retrain"}
    assert "select" not in visible(trained)
    assert usable(Shown("running", "subnet", has_checkpoint=True)) == {"pause", "stop", "export", "retrain"}


@pytest.mark.parametrize(
    ("run", "words"),
    [
        ({"kind": "two-stage", "method": "bignas", "data": "digits"}, "Training the supernet · epoch 3 / 9"),
        ({"kind": "subnet", "data": "cifar10"}, "Training · epoch 3 / 9"),
        ({"kind": "subnet", "data": "cifar10", "supernet_run": "/runs/net"}, "Fine-tuning · epoch 3 / 9"),
        ({"kind": "retrain", "data": "cifar10"}, "Retraining · epoch 3 / 9"),
        ({"kind": "search"}, "Searching · epoch 3 / 9"),
    ],
)
def test_the_pill_says_what_goes_on(qapp, tmp_path, run, words):
    run = write_fake_run(tmp_path / "run", epochs=9, done=2, extra_steps=3, **run)
    model = RunModel(run.path, run.config_document())
    model.feed(list(fake_events(run.config(), done=2, extra_steps=3)))

    assert pill_words(model, "running") == words


def test_every_disabled_action_says_why():
    for state in ("", "created", "queued", "starting", "running", "pausing", "stopping", "finished", "failed"):
        for kind in ("search", "retrain"):
            for how in availability(Shown(state, kind)).values():
                assert how.enabled or how.tip


@pytest.fixture
def model(qapp, tmp_path):
    run = write_fake_run(tmp_path / "run", done=3, extra_steps=5, epochs=10, steps_per_epoch=20)
    model = RunModel(run.path, run.config_document())
    model.feed(list(fake_events(run.config(), done=3, extra_steps=5, steps_per_epoch=20)))
    model.set_status(run.status())
    return model


def test_progress_counts_as_people_do(model):
    assert epoch_of(model) == 4
    assert fraction_done(model) == pytest.approx(65 / 200)
    # The fake's epochs take 20 steps of 0.42 s.
    assert seconds_left(model) == pytest.approx((200 - 65) * 0.42)


def test_the_status_bar_tells_machine_and_place(model, tmp_path):
    assert machine_words(model).startswith("cpu · 815 MiB · ")
    assert "images/s" in machine_words(model)
    assert folder_words(model, tmp_path).endswith(" ago · seed 3 · run")


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.2, "1 s"), (40, "40 s"), (1080, "18 min"), (7500, "2 h 5 min"), (260_000, "3 d")]
)
def test_times_in_words(qapp, seconds, words):
    assert in_words(seconds) == words


def test_accuracies_have_one_digit_and_none_is_nothing():
    assert percent(71.84) == "71.8 %"
    assert percent(None) == percent(float("nan")) == ""


def test_settings_survive_damage_and_keep_twelve_recent_paths(tmp_path):
    settings.store().setValue("engines", "many")
    settings.store().setValue("theme", "pink")

    assert settings.engines_at_a_time() == 1
    assert settings.theme_choice() == "system"
    for number in range(15):
        settings.add_recent(tmp_path / str(number))
    assert settings.recent()[0] == tmp_path / "14"
    assert len(settings.recent()) == 12


def test_chinese_brings_qts_own_texts(qapp):
    loaded = i18n.install(qapp, "zh_CN")
    try:
        assert QApplication.translate("QPlatformTheme", "Cancel") == "取消"
    finally:
        for translator in loaded:
            qapp.removeTranslator(translator)
        i18n.install(qapp, "en")


def test_an_open_window_collects_garbage_itself_and_gives_it_back(open_window):
    assert gc.isenabled()
    window = open_window()
    assert not gc.isenabled()

    window.close()

    assert gc.isenabled()
