"""Checkpoints: whole or absent, data and never code."""

from __future__ import annotations

import errno
import pickle
from pathlib import Path

import pytest
import torch

from engine.errors import RunError
from engine.training.checkpoint import (
    copy_checkpoint,
    load_checkpoint,
    random_states,
    restore_random_states,
    save_checkpoint,
)


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    content = {"tensor": torch.randn(3, dtype=torch.float64), "list": [1, 2.5, "text", None], "nested": {"flag": True}}

    save_checkpoint(tmp_path / "c.pt", content)
    loaded = load_checkpoint(tmp_path / "c.pt")

    assert torch.equal(loaded["tensor"], content["tensor"])
    assert loaded["list"] == content["list"]
    assert loaded["nested"] == {"flag": True}


def test_a_failed_write_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_checkpoint(tmp_path / "c.pt", {"step": 1})

    def full_disk(*_: object) -> None:
        raise RuntimeError("PytorchStreamWriter failed writing file")

    monkeypatch.setattr(torch, "save", full_disk)
    with pytest.raises(OSError, match="could not be written"):
        save_checkpoint(tmp_path / "c.pt", {"step": 2})
    monkeypatch.undo()

    assert load_checkpoint(tmp_path / "c.pt")["step"] == 1
    assert [path.name for path in tmp_path.iterdir()] == ["c.pt"]


def test_a_failed_copy_leaves_the_old_one_and_no_litter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_checkpoint(tmp_path / "new.pt", {"step": 2})
    save_checkpoint(tmp_path / "c.pt", {"step": 1})

    def full_disk(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full_disk)
    with pytest.raises(OSError, match="No space"):
        copy_checkpoint(tmp_path / "new.pt", tmp_path / "c.pt")

    assert load_checkpoint(tmp_path / "c.pt")["step"] == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["c.pt", "new.pt"]


class _Hostile:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (exec, ("raise SystemExit('executed')",))


def test_a_pickle_from_a_stranger_is_refused_and_not_executed(tmp_path: Path) -> None:
    (tmp_path / "c.pt").write_bytes(pickle.dumps({"schema": 1, "x": _Hostile()}))
    with pytest.raises(RunError, match="cannot be read"):
        load_checkpoint(tmp_path / "c.pt")

    torch.save({"schema": 1, "x": _Hostile()}, tmp_path / "zip.pt")
    with pytest.raises(RunError, match="cannot be read"):
        load_checkpoint(tmp_path / "zip.pt")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 half a zip", b"\x80\x02}q\x00."])
def test_a_damaged_file_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "broken.pt").write_bytes(content)

    with pytest.raises(RunError, match=r"broken\.pt"):
        load_checkpoint(tmp_path / "broken.pt")


def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    torch.save({"schema": 99}, tmp_path / "c.pt")

    with pytest.raises(RunError, match="newer"):
        load_checkpoint(tmp_path / "c.pt")


def test_random_states_come_back() -> None:
    torch.manual_seed(3)
    states = random_states()
    first = torch.randn(5)

    restore_random_states(states)

    assert torch.equal(torch.randn(5), first)
