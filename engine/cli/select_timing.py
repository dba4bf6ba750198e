"""The clock of ``nascope select --latency``."""

from __future__ import annotations

from collections.abc import Callable

from engine.bench.latency import measure_latency
from engine.cli.output import note
from engine.errors import NascopeError
from engine.runs import RunFolder
from engine.subnets import Architecture
from engine.training.device import describe_device
from engine.two_stage.latency import LatencyTable
from engine.two_stage.saved import SavedSupernet
from engine.two_stage.selection import Limits, MeasuredNetwork, Selection
from engine.two_stage.selection.latency_front import LatencyFront, LatencyScreen, front_within


class Timing:
    """What a limit of latency needs: blocks timed once, whole networks where it counts."""

    def __init__(self, folder: RunFolder, saved: SavedSupernet, stop_check: Callable[[], None]) -> None:
        self._saved = saved
        self._stop_check = stop_check
        self.device_name = describe_device(saved.device)
        self._table = LatencyTable(
            folder.path, saved.device, self.device_name, image_channels=saved.data.channels, image_side=saved.data.image_size,
            channels_last=saved.supernet.channels_last,
        )  # fmt: skip

    def screen(self, limits: Limits) -> LatencyScreen:
        """What lets networks through.

        Raises:
            NascopeError: not even the smallest network keeps to the limit.
        """
        found = LatencyScreen(self._saved.space, self._blocks, self._whole)
        assert limits.latency_ms is not None
        if found.smallest_ms > limits.latency_ms:
            raise NascopeError(
                f"the smallest network takes {found.smallest_ms:.2f} ms on {self.device_name}.", where=f"--latency {limits.latency_ms:g}ms",
                mend=f"Use {1.1 * found.smallest_ms:.2f}ms or more.",
            )  # fmt: skip
        self._screen = found
        return found

    def front(self, found: Selection, limits: Limits, keep: Callable[[MeasuredNetwork], None]) -> LatencyFront:
        """The front with whole networks timed."""
        self._table.save()
        note(f"timing whole networks on {self.device_name}")
        assert limits.latency_ms is not None
        return front_within(found.networks, limits.latency_ms, self.device_name, self._screen, self._whole, keep)

    def _blocks(self, architecture: Architecture) -> float:
        self._stop_check()
        return self._table.milliseconds(architecture)

    def _whole(self, architecture: Architecture) -> float:
        self._stop_check()
        data = self._saved.data
        network = self._saved.supernet.cut_out(architecture)
        network.order_memory(self._saved.supernet.channels_last)
        shape = (data.channels, data.image_size, data.image_size)
        return measure_latency(network, shape, (1,), self._saved.device, timing_seconds=0.3)[0].median_ms
