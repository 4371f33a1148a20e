#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The build systems of the firmware guide: builds with them, and runs what they built in QEMU.

    integrations.py makefile|zephyr --bin TOOLS --source REPOSITORY --work DIR

makefile: `make run` of examples/firmware_makefile, whose alarms must be right, and a budget that is too small, which must
end make. zephyr: examples/zephyr with the stand-ins of zephyr_stub (Zephyr itself is not there) on two processors.
"""
from __future__ import annotations

import argparse
import re
import shutil
import sys
from pathlib import Path

for folder in ("..", "../firmware"):
    sys.path.insert(0, str(Path(__file__).resolve().parent / folder))
from commands import SKIP, run  # noqa: E402
from cortex_m import CORES, emulate  # noqa: E402


def makefile(args: argparse.Namespace) -> bool:
    make = ["make", "-C", args.source / "examples/firmware_makefile", f"TOOLS={args.bin}", f"BUILD={args.work / 'build'}"]
    text = run(*make, "run")
    alarms = [int(n) for n in re.findall(r"^alarm (\d)", text, re.M)]
    print(f"make run: alarms {alarms}")
    try:
        run(*make, "-B", "LIBRARY_FLAGS=--ram_budget 64")
        refused = "not refused"
    except RuntimeError as e:
        refused = "refused" if "--ram_budget" in str(e) else str(e)
    print(f"make with 64 bytes of RAM: {refused}")
    return alarms == [0] * 4 + [1] * 4 and refused == "refused"


def zephyr(args: argparse.Namespace) -> bool:
    run(sys.executable, args.source / "examples/quickstart/unpack_data.py", "--out", args.work / "data")
    model = args.work / "digits.cpp"
    run(args.bin / "qnnx-onnx-converter", "-i", args.source / "examples/quickstart/digits.onnx", "-o", model,
        "--input_list", args.work / "data/calibration_list.txt", "--use_per_channel_quantization")
    good = True

    def configure(core: str, *more: str) -> Path:
        build = args.work / core
        shutil.rmtree(build, ignore_errors=True)
        run("cmake", "-G", "Ninja", "-S", args.source / "examples/zephyr/app", "-B", build, f"-DZephyr_DIR={args.source / 'test/examples/zephyr_stub'}",
            f"-DSOURCE={args.source}", f"-DZEPHYR_EXTRA_MODULES={args.source / 'examples/zephyr'}", f"-DCONFIG_QNNX_MODEL={model}",
            f"-DCONFIG_CPU_CORTEX_{core[7:].upper()}=y", f"-DQNNX_TOOLS={args.bin}", f"-DSTUB_FLAGS=-mthumb;{';'.join(CORES[core][0])}",
            "-DCMAKE_SYSTEM_NAME=Generic", "-DCMAKE_C_COMPILER=arm-none-eabi-gcc", "-DCMAKE_CXX_COMPILER=arm-none-eabi-g++",
            "-DCMAKE_TRY_COMPILE_TARGET_TYPE=STATIC_LIBRARY", *more)
        return build

    for core in ("cortex-m4", "cortex-m33"):
        build = configure(core, "-DCONFIG_QNNX_SPEED=y")
        run("cmake", "--build", build)
        text = emulate(core, build / "zephyr.elf")
        right = "class 1\n" in text and text.count("yield") > 5
        good = good and right
        print(f"zephyr's stand-ins on {core}: {text.count('yield')} yields, {text.splitlines()[-1]}{'' if right else ', expected class 1'}")
    commands = run("cmake", "--build", build, "--target", "qnnx_archive", "--", "-t", "commands", "qnnx_archive")
    passed = "--ram_budget 10000" in commands and "--optimize 2" in commands and "--flash_budget" not in commands
    print(f"options of Kconfig {'reach' if passed else 'do NOT reach'} the generator")
    return good and passed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kind", choices=("makefile", "zephyr"))
    for option in ("bin", "source", "work"):
        parser.add_argument(f"--{option}", type=lambda s: Path(s).resolve(), required=True)
    args = parser.parse_args()
    for tool in ("arm-none-eabi-g++", "qemu-system-arm", "make", "cc"):
        if not shutil.which(tool):
            print(f"skipped: {tool} is not installed")
            return SKIP
    args.work = args.work / args.kind
    shutil.rmtree(args.work, ignore_errors=True)
    args.work.mkdir(parents=True)
    return 0 if {"makefile": makefile, "zephyr": zephyr}[args.kind](args) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (RuntimeError, OSError) as e:
        print(f"integrations: {e}", file=sys.stderr)
        sys.exit(1)
