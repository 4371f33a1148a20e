#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Trains the example network with numpy, writes it as ONNX and checks the file.

    OPENBLAS_NUM_THREADS=1 python3 examples/quickstart/train/train.py \
        --out examples/quickstart/digits.onnx
"""
from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np

from draw import TEST_SEED, TRAIN_SEED, draw
from export import export
from net import Net, softmax


class Adam:
    def __init__(self, net: Net, decay: float) -> None:
        self.slots = [(layer, key, np.zeros_like(value), np.zeros_like(value))
                      for layer in net.layers for key, value in layer.params.items()]
        self.decay, self.step_count = decay, 0

    def step(self, rate: float) -> None:
        self.step_count += 1
        fix1, fix2 = 1 - 0.9 ** self.step_count, 1 - 0.999 ** self.step_count
        for layer, key, m, v in self.slots:
            g, p = layer.grads[key], layer.params[key]
            m += 0.1 * (g - m)
            v += 0.001 * (g * g - v)
            p -= rate * (m / fix1) / (np.sqrt(v / fix2) + 1e-8)
            if key == "weight":
                p -= rate * self.decay * p


def to_float(images: np.ndarray) -> np.ndarray:
    return images[..., None].astype(np.float32) / np.float32(255)


def predict(net: Net, images: np.ndarray) -> np.ndarray:
    return np.concatenate([softmax(net.forward(to_float(images[i:i + 250])))
                           for i in range(0, len(images), 250)])


def train(net: Net, images: np.ndarray, labels: np.ndarray, epochs: int, batch: int,
          rate: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    adam = Adam(net, decay=0.01)
    per_epoch = len(images) // batch
    done, total, start = 0, epochs * per_epoch, time.time()
    for epoch in range(epochs):
        order, loss_sum = rng.permutation(len(images)), 0.0
        for i in range(per_epoch):
            chosen = order[i * batch:(i + 1) * batch]
            p = softmax(net.forward(to_float(images[chosen]), training=True))
            right = (np.arange(batch), labels[chosen])
            loss_sum += -float(np.log(p[right] + 1e-12).mean())
            p[right] -= 1
            net.backward(p / np.float32(batch))
            # Linear warm-up, then half a cosine.
            warm = min(1.0, (done + 1) / 100)
            adam.step(rate * warm * 0.5 * (1 + np.cos(np.pi * done / total)))
            done += 1
        print(f"epoch {epoch + 1}/{epochs} loss {loss_sum / per_epoch:.4f} "
              f"{time.time() - start:.0f}s", flush=True)


def check(path: Path, images: np.ndarray, expected: np.ndarray) -> float:
    """Largest difference between onnxruntime and our own forward pass."""
    import onnxruntime as ort
    session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    found = np.concatenate([session.run(None, {"image": x.transpose(2, 0, 1)[None]})[0]
                            for x in to_float(images)])
    return float(np.abs(found - expected).max())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--images", type=int, default=60000)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--batch", type=int, default=100)
    parser.add_argument("--rate", type=float, default=0.004)
    parser.add_argument("--seed", type=int, default=0, help="of the weights and the order")
    args = parser.parse_args()
    if not args.out.parent.is_dir():  # better now than after the training
        parser.error(f"no such folder: {args.out.parent}")
    if args.images < args.batch or args.batch < 1 or args.epochs < 1:
        parser.error("--images must be at least --batch, and all of them positive")

    images, labels = draw(args.images, TRAIN_SEED)
    net = Net(args.seed)
    print(f"{net.parameter_count()} parameters, {len(images)} images", flush=True)
    train(net, images, labels, args.epochs, args.batch, args.rate, args.seed)

    for name, count, seed in (("shipped test images", 300, TEST_SEED),
                              ("larger test set", 10000, 1000)):
        test_images, test_labels = draw(count, seed)
        p = predict(net, test_images)
        print(f"{name}: accuracy {(p.argmax(1) == test_labels).mean():.4f} of {count}")
    export(net, args.out)
    difference = check(args.out, test_images[:1000], p[:1000])
    print(f"{args.out}: {args.out.stat().st_size} bytes, "
          f"largest difference to onnxruntime {difference:.2e}")
    if difference > 1e-5:
        raise SystemExit("train: the exported network differs from the trained one")


if __name__ == "__main__":
    main()
