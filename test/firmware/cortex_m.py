#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs a converted model on a Cortex-M in QEMU and on this host, and compares the output bytes.

    cortex_m.py --bin TOOLS --source REPOSITORY --work DIR --model FILE [--input_list FILE] [--cpu cortex-m4 ...] [--arena N]
                [--code N] [--instructions N] [--stream_rows WHEN] [--ram_budget N] [--optimize s|2|3] [--act_bitwidth N] [--weights_bitwidth N]
                [--images FILE --labels FILE --accuracy SHARE]

Converts, generates the static archive for the core, links it with examples/firmware/board.cpp (-Os, no exceptions, no
RTTI), runs five inferences on pseudo-random inputs, prints flash, RAM, arena and instructions per inference. The
host runs the same inputs through qnnx-net-run, and with --images those too: the share of right classes. Ends with 77
(skipped) where compiler or emulator are absent.
bench/firmware/measure.py uses these functions too.
"""
from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
from pathlib import Path

for folder in ("test", "examples/quickstart"):
    sys.path.insert(0, str(Path(__file__).resolve().parents[2] / folder))
from report import accuracy  # noqa: E402
from commands import SKIP, fnv, random_bytes, run, write_list  # noqa: E402

RUNS = 5
M3 = ["-mcpu=cortex-m3", "-mfloat-abi=soft"]
CORES = {  # compiler flags, board, instructions per SysTick tick under -icount shift=0; boards of a larger core where
    # QEMU has none: they run the same instructions
    "cortex-m0plus": (["-mcpu=cortex-m0plus", "-mfloat-abi=soft"], "mps2-an385", 40.0),
    "cortex-m3": (M3, "mps2-an385", 40.0),
    "cortex-m4": (["-mcpu=cortex-m4", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"], "mps2-an386", 40.0),
    "cortex-m7": (["-mcpu=cortex-m7", "-mfloat-abi=hard", "-mfpu=fpv5-d16"], "mps2-an500", 40.0),
    "cortex-m33": (["-mcpu=cortex-m33", "-mfloat-abi=hard", "-mfpu=fpv5-sp-d16"], "mps3-an547", 31.25),
    "cortex-m55": (["-mcpu=cortex-m55", "-mfloat-abi=hard"], "mps3-an547", 31.25),
    "cortex-m85": (["-march=armv8.1-m.main+mve.fp+fp.dp", "-mfloat-abi=hard"], "mps3-an547", 31.25),
}


def ports(header: str, upper: str, kind: str) -> list[tuple[str, int, str]]:
    """Accessor functions of a model's inputs or outputs, their sizes and memory banks, from its C header."""
    sizes = [int(n) for n in re.findall(rf"#define {upper}_{kind.upper()}_\w+_BYTES (\d+)", header)]
    return [(f, n, bank) for (f, bank), n in zip(re.findall(rf"(\w+_{kind}_\w+)\(void\* (\w+)\)", header), sizes)]


def port_calls(inputs: list[tuple[str, int, str]], outputs: list[tuple[str, int, str]]) -> tuple[str, str]:
    """C++ that fills the inputs, and C++ that adds the outputs to the hash h."""
    return ("".join(f"    fill((unsigned char*){f}({bank}), {n});\n" for f, n, bank in inputs),
            "".join(f"    h = hash((const unsigned char*){f}({bank}), {n}, h);\n" for f, n, bank in outputs))


def helpers(upper: str, banks: tuple[str, ...] = ()) -> str:
    """C++ in front of main: the arena or its banks, the generator of random_bytes, fnv."""
    arena = "".join(f"{upper}_ARENA_{b.upper()}({b});\n" for b in banks) or f"alignas(16) unsigned char arena[{upper}_ARENA_BYTES];\n"
    return f"""#include "board.hpp"
{arena}static std::uint32_t state = 1;
static void fill(unsigned char* p, unsigned n) {{
  for (unsigned i = 0; i < n; ++i) {{ state = state * 1664525u + 1013904223u; p[i] = (unsigned char)(state >> 24); }}
}}
static std::uint32_t hash(const unsigned char* p, unsigned n, std::uint32_t h) {{
  for (unsigned i = 0; i < n; ++i) h = (h ^ p[i]) * 16777619u;
  return h;
}}
"""


def firmware_main(name: str, header: str) -> tuple[str, list[tuple[str, int, str]], list[tuple[str, int, str]]]:
    upper = re.search(r"#define (\w+)_WEIGHT_BYTES", header).group(1)
    inputs, outputs = ports(header, upper, "input"), ports(header, upper, "output")
    fill, hashed = port_calls(inputs, outputs)
    arena = re.search(r"_infer\((.*)\) {", header).group(1).replace("void* ", "")
    banks = () if arena == "arena" else tuple(arena.split(", "))
    size = " + ".join(f"sizeof {b}" for b in banks or ("arena",))
    code = f"""#include "{name}.h"
{helpers(upper, banks)}int main() {{
  board::print("arena", {size});
  for (int k = 0; k < {RUNS}; ++k) {{
{fill}    board::start_timer();
    {name}_infer({arena});
    board::print("ticks", (std::uint32_t)board::ticks());
    std::uint32_t h = 2166136261u;
{hashed}    board::print("hash", h);
  }}
  return 0;
}}
"""
    return code, inputs, outputs


