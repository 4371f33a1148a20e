#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares the fixed-point front end with a floating-point one in numpy, written from the published definition.

    check_features.py --source REPOSITORY --work DIR [--seeds 4] [--bound 0.01]

Builds features.cpp, lets it make sounds and features, computes the features of the same samples in double precision
(numpy's FFT; window, mel matrix and cosine transform as tf.signal defines them, with MLPerf Tiny's settings), and prints
the largest and the root-mean-square difference. Beside the sounds: silence, the softest tone, full scale, one impulse.
Ends with 1 above the bound, with 77 where numpy or a compiler is absent.
"""
from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

try:
    import numpy as np
except ImportError:
    print("skipped: numpy is not installed")
    sys.exit(77)

RATE, WINDOW, STRIDE, POINTS, MELS, COEFFICIENTS = 16000, 480, 320, 512, 40, 10


def mel(hz: np.ndarray) -> np.ndarray:
    return 1127.0 * np.log(1.0 + hz / 700.0)


def mel_matrix(low: float = 20.0, high: float = 4000.0) -> np.ndarray:
    """tf.signal.linear_to_mel_weight_matrix: [257, 40], triangles in mel, the constant part left out."""
    edges = np.linspace(mel(np.array(low)), mel(np.array(high)), MELS + 2)
    at = mel(np.linspace(0.0, RATE / 2, POINTS // 2 + 1))[1:, None]
    rising = (at - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - at) / (edges[2:] - edges[1:-1])
    return np.pad(np.maximum(0.0, np.minimum(rising, falling)), ((1, 0), (0, 0)))


def features(samples: np.ndarray) -> np.ndarray:
    """49 x 10 coefficients of a second of int16 samples."""
    x = samples.astype(np.float64)
    x = x / max(x.max(), 1.0)
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)
    starts = range(0, RATE - WINDOW + 1, STRIDE)
    spectrum = np.abs(np.fft.rfft(np.stack([x[s:s + WINDOW] * hann for s in starts]), POINTS))
    levels = np.log(spectrum @ mel_matrix() + 1e-6)
    k, m = np.arange(COEFFICIENTS)[:, None], np.arange(MELS)[None]
    transform = 2 * np.cos(np.pi * k * (m + 0.5) / MELS) / np.sqrt(2.0 * MELS)
    return levels @ transform.T


def extremes() -> dict[str, np.ndarray]:
    t = np.arange(RATE)
    impulse = np.zeros(RATE)
    impulse[7777] = 32767
    return {"silence": np.zeros(RATE), "softest": np.round(1.4 * np.sin(t * 0.3)), "square": np.where(t // 8 % 2, 32767, -32768),
            "sine": np.round(32767 * np.sin(t * 0.4)), "impulse": impulse,
            "noise": np.random.default_rng(1).integers(-32768, 32768, RATE)}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--source", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--bound", type=float, default=0.01)
    args = parser.parse_args()
    if not shutil.which("g++"):
        print("skipped: g++ is not installed")
        return 77
    here, sounds = args.source / "examples/kws", args.work / "sounds"
    shutil.rmtree(sounds, ignore_errors=True)
    sounds.mkdir(parents=True)
    subprocess.run(["g++", "-std=c++20", "-O2", here / "features.cpp", "-o", args.work / "features"], check=True)
    subprocess.run([args.work / "features", sounds, "0", str(args.seeds)], check=True)
    for name, samples in extremes().items():
        samples.astype(np.int16).tofile(sounds / f"{name}.pcm")
        subprocess.run([args.work / "features", sounds / f"{name}.pcm"], check=True)
    worst, total, count = 0.0, 0.0, 0
    for path in sorted(sounds.glob("*.pcm")):
        found = np.fromfile(path.with_suffix(".q16"), np.int32).reshape(-1, COEFFICIENTS) / 65536
        wanted = features(np.fromfile(path, np.int16))
        if found.shape != wanted.shape:
            print(f"{path.name}: {found.shape} features, expected {wanted.shape}")
            return 1
        difference = np.abs(found - wanted)
        if difference.max() > args.bound:
            print(f"{path.name}: differs by {difference.max():.4f}")
        worst, total, count = max(worst, difference.max()), total + (difference ** 2).sum(), count + difference.size
    print(f"{count} coefficients of {count // 490} sounds: largest difference {worst:.5f}, rms {np.sqrt(total / count):.6f}, bound {args.bound}")
    return 0 if count and worst <= args.bound else 1


if __name__ == "__main__":
    sys.exit(main())
