"""In float32 the fast supernet may round otherwise than the textbook's, but not much more.

Two roundings are never equal, so each is held against the numbers of float64. A ReLU or a max pool that flips by
rounding makes single errors large: medians over seeds say what is usual.
"""

import statistics

import pytest
import torch

SEEDS = range(7)
ALLOWED = 10
"""Times the textbook's own error. Both cost about six digits; a formula that cancels costs far more."""

SETTINGS = {
    "darts": {"nodes": 2},
    "darts_channels_first": {"nodes": 2, "channels_last": False},
    "pc_darts": {"nodes": 2, "channels": 8, "partial_channels": 4, "edge_normalization": True},
}


def relative_error(found, exact):
    return float((found.double() - exact).norm() / exact.norm())


@pytest.mark.parametrize("setting", SETTINGS)
def test_float32_is_about_as_exact_as_the_textbook(setting, pair, measure):
    errors = {"reference": [], "fast": []}
    for seed in SEEDS:
        both = pair(seed=seed, **SETTINGS[setting])
        batch = (both.images.float().double(), both.labels)  # the same numbers in both formats
        for supernet in both:
            supernet.float().double()
            with torch.no_grad():
                for tensor in supernet.arch_tensors():
                    tensor.copy_(tensor.float())
        exact = arch_gradient(measure(both.reference, *batch))
        for name, supernet in zip(errors, both, strict=True):
            found = measure(supernet.float(), batch[0].float(), both.labels)
            errors[name].append(relative_error(arch_gradient(found), exact))

    medians = {name: statistics.median(found) for name, found in errors.items()}
    assert 0 < medians["reference"] < 1e-4
    assert medians["fast"] <= ALLOWED * medians["reference"], errors


def arch_gradient(measured):
    return torch.cat([part.flatten() for name, part in measured.items() if name.endswith(("alphas", "betas"))])
