#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Instructions, flash and RAM of the MLPerf Tiny networks on firmware targets, counted in QEMU.

    measure.py --bin TOOLS --source REPOSITORY --data DATA --work DIR [--cpu cortex-m4 riscv64 ...] [--network kws ...]
               [--types s8 s16 s4] [--optimize s 2] [--isa_target reference] [--json FILE] [--markdown FILE]

Types: s8 is the int8 file as it is shipped; s16 (16-bit data, 8-bit weights) and s4 (8-bit data, 4-bit weights, two to a
byte) are made from the float file by our quantizer, for KWS and IC, with the inputs of inputs.py.

Per network, target and optimization level: converts, generates the archive, links it with the board of
examples/firmware, runs in QEMU, compares the output bytes with the host's. Instructions are per inference, and per layer
in a second program; the numbers repeat exactly. Cortex-M: SysTick under -icount. riscv32, riscv64, aarch64: a plugin of
QEMU's user mode (instruction_counter.c). Hexagon: qemu-hexagon's own counter. wasm32: node runs a
module that counts (wasm_counter.py).
Flash is what the model adds to an empty program, by category; RAM is the arena, other variables, and the deepest stack.
"""
from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

for folder in ("test", "test/firmware"):
    sys.path.insert(0, str(Path(__file__).resolve().parents[2] / folder))
from commands import run  # noqa: E402
import tflm  # noqa: E402
from cortex_m import CORES, RUNS, emulate, expected_hashes, helpers, link, port_calls, ports  # noqa: E402
from inputs import CHANNELS, FLOAT, TYPES, calibration_list  # noqa: E402
from user_mode import USER, count_user, counter_plugin, link_user, needs  # noqa: E402

NETWORKS = {
    "kws": "keyword_spotting/trained_models/kws_ref_model.tflite",
    "vww": "visual_wake_words/trained_models/vww_96_int8.tflite",
    "ic": "image_classification/trained_models/pretrainedResnet_quant.tflite",
    "ad": "anomaly_detection/trained_models/ad01_int8.tflite",
}
# TensorFlow Lite Micro with CMSIS-NN of August 2026, gcc 12.2, instructions in QEMU; its arena and .text on Cortex-M4.
TFLM = {
    "cortex-m4": {"kws": 7.70e6, "vww": 24.10e6, "ic": 29.87e6, "ad": 0.583e6},
    "cortex-m55": {"kws": 1.81e6, "vww": 6.56e6, "ic": 4.91e6, "ad": 0.286e6},
}
TFLM_ARENA = {"kws": 22820, "vww": 100708, "ic": 54996, "ad": 2580}
TFLM_TEXT = {"kws": 111588, "vww": 111588, "ic": 106444, "ad": 59484}

PAINT = """[[gnu::noinline]] static unsigned char* paint() {
  volatile unsigned char* p = (volatile unsigned char*)__builtin_frame_address(0) - 64;
  for (int i = 0; i < 16384; ++i) p[-i] = 0xa5;
  return (unsigned char*)p;
}
"""
DEEPEST = """    unsigned deep = 16383;
    while (deep > 0 && top[-(int)deep] == 0xa5) --deep;
    board::print("stack", deep + 64);
"""


def program(name: str, header: str, layers: bool) -> str:
    """The firmware's main: same inputs as test/firmware, the deepest stack, and either whole runs or single steps."""
    upper = re.search(r"#define (\w+)_ARENA_BYTES", header).group(1)
    inputs, outputs = ports(header, upper, "input"), ports(header, upper, "output")
    fill, hashed = port_calls(inputs, outputs)
    call = f"    {name}_infer(arena);\n"
    if layers:
        call = f"""    const qnnx_model* m = {name}_get();
    for (int i = 0; i < m->step_count; ++i) {{
      board::start_timer();
      m->run_step(arena, m->weights, nullptr, i);
      const std::uint32_t t = (std::uint32_t)board::ticks();
      if (k == 0) {{ board::print(m->steps[i].type); board::print(" macs", (std::uint32_t)m->steps[i].macs); board::print("layer", t); }}
    }}
"""
    return f"""#include "{name}.h"
#include "qnnx/model/abi.h"
extern "C" const qnnx_model* {name}_get(void);
{helpers(upper)}{PAINT}int main() {{
  board::print("arena", sizeof arena);
  for (int k = 0; k < {RUNS}; ++k) {{
{fill}    unsigned char* top = paint();
    board::start_timer();
{call}    board::print("ticks", (std::uint32_t)board::ticks());
{DEEPEST}    std::uint32_t h = 2166136261u;
{hashed}    board::print("hash", h);
  }}
  return 0;
}}
"""


