#!/usr/bin/env bash
# One search on two nodes of four GPUs each, from examples/search.json, under SLURM:
#
#   sbatch examples/slurm_search.sh
#
#SBATCH --job-name=nascope-search
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=4
#SBATCH --gpus-per-node=4
#SBATCH --cpus-per-task=8
#SBATCH --time=12:00:00
#SBATCH --signal=TERM@180
#SBATCH --requeue
#SBATCH --output=%x-%j.log
set -euo pipefail

# sbatch runs a copy of this script, so that its own folder says nothing: submit from the folder above examples/.
examples=${NASCOPE_EXAMPLES:-$SLURM_SUBMIT_DIR/examples}
run=${NASCOPE_RUN:-$SLURM_SUBMIT_DIR/pc-darts-cifar10}

# srun starts one process a GPU; they find each other by SLURM's own variables. Set MASTER_PORT if the port is taken.
# --kill-on-bad-exit ends the others where one was killed. SIGTERM three minutes before the time is up saves a
# checkpoint; submit the script again, and the run goes on from it. A preempted job is requeued and does so by itself.
if [ -f "$run/config.json" ]; then
    srun --kill-on-bad-exit=1 nascope resume "$run"
else
    srun --kill-on-bad-exit=1 nascope search --config "$examples/search.json" --out "$run"
fi
