"""Exported files in a process that cannot import nascope. No test itself."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import torch

_CLEAN = """
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("engine", "app", "resources"):
            raise ImportError(f"{name} is not here")
sys.meta_path.insert(0, Block())
import numpy as np
images = np.load("images.npy")
"""


def elsewhere(folder, code):
    """Runs code in a clean process in a folder; it sets ``logits``."""
    script = _CLEAN + code + "\nnp.save('logits.npy', np.asarray(logits))\n"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")} | {
        "OMP_NUM_THREADS": "1"
    }
    done = subprocess.run(
        [sys.executable, "-I", "-c", script], cwd=folder, env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return np.load(folder / "logits.npy")


def expected_logits(network, folder, shape, count=3):
    """The network's logits of the random images that it leaves in ``images.npy``."""
    images = torch.randn(count, *shape, generator=torch.Generator().manual_seed(5))
    np.save(folder / "images.npy", images.numpy())
    with torch.no_grad():
        logits = network.eval()(images)[0].numpy()
    assert np.abs(logits).max() > 0.1
    return logits
