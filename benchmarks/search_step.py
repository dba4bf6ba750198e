"""How many times faster and leaner is a step of the search than the public code's, with the same mathematics?

    .venv/bin/python benchmarks/search_step.py                  the four methods, batch 16, one thread: some minutes
    .venv/bin/python benchmarks/search_step.py --full           batch 16 and 64, one and two threads: about an hour
    .venv/bin/python benchmarks/search_step.py --only darts-1 --batch 64 --threads 2

Here is ``SearchTrainer.step`` as a run takes it (augmentation and the numbers for its curves included), there the step
of ``textbook.py``, written as the public code is, which gets its batches for nothing. Both start with the same weights
and take the same batches, and a small search of both in float64 comes first: where losses part, there is no ratio but an
error.

- seconds: medians of steps taken in turn in one process, the order swapped each round, after a warm-up of both;
- operations: aten calls of a step that are no views (what a GPU would have to launch);
- memory: growth of the peak resident size in one step, each in a process of its own; the last number with
  the activations of cells computed again in the backward pass.

Appends a line to benchmarks/results.jsonl for each configuration.
"""

# torch is imported by the children only: a process inherits the peak size of the one that starts it.
from __future__ import annotations

import argparse
import dataclasses
import functools
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

if TYPE_CHECKING:
    from textbook import Batch, TextbookSearch

    from engine.search.trainer import SearchTrainer

METHODS: dict[str, dict[str, Any]] = {
    f"{name}-{order}": {"order": order, **switches}
    for name, switches in (
        ("darts", {"partial_channels": 1, "edge_normalization": False}),
        ("pc-darts", {"partial_channels": 4, "edge_normalization": True}),
    )
    for order in (1, 2)
}
CLASSES, SEED, LEARNING_RATE = 10, 2, 0.025
MEMORY = ("textbook", "fast", "recomputing")
LARGEST_GAP = {"float64": 1e-6, "float32": 1e-3}
"""How far the losses of both may part, relatively: in the check before, and in the first step of the measured ones."""


@dataclasses.dataclass(frozen=True)
class Case:
    """What is measured; one line of the table."""

    method: str
    batch: int
    threads: int
    channels: int
    cells: int
    image_size: int
    rounds: int

    @property
    def order(self) -> int:
        return METHODS[self.method]["order"]

    @property
    def parts(self) -> int:
        return METHODS[self.method]["partial_channels"]


# -- in a child -------------------------------------------------------------------------------------------------------


def make_trainer(case: Case, *, recomputes: bool = False) -> SearchTrainer:
    """The product's own trainer over random images that lie in memory; all its steps are within the first epoch."""
    import numpy as np
    import torch

    from engine.config import SearchConfig
    from engine.data.augment import Augmentation
    from engine.data.images import ImageSet
    from engine.data.load import LoadedData
    from engine.data.raw import Normalization
    from engine.data.splits import content_keys
    from engine.search.trainer import SearchTrainer

    config = SearchConfig(
        batch_size=case.batch, channels=case.channels, layers=case.cells, learning_rate=LEARNING_RATE, seed=SEED,
        device="cpu", threads=case.threads, supernet="fast", activation_checkpointing="on" if recomputes else "off", **METHODS[case.method],
    )  # fmt: skip
    count = 2 * case.batch * (case.rounds + 4) + 2 * CLASSES
    drawn = np.random.default_rng(SEED).integers(
        0, 256, (count, 3, case.image_size, case.image_size), dtype=np.uint8
    )  # fmt: skip
    names = tuple(f"class {number}" for number in range(CLASSES))
    normalization = Normalization((0.5, 0.5, 0.5), (0.25, 0.25, 0.25))
    images = ImageSet(
        torch.from_numpy(drawn), torch.arange(count), torch.arange(count) % CLASSES, content_keys(drawn), normalization, names
    )  # fmt: skip
    data = LoadedData(
        names, 3, case.image_size, {"train": images}, "", {}, {"train": count}, Augmentation(shift=4, flip=True), normalization
    )  # fmt: skip
    torch.manual_seed(SEED)
    return SearchTrainer(config, data, torch.device("cpu"))


