#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a model costs the compiler: CPU seconds and peak memory of g++ and clang++ for generated graphs of N nodes
and for model files given by path. Prints a Markdown table; --json writes the same as data.

  bench/compile/measure.py --nodes 5,30,150,500,1500
  bench/compile/measure.py --nodes "" build/kws/model.cpp --check     # exit 1 where a bar is missed
  bench/compile/measure.py --networks build/release/bin --markdown docs/reference/compile_time.md

--networks converts the networks of ../shared/data (test/models/real_models.py lists them) and the bundled one, and
measures each model.cpp and what qnnx-model-lib-generator costs in all (every instruction set, the linker).

A generated graph is the form the converter writes: a tag with constant arrays of tensors and nodes, a mix of
convolution, depthwise convolution, addition and activation in 8-bit fixed point, with the memory plan as data above
`--plan-above` nodes. Bars: 30 nodes 15 s, 1500 nodes 40 s and 700 MB (CPU seconds at -O2, all units together).
"""
import argparse
import datetime
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BARS = {30: (15.0, 700.0), 1500: (40.0, 700.0)}  # nodes: CPU seconds, MB


class Graph:
    """Lists of C++ initialisers, and the sizes that the plan needs."""

    def __init__(self):
        self.tensors, self.nodes, self.scales = [], [], []
        self.sizes, self.first, self.last = [], [], []

    def tensor(self, name, kind, dtype, dims, enc):
        dims_text = ", ".join(map(str, dims))
        self.tensors.append(f'{{"{name}", tensor_kind::{kind}, dtype::{dtype}, {{{dims_text}}}, {enc}}}')
        n = 1
        for d in dims:
            n *= d
        self.sizes.append((n + 15) // 16 * 16 if kind != "constant" else 0)
        self.first.append(-1)
        self.last.append(-1)
        return len(self.tensors) - 1

    def node(self, op, name, inputs, output, params="", epi=""):
        tail = f", {params or '{}'}" if params or epi else ""
        tail += f", {epi}" if epi else ""
        ins = ", ".join(map(str, inputs))
        k = len(self.nodes)
        self.nodes.append(f'node<op::{op}>("{name}", {{{ins}}}, {{{output}}}{tail})')
        self.first[output] = k
        for t in inputs + [output]:
            self.last[t] = k

    def plan(self):
        """First fit by size: the converter's plan comes as data, and is checked by the compiler."""
        placed, offset, total = [], [-1] * len(self.sizes), 0
        for i in sorted((i for i, s in enumerate(self.sizes) if s), key=lambda i: (-self.sizes[i], i)):
            at = 0
            for j in sorted(placed, key=lambda j: offset[j]):
                if self.first[j] <= self.last[i] and self.first[i] <= self.last[j]:
                    if at + self.sizes[i] <= offset[j]:
                        break
                    at = max(at, offset[j] + self.sizes[j])
            offset[i] = at
            placed.append(i)
            total = max(total, at + self.sizes[i])
        return offset, total


