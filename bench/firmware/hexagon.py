#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Instructions of the MLPerf Tiny networks on Hexagon v67: kernels with HVX against the same code without.

    hexagon.py --bin TOOLS --source REPOSITORY --data DATA --work DIR [--network kws ...] [--types s8 q8 s16 s4]
               [--optimize 2] [--layers] [--json FILE] [--markdown FILE]

Types: s8 is the int8 file as it is shipped (TFLite's rounding); q8 (8-bit data and weights), s16 (16-bit data, 8-bit
weights) and s4 (8-bit data, 4-bit weights) are made from the float file by our quantizer, which rounds to nearest even,
for KWS and IC, with the inputs of inputs.py.

Each network is converted, built twice (with the target's kernels, and with `--isa reference`: scalar code by the same
compiler) and run in qemu-hexagon, which counts executed instructions and packets (groups of up to four instructions that
issue together); the counts repeat exactly. The output bytes of five inputs are compared between both builds and with the
host's. Ends with 1 where they differ, with 77 where compiler or emulator are absent.
"""
from __future__ import annotations

import argparse
import itertools
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

for folder in ("test", "test/firmware", "bench/firmware"):
    sys.path.insert(0, str(Path(__file__).resolve().parents[2] / folder))
from commands import run  # noqa: E402
from cortex_m import RUNS, expected_hashes  # noqa: E402
from inputs import CHANNELS, FLOAT, TYPES as MADE, calibration_list  # noqa: E402
from measure import NETWORKS, build, program  # noqa: E402
from user_mode import USER, needs, run_user  # noqa: E402

TARGET = "hexagon-v67"
COUNTERS = {"instructions": 21, "packets": 20}
TYPES = {"q8": ["--act_bitwidth", "8", "--weights_bitwidth", "8"], **MADE}


def numbers(key: str, text: str) -> list[int]:
    return [int(n) for n in re.findall(rf"^{key} (\d+)", text, re.M)]


def counts(args: argparse.Namespace, cpp: Path, isa: str) -> dict:
    """One build: instructions and packets of an inference, of each layer, hashes, sizes."""
    name, here = cpp.stem, cpp.parent / isa
    shutil.rmtree(here, ignore_errors=True)
    own = ["--isa", "reference"] if isa == "reference" else []
    report = run(args.bin / "qnnx-model-lib-generator", "-c", cpp, "-b", cpp.with_suffix(".bin"), "-t", TARGET, "--optimize", args.optimize,
                 "-o", here, *own)
    lib = here / TARGET
    header = (lib / f"{name}.h").read_text()
    found: dict = {"report": report.strip().split(": ", 1)[-1]}
    for counter, number in COUNTERS.items():
        for kind in ("run", "layers"):
            main = here / f"{kind}.cpp"
            main.write_text(program(name, header, kind == "layers"))
            build(args, TARGET, main, [lib / f"lib{name}.a"], here / kind,
                  [f"-DQNNX_COUNTER={number}", f"-I{lib}", f"-I{args.source / 'include'}"])
            printed = run_user(TARGET, here / kind)
            if kind == "run":
                found[counter], found["hashes"] = max(numbers("ticks", printed)), numbers("hash", printed)
                found["arena"], found["stack"] = numbers("arena", printed)[0], max(numbers("stack", printed))
            else:
                layers = re.findall(r"^(\w+) macs (\d+)\nlayer (\d+)", printed, re.M)
                found[f"layer {counter}"] = [{"type": t, "macs": int(m), "count": int(n)} for t, m, n in layers]
                found["same by layers"] = numbers("hash", printed) == found["hashes"]
    return found


def measure(args: argparse.Namespace, network: str, types: str) -> dict:
    file, quantize = NETWORKS[network], []
    if types != "s8":
        file = FLOAT[network]
        listing = calibration_list(network, args.data, args.work / f"inputs_{network}")
        quantize = ["--input_list", listing, *TYPES[types], *CHANNELS]
    model = args.data / "mlcommons+tiny" / "benchmark" / "training" / file
    if not model.exists():
        raise RuntimeError(f"network {network}: no file {file} in the data folder")
    network = network if types == "s8" else f"{network}_{types}"
    folder = args.work / network
    folder.mkdir(parents=True, exist_ok=True)
    cpp = folder / f"{network}.cpp"
    run(args.bin / "qnnx-tflite-converter", "-i", model, "-o", cpp, *quantize)
    builds = {isa: counts(args, cpp, isa) for isa in ("reference", "hvx")}
    header = (folder / "hvx" / TARGET / f"{network}.h").read_text()
    expected = expected_hashes(args.bin, cpp, folder / "host", header, "reference")
    same = all(b["hashes"] == expected and len(expected) == RUNS and b["same by layers"] for b in builds.values())
    return {"network": network, "macs": int(re.search(r"_MACS (\d+)", header).group(1)), "same_bytes_as_host": same, **builds}


def table(rows: list[dict]) -> str:
    lines = ["| network | million MACs | scalar: million instructions | packets | HVX: million instructions | packets | fewer instructions | fewer packets | host's bytes |",
             "|---|---|---|---|---|---|---|---|---|"]
    for r in rows:
        a, b = r["reference"], r["hvx"]
        million = lambda n: f"{n / 1e6:.3f}"  # noqa: E731
        lines.append(f"| {r['network']} | {million(r['macs'])} | {million(a['instructions'])} | {million(a['packets'])} | {million(b['instructions'])} | "
                     f"{million(b['packets'])} | {a['instructions'] / b['instructions']:.1f}x | {a['packets'] / b['packets']:.1f}x | "
                     f"{'same' if r['same_bytes_as_host'] else 'DIFFER'} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for option in ("bin", "source", "work", "data"):
        parser.add_argument(f"--{option}", type=lambda s: Path(s).resolve(), required=True)
    parser.add_argument("--network", nargs="+", choices=NETWORKS, default=list(NETWORKS))
    parser.add_argument("--types", nargs="+", choices=("s8", *TYPES), default=["s8"])
    parser.add_argument("--optimize", choices=("s", "2", "3"), default="2")
    parser.add_argument("--layers", action="store_true", help="print the layers too")
    for option in ("json", "markdown"):
        parser.add_argument(f"--{option}", type=Path)
    args = parser.parse_args()
    for tool in needs(TARGET):
        if not shutil.which(tool):
            print(f"skipped: {tool} is not installed")
            return 77
    rows = []
    for network, types in itertools.product(args.network, args.types):
        if types != "s8" and network not in FLOAT:
            continue
        row = measure(args, network, types)
        rows.append(row)
        print(table([row]).splitlines()[-1], flush=True)
        print(f"    {row['hvx']['report']}")
        if args.layers:
            for k, (a, b) in enumerate(zip(row["reference"]["layer instructions"], row["hvx"]["layer instructions"])):
                print(f"    {k:3} {a['type']:18} macs {a['macs']:9} scalar {a['count']:10} HVX {b['count']:8} {a['count'] / max(b['count'], 1):6.1f}x")
    facts = {"commit": subprocess.run(["git", "-C", str(args.source), "describe", "--always", "--dirty"], capture_output=True, text=True).stdout.strip(),
             "compiler": run(USER[TARGET][0][0], "--version").splitlines()[0], "optimize": "O" + args.optimize, "rows": rows}
    if args.json:
        args.json.write_text(json.dumps(facts, indent=1) + "\n")
    if args.markdown:
        args.markdown.write_text(f"Commit {facts['commit']}, {facts['compiler']}, -{facts['optimize']}.\n\n{table(rows)}")
    return 0 if all(r["same_bytes_as_host"] for r in rows) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (RuntimeError, OSError, AttributeError) as e:
        print(f"hexagon: {e}", file=sys.stderr)
        sys.exit(1)
