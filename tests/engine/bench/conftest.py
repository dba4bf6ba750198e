"""A bench that takes seconds."""

from __future__ import annotations

import pytest

TINY = {
    "channels": "4", "layers": "3", "batch_size": "4", "nodes": "1", "space": "none,skip_connect,max_pool_3x3,sep_conv_3x3",
    "device": "cpu", "threads": "1",
}  # fmt: skip


@pytest.fixture(scope="session")
def tiny():
    """Makes the settings of a tiny search."""
    from engine.config import resolve

    def make(**values):
        method = values.pop("method", None)
        return resolve("search", method=method, values=TINY | {name: str(value) for name, value in values.items()})

    return make
