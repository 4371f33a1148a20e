#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Trains the bundled sound spotter with numpy on sounds and features of ../features.cpp, and writes it as ONNX.

    OPENBLAS_NUM_THREADS=1 python3 examples/kws/train/train_sounds.py --out examples/kws/sounds.onnx

A small relative of MLPerf Tiny's DS-CNN with its input (49 x 10) and the names of its tensors; layers, optimizer and
writer are the quickstart's. Training uses the fixed-point features: they are what the board will see.
"""
from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "quickstart/train"))
import onnx  # noqa: E402
from export import Writer  # noqa: E402
from net import BatchNorm, Conv, Dense, Depthwise, MeanPool, Relu, softmax  # noqa: E402
from train import Adam  # noqa: E402

KINDS = 6


class Spotter:
    """stem with stride 2 -> two depthwise-separable blocks -> classes."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.layers = [
            Conv("stem", rng, 1, 16, 3, stride=2), BatchNorm("stem_bn", 16), Relu("stem_relu"),
            Depthwise("dw1", rng, 16), BatchNorm("dw1_bn", 16), Relu("dw1_relu"),
            Conv("pw1", rng, 16, 24, 1), BatchNorm("pw1_bn", 24), Relu("pw1_relu"),
            Depthwise("dw2", rng, 24), BatchNorm("dw2_bn", 24), Relu("dw2_relu"),
            Conv("pw2", rng, 24, 24, 1), BatchNorm("pw2_bn", 24), Relu("pw2_relu"),
            MeanPool("mean"), Dense("dense", rng, 24, KINDS)]

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        for layer in self.layers:
            x = layer.forward(x, training)
        return x

    def backward(self, g: np.ndarray) -> None:
        for layer in reversed(self.layers):
            g = layer.backward(g)


def sounds(program: Path, first: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Features [n, 49, 10, 1] and kinds of seeds first to first + count of each kind."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([program, folder, str(first), str(count)], check=True)
        pairs = [(np.fromfile(f"{folder}/{kind}_{seed}.q16", np.int32) / 65536, kind)
                 for kind in range(KINDS) for seed in range(first, first + count)]
    return np.stack([f for f, _ in pairs]).reshape(-1, 49, 10, 1).astype(np.float32), np.array([k for _, k in pairs])


def train(net: Spotter, x: np.ndarray, labels: np.ndarray, epochs: int, rate: float, seed: int, batch: int = 50) -> None:
    rng, adam = np.random.default_rng(seed), Adam(net, decay=0.01)
    steps = len(x) // batch
    for epoch in range(epochs):
        order, loss = rng.permutation(len(x)), 0.0
        for i in range(steps):
            chosen = order[i * batch:(i + 1) * batch]
            p = softmax(net.forward(x[chosen], training=True))
            right = (np.arange(batch), labels[chosen])
            loss -= float(np.log(p[right] + 1e-12).mean())
            p[right] -= 1
            net.backward(p / np.float32(batch))
            adam.step(rate * 0.5 * (1 + np.cos(np.pi * (epoch * steps + i) / (epochs * steps))))
        print(f"epoch {epoch + 1}/{epochs} loss {loss / steps:.4f}", flush=True)


def export(net: Spotter, path: Path) -> None:
    writer, x = Writer(), "input_1"
    for layer in net.layers:
        x = writer.layer(layer, x)
    writer.node("Softmax", [x], "Identity", axis=1)
    value = lambda name, dims: onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, dims)  # noqa: E731
    graph = onnx.helper.make_graph(writer.nodes, "sounds", [value("input_1", [1, 1, 49, 10])], [value("Identity", [1, KINDS])], writer.constants)
    model = onnx.helper.make_model(graph, producer_name="qnnx example", opset_imports=[onnx.helper.make_opsetid("", 13)], ir_version=7)
    onnx.checker.check_model(model, full_check=True)
    path.write_bytes(model.SerializeToString(deterministic=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--sounds", type=int, default=400, help="of each kind")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--rate", type=float, default=0.01)
    args = parser.parse_args()
    if not args.out.parent.is_dir():
        parser.error(f"no such folder: {args.out.parent}")
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "features"
        subprocess.run(["g++", "-std=c++20", "-O2", HERE.parent / "features.cpp", "-o", program], check=True)
        x, labels = sounds(program, 1000, args.sounds)
        test_x, test_labels = sounds(program, 100000, 100)
    net = Spotter(0)
    train(net, x, labels, args.epochs, args.rate, 0)
    p = softmax(net.forward(test_x))
    print(f"accuracy {(p.argmax(1) == test_labels).mean():.4f} of {len(test_x)} sounds of other seeds")
    export(net, args.out)
    import onnxruntime
    session = onnxruntime.InferenceSession(str(args.out), providers=["CPUExecutionProvider"])
    found = np.concatenate([session.run(None, {"input_1": one.transpose(2, 0, 1)[None]})[0] for one in test_x])
    difference = float(np.abs(found - p).max())
    print(f"{args.out}: {args.out.stat().st_size} bytes, largest difference to onnxruntime {difference:.2e}")
    if difference > 1e-5:
        raise SystemExit("train: the exported network differs from the trained one")


if __name__ == "__main__":
    main()
