"""What the end of an epoch takes in a two-stage training, from one pass of each kind: whole ones may take hours.

Each of the networks that are measured is cut out, calibrated on training images and evaluated on the validation split.
"""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.config import TwoStageConfig
from engine.data import FileSet, LoadedData, open_stream
from engine.subnets.architecture import biggest, smallest
from engine.training.device import wait_for
from engine.training.evaluate import evaluate
from engine.two_stage.calibration import calibrate
from engine.two_stage.kept import calibration_is_kept, validation_is_kept
from engine.two_stage.measuring import calibration_shape, validation_batch_size
from engine.two_stage.predicting import fitting_epochs, goes_by_predictor
from engine.two_stage.trainer import TwoStageTrainer


@dataclass(frozen=True)
class SupernetEnds:
    """Seconds around the epochs of a two-stage training.

    Attributes:
        epoch_seconds: of measuring the biggest, the smallest and the sampled networks, after each epoch.
        reading_seconds: of reading the images that are kept, once; others are read for each network.
        predictor_seconds: of all measurements for the predictor, once; 0 without one.
    """

    epoch_seconds: float
    reading_seconds: float
    predictor_seconds: float

    def seconds_an_epoch(self, epochs: int) -> float:
        """Of an epoch's end, with what is done once spread over the epochs."""
        return self.epoch_seconds + (self.reading_seconds + self.predictor_seconds) / epochs


def kept_images(config: TwoStageConfig, data: LoadedData, device: torch.device) -> Tensor:
    """As much memory as the calibration images take that a training keeps from its first epoch's end on: (N, C, H, W) float32,
    N being 0 where it keeps none."""
    batches, batch_size = calibration_shape(config, len(data.splits["train"]))
    count = batches * batch_size
    if not calibration_is_kept(count, data.channels, data.image_size):
        count = 0
    # Ones, not zeros: the system gives memory only where something is written.
    return torch.ones(count, data.channels, data.image_size, data.image_size, device=device)


def supernet_ends(
    trainer: TwoStageTrainer, config: TwoStageConfig, data: LoadedData, device: torch.device, *, tries: int = 1
) -> SupernetEnds:
    """Time one calibration batch and one validation batch of the biggest and the smallest network.

    A sampled network is taken to lie half way between. Changes nothing in the trainer.

    Args:
        tries: of which the median is taken.
    """
    calibration_batches, batch_size = calibration_shape(config, len(data.splits["train"]))
    images, batch_seconds = _calibration_batch(config, data, batch_size)
    count = calibration_batches * batch_size
    split = data.splits["validation"]
    readings = [(batch_seconds * calibration_batches, calibration_is_kept(count, data.channels, data.image_size))]
    settings = config.model_copy(update={"batch_size": validation_batch_size(config)})
    validation = open_stream(split, settings, "validation", shuffle=False)
    try:
        begin = _now(device)
        batch = validation.batch(0)
        validation_batches = len(split) / len(batch[0])
        is_kept = validation_is_kept(split) or not isinstance(split, FileSet)
        readings.append(((_now(device) - begin) * validation_batches, is_kept))
        seconds = []
        for pick in (biggest, smallest):
            network = trainer.supernet.cut_out(pick(trainer.space))
            network.order_memory(trainer.supernet.channels_last)
            calibrate(network, [images[:2]])  # Kernels that are loaded once are no part of a pass.
            found = []
            for _ in range(tries):
                begin = _now(device)
                calibrate(network, [images])
                middle = _now(device)
                evaluate(network, [batch], device)
                found.append((middle - begin) * calibration_batches + (_now(device) - middle) * validation_batches)
            seconds.append(statistics.median(found))
    finally:
        validation.close()
    once = sum(reading for reading, is_kept in readings if is_kept)
    seconds = [each + sum(reading for reading, is_kept in readings if not is_kept) for each in seconds]
    sampled_seconds = sum(seconds) / 2
    fits = len(fitting_epochs(config.epochs)) if goes_by_predictor(config) else 0
    predictor_seconds = fits * config.predictor_networks * sampled_seconds
    return SupernetEnds(
        sum(seconds) + config.validation_networks * sampled_seconds, once, predictor_seconds
    )  # fmt: skip


def said_of_predictor(config: TwoStageConfig) -> tuple[str, ...]:
    """What a rehearsal cannot show, for a person to read."""
    if not goes_by_predictor(config):
        return ()
    return ("The steps that were timed are those before the predictor is fitted; later ones choose without passes.",)


def _calibration_batch(config: TwoStageConfig, data: LoadedData, size: int) -> tuple[Tensor, float]:
    """Images of one batch, and the seconds of reading it."""
    begin = time.perf_counter()
    stream = open_stream(
        data.splits["train"], config.model_copy(update={"batch_size": size}), "calibration", augmentation=data.augmentation if config.augment else None,
    )  # fmt: skip
    try:
        images, _ = stream.batch(0)
    finally:
        stream.close()
    return images, time.perf_counter() - begin


def _now(device: torch.device) -> float:
    wait_for(device)
    return time.perf_counter()
