"""The deterministic mode: torch's switches, their way back, and the words where an operation is refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from engine.config import resolve
from engine.training.determinism import algorithms_as_before, choose_algorithms, refused_operation
from engine.training.failure import failure_in_words


@pytest.fixture(autouse=True)
def restored(monkeypatch):
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    with algorithms_as_before():
        yield


def switches():
    cudnn = torch.backends.cudnn
    return (
        torch.are_deterministic_algorithms_enabled(),
        cudnn.deterministic,
        cudnn.benchmark,
        os.environ.get("CUBLAS_WORKSPACE_CONFIG"),
    )


def test_deterministic_sets_every_switch():
    choose_algorithms(True)

    assert switches() == (True, True, False, ":4096:8")


def test_else_nothing_is_forced_and_no_kernels_are_tried():
    choose_algorithms(False)

    assert switches() == (False, False, False, None)


def test_setting_of_cublas_that_is_good_is_left_alone(monkeypatch):
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":16:8")
    choose_algorithms(True)

    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":16:8"


def test_everything_is_put_back_also_after_an_error():
    before = switches()

    def fail_within():
        with algorithms_as_before():
            choose_algorithms(True)
            raise KeyError

    with pytest.raises(KeyError):
        fail_within()
    assert switches() == before


def test_refused_operation_is_named_with_a_way_out():
    choose_algorithms(True)
    # torch's own sentence, from an operation that has no deterministic way on a processor either.
    with pytest.raises(RuntimeError) as caught:
        torch.zeros(4).put_(torch.tensor([0, 0]), torch.ones(2))
    words = failure_in_words(caught.value, resolve("search"), Path())

    assert refused_operation(caught.value) == "put_"
    assert words["where"] == "deterministic"
    assert "put_" in words["what"]
    assert "deterministic=false" in words["mend"]


def test_other_errors_are_none_of_its_business():
    assert refused_operation(RuntimeError("shapes differ")) is None
    assert refused_operation(ValueError("use_deterministic_algorithms")) is None


def test_setting_of_cublas_that_is_missing_is_named():
    text = (
        "Deterministic behavior was enabled with either `torch.use_deterministic_algorithms(True)` or ..., but this operation is not "
        "deterministic because it uses CuBLAS and you have CUDA >= 10.2. To enable deterministic behavior in this case, you must set "
        "an environment variable before running your PyTorch application: CUBLAS_WORKSPACE_CONFIG=:4096:8"
    )
    assert refused_operation(RuntimeError(text)) == "cuBLAS"
