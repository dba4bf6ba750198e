"""How good a sub-network is: cut out of the supernet, calibrated, and evaluated on the validation split."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from engine.config import TwoStageConfig
from engine.data import LoadedData, open_stream
from engine.distributed import ALONE, Ranks
from engine.networks.subnet import SubnetNetwork
from engine.subnets import Architecture
from engine.training.evaluate import Evaluation, evaluate
from engine.training.trainer import StopCheck, stopping
from engine.two_stage.calibration import calibrate
from engine.two_stage.supernet import DynamicSupernet


class SubnetMeter:
    """Measures sub-networks of one run, all on the same images: what it finds depends on weights and architecture alone.

    Calibration takes ``calibration_images`` of the training images (no more than there are), augmented as in training, in
    whole batches of ``calibration_batch_size``. Which they are is a function of the seed. They are read when they are
    first needed, and kept: reading them for each network would take longer than its passes.

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
        self._batches: list[Tensor] | None = None
        self._validation = open_stream(data.splits["validation"], config, "validation", shuffle=False, ranks=ranks)
        self.calibration_batch_size = min(
            config.calibration_batch_size, config.calibration_images, len(data.splits["train"])
        )
        self.calibration_batches = (
            min(config.calibration_images, len(data.splits["train"])) // self.calibration_batch_size
        )

    def network(
        self, supernet: DynamicSupernet, architecture: Architecture, stop_check: StopCheck | None = None
    ) -> SubnetNetwork:
        """The sub-network, cut out and calibrated, in eval mode.

        Args:
            stop_check: called before each batch; what it raises ends the work.
        """
        found = supernet.cut_out(architecture)
        found.order_memory(supernet.channels_last)
        batches = self._calibration_batches()
        calibrate(found, batches if stop_check is None else self._stopping(batches, stop_check), self._ranks)
        return found

    def measure(
        self, supernet: DynamicSupernet, architecture: Architecture, stop_check: StopCheck | None = None
    ) -> Evaluation:
        """Its loss and accuracy on the validation split, those of all ranks together. The supernet does not change.

        Args:
            stop_check: called before each batch; what it raises ends the work.
        """
        network = self.network(supernet, architecture, stop_check)
        batches = self._validation.epoch_batches()
        return evaluate(
            network, batches if stop_check is None else stopping(batches, stop_check), self._device, self._ranks
        )

    def close(self) -> None:
        """Let go of processes that read ahead, and of the images."""
        self._validation.close()
        self._batches = None

    def _calibration_batches(self) -> list[Tensor]:
        """This rank's, on the device."""
        if self._batches is None:
            # Each batch whole on one rank: the mean over batches is then the same for any number of ranks.
            settings = self._config.model_copy(update={"batch_size": self.calibration_batch_size})
            augmentation = self._data.augmentation if self._config.augment else None
            stream = open_stream(self._data.splits["train"], settings, "calibration", augmentation=augmentation)
            try:
                first, last = self._ranks.share(0, self.calibration_batches)
                self._batches = [stream.batch(step)[0] for step in range(first, last)]
            finally:
                stream.close()
        return self._batches

    def _stopping(self, batches: list[Tensor], stop_check: StopCheck) -> Iterator[Tensor]:
        # Ranks decide together about a stop, so all must ask equally often, also those with a batch less.
        for place in range(self._ranks.largest_share(self.calibration_batches)):
            stop_check()
            yield from batches[place : place + 1]
