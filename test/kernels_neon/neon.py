#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The aarch64 kernels against the reference, in qemu-aarch64.

    neon.py --source REPOSITORY --work DIR

Compiles the random nets of test/kernels_arm, of test/kernels_isa and of this folder with the interpreter and a unit of kernels
per instruction set (neon, neon_dot, i8mm), and runs them. Ends with 77 where the compiler or the emulator is absent.
"""
from __future__ import annotations

import argparse
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from commands import SKIP, run  # noqa: E402

SETS = {"neon": [], "neon_dot": ["-march=armv8.2-a+dotprod"], "i8mm": ["-march=armv8.2-a+dotprod+i8mm"]}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for option in ("source", "work"):
        parser.add_argument(f"--{option}", type=Path, required=True)
    args = parser.parse_args()
    for tool in ("aarch64-linux-gnu-g++", "qemu-aarch64"):
        if not shutil.which(tool):
            print(f"skipped: {tool} is not installed")
            return SKIP
    work, source, test = args.work.resolve(), args.source.resolve(), args.source.resolve() / "test"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    (work / "system").mkdir()  # of this machine's headers these alone
    for name in ("boost", "doctest"):
        (work / "system" / name).symlink_to(Path("/usr/include") / name)
    sets = "-DQNNX_TEST_SETS=" + "".join(f"SET({name})" for name in SETS)
    jobs = {f"arm_{file.stem}": (file, [sets]) for file in sorted((test / "kernels_arm").glob("*.cpp"))}
    jobs |= {"floats": (test / "kernels_neon/floats.cpp", [sets]),
            "elements": (test / "kernels_neon/elements.cpp", [sets]), "functions": (test / "kernels_neon/functions.cpp", []),
            "main": (test / "doctest_main.cpp", []), "interpreter": (source / "tools/runtime/interpreter.cpp", []),
            "needs": (source / "tools/runtime/node_needs.cpp", []),
            "table": (test / "kernels_neon/unit.cpp", ["-DQNNX_TEST_TABLE"])}
    jobs |= {name: (test / "kernels_neon/unit.cpp", flags) for name, flags in SETS.items()}
    compiler = ["aarch64-linux-gnu-g++", "-std=c++20", "-O1", "-ffp-contract=off", "-Wall", "-Wextra", f"-I{source / 'include'}",
                f"-I{source / 'tools'}", f"-I{test}", "-isystem", work / "system"]
    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(run, *compiler, *more, "-c", file, "-o", work / f"{name}.o") for name, (file, more) in jobs.items()]:
            done.result()
    run("aarch64-linux-gnu-g++", "-static", *[work / f"{name}.o" for name in jobs], "-o", work / "test")
    print(run("qemu-aarch64", "-cpu", "max", work / "test"))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (RuntimeError, OSError) as e:
        print(f"neon: {e}", file=sys.stderr)
        sys.exit(1)
