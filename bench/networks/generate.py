#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes ONNX files of well-known networks with random weights, float or quantized (QDQ), and inputs to run them on.

    generate.py OUTPUT_FOLDER [--network mobilenet_v2 ...] [--size tiny|full] [--qdq] [--inputs 4]

Beside <name>.onnx it writes <name>_inputs/<k>_<input>.npy (as onnxruntime takes them). Same options, same files: all
numbers come from --seed. --qdq is onnxruntime.quantization: pre-processing, then QDQ with signed symmetric weights per
channel and one scale per activation, calibrated on inputs of its own.
"""
import argparse
import os
import sys
import tempfile

import numpy as np
import onnx

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import mlperf_tiny
import topologies
from graph import Graph

NETWORKS = {**topologies.NETWORKS, **mlperf_tiny.NETWORKS}


def options():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("output", help="folder, made if missing")
    p.add_argument("--network", nargs="*", choices=list(NETWORKS), default=list(topologies.NETWORKS), help="default: all of topologies.py")
    p.add_argument("--size", choices=("tiny", "full"), default="tiny", help="tiny: few layers, small images; full: the published sizes")
    p.add_argument("--qdq", action="store_true", help="quantize with onnxruntime: QuantizeLinear/DequantizeLinear, int8")
    p.add_argument("--activations", choices=("u8", "s8"), default="u8", help="of --qdq")
    p.add_argument("--opset", type=int, default=13, choices=range(13, 18), help="17: LayerNormalization is one node; below: nine")
    p.add_argument("--fold-bn", action="store_true", help="fold batch norms into convolutions, as exporters do in eval mode")
    p.add_argument("--dynamic-batch", action="store_true", help="the batch is the symbol N and shapes are computed (convert with -d)")
    p.add_argument("--mask", choices=("add", "min", "where"), default="add", help="bert: add -10000, add the lowest float, or Where")
    p.add_argument("--inputs", type=int, default=4, help="how many inputs to write")
    p.add_argument("--seed", type=int, default=1)
    return p.parse_args()


class Sizes:
    """What a topology reads: sizes, not names."""

    def __init__(self, name, size, dynamic_batch, mask, batch=1):
        self.tiny = size == "tiny"
        self.image = topologies.IMAGE[size].get(name, 32 if self.tiny else 224)
        self.tokens = 16 if self.tiny else 128
        self.classes = 10 if self.tiny else 1000
        self.batch = "N" if dynamic_batch else batch
        self.mask = mask


def make_input(name, s, seed, batch=1):
    """Inputs by name. Images: smooth blobs and some noise, of different contrast, so that different inputs differ."""
    r = np.random.default_rng([7, seed])
    if name == "bert":
        vocabulary = 100 if s.tiny else 30522
        ids = r.integers(0, vocabulary, (batch, s.tokens))
        length = r.integers(s.tokens // 2, s.tokens + 1, batch)
        kept = np.arange(s.tokens)[None] < length[:, None]
        kinds = (np.arange(s.tokens)[None] >= length[:, None] // 2) & kept
        return {"input_ids": np.where(kept, ids, 0).astype(np.int64), "attention_mask": kept.astype(np.int64), "token_type_ids": kinds.astype(np.int64)}
    if name in mlperf_tiny.INPUTS:
        return {"input": r.standard_normal(mlperf_tiny.INPUTS[name]).astype(np.float32)}
    image = np.zeros((batch, 3, s.image, s.image))
    for cells in (3, 6, 12):
        coarse = r.standard_normal((batch, 3, cells, cells))
        at = np.linspace(0, cells - 1, s.image)
        lo = np.minimum(at.astype(int), cells - 2)
        f = at - lo
        rows = coarse[:, :, lo] * (1 - f)[:, None] + coarse[:, :, lo + 1] * f[:, None]
        image += rows[:, :, :, lo] * (1 - f) + rows[:, :, :, lo + 1] * f
    image = image / image.std() * r.uniform(0.5, 1.2) + 0.15 * r.standard_normal(image.shape) + 0.3 * r.standard_normal((batch, 3, 1, 1))
    return {"input": image.astype(np.float32)}


def build(name, a):
    """The float model: statistics measured on eight inputs, then the graph."""
    import onnxruntime
    onnxruntime.set_default_logger_severity(3)
    batch = 8
    measured = {}
    g = Graph(a.opset, a.seed, a.fold_bn, measure=True)
    NETWORKS[name](g, Sizes(name, a.size, False, a.mask, batch))
    if g.statistics:
        session = onnxruntime.InferenceSession(g.model(name).SerializeToString(), providers=["CPUExecutionProvider"])
        results = session.run(None, make_input(name, Sizes(name, a.size, False, a.mask), 1000, batch))
        for i, (norm, _, _) in enumerate(g.statistics):
            measured[norm] = (results[2 * i].reshape(-1), results[2 * i + 1].reshape(-1))
    g = Graph(a.opset, a.seed, a.fold_bn, measured)
    NETWORKS[name](g, Sizes(name, a.size, a.dynamic_batch, a.mask))
    return g.model(name)


def quantize(model, name, a, path):
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Reader(CalibrationDataReader):
        def __init__(self):
            self.left = [make_input(name, Sizes(name, a.size, False, a.mask), 2000 + i) for i in range(8)]

        def get_next(self):
            return self.left.pop() if self.left else None

    with tempfile.TemporaryDirectory() as d:
        float_path, prepared = os.path.join(d, "float.onnx"), os.path.join(d, "prepared.onnx")
        onnx.save(model, float_path)
        quant_pre_process(float_path, prepared, skip_symbolic_shape=True)
        quantize_static(prepared, path, Reader(), quant_format=QuantFormat.QDQ, per_channel=True, weight_type=QuantType.QInt8,
                        activation_type=QuantType.QUInt8 if a.activations == "u8" else QuantType.QInt8,
                        extra_options={"WeightSymmetric": True, "ActivationSymmetric": False})


def main():
    a = options()
    if a.qdq and a.dynamic_batch:
        sys.exit("generate.py: --qdq needs fixed sizes: leave out --dynamic-batch")
    os.makedirs(a.output, exist_ok=True)
    for name in a.network:
        path = os.path.join(a.output, name + ".onnx")
        model = build(name, a)
        if a.qdq:
            quantize(model, name, a, path)
        else:
            onnx.save(model, path)
        folder = os.path.join(a.output, name + "_inputs")
        os.makedirs(folder, exist_ok=True)
        for k in range(a.inputs):
            for tensor, value in make_input(name, Sizes(name, a.size, False, a.mask), k).items():
                np.save(os.path.join(folder, f"{k}_{tensor}.npy"), value)
        print(f"{path}: {len(model.graph.node)} nodes in float, {os.path.getsize(path)} bytes")


if __name__ == "__main__":
    main()
