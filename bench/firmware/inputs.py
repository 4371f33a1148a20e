# SPDX-License-Identifier: Apache-2.0
"""Inputs of the MLPerf Tiny networks with which their float files are calibrated, and the types they are stored with.

Image classification: CIFAR-10 images of the public data. Keyword spotting: no audio is among the public data, so the
inputs are made: ten cepstral coefficients over 49 frames that wander slowly inside the range of the shipped int8 model's
input (-123 .. 26), the first one low and wide, the higher ones narrow.
"""
from __future__ import annotations

import random
import struct
import sys
from pathlib import Path

for folder in ("test", "test/oracles"):
    sys.path.insert(0, str(Path(__file__).resolve().parents[2] / folder))
from commands import run, write_list  # noqa: E402

FLOAT = {
    "kws": "keyword_spotting/trained_models/kws_ref_model_float32.tflite",
    "ic": "image_classification/trained_models/pretrainedResnet.tflite",
}
TYPES = {  # options of the converter: bits of activations and weights, scales per channel
    "s16": ["--act_bitwidth", "16", "--weights_bitwidth", "8"],
    "s4": ["--act_bitwidth", "8", "--weights_bitwidth", "4", "--param_quantizer_calibration", "mse"],
}
CHANNELS = ["--use_per_channel_quantization", "true", "--use_per_row_quantization", "true"]


def speech_like(generator: random.Random) -> list[float]:
    """49 frames of ten coefficients."""
    values = [0.0] * 490
    for c in range(10):
        mean, spread = (-48.0, 28.0) if c == 0 else (generator.uniform(-2, 2), 9.0 / (1 + 0.35 * c))
        at = generator.gauss(0, 1)
        for t in range(49):
            at = 0.85 * at + 0.527 * generator.gauss(0, 1)  # variance 1
            values[10 * t + c] = max(-123.0, min(25.0, mean + spread * at))
    return values


def make_inputs(network: str, data: Path, folder: Path, count: int) -> Path:
    """`count` inputs as float32 files with their list; images with labels.txt beside it."""
    listing = folder / "input_list.txt"
    if listing.exists():
        return listing
    folder.mkdir(parents=True, exist_ok=True)
    if network == "ic":
        run(sys.executable, Path(__file__).resolve().parents[2] / "test" / "oracles" / "datasets.py", "cifar", "--shared", data,
            "--out", folder, "--count", count)
        return listing
    generator = random.Random(1)
    files = []
    for k in range(count):
        files.append(folder / f"{k:05}.raw")
        files[-1].write_bytes(struct.pack("<490f", *speech_like(generator)))
    listing.write_text("".join(f"{f}\n" for f in files))
    return listing


def calibration_list(network: str, data: Path, folder: Path, count: int = 1000, every: int = 10) -> Path:
    """Every tenth of the inputs; the others are for scoring."""
    lines = make_inputs(network, data, folder, count).read_text().splitlines()
    part = folder / "calibration.txt"
    part.write_text("".join(f"{line}\n" for line in lines[::every]))
    return part
