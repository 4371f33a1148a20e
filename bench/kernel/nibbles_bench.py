#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One row times 4096x4096 weights of 4 bits: kernel_bench's FullyConnected u8 x s4 and u8 against onnxruntime's
MatMulNBits (float data, blocks of 32, its fastest accuracy level), in turns on one core, one thread.

    nibbles_bench.py --bench build/release/bench/kernel_bench [--rounds 5] [--core 1] [--json F]
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench" / "model"))
from model_bench import least

SIZE = 4096


def peer(block=32):
    """A call of a model of one MatMulNBits, least time over accuracy levels 0 and 4."""
    import onnxruntime as ort
    from onnx import TensorProto, helper, numpy_helper
    r = np.random.default_rng(1)
    weights = r.integers(0, 256, (SIZE, SIZE // block, block // 2), dtype=np.uint8)
    scales = r.uniform(0.001, 0.01, (SIZE * SIZE // block,)).astype(np.float32)
    calls = []
    for level in (0, 4):
        node = helper.make_node("MatMulNBits", ["x", "w", "s"], ["y"], domain="com.microsoft", K=SIZE, N=SIZE, bits=4, block_size=block, accuracy_level=level)
        graph = helper.make_graph([node], "nbits", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, SIZE])],
                                  [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, SIZE])],
                                  [numpy_helper.from_array(weights, "w"), numpy_helper.from_array(scales, "s")])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)])
        model.ir_version = 8
        o = ort.SessionOptions()
        o.intra_op_num_threads = o.inter_op_num_threads = 1
        session = ort.InferenceSession(model.SerializeToString(), o, providers=["CPUExecutionProvider"])
        binding = session.io_binding()
        value = ort.OrtValue.ortvalue_from_numpy(r.standard_normal((1, SIZE)).astype(np.float32))
        binding.bind_ortvalue_input("x", value)
        binding.bind_output("y")
        calls.append(lambda s=session, b=binding, v=value: s.run_with_iobinding(b))
    return calls


def ours(a):
    with tempfile.TemporaryDirectory() as d:
        out = os.path.join(d, "rows.json")
        subprocess.run([a.bench, "--filter", f"1x{SIZE}x{SIZE}", "--no-reference", "--json", out], check=True, stdout=subprocess.DEVNULL)
        rows = {r["case"]: r["ns"] / 1e3 for r in json.loads(Path(out).read_text())["rows"]}
    return rows[f"1x{SIZE}x{SIZE} u8 x s4"], rows[f"1x{SIZE}x{SIZE} u8"]


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--bench", required=True)
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--core", type=int, default=1)
    p.add_argument("--json", type=Path)
    a = p.parse_args()
    os.sched_setaffinity(0, {a.core})
    calls = peer()
    rounds = []
    for _ in range(a.rounds):
        four, eight = ours(a)
        rounds.append((four, eight, min(least(c, 0.2) for c in calls)))
    four, eight, theirs = (statistics.median(r[i] for r in rounds) for i in range(3))
    row = dict(ours_4bit_us=round(four, 1), ours_8bit_us=round(eight, 1), onnxruntime_us=round(theirs, 1),
               over_8bit=round(statistics.median(r[1] / r[0] for r in rounds), 2), over_onnxruntime=round(statistics.median(r[2] / r[0] for r in rounds), 2))
    print(json.dumps(row))
    if a.json:
        a.json.write_text(json.dumps(row) + "\n")


if __name__ == "__main__":
    main()