def make_textbook(case: Case) -> TextbookSearch:
    """The yardstick, with the trainer's rates (those of the DARTS paper)."""
    from textbook import Network, TextbookSearch

    network = Network(case.channels, CLASSES, case.cells, parts=case.parts)
    return TextbookSearch(network, case.order, learning_rate=LEARNING_RATE)


def batches(trainer: SearchTrainer, step: int) -> list[Batch]:
    """What the trainer itself takes in this step: the weights' batch and the alphas'."""
    import torch

    found = [stream.batch(step) for stream in (trainer._weights_stream, trainer._alphas_stream)]
    return [(images.to(torch.get_default_dtype()), labels) for images, labels in found]


def operations(step: Callable[[], object]) -> int:
    """Calls of aten operations that are no views, forward, backward and optimizers."""
    from torch.utils._python_dispatch import TorchDispatchMode

    class Count(TorchDispatchMode):
        total = 0

        def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            self.total += function.namespace == "aten" and not function.is_view
            return function(*args, **(kwargs or {}))

    with Count() as count:
        step()
    return count.total


def start(case: Case) -> tuple[SearchTrainer, TextbookSearch]:
    """Both sides with the same weights, alphas and betas."""
    trainer, textbook = make_trainer(case), make_textbook(case)
    state = trainer.state_dict()
    textbook.network.copy_in(state["weights"].values(), state["arch"].values())
    return trainer, textbook


def take(trainer: SearchTrainer, textbook: TextbookSearch, step: int, side: str) -> tuple[list[float], float]:
    """Take a step with one side: its two losses, and the seconds that it took."""
    given = batches(trainer, step)
    began = time.perf_counter()
    if side == "textbook":
        losses = [float(loss) for loss in textbook.step(*given)]
    else:
        trainer.step(step)
        metrics = trainer.step_metrics()
        losses = [float(metrics[name] or 0.0) for name in ("alpha_loss", "loss")]
    return losses, time.perf_counter() - began


def gap_between(losses: dict[str, list[float]], precision: str | None, step: int) -> float:
    """The largest relative difference; an error where it is larger than the precision (if given) explains."""
    gap = max(abs(ours / theirs - 1) for ours, theirs in zip(losses["fast"], losses["textbook"], strict=True))
    if precision is not None and not gap <= LARGEST_GAP[precision]:
        raise SystemExit(f"{precision}: step {step} has other losses than the textbook's: {losses}")
    return gap


def measure_agreement(case: Case) -> dict[str, Any]:
    """Steps of a (small) search in float64, where rounding cannot be taken for an error: are all losses of both equal?"""
    import torch

    torch.set_default_dtype(torch.float64)
    trainer, textbook = start(case)
    trainer._supernet.register_forward_pre_hook(lambda _, images: (images[0].double(),))  # data come as float32
    gaps = []
    for step in range(case.rounds):
        losses = {side: take(trainer, textbook, step, side)[0] for side in ("textbook", "fast")}
        gaps.append(gap_between(losses, "float64", step))
    return {"gap_float64": max(gaps)}


