"""Sums over batches: what they say, and what they do not."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from engine.training.evaluate import Evaluation

CPU = torch.device("cpu")


def evaluation(classes: int) -> Evaluation:
    found = Evaluation(CPU)
    logits = torch.arange(4 * classes, dtype=torch.float32).view(4, classes)
    labels = torch.tensor([0, classes - 1, classes - 2, 0])
    found.add(logits, labels, F.cross_entropy(logits, labels))
    return found


@pytest.mark.parametrize(("classes", "top5"), [(2, None), (5, None), (7, 50.0)])
def test_among_five_classes_the_best_five_say_nothing(classes: int, top5: float | None) -> None:
    assert evaluation(classes).accuracy_percent == 25.0
    assert evaluation(classes).top5_accuracy_percent == top5


def test_sums_that_were_saved_go_on_and_leave_the_saved_ones_alone() -> None:
    before = evaluation(7)
    state = before.state_dict()
    after = Evaluation(CPU)
    after.load_state_dict(state)
    assert (after.loss, after.accuracy_percent) == (before.loss, before.accuracy_percent)

    after.add(torch.zeros(1, 7), torch.tensor([0]), torch.tensor(0.0))

    assert before.images == 4
    assert state["loss_sum"] == before.state_dict()["loss_sum"]
