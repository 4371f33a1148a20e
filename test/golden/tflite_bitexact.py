#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares our interpreter with TFLite's reference kernels, tensor by tensor.

    tflite_bitexact.py --run_net PROGRAM --shared FOLDER [--count 20] [--work DIR] [MODEL ...]

Quantized models must agree bit for bit in every tensor that both sides have; float models within
1e-4 of the largest magnitude. One line per model. Ends with 1 where a model is out of its bound,
with 77 (skipped) where the python packages or the models are absent.
"""
from __future__ import annotations

import argparse
import csv
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

SKIP = 77
TINY = "mlcommons+tiny/benchmark/training"
SEANET = "tensorflow+tflite-micro/tensorflow/lite/micro/integration_tests/seanet"
LITERT = "google-ai-edge+LiteRT/litert/test/testdata"
# model -> options: shape for unknown sizes; range of the values; count of inputs; bound (relative, floats) and steps
# (integers) where the two compute by different methods
MODELS: dict[str, dict] = {
    f"{TINY}/keyword_spotting/trained_models/kws_ref_model.tflite": {},
    f"{TINY}/visual_wake_words/trained_models/vww_96_int8.tflite": {},
    f"{TINY}/image_classification/trained_models/pretrainedResnet_quant.tflite": {},
    f"{TINY}/anomaly_detection/trained_models/ad01_int8.tflite": {},
    "tensorflow+tflite-support/tensorflow_lite_support/cc/test/testdata/task/vision/mobilenet_v1_0.25_224_quant.tflite": {},
    "tensorflow+tflite-micro/tensorflow/lite/micro/examples/hello_world/models/hello_world_int8.tflite": {},
    f"{LITERT}/mul_quant.tflite": {"count": 2},
    f"{LITERT}/simple_quantized_ops.tflite": {"count": 2},
    # small values: TFLite's 16-bit BATCH_MATMUL wraps sums beyond 2^31, ours saturates
    f"{LITERT}/matmul_quant.tflite": {"count": 1, "range": (-64, 64)},
    f"{LITERT}/single_add_default_a8w8_recipe_quantized.tflite": {},
    f"{LITERT}/single_mul_default_a8w8_recipe_quantized.tflite": {},
    f"{LITERT}/single_rsqrt_default_a8w8_recipe_quantized.tflite": {"positive": True, "steps": 1},
    # int8 weights in float layers: TFLite quantizes the data at run time, we compute in float
    f"{TINY}/keyword_spotting/trained_models/kws_ref_model_float32.tflite": {"bound": 0.1},
    f"{TINY}/visual_wake_words/trained_models/vww_96_float.tflite": {"count": 4},
    f"{TINY}/image_classification/trained_models/pretrainedResnet.tflite": {"count": 4},
    f"{TINY}/anomaly_detection/trained_models/ad01_fp32.tflite": {},
    "mlcommons+tiny_results_v1.3/kws_float.tflite": {},
    "tensorflow+tflite-support/tensorflow_lite_support/cc/test/testdata/task/vision/mobilenet_v1_0.25_224_1_default_1.tflite": {"count": 2},
    "tensorflow+tflite-support/tensorflow_lite_support/cc/test/testdata/task/vision/dilated_conv.tflite":
        {"shape": {"*": [1, 32, 32, 3]}},
    "Linzaer+Ultra-Light-Fast-Generic-Face-Detector-1MB/tflite/pretrained/version-RFB-320_without_postprocessing.tflite": {"count": 2},
    "tensorflow+tflite-micro/tensorflow/lite/micro/examples/hello_world/models/hello_world_float.tflite": {},
    "onnx+tensorflow-onnx/tests/models/regression/tflite/test_api_model.tflite": {},
    f"{LITERT}/simple_log_softmax_op.tflite": {},
    f"{LITERT}/simple_mirror_pad_reflect_op.tflite": {"count": 2},
    f"{LITERT}/simple_mirror_pad_symmetric_op.tflite": {"count": 2},
    f"{LITERT}/sqrt_mean_mul_multiple.tflite": {"range": (0.0, 2.0)},
    f"{LITERT}/sqrt_mean_mul_ops.tflite": {"range": (0.0, 2.0)},
    f"{LITERT}/topo_sort_fork_split.tflite": {},
    f"{LITERT}/simple_add_dynamic_shape.tflite": {"shape": {"*": [1, 128, 4]}},
}
MODELS |= {f"{SEANET}/{kind}/{kind}{n}.tflite": {"golden": True}
           for kind, last in (("add", 16), ("conv", 20), ("transpose_conv", 4), ("strided_slice", 32))
           for n in range(0, last + 1, 2)}


def read_csv(path: Path, dtype, shape):
    import numpy as np
    with path.open() as f:
        values = [v for row in csv.reader(f) for v in row if v.strip()]
    return np.array([int(float(v)) for v in values], dtype=dtype).reshape(shape)


def make_inputs(model, options: dict, path: Path, count: int):
    """Lists of feeds: random over the full range of integers, [-1,1) of floats; the golden input first."""
    import numpy as np
    rng = np.random.default_rng(7)
    shapes = {}
    for info in model.inputs:
        given = options.get("shape", {})
        shape = given.get(info["name"], given.get("*", info["shape"]))
        shapes[info["name"]] = [max(int(d), 1) for d in shape]
    feeds = []
    for n in range(count):
        feed = {}
        for i, info in enumerate(model.inputs):
            dtype, shape = np.dtype(info["dtype"]), shapes[info["name"]]
            golden = path.with_name(f"{path.stem}_input{i}_{dtype.name}.csv")
            if options.get("golden") and (n == 0 or dtype == np.int32):
                feed[info["name"]] = read_csv(golden, dtype, shape)
            elif dtype.kind == "f":
                lo, hi = options.get("range", (-1.0, 1.0))
                feed[info["name"]] = (rng.random(shape, dtype=np.float32) * (hi - lo) + lo).astype(dtype)
            elif dtype.kind == "b":
                feed[info["name"]] = rng.integers(0, 2, shape).astype(dtype)
            else:
                full = np.iinfo(dtype)
                low, high = options.get("range", (full.min, full.max))
                low = info["zero_point"] + 1 if options.get("positive") else low
                feed[info["name"]] = rng.integers(low, high, shape, dtype=dtype, endpoint=True)
        feeds.append(feed)
    return feeds, shapes


def run_ours(program: str, path: Path, feeds, shapes, options: dict, work: Path, backend: str):
    lines = []
    for n, feed in enumerate(feeds):
        items = []
        for i, (name, value) in enumerate(feed.items()):
            file = work / f"in_{n}_{i}.raw"
            value.tofile(file)
            items.append((name, file))
        plain = len(items) == 1
        if not plain and any(" " in name for name, _ in items):
            raise RuntimeError("input names with blanks")
        lines.append(" ".join(f"{f}" if plain else f"{name}:={f}" for name, f in items))
    (work / "list.txt").write_text("\n".join(lines) + "\n")
    command = [program, str(path), "--input_list", str(work / "list.txt"), "--out", str(work / "ours"), "--all",
               "--backend", backend]
    if "shape" in options:
        for name, shape in shapes.items():
            command += ["--shape", f"{name}={'x'.join(map(str, shape))}"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError((done.stderr or done.stdout).strip().replace("\n", " "))
    names = {}
    for line in (work / "ours" / "names.tsv").read_text().splitlines():
        file, source, *_ = line.split("\t")
        names[source] = file
    return names


def check(program: str, path: Path, options: dict, count: int, work: Path, backend: str) -> str | None:
    """The line of a model, or None where it failed (the line is printed)."""
    import numpy as np
    from runtimes import TfliteModel
    model = TfliteModel(path, all_tensors=True, reference=True)
    feeds, shapes = make_inputs(model, options, path, options.get("count", count))
    files = run_ours(program, path, feeds, shapes, options, work, backend)
    outputs = [d["name"] for d in model.interp.get_output_details()]
    compared, floats, worst, apart, first = set(), 0, 0.0, 0, None
    for n, feed in enumerate(feeds):
        results = model.run(feed)
        for info in model.outputs:
            name, value = info["name"], results[info["name"]]
            if name not in files or not isinstance(value, np.ndarray):
                if name in outputs:
                    raise RuntimeError(f"output '{name}' is missing")
                continue
            value = np.ascontiguousarray(value)
            ours = np.fromfile(work / "ours" / f"Result_{n}" / files[name], dtype=np.uint8)
            if ours.size != value.nbytes:
                raise RuntimeError(f"'{name}' has {ours.size} bytes, TFLite's {value.nbytes} {value.dtype} {value.shape}")
            ours = ours.view(value.dtype).reshape(value.shape)
            compared.add(name)
            if value.dtype.kind == "f":
                floats += 1
                finite = np.isfinite(value)
                scale = max(float(np.abs(value[finite]).max(initial=0)), 1e-30)
                bad = float(np.abs(np.where(finite, ours - value, 0)).max(initial=0)) / scale
                if not (finite == np.isfinite(ours)).all():
                    bad = float("inf")
                worst = max(worst, bad)
                if bad > options.get("bound", 1e-4) and first is None:
                    first = f"'{name}' input {n}: {bad:.3g} relative"
            else:
                diff = np.abs(ours.astype(np.int64) - value.astype(np.int64))
                if diff.max(initial=0) > options.get("steps", 0) and first is None:
                    first = f"'{name}' input {n}: {int((diff != 0).sum())} of {diff.size} differ, by up to {diff.max()}"
                apart = max(apart, int(diff.max(initial=0)))
        if options.get("golden") and n == 0:
            value = next(iter(results[o] for o in outputs))
            golden = read_csv(path.with_name(f"{path.stem}_golden_int16.csv"), np.int16, value.shape)
            if not (golden == value).all():
                print(f"      note: TFLite's reference differs from its own golden file in {path.stem}")
            ours = np.fromfile(work / "ours" / "Result_0" / files[outputs[0]], dtype=np.int16).reshape(value.shape)
            if not (golden == ours).all() and first is None:
                first = f"golden file: {(golden != ours).sum()} of {golden.size} differ"
    verdict = f"max {worst:.2g} relative" if floats else "bit-exact"
    if apart:
        verdict = f"within {apart} of {options.get('steps', 0)} steps"
    line = f"{path.name}: {len(feeds)} inputs, {len(compared)} tensors, {verdict}"
    if first:
        print(f"FAIL  {path.name}: {first}", flush=True)
        return None
    return line


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", help="only models whose path contains one of these")
    parser.add_argument("--run_net", required=True)
    parser.add_argument("--shared", required=True, type=Path)
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--backend", default="reference")
    parser.add_argument("--work", type=Path)
    args = parser.parse_args()
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "oracles"))
    try:
        import ai_edge_litert.interpreter  # noqa: F401
        import numpy  # noqa: F401
    except ImportError as e:
        print(f"skipped: {e}; see test/oracles/requirements.txt")
        return SKIP
    data = args.shared / "data"
    models = [(data / m, o) for m, o in MODELS.items()] if data.is_dir() else []
    if not models:
        print(f"skipped: {data} is not there; operators only")
    made = Path(tempfile.mkdtemp(dir=args.work))
    import single_ops
    for name, op, options in single_ops.cases():
        (made / f"{name}.tflite").write_bytes(single_ops.build(op))
        models.append((made / f"{name}.tflite", options))
    failed = passed = 0
    for path, options in models:
        if args.models and not any(m in str(path) for m in args.models):
            continue
        if not path.is_file():
            print(f"skipped: {path} is not there")
            continue
        work = Path(tempfile.mkdtemp(dir=args.work))
        try:
            line = check(args.run_net, path, options, args.count, work, args.backend)
            failed, passed = failed + (line is None), passed + (line is not None)
            if line:
                print(f"ok    {line}", flush=True)
        except Exception as e:
            failed += 1
            print(f"FAIL  {path.name}: {e}", flush=True)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    shutil.rmtree(made, ignore_errors=True)
    print(f"{passed} models within their bound, {failed} out of it")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
