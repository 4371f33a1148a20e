#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints accuracy, latency and sizes of one run of the quickstart; standard library only.

    report.py --kind int8 --results DIR --labels FILE --run_log FILE --convert_log FILE --bin FILE --library FILE
"""
import argparse
import array
import re
import subprocess
import sys
from pathlib import Path


def accuracy(results: Path, labels: list[int]) -> float:
    right = 0
    for n, label in enumerate(labels):
        folder = results / f"Result_{n}"
        files = sorted(folder.glob("*.raw"))
        if len(files) != 1:
            raise ValueError(f"{folder}: expected one .raw file, got {len(files)}")
        scores = array.array("f", files[0].read_bytes())
        right += max(range(len(scores)), key=scores.__getitem__) == label
    return right / len(labels)


def sections(library: Path) -> tuple[int, int]:
    """Bytes of code and of constant data of the library, by `size -A`."""
    text = subprocess.run(["size", "-A", str(library)], capture_output=True, text=True, check=True).stdout
    code = data = 0
    for line in text.splitlines():
        parts = line.split()
        if len(parts) >= 2 and parts[1].isdigit():
            if parts[0].startswith(".text"):
                code += int(parts[1])
            elif parts[0].startswith((".rodata", ".data.rel.ro")):
                data += int(parts[1])
    return code, data


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("kind", "results", "labels", "run_log", "convert_log", "bin", "library"):
        parser.add_argument(f"--{name}", required=True)
    args = parser.parse_args()
    try:
        labels = [int(word) for word in Path(args.labels).read_text().split()]
        score = accuracy(Path(args.results), labels)
        run_log = Path(args.run_log).read_text()
        latency = re.search(r"avg[^0-9]*([0-9.]+)", run_log)
        arena = re.search(r"arena: ([0-9]+)", Path(args.convert_log).read_text())
        code, data = sections(Path(args.library))
    except (OSError, ValueError, subprocess.CalledProcessError) as e:
        print(f"report: {e}", file=sys.stderr)
        return 2
    print(f"{args.kind:>6}: accuracy {100 * score:.2f} % of {len(labels)} images, "
          f"latency {latency.group(1) if latency else '?'} us, arena {arena.group(1) if arena else '?'} bytes, "
          f"flash: code {code} + constants and weights {data} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
