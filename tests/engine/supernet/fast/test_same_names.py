"""A checkpoint means the same whichever supernet wrote it: one entry for each weight of each operation of each edge."""

import pytest
import torch

from engine.genotype.primitives import DARTS_PRIMITIVES

EVERY_KIND = (*DARTS_PRIMITIVES, "conv_7x1_1x7", "tanh_conv", "thrice_conv")

SETTINGS = {
    "darts": {"primitives": EVERY_KIND, "nodes": 2, "edges_together": [2, 3, 1]},
    "pc_darts": {
        "primitives": EVERY_KIND, "nodes": 2, "channels": 8, "partial_channels": 4, "edge_normalization": True,
    },
    "one_node": {"primitives": EVERY_KIND, "nodes": 1},
}  # fmt: skip


@pytest.fixture(params=SETTINGS)
def trained(request, pair, batch_norms):
    """Both supernets, the fast one with weights, statistics and counters all of its own."""
    both = pair(**SETTINGS[request.param])
    with torch.no_grad():
        for number, parameter in enumerate(both.fast.parameters()):
            parameter.copy_(torch.sin(number + torch.arange(parameter.numel(), dtype=torch.float64)).view_as(parameter))
        for number, norm in enumerate(batch_norms(both.fast)):
            norm.running_mean.copy_(torch.cos(number + torch.arange(norm.num_features, dtype=torch.float64)))
            norm.running_var.copy_(1 + norm.running_mean.square())
            norm.num_batches_tracked.fill_(7 + number)
    return both


def same(found, expected):
    assert list(found) == list(expected)
    different = [name for name in expected if not torch.equal(found[name], expected[name])]
    assert not different


def copies(state):
    return {name: tensor.clone() for name, tensor in state.items()}


def test_names_shapes_and_order_are_the_textbooks(trained):
    shapes = {name: (tensor.shape, tensor.dtype) for name, tensor in trained.fast.state_dict().items()}

    expected = {name: (tensor.shape, tensor.dtype) for name, tensor in trained.reference.state_dict().items()}
    assert list(shapes.items()) == list(expected.items())
    assert list(trained.fast.places()) == list(trained.reference.places()) == list(expected)


def test_each_number_has_one_name(trained):
    """Together the names of weights cover the parameters, and none twice."""
    parameters = list(trained.fast.parameters())
    marks = torch.arange(float(sum(parameter.numel() for parameter in parameters)))
    parts = marks.split([parameter.numel() for parameter in parameters])

    named = trained.fast.split([part.view_as(parameter) for part, parameter in zip(parts, parameters, strict=True)])

    assert torch.equal(torch.cat([tensor.flatten() for tensor in named.values()]).sort().values, marks)
    assert list(named) == [name for name, _ in trained.reference.named_parameters()]


def test_file_gives_every_bit_back(trained, tmp_path):
    expected = copies(trained.fast.state_dict())
    torch.save(trained.fast.state_dict(), tmp_path / "weights.pt")
    with torch.no_grad():
        for tensor in (*trained.fast.parameters(), *trained.fast.buffers()):
            tensor.zero_()

    trained.fast.load_state_dict(torch.load(tmp_path / "weights.pt", weights_only=True))

    same(trained.fast.state_dict(), expected)


def test_fast_to_textbook_and_back_gives_every_bit_back(trained):
    expected = copies(trained.fast.state_dict())

    trained.reference.load_state_dict(trained.fast.state_dict())
    same(trained.reference.state_dict(), expected)
    with torch.no_grad():
        for tensor in (*trained.fast.parameters(), *trained.fast.buffers()):
            tensor.fill_(1)
    trained.fast.load_state_dict(trained.reference.state_dict())

    same(trained.fast.state_dict(), expected)


def test_carried_over_weights_compute_the_same(trained, measure, assert_close):
    trained.reference.load_state_dict(trained.fast.state_dict())

    found, expected = (
        measure(supernet.eval(), trained.images, trained.labels) for supernet in (trained.fast, trained.reference)
    )

    assert_close(found, expected, 1e-11)


def test_loading_keeps_the_parameters_that_optimizers_know(trained):
    before = list(trained.fast.parameters())

    trained.fast.load_state_dict(trained.reference.state_dict())

    assert all(new is old for new, old in zip(trained.fast.parameters(), before, strict=True))
    assert all(parameter.requires_grad and parameter.is_leaf for parameter in trained.fast.parameters())


def test_names_hold_after_a_move_to_another_number_format(trained):
    expected = {
        name: tensor.float() for name, tensor in copies(trained.fast.state_dict()).items() if tensor.is_floating_point()
    }

    trained.fast.float()

    found = {name: tensor for name, tensor in trained.fast.state_dict().items() if tensor.is_floating_point()}
    same(found, expected)


def spoiled(state, fault):
    state = copies(state)
    name = "cells.1.edges.1.sep_conv_5x5.pw2.weight"
    if fault == "missing":
        del state[name]
    elif fault == "unknown":
        state["cells.1.edges.1.sep_conv_9x9.pw2.weight"] = state[name]
    elif fault == "misspelt":
        state[f"{name}s"] = state.pop(name)
    else:
        state[name] = state[name][:1]
    return state


@pytest.mark.parametrize("fault", ["missing", "unknown", "misspelt", "shape"])
def test_weights_of_another_supernet_are_refused_whole(fault, trained):
    before = copies(trained.fast.state_dict())
    others = {name: tensor + 1 for name, tensor in before.items()}

    with pytest.raises(RuntimeError, match=r"cells\.1\.edges\.1\.sep_conv_.x.\.pw2\.weight"):
        trained.fast.load_state_dict(spoiled(others, fault))

    same(trained.fast.state_dict(), before)


@pytest.mark.parametrize("fault", ["missing", "unknown", "misspelt", "shape"])
def test_moments_of_another_supernet_are_refused(fault, trained):
    for supernet in trained:
        named = supernet.split([torch.ones_like(parameter) for parameter in supernet.parameters()])

        with pytest.raises(ValueError, match=r"cells\.1\.edges\.1\.sep_conv_.x.\.pw2\.weight"):
            supernet.join(spoiled(named, fault))


def test_join_is_the_inverse_of_split(trained):
    for supernet in trained:
        values = [torch.randn_like(parameter) for parameter in supernet.parameters()]

        joined = supernet.join(supernet.split(values))

        assert all(torch.equal(*pair) for pair in zip(joined, values, strict=True))
        assert not any(tensor.requires_grad for tensor in joined)
        assert not {tensor.data_ptr() for tensor in joined} & {tensor.data_ptr() for tensor in values}


def test_moments_pass_from_one_supernet_to_the_other_and_back(trained):
    values = [torch.randn_like(parameter) for parameter in trained.fast.parameters()]

    theirs = trained.reference.join(trained.fast.split(values))
    back = trained.fast.join(trained.reference.split(theirs))

    assert all(torch.equal(*pair) for pair in zip(back, values, strict=True))
    norms = [torch.linalg.vector_norm(torch.cat([part.flatten() for part in parts])) for parts in (theirs, values)]
    torch.testing.assert_close(*norms)
