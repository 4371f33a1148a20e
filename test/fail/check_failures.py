#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compile-fail tests in pairs: each file here builds with QNNX_WRONG=0; with QNNX_WRONG=1 the compiler must refuse it
and the first ten lines of its output must hold the words of the file's `// words: a | b | c` line.

  check_failures.py COMPILER INCLUDE_DIR [file ...]
"""
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent


def compile_file(compiler, include, path, wrong):
    command = [compiler, "-std=c++20", "-fsyntax-only", "-ffp-contract=off", f"-I{include}", f"-DQNNX_WRONG={wrong}", str(path)]
    done = subprocess.run(command, capture_output=True, text=True)
    return done.returncode, done.stderr


def readable(output):
    """The first ten lines; a clang list of characters 'C', 'o', ... joined to text; inline namespaces left out."""
    text = "\n".join(output.splitlines()[:10])
    letters = re.compile(r"(?:'(?:\\?.)'(?:, )?){4,}")
    text = letters.sub(lambda m: "".join(re.findall(r"'\\?(.)'", m.group(0))), text)
    return text.replace("\\'", "'").replace("\\\\", "\\")


def check(compiler, include, path):
    words = next(l for l in path.read_text().splitlines() if l.startswith("// words:"))[9:].split("|")
    status, output = compile_file(compiler, include, path, 0)
    if status:
        return [f"{path.name}: does not build without the fault:", *output.splitlines()[:10]]
    status, output = compile_file(compiler, include, path, 1)
    if not status:
        return [f"{path.name}: builds with the fault"]
    said = readable(output)
    missing = [w.strip() for w in words if w.strip() not in said]
    return [f"{path.name}: not said in the first ten lines: {missing}", *said.splitlines()] if missing else []


def main():
    compiler, include = sys.argv[1:3]
    files = [Path(f) for f in sys.argv[3:]] or sorted(HERE.glob("*.cpp"))
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda f: check(compiler, include, f), files))
    for lines in results:
        print("\n".join(lines)) if lines else None
    failed = sum(1 for r in results if r)
    print(f"{compiler}: {len(files) - failed} of {len(files)} faults are refused with their words")
    return 1 if failed or not files else 0


if __name__ == "__main__":
    sys.exit(main())
