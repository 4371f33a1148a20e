#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""From nothing to the first result: a fresh process that loads a model library and runs it once, and the memory it takes.

    cold_start.py [--runs 21] [--core 1] [--json F] lib<model>.so ...

Prints, for every library, medians in milliseconds: the library loaded, its first result, and the whole process from
fork to exit, of which an empty process takes the part named beside it. Memory is what the process has resident after
the inference beyond what it had before the library, against weights + arena + code: weights in the form that kernels
read (packed where the library carries that), code the rest of the file.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def process_ms(command):
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True)
    return (time.perf_counter() - start) * 1e3, done


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--runs", type=int, default=21)
    p.add_argument("--core", type=int, default=1)
    p.add_argument("--json", type=Path)
    p.add_argument("library", nargs="+", type=Path)
    a = p.parse_args()
    os.sched_setaffinity(0, {a.core})
    table = []
    with tempfile.TemporaryDirectory() as work:
        loader = f"{work}/cold_start"
        subprocess.run(["c++", "-std=c++20", "-O2", f"-I{ROOT / 'include'}", ROOT / "bench/model/cold_start.cpp", "-o", loader, "-ldl"], check=True)
        empty = statistics.median(process_ms(["/bin/true"])[0] for _ in range(a.runs))
        for library in a.library:
            times, rows = [], []
            for _ in range(a.runs):
                ms, done = process_ms([loader, str(library.resolve())])
                if done.returncode != 0:
                    sys.exit(f"cold_start.py: {done.stderr.strip() or done.returncode}")
                times.append(ms)
                rows.append(json.loads(done.stdout))
            f = rows[0]
            mid = lambda key: statistics.median(r[key] for r in rows)
            read = f["packed"] if f["packed"] else f["weights"]
            code = f["file"] - f["weights"] - (f["packed"] if f["prepacked"] else 0)
            wanted = read + f["arena"] + code
            table.append(dict(network=f["name"], isa=f["isa"], load_ms=mid("load_us") / 1e3, first_ms=mid("first_us") / 1e3, process_ms=statistics.median(times),
                              empty_process_ms=empty, resident=mid("resident"), weights=read, arena=f["arena"], code=code))
            print(f"{f['name']} ({f['isa']}): loaded {mid('load_us') / 1e3:.2f} ms, first result {mid('first_us') / 1e3:.2f} ms, "
                  f"process {statistics.median(times):.2f} ms (an empty one {empty:.2f} ms); resident {mid('resident') / 1e6:.2f} MB = "
                  f"{mid('resident') / wanted:.2f} of weights {read / 1e6:.2f} + arena {f['arena'] / 1e6:.2f} + code {code / 1e6:.2f} MB")
    if a.json:
        a.json.write_text(json.dumps(table, indent=1) + "\n")


if __name__ == "__main__":
    main()
