"""A rehearsal in a fresh process: ``python -m engine.bench.rehearsal_child``.

Reads one line, ``{"config": ..., "seconds": ..., "decided": ...}``, from standard input and prints the rehearsal, or
``{"error": {"what", "where", "mend"}, "out_of_memory": ...}``. It ends when standard input does: whoever asked is gone then.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

import torch

from engine.bench.memory import out_of_memory
from engine.bench.rehearsal import rehearse
from engine.config import RunConfig
from engine.config.resolve import check
from engine.errors import NascopeError
from engine.training.determinism import choose_algorithms
from engine.training.device import default_threads, pick_device
from engine.training.failure import failure_in_words, is_out_of_memory


def main() -> int:
    """Answer one task."""
    # Nothing but the answer may reach standard output, whatever a library prints.
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as answers:
        os.dup2(2, 1)
        task = json.loads(sys.stdin.readline())
        config = check(task["config"]["kind"], task["config"])
        with tempfile.TemporaryDirectory(prefix="nascope-rehearsal-", ignore_cleanup_errors=True) as folder:
            tempfile.tempdir = folder  # So that nothing is left behind where it ends in the middle.
            threading.Thread(target=_end_with_input, args=(folder,), daemon=True).start()
            json.dump(answer(config, float(task["seconds"]), task["decided"]), answers)
    return 0


def answer(config: RunConfig, seconds: float, decided: dict[str, Any] | None) -> dict[str, Any]:
    """The rehearsal as JSON, or what stands in its way."""
    try:
        device = pick_device(config.device)
        torch.set_num_threads(config.threads or default_threads())
        choose_algorithms(config.deterministic)
        return rehearse(config, device, seconds=seconds, decided=decided).as_json()
    except NascopeError as error:
        return {"error": error.as_dict()}
    except (MemoryError, RuntimeError) as error:
        if is_out_of_memory(error):
            return {"error": out_of_memory(error, config).as_dict(), "out_of_memory": True}
        words = failure_in_words(error, config, Path())
        if words["where"] is None:
            raise
        return {"error": words}


def _end_with_input(folder: str) -> None:
    sys.stdin.read()
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
