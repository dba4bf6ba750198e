#!/usr/bin/env bash
# One search on all GPUs of this machine (or on two processor processes where it has none), from examples/search.json.
# The same file starts the search in the window (drop it on the form) and with a plain: nascope search --config FILE
#
#   examples/torchrun_search.sh [RUN] [further options of nascope search]
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
run=${1:-pc-darts-cifar10}
shift || true
nascope=$(command -v nascope)
gpus=$(nvidia-smi --list-gpus 2>/dev/null | wc -l || true)
processes=$((gpus > 0 ? gpus : 2))

# --standalone finds a free port by itself; batch_size counts the images of all processes together.
torchrun --standalone --nproc-per-node "$processes" "$nascope" search --config "$here/search.json" --out "$run" "$@"

# Stopped (nascope stop, Ctrl-C)? It goes on with as many processes as you like:
#   torchrun --standalone --nproc-per-node 4 "$nascope" resume "$run"
