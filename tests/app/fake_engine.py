"""An engine without torch: writes lifelike events into a run folder and obeys orders, fast, or fails as it is told.

``python fake_engine.py RUN MODE [SECONDS_A_STEP]``; MODE is run, refuse, error, crash, killed or deaf (obeys no stop).
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[2]))

import psutil
from fake_run import fake_events

from engine.genotype import genotype_from_json
from engine.runs import Event, RunFolder, Status, give_order
from engine.runs.control import ControlWatch
from engine.runs.log import EventWriter
from engine.runs.status import process_start_time

STEPS_PER_EPOCH = 6
FAILS_AT_STEP = 4


def main() -> int:
    path, mode = Path(sys.argv[1]), sys.argv[2]
    seconds = float(sys.argv[3]) if len(sys.argv) > 3 else 0.002
    if mode == "refuse":
        print("nascope: data: there is no such folder. Choose another.", file=sys.stderr)
        return 2
    run = RunFolder(path)
    config = run.config()
    window_gone = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), window_gone.set()), daemon=True).start()
    before = run.status()
    first = before.step + 1 if before.state != "created" else 0
    orders = ControlWatch(path, before.control_id)
    control = path / "control.json"
    if not control.exists() or control.stat().st_mtime <= psutil.Process().create_time():
        give_order(path, "run")  # As the real one does: an order older than this process is not meant for it.
        orders.new_order()

    def status(state: str, event: Event | None, **more: object) -> None:
        step, epoch = (event.step, event.epoch) if event is not None else (before.step, before.epoch)
        run.write_status(
            Status(
                state, step=step, epoch=epoch, epochs=config.epochs, steps_per_epoch=STEPS_PER_EPOCH, pid=os.getpid(),  # type: ignore[arg-type]
                host=socket.gethostname(), process_started=process_start_time(os.getpid()), heartbeat=time.time(), **more,  # type: ignore[arg-type]
            )
        )  # fmt: skip

    writer = EventWriter(path / "events.jsonl")
    status("running", None)
    if first:
        writer.write(Event(time.time(), first, first // STEPS_PER_EPOCH, "resumed"))
    control_id, paused, detached = before.control_id, False, False
    last = None
    for last in fake_events(config, done=config.epochs, steps_per_epoch=STEPS_PER_EPOCH):
        if last.step < first or (first and last.type == "started"):
            continue
        writer.write(last)
        if last.type == "genotype":
            run.write_genotype(genotype_from_json(last.data["genotype"]))
        if last.type == "checkpoint":
            (path / "checkpoint-last.pt").write_bytes(b"fake")
            status("running", last, control_id=control_id)
        if last.type != "step":
            continue
        if last.step == FAILS_AT_STEP:
            if mode == "error":
                print("Traceback (most recent call last):\nRuntimeError: the fake engine broke", file=sys.stderr)
                return 1
            if mode in ("crash", "killed"):
                os.kill(os.getpid(), signal.SIGSEGV if mode == "crash" else signal.SIGKILL)
        while True:
            order = orders.new_order()
            if order is not None:
                control_id = order.id
                detached = detached or order.order == "detach"
                if order.order == "pause":
                    paused = True
                    status("paused", last, control_id=control_id)
                elif order.order == "run":
                    paused = False
                    status("running", last, control_id=control_id)
                elif order.order == "detach":
                    status("running", last, control_id=control_id)
            stop = order is not None and order.order == "stop"
            if mode != "deaf" and (stop or (window_gone.is_set() and not detached)):
                writer.write(
                    Event(time.time(), last.step, last.epoch, "stopped", {"reason": "order" if stop else "window"})
                )
                status("stopped", last, control_id=control_id)
                return 3
            if not paused:
                break
            time.sleep(0.01)
        time.sleep(seconds)
    assert last is not None
    writer.write(Event(time.time(), last.step, last.epoch, "finished", {"metrics": {}}))
    status("finished", last, metrics={"validation_accuracy_percent": 88.8})
    return 0


if __name__ == "__main__":
    sys.exit(main())
