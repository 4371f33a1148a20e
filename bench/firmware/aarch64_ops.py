#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Instructions of single ops on aarch64, with the kernels of each instruction set and with the reference, in qemu-aarch64.

    aarch64_ops.py --bin TOOLS --source REPOSITORY --work DIR [--isa reference neon neon_dot i8mm] [--markdown FILE]

As ops.py, of what the networks of aarch64.py have not: one net holds the ops side by side (8x8x32 images), an archive for
aarch64-none-elf is made with each set, and instruction_counter.c counts every layer. The outputs of all must be equal.
"""
from __future__ import annotations

import argparse
import random
import re
import shutil
import subprocess
import sys
from pathlib import Path

for folder in ("test", "test/firmware", "bench/firmware"):
    sys.path.insert(0, str(Path(__file__).resolve().parents[2] / folder))
from commands import run  # noqa: E402
from cortex_m import helpers, port_calls, ports  # noqa: E402
from ops import write_files  # noqa: E402
from user_mode import count_user, counter_plugin, link_user, needs  # noqa: E402

TARGET = "aarch64-none-elf"
W, V = "quantized<ufixed<8>>(0.01f, -128)", "quantized<ufixed<8>>(0.01f, -117)"  # weights without and with an offset
# Label, rounding, C++ of the node named "N": x and z images of u8 (E), i of s8, h of s16, m a matrix; weights as `b.weight`.
OPS = [
    ("ElementWiseBinary, multiply", "rne", "b.add<op::elementwise_binary>(N, {x, z}, {.operation = op::binary::multiply}, F)"),
    ("Conv2d 3x3, 4 groups", "rne", "b.conv2d(N, i, {.kernel = {3, 3}, .channels = 32, .pad = same, .group = 4, .bias = false, .weight_scale = 0.01f}, G)"),
    ("Conv2d 1x1, unsigned weights", "rne", f"b.add<op::conv2d>(N, {{x, b.weight(N_w, {{1, 1, 32, 32}}, {W})}}, {{}}, F)"),
    ("Conv2d 1x1, weights with an offset", "rne", f"b.add<op::conv2d>(N, {{x, b.weight(N_w, {{1, 1, 32, 32}}, {V})}}, {{}}, F)"),
    ("FullyConnected, weights with an offset", "rne", f"b.add<op::fully_connected>(N, {{x, b.weight(N_w, {{64, 2048}}, {V})}}, {{}}, F)"),
    ("DepthWiseConv2d 3x3, multiplier 2", "rne",
     "b.depthwise_conv2d(N, i, {.kernel = {3, 3}, .channels = 64, .pad = same, .bias = false, .weight_scale = 0.01f}, G)"),
    ("DepthWiseConv2d 3x3, weights with an offset", "rne",
     f"b.add<op::depthwise_conv2d>(N, {{x, b.weight(N_w, {{3, 3, 1, 32}}, {V})}}, {{.pad_amount = {{1, 1, 1, 1}}}}, F)"),
    ("MatMul 32x64 times 64x32, computed", "rne", "b.add<op::matmul>(N, {m, n}, {}, F)"),
    ("MatMul 32x64 times 32x64, transposed, computed", "rne", "b.add<op::matmul>(N, {m, m}, {.transpose_in1 = true}, F)"),
    ("ReduceMean h, w", "rne", "b.add<op::reduce_mean>(N, {x}, {.axes = {1, 2}}, F)"),
    ("ReduceMean c", "rne", "b.add<op::reduce_mean>(N, {x}, {.axes = {3}}, F)"),
    ("ReduceMean h, w of 16 bits", "rne", "b.add<op::reduce_mean>(N, {h}, {.axes = {1, 2}}, C)"),
    ("Gelu of 16 bits", "rne", "b.add<op::gelu>(N, {h}, {}, C)"),
    ("Softplus of 16 bits", "rne", "b.add<op::elementwise_softplus>(N, {h}, {}, C)"),
    ("Sigmoid of 16 bits, TFLite's", "tflite", "b.add<op::sigmoid>(N, {h}, {}, C)"),
    ("Tanh of 16 bits, TFLite's", "tflite", "b.add<op::tanh>(N, {h}, {}, C)"),
]

TENSORS = """    const element E = quantized<ufixed<8>>(0.05f, -128), F = quantized<ufixed<8>>(0.07f, -126), G = quantized<sfixed<8>>(0.07f, 2);
    const element C = quantized<sfixed<16>>(1.0f / 32768, 0);
    [[maybe_unused]] const auto x = b.input("x", {1, 8, 8, 32}, E), z = b.input("z", {1, 8, 8, 32}, E);
    [[maybe_unused]] const auto i = b.input("i", {1, 8, 8, 32}, quantized<sfixed<8>>(0.05f, 3));
    [[maybe_unused]] const auto h = b.input("h", {1, 8, 8, 32}, quantized<sfixed<16>>(1.0f / 4096, 0));
    [[maybe_unused]] const auto m = b.input("m", {32, 64}, E), n = b.input("n", {64, 32}, F);
