"""How much memory may still be taken."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from engine.training import device
from engine.training.device import free_memory_bytes

CPU = torch.device("cpu")


@pytest.fixture
def container(monkeypatch, tmp_path):
    """A machine with 1000 free bytes, and a place for what its container says."""
    monkeypatch.setattr(device, "_CGROUP", tmp_path)
    monkeypatch.setattr(device.psutil, "virtual_memory", lambda: SimpleNamespace(available=1000))
    return tmp_path


def test_without_a_container_the_machine_counts(container):
    assert free_memory_bytes(CPU) == 1000


def test_an_unlimited_container_changes_nothing(container):
    (container / "memory.max").write_text("max\n")
    (container / "memory.current").write_text("900\n")

    assert free_memory_bytes(CPU) == 1000


def test_a_container_s_limit_counts_but_for_files_that_it_gives_up(container):
    (container / "memory.max").write_text("600\n")
    (container / "memory.current").write_text("500\n")
    (container / "memory.stat").write_text("anon 1\ninactive_file 200\n")

    assert free_memory_bytes(CPU) == 300


def test_the_older_kind_of_container_is_read_as_well(container):
    (container / "memory").mkdir()
    (container / "memory" / "memory.limit_in_bytes").write_text("600\n")
    (container / "memory" / "memory.usage_in_bytes").write_text("500\n")

    assert free_memory_bytes(CPU) == 100
