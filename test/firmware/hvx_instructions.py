#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The pieces of kernel/hexagon/hvx.hpp give the same bits with HVX's instructions and written out in C++.

    hvx_instructions.py --source REPOSITORY --work DIR

hvx_instructions.cpp is compiled for Hexagon v67 and run in qemu-hexagon, and compiled for this machine with
QNNX_EMULATE_HVX; what both print is compared line by line. Ends with 77 where a compiler or qemu-hexagon is absent.
"""
from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from commands import SKIP, run  # noqa: E402
from user_mode import link_user, needs, run_user  # noqa: E402

TARGET = "hexagon-v67"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for option in ("source", "work"):
        parser.add_argument(f"--{option}", type=lambda s: Path(s).resolve(), required=True)
    args = parser.parse_args()
    for tool in [*needs(TARGET), "g++"]:
        if not shutil.which(tool):
            print(f"skipped: {tool} is not installed")
            return SKIP
    shutil.rmtree(args.work, ignore_errors=True)
    args.work.mkdir(parents=True)
    code, include = args.source / "test/firmware/hvx_instructions.cpp", f"-I{args.source / 'include'}"
    run("g++", "-std=c++20", "-O1", "-DQNNX_EMULATE_HVX", include, f"-I{args.source / 'examples/firmware'}", code, "-o", args.work / "host")
    link_user(args.source, TARGET, [code], [], args.work / "device", [include])
    host, device = run(args.work / "host").splitlines(), run_user(TARGET, args.work / "device").splitlines()
    wrong = [f"{a}: the instructions give {b}" for a, b in zip(host, device) if a != b]
    print("\n".join(wrong) or f"{len(device)} pieces of HVX: same bits")
    return 0 if not wrong and len(host) == len(device) > 0 else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (RuntimeError, OSError) as e:
        print(f"hvx_instructions: {e}", file=sys.stderr)
        sys.exit(1)
