#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Instructions and code bytes of single ops on Cortex-M, with the target's kernels and with the reference, in QEMU.

    ops.py --bin TOOLS --source REPOSITORY --work DIR [--cpu cortex-m4 ...] [--rounding rne tflite] [--optimize 2] [--markdown FILE]

One net holds all ops side by side, each on tensors of its own type (8x8x32 images, rows of 64 for Softmax). It is built twice
for a core, with and without --isa reference, and run layer by layer with -icount: the counts repeat exactly. Code is
the op's own functions in the archive, for all its rows of a type; what they call (soft floats) is not in it. The outputs of both builds must be equal.
"""
from __future__ import annotations

import argparse
import io
import random
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

for folder in ("test", "test/firmware"):
    sys.path.insert(0, str(Path(__file__).resolve().parents[2] / folder))
from commands import run  # noqa: E402
from cortex_m import CORES, emulate, helpers, link, port_calls, ports  # noqa: E402

TYPES = {"u8": ("ufixed<8>", 1.0, -128), "s8": ("sfixed<8>", 1.0, 3), "s16": ("sfixed<16>", 1 / 256, 0)}
ROW, IMAGE = 64, (1, 8, 8, 32)
# Label, op of the functions, C++ of the node: N its name, x and z images, r a row of channels, s rows of 64, E the
# data's encoding, F another, P that of probabilities, C that of curves.
OPS = [
    ("PoolMax2d 2x2", "pool_max2d", "b.add<op::pool_max2d>(N, {x}, {.filter_size = {2, 2}, .stride = {2, 2}})"),
    ("PoolMax2d 2x2, other encoding", "pool_max2d", "b.add<op::pool_max2d>(N, {x}, {.filter_size = {2, 2}, .stride = {2, 2}}, F)"),
    ("PoolAvg2d 2x2", "pool_avg2d", "b.add<op::pool_avg2d>(N, {x}, {.filter_size = {2, 2}, .stride = {2, 2}})"),
    ("PoolAvg2d 3x3, padded", "pool_avg2d",
     "b.add<op::pool_avg2d>(N, {x}, {.filter_size = {3, 3}, .stride = {1, 1}, .pad_amount = {1, 1, 1, 1}}, F)"),
    ("ReduceMean h, w", "reduce_mean", "b.add<op::reduce_mean>(N, {x}, {.axes = {1, 2}}, F)"),
    ("ElementWiseAdd", "elementwise_add", "b.builder::add<op::elementwise_add>(N, {x, z}, {}, F)"),
    ("ElementWiseAdd, row", "elementwise_add", "b.builder::add<op::elementwise_add>(N, {x, r}, {}, F)"),
    ("ElementWiseSubtract", "elementwise_subtract", "b.add<op::elementwise_subtract>(N, {x, z}, {}, F)"),
    ("ElementWiseMultiply", "elementwise_multiply", "b.add<op::elementwise_multiply>(N, {x, z}, {}, F)"),
    ("ElementWiseMultiply, row", "elementwise_multiply", "b.add<op::elementwise_multiply>(N, {x, r}, {}, F)"),
    ("ElementWiseMaximum", "elementwise_maximum", "b.add<op::elementwise_maximum>(N, {x, x2})"),
    ("ElementWiseMinimum, other encodings", "elementwise_minimum", "b.add<op::elementwise_minimum>(N, {x, z}, {}, F)"),
    ("Relu", "relu", "b.add<op::relu>(N, {x}, {}, F)"),
    ("Sigmoid", "sigmoid", "b.add<op::sigmoid>(N, {x}, {}, C)"),
    ("Tanh", "tanh", "b.add<op::tanh>(N, {x}, {}, C)"),
    ("HardSwish", "hard_swish", "b.add<op::hard_swish>(N, {x}, {}, F)"),
    ("Exp", "elementwise_unary", "b.add<op::elementwise_unary>(N, {x}, {.operation = op::unary::exp}, F)"),
    ("Softmax", "softmax", "b.add<op::softmax>(N, {s}, {}, P)"),
    ("Conv2d 1x1", "conv2d", "b.conv2d(N, x, {.channels = 32, .weight_scale = 0.01f}, F)"),
    ("DepthWiseConv2d 3x3", "depthwise_conv2d", "b.depthwise_conv2d(N, x, {.kernel = {3, 3}, .pad = same, .weight_scale = 0.01f}, F)"),
    ("FullyConnected", "fully_connected", "b.fully_connected(N, s, {.channels = 64, .weight_scale = 0.01f}, F)"),
]
WEIGHTS = {"Conv2d 1x1": (32 * 32, 32), "DepthWiseConv2d 3x3": (9 * 32, 32), "FullyConnected": (ROW * IMAGE[3] * 64, 64)}


def declarations(short: str) -> str:
    kind, unit, offset = TYPES[short]
    image = ", ".join(map(str, IMAGE))
    q = lambda scale, at: f"quantized<{kind}>({scale!r}f, {at})"  # noqa: E731
    low = {"u8": 0, "s8": 128, "s16": 0}[short]  # the offset of probabilities
    return f"""  {{
    const element E = {q(0.05 * unit, offset)}, F = {q(0.07 * unit, offset - 2 if short != "s16" else 0)};
    const element P = {q(1 / 256 if short != "s16" else 1 / 32768, low)}, C = {q(1 / 128 if short != "s16" else 1 / 32768, -128 if short == "u8" else 0)};
    const auto x = b.input("x_{short}", {{{image}}}, E), x2 = b.input("x2_{short}", {{{image}}}, E), z = b.input("z_{short}", {{{image}}}, F);
    const auto r = b.input("r_{short}", {{{IMAGE[3]}}}, F), s = b.input("s_{short}", {{{IMAGE[3]}, {ROW}}}, E);
"""


def write_files(folder: Path, rounding: str, body: str, weights: list[tuple[str, bytes]]) -> None:
    """ops.cpp, whose layers `b` get what `body` adds, and ops.bin."""
    (folder / "ops.cpp").write_text(f"""#include "qnnx/model/export.hpp"
#include "qnnx/model/layers.hpp"
using namespace qnnx;
struct ops {{
  static consteval auto define() {{
    layers b;
    b.rounding = rounding_mode::{rounding};
{body}    return b;
  }}
}};
QNNX_EXPORT_MODEL(ops, "ops");
""")
    with tarfile.open(folder / "ops.bin", "w", format=tarfile.USTAR_FORMAT) as tar:
        for name, data in weights:
            member = tarfile.TarInfo(f"{name}.raw")
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))


def write_net(folder: Path, rounding: str) -> list[tuple[str, str, str]]:
    """ops.cpp and ops.bin; the rows: label, type, name of the op's functions."""
    rows, body, weights, dice = [], "", [], random.Random(1)
    for short in TYPES:
        body += declarations(short)
        for k, (label, op, code) in enumerate(OPS):
            name = f"n{k}_{short}"
            body += f"    b.output({code.replace('N', chr(34) + name + chr(34), 1)});\n".replace("(N,", f'("{name}",')
            rows.append((label, short, op))
            if label in WEIGHTS:
                count, channels = WEIGHTS[label]
                if label == "FullyConnected":
                    count = ROW * 64
                weights += [(f"{name}_weight", bytes(dice.randrange(256) for _ in range(count))),
                            (f"{name}_bias", b"".join(dice.randrange(-2000, 2000).to_bytes(4, "little", signed=True) for _ in range(channels)))]
        body += "  }\n"
    write_files(folder, rounding, body, weights)
    return rows


def program(header: str) -> str:
    upper = re.search(r"#define (\w+)_ARENA_BYTES", header).group(1)
    fill, hashed = port_calls(ports(header, upper, "input"), ports(header, upper, "output"))
    return f"""#include "ops.h"
#include "qnnx/model/abi.h"
extern "C" const qnnx_model* ops_get(void);
{helpers(upper)}int main() {{
  std::uint32_t h = 2166136261u;
{fill}  const qnnx_model* m = ops_get();
  for (int i = 0; i < m->step_count; ++i) {{
    board::start_timer();
    m->run_step(arena, m->weights, nullptr, i);
    board::print(m->steps[i].name, (std::uint32_t)board::ticks());
  }}
{hashed}  board::print("hash", h);
  return 0;
}}
"""


def code_bytes(archive: Path) -> dict[str, int]:
    """Bytes of the functions of each op and type."""
    found: dict[str, int] = {}
    for line in run("arm-none-eabi-nm", "-S", "-C", archive).splitlines():
        m = re.match(r"\w+ (\w+) [tTwW] (.*)", line)
        op = re.search(r"\bop::(\w+)", m[2]) if m else None
        bits = re.search(r"\b([us]fixed<\w+)", m[2]) if m else None
        if op and bits and "run" in m[2]:
            key = f"{op[1]} {'s16' if '16' in bits[1] else 'u8' if bits[1].startswith('u') else 's8'}"
            found[key] = found.get(key, 0) + int(m[1], 16)
    return found


def measure(args: argparse.Namespace, folder: Path, cpu: str, isa: str) -> tuple[dict[str, float], int, dict[str, int]]:
    here = folder / f"{cpu}_{isa or 'own'}"
    shutil.rmtree(here, ignore_errors=True)
    run(args.bin / "qnnx-model-lib-generator", "-c", folder / "ops.cpp", "-b", folder / "ops.bin", "-t", cpu, "--optimize", args.optimize,
        *(["--isa", isa] if isa else []), "-o", here)
    lib = here / cpu
    (here / "main.cpp").write_text(program((lib / "ops.h").read_text()))
    link(args.source, cpu, here / "main.cpp", [lib / "libops.a"], here / "ops.elf", [f"-I{lib}", f"-I{args.source / 'include'}"])
    printed = emulate(cpu, here / "ops.elf")
    counts = {name: int(n) * CORES[cpu][2] for name, n in re.findall(r"^(n\d+_\w+) (\d+)", printed, re.M)}
    return counts, int(re.search(r"hash (\d+)", printed)[1]), code_bytes(lib / "libops.a")


def table(rows: list[tuple[str, str, str]], cpus: list[str], results: list) -> str:
    """A row of each op and type; for each core thousand instructions of the reference and the kernel, and the kernel's code."""
    head = "| op | type |" + "".join(f" {cpu}: reference | kernel | times fewer | code |" for cpu in cpus)
    lines = [head, "|" + "---|" * (2 + 4 * len(cpus))]
    for k, (label, short, op) in enumerate(rows):
        line = f"| {label} | {short} |"
        for before, after in results:
            old, new = (r[0][f"n{k % len(OPS)}_{short}"] for r in (before, after))
            line += f" {old / 1000:.1f} | {new / 1000:.1f} | {old / new:.1f} | {after[2].get(f'{op} {short}', 0)} |"
        lines.append(line)
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for option in ("bin", "source", "work"):
        parser.add_argument(f"--{option}", type=lambda s: Path(s).resolve(), required=True)
    parser.add_argument("--cpu", nargs="+", choices=CORES, default=["cortex-m4", "cortex-m55"])
    parser.add_argument("--rounding", nargs="+", choices=("rne", "tflite", "half_up"), default=["tflite", "rne"])
    parser.add_argument("--optimize", choices=("s", "2", "3"), default="2")
    parser.add_argument("--markdown", type=Path)
    args = parser.parse_args()
    for tool in ("arm-none-eabi-g++", "qemu-system-arm"):
        if not shutil.which(tool):
            print(f"skipped: {tool} is not installed")
            return 77
    text, good = "", True
    for rounding in args.rounding:
        folder = args.work / rounding
        folder.mkdir(parents=True, exist_ok=True)
        rows = write_net(folder, rounding)
        results = []
        for cpu in args.cpu:
            before, after = measure(args, folder, cpu, "reference"), measure(args, folder, cpu, "")
            good = good and before[1] == after[1]
            print(f"{cpu}, {rounding}: {'same outputs' if before[1] == after[1] else 'outputs DIFFER'}", flush=True)
            results.append((before, after))
        text += f"\nRounding {rounding}:\n\n" + table(rows, args.cpu, results)
    print(text)
    if args.markdown:
        commit = subprocess.run(["git", "-C", str(args.source), "describe", "--always", "--dirty"], capture_output=True, text=True).stdout.strip()
        args.markdown.write_text(f"Commit {commit}, {run('arm-none-eabi-g++', '--version').splitlines()[0]}, -O{args.optimize}.\n{text}")
    return 0 if good else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (RuntimeError, OSError, AttributeError) as e:
        print(f"ops: {e}", file=sys.stderr)
        sys.exit(1)
