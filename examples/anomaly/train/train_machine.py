#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Trains the bundled autoencoder with numpy on good spectra of ../spectra.c, and writes it as ONNX.

    OPENBLAS_NUM_THREADS=1 python3 examples/anomaly/train/train_machine.py --out examples/anomaly/machine.onnx

64 bands -> 32 -> 8 -> 32 -> 64, decibels in and out: the normalization is folded into the first and the last layer.
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
from net import Dense, Relu  # noqa: E402
from train import Adam  # noqa: E402

BANDS = 64


class Autoencoder:
    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        widths = (BANDS, 32, 8, 32, BANDS)
        self.layers = []
        for k in range(4):
            self.layers.append(Dense(f"dense{k}", rng, widths[k], widths[k + 1]))
            if k < 3:
                self.layers.append(Relu(f"relu{k}"))

    def forward(self, x: np.ndarray) -> np.ndarray:
        for layer in self.layers:
            x = layer.forward(x, True)
        return x

    def backward(self, g: np.ndarray) -> None:
        for layer in reversed(self.layers):
            g = layer.backward(g)

    def fold(self, mean: float, deviation: float) -> None:
        """From normalized values to decibels on both sides."""
        first, last = self.layers[0].params, self.layers[-1].params
        first["bias"] = first["bias"] - mean / deviation * first["weight"].sum(0)
        first["weight"] = first["weight"] / np.float32(deviation)
        last["weight"], last["bias"] = last["weight"] * np.float32(deviation), last["bias"] * deviation + mean
        for p in (first, last):
            p.update({k: v.astype(np.float32) for k, v in p.items()})


def spectra(program: Path, first: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([program, folder, str(first), str(count), str(BANDS)], check=True)
        return tuple(np.stack([np.fromfile(f"{folder}/{kind}_{n}.raw", np.float32) for n in range(first, first + count)])
                     for kind in ("good", "broken"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--rate", type=float, default=0.004)
    args = parser.parse_args()
    if not args.out.parent.is_dir():
        parser.error(f"no such folder: {args.out.parent}")
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "spectra"
        subprocess.run(["gcc", "-O1", HERE.parent / "spectra.c", "-o", program], check=True)
        good, _ = spectra(program, 1000, 2000)
        test_good, test_broken = spectra(program, 100000, 500)
    mean, deviation = float(good.mean()), float(good.std())
    x = (good - mean) / np.float32(deviation)
    net, rng, batch = Autoencoder(0), np.random.default_rng(0), 50
    adam, steps = Adam(net, decay=0.0), len(x) // batch
    for epoch in range(args.epochs):
        order, loss = rng.permutation(len(x)), 0.0
        for i in range(steps):
            chosen = x[order[i * batch:(i + 1) * batch]]
            d = net.forward(chosen) - chosen
            loss += float((d ** 2).mean())
            net.backward(2 * d / np.float32(batch))
            adam.step(args.rate * 0.5 * (1 + np.cos(np.pi * (epoch * steps + i) / (args.epochs * steps))))
        if epoch % 10 == 9:
            print(f"epoch {epoch + 1}/{args.epochs} loss {loss / steps:.4f}", flush=True)
    net.fold(mean, deviation)
    scores = [((net.forward(t) - t) ** 2).mean(1) for t in (test_good, test_broken)]
    print(f"squared decibels of other seeds: good {scores[0].mean():.1f} (largest {scores[0].max():.1f}), "
          f"broken {scores[1].mean():.1f} (smallest {scores[1].min():.1f})")
    writer, value = Writer(), "input_1"
    for layer in net.layers:
        value = writer.layer(layer, value)
    writer.node("Identity", [value], "Identity")
    info = lambda name: onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, BANDS])  # noqa: E731
    graph = onnx.helper.make_graph(writer.nodes, "machine", [info("input_1")], [info("Identity")], writer.constants)
    model = onnx.helper.make_model(graph, producer_name="qnnx example", opset_imports=[onnx.helper.make_opsetid("", 13)], ir_version=7)
    onnx.checker.check_model(model, full_check=True)
    args.out.write_bytes(model.SerializeToString(deterministic=True))
    print(f"{args.out}: {args.out.stat().st_size} bytes")


if __name__ == "__main__":
    main()
