"""Ways in which one of two processes ends before the other, by name."""

import importlib
import os
import sys
import time

import torch

from engine.cli import main
from engine.distributed import part, tell_failure, together

way, *arguments = sys.argv[1:]
is_first = os.environ["RANK"] == "0"

if way == "refused before they meet":
    sys.exit(main(arguments if is_first else [*arguments, "--set", "layers=many"]))

if way == "failed while the other waits for its GPU":
    module = importlib.import_module("engine.distributed.lookout")
    module.LOOK_SECONDS = module.GRACE_SECONDS = 0.2
    with together() as ranks:
        if is_first:
            with module.lookout(ranks, torch.device("cuda"), lambda error: print(f"Last words: {error}", flush=True)):
                time.sleep(600)
        tell_failure({"what": "Out of memory.", "where": None, "mend": None}, "", is_input=False)
    sys.exit(part(1))
