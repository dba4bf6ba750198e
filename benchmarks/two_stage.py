"""Does the claim of BigNAS hold here: is a sub-network out of the supernet as good as the same network trained alone?

    .venv/bin/python benchmarks/two_stage.py                                        digits, laptop space: half an hour on a core
    .venv/bin/python benchmarks/two_stage.py --method attentive-nas --epochs 12
    .venv/bin/python benchmarks/two_stage.py --data image-folder:/data/cifar10 --space laptop-cifar --limit-images 4000

Trains one supernet, chooses sub-networks by ``nascope select``, then trains the smallest, the biggest, the chosen ones and
random ones alone, from scratch, over the same steps at the same rates. Measured are

- test accuracy of each out of the supernet, and alone;
- Spearman's rank correlation between the two over all networks, and with the supernet's validation accuracy;
- seconds of each: one supernet against so many networks.

Appends a line to benchmarks/results.jsonl. The folders stay in --out, so that a second call goes on where one was cut off.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from scipy.stats import spearmanr

from engine.cost.subnets import subnet_cost
from engine.runs import RunFolder
from engine.subnets import Architecture, architecture_from_json
from engine.subnets.architecture import biggest, smallest
from engine.subnets.sample import uniform

ROOT = Path(__file__).resolve().parent.parent
RESULTS = Path(__file__).parent / "results.jsonl"


def main() -> None:
    """Measure and write down."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--method", default="bignas")
    parser.add_argument("--data", default="digits")
    parser.add_argument("--space", default="laptop")
    parser.add_argument("--epochs", default="30")
    parser.add_argument("--seed", default="0")
    parser.add_argument(
        "--networks", type=int, default=8, help="random networks that are trained alone beside the chosen ones"
    )
    parser.add_argument("--chosen", type=int, default=2, help="networks of the front that are trained alone")
    parser.add_argument("--limit-images", help="use only so many training images")
    parser.add_argument("--out", type=Path, default=Path("/tmp/nascope-two-stage"))
    parser.add_argument("--dry", action="store_true", help="append nothing to results.jsonl")
    said = parser.parse_args()
    said.out.mkdir(parents=True, exist_ok=True)
    shared = [
        "--data",
        said.data,
        "--epochs",
        said.epochs,
        "--seed",
        said.seed,
        "--preset",
        "small",
        "--set",
        "threads=1",
    ]
    if said.limit_images:
        shared += ["--set", f"limit_images={said.limit_images}"]
    supernet = said.out / "supernet"
    run(supernet, ["search", "--method", said.method, "--set", f"space={said.space}", *shared])
    begin = time.monotonic()
    answer = nascope("select", str(supernet))
    select_seconds = time.monotonic() - begin
    rows = []
    for role, architecture in networks(answer, said.networks, said.chosen, int(said.seed)):
        rows.append(compare(supernet, role, architecture, said.out, shared))
        print(json.dumps(rows[-1]), flush=True)
    row = summary(said, supernet, answer, rows, select_seconds)
    print(json.dumps(row, indent=1), flush=True)
    if not said.dry:
        with RESULTS.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")


def networks(answer: dict[str, Any], count: int, chosen: int, seed: int) -> list[tuple[str, Architecture]]:
    """The smallest, the biggest, some of the front and random ones."""
    front = [architecture_from_json(row["architecture"]) for row in answer["subnets"]]
    space = front[0].space
    found = [("smallest", smallest(space)), ("biggest", biggest(space))]
    between = [architecture for architecture in front if architecture not in (found[0][1], found[1][1])]
    step = max(1, len(between) // (chosen + 1))
    found += [("chosen", architecture) for architecture in between[::step][:chosen]]
    rng = random.Random(f"benchmark {seed}")
    return found + [("random", uniform(space, rng)) for _ in range(count)]


def compare(supernet: Path, role: str, architecture: Architecture, out: Path, shared: list[str]) -> dict[str, Any]:
    """One network out of the supernet, and alone."""
    record = out / f"{architecture.key}.json"
    record.write_text(json.dumps(architecture.as_json()))
    inherited = nascope("test", str(supernet), "--subnet", str(record))
    alone = out / f"alone-{architecture.key}"
    run(alone, ["retrain", str(record), *shared])
    tested = nascope("test", str(alone))
    cost = subnet_cost(architecture)
    return {
        "role": role, "key": architecture.key, "macs": cost.macs, "parameters": cost.parameters,
        "supernet_test_percent": inherited["accuracy_percent"], "alone_test_percent": tested["accuracy_percent"],
        "alone_seconds": round(RunFolder(alone).status().seconds, 1),
    }  # fmt: skip


def summary(
    said: argparse.Namespace, supernet: Path, answer: dict[str, Any], rows: list[dict[str, Any]], select_seconds: float
) -> dict[str, Any]:
    """What goes into the results."""
    import torch

    inherited, alone = ([row[name] for row in rows] for name in ("supernet_test_percent", "alone_test_percent"))
    differences = [one - other for one, other in zip(inherited, alone, strict=True)]
    status = RunFolder(supernet).status()
    return {
        "benchmark": "two_stage", "date": time.strftime("%Y-%m-%d"), "machine": platform.machine(), "cores": os.cpu_count(),
        "versions": {"python": platform.python_version(), "torch": torch.__version__}, "method": said.method,
        "data": said.data.partition(":")[0], "space": said.space, "epochs": int(said.epochs), "seed": int(said.seed),
        "limit_images": said.limit_images, "supernet_seconds": round(status.seconds, 1),
        "alone_seconds_total": round(sum(row["alone_seconds"] for row in rows), 1), "select_seconds": round(select_seconds, 1),
        "select_measured": answer["evaluated"], "rank_correlation_supernet_alone": round(float(spearmanr(inherited, alone).statistic), 3),
        "mean_gain_points": round(sum(differences) / len(differences), 2), "networks": rows,
    }  # fmt: skip


def run(folder: Path, words: list[str]) -> None:
    """Start a run, go on with it, or leave it where it has finished."""
    if (folder / "config.json").exists():
        if RunFolder(folder).status().state != "finished":
            nascope("resume", str(folder))
        return
    nascope(*words, "--out", str(folder))


def nascope(*words: str) -> dict[str, Any]:
    """The JSON answer of a command of this checkout."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "engine.cli", *words, "--json"], capture_output=True, text=True, cwd=ROOT
    )
    if done.returncode:
        sys.exit(f"{' '.join(words)}\n{done.stderr}{done.stdout}")
    return dict(json.loads(done.stdout))


if __name__ == "__main__":
    main()
