"""Opening the supernet of a run: which weights, which images, and what is refused."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
import torch

from engine.config import resolve
from engine.data import load_data
from engine.errors import DataError, RunError
from engine.runs import RunFolder
from engine.runs.folder import CHECKPOINT_BEST, CHECKPOINT_LAST
from engine.subnets.architecture import biggest, smallest
from engine.training.checkpoint import save_checkpoint
from engine.two_stage.measuring import SubnetMeter
from engine.two_stage.saved import open_saved
from engine.two_stage.supernet import DynamicSupernet

CPU = torch.device("cpu")

_spec = importlib.util.spec_from_file_location("two_ranks", Path(__file__).with_name("two_ranks.py"))
two_ranks = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(two_ranks)
config = two_ranks.config


@pytest.fixture(scope="module")
def data():
    return load_data(config(), CPU)


def supernet(seed):
    torch.manual_seed(seed)
    return DynamicSupernet(config().the_space(), zero_gamma=False)


@pytest.fixture
def folder(tmp_path, data):
    """A run as its trainer leaves it: the last weights after 3 epochs, none kept as the best."""
    found = RunFolder.create(tmp_path / "run", config())
    found.add_facts(decided={"split_fingerprint": data.fingerprint, "reading": "memory"})
    save(found, data, CHECKPOINT_LAST, supernet(0), 3)
    return found


def save(folder, data, name, network, epochs, **changes):
    trainer = {
        "weights": network.state_dict(), "classes": list(data.class_names), "image_channels": data.channels,
        "image_size": data.image_size, "normalization": [list(data.normalization.mean), list(data.normalization.std)], **changes,
    }  # fmt: skip
    save_checkpoint(folder.path / name, {"step": 6 * epochs, "epochs_ended": epochs, "trainer": trainer})


def test_saved_supernet_gives_the_numbers_of_its_training(folder, data):
    trained = supernet(0)
    trained.order_memory(channels_last=True)  # the usual one on a processor; another rounds otherwise
    before = SubnetMeter(data, config(), CPU).measure(trained, smallest(trained.space))

    saved = open_saved(folder, "cpu")
    found = saved.meter.measure(saved.supernet, smallest(saved.space))

    assert (found.loss, found.accuracy_percent) == (before.loss, before.accuracy_percent)
    assert (saved.checkpoint, saved.epoch, saved.device) == (CHECKPOINT_LAST, 3, CPU)
    assert saved.supernet.training
    network = saved.network(biggest(saved.space))
    assert not network.training
    assert network(torch.zeros(1, 1, 32, 32))[0].shape == (1, 10)
    saved.close()


def test_best_weights_are_taken_where_they_were_kept(folder, data):
    save(folder, data, CHECKPOINT_BEST, supernet(1), 2)

    saved = open_saved(folder, "cpu")

    assert (saved.checkpoint, saved.epoch) == (CHECKPOINT_BEST, 2)
    assert torch.equal(saved.supernet.classifier.weight, supernet(1).classifier.weight)


def test_setting_changes_with_what_accuracies_depend_on(folder, data, tmp_path):
    first, again = (open_saved(folder, "cpu").setting for _ in range(2))
    save(folder, data, CHECKPOINT_BEST, supernet(1), 2)
    other_weights = open_saved(folder, "cpu").setting
    other = RunFolder.create(tmp_path / "other", config(calibration_images=160))
    save(other, data, CHECKPOINT_LAST, supernet(0), 3)
    other_calibration = open_saved(other, "cpu").setting

    assert first == again
    assert len({first, other_weights, other_calibration}) == 3


def test_run_of_another_kind_is_refused(tmp_path):
    folder = RunFolder.create(tmp_path / "run", resolve("search"))

    with pytest.raises(RunError, match=r"no supernet.*two-stage"):
        open_saved(folder, "cpu")


def test_run_without_an_epoch_is_refused(folder, data):
    save(folder, data, CHECKPOINT_LAST, supernet(0), 0)
    with pytest.raises(RunError, match="no epoch is trained yet"):
        open_saved(folder, "cpu")

    (folder.path / CHECKPOINT_LAST).unlink()
    with pytest.raises(RunError, match="no checkpoint"):
        open_saved(folder, "cpu")


def test_other_images_are_refused(folder, data):
    save(folder, data, CHECKPOINT_LAST, supernet(0), 3, image_channels=3)
    with pytest.raises(DataError, match="not those"):
        open_saved(folder, "cpu")

    save(folder, data, CHECKPOINT_LAST, supernet(0), 3)
    folder.add_facts(decided={"split_fingerprint": "of other images"})
    with pytest.raises(DataError, match=r"digits.*not those"):
        open_saved(folder, "cpu")


def test_weights_of_another_space_are_refused(folder, data):
    weights = DynamicSupernet(resolve("two-stage", values={"space": "cifar"}).the_space()).state_dict()
    save(folder, data, CHECKPOINT_LAST, supernet(0), 3, weights=weights)

    with pytest.raises(RunError, match="laptop"):
        open_saved(folder, "cpu")