SIZE = {"riscv32": "riscv64-unknown-elf-size", "riscv64": "riscv64-unknown-elf-size", "aarch64-none-elf": "aarch64-linux-gnu-size",
        "hexagon-v67": "llvm-size-14", "wasm32": "llvm-size-14"}
READ_ONLY = (".rodata", ".srodata", ".ARM.exidx", ".ARM.extab", ".eh_frame", "DATA")  # DATA: wasm's, with the variables
VARIABLES = (".data", ".sdata", ".bss", ".sbss")


def sections(elf: Path, cpu: str = "cortex-m4") -> dict[str, int]:
    """Bytes of each kind of section."""
    found: dict[str, int] = {}
    for name, size in re.findall(r"^(\.[\w.]+|CODE|DATA)\s+(\d+)", run(SIZE.get(cpu, "arm-none-eabi-size"), "-A", elf), re.M):
        kinds = {".text": ".text", "CODE": ".text"} | {n: ".rodata" for n in READ_ONLY} | {n: ".data" for n in VARIABLES}
        kind = next((k for n, k in kinds.items() if name == n or name.startswith(n + ".")), name)
        found[kind] = found.get(kind, 0) + int(size)
    return found


def build(args: argparse.Namespace, cpu: str, main: Path, archives: list[Path], elf: Path, includes: list[str]) -> None:
    """Links a program of program()."""
    if cpu in CORES:
        return link(args.source, cpu, main, archives, elf, includes)
    code = main.read_text().replace("int main()", 'extern "C" int app_main()')
    if cpu == "hexagon-v67":
        code = code.replace("paint() {\n", 'paint() {\n  asm volatile("" : : : "r31");  // else it has no frame of its own\n')
    main.write_text(code)
    link_user(args.source, cpu, [main], archives, elf, ["-DQNNX_COUNTED", *includes])


def execute(args: argparse.Namespace, cpu: str, elf: Path) -> str:
    return emulate(cpu, elf) if cpu in CORES else count_user(cpu, elf, args.plugin)


