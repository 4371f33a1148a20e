#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Takes the networks of bench/networks from ONNX file to result, and compares with onnxruntime.

    networks.py --bin FOLDER [--size tiny|full] [--network NAME ...] [--library NAME ...] [--work DIR]

Four forms of each network:
  float      within 1e-4 of the largest value
  qdq        int8 made by onnxruntime.quantization; the distance in steps of the output's scale from onnxruntime with
             graph optimization off, that is from the arithmetic that the file describes
  own        our quantizer at 8 and at 16 bits: signal to noise against float; no node but a Cast of integers stays float
  library    the compiled form of one of them; the same bytes as the interpreter's
Ends with 1 where a bound is missed, with 77 (skipped) where onnx or onnxruntime are absent.
"""
import argparse
import json
import math
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench" / "networks"))

# Variants of the generator's options: network, name, options. Together they have every op of every network in each form
# that exporters write.
VARIANTS = {
    "mobilenet_v1": {},
    "mobilenet_v2": {"fold_bn": True, "activations": "s8"},
    "mobilenet_v3_small": {},
    "resnet18": {},
    "resnet50": {"fold_bn": True},
    "efficientnet_b0": {},
    "ssd": {},
    "vit_tiny": {"opset": 17, "dynamic_batch": True},
    "bert": {"opset": 13, "mask": "add"},
    "bert@17": {"opset": 17, "mask": "min"},
    "bert@where": {"opset": 17, "mask": "where", "activations": "s8"},
}
# qdq: most steps between an output and onnxruntime's, and the mean. own: least dB at 8 and at 16 bits.
# Why they differ at all is written in docs/guide/networks.md.
BOUNDS = {
    "mobilenet_v1": {"qdq": (1, 0.05), "own8": 14, "own16": 60},
    "mobilenet_v2": {"qdq": (1, 0.05), "own8": 20, "own16": 65},
    "mobilenet_v3_small": {"qdq": (1, 0.05), "own8": 15, "own16": 62},
    "resnet18": {"qdq": (1, 0.05), "own8": 18, "own16": 63},
    "resnet50": {"qdq": (1, 0.05), "own8": 11, "own16": 57},
    "efficientnet_b0": {"qdq": (1, 0.05), "own8": 16, "own16": 62},
    "ssd": {"qdq": (1, 0.05), "own8": 24, "own16": 70},
    "vit_tiny": {"qdq": (1, 0.05), "own8": 21, "own16": 68},
    "bert": {"qdq": (1, 0.05), "own8": 24, "own16": 68},
    "bert@17": {"qdq": (3, 0.05), "own8": 24, "own16": 68},
    "bert@where": {"qdq": (3, 0.05), "own8": 24, "own16": 68},
}
FLOAT_BOUND = 1e-4


class Failure(Exception):
    pass


def call(*words, quiet=True):
    started = time.monotonic()
    done = subprocess.run([str(w) for w in words], capture_output=True, text=True)
    if done.returncode != 0:
        raise Failure(f"{Path(str(words[0])).name} ended with {done.returncode}: {(done.stderr or done.stdout).strip()[-600:]}")
    return done.stdout + done.stderr, time.monotonic() - started


def write_inputs(folder, feeds, image_names):
    """float32 files in the graph's layout (channel last), and a list of them."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = []
    for k, feed in enumerate(feeds):
        words = []
        for name, value in feed.items():
            v = value.transpose(0, 2, 3, 1) if name in image_names else value
            path = folder / f"{k}_{name}.raw"
            v.astype("float32").tofile(path)
            words.append(f"{name}:={path}")
        lines.append(" ".join(words))
    (folder / "list.txt").write_text("\n".join(lines) + "\n")
    return folder / "list.txt"


def oracle(model_path, feeds, optimized):
    import onnxruntime as ort
    ort.set_default_logger_severity(3)
    o = ort.SessionOptions()
    level = ort.GraphOptimizationLevel
    o.graph_optimization_level = level.ORT_ENABLE_ALL if optimized else level.ORT_DISABLE_ALL
    session = ort.InferenceSession(str(model_path), o, providers=["CPUExecutionProvider"])
    names = [t.name for t in session.get_outputs()]
    return names, [session.run(names, feed) for feed in feeds]


def results(folder, names, count, suffix=".raw", dtype="float32"):
    import numpy as np
    return [[np.fromfile(folder / f"Result_{k}" / (name + suffix), dtype) for name in names] for k in range(count)]


def run_dlc(bin_dir, dlc, list_file, out):
    shutil.rmtree(out, ignore_errors=True)
    call(bin_dir / "qnnx-net-run", "--dlc_path", dlc, "--input_list", list_file, "--output_dir", out)
    return out


