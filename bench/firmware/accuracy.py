#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Accuracy of the 16-bit and 4-bit forms of KWS and IC beside int8 and float.

    accuracy.py --bin TOOLS --data DATA --work DIR [--network kws ic] [--types s8 s8q s16 s4] [--count 1000]

Types as of measure.py; s8q: 8 bits from the float file by our quantizer. Every tenth input calibrates, the other nine
tenths are scored, on the host: firmware gives the same bytes (measure.py, test/firmware). Float results are LiteRT's.
Printed: share of images with the right class (IC alone has labels), share of inputs with the float net's class, and the
ratio of signal to noise of the outputs, sum y^2 / sum (y - float)^2 over all outputs, in dB.
"""
from __future__ import annotations

import argparse
import math
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "test"))
from commands import SKIP, run  # noqa: E402
from inputs import CHANNELS, FLOAT, TYPES, calibration_list, make_inputs  # noqa: E402
from measure import NETWORKS  # noqa: E402

OPTIONS = dict(TYPES, s8q=["--act_bitwidth", "8", "--weights_bitwidth", "8"])


def float_outputs(model: Path, files: list[str]) -> list:
    import numpy as np
    from ai_edge_litert.interpreter import Interpreter
    net = Interpreter(str(model))
    net.allocate_tensors()
    where, out = net.get_input_details()[0], net.get_output_details()[0]
    results = []
    for file in files:
        net.set_tensor(where["index"], np.fromfile(file, np.float32).reshape(where["shape"]))
        net.invoke()
        results.append(net.get_tensor(out["index"]).reshape(-1).copy())
    return results


def outputs(args: argparse.Namespace, network: str, types: str, calibration: Path, scored: Path) -> list:
    """Of the network converted with these types, as floats."""
    import numpy as np
    training = args.data / "mlcommons+tiny" / "benchmark" / "training"
    folder = args.work / f"{network}_{types}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    cpp = folder / f"{network}.cpp"
    if types == "s8":
        run(args.bin / "qnnx-tflite-converter", "-i", training / NETWORKS[network], "-o", cpp)
    else:
        run(args.bin / "qnnx-tflite-converter", "-i", training / FLOAT[network], "-o", cpp, "--input_list", calibration,
            *OPTIONS[types], *CHANNELS)
    run(args.bin / "qnnx-model-lib-generator", "-c", cpp, "-b", cpp.with_suffix(".bin"), "-t", "x86_64-linux-gnu", "-o", folder)
    run(args.bin / "qnnx-net-run", "--model", folder / "x86_64-linux-gnu" / f"lib{network}.so", "--backend", "cpu",
        "--input_list", scored, "--output_dir", folder / "out")
    count = len(scored.read_text().split())
    return [np.fromfile(next((folder / "out" / f"Result_{k}").glob("*.raw")), np.float32) for k in range(count)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for option in ("bin", "data", "work"):
        parser.add_argument(f"--{option}", type=lambda s: Path(s).resolve(), required=True)
    parser.add_argument("--network", nargs="+", choices=FLOAT, default=list(FLOAT))
    parser.add_argument("--types", nargs="+", choices=("s8", *OPTIONS), default=["s8", "s8q", "s16", "s4"])
    parser.add_argument("--count", type=int, default=1000)
    args = parser.parse_args()
    try:
        import numpy as np
        import ai_edge_litert  # noqa: F401
    except ImportError as e:
        print(f"skipped: Python has no {e.name}")
        return SKIP
    print("| network | types | right class | float's class | SNR dB |\n|---|---|---|---|---|")
    for network in args.network:
        folder = args.work / f"inputs_{network}_{args.count}"
        files = make_inputs(network, args.data, folder, args.count).read_text().split()
        calibration = calibration_list(network, args.data, folder, args.count)
        keep = [k for k in range(len(files)) if k % 10]
        scored = folder / "scored.txt"
        scored.write_text("".join(f"{files[k]}\n" for k in keep))
        labels = [int(n) for n in (folder / "labels.txt").read_text().split()] if network == "ic" else None
        real = float_outputs(args.data / "mlcommons+tiny" / "benchmark" / "training" / FLOAT[network], [files[k] for k in keep])

        def row(name: str, results: list) -> None:
            right = "" if labels is None else f"{100 * sum(int(np.argmax(y)) == labels[k] for y, k in zip(results, keep)) / len(keep):.1f} %"
            same = sum(int(np.argmax(y)) == int(np.argmax(f)) for y, f in zip(results, real))
            noise = sum(float(np.sum((y.astype(np.float64) - f) ** 2)) for y, f in zip(results, real))
            signal = sum(float(np.sum(f.astype(np.float64) ** 2)) for f in real)
            snr = f"{10 * math.log10(signal / noise):.1f}" if noise > 0 else ""
            print(f"| {network} | {name} | {right} | {100 * same / len(keep):.1f} % | {snr} |", flush=True)

        row("float", real)
        classes = len({int(np.argmax(f)) for f in real})
        for types in args.types:
            row(types, outputs(args, network, types, calibration, scored))
        print(f"  {network}: {len(keep)} inputs scored, {classes} classes among the float net's answers", file=sys.stderr)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (RuntimeError, OSError, StopIteration) as e:
        print(f"accuracy: {e}", file=sys.stderr)
        sys.exit(1)
