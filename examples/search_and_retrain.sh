#!/usr/bin/env bash
# The same job by the command line: search on the digits, look at the cells, retrain, test. Usage: search_and_retrain.sh FOLDER
# Further arguments go to search and retrain, for example --epochs 3. On a cluster, put `nascope resume` into the job
# script instead: it goes on with the run wherever the last job was cut off, and says so when nothing is left to do.
set -euo pipefail

folder=$1
shift

nascope search --method darts --data digits --out "$folder/search" "$@"
nascope explain "$folder/search"
nascope draw "$folder/search" -o "$folder/cells.svg"
nascope retrain "$folder/search" --data digits --out "$folder/retrain" "$@"
nascope test "$folder/retrain"
nascope report "$folder/retrain"
