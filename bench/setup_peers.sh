#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs what the benches compare with: setup_peers.sh FOLDER. The tests do not need it.
#   a virtual environment with onnxruntime and LiteRT: FOLDER/bin/python bench/model/model_bench.py ...
#   peers of kernel_bench, shared libraries over oneDNN (a Python package with headers) and XNNPACK (Debian's):
#     kernel_bench --peers FOLDER/peers --peer onednn xnnpack
set -e
folder=${1:?usage: setup_peers.sh FOLDER}
here=$(cd "$(dirname "$0")" && pwd)
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet numpy onnx onnxruntime ai-edge-litert
"$folder/bin/python" -c "import onnxruntime, ai_edge_litert; print('onnxruntime', onnxruntime.__version__, 'ai-edge-litert', ai_edge_litert.__version__)"
if [ "$(uname -m)" = x86_64 ]; then
  mkdir -p "$folder/peers"
  # The gomp build is the last one that needs no compiler runtime of its own.
  "$folder/bin/pip" install --quiet onednn-cpu-gomp==2023.2.0 onednn-devel-cpu-gomp==2023.2.0
  root=$(cd "$folder" && pwd)
  c++ -std=c++17 -O2 -shared -fPIC -I"$root/include" "$here/kernel/peers/onednn.cpp" -o "$root/peers/libpeer_onednn.so" "$root/lib/libdnnl.so.3" -Wl,-rpath,"$root/lib"
  dpkg -s libxnnpack-dev libpthreadpool-dev >/dev/null 2>&1 || apt-get install -y -qq libxnnpack-dev libpthreadpool-dev
  c++ -std=c++17 -O2 -shared -fPIC "$here/kernel/peers/xnnpack.cpp" -o "$root/peers/libpeer_xnnpack.so" -lXNNPACK
  echo "peers of kernel_bench: $root/peers"
fi
