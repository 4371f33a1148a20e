#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# From nothing to a quantized C++ model: builds qnnx, takes the bundled digit network, converts it to float and to int8
# C++ (calibrated on images that are not scored), compiles both to libraries, runs both over the bundled test images,
# and prints accuracy, latency and sizes. Debian 12, root or sudo. Everything made is under build/quickstart.
set -euo pipefail
cd "$(dirname "$0")/../.."
. cmake/dependencies.sh
need_packages "${qnnx_build_packages[@]}"
launcher=()
if command -v ccache >/dev/null; then
  export CCACHE_DIR=${CCACHE_DIR:-$PWD/build/ccache}
  launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
fi
work=build/quickstart
mkdir -p $work
echo "== building the drivers"
cmake --preset release "${launcher[@]}" -DQNNX_BUILD_TESTS=OFF -DQNNX_BUILD_BENCH=OFF >$work/configure.log 2>&1 || { tail -20 $work/configure.log; exit 1; }
cmake --build --preset release >$work/build.log 2>&1 || { grep -E "error|FAILED" $work/build.log | head; exit 1; }
bin=build/release/bin
echo "== unpacking the images"
python3 examples/quickstart/unpack_data.py --out $work
echo "== converting"
$bin/qnnx-onnx-converter -i examples/quickstart/digits.onnx -o $work/digits_float.cpp >$work/convert_float.log
$bin/qnnx-onnx-converter -i examples/quickstart/digits.onnx -o $work/digits_int8.cpp \
  --input_list $work/calibration_list.txt >$work/convert_int8.log
echo "== compiling the models to libraries"
for kind in float int8; do
  $bin/qnnx-model-lib-generator -c $work/digits_$kind.cpp -b $work/digits_$kind.bin -t x86_64-linux-gnu -o $work/lib >$work/lib_$kind.log || { cat $work/lib_$kind.log; exit 1; }
done
for kind in float int8; do
  echo "== running $kind"
  $bin/qnnx-net-run --model $work/lib/x86_64-linux-gnu/libdigits_$kind.so --backend cpu \
    --input_list $work/test_list.txt --output_dir $work/output_$kind >$work/run_$kind.log || { cat $work/run_$kind.log; exit 1; }
  python3 examples/quickstart/report.py --kind $kind --results $work/output_$kind --labels $work/test_labels.txt \
    --run_log $work/run_$kind.log --convert_log $work/convert_$kind.log --bin $work/digits_$kind.bin \
    --library $work/lib/x86_64-linux-gnu/libdigits_$kind.so
done
echo "files: $work (digits_*.cpp, .bin, _net.json, lib/, output_*/)"
