"""Forecasts of two-stage trainings and of sub-networks: real rehearsals, and the end of an epoch under a clock of our own."""

from __future__ import annotations

import pytest
import torch

from engine.bench import supernet_ends as module
from engine.bench.memory import out_of_memory
from engine.bench.rehearsal import rehearse
from engine.bench.supernet_ends import kept_images, said_of_predictor, supernet_ends
from engine.config import resolve
from engine.data import load_data
from engine.retrain.trainer import RetrainTrainer
from engine.subnets.architecture import biggest, smallest
from engine.two_stage.measuring import SubnetMeter
from engine.two_stage.trainer import TwoStageTrainer

CPU = torch.device("cpu")
SMALL = {
    "limit_images": 96,
    "batch_size": 16,
    "calibration_images": 40,
    "calibration_batch_size": 16,
    "device": "cpu",
    "threads": 1,
}


def two_stage(**values):
    return resolve("two-stage", method="bignas", data="digits", values={**SMALL, "epochs": 10, **values})


@pytest.fixture(scope="module")
def trained():
    config = two_stage()
    data = load_data(config, CPU)
    trainer = TwoStageTrainer(config, data, CPU)
    yield config, data, trainer
    trainer.close()


def test_rehearsal_of_a_supernet_takes_the_steps_of_its_trainer(trained):
    _, _, trainer = trained

    found = rehearse(two_stage(), CPU, seconds=0.0)

    facts = trainer.facts()
    assert (found.epochs, found.steps_per_epoch) == (10, trainer.steps_per_epoch)
    assert found.images == facts["splits"]["train"]
    assert found.parameters == facts["parameters"] == 144_322
    assert found.warmup_steps == 0
    assert found.final_seconds == 0
    assert found.checkpoint_bytes > 2 * 4 * found.parameters  # Weights and momentum.
    assert found.epoch_end_seconds > 0
    assert found.decisions == dict(trainer.decisions)
    assert not found.messages


@pytest.mark.parametrize("networks", [0, 3])
@pytest.mark.parametrize(("score", "points"), [("loss", 0), ("predictor", 3)])
def test_end_of_an_epoch_adds_up_its_passes(trained, monkeypatch, networks, score, points):
    """A clock that runs a second an image of the biggest network in calibration, two in evaluation; a tenth in the smallest."""
    _, data, trainer = trained
    config = two_stage(validation_networks=networks, score=score, sampling="best-up", predictor_networks=8)
    now = [0.0]

    def passes(network, images, seconds):
        assert network.architecture in (biggest(trainer.space), smallest(trainer.space))
        now[0] += seconds * images * (1.0 if network.architecture == biggest(trainer.space) else 0.1)

    monkeypatch.setattr(module, "_now", lambda device: now[0])
    monkeypatch.setattr(module, "calibrate", lambda network, batches: passes(network, sum(map(len, batches)), 1))
    monkeypatch.setattr(module, "evaluate", lambda network, batches, device: passes(network, len(batches[0][0]), 2))

    found = supernet_ends(trainer, config, data, CPU)

    # Two whole batches of 16 out of the 40 images that were asked for: as many as the meter takes.
    one = 32 * 1 + len(data.splits["validation"]) * 2
    each = (one + 0.1 * one) / 2
    assert found.epoch_seconds == pytest.approx(1.1 * one + networks * each)
    assert found.predictor_seconds == pytest.approx(points * 8 * each)
    assert found.seconds_an_epoch(10) == pytest.approx(
        found.epoch_seconds + (found.reading_seconds + found.predictor_seconds) / 10
    )
    assert bool(said_of_predictor(config)) == (score == "predictor")


def test_calibration_images_are_counted_in_memory(trained):
    config, data, _ = trained

    kept = kept_images(config, data, CPU)
    all_of_them = kept_images(two_stage(calibration_images=10_000), data, CPU)

    assert kept.shape == (32, 1, 32, 32)
    assert kept.dtype == torch.float32
    assert len(all_of_them) == 16 * (len(data.splits["train"]) // 16)
    meter = SubnetMeter(data, config, CPU)
    assert len(kept) == meter.calibration_batches * meter.calibration_batch_size
    meter.close()


def test_images_that_are_not_kept_are_read_for_each_network(trained, monkeypatch):
    """A clock that runs for reading only: 5 seconds a calibration batch of 16, of which there are two."""
    _, data, trainer = trained
    config = two_stage(validation_networks=2)
    monkeypatch.setattr(module, "calibrate", lambda network, batches: None)
    monkeypatch.setattr(module, "evaluate", lambda network, batches, device: None)
    monkeypatch.setattr(module, "_now", lambda device: 0.0)
    monkeypatch.setattr(module, "_calibration_batch", lambda config, data, size: (torch.zeros(size, 1, 32, 32), 5.0))

    kept = supernet_ends(trainer, config, data, CPU)
    monkeypatch.setattr("engine.two_stage.kept.KEPT_BYTES", 1000)
    read_anew = supernet_ends(trainer, config, data, CPU)

    assert (kept.epoch_seconds, kept.reading_seconds) == (0, 10)
    assert (read_anew.epoch_seconds, read_anew.reading_seconds) == (4 * 10, 0)
    assert len(kept_images(config, data, CPU)) == 0


def test_whole_end_of_an_epoch_is_measured_where_there_is_time(monkeypatch):
    told = []
    real = TwoStageTrainer.end_epoch

    def end_epoch(self, epoch, stop_check):
        told.append(epoch)
        return real(self, epoch, stop_check)

    monkeypatch.setattr(TwoStageTrainer, "end_epoch", end_epoch)

    rehearse(two_stage(calibration_images=16, limit_images=48, validation_networks=0), CPU, seconds=0.0)
    assert told == []
    rehearse(two_stage(calibration_images=16, limit_images=48, validation_networks=0), CPU, seconds=2.0)
    assert told == [9, 9]  # The first reads the images; a predictor is fitted after other epochs.


def test_rehearsal_of_a_sub_network():
    space = two_stage().the_space()
    config = resolve("subnet", data="digits", values={
        "architecture": smallest(space).as_json(), "limit_images": 96, "batch_size": 16, "device": "cpu", "threads": 1,
    })  # fmt: skip
    trainer = RetrainTrainer(config, load_data(config, CPU), CPU)

    found = rehearse(config, CPU, seconds=0.0)

    assert found.steps_per_epoch == trainer.steps_per_epoch
    assert found.parameters == trainer.facts()["parameters"] == 22_370
    assert found.final_seconds == 0
    trainer.close()


def test_out_of_memory_names_what_takes_less():
    assert "channels" not in out_of_memory(None, two_stage()).mend
    assert out_of_memory(None, two_stage()).mend == "Try batch_size=8 or a space of smaller networks."
