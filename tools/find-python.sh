#!/usr/bin/env bash
# Prints a Python of 3.11 or newer. Usage: find-python.sh [PYTHON]
set -euo pipefail

is_new_enough() {
    command -v "$1" >/dev/null 2>&1 && "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

if [ -n "${1:-}" ]; then
    if is_new_enough "$1"; then
        command -v "$1"
        exit
    fi
    echo "PYTHON=$1 is no Python of 3.11 or newer." >&2
    exit 1
fi
for name in python3 python3.13 python3.12 python3.11; do
    if is_new_enough "$name"; then
        command -v "$name"
        exit
    fi
done
echo "No Python of 3.11 or newer was found (looked for python3, python3.13, python3.12, python3.11)." >&2
echo "Install one, for example: sudo apt-get install python3 python3-venv. Or name it: make setup PYTHON=/path/to/python" >&2
exit 1