def measure(args: argparse.Namespace, network: str, types: str, cpu: str, level: str) -> dict:
    file, quantize = NETWORKS[network], []
    if types != "s8":
        file = FLOAT[network]
        listing = calibration_list(network, args.data, args.work / f"inputs_{network}")
        quantize = ["--input_list", listing, *TYPES[types], *CHANNELS]
    model = args.data / "mlcommons+tiny" / "benchmark" / "training" / file
    if not model.exists():
        raise RuntimeError(f"network {network}: no file {file} in the data folder")
    label = network if types == "s8" else f"{network} {types}"
    network = label.replace(" ", "_")
    folder = args.work / network
    folder.mkdir(parents=True, exist_ok=True)
    cpp = folder / f"{network}.cpp"
    if not cpp.exists():
        run(args.bin / "qnnx-tflite-converter", "-i", model, "-o", cpp, *quantize)
    here = folder / f"{cpu}_O{level}"
    shutil.rmtree(here, ignore_errors=True)
    run(args.bin / "qnnx-model-lib-generator", "-c", cpp, "-b", cpp.with_suffix(".bin"), "-t", cpu, "--optimize", level, "-o", here,
        *(["--isa", args.isa_target] if args.isa_target else []))
    lib = here / cpu
    header = (lib / f"{network}.h").read_text()
    includes = [f"-I{args.source / 'include'}"]
    elves = {}
    for kind in ("run", "layers"):
        (here / f"{kind}.cpp").write_text(program(network, header, kind == "layers"))
        elves[kind] = here / f"{kind}.elf"
        build(args, cpu, here / f"{kind}.cpp", [lib / f"lib{network}.a"], elves[kind], [f"-I{lib}", *includes])
    (here / "empty.cpp").write_text(re.sub(r"\w+_infer\(arena\);", "", program(network, header, False)))
    build(args, cpu, here / "empty.cpp", [], here / "empty.elf", [f"-I{lib}", *includes])
    printed, per_layer = (execute(args, cpu, elves[kind]) for kind in ("run", "layers"))
    per_tick = CORES[cpu][2] if cpu in CORES else 1.0
    number = lambda key, text: [int(n) for n in re.findall(rf"^{key} (\d+)", text, re.M)]  # noqa: E731
    host = folder / "expected.json"
    key = hashlib.sha256(cpp.read_bytes() + cpp.with_suffix(".bin").read_bytes()).hexdigest()
    known = json.loads(host.read_text()) if host.exists() else {}
    if known.get("key") != key:
        known = {"key": key, "hashes": expected_hashes(args.bin, cpp, folder / "host", header, args.isa)}
        host.write_text(json.dumps(known))
    same = number("hash", printed) == known["hashes"] == number("hash", per_layer)
    full, empty = sections(elves["run"], cpu), sections(here / "empty.elf", cpu)
    weights = int(re.search(r"_WEIGHT_BYTES (\d+)", header).group(1))
    instructions = int(max(number("ticks", printed)) * per_tick)
    layers = [{"type": t, "macs": int(m), "instructions": int(int(n) * per_tick)}
              for t, m, n in re.findall(r"^(\w+) macs (\d+)\nlayer (\d+)", per_layer, re.M)]
    peer, built = TFLM.get(cpu, {}).get(network), None
    if args.peer and types == "s8":
        built = tflm.measure(args.tree, model, network, cpu, args.source, args.work, PAINT, DEEPEST, sections, empty)
        built["same_bytes_as_host"] = built.pop("hashes") == known["hashes"]
        peer = built["instructions"]
    return {
        "network": label, "cpu": cpu, "optimize": "O" + level, "same_bytes_as_host": same, "instructions": instructions,
        "macs": int(re.search(r"_MACS (\d+)", header).group(1)), "tflm_instructions": int(peer) if peer else None,
        "ratio": round(instructions / peer, 3) if peer else None,
        "flash": {"code": full[".text"] - empty[".text"], "tables": full.get(".rodata", 0) - empty.get(".rodata", 0) - weights, "weights": weights},
        "ram": {"arena": number("arena", printed)[0], "stack": max(number("stack", printed)),
                "other": full.get(".data", 0) - empty.get(".data", 0)},
        "tflm_arena": TFLM_ARENA.get(network), "tflm_text": TFLM_TEXT.get(network), "layers": layers,
        "peer": built,
    }


def table(rows: list[dict]) -> str:
    lines = ["| network | core | flags | million instructions | TFLM | ratio | code | tables | weights | arena | stack | host's bytes |",
             "|---|---|---|---|---|---|---|---|---|---|---|---|"]
    for r in rows:
        peer = f"{r['tflm_instructions'] / 1e6:.3g}" if r["tflm_instructions"] else ""
        ratio = f"{r['ratio']:.2f}" if r["ratio"] else ""
        lines.append(f"| {r['network']} | {r['cpu']} | -{r['optimize']} | {r['instructions'] / 1e6:.3f} | {peer} | {ratio} | {r['flash']['code']} | "
                     f"{r['flash']['tables']} | {r['flash']['weights']} | {r['ram']['arena']} | {r['ram']['stack']} | "
                     f"{'same' if r['same_bytes_as_host'] else 'DIFFER'} |")
    return "\n".join(lines) + "\n"


def compiler_of(cpu: str) -> str:
    return USER[cpu][0][0] if cpu in USER else "arm-none-eabi-g++"


