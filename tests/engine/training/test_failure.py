"""Failures in words: each names what happened and the mend."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
import torch

from engine.config import resolve
from engine.errors import DataError
from engine.training.failure import failure_in_words

CONFIG = resolve("search", values={"batch_size": 64})


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.50 GiB. GPU 0 has ..."),
        RuntimeError(
            "[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory: you tried to allocate 123 bytes."
        ),
    ],
)
def test_out_of_memory_says_what_to_change(error: BaseException, tmp_path: Path) -> None:
    words = failure_in_words(error, CONFIG, tmp_path)

    assert "Out of memory" in (words["what"] or "")
    assert "batch_size=32" in (words["mend"] or "")


def test_the_size_that_was_wanted_is_told(tmp_path: Path) -> None:
    words = failure_in_words(
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.50 GiB."), CONFIG, tmp_path
    )

    assert "2.50 GiB" in (words["what"] or "")


def test_a_search_out_of_memory_can_go_on_with_checkpointing(tmp_path: Path) -> None:
    words = failure_in_words(MemoryError(), CONFIG, tmp_path, {"activation_checkpointing": "off"})
    with_it = failure_in_words(MemoryError(), CONFIG, tmp_path, {"activation_checkpointing": "on"})

    assert words["where"] == "activation_checkpointing"
    assert "--set activation_checkpointing=on" in (words["mend"] or "")
    assert "activation_checkpointing" not in str(with_it)


def test_the_textbooks_supernet_out_of_memory_names_the_fast_one(tmp_path: Path) -> None:
    config = resolve("search", values={"supernet": "reference"})

    words = failure_in_words(MemoryError(), config, tmp_path)

    assert "--set supernet=fast" in (words["mend"] or "")


def test_bytes_are_told_in_units_for_people(tmp_path: Path) -> None:
    error = RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 17179869184 bytes.")

    assert "16,384.0 MiB" in (failure_in_words(error, CONFIG, tmp_path)["what"] or "")


def test_a_full_disk_is_told_as_one(tmp_path: Path) -> None:
    words = failure_in_words(OSError(errno.ENOSPC, "No space left on device", "events.jsonl"), CONFIG, tmp_path)

    assert "disk is full" in (words["what"] or "")
    assert words["where"] == "events.jsonl"


def test_an_error_of_the_family_keeps_its_words(tmp_path: Path) -> None:
    error = DataError("is not there.", where="/pets", mend="Check the path.")

    assert failure_in_words(error, CONFIG, tmp_path) == error.as_dict()


def test_a_fault_of_ours_asks_for_a_report(tmp_path: Path) -> None:
    words = failure_in_words(KeyError("surprise"), CONFIG, tmp_path)

    assert "KeyError" in (words["what"] or "")
    assert "report" in (words["mend"] or "")


def test_what_is_saved_on_a_full_disk_is_told_as_it_is(tmp_path: Path) -> None:
    full = OSError(errno.ENOSPC, "No space left on device")

    before = failure_in_words(full, CONFIG, tmp_path)
    (tmp_path / "checkpoint-last.pt").touch()
    after = failure_in_words(full, CONFIG, tmp_path)

    assert "nothing was saved" in (before["what"] or "")
    assert "checkpoint is whole" in (after["what"] or "")
    assert before["where"] == str(tmp_path)


def test_a_supernet_out_of_memory_is_told_of_its_own_settings(tmp_path: Path) -> None:
    config = resolve("two-stage", method="bignas", values={"batch_size": 64})
    words = failure_in_words(MemoryError(), config, tmp_path)
    assert "batch_size=32" in (words["mend"] or "")
    assert "smaller space" in (words["mend"] or "")
    assert "pc-darts" not in (words["mend"] or "")