def output_scales(model, names, expected):
    """Scale of the DequantizeLinear that makes each output; of an output that a float node makes, 1/255 of its largest."""
    from onnx import numpy_helper
    makers = {o: n for n in model.graph.node for o in n.output}
    data = {t.name: t for t in model.graph.initializer}
    scales = []
    for name in names:
        n = makers[name]
        while n.op_type == "Identity":
            n = makers[n.input[0]]
        if n.op_type == "DequantizeLinear":
            scales.append(float(numpy_helper.to_array(data[n.input[1]])))
        else:
            scales.append(max(float(abs(e[names.index(name)]).max()) for e in expected) / 255)
    return scales


def float_nodes(bin_dir, dlc, work):
    """Ops of a quantized container that compute on floats, with how many there are of each."""
    report = work / "report.json"
    call(bin_dir / "qnnx-dlc-info", "-i", dlc, "--json", report)
    described = json.loads(report.read_text())
    types = {t["name"]: t["type"] for t in described["tensors"]}
    found, total = {}, 0
    for layer in described["layers"]:
        kind = layer["type"]
        total += 1
        if kind not in ("Quantize", "Dequantize", "Cast") and any(types.get(t, "").startswith("float") for t in layer["outputs"] + layer["inputs"]):
            found[kind] = found.get(kind, 0) + 1
    return found, total


def sqnr(got, expected):
    noise = sum(float(((a.reshape(-1).astype("float64") - b.reshape(-1)) ** 2).sum()) for a, b in zip(got, expected))
    signal = sum(float((b.astype("float64") ** 2).sum()) for b in expected)
    return 10 * math.log10(signal / noise) if noise > 0 else math.inf


