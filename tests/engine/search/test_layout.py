"""How a search lays its supernet out: what is said is done, what is automatic is decided once."""

from __future__ import annotations

import pytest
import torch

from engine.config import resolve
from engine.search import layout
from engine.search.layout import bytes_for_backward, lay_out
from engine.supernet import FastSupernet, ReferenceSupernet

CPU = torch.device("cpu")
SMALL = {"channels": 4, "layers": 3, "batch_size": 4}
IMAGE = (3, 8, 8)


def config(**values):
    return resolve("search", values={**SMALL, **values})


@pytest.mark.parametrize("said", ["on", "off"])
def test_what_is_said_of_checkpointing_is_done(said):
    supernet, decisions = lay_out(config(activation_checkpointing=said), 10, IMAGE, CPU, {})

    assert isinstance(supernet, FastSupernet)
    assert supernet.recomputes_cells == (said == "on")
    assert decisions["activation_checkpointing"] == said


@pytest.mark.parametrize(("free", "expected"), [(10**12, "off"), (10**5, "on")])
def test_checkpointing_turns_itself_on_where_memory_would_not_do(monkeypatch, free, expected):
    monkeypatch.setattr(layout, "free_memory_bytes", lambda device: free)

    assert lay_out(config(), 10, IMAGE, CPU, {})[1]["activation_checkpointing"] == expected


def test_a_decision_is_taken_up_again_unless_something_else_is_said(monkeypatch):
    monkeypatch.setattr(layout, "free_memory_bytes", lambda device: 10**12)
    decided = {"activation_checkpointing": "on", "memory_format": "contiguous"}

    again, decisions = lay_out(config(), 10, IMAGE, CPU, decided)
    said, _ = lay_out(config(activation_checkpointing="off", memory_format="channels-last"), 10, IMAGE, CPU, decided)

    assert (again.recomputes_cells, again.channels_last) == (True, False)
    assert decisions == decided
    assert (said.recomputes_cells, said.channels_last) == (False, True)


def test_a_processor_has_channels_last():
    supernet, decisions = lay_out(config(), 10, IMAGE, CPU, {})

    assert supernet.channels_last
    assert decisions["memory_format"] == "channels-last"


def test_the_textbook_leaves_nothing_to_decide():
    supernet, decisions = lay_out(config(supernet="reference"), 10, IMAGE, CPU, {})

    assert isinstance(supernet, ReferenceSupernet)
    assert decisions == {}


def test_both_supernets_of_a_seed_begin_alike():
    found = []
    for variant in ("fast", "reference"):
        torch.manual_seed(5)
        found.append(lay_out(config(supernet=variant), 10, IMAGE, CPU, {})[0])
    fast, reference = found

    assert list(fast.state_dict()) == list(reference.state_dict())
    assert all(torch.equal(fast.state_dict()[name], tensor) for name, tensor in reference.state_dict().items())
    assert all(torch.equal(*pair) for pair in zip(fast.arch_tensors(), reference.arch_tensors(), strict=True))


def test_bytes_for_backward_grow_with_the_batch_and_change_nothing():
    supernet, _ = lay_out(config(), 10, IMAGE, CPU, {})
    before = {name: tensor.clone() for name, tensor in supernet.state_dict().items()}
    random = torch.get_rng_state()

    one, four = (bytes_for_backward(supernet, (batch, *IMAGE), CPU) for batch in (8, 32))

    assert four == 4 * one
    assert torch.equal(torch.get_rng_state(), random)
    assert all(torch.equal(before[name], tensor) for name, tensor in supernet.state_dict().items())


def test_bytes_for_backward_tell_what_a_pass_keeps():
    """Against what torch's own accounting of a pass of the whole batch gives."""
    supernet, _ = lay_out(config(batch_size=32), 10, IMAGE, CPU, {})
    own = {tensor.untyped_storage().data_ptr() for tensor in [*supernet.parameters(), *supernet.buffers()]}
    kept: dict[int, int] = {}

    def note(tensor):
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        supernet(torch.zeros(32, *IMAGE))
    whole = sum(size for place, size in kept.items() if place not in own)

    assert bytes_for_backward(supernet, (32, *IMAGE), CPU) == pytest.approx(whole, rel=0.1)
