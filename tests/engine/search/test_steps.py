"""The steps of a search: both supernets take the same, in whatever way they are computed."""

from __future__ import annotations

import contextlib
from types import SimpleNamespace

import pytest
import torch

from engine.config import resolve
from engine.data import load_data
from engine.search import cuda_graphs
from engine.search.cuda_graphs import Recorded
from engine.search.layout import lay_out
from engine.search.steps import AlphaStep, WeightStep
from engine.search.trainer import SearchTrainer

CPU = torch.device("cpu")
SMALL = {"channels": 4, "layers": 3, "batch_size": 8, "nodes": 2, "limit_images": 64, "epochs": 2}


def config(**values):
    return resolve("search", values={**SMALL, **values})


def stepped(steps=3, **values):
    """A search in float64 after some steps on made-up batches."""
    settings = config(**values)
    torch.manual_seed(1)
    supernet, _ = lay_out(settings, 10, (1, 8, 8), CPU, {})
    supernet.double()
    weight_step = WeightStep(supernet, settings, CPU)
    alpha_step = AlphaStep(supernet, settings, CPU, weight_step, 2)
    generator = torch.Generator().manual_seed(2)
    told = {}
    for _ in range(steps):
        batches = [
            (
                torch.randn(8, 1, 8, 8, generator=generator, dtype=torch.float64),
                torch.randint(10, (8,), generator=generator),
            )
            for _ in range(2)
        ]
        told |= alpha_step(batches[0], batches[1], epoch=1, learning_rate=0.02)
        told |= weight_step(batches[1], 0.02)[0]
    return SimpleNamespace(supernet=supernet, told=told, weight_step=weight_step, alpha_step=alpha_step)


def distance(one, other):
    return float(((one - other).abs().max() / other.abs().max().clamp(min=1e-30)).detach())


@pytest.mark.parametrize(
    "method",
    [
        {"method": "darts"},
        {"method": "darts-v2"},
        {"method": "darts-v2", "second_order": "exact"},
        {"method": "pc-darts", "partial_channels": 2, "warmup_epochs": 0},
        {"method": "beta-darts"},
    ],
    ids=["darts", "second-order", "exact", "pc-darts", "beta-darts"],
)
def test_the_fast_supernet_steps_as_the_textbook_does(method):
    fast, textbook = stepped(**method), stepped(**method, supernet="reference")

    for name, tensor in textbook.supernet.state_dict().items():
        torch.testing.assert_close(fast.supernet.state_dict()[name], tensor, rtol=1e-8, atol=1e-11)
    for one, other in zip(fast.supernet.arch_tensors(), textbook.supernet.arch_tensors(), strict=True):
        assert distance(one, other) < 1e-9
    momenta = textbook.supernet.split(textbook.weight_step.momentum())
    for name, tensor in fast.supernet.split(fast.weight_step.momentum()).items():
        assert distance(tensor, momenta[name]) < 1e-8, name
    for name, value in textbook.told.items():
        assert float(fast.told[name]) == pytest.approx(float(value), rel=1e-8), name


@pytest.mark.parametrize("method", ["darts", "darts-v2"])
def test_checkpointing_changes_no_number(method):
    kept, again = (stepped(method=method, activation_checkpointing=said) for said in ("off", "on"))

    assert all(
        torch.equal(again.supernet.state_dict()[name], tensor) for name, tensor in kept.supernet.state_dict().items()
    )
    assert all(
        torch.equal(*pair) for pair in zip(kept.supernet.arch_tensors(), again.supernet.arch_tensors(), strict=True)
    )


def test_checkpointing_goes_with_the_exact_second_order():
    kept, again = (
        stepped(1, method="darts-v2", second_order="exact", activation_checkpointing=said) for said in ("off", "on")
    )

    assert all(
        torch.equal(*pair) for pair in zip(kept.supernet.arch_tensors(), again.supernet.arch_tensors(), strict=True)
    )


def test_exact_and_finite_difference_are_two_methods():
    exact, difference = (stepped(1, method="darts-v2", second_order=kind) for kind in ("exact", "finite-difference"))

    assert float(exact.told["alpha_gradient_norm"]) != pytest.approx(float(difference.told["alpha_gradient_norm"]))


@pytest.mark.parametrize("order", [1, 2])
def test_the_gradient_of_alphas_and_betas_together_is_clipped(order, monkeypatch):
    """PC-DARTS on ImageNet clips all four tensors by their common norm before Adam sees them."""
    seen = []
    step = torch.optim.Adam.step
    monkeypatch.setattr(
        torch.optim.Adam, "step",
        lambda self, *args: (seen.append([t.grad.clone() for t in self.param_groups[0]["params"]]), step(self, *args)),
    )  # fmt: skip
    method = {"method": "pc-darts", "partial_channels": 2, "warmup_epochs": 0, "order": order}
    free = stepped(1, **method)
    limit = float(free.told["alpha_gradient_norm"]) / 4
    clipped = stepped(1, **method, alpha_gradient_clip=limit)
    stepped(1, **method, alpha_gradient_clip=8 * limit)

    plain, cut, untouched = seen
    assert len(plain) == 4
    # torch adds a millionth to the norm that it divides by.
    expected = [gradient * limit / (4 * limit + 1e-6) for gradient in plain]
    assert all(distance(one, other) < 1e-9 for one, other in zip(cut, expected, strict=True))
    assert all(torch.equal(one, other) for one, other in zip(untouched, plain, strict=True))
    assert float(clipped.told["alpha_gradient_norm"]) == pytest.approx(4 * limit)  # told as it was before


