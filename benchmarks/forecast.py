"""How near does a forecast come to the run that follows?

    .venv/bin/python benchmarks/forecast.py                    three methods and a retraining on the digits: some minutes
    .venv/bin/python benchmarks/forecast.py --only pc-darts    one of them
    .venv/bin/python benchmarks/forecast.py --only paper       the papers' networks on CIFAR-10, a few hundred images of them
    .venv/bin/python benchmarks/forecast.py --device cuda

First ``nascope ... --forecast --json``, then the very same command without it. Compared are

- the hours with the wall time of the whole command, start and end included;
- the memory with the largest resident size of the run's process (of torch's allocator, on a GPU). Needs Linux on a processor.

Appends a line to benchmarks/results.jsonl for each. On a machine that does other things at the same time both numbers of
a pair are taken minutes apart: look at ``load_before``.
"""

# torch is imported by the children only: a process inherits the peak size of the one that starts it.
from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RESULTS = Path(__file__).parent / "results.jsonl"
DIGITS = ["--data", "digits", "--epochs", "8", "--seed", "1"]
SMALL_PAPER = [
    "--data",
    "cifar10",
    "--preset",
    "paper",
    "--epochs",
    "2",
    "--set",
    "limit_images=256",
    "--set",
    "batch_size=32",
]
CASES = {
    "darts": ["search", "--method", "darts", *DIGITS],
    "darts-v2": ["search", "--method", "darts-v2", *DIGITS],
    "pc-darts": ["search", "--method", "pc-darts", *DIGITS],
    "retrain": ["retrain", "DARTS_V2", *DIGITS],
    "paper-darts": ["search", "--method", "darts", *SMALL_PAPER],
    "paper-darts-v2": ["search", "--method", "darts-v2", *SMALL_PAPER],
    "paper-pc-darts": ["search", "--method", "pc-darts", *SMALL_PAPER],
    "paper-retrain": ["retrain", "DARTS_V2", *SMALL_PAPER],
}  # fmt: skip


def main() -> None:
    """Compare what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", default=[], help="a case, or the start of some names")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--set", dest="settings", action="append", default=[], help="a setting for all, key=value")
    parser.add_argument("--epochs", help="other epochs than the case's")
    parser.add_argument("--dry", action="store_true", help="append nothing to results.jsonl")
    said = parser.parse_args()
    wanted = said.only or ["darts", "darts-v2", "pc-darts", "retrain"]
    names = [
        name
        for name in CASES
        if name in wanted or any(name.startswith(f"{start}-") and start == "paper" for start in wanted)
    ]
    for name in names:
        words = [*CASES[name], "--device", said.device, *(word for text in said.settings for word in ("--set", text))]
        if said.epochs:
            words[words.index("--epochs") + 1] = said.epochs
        row = compare(name, words, said.device)
        print(json.dumps(row, indent=1), flush=True)
        if not said.dry:
            with RESULTS.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")


def compare(name: str, words: list[str], device: str) -> dict[str, object]:
    """A forecast beside the run."""
    load = os.getloadavg()[0]
    begin = time.monotonic()
    forecast = json.loads(
        subprocess.run([*command(), *words, "--forecast", "--json"], capture_output=True, text=True, check=True).stdout
    )
    asking_seconds = time.monotonic() - begin
    with tempfile.TemporaryDirectory(prefix="nascope-forecast-") as folder:
        run = Path(folder) / "run"
        begin = time.monotonic()
        with Path(folder, "said").open("wb") as said:
            process = subprocess.Popen([*command(), *words, "--out", str(run)], stdout=said, stderr=said)
            peak_mib = follow(process, run)
        seconds = time.monotonic() - begin
        if process.returncode:
            sys.exit(Path(folder, "said").read_text(errors="replace"))
        events = [json.loads(line) for line in (run / "events.jsonl").read_text().splitlines()]
        disk_mib = sum(file.stat().st_size for file in run.iterdir()) / 2**20
    if not device.startswith("cpu"):
        peak_mib = max(event["device_mib"] or 0.0 for event in events if event["type"] == "memory")
    started = next(event for event in events if event["type"] == "started")
    return {
        "benchmark": "forecast", "date": time.strftime("%Y-%m-%d"), "machine": platform.machine(), "device": forecast["device_title"],
        "cores": os.cpu_count(), "versions": started["versions"], "case": name, "words": words, "load_before": load,
        "forecast_seconds": round(forecast["hours"] * 3600, 2), "run_seconds": round(seconds, 2),
        "seconds_ratio": round(forecast["hours"] * 3600 / seconds, 3), "forecast_mib": round(forecast["peak_memory_mib"], 1),
        "run_mib": round(peak_mib, 1), "memory_ratio": round(forecast["peak_memory_mib"] / peak_mib, 3),
        "forecast_disk_mib": round(forecast["disk_mib"], 2), "run_disk_mib": round(disk_mib, 2), "steps": forecast["steps"],
        "run_steps": started["epochs"] * started["steps_per_epoch"], "asking_seconds": round(asking_seconds, 1),
        "largest_batch_size": forecast["largest_batch_size"], "hours_by_part": forecast["hours_by_part"],
    }  # fmt: skip


def follow(process: subprocess.Popen[bytes], run: Path) -> float:
    """Wait for the end; the largest resident size (MiB) that the process had until its run was finished.

    Not until its own end: there the destructors of torch's libraries touch a hundred MiB of their files once more.
    """
    peak_mib = 0.0
    status, log = Path(f"/proc/{process.pid}/status"), run / "status.json"
    while process.poll() is None:
        found = [line for line in status.read_text().splitlines() if line.startswith("VmHWM:")]
        is_finished = log.exists() and '"finished"' in log.read_text()
        if found and not is_finished:
            peak_mib = int(found[0].split()[1]) / 1024
        time.sleep(0.05)
    return peak_mib


def command() -> list[str]:
    """The engine of this checkout."""
    return [sys.executable, "-P", "-m", "engine.cli"]


if __name__ == "__main__":
    os.chdir(ROOT)
    main()