def generate(count):
    """A net of `count` nodes over [1,H,W,C] maps; blocks like those of a MobileNet with residual additions."""
    g = Graph()
    act = lambda k: f"scale_offset({0.02 + k % 7 * 0.001:.4f}f, -{120 + k % 16})"

    def weights(name, dims, axis):
        first = len(g.scales)
        g.scales += [0.001 * (1 + i % 13) for i in range(dims[axis])]
        w = g.tensor(name + "_weight", "constant", "sfixed_8", dims, f"axis_scales({axis}, {first}, {dims[axis]})")
        return w, g.tensor(name + "_bias", "constant", "sfixed_32", [dims[axis]], "{}")

    x, c, size = g.tensor("x", "app_write", "ufixed_8", [1, 32, 32, 8], act(0)), 8, 32
    skip = x
    for k in range(count):
        name, form, last = f"n{k}", k % 5, k + 1 == count
        kind = "app_read" if last else "native"
        if form == 0:
            out_c = 8 + (k // 5 % 4) * 8
            w, b = weights(name, [1, 1, c, out_c], 3)
            c = out_c
            y = g.tensor(name, kind, "ufixed_8", [1, size, size, c], act(k))
            g.node("conv2d", name, [x, w, b], y)
            skip = y
        elif form == 1:
            w, b = weights(name, [3, 3, 1, c], 3)
            y = g.tensor(name, kind, "ufixed_8", [1, size, size, c], act(k))
            g.node("depthwise_conv2d", name, [x, w, b], y, "{.pad_amount = {1, 1, 1, 1}}", "epilogue{.act = activation::relu}")
        elif form == 2:
            w, b = weights(name, [1, 1, c, c], 3)
            y = g.tensor(name, kind, "ufixed_8", [1, size, size, c], act(k))
            g.node("conv2d", name, [x, w, b], y)
        elif form == 3:
            y = g.tensor(name, kind, "ufixed_8", [1, size, size, c], act(k))
            g.node("elementwise_add", name, [x, skip], y)
        else:
            y = g.tensor(name, kind, "ufixed_8", [1, size, size, c], act(k))
            g.node("relu", name, [x], y)
        x = y
    for i in (0, x):
        g.last[i] = count
    g.last[0] = max(g.last[0], 0)
    return g


def source(count, with_plan, name="generated"):
    g = generate(count)
    lines = ['#include "qnnx/model/export.hpp"', "using namespace qnnx;", f"struct {name} {{"]
    lines.append(f"  static constexpr tensor_desc tensors[{len(g.tensors)}] = {{")
    lines += [f"    {t}," for t in g.tensors] + ["  };"]
    lines.append(f"  static constexpr node_desc nodes[{len(g.nodes)}] = {{")
    lines += [f"    {n}," for n in g.nodes] + ["  };"]
    lines.append(f"  static constexpr float scales[{len(g.scales)}] = {{")
    lines += ["    " + ", ".join(f"{s:.4f}f" for s in g.scales[i:i + 16]) + "," for i in range(0, len(g.scales), 16)]
    lines.append("  };")
    plan = "nullptr, 0"
    if with_plan:
        offset, total = g.plan()
        lines.append(f"  static constexpr std::int64_t plan[{len(offset)}] = {{")
        lines += ["    " + ", ".join(map(str, offset[i:i + 20])) + "," for i in range(0, len(offset), 20)]
        lines.append("  };")
        plan = f"plan, {total}"
    lines += ["  static constexpr graph_view define() {",
              f'    return {{"{name}", tensors, {len(g.tensors)}, nodes, {len(g.nodes)}, scales, nullptr, '
              f"{len(g.scales)}, rounding_mode::rne, {plan}}};", "  }", "};",
              f'QNNX_EXPORT_MODEL({name}, "{name}");']
    return "\n".join(lines) + "\n"


def cost_of(command):
    """CPU seconds, and peak MB of the largest process, of a command and what it starts; None where it fails."""
    with tempfile.TemporaryFile("w+") as log:
        child = subprocess.Popen([str(c) for c in command], stdout=log, stderr=log)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = status
        if status:
            log.seek(0)
            print("".join(log.readlines()[:12]), file=sys.stderr)
            return None
    return {"cpu_s": round(usage.ru_utime + usage.ru_stime, 2), "peak_mb": round(usage.ru_maxrss / 1024)}


def compile_once(compiler, path, flags):
    """The cost of one compilation and the bytes of its text; None where it fails."""
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "o.o")
        cost = cost_of([compiler, "-std=c++20", "-ffp-contract=off", f"-I{ROOT / 'include'}", *flags, "-c", path, "-o", out])
        if cost is None:
            return None
        text = 0
        if shutil.which("size"):
            text = int(subprocess.run(["size", out], capture_output=True, text=True).stdout.splitlines()[1].split()[0])
        return {**cost, "text": text}


def networks(tools, folder):
    """Converted networks: name, model.cpp, model.bin."""
    sys.path.insert(0, str(ROOT / "test" / "models"))
    from real_models import MODELS
    paths = {"digits": ROOT / "examples/quickstart/digits.onnx"}
    paths.update({n: ROOT.parent / "shared/data" / f for n, f in MODELS.items()})
    for name, path in paths.items():
        if not path.exists():
            print(f"skipped: {name} is not in ../shared/data", file=sys.stderr)
            continue
        kind = "onnx" if path.suffix == ".onnx" else "tflite"
        cpp = folder / f"{name}.cpp"
        if cost_of([tools / f"qnnx-{kind}-converter", "-i", path, "-o", cpp]):
            yield name, cpp, cpp.with_suffix(".bin")