def test_bfloat16_steps_stay_near_float32():
    settings = config(precision="bfloat16")
    norms = []
    for precision in ("float32", "bfloat16"):
        torch.manual_seed(1)
        supernet, _ = lay_out(settings, 10, (1, 8, 8), CPU, {})
        step = WeightStep(supernet, settings.model_copy(update={"precision": precision}), CPU)
        generator = torch.Generator().manual_seed(2)
        told, logits = step((torch.randn(8, 1, 8, 8, generator=generator), torch.arange(8)), 0.02)
        assert all(weight.dtype == torch.float32 and torch.isfinite(weight).all() for weight in supernet.parameters())
        assert logits.dtype == (torch.bfloat16 if precision == "bfloat16" else torch.float32)
        norms.append((float(told["loss"]), float(told["weight_gradient_norm"])))

    assert norms[1] == pytest.approx(norms[0], rel=0.05)


def test_a_checkpoint_fits_the_other_supernet():
    settings = config()
    data = load_data(settings, CPU)
    fast, textbook = (
        SearchTrainer(settings.model_copy(update={"supernet": kind}), data, CPU) for kind in ("fast", "reference")
    )
    for step in range(2):
        fast.step(step)

    saved = fast.state_dict()
    textbook.load_state_dict(saved)
    back = textbook.state_dict()

    assert list(back["momentum"]) == list(saved["momentum"])
    for part in ("weights", "momentum", "arch"):
        assert all(torch.equal(back[part][name], tensor) for name, tensor in saved[part].items())


def test_an_early_checkpoint_with_numbered_momenta_is_read():
    settings = config(supernet="reference")
    data = load_data(settings, CPU)
    textbook = SearchTrainer(settings, data, CPU)
    textbook.step(0)
    saved = textbook.state_dict()
    early = {**saved, "weight_optimizer": textbook._weight_step.optimizer.state_dict()}
    del early["momentum"]
    fast = SearchTrainer(config(), data, CPU)

    fast.load_state_dict(early)

    found = fast.state_dict()["momentum"]
    assert all(torch.equal(found[name], tensor) for name, tensor in saved["momentum"].items())


class FakeGraph:
    """Stands for a CUDA graph: remembers what was recorded, and does it again on the same tensors."""

    def __init__(self):
        self.replays = 0

    def replay(self):
        self.replays += 1
        self.work()


@pytest.fixture
def recording(monkeypatch):
    """CUDA's recording, played by the processor."""
    graph = FakeGraph()
    stream = SimpleNamespace(wait_stream=lambda other: None)
    monkeypatch.setattr(
        cuda_graphs.torch,
        "cuda",
        SimpleNamespace(
            Stream=lambda: stream, current_stream=lambda: stream, stream=lambda _: contextlib.nullcontext(),
            CUDAGraph=lambda: graph, graph=lambda _, **how: contextlib.nullcontext(),
        ),
    )  # fmt: skip
    return graph


def test_a_full_batch_is_recorded_once_and_replayed_a_smaller_one_is_computed(recording):
    calls = []

    def double(x):
        calls.append(len(x))
        return (x * 2,)

    recorded = Recorded(double, 4, contextlib.nullcontext)

    def work():
        recorded._found[0].copy_(recorded._given[0] * 2)

    recording.work = work
    batches = [torch.full((4,), float(number)) for number in range(3)]

    found = [recorded(batch)[0].clone() for batch in batches]
    smaller = recorded(torch.ones(2))[0]

    assert [float(values[0]) for values in found] == [0.0, 2.0, 4.0]
    assert smaller.tolist() == [2.0, 2.0]
    assert recording.replays == 3
    assert calls == [4] * 4 + [2]  # three warm-ups and the recording, then the odd one


def test_warming_up_happens_in_its_context(recording):
    inside = []

    @contextlib.contextmanager
    def context():
        inside.append(True)
        yield
        inside.pop()

    seen = []
    recorded = Recorded(lambda x: (seen.append(bool(inside)), (x,))[1], 1, context)
    recording.work = lambda: None

    recorded(torch.ones(1))

    assert seen == [True, True, True, False]


def test_a_refused_recording_leaves_the_function_itself(recording, monkeypatch, caplog):
    def refuse(graph, **how):
        raise RuntimeError("CUDA error: operation failed due to a previous error during capture")

    monkeypatch.setattr(cuda_graphs.torch.cuda, "graph", refuse)
    recorded = Recorded(lambda x: (x * 2,), 4, contextlib.nullcontext)

    found = [recorded(torch.full((4,), float(number)))[0] for number in range(3)]

    assert [float(values[0]) for values in found] == [0.0, 2.0, 4.0]
    assert recording.replays == 0
    assert len([record for record in caplog.records if "refused to record" in record.message]) == 1
