#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Whole networks with AMX's kernels on tiles in memory (emulated/): a library of the sets reference, avx512vnni and amx is
made with the test's tile instructions and a processor that permits them; loaded without a word it takes amx, and all three
give the same bytes. The library made with the real instructions takes avx512vnni where the processor has no tiles.

    tile_networks.py --bin TOOLS --source REPOSITORY --work DIR [MODEL.cpp ...]

Models: generated .cpp files with their .bin and _net.json beside them; without any, the bundled digit network, quantized to 8
bits. Ends with 77 where the processor has no AVX-512 with VNNI and VBMI.
"""
import argparse
import json
import math
import re
import shutil
import struct
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from commands import SKIP, random_bytes, run  # noqa: E402

SETS = "reference,avx512vnni,amx"
NEEDED = {"avx512_vnni", "avx512vbmi", "avx512bw", "avx512vl", "avx512dq"}
PERMITTED = "#pragma once\nnamespace qnnx {\ninline bool tiles_permitted() { return true; }\n}  // namespace qnnx\n"


def headers(source: Path, work: Path) -> Path:
    """The library's headers with the test's tile instructions in the place of its own."""
    test = source / "test/kernels_isa/emulated"
    shutil.copytree(source / "include/qnnx", work / "qnnx")
    shutil.copytree(test, work / "kernels_isa/emulated")
    shutil.copy(test / "qnnx/kernel/x86/tile_instructions.hpp", work / "qnnx/kernel/x86")
    (work / "qnnx/runtime/tile_permission.hpp").write_text(PERMITTED)
    return work


def inputs(net: Path, folder: Path, count: int = 4) -> Path:
    """A list of pseudo-random floats for the tensors that the application writes."""
    folder.mkdir(parents=True)
    tensors = {n: t for n, t in json.loads(net.read_text())["graph"]["tensors"].items() if t["type"] == 0}
    lines, state = [], 1
    for k in range(count):
        words = []
        for name, tensor in tensors.items():
            size = math.prod(tensor["dims"])
            state, data = random_bytes(state, size)
            file = folder / f"{k}_{len(words)}.raw"
            file.write_bytes(struct.pack(f"<{size}f", *(b / 32 - 4 for b in data)))
            words.append(f"{name}:={file}")
        lines.append(" ".join(words))
    (folder / "list.txt").write_text("\n".join(lines) + "\n")
    return folder / "list.txt"


def outputs(tools: Path, library: Path, listing: Path, folder: Path, isa: str = "") -> tuple[str, dict[str, bytes]]:
    """The set whose kernels ran, and every file of results."""
    said = run(tools / "qnnx-net-run", "--model", library, "--input_list", listing, "--output_dir", folder, "--log_level", "info", "--num_threads", 2, QNNX_ISA=isa)
    found = re.search(r"steps, kernels (\w+)", said)
    files = {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*.raw"))}
    if not found or not files:
        raise RuntimeError(f"{library} with QNNX_ISA='{isa}' did not say what it ran: {said[-300:]}")
    return found.group(1), files


def check(args: argparse.Namespace, model: Path, emulated: Path) -> list[str]:
    work = args.work / model.stem
    listing = inputs(model.with_name(model.stem + "_net.json"), work / "inputs")
    faults, results = [], {}

    def made(name: str, include: Path) -> Path:
        run(args.bin / "qnnx-model-lib-generator", "-c", model, "-b", model.with_suffix(".bin"), "--isa", SETS, "-l", "net", "-o", work / name, QNNX_INCLUDE=str(include))
        return work / name / "x86_64-linux-gnu/libnet.so"

    def ran(name: str, library: Path, isa: str, expected: str) -> None:
        kernels, results[name] = outputs(args.bin, library, listing, work / name.replace(" ", "_"), isa)
        if kernels != expected:
            faults.append(f"{model.stem}, {name}: kernels of {kernels}, not of {expected}")

    tiles, real = made("tiles", emulated), made("real", args.source / "include")
    ran("emulated, no word", tiles, "", "amx")
    for isa in SETS.split(","):
        ran(f"emulated, {isa}", tiles, isa, isa)
    ran("real", real, "", "amx" if "amx_int8" in flags() else "avx512vnni")
    faults += [f"{model.stem}, {name}: other bytes than the reference's" for name, files in results.items() if files != results["emulated, reference"]]
    print(f"{model.stem}: {len(results['real'])} files of results, {len(results)} runs, {len(faults)} faults")
    return faults


def flags() -> set[str]:
    return set(re.search(r"^flags\s*:(.*)$", Path("/proc/cpuinfo").read_text(), re.M).group(1).split())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    for name in ("--bin", "--source", "--work"):
        parser.add_argument(name, type=Path, required=True)
    parser.add_argument("models", nargs="*", type=Path, help="MODEL.cpp")
    args = parser.parse_args()
    args.bin, args.source, args.work = args.bin.resolve(), args.source.resolve(), args.work.resolve()
    if not NEEDED <= flags():
        print("skipped: this processor lacks " + ", ".join(sorted(NEEDED - flags())))
        return SKIP
    shutil.rmtree(args.work, ignore_errors=True)
    args.work.mkdir(parents=True)
    if not args.models:
        run(sys.executable, args.source / "examples/quickstart/unpack_data.py", "--out", args.work / "data")
        run(args.bin / "qnnx-onnx-converter", "-i", args.source / "examples/quickstart/digits.onnx", "-o", args.work / "digits.cpp", "--input_list",
            args.work / "data/calibration_list.txt", "--use_per_channel_quantization", "--bias_bitwidth", "32")
        args.models = [args.work / "digits.cpp"]
    emulated = headers(args.source, args.work / "include")
    faults = [f for model in args.models for f in check(args, model.resolve(), emulated)]
    print("\n".join(faults))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
