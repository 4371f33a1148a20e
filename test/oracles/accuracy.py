#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Top-k accuracy of the Result_<n> folders that an oracle or our own runner left.

Line n of the labels belongs to Result_<n>. Exit status: 0 done, 1 below --min_top1, 2 an error.
"""
from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np

from runtimes import OracleError, need_file, to_dtype, unique_files


def score_file(results: Path, tensor: str) -> str:
    """The file name inside Result_<n>: from index.json where there is one."""
    index = results / "index.json"
    if index.is_file():
        entries = json.loads(index.read_text())
        if tensor in entries:
            return entries[tensor]["file"]
    return unique_files([tensor])[tensor]


def ranks(results: Path, file: str, dtype: np.dtype, labels: list[int]) -> np.ndarray:
    """How many classes score above the right one; of equal scores the lower class comes first."""
    found = []
    for n, label in enumerate(labels):
        path = need_file(results / f"Result_{n}" / file)
        if path.stat().st_size % dtype.itemsize:
            raise OracleError(f"{path}: not a whole number of {dtype.name}")
        scores = np.fromfile(path, dtype)
        if not 0 <= label < scores.size:
            raise OracleError(f"{path}: {scores.size} scores, but the label is {label}")
        right = scores[label]
        above = int((scores > right).sum()) + int((scores[:label] == right).sum())
        found.append(scores.size if np.isnan(right) else above)
    return np.array(found)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", type=Path)
    parser.add_argument("--tensor", required=True)
    parser.add_argument("--labels", required=True)
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--min_top1", type=float, help="fail below this")
    args = parser.parse_args()
    try:
        labels = [int(line) for line in need_file(args.labels).read_text().split()]
        if not labels:
            raise OracleError(f"{args.labels}: no labels")
        rank = ranks(args.results, score_file(args.results, args.tensor), to_dtype(args.dtype),
                     labels)
    except (OracleError, OSError, ValueError) as e:
        print(f"accuracy: {e}", file=sys.stderr)
        return 2
    top1 = float((rank < 1).mean())
    print(f"images {len(labels)} top1 {top1:.4f} top5 {float((rank < 5).mean()):.4f}")
    return 1 if args.min_top1 is not None and top1 < args.min_top1 else 0


if __name__ == "__main__":
    sys.exit(main())
