#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds everything and passes all tests on a Debian 12 machine (root or sudo), installing what is missing.
#   bash test/run.sh          release build with g++, all tests
#   bash test/run.sh --all    and the C++ tests again built by clang, and under AddressSanitizer and UBSan
#   bash test/run.sh --all-targets   with the toolchains of RISC-V, Hexagon and WebAssembly
# The last line is "N passed, M failed, K skipped".
set -uo pipefail
cd "$(dirname "$0")/.."
all=0
all_targets=0
for arg in "$@"; do
  case "$arg" in
    --all) all=1 ;;
    --all-targets) all_targets=1 ;;
    *) echo "test/run.sh: unknown option $arg (known: --all, --all-targets)" >&2; exit 2 ;;
  esac
done
. cmake/dependencies.sh
need_packages "${qnnx_build_packages[@]}" "${qnnx_test_packages[@]}" || exit 1
need_packages "${qnnx_cross_packages[@]}" || echo "skipped: the Cortex-M and aarch64 tests need ${qnnx_cross_packages[*]}"
if [ $all_targets = 1 ]; then
  need_packages "${qnnx_all_targets_packages[@]}" || echo "skipped: RISC-V, Hexagon and WebAssembly need ${qnnx_all_targets_packages[*]}"
fi

launcher=()
if command -v ccache >/dev/null; then
  export CCACHE_DIR=${CCACHE_DIR:-$PWD/build/ccache}
  launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
fi

mkdir -p build
# Oracles: runtimes that are not ours, in a virtual environment of their own.
oracles=build/oracles
if [ ! -x $oracles/bin/python3 ] || ! $oracles/bin/python3 -c 'import onnxruntime, ai_edge_litert, onnx' 2>/dev/null; then
  need_packages python3-venv python3-pip >/dev/null 2>&1
  if ! { python3 -m venv $oracles && $oracles/bin/pip install -q -r test/oracles/requirements.txt; } >build/oracles.log 2>&1; then
    echo "skipped: the oracle runtimes could not be installed (build/oracles.log); tests that compare with them are skipped"
    rm -rf $oracles
  fi
fi
python=()
[ -x $oracles/bin/python3 ] && python=(-DPython3_EXECUTABLE="$PWD/$oracles/bin/python3")

passed=0 failed=0 skipped=0
stage() {  # stage NAME PRESET-LIKE-ARGS...: configure, build, test one tree; adds to the totals
  local name=$1 dir=build/$1 filter=$2
  shift 2
  echo "== $name"
  cmake -S . -B "$dir" -G Ninja "${launcher[@]}" "${python[@]}" -DQNNX_BUILD_TESTS=ON -DQNNX_BUILD_TOOLS=ON -DQNNX_BUILD_BENCH=OFF "$@" >"$dir.configure.log" 2>&1 || { tail -20 "$dir.configure.log"; failed=$((failed + 1)); return; }
  cmake --build "$dir" >"$dir.build.log" 2>&1 || { grep -E "error|warning|FAILED" "$dir.build.log" | head -40; failed=$((failed + 1)); return; }
  ctest --test-dir "$dir" -j2 --output-on-failure $filter >"$dir.ctest.log" 2>&1
  grep -E "^skipped:|\*\*\*Failed|\*\*\*Timeout|\*\*\*Exception|Not Run" "$dir.ctest.log" | sort | uniq
  local line
  line=$(grep -E "tests passed, [0-9]+ tests failed out of" "$dir.ctest.log" | tail -1)
  local total bad skip
  if [ -z "$line" ]; then  # a tree without tests is a failure, not a pass of nothing
    echo "   no test ran ($dir.ctest.log)"
    failed=$((failed + 1))
    return
  fi
  total=$(sed -E 's/.*out of ([0-9]+).*/\1/' <<<"$line")
  bad=$(sed -E 's/.* ([0-9]+) tests failed.*/\1/' <<<"$line")
  skip=$(grep -cE "\*\*\*Skipped" "$dir.ctest.log")
  passed=$((passed + total - bad - skip)) failed=$((failed + bad)) skipped=$((skipped + skip))
  if [ "$bad" != 0 ]; then sed -n '/FAILED:/,$p;/Error/p' "$dir.ctest.log" | head -60; grep -E "ERROR|error:" "$dir.ctest.log" | head -30; fi
  echo "   $line"
}
stage release "" -DCMAKE_BUILD_TYPE=Release
if [ $all = 1 ]; then
  stage clang "-LE once" -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS_DEBUG=-O1 -DCMAKE_CXX_COMPILER=clang++-14
  stage asan "-LE once" -DCMAKE_BUILD_TYPE=Debug "-DCMAKE_CXX_FLAGS_DEBUG=-O1 -g1" "-DCMAKE_CXX_FLAGS=-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer"
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
