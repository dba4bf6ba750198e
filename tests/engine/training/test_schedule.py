"""Learning rates against the values of the original schedules (facts: DARTS train_search under PyTorch 0.3; its issue 12)."""

from __future__ import annotations

import pytest

from engine.training.schedule import cosine


@pytest.mark.parametrize(
    ("epoch", "epochs", "base", "minimum", "expected"),
    [
        (0, 50, 0.025, 0.001, 0.025), (25, 50, 0.025, 0.001, 0.013), (49, 50, 0.025, 0.001, 1.023679e-03),
        (25, 50, 0.1, 0.0, 0.05), (49, 50, 0.1, 0.0, 9.86636e-5),
        (300, 600, 0.025, 0.0, 0.0125), (599, 600, 0.025, 0.0, 1.71347e-7),
    ],
)  # fmt: skip
def test_cosine_is_the_closed_form(epoch: int, epochs: int, base: float, minimum: float, expected: float) -> None:
    assert cosine(epoch, epochs, base, minimum) == pytest.approx(expected, rel=1e-5)