def version(compiler):
    return subprocess.run([compiler, "--version"], capture_output=True, text=True).stdout.splitlines()[0]


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("models", nargs="*", help="model.cpp files; all units given as a,b,c count together")
    p.add_argument("--nodes", default="5,30,150,500,1500")
    p.add_argument("--compilers", default="g++,clang++-14")
    p.add_argument("--flags", default="-O2")
    p.add_argument("--plan-above", type=int, default=200)
    p.add_argument("--json")
    p.add_argument("--networks", metavar="BIN", type=Path, help="folder of the drivers: measure the real networks too")
    p.add_argument("--markdown", help="write the table to this file, with date, commit and compilers")
    p.add_argument("--keep", help="write the generated sources to this folder")
    p.add_argument("--check", action="store_true", help="exit 1 where a bar is missed")
    a = p.parse_args()
    rows, missed, table = [], False, []

    def say(line):
        table.append(line)
        print(line, flush=True)

    say("| model | compiler | CPU s | peak MB | text bytes | generator CPU s | its peak MB |\n|---|---|--:|--:|--:|--:|--:|")
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(a.keep or folder)
        folder.mkdir(parents=True, exist_ok=True)
        jobs = []
        for n in (int(s) for s in a.nodes.split(",") if s):
            path = folder / f"n{n}.cpp"
            path.write_text(source(n, n > a.plan_above))
            jobs.append((f"{n} nodes", n, [path]))
        jobs += [(m, None, [Path(u) for u in m.split(",")]) for m in a.models]
        blobs = {}
        if a.networks:
            for name, cpp, blob in networks(a.networks, folder):
                jobs.append((name, None, [cpp]))
                blobs[name] = blob
        for name, n, units in jobs:
            for compiler in (c for c in a.compilers.split(",") if shutil.which(c)):
                parts = [compile_once(compiler, u, a.flags.split()) for u in units]
                row = {"model": name, "compiler": compiler}
                if None in parts:
                    row["failed"] = missed = True
                    say(f"| {name} | {compiler} | failed | | | | |")
                else:
                    row.update(cpu_s=round(sum(x["cpu_s"] for x in parts), 2), peak_mb=max(x["peak_mb"] for x in parts),
                               text=sum(x["text"] for x in parts))
                    whole = None
                    if name in blobs:
                        target = "x86_64-linux-clang" if "clang" in compiler else "x86_64-linux-gnu"
                        whole = cost_of([a.networks / "qnnx-model-lib-generator", "-c", units[0], "-b", blobs[name], "-t", target, "-o", folder / "lib"])
                        missed = missed or whole is None
                        row["generator"] = whole
                    say(f"| {name} | {compiler} | {row['cpu_s']:.1f} | {row['peak_mb']} | {row['text']} | "
                        + (f"{whole['cpu_s']:.1f} | {whole['peak_mb']} |" if whole else "| |"))
                    if n in BARS and (row["cpu_s"] > BARS[n][0] or row["peak_mb"] > BARS[n][1]):
                        missed = True
                        print(f"missed: the bar is {BARS[n][0]} s, {BARS[n][1]} MB", file=sys.stderr)
                rows.append(row)
    if a.markdown:
        commit = subprocess.run(["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
        compilers = ", ".join(version(c) for c in a.compilers.split(",") if shutil.which(c))
        Path(a.markdown).write_text(
            "# What a model costs the compiler\n\n"
            f"Written by `bench/compile/measure.py --networks build/release/bin --markdown {a.markdown}` on "
            f"{datetime.date.today()} at commit {commit}; {platform.machine()}, {compilers}; `{a.flags}`.\n\n"
            "CPU seconds and peak memory of compiling one model.cpp; the generator's columns are all of\n"
            "`qnnx-model-lib-generator` for an x86-64 target: every instruction set, the weights, the linker. N nodes: generated\n"
            "graphs of convolutions, depthwise convolutions, additions and activations. Bars: 30 nodes 15 s, 1500 nodes 40 s\n"
            "and 700 MB.\n\n" + "\n".join(table) + "\n")
    if a.json:
        Path(a.json).write_text(json.dumps(rows, indent=1) + "\n")
    return 1 if a.check and missed else 0


if __name__ == "__main__":
    sys.exit(main())