"""


def write_net(folder: Path, rounding: str) -> list[tuple[str, str]]:
    """ops.cpp and ops.bin; the rows: label, name of the node."""
    rows, body, weights, dice = [], "", [], random.Random(1)
    for k, (label, policy, code) in enumerate(OPS):
        if policy != rounding:
            continue
        name = f"n{k}"
        shape = re.search(r"b\.weight\(N_w, \{([\d, ]+)\}", code)
        layer = {"Conv2d 3x3, 4 groups": 3 * 3 * 8 * 32, "DepthWiseConv2d 3x3, multiplier 2": 3 * 3 * 64}.get(label)
        if shape or layer:
            count = layer or 1
            for n in (shape[1].split(",") if shape else []):
                count *= int(n)
            weights.append((f"{name}_w" if shape else f"{name}_weight", bytes(dice.randrange(256) for _ in range(count))))
        body += "    b.output(" + code.replace("N_w", f'"{name}_w"').replace("(N,", f'("{name}",') + ");\n"
        rows.append((label, name))
    write_files(folder, rounding, TENSORS + body, weights)
    return rows


def program(header: str) -> str:
    upper = re.search(r"#define (\w+)_ARENA_BYTES", header).group(1)
    fill, hashed = port_calls(ports(header, upper, "input"), ports(header, upper, "output"))
    return f"""#include "ops.h"
#include "qnnx/model/abi.h"
extern "C" const qnnx_model* ops_get(void);
{helpers(upper)}extern "C" int app_main() {{
  std::uint32_t h = 2166136261u;
{fill}  const qnnx_model* m = ops_get();
  for (int i = 0; i < m->step_count; ++i) {{
    board::start_timer();
    m->run_step(arena, m->weights, nullptr, i);
    const auto t = static_cast<std::uint32_t>(board::ticks());
    board::print(m->steps[i].name);
    board::print("\\n");
    board::print("ticks", t);
  }}
{hashed}  board::print("hash", h);
  return 0;
}}
"""


def measure(args: argparse.Namespace, folder: Path, isa: str, plugin: Path) -> tuple[dict[str, int], int]:
    here = folder / isa
    shutil.rmtree(here, ignore_errors=True)
    run(args.bin / "qnnx-model-lib-generator", "-c", folder / "ops.cpp", "-b", folder / "ops.bin", "-t", TARGET, "--optimize", "2", "--isa", isa, "-o", here)
    lib = here / TARGET
    (here / "main.cpp").write_text(program((lib / "ops.h").read_text()))
    link_user(args.source, TARGET, [here / "main.cpp"], [lib / "libops.a"], here / "ops.elf", ["-DQNNX_COUNTED", f"-I{lib}", f"-I{args.source / 'include'}"])
    printed = count_user(TARGET, here / "ops.elf", plugin)
    return {name: int(n) for name, n in re.findall(r"^(n\d+)\nticks (\d+)", printed, re.M)}, int(re.search(r"hash (\d+)", printed)[1])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for option in ("bin", "source", "work"):
        parser.add_argument(f"--{option}", type=lambda s: Path(s).resolve(), required=True)
    parser.add_argument("--isa", nargs="+", choices=("reference", "neon", "neon_dot", "i8mm"), default=["reference", "neon", "neon_dot", "i8mm"])
    parser.add_argument("--markdown", type=Path)
    args = parser.parse_args()
    missing = [t for t in needs(TARGET) if not shutil.which(t)]
    if missing:
        print(f"skipped: {', '.join(missing)} not installed")
        return 77
    plugin, good = counter_plugin(args.source, args.work), True
    lines = ["| op | " + " | ".join(args.isa) + " |", "|---|" + "---|" * len(args.isa)]
    for rounding in ("rne", "tflite"):
        folder = args.work / rounding
        folder.mkdir(parents=True, exist_ok=True)
        rows = write_net(folder, rounding)
        results = [measure(args, folder, isa, plugin) for isa in args.isa]
        good = good and all(r[1] == results[0][1] for r in results)
        print(f"{rounding}: {'same outputs' if all(r[1] == results[0][1] for r in results) else 'outputs DIFFER'}", flush=True)
        lines += [f"| {label} | " + " | ".join(f"{r[0][name] / 1000:.1f}" for r in results) + " |" for label, name in rows]
    text = "\n".join(lines) + "\n"
    print(text)
    if args.markdown:
        commit = subprocess.run(["git", "-C", str(args.source), "describe", "--always", "--dirty"], capture_output=True, text=True).stdout.strip()
        args.markdown.write_text(f"Commit {commit}, {run('aarch64-linux-gnu-g++', '--version').splitlines()[0]}, -O2.\n\n{text}")
    return 0 if good else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (RuntimeError, OSError, AttributeError) as e:
        print(f"aarch64_ops: {e}", file=sys.stderr)
        sys.exit(1)