def measure_times(case: Case) -> dict[str, Any]:
    """Seconds of both in turn, the operations of a step of each."""
    trainer, textbook = start(case)
    seconds: dict[str, list[float]] = {"textbook": [], "fast": []}
    gaps = []
    for number in range(case.rounds + 1):
        losses = {}
        for side in (("textbook", "fast"), ("fast", "textbook"))[number % 2]:
            losses[side], taken = take(trainer, textbook, number, side)
            seconds[side].append(taken)
        # Later steps part by rounding: in float32 the finite difference of order 2 meets other kinks each time.
        gaps.append(gap_between(losses, "float32" if number == 0 else None, number))

    # The textbook's count depends neither on the batch nor on the channels, and it has momentum after a step only.
    small = make_textbook(dataclasses.replace(case, channels=2 * case.parts))
    few = [tuple(part[:2] for part in batch) for batch in batches(trainer, 0)]
    small.step(*few)
    counts = {
        "textbook": operations(lambda: small.step(*few)),
        "fast": operations(lambda: trainer.step(case.rounds + 1)),
    }  # fmt: skip
    rounds = [there / here for there, here in zip(seconds["textbook"][1:], seconds["fast"][1:], strict=True)]
    medians = {side: statistics.median(taken[1:]) for side, taken in seconds.items()}
    return {
        "seconds": {side: round(median, 4) for side, median in medians.items()},
        "ratio": round(medians["textbook"] / medians["fast"], 3),
        "ratio_of_rounds": [round(ratio, 3) for ratio in rounds],
        "gap_float32": [float(f"{gap:.1e}") for gap in gaps],
        "operations": counts,
        "operations_ratio": round(counts["textbook"] / counts["fast"], 3),
    }


def measure_memory(case: Case, side: str) -> dict[str, Any]:
    """Megabytes (10^6 bytes) by which the peak resident size grows in the first step; nothing else has run before."""
    if side == "textbook":
        import torch

        images = torch.randn(case.batch, 3, case.image_size, case.image_size)
        given = (images, torch.arange(case.batch) % CLASSES)
        textbook = make_textbook(case)
        before = _peak_bytes()
        textbook.step(given, given)
    else:
        trainer = make_trainer(case, recomputes=side == "recomputing")
        before = _peak_bytes()
        trainer.step(0)
    return {side: round((_peak_bytes() - before) / 1e6, 1)}


def _peak_bytes() -> int:
    status = Path("/proc/self/status")
    if status.exists():  # Not ru_maxrss: Linux hands the maximum of the process that started this one down to it.
        return 1024 * next(
            int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM:")
        )
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


def child(order: str) -> None:
    """Measure what the parent asks for, and print it as the last line."""
    asked = json.loads(order)
    case = Case(**asked["case"])
    import torch

    torch.set_num_threads(case.threads)
    if asked["what"] == "agreement":
        found = measure_agreement(case)
    elif asked["what"] == "times":
        found = measure_times(case) | {"torch": torch.__version__}
    else:
        found = measure_memory(case, asked["what"])
    print(json.dumps(found))


# -- in the parent ----------------------------------------------------------------------------------------------------


