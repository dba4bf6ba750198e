#!/usr/bin/env bash
# Installs the Debian or Ubuntu packages that are missing here, where it may; else prints the one command that does.
# Usage: system-packages.sh PYTHON [PACKAGE...]
# Without further packages: what Qt links to (offscreen, then X11), a font, Graphviz, and venv for this Python.
set -euo pipefail

python=$1
shift
if ! command -v dpkg-query >/dev/null 2>&1; then
    if [ "$(uname)" = Linux ]; then
        echo "This is no Debian or Ubuntu: if the window does not open, nascope doctor names the missing libraries." >&2
    fi
    exit 0
fi

wanted=("$@")
if [ ${#wanted[@]} -eq 0 ]; then
    wanted=(
        libegl1 libgl1 libglib2.0-0 libfontconfig1 libfreetype6 libdbus-1-3 libxkbcommon0 fonts-dejavu-core
        libxcb-cursor0 libxcb-icccm4 libxcb-image0 libxcb-keysyms1 libxcb-randr0 libxcb-render-util0 libxcb-shape0
        libxcb-sync1 libxcb-xfixes0 libxcb-xkb1 libx11-xcb1 libxkbcommon-x11-0
        graphviz
    )
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        wanted+=("python$("$python" -c 'import sys; print(f"{sys.version_info[0]}.{sys.version_info[1]}")')-venv")
    fi
fi

is_installed() {
    # Ubuntu 24.04 and Debian 13 renamed some libraries when time_t grew: libglib2.0-0t64 is libglib2.0-0.
    local name
    for name in "$1" "${1}t64"; do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null || true)" = installed ] && return 0
    done
    return 1
}

missing=()
for package in "${wanted[@]}"; do
    is_installed "$package" || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

if [ "$(id -u)" -eq 0 ]; then
    as_root=()
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
    as_root=(sudo -n)
else
    echo "Some system packages are missing. Install them with this command, then go on:" >&2
    echo "  sudo apt-get update && sudo apt-get install -y ${missing[*]}" >&2
    exit 0
fi

echo "Installing system packages: ${missing[*]}"
if ! "${as_root[@]}" apt-get update -qq; then
    echo "apt-get update failed; trying with the list of packages as it is." >&2
fi
if ! "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null; then
    echo "Some system packages could not be installed: ${missing[*]}. The command line works without them, the window may not." >&2
fi
