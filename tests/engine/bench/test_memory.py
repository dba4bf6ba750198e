"""Peak memory by a fresh process, and every way in which that process can fail."""

from __future__ import annotations

import json
import subprocess
import sys
from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F

from engine.bench import memory, memory_probe
from engine.bench.images import DataShape, random_data
from engine.bench.memory import OutOfMemoryError, ProbeError, peak_in_fresh_process
from engine.errors import ConfigError, Fault, NascopeError
from engine.supernet import ReferenceSupernet

SHAPE = DataShape(3, 16, 10)


def saved_mib(config):
    """What autograd keeps of one forward pass of the textbook supernet, each piece of memory once."""
    supernet = ReferenceSupernet(config.channels, SHAPE.classes, config.layers, nodes=config.nodes)
    storages = {}

    def keep(tensor):
        storage = tensor.untyped_storage()
        storages[storage.data_ptr()] = storage.nbytes()
        return tensor

    images = torch.randn(config.batch_size, SHAPE.channels, SHAPE.image_size, SHAPE.image_size)
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        loss = F.cross_entropy(supernet(images), torch.zeros(len(images), dtype=torch.long))
    del loss
    return sum(storages.values()) / 2**20


def test_peak_is_what_autograd_keeps_and_a_little_more_whatever_this_process_holds(tiny):
    config = tiny(channels=16, batch_size=64, nodes=2, space="darts", supernet="reference")
    kept = saved_mib(config)
    # Linux hands the resident maximum of a parent down to its children: the answer must not be that.
    here = torch.ones(int(4 * kept * 2**20) // 4)

    peak = peak_in_fresh_process(config, SHAPE, 1).mib

    assert len(here)
    assert kept > 100
    assert kept < peak < 2 * kept


def test_a_process_without_answer_says_why(tiny, monkeypatch):
    def ends(code, out="", err=""):
        done = SimpleNamespace(returncode=code, stdout=out, stderr=err)
        monkeypatch.setattr(memory.subprocess, "run", lambda *_, **__: done)

    ends(1, err="Traceback\nValueError: strange\n")
    with pytest.raises(ProbeError, match=r"ended with 1 \(ValueError: strange\)"):
        peak_in_fresh_process(tiny(), SHAPE, 1)
    for out in (
        "",
        "no json",
        "[1]",
        '{"peak_memory_mib": "many", "decisions": {}}',
        '{"peak_memory_mib": 5}',
        '{"error": "strange"}',
        '{"error": {"what": "x"}}',
    ):
        ends(0, out=out)
        with pytest.raises(ProbeError, match="no message"):
            peak_in_fresh_process(tiny(), SHAPE, 1)


def test_a_process_that_cannot_start_or_end_says_why(tiny, monkeypatch, tmp_path):
    monkeypatch.setattr(memory.sys, "executable", str(tmp_path / "no python"))
    with pytest.raises(ProbeError, match="could be started"):
        peak_in_fresh_process(tiny(), SHAPE, 1)
    monkeypatch.undo()
    monkeypatch.setattr(memory, "PROBE_SECONDS", 0.01)
    with pytest.raises(ProbeError, match="took more than"):
        peak_in_fresh_process(tiny(), SHAPE, 1)


def test_a_process_that_the_system_killed_was_out_of_memory(tiny, monkeypatch):
    done = SimpleNamespace(returncode=-9, stdout="", stderr="")
    monkeypatch.setattr(memory.subprocess, "run", lambda *_, **__: done)

    with pytest.raises(OutOfMemoryError) as caught:
        peak_in_fresh_process(tiny(batch_size=64), SHAPE, 1)

    assert "batch_size=64" in caught.value.what
    assert "batch_size=32" in caught.value.mend
    assert "activation_checkpointing=on" in caught.value.mend


def test_checkpointing_is_not_advised_where_it_is_on(tiny):
    found = memory.out_of_memory(None, tiny(activation_checkpointing="on"))

    assert "activation_checkpointing" not in found.mend


def test_errors_of_the_other_process_are_raised_here(tiny, monkeypatch):
    def answers(document):
        done = SimpleNamespace(returncode=0, stdout=json.dumps(document), stderr="")
        monkeypatch.setattr(memory.subprocess, "run", lambda *_, **__: done)

    words = {"what": "too large.", "where": "batch_size", "mend": "Take less."}
    answers({"error": words, "out_of_memory": True})
    with pytest.raises(OutOfMemoryError) as caught:
        peak_in_fresh_process(tiny(), SHAPE, 1)
    assert caught.value.as_dict() == words
    answers({"error": words})
    with pytest.raises(NascopeError) as caught:
        peak_in_fresh_process(tiny(), SHAPE, 1)
    assert not isinstance(caught.value, OutOfMemoryError)


def failing(error):
    def build(*_):
        raise error

    return build


def test_the_other_process_puts_its_errors_into_words(tiny, monkeypatch):
    allocator = "[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory: you tried to allocate 987654321 bytes."
    monkeypatch.setattr(memory_probe, "Subject", failing(RuntimeError(allocator)))
    found = memory_probe.answer(tiny(), SHAPE)
    assert found["out_of_memory"]
    assert "941.9 MiB" in found["error"]["what"]

    monkeypatch.setattr(memory_probe, "Subject", failing(ConfigError([Fault("channels", "too few.", "Take more.")])))
    assert memory_probe.answer(tiny(), SHAPE) == {
        "error": {"what": "too few.", "where": "channels", "mend": "Take more."}
    }

    monkeypatch.setattr(memory_probe, "Subject", failing(RuntimeError("a fault of ours")))
    with pytest.raises(RuntimeError, match="a fault of ours"):
        memory_probe.answer(tiny(), SHAPE)


def test_nothing_but_the_answer_reaches_standard_output(tiny):
    script = (
        "import os\n"
        "from engine.bench import memory_probe\n"
        "def answer(config, shape):\n"
        "    print('noise'); os.write(1, b'more noise')\n"
        "    return {'answer': config.channels + shape.classes}\n"
        "memory_probe.answer = answer\n"
        "memory_probe.main()\n"
    )
    task = {
        "config": tiny(channels=8).model_dump(),
        "shape": {"channels": 1, "image_size": 8, "classes": 10},
        "threads": 1,
    }

    done = subprocess.run(
        [sys.executable, "-P", "-c", script], input=json.dumps(task), capture_output=True, text=True, timeout=60
    )

    assert json.loads(done.stdout) == {"answer": 18}
    assert "noise" in done.stderr


def test_images_of_the_data_set_are_no_part_of_a_step(tiny, monkeypatch):
    order = []
    monkeypatch.setattr(memory_probe, "random_data", lambda *_: order.append("images"))
    monkeypatch.setattr(memory_probe, "resident_peak_bytes", lambda: 3 * 2**30)
    monkeypatch.setattr(
        memory_probe.psutil, "Process", lambda: SimpleNamespace(memory_info=lambda: order.append("before") or SimpleNamespace(rss=2**30))
    )  # fmt: skip
    monkeypatch.setattr(memory_probe, "_load_code", lambda *_: None)
    monkeypatch.setattr(
        memory_probe,
        "Subject",
        lambda *_: SimpleNamespace(whole_step=lambda: order.append("step"), decisions={"memory_format": "contiguous"}),
    )

    assert memory_probe.answer(tiny(), SHAPE) == {
        "peak_memory_mib": 2048.0,
        "decisions": {"memory_format": "contiguous"},
    }
    assert order == ["images", "before", "step"]


def test_many_large_images_share_a_small_pool(tiny):
    data = random_data(tiny(batch_size=64), DataShape(3, 64, 10), torch.device("cpu"))

    assert data.splits["train"].pool.nbytes <= 13 * 2**20
    assert len(data.splits["train"]) >= 2 * 64 * 2
