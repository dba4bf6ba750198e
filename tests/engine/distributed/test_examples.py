"""The scripts and the one configuration that window, command line, torchrun and SLURM share."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from engine.config import SearchConfig, read_config_file, resolve

EXAMPLES = Path(__file__).parents[3] / "examples"


def test_the_configuration_resolves():
    values = read_config_file(EXAMPLES / "search.json")
    config = resolve("search", file_values=values)
    assert isinstance(config, SearchConfig)
    assert (config.method, config.partial_channels, config.edge_normalization) == ("pc-darts", 4, True)
    for name, value in values.items():
        if name not in ("schema", "data"):
            assert getattr(config, name) == value


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")
@pytest.mark.parametrize("script", sorted(EXAMPLES.glob("*.sh")), ids=lambda path: path.name)
def test_scripts_are_shell(script):
    done = subprocess.run(["bash", "-n", str(script)], capture_output=True, text=True, timeout=20)
    assert (done.returncode, done.stderr) == (0, "")
