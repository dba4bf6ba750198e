"""How good a sub-network is: cut out of the supernet, calibrated, and evaluated on the validation split."""

from __future__ import annotations

import torch

from engine.config import TwoStageConfig
from engine.data import LoadedData, Stream, open_stream
from engine.distributed import ALONE, Ranks
from engine.networks.subnet import SubnetNetwork
from engine.subnets import Architecture
from engine.training.evaluate import Evaluation, evaluate
from engine.training.trainer import StopCheck
from engine.two_stage.calibration import calibrate
from engine.two_stage.kept import KeptCalibration, KeptValidation, calibration_is_kept, never_stop
from engine.two_stage.supernet import DynamicSupernet


class SubnetMeter:
    """Measures sub-networks of one run, all on the same images: what it finds depends on weights and architecture alone.

    Calibration takes ``calibration_images`` of the training images (no more than there are), augmented as in training, in
    whole batches of ``calibration_batch_size``. Which they are is a function of the seed. They are read when they are
    first needed, and kept where they fit (``engine.two_stage.kept``).

    Args:
        data: with the splits ``train`` and ``validation``.
        ranks: processes that measure together: each takes some of the calibration batches and a share of the validation
            images, and all get the same answer.

    Raises:
        KeyError: a split is not there.
    """

    def __init__(self, data: LoadedData, config: TwoStageConfig, device: torch.device, ranks: Ranks = ALONE) -> None:
        self._data = data
        self._config = config
        self._device = device
        self._ranks = ranks
        self.calibration_batches, self.calibration_batch_size = calibration_shape(config, len(data.splits["train"]))
        own_images = ranks.largest_share(self.calibration_batches) * self.calibration_batch_size
        self._calibration = KeptCalibration(
            self._calibration_stream, self.calibration_batches, ranks,
            is_kept=calibration_is_kept(own_images, data.channels, data.image_size),
        )  # fmt: skip
        settings = config.model_copy(update={"batch_size": validation_batch_size(config, ranks)})
        split = data.splits["validation"]
        self._validation = KeptValidation(
            open_stream(split, settings, "validation", shuffle=False, ranks=ranks), split, ranks
        )

    def network(
        self, supernet: DynamicSupernet, architecture: Architecture, stop_check: StopCheck = never_stop
    ) -> SubnetNetwork:
        """The sub-network, cut out and calibrated, in eval mode.

        Args:
            stop_check: called before each batch; what it raises ends the work.
        """
        found = supernet.cut_out(architecture)
        found.order_memory(supernet.channels_last)
        calibrate(found, self._calibration.batches(stop_check), self._ranks)
        return found

    def measure(
        self, supernet: DynamicSupernet, architecture: Architecture, stop_check: StopCheck = never_stop
    ) -> Evaluation:
        """Its loss and accuracy on the validation split, those of all ranks together. The supernet does not change.

        Args:
            stop_check: called before each batch; what it raises ends the work.
        """
        network = self.network(supernet, architecture, stop_check)
        return evaluate(network, self._validation.batches(stop_check), self._device, self._ranks)

    @property
    def validation_stream(self) -> Stream:
        """Of the validation images; what it met of broken ones it tells."""
        return self._validation.stream

    def close(self) -> None:
        """Let go of processes that read ahead, and of the images."""
        self._validation.close()
        self._calibration.forget()

    def _calibration_stream(self) -> Stream:
        # Each batch whole on one process, so this one knows of no other.
        settings = self._config.model_copy(update={"batch_size": self.calibration_batch_size})
        augmentation = self._data.augmentation if self._config.augment else None
        return open_stream(self._data.splits["train"], settings, "calibration", augmentation=augmentation)


def calibration_shape(config: TwoStageConfig, train_images: int) -> tuple[int, int]:
    """Batches of calibration, and images of each: whole batches of no more training images than there are."""
    images = min(config.calibration_images, train_images)
    batch_size = min(config.calibration_batch_size, images)
    return images // batch_size, batch_size


def validation_batch_size(config: TwoStageConfig, ranks: Ranks = ALONE) -> int:
    """Validation images a pass, of all processes together: no more than calibration takes on each. A batch that many
    processes share in training may not fit on the one that chooses sub-networks later."""
    return min(config.batch_size, config.calibration_batch_size * ranks.size)