def beside(row: dict) -> str:
    """One line about the peer that was built, with our part of its figures."""
    peer = row["peer"]
    ours, theirs = (r["flash"]["code"] + r["flash"]["tables"] for r in (row, peer))
    return (f"{peer['name']}: {peer['instructions'] / 1e6:.3f} million instructions (ours {row['instructions'] / peer['instructions']:.3f} of it), "
            f"code and tables {theirs} ({ours / theirs:.3f}), model {peer['flash']['weights']} ({row['flash']['weights'] / peer['flash']['weights']:.3f}), "
            f"arena {peer['ram']['arena']} ({row['ram']['arena'] / peer['ram']['arena']:.3f}), stack {peer['ram']['stack']}, other RAM {peer['ram']['other']}, "
            f"{'same bytes as the host' if peer['same_bytes_as_host'] else 'other bytes than the host'}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for option in ("bin", "source", "work", "data"):
        parser.add_argument(f"--{option}", type=lambda s: Path(s).resolve(), required=True)
    parser.add_argument("--cpu", nargs="+", choices=(*CORES, *USER), default=["cortex-m4"], help="targets")
    parser.add_argument("--network", nargs="+", choices=NETWORKS, default=list(NETWORKS))
    parser.add_argument("--types", nargs="+", choices=("s8", *TYPES), default=["s8"], help="s16: 16-bit data; s4: 4-bit weights")
    parser.add_argument("--optimize", nargs="+", choices=("s", "2", "3"), default=["2"])
    parser.add_argument("--isa", default="reference", help="kernels of the host's library that the bytes are compared with")
    parser.add_argument("--isa_target", default="", help="kernels of the target: its own where nothing is said, or reference")
    parser.add_argument("--layers", action="store_true", help="print the layers too")
    parser.add_argument("--peer", choices=("tflm",), help="TensorFlow Lite Micro, built from --tflm and counted the same way")
    parser.add_argument("--tflm", type=lambda s: Path(s).resolve(), metavar="TREE", help="a tflite-micro source tree with its downloads")
    for option in ("json", "markdown"):
        parser.add_argument(f"--{option}", type=Path)
    args = parser.parse_args()
    if bool(args.peer) != bool(args.tflm):
        parser.error("--peer tflm and --tflm TREE belong together")
    args.tree = tflm.Tree(args.tflm) if args.peer else None
    for tool in {t for c in args.cpu for t in (needs(c) if c in USER else ("arm-none-eabi-g++", "qemu-system-arm"))}:
        if not shutil.which(tool):
            print(f"skipped: {tool} is not installed")
            return 77
    args.plugin = counter_plugin(args.source, args.work) if set(args.cpu) & set(USER) else None
    rows = []
    for network in args.network:
        for types, cpu, level in itertools.product(args.types, args.cpu, args.optimize):
            if types == "s8" or network in FLOAT:
                row = measure(args, network, types, cpu, level)
                rows.append(row)
                print(table([row]).splitlines()[-1], flush=True)
                if row["peer"]:
                    print("    " + beside(row), flush=True)
                if args.layers:
                    for k, layer in enumerate(row["layers"]):
                        per_mac = f"{layer['instructions'] / layer['macs']:.2f}/MAC" if layer["macs"] else ""
                        print(f"    {k:3} {layer['type']:18} {layer['instructions']:10} {per_mac}")
    facts = {"commit": subprocess.run(["git", "-C", str(args.source), "describe", "--always", "--dirty"], capture_output=True, text=True).stdout.strip(),
             "compiler": "; ".join(sorted({run(compiler_of(c), "--version").splitlines()[0] for c in args.cpu})), "rows": rows}
    if args.json:
        args.json.write_text(json.dumps(facts, indent=1) + "\n")
    if args.markdown:
        peers = "".join(f"\n- {r['network']}, {r['cpu']}, -{r['optimize']}: {beside(r)}" for r in rows if r["peer"])
        args.markdown.write_text(f"Commit {facts['commit']}, {facts['compiler']}.\n\n{table(rows)}{peers}\n")
    return 0 if all(r["same_bytes_as_host"] for r in rows) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (RuntimeError, OSError, AttributeError) as e:
        print(f"measure: {e}", file=sys.stderr)
        sys.exit(1)