def link(source: Path, cpu: str, main: Path, archives: list[Path], elf: Path, more: list[str]) -> None:
    firmware = source / "examples" / "firmware"
    run("arm-none-eabi-g++", "-std=c++20", "-Os", "-mthumb", *CORES[cpu][0], "-fno-exceptions", "-fno-rtti", "-fno-threadsafe-statics",
        "-ffunction-sections", "-fdata-sections", f"-I{firmware}", *more, main, firmware / "board.cpp",
        *archives, "-nostartfiles", "-specs=nano.specs", "-specs=nosys.specs", "-T", firmware / "mps2.ld", "-Wl,--gc-sections", "-o", elf)


def emulate(cpu: str, elf: Path) -> str:
    return run("timeout", "300", "qemu-system-arm", "-M", CORES[cpu][1], "-icount", "shift=0", "-nographic", "-monitor", "none",
               "-serial", "none", "-semihosting-config", "enable=on,target=native", "-kernel", elf)


def make_inputs(header: str, work: Path) -> tuple[list[list[Path]], list[str]]:
    """The inputs that firmware_main makes, as files and work/list.txt; the files of each run, and the outputs' names."""
    upper = re.search(r"#define (\w+)_WEIGHT_BYTES", header).group(1)
    state, rows = 1, []
    for k in range(RUNS):
        row = []
        for function, size, _ in ports(header, upper, "input"):
            state, data = random_bytes(state, size)
            path = work / f"in_{k}_{len(row)}.raw"
            path.write_bytes(data)
            row.append((function.split("_input_", 1)[1], path))
        rows.append(row)
    write_list(work / "list.txt", rows)
    return [[p for _, p in row] for row in rows], [f.split("_output_", 1)[1] for f, _, _ in ports(header, upper, "output")]


def host_hashes(tools: Path, work: Path, outputs: list[str], *source: object, **environment: str) -> list[int]:
    """Hashes of the outputs of qnnx-net-run over work/list.txt, one of each run."""
    out = work / "out"
    shutil.rmtree(out, ignore_errors=True)
    run(tools / "qnnx-net-run", *source, "--input_list", work / "list.txt", "--output_dir", out, "--use_native_input_files",
        "--use_native_output_files", **environment)
    hashes = []
    for k in range(RUNS):
        h = fnv(b"")
        for o in outputs:
            h = fnv((out / f"Result_{k}" / f"{o}_native.raw").read_bytes(), h)
        hashes.append(h)
    return hashes


def expected_hashes(tools: Path, cpp: Path, work: Path, header: str, isa: str) -> list[int]:
    """Hashes of the host's outputs for the inputs that firmware_main makes."""
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    run(tools / "qnnx-model-lib-generator", "-c", cpp, "-b", cpp.with_suffix(".bin"), "-t", "x86_64-linux-gnu", "--isa", isa, "-o", work)
    _, outputs = make_inputs(header, work)
    return host_hashes(tools, work, outputs, "--model", work / "x86_64-linux-gnu" / f"lib{cpp.stem}.so", "--backend", "cpu")


