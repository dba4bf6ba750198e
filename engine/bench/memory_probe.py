"""One search step in a fresh process: ``python -m engine.bench.memory_probe``.

Reads ``{"config": ..., "shape": ..., "threads": ...}`` from standard input and prints ``{"peak_memory_mib": ..., "decisions": ...}``,
or ``{"error": {"what", "where", "mend"}, "out_of_memory": ...}`` where the step cannot be taken.
"""

from __future__ import annotations

import gc
import json
import os
import sys
from pathlib import Path
from typing import Any

import psutil
import torch

from engine.bench.images import DataShape, random_data
from engine.bench.memory import out_of_memory
from engine.bench.subject import Subject
from engine.config import SearchConfig
from engine.config.resolve import check
from engine.errors import NascopeError
from engine.training.failure import is_out_of_memory


def main() -> int:
    """Answer one task."""
    # Nothing but the answer may reach standard output, whatever a library prints.
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as answers:
        os.dup2(2, 1)
        task = json.loads(sys.stdin.read())
        config = check("search", task["config"])
        assert isinstance(config, SearchConfig)
        torch.set_num_threads(int(task["threads"]))
        json.dump(answer(config, DataShape(**task["shape"])), answers)
    return 0


def answer(config: SearchConfig, shape: DataShape) -> dict[str, Any]:
    """Growth of the resident maximum while the supernet is built and takes a step."""
    device = torch.device("cpu")
    try:
        _load_code(config, shape, device)
        data = random_data(config, shape, device)
        before = psutil.Process().memory_info().rss
        subject = Subject(config, data, device)
        subject.whole_step()
        peak_bytes = max(0, resident_peak_bytes() - before)
        return {"peak_memory_mib": peak_bytes / 2**20, "decisions": subject.decisions}
    except NascopeError as error:
        return {"error": error.as_dict()}
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        return {"error": out_of_memory(error, config).as_dict(), "out_of_memory": True}


def resident_peak_bytes() -> int:
    """The largest resident size that this program has had."""
    status = Path("/proc/self/status")
    if status.exists():
        # Not ru_maxrss: Linux hands the maximum of the process that started this one down to it.
        for line in status.read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    if sys.platform == "win32":
        return int(psutil.Process().memory_info().peak_wset)
    import resource

    unit_bytes = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit_bytes


def _load_code(config: SearchConfig, shape: DataShape, device: torch.device) -> None:
    """Take a step with the smallest network of this kind: libraries and kernels that are loaded once are no part of a step."""
    small = config.model_copy(update={"channels": 2 * config.partial_channels, "layers": 3, "batch_size": 2})
    Subject(small, random_data(small, DataShape(shape.channels, 8, 2), device), device).whole_step()
    gc.collect()


if __name__ == "__main__":
    sys.exit(main())
