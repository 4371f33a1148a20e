#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every header compiles alone, without warnings.

  check_headers.py COMPILER INCLUDE_DIR [--core] [--boost=DIR] [flag ...]
--core: all headers below runtime, as one unit; --boost: the host's Boost headers, and nothing else of the host's
"""
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HOSTED = ("runtime", "io")
UMBRELLAS = ("runtime.hpp",)
FLAGS = ["-std=c++20", "-fsyntax-only", "-ffp-contract=off", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-x", "c++"]


def compile_headers(compiler, include, flags, headers):
    command = [compiler, *FLAGS, *flags, f"-I{include}"]
    for h in headers:
        command += ["-include", h]
    done = subprocess.run([*command, "/dev/null"], capture_output=True, text=True)
    return [] if done.returncode == 0 else [f"{' '.join(headers)}:", *done.stderr.splitlines()[:12]]


def main():
    compiler, include, *flags = sys.argv[1:]
    core = "--core" in flags
    boost = [f.split("=", 1)[1] for f in flags if f.startswith("--boost=")]
    flags = [f for f in flags if f != "--core" and not f.startswith("--boost=")]
    with tempfile.TemporaryDirectory() as only:
        if boost:
            (Path(only) / "boost").symlink_to(boost[0])
            flags += ["-isystem", only]
        return check(compiler, include, flags, core)


def check(compiler, include, flags, core):
    root = Path(include)
    headers = sorted(p.relative_to(root).as_posix() for p in root.rglob("*.hpp"))
    if core:  # export.hpp is for generated units, which say what they export
        headers = [h for h in headers if h.split("/")[1] not in HOSTED + UMBRELLAS and not h.endswith("model/export.hpp")]
        results = [compile_headers(compiler, include, flags, headers)]
    else:
        with ThreadPoolExecutor(2) as pool:
            results = list(pool.map(lambda h: compile_headers(compiler, include, flags, [h]), headers))
    for lines in results:
        if lines:
            print("\n".join(lines))
    failed = sum(1 for r in results if r)
    print(f"{compiler}: {len(headers)} headers, {failed} {'units' if core else 'headers'} do not compile")
    return 1 if failed or not headers else 0


if __name__ == "__main__":
    sys.exit(main())
