#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Instructions of the MLPerf Tiny networks on aarch64, counted in qemu-aarch64, per instruction set and per op.

    aarch64.py --bin TOOLS --source REPOSITORY --data DATA --work DIR [--network kws ...] [--types s8 s16 s4] [--json FILE]
               [--markdown FILE]

Types as of measure.py; for VWW and AD the quantizer is given made-up inputs, which serves for counting alone. The library
holds builds of reference, neon, neon_dot and i8mm; QNNX_ISA chooses. The plugin of measure.py (instruction_counter.c)
counts the instructions of every step, so the numbers repeat exactly. Output bytes must equal those of
this machine's library.
"""
from __future__ import annotations

import argparse
import collections
import json
import random
import re
import struct
import sys
from pathlib import Path

for folder in ("test", "test/firmware", "test/models"):
    sys.path.insert(0, str(Path(__file__).resolve().parents[2] / folder))
from commands import run  # noqa: E402
from inputs import CHANNELS, FLOAT, TYPES, calibration_list  # noqa: E402
from measure import NETWORKS  # noqa: E402
from real_models import host_program  # noqa: E402
from user_mode import counter_plugin  # noqa: E402

MADE_UP = {  # float file, numbers of an input, their range
    "vww": ("visual_wake_words/trained_models/vww_96_float.tflite", 96 * 96 * 3, 0, 1),
    "ad": ("anomaly_detection/trained_models/ad01_fp32.tflite", 640, -40, 20),
}
SETS = ("reference", "neon", "neon_dot", "i8mm")

def convert(args: argparse.Namespace, network: str, types: str, folder: Path) -> Path:
    file, quantize = NETWORKS[network], []
    if types != "s8":
        if network in MADE_UP:
            file, count, low, high = MADE_UP[network]
            generator, listing = random.Random(1), folder / "list.txt"
            values = [generator.uniform(low, high) for _ in range(count)]
            (folder / "input.raw").write_bytes(struct.pack(f"<{count}f", *values))
            listing.write_text(f"{folder / 'input.raw'}\n")
        else:
            file, listing = FLOAT[network], calibration_list(network, args.data, args.work / f"inputs_{network}")
        quantize = ["--input_list", listing, *TYPES[types], *CHANNELS]
    cpp = folder / "net.cpp"
    if not cpp.exists():
        run(args.bin / "qnnx-tflite-converter", "-i", args.data / "mlcommons+tiny/benchmark/training" / file, "-o", cpp, *quantize)
    return cpp


def measure(args: argparse.Namespace, network: str, types: str) -> dict:
    folder = args.work / f"{network}_{types}"
    folder.mkdir(parents=True, exist_ok=True)
    cpp = convert(args, network, types, folder)
    run(args.bin / "qnnx-model-lib-generator", "-c", cpp, "-b", cpp.with_suffix(".bin"), "-t", "aarch64-linux-gnu x86_64-linux-gnu",
        "--isa", ",".join(SETS), "-o", folder)
    run(args.work / "host", folder / "x86_64-linux-gnu/libnet.so", folder / "expected.raw")
    expected, layers, same = (folder / "expected.raw").read_bytes(), {}, True
    for isa in SETS:
        made = folder / f"output_{isa}.raw"
        printed = run("qemu-aarch64", "-cpu", "max", "-plugin", args.plugin, "-L", "/usr/aarch64-linux-gnu",
                      args.work / "host_aarch64", folder / "aarch64-linux-gnu/libnet.so", made, QNNX_ISA=isa)
        rows = re.findall(r"step (\w+) (-?\d+) (\d+)\ncount (\d+)", printed)
        layers[isa] = [{"op": t, "macs": int(m), "results": int(n), "instructions": int(k)} for t, m, n, k in rows]
        same = same and made.read_bytes() == expected
    return {"network": network, "types": types, "layers": layers, "same_bytes_as_host": same}


def table(results: list[dict]) -> str:
    """Million instructions of an inference; then per op, of an operation: of a multiply-accumulate, else of a result."""
    lines = ["| network | " + " | ".join(SETS) + " | fewer | host's bytes |", "|---|" + "---|" * (len(SETS) + 2)]
    sums = collections.defaultdict(collections.Counter)
    for r in results:
        total = {isa: sum(layer["instructions"] for layer in r["layers"][isa]) for isa in SETS}
        lines.append(f"| {r['network']} {r['types']} | " + " | ".join(f"{total[isa] / 1e6:.3f}" for isa in SETS) +
                     f" | {total['reference'] / total['i8mm']:.1f}x | {'same' if r['same_bytes_as_host'] else 'DIFFERENT'} |")
        for isa in SETS:
            for layer in r["layers"][isa]:
                key = (layer["op"], r["types"])
                sums[key][isa] += layer["instructions"]
                if isa == SETS[0]:
                    sums[key]["work"] += layer["macs"] if layer["macs"] > 0 else layer["results"]
    lines += ["", "| op | types | " + " | ".join(SETS) + " |", "|---|---|" + "---|" * len(SETS)]
    for (op, types), count in sorted(sums.items()):
        lines.append(f"| {op} | {types} | " + " | ".join(f"{count[isa] / max(count['work'], 1):.3f}" for isa in SETS) + " |")
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for option in ("bin", "source", "data", "work"):
        parser.add_argument(f"--{option}", type=Path, required=True)
    parser.add_argument("--network", nargs="+", default=list(NETWORKS), choices=list(NETWORKS))
    parser.add_argument("--types", nargs="+", default=["s8", "s16", "s4"], choices=["s8", *TYPES])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--markdown", type=Path)
    args = parser.parse_args()
    args.work, args.source, args.bin = args.work.resolve(), args.source.resolve(), args.bin.resolve()
    args.work.mkdir(parents=True, exist_ok=True)
    args.plugin = counter_plugin(args.source, args.work)
    for compiler, name in (("gcc", "host"), ("aarch64-linux-gnu-gcc", "host_aarch64")):
        host_program(args.source, compiler, args.work / name, "-DQNNX_STEPS")
    results = []
    for types in args.types:
        for network in args.network:
            results.append(measure(args, network, types))
            text = table(results)
            if args.json:
                args.json.write_text(json.dumps(results))
            if args.markdown:
                args.markdown.write_text(text)
            print(text.splitlines()[1 + len(results)], flush=True)
    return 0 if all(r["same_bytes_as_host"] for r in results) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (RuntimeError, OSError) as e:
        print(f"aarch64: {e}", file=sys.stderr)
        sys.exit(1)