def ask(case: Case, what: str) -> dict[str, Any] | None:
    """A child's answer; None where it stopped with an error or for want of memory."""
    order = json.dumps({"case": dataclasses.asdict(case), "what": what})
    environment = os.environ | {"OMP_NUM_THREADS": str(case.threads), "MKL_NUM_THREADS": str(case.threads)}
    done = subprocess.run(
        [sys.executable, __file__, "--child", order], env=environment, stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode != 0:
        why = "killed, most likely for want of memory" if done.returncode in (-9, 137) else f"exit {done.returncode}"
        print(f"{case.method}, batch {case.batch}, {case.threads} threads, {what}: {why}", file=sys.stderr)
        return None
    return json.loads(done.stdout.splitlines()[-1])


def processor() -> str:
    """The processor's name where the system tells it."""
    information = Path("/proc/cpuinfo")
    lines = information.read_text().splitlines() if information.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


@functools.cache
def agreement_of(method: str) -> dict[str, Any] | None:
    """The check of a method, once for all its configurations."""
    return ask(Case(method, batch=4, threads=1, channels=8, cells=4, image_size=16, rounds=3), "agreement")


def measure(case: Case, memory: bool) -> dict[str, Any] | None:
    """One configuration, as a line of results.jsonl."""
    agreement = agreement_of(case.method)
    times = ask(case, "times") if agreement is not None else None
    if agreement is None or times is None:
        return None
    peaks: dict[str, float] = {}
    for side in MEMORY if memory else ():
        peaks |= ask(case, side) or {}
    versions = {"python": platform.python_version(), "torch": times.pop("torch")}
    return {
        "benchmark": "search_step", "date": time.strftime("%Y-%m-%d"), "machine": platform.machine(), "processor": processor(),
        "cores": os.cpu_count(), "versions": versions, **dataclasses.asdict(case), **agreement, **times, "peak_mb": peaks,
        "memory_ratio": {
            side: round(peaks["textbook"] / peaks[side], 3)
            for side in MEMORY[1:] if side in peaks and "textbook" in peaks
        },
    }  # fmt: skip


HEADER = (
    f"{'method':<11}{'batch':>6}{'threads':>8} │{'textbook s':>11}{'fast s':>9}{'ratio':>7}{'of rounds':>13} │"
    f"{'operations':>18}{'ratio':>7} │{'memory MB':>22}{'ratio':>7}{'recomp.':>8}"
)


def row(result: dict[str, Any]) -> str:
    """A result as a line under ``HEADER``."""
    seconds, counts, peaks = result["seconds"], result["operations"], result["peak_mb"]
    spread = f"{min(result['ratio_of_rounds']):.2f}–{max(result['ratio_of_rounds']):.2f}"
    arrow = " → ".join(f"{peaks[side]:.0f}" if side in peaks else "–" for side in MEMORY) if peaks else "–"
    fast, recomputing = (
        f"{result['memory_ratio'][side]:.2f}" if side in result["memory_ratio"] else "–" for side in MEMORY[1:]
    )
    return (
        f"{result['method']:<11}{result['batch']:>6}{result['threads']:>8} │{seconds['textbook']:>11.3f}{seconds['fast']:>9.3f}"
        f"{result['ratio']:>7.2f}{spread:>13} │{counts['textbook']:>9,} →{counts['fast']:>7,}{result['operations_ratio']:>7.2f} │"
        f"{arrow:>22}{fast:>7}{recomputing:>8}"
    )


def main() -> int:
    """Measure each configuration in turn; 1 where one could not be measured."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    extent = parser.add_mutually_exclusive_group()
    extent.add_argument("--quick", action="store_true", help="batch 16, one thread (as without any option)")
    extent.add_argument("--full", action="store_true", help="batch 16 and 64, one and two threads")
    parser.add_argument(
        "--only", nargs="+", choices=METHODS, default=list(METHODS), metavar="METHOD", help=", ".join(METHODS)
    )
    parser.add_argument("--batch", nargs="+", type=int, help="images in a batch")
    parser.add_argument("--threads", nargs="+", type=int, help="processor threads")
    parser.add_argument("--rounds", type=int, default=3, help="timed steps of each, after one for warming up")
    parser.add_argument("--channels", type=int, default=16, help="C of the first cell; a multiple of 8 for PC-DARTS")
    parser.add_argument("--cells", type=int, default=8)
    parser.add_argument("--image-size", type=int, default=32)
    parser.add_argument("--no-memory", action="store_true", help="leave the peak memory out")
    parser.add_argument("--results", type=Path, default=ROOT / "benchmarks" / "results.jsonl", help="file to append to")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.child:
        child(chosen.child)
        return 0

    sizes = (chosen.channels, chosen.cells, chosen.image_size, chosen.rounds)
    cases = [
        Case(method, batch, threads, *sizes)
        for batch in chosen.batch or ([16, 64] if chosen.full else [16])
        for threads in chosen.threads or ([1, 2] if chosen.full else [1])
        for method in chosen.only
    ]
    print(
        f"{processor()}, {os.cpu_count()} cores; C={chosen.channels}, {chosen.cells} cells, {chosen.image_size}×{chosen.image_size}"
    )
    print(HEADER)
    missing = 0
    for case in cases:
        result = measure(case, not chosen.no_memory)
        if result is None:
            missing += 1
            continue
        print(row(result), flush=True)
        with chosen.results.open("a", encoding="utf-8") as file:
            file.write(json.dumps(result) + "\n")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
