#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Whole networks against other runtimes, in one run: ours and the peer take turns on one core, one thread, or with
--threads N on N cores.

    model_bench.py --bin build/release/bin [--network kws ic ...] [--kind float int8] [--peer onnxruntime tflite]
                   [--tflite FOLDER] [--isa avx512vnni] [--rounds 7] [--core 1] [--threads 1] [--work FOLDER] [--json F] [--markdown F]

Networks are written by bench/networks/generate.py (published topologies, random weights; int8: QDQ by onnxruntime's own
quantizer); ours is the library that qnnx-onnx-converter and qnnx-model-lib-generator make of the same file. With
--tflite every .tflite below FOLDER that one of the names in TFLITE_FILES matches is run too, peer LiteRT (XNNPACK).
A round runs ours, then the peer; each gives the least time of one inference in it. The table shows the median over
rounds and the median of the rounds' ratios. What Python adds to a peer's call is measured on a one-node network and
subtracted. The machine may be shared: ratios are worth more than microseconds.
"""
import argparse
import datetime
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench" / "networks"))
TFLITE_FILES = ["kws_ref_model", "kws_ref_model_float32", "pretrainedResnet", "pretrainedResnet_quant", "vww_96_float", "vww_96_int8",
                "ad01_fp32", "ad01_int8", "mobilenet_v1_0.25_224_1_default_1", "mobilenet_v1_0.25_224_quant"]
DEFAULT = ["kws", "ic", "vww", "ad", "mobilenet_v2", "resnet50", "efficientnet_b0", "vit_tiny", "bert"]


def options():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--bin", type=Path, required=True, help="folder of the drivers")
    p.add_argument("--network", nargs="*", default=DEFAULT)
    p.add_argument("--kind", nargs="*", choices=("float", "int8"), default=["float", "int8"])
    p.add_argument("--peer", nargs="*", choices=("onnxruntime", "tflite"), default=["onnxruntime"])
    p.add_argument("--tflite", type=Path, help="folder with .tflite files, for --peer tflite")
    p.add_argument("--isa", default="avx512vnni")
    p.add_argument("--rounds", type=int, default=7)
    p.add_argument("--core", type=int, default=1, help="of one thread; several threads have all cores")
    p.add_argument("--threads", type=int, default=1, help="of ours and of the peer")
    p.add_argument("--work", type=Path, default=ROOT / "build" / "model_bench")
    p.add_argument("--json", type=Path)
    p.add_argument("--markdown", type=Path)
    return p.parse_args()


def run(*command):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{Path(str(command[0])).name}: {(done.stderr or done.stdout).strip().splitlines()[-1:]}")
    return done.stdout


def timer(a):
    """The C++ timer of model libraries."""
    program = a.work / "run_library_bench"
    source = ROOT / "bench" / "model" / "run_library_bench.cpp"
    if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
        run("c++", "-std=c++20", "-O2", f"-I{ROOT / 'include'}", source, "-o", program, "-ldl", "-pthread")
    return program


def library(a, source, name, driver):
    """Converts and compiles a model; reports what the compiler took."""
    cpp = a.work / f"{name}.cpp"
    run(a.bin / driver, "-i", source, "--output_path", cpp)
    start = os.times()
    run(a.bin / "qnnx-model-lib-generator", "-c", cpp, "-b", cpp.with_suffix(".bin"), "-l", name, "-o", a.work / "lib", "--isa", a.isa)
    end = os.times()
    seconds = end.children_user - start.children_user
    return a.work / "lib" / "x86_64-linux-gnu" / f"lib{name}.so", round(seconds, 1)


def least(f, seconds=0.03, calls=5):
    """Least time of one call, in microseconds."""
    best, count, stop = float("inf"), 0, time.perf_counter() + seconds
    while count < calls or time.perf_counter() < stop:
        t = time.perf_counter()
        f()
        best, count = min(best, time.perf_counter() - t), count + 1
    return best * 1e6


def onnxruntime_call(model, threads):
    import onnxruntime as ort
    o = ort.SessionOptions()
    o.intra_op_num_threads, o.inter_op_num_threads = threads, 1
    o.log_severity_level = 3
    session = ort.InferenceSession(model, o, providers=["CPUExecutionProvider"])
    binding = session.io_binding()
    kept = []
    for x in session.get_inputs():
        shape = [d if isinstance(d, int) else 1 for d in x.shape]
        value = np.random.default_rng(1).standard_normal(shape).astype(np.float32) if x.type == "tensor(float)" else np.ones(shape, np.int64)
        kept.append(ort.OrtValue.ortvalue_from_numpy(value))
        binding.bind_ortvalue_input(x.name, kept[-1])
    for y in session.get_outputs():
        binding.bind_output(y.name)
    return lambda: session.run_with_iobinding(binding)


def tflite_call(path, threads):
    from ai_edge_litert.interpreter import Interpreter
    net = Interpreter(str(path), num_threads=threads)
    net.allocate_tensors()
    r = np.random.default_rng(1)
    for d in net.get_input_details():
        value = r.standard_normal(d["shape"]) if d["dtype"] == np.float32 else r.integers(np.iinfo(d["dtype"]).min, np.iinfo(d["dtype"]).max, d["shape"])
        net.set_tensor(d["index"], value.astype(d["dtype"]))
    return net.invoke


def call_overhead():
    """What Python adds to a call of onnxruntime: a network of one addition."""
    from onnx import TensorProto, helper
    v = lambda n: helper.make_tensor_value_info(n, TensorProto.FLOAT, [1])
    graph = helper.make_graph([helper.make_node("Neg", ["x"], ["y"])], "one", [v("x")], [v("y")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 8
    return least(onnxruntime_call(model.SerializeToString(), 1), 0.2)


def compare(a, program, name, kind, lib, peer_name, peer, overhead, compile_seconds):
    ours, theirs, alone = [], [], []
    facts = {}
    for _ in range(a.rounds):
        facts = json.loads(run(program, "--threads", a.threads, "--batches", 5, "--milliseconds", 3, lib))
        ours.append(facts["min_ns"] / 1e3)
        alone.append(facts["one_thread_min_ns"] / 1e3)
        theirs.append(max(least(peer) - overhead, 0.01))
    speedup = round(statistics.median(one / o for o, one in zip(ours, alone)), 2)
    if a.threads > 1:
        print(f"{name:38} {kind:6} one thread {statistics.median(alone):.1f} us, {a.threads} threads {statistics.median(ours):.1f} us: {speedup:.2f} times as fast", flush=True)
    ratio = statistics.median(t / o for o, t in zip(ours, theirs))
    row = dict(network=name, kind=kind, peer=peer_name, ours_us=round(statistics.median(ours), 2), peer_us=round(statistics.median(theirs), 2),
               ratio=round(ratio, 2), least_ours_us=round(min(ours), 2), least_peer_us=round(min(theirs), 2), macs=facts["macs"],
               compile_s=compile_seconds, isa=facts["isa"], threads=a.threads, speedup=speedup)
    print(f"{name:38} {kind:6} {peer_name:12} ours {row['ours_us']:10.2f} us  peer {row['peer_us']:10.2f} us  ratio {row['ratio']:6.2f}", flush=True)
    return row


def networks(a, program, rows):
    import generate
    import mlperf_tiny
    overhead = call_overhead()
    for name in a.network:
        for kind in a.kind:
            folder = a.work / kind
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / f"{name}.onnx"
            try:
                if not path.exists():
                    run(sys.executable, ROOT / "bench" / "networks" / "generate.py", folder, "--network", name, "--size", "full", "--fold-bn",
                        "--inputs", 0, *(["--qdq"] if kind == "int8" else []))
                lib, seconds = library(a, path, f"{name}_{kind}", "qnnx-onnx-converter")
                rows.append(compare(a, program, name, kind, lib, "onnxruntime", onnxruntime_call(str(path), a.threads), overhead, seconds))
            except RuntimeError as e:
                print(f"{name} {kind}: {e}", flush=True)
    return overhead


def tflite_files(a, program, rows):
    for path in sorted(a.tflite.rglob("*.tflite")):
        if path.stem not in TFLITE_FILES:
            continue
        name = path.stem.replace(".", "_")
        lib, seconds = library(a, path, name, "qnnx-tflite-converter")
        kind = "float" if any(k in name for k in ("float", "fp32", "default", "Resnet")) and "quant" not in name else "int8"
        rows.append(compare(a, program, name, kind, lib, "tflite", tflite_call(path, a.threads), 0.0, seconds))


def main():
    a = options()
    if a.threads == 1:
        os.sched_setaffinity(0, {a.core})
    a.work.mkdir(parents=True, exist_ok=True)
    program = timer(a)
    rows = []
    overhead = networks(a, program, rows) if "onnxruntime" in a.peer else None
    if "tflite" in a.peer:
        if not a.tflite:
            sys.exit("model_bench.py: --peer tflite needs --tflite FOLDER")
        tflite_files(a, program, rows)
    cpu = next((l.split(":")[1].strip() for l in open("/proc/cpuinfo") if l.startswith("model name")), "?")
    commit = subprocess.run(["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
    versions = {}
    for module in ("onnxruntime", "ai_edge_litert"):
        try:
            versions[module] = __import__(module).__version__
        except ImportError:
            pass
    head = dict(date=datetime.date.today().isoformat(), commit=commit, cpu=cpu, isa=a.isa, threads=a.threads, rounds=a.rounds, versions=versions, call_overhead_us=overhead and round(overhead, 2))
    if a.json:
        a.json.write_text(json.dumps(dict(head, rows=rows), indent=1) + "\n")
    if a.markdown:
        lines = [", ".join(f"{k} {v}" for k, v in head.items() if k != "versions") + ", " + ", ".join(f"{k} {v}" for k, v in versions.items()), "",
                 "| network | | peer | ours, us | peer, us | ratio | MAC/ns | compile, CPU s |", "|---|---|---|---|---|---|---|---|"]
        for r in rows:
            lines.append(f"| {r['network']} | {r['kind']} | {r['peer']} | {r['ours_us']} | {r['peer_us']} | {r['ratio']} | {r['macs'] / r['ours_us'] / 1e3:.1f} | {r['compile_s']} |")
        a.markdown.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