def refusals(generator: list[object], work: Path, budget: int) -> bool:
    """The budget is met by streaming alone, and one that even that does not meet is refused with the smallest arena found."""
    good = True
    for more, least, wanted in ((["--stream_rows", "never", "--ram_budget", str(budget)], budget, "; at "),
                                (["--ram_budget", "4096"], 4096, "; it is the smallest found; in bands of rows: steps ")):
        p = subprocess.run([str(a) for a in [*generator, "-o", work / "refused", *more]], capture_output=True, text=True)
        line = p.stderr.strip()
        print(line)
        arena = re.search(r"arena: got (\d+) bytes", line)
        if p.returncode == 0 or not arena or int(arena.group(1)) <= least or wanted not in line or " bytes" not in line:
            print(f"expected a refusal of {more}")
            good = False
    return good


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for option in ("bin", "source", "work", "model"):
        parser.add_argument(f"--{option}", type=Path, required=True)
    parser.add_argument("--input_list", type=Path)
    parser.add_argument("--cpu", nargs="+", choices=CORES, default=["cortex-m4"])
    parser.add_argument("--optimize", choices=("s", "2", "3"), default="s")
    parser.add_argument("--bank", nargs="+", default=[], metavar="NAME=BYTES[:SECTION]", help="the generator's --ram_bank")
    parser.add_argument("--stream_rows", choices=("never", "auto", "always"), default="auto", help="the generator's option")
    parser.add_argument("--ram_budget", type=int, help="the generator's option; without streaming, and with 4096 bytes, it must refuse")
    parser.add_argument("--arena", type=int, help="most bytes the arena may have")
    parser.add_argument("--code", type=int, help="most bytes of code and tables in the generator's report")
    parser.add_argument("--instructions", type=float, help="most instructions of an inference (QEMU counts them, they repeat)")
    for option in ("act", "weights"):
        parser.add_argument(f"--{option}_bitwidth", default="8", help="of a model that is quantized with --input_list")
    parser.add_argument("--images", type=Path, help="input list of float images")
    parser.add_argument("--labels", type=Path, help="their classes")
    parser.add_argument("--accuracy", type=float, default=0.0, help="least share of right classes")
    args = parser.parse_args()
    if not args.model.exists():
        print(f"skipped: no {args.model.name}")
        return SKIP
    for tool in ("arm-none-eabi-g++", "qemu-system-arm"):
        if not shutil.which(tool):
            print(f"skipped: {tool} is not installed")
            return SKIP
    work, name = args.work, re.sub(r"\W", "_", args.model.stem)
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    kind = "onnx" if args.model.suffix == ".onnx" else "tflite"
    quantize = ["--input_list", args.input_list, "--use_per_channel_quantization", "--bias_bitwidth", "32",
                "--act_bitwidth", args.act_bitwidth, "--weights_bitwidth", args.weights_bitwidth] if args.input_list else []
    cpp = work / f"{name}.cpp"
    run(args.bin / f"qnnx-{kind}-converter", "-i", args.model, "-o", cpp, *quantize)
    good, expected = True, []
    for cpu in args.cpu:
        generator = [args.bin / "qnnx-model-lib-generator", "-c", cpp, "-b", work / f"{name}.bin", "-t", cpu, "--optimize", args.optimize,
                     *(["--ram_bank", *args.bank] if args.bank else [])]
        budget = ["--ram_budget", args.ram_budget] if args.ram_budget else []
        report = run(*generator, "-o", work / "lib", "--stream_rows", args.stream_rows, *budget).strip()
        print(report)
        if budget and not refusals(generator, work, args.ram_budget):
            good = False
        lib = work / "lib" / cpu
        header = (lib / f"{name}.h").read_text()
        (work / "main.cpp").write_text(firmware_main(name, header)[0])
        elf = work / f"{cpu}.elf"
        link(args.source, cpu, work / "main.cpp", [lib / f"lib{name}.a"], elf, [f"-I{lib}"])
        text, data, bss = (int(n) for n in run("arm-none-eabi-size", elf).splitlines()[1].split()[:3])
        weights = int(re.search(r"_WEIGHT_BYTES (\d+)", header).group(1))
        printed = emulate(cpu, elf)
        arena = int(re.search(r"arena (\d+)", printed).group(1))
        hashes = [int(n) for n in re.findall(r"hash (\d+)", printed)]
        count = max(int(n) for n in re.findall(r"ticks (\d+)", printed)) * CORES[cpu][2]
        expected = expected or expected_hashes(args.bin, cpp, work / "host", header, "reference")
        same = hashes == expected and len(hashes) == RUNS
        print(f"{name} on {cpu}: {'same bytes as the host' if same else 'DIFFERS from the host'} on {RUNS} inputs; "
              f"{count / 1e6:.2f} million instructions, flash {text + data} bytes (weights {weights}), "
              f"RAM {data + bss} bytes of which arena {arena}")
        good = good and same
        if args.arena is not None and arena > args.arena:
            print(f"the arena has {arena} bytes, expected at most {args.arena}")
            good = False
        flash = sum(int(n) for n in re.search(r"\(code (\d+), tables (\d+)", report).groups())
        if args.code is not None and flash > args.code:
            print(f"code and tables have {flash} bytes, expected at most {args.code}")
            good = False
        if args.instructions is not None and count > args.instructions:
            print(f"{count:.0f} instructions, expected at most {args.instructions:.0f}")
            good = False
    if args.images:
        out = work / "images"
        run(args.bin / "qnnx-net-run", "--model", work / "host" / "x86_64-linux-gnu" / f"lib{name}.so", "--backend", "cpu",
            "--input_list", args.images, "--output_dir", out)
        share = accuracy(out, [int(word) for word in args.labels.read_text().split()])
        print(f"{name}: {100 * share:.2f} % of the images right")
        if share < args.accuracy:
            print(f"expected at least {100 * args.accuracy:.2f} %")
            good = False
    return 0 if good else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (RuntimeError, OSError, AttributeError) as e:
        print(f"cortex_m: {e}", file=sys.stderr)
        sys.exit(1)
