#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the library generator writes for firmware targets, in the hands of somebody else's build.

    archives.py --bin TOOLS --source REPOSITORY --work DIR [--targets cortex-m4 ...]

For each target whose tools are installed, with the bundled digit network: the archive, its C and C++ headers, its CMake
package and its size report are there; the archive wants memcpy, memmove and memset, which compilers themselves
call, and nothing else of a C library, has no constructor that runs before main and no variable, so that all state is in
the arena; a CMake project of its own (test/firmware/consumer) finds the package, builds a C and a C++ program, and both give the host's bytes in QEMU or
node (aarch64-linux-gnu: programs with the C library, position-independent; each instruction set): at once, layer by layer in two arenas in turns, and on Cortex-M while a timer's interrupt runs the second arena.
Ends with 77 (skipped) where no target's tools are there.
"""
from __future__ import annotations

import argparse
import re
import shutil
import sys
from pathlib import Path

for folder in ("..", "."):
    sys.path.insert(0, str(Path(__file__).resolve().parent / folder))
from commands import SKIP, run  # noqa: E402
from cortex_m import CORES, emulate, expected_hashes  # noqa: E402
from user_mode import USER, borrowed_headers, needs, run_user  # noqa: E402

ARM_TOOLS = ["arm-none-eabi-g++", "qemu-system-arm"]
NM = {"riscv32": "riscv64-unknown-elf-nm", "riscv64": "riscv64-unknown-elf-nm", "aarch64-none-elf": "aarch64-linux-gnu-nm",
      "aarch64-linux-gnu": "aarch64-linux-gnu-nm",
      "hexagon-v67": "llvm-nm-14", "wasm32": "llvm-nm-14"}
HOSTED = {"aarch64-linux-gnu": "aarch64-linux-gnu-g++"}  # with an operating system
ISAS = {"aarch64-linux-gnu": ["", "neon_dot", "i8mm"], "aarch64-none-elf": ["", "reference"]}  # archives of several sets; empty: the default
# A C library's, and the compiler's own: arithmetic that the processor has not, WebAssembly's stack and memory.
ALLOWED = r"memcpy|memmove|memset|__aeabi_\w+|__gnu_thumb1_\w+|__\w*(div|mod|mul|add|sub|shl|shr|cmp|float|fix|extend|trunc|clz|ctz)\w*|__(lt|le|gt|ge|eq|ne|unord)[sd]f2|__(stack_pointer|linear_memory|indirect_function_table)"


def faults_of(archive: Path, target: str) -> list[str]:
    """What an archive must not have."""
    nm = NM.get(target, "arm-none-eabi-nm")
    symbols = run(nm, archive)
    relocated = run(nm, "--format=sysv", archive) if target in HOSTED else ""  # constants with addresses
    faults = []
    for line in symbols.splitlines():
        found = re.match(r"\s*[0-9a-f]*\s+([A-Za-z])\s+(\S+)$", line)
        if not found:
            continue
        kind, name = found.groups()
        if kind == "U" and not re.fullmatch(ALLOWED, name):
            faults.append(f"wants {name}")
        constant = target == "wasm32" or re.search(rf"^{name} *\|.*\|\.data\.rel\.ro\S*$", relocated, re.M)  # there they are called data
        if kind in "bBdDC" and not constant:
            faults.append(f"has the variable {name}")
        if re.search(r"_GLOBAL__sub_I|__cxx_global_var_init|__wasm_call_ctors", name):
            faults.append(f"has the constructor {name}")
    if b"init_array" in archive.read_bytes():
        faults.append("has a section of constructors")
    return faults


def consume(args: argparse.Namespace, target: str, lib: Path) -> dict[str, str]:
    """What the C and the C++ program print."""
    board = args.source / "examples/firmware"
    build = args.work / f"build_{target}"
    headers = [f"-I{board}", "-DQNNX_MAIN=app_main", "-fno-exceptions", "-fno-rtti", "-fno-threadsafe-statics"]
    if target in CORES:
        compiler, sources, app, libraries = "arm-none-eabi-g++", ["board.cpp"], [], []
        link = ["-nostartfiles", "-specs=nano.specs", "-specs=nosys.specs", "-T", str(board / "mps2.ld")]
    elif target in HOSTED:
        compiler, app, link, libraries = HOSTED[target], [], [], []
        sources = [args.source / "test/firmware/consumer/linux.cpp"]
    else:
        (compiler, *flags), libraries, _ = USER[target]
        app = [f for f in flags if not f.startswith(("-m", "--target"))]
        sources = ["user.cpp"] + (["hexagon_runtime.cpp"] if target.startswith("hexagon") else [])
        headers += ["-ffreestanding", *app, *re.sub(r"-isystem;", "SHELL:-isystem ", ";".join(str(f) for f in borrowed_headers(target))).split(";")]
        link, libraries = ["-nostdlib", "-static", *[f for f in libraries if not f.startswith("-l")], *app], [f for f in libraries if f.startswith("-l")]
    c_compiler = compiler.replace("clang++", "clang").replace("g++", "gcc")
    values = {"MODEL": [lib], "BOARD": [board / "board_c.cpp", *[board / s for s in sources]], "BOARD_FLAGS": headers, "BOARD_HEADERS": [board],
              "APP_FLAGS": app, "LINK_FLAGS": link, "LINK_LIBRARIES": libraries}
    run("cmake", "-G", "Ninja", "-S", args.source / "test/firmware/consumer", "-B", build, "-DCMAKE_SYSTEM_NAME=Generic", f"-DCMAKE_C_COMPILER={c_compiler}",
        f"-DCMAKE_CXX_COMPILER={compiler}", "-DCMAKE_TRY_COMPILE_TARGET_TYPE=STATIC_LIBRARY", "-DCMAKE_BUILD_TYPE=MinSizeRel",
        *[f"-D{name}={';'.join(str(v) for v in value)}" for name, value in values.items()])
    run("cmake", "--build", build)
    programs = {language: build / f"app_{language}" for language in ("c", "cpp")}
    if target in HOSTED:
        return {language: run("qemu-aarch64", "-L", "/usr/aarch64-linux-gnu", program) for language, program in programs.items()}
    runs = emulate if target in CORES else run_user
    return {language: runs(target, program) for language, program in programs.items()}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for option in ("bin", "source", "work"):
        parser.add_argument(f"--{option}", type=lambda s: Path(s).resolve(), required=True)
    parser.add_argument("--targets", nargs="+", choices=(*CORES, *USER, *HOSTED), default=[*CORES, *USER, *HOSTED])
    args = parser.parse_args()
    shutil.rmtree(args.work, ignore_errors=True)
    args.work.mkdir(parents=True)
    run(sys.executable, args.source / "examples/quickstart/unpack_data.py", "--out", args.work / "data")
    model, expected, good, ran = args.work / "digits.cpp", [], True, 0
    run(args.bin / "qnnx-onnx-converter", "-i", args.source / "examples/quickstart/digits.onnx", "-o", model, "--input_list",
        args.work / "data/calibration_list.txt", "--use_per_channel_quantization")
    for target, isa in [(t, isa) for t in args.targets for isa in ISAS.get(t, [""])]:
        missing = [t for t in ("cmake", "ninja", *(ARM_TOOLS if target in CORES else [HOSTED[target], "qemu-aarch64"] if target in HOSTED else needs(target))) if not shutil.which(t)]
        if missing:
            print(f"left out {target}: {', '.join(missing)} not installed")
            continue
        run(args.bin / "qnnx-model-lib-generator", "-c", model, "-b", model.with_suffix(".bin"), "-t", target, "-o", args.work / "lib", *(["--isa", isa] if isa else []))
        lib, ran = args.work / "lib" / target, ran + 1
        wanted = ["libdigits.a", "digits.h", "digits.hpp", "digits-config.cmake", "digits_size.txt"]
        faults = [f"has no {f}" for f in wanted if not (lib / f).exists()] + faults_of(lib / "libdigits.a", target)
        expected = expected or expected_hashes(args.bin, model, args.work / "host", (lib / "digits.h").read_text(), "reference")
        printed = consume(args, target, lib)
        hashes = {language: [int(n) for n in re.findall(r"hash (\d+)", text)] for language, text in printed.items()}
        if hashes["c"] != expected[:2] * 2 or hashes["cpp"] != expected[:2]:
            faults.append(f"gives {hashes}, expected {expected[:2]}")
        interrupts = re.search(r"interrupts (\d+)\nwrong (\d+)", printed["c"])
        if target in CORES and (not interrupts or int(interrupts[1]) < 10 or interrupts[2] != "0"):
            faults.append(f"is not interrupt-safe: {printed['c'][-80:]!r}")
        size = " ".join(f"{n} {what}" for n, what in re.findall(r"^ +(\d+)  +(code|tables|weights)$", (lib / "digits_size.txt").read_text(), re.M))
        print(f"{target}{f' {isa}' if isa else ''}: {size}; C and C++ programs give {'the host' + chr(39) + 's bytes' if not faults else 'faults'}"
              f"{f', {interrupts[1]} layers in interrupts' if interrupts else ''}{''.join(f'; {f}' for f in faults)}", flush=True)
        good = good and not faults and "weights" in size
    if not ran:
        print("skipped: no target's tools are installed")
        return SKIP
    return 0 if good else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (RuntimeError, OSError) as e:
        print(f"archives: {e}", file=sys.stderr)
        sys.exit(1)