class Runner:
    def __init__(self, bin_dir, size, work, count):
        self.bin, self.size, self.work, self.count = bin_dir, size, work, count
        tiny = size == "tiny"  # the plainest kernels compile fastest
        self.isa, self.backend = ("reference", "reference") if tiny else ("reference,avx2,avx512vnni", "cpu")
        self.failures = 0

    def check(self, ok, text):
        print(("ok    " if ok else "FAIL  ") + text, flush=True)
        self.failures += not ok

    def network(self, variant, libraries):
        import generate
        import onnx
        name = variant.split("@")[0]
        chosen = dict(opset=13, fold_bn=False, dynamic_batch=False, mask="add", activations="u8", seed=1, size=self.size) | VARIANTS[variant]
        a = argparse.Namespace(**chosen)
        sizes = generate.Sizes(name, self.size, False, a.mask)
        feeds = [generate.make_input(name, sizes, k) for k in range(self.count)]
        calibration = feeds + [generate.make_input(name, sizes, 2000 + k) for k in range(8)]  # nothing clipped: arithmetic is measured
        images = {"input"}
        work = self.work / variant
        work.mkdir(parents=True, exist_ok=True)
        list_file = write_inputs(work / "inputs", feeds, images)
        calibration_list = write_inputs(work / "calibration", calibration, images)

        model = generate.build(name, a)
        path = work / "float.onnx"
        onnx.save(model, path)
        names, expected = oracle(path, feeds, True)
        size_options = []
        if a.dynamic_batch:
            for i in model.graph.input:
                size_options += ["-d", i.name, ",".join(str(d) for d in feeds[0][i.name].shape)]
        # float
        dlc = work / "float.dlc"
        _, seconds = call(self.bin / "qnnx-converter", "-i", path, "-o", dlc, *size_options)
        got = results(run_dlc(self.bin, dlc, list_file, work / "out_float"), names, self.count)
        worst = max(abs(g - e.reshape(-1)).max() / abs(e).max() for gs, es in zip(got, expected) for g, e in zip(gs, es))
        self.check(worst <= FLOAT_BOUND, f"{variant} float: {worst:.2e} of the largest value (converted in {seconds:.1f} s)")
        if "float" in libraries:
            self.library(variant, work, path, list_file, "float", size_options, names)

        # int8 by onnxruntime
        fixed = generate.build(name, argparse.Namespace(**(chosen | {"dynamic_batch": False}))) if a.dynamic_batch else model
        path = work / "qdq.onnx"
        if not path.exists() or self.size == "tiny":
            generate.quantize(fixed, name, a, str(path))
        quantized = onnx.load(path)
        _, qdq_expected = oracle(path, feeds, False)
        dlc = work / "qdq.dlc"
        _, seconds = call(self.bin / "qnnx-converter", "-i", path, "-o", dlc)
        got = results(run_dlc(self.bin, dlc, list_file, work / "out_qdq"), names, self.count)
        most, mean = 0.0, 0.0
        for j, scale in enumerate(output_scales(quantized, names, qdq_expected)):
            d = [abs(got[k][j] - qdq_expected[k][j].reshape(-1)) / scale for k in range(self.count)]
            most, mean = max(most, max(x.max() for x in d)), max(mean, sum(x.mean() for x in d) / len(d))
        stays, total = float_nodes(self.bin, dlc, work)
        bounds = BOUNDS[variant] if self.size == "tiny" else {"qdq": (math.inf, math.inf), "own8": -math.inf, "own16": -math.inf}
        bound = bounds["qdq"]
        theirs = sqnr([x for k in qdq_expected for x in k], [x for k in expected for x in k])
        ours = sqnr([x for k in got for x in k], [x for k in expected for x in k])
        self.check(most <= bound[0] + 1e-3 and mean <= bound[1] + 1e-9,
                   f"{variant} qdq: at most {most:.0f} steps from onnxruntime, mean {mean:.3f} (bound {bound[0]}, {bound[1]}); {ours:.1f} dB against float,"
                   f" onnxruntime {theirs:.1f} dB; {sum(stays.values())} of {total} nodes in float {stays or ''} ({seconds:.1f} s)")
        if "qdq" in libraries:
            self.library(variant, work, path, list_file, "qdq", [], names)

        # int8 and int16 by us
        path = work / "float.onnx"
        own = ["--input_list", calibration_list, "--use_per_channel_quantization", "true", "--use_per_row_quantization", "true", "--bias_bitwidth", "32"]
        for bits in (8, 16):
            dlc = work / f"own{bits}.dlc"
            _, seconds = call(self.bin / "qnnx-converter", "-i", path, "-o", dlc, *size_options, *own, "--act_bitwidth", bits, "--weights_bitwidth", bits)
            got = results(run_dlc(self.bin, dlc, list_file, work / f"out_own{bits}"), names, self.count)
            db = sqnr([x for k in got for x in k], [x for k in expected for x in k])
            stays, total = float_nodes(self.bin, dlc, work)
            least = bounds[f"own{bits}"]
            self.check(db >= least and not stays, f"{variant} own {bits} bit: {db:.1f} dB (bound {least}); {sum(stays.values())} of {total} nodes in float"
                                                  f" {stays or ''} ({seconds:.1f} s)")
        if "own8" in libraries:
            self.library(variant, work, path, list_file, "own8", [*size_options, *own], names)

    def library(self, variant, work, onnx_path, list_file, form, options, names):
        """The compiled form gives the interpreter's bytes."""
        cpp = work / f"{form}.cpp"
        _, converted = call(self.bin / "qnnx-onnx-converter", "-i", onnx_path, "-o", cpp, *options)
        _, compiled = call(self.bin / "qnnx-model-lib-generator", "-c", cpp, "-b", cpp.with_suffix(".bin"), "-o", work / "lib", "--isa", self.isa)
        so = work / "lib" / "x86_64-linux-gnu" / f"lib{form}.so"
        said, _ = call(self.bin / "qnnx-net-run", "--model", so, "--input_list", list_file, "--output_dir", work / f"out_{form}_lib")
        cost = said.strip().splitlines()[-1].split("latency us: ")[-1]
        call(self.bin / "qnnx-net-run", "--dlc_path", work / f"{form}.dlc", "--backend", self.backend, "--input_list", list_file, "--output_dir", work / f"out_{form}_ref")
        differ = 0
        for k in range(self.count):
            for name in names:
                a = (work / f"out_{form}_lib" / f"Result_{k}" / f"{name}.raw").read_bytes()
                b = (work / f"out_{form}_ref" / f"Result_{k}" / f"{name}.raw").read_bytes()
                differ += a != b
        self.check(differ == 0, f"{variant} {form} library: {differ} of {self.count * len(names)} outputs differ from the interpreter's"
                                f" (converted in {converted:.1f} s, compiled in {compiled:.1f} s, {so.stat().st_size} bytes;"
                                f" us: {cost})")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--bin", required=True, type=Path, help="folder of the drivers")
    p.add_argument("--size", choices=("tiny", "full"), default="tiny")
    p.add_argument("--network", nargs="*", default=list(VARIANTS), help="variants: " + " ".join(VARIANTS))
    p.add_argument("--library", nargs="*", default=[], help="compile these too: NETWORK:FORM, forms float, qdq, own8")
    p.add_argument("--count", type=int, default=3, help="inputs per network")
    p.add_argument("--work", type=Path, help="keep files here")
    a = p.parse_args()
    try:
        import numpy, onnx, onnxruntime  # noqa: F401, E401
        from onnxruntime.quantization import shape_inference  # noqa: F401
    except ImportError as e:
        print(f"skipped: python3 has no {e.name}")
        return 77
    work = a.work or Path(tempfile.mkdtemp())
    runner = Runner(a.bin, a.size, work, a.count)
    try:
        for variant in a.network:
            try:
                runner.network(variant, {w.split(":")[1] for w in a.library if w.split(":")[0] == variant})
            except Failure as e:
                runner.check(False, f"{variant}: {e}")
    finally:
        if not a.work:
            shutil.rmtree(work, ignore_errors=True)
    return 1 if runner.failures else 0


if __name__ == "__main__":
    sys.exit(main())
