#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs the runtimes that bench/model/model_bench.py compares with, into a virtual environment: setup_peers.sh FOLDER
# Then: FOLDER/bin/python bench/model/model_bench.py ... The tests do not need them.
set -e
folder=${1:?usage: setup_peers.sh FOLDER}
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet numpy onnx onnxruntime ai-edge-litert
"$folder/bin/python" -c "import onnxruntime, ai_edge_litert; print('onnxruntime', onnxruntime.__version__, 'ai-edge-litert', ai_edge_litert.__version__)"
