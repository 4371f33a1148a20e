#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# figures.sh FOLDER [options of figures.py]: builds qnnx with its benches, installs the peers into FOLDER, measures
# everything and writes FOLDER/figures/figures.md and .html. Debian 12, root or sudo; half an hour or more.
set -euo pipefail
folder=${1:?usage: figures.sh FOLDER [options of figures.py]}
shift
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
cd "$(dirname "$0")/.."
. cmake/dependencies.sh
need_packages "${qnnx_build_packages[@]}" python3-venv python3-pip
cmake --preset release -DQNNX_BUILD_TESTS=OFF >"$folder/configure.log" 2>&1 || { tail -20 "$folder/configure.log"; exit 1; }
cmake --build --preset release >"$folder/build.log" 2>&1 || { grep -E "error|FAILED" "$folder/build.log" | head; exit 1; }
[ -x "$folder/bin/python" ] && [ -e "$folder/peers/libpeer_onednn.so" ] || sh bench/setup_peers.sh "$folder"
exec "$folder/bin/python" bench/figures.py --build build/release --peers "$folder" --out "$folder/figures" "$@"
