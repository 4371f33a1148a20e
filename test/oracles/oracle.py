#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs models with runtimes that are not ours and dumps raw tensors.

.onnx runs on onnxruntime, .tflite on ai-edge-litert. Raw files are little-endian,
C-order, in the native type of the tensor, so that they can be compared bit by bit.

Exit status: 0 done, 1 a comparison is out of tolerance, 2 anything that went wrong.
"""
from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from runtimes import OracleError, clean_name, need_file, open_model, to_dtype, unique_files


def random_array(rng: np.random.Generator, dtype: np.dtype, shape: list[int],
                 limits: list[float] | None) -> np.ndarray:
    if dtype.kind == "f":
        lo, hi = limits or (-1.0, 1.0)
        return (rng.random(shape, dtype=np.float32) * (hi - lo) + lo).astype(dtype)
    if dtype.kind == "b":
        return rng.integers(0, 2, shape).astype(dtype)
    full = np.iinfo(dtype)
    lo, hi = (int(v) for v in limits) if limits else (full.min, full.max)
    if lo < full.min or hi > full.max:
        raise OracleError(f"--range {lo} {hi} does not fit {dtype.name}")
    native = dtype.newbyteorder("=")
    return rng.integers(lo, hi, shape, dtype=native, endpoint=True).astype(dtype)


def fixed_shape(shape: list[Any], count: int | None = None) -> list[int]:
    """Unknown dimensions become 1; a single one follows from the element count."""
    dims = [d if isinstance(d, int) and d >= 0 else -1 for d in shape]
    known = int(np.prod([d for d in dims if d >= 0]))
    if count is not None and dims.count(-1) == 1 and known and count % known == 0:
        return [count // known if d < 0 else d for d in dims]
    return [1 if d < 0 else d for d in dims]


def apply_shapes(model: Any, given: list[str]) -> None:
    for item in given:
        name, _, text = item.partition("=")
        info = next((i for i in model.inputs if i["name"] == name), None)
        if info is None or not all(d.isdigit() for d in text.split("x")):
            raise OracleError(f"--shape {item}: expected INPUT=AxBxC with one of the inputs "
                              f"{[i['name'] for i in model.inputs]}")
        info["shape"] = [int(d) for d in text.split("x")]


def read_input(path: str, listing: Path, info: dict[str, Any], as_float: bool) -> np.ndarray:
    # As other tools do, paths are relative to the working directory; failing that,
    # to the folder of the list.
    file = Path(path) if Path(path).is_file() else listing.parent / path
    native = to_dtype(info["dtype"])
    quantize = as_float and native.kind in "iu" and isinstance(info["scale"], float)
    data = np.fromfile(need_file(file), dtype=np.dtype("<f4") if quantize else np.uint8)
    if quantize:
        q = np.round(data / np.float32(info["scale"])) + info["zero_point"]
        data = np.clip(q, np.iinfo(native).min, np.iinfo(native).max).astype(native)
    elif data.size % native.itemsize == 0:
        data = data.view(native)
    shape = fixed_shape(info["shape"], data.size)
    if data.size != np.prod(shape, dtype=int):
        raise OracleError(f"{file}: {file.stat().st_size} bytes do not make {native.name} {shape} "
                          f"for input '{info['name']}'")
    return data.reshape(shape)


def read_list(listing: Path, names: list[str]) -> list[dict[str, str]]:
    sets = []
    for line in listing.read_text().splitlines():
        items = line.split()
        if not items or items[0][0] in "#%":
            continue
        pairs = dict(i.split(":=", 1) if ":=" in i else (names[min(k, len(names) - 1)], i)
                     for k, i in enumerate(items))
        if len(items) != len(names) or set(pairs) != set(names):
            raise OracleError(f"{listing}: '{line}' does not name the inputs {names}")
        sets.append(pairs)
    if not sets:
        raise OracleError(f"{listing}: no inferences")
    return sets


def cmd_info(args: argparse.Namespace) -> int:
    model = open_model(args.model, reference=True)  # no delegate: its ops stay visible
    info = {"inputs": model.inputs, "outputs": model.outputs}
    if args.ops:
        info["ops"] = model.ops()
    print(json.dumps(info, indent=1))
    return 0


def cmd_random(args: argparse.Namespace) -> int:
    model, rng = open_model(args.model), np.random.default_rng(args.seed)
    apply_shapes(model, args.shape)
    if args.count < 1:
        raise OracleError("--count must be at least 1")
    lines = []
    for n in range(args.count):
        folder = Path(args.out) / f"input_{n}"
        folder.mkdir(parents=True, exist_ok=True)
        items = []
        for i, info in enumerate(model.inputs):
            data = random_array(rng, to_dtype(info["dtype"]), fixed_shape(info["shape"]),
                                args.range)
            file = folder / f"{i}_{clean_name(info['name'])[:200]}.raw"
            data.tofile(file)
            items.append(f"{info['name']}:={file}" if len(model.inputs) > 1 else f"{file}")
        lines.append(" ".join(items))
    (Path(args.out) / "input_list.txt").write_text("\n".join(lines) + "\n")
    return 0


def cmd_run(args: argparse.Namespace) -> int:
    model = open_model(args.model, args.all, args.reference)
    apply_shapes(model, args.shape)
    listing = need_file(args.input_list)
    infos = {i["name"]: i for i in model.inputs}
    files = unique_files([o["name"] for o in model.outputs])
    index: dict[str, Any] = {}
    for n, pairs in enumerate(read_list(listing, list(infos))):
        feeds = {k: read_input(p, listing, infos[k], args.float_inputs) for k, p in pairs.items()}
        try:
            results = model.run(feeds)
        except Exception as e:
            raise OracleError(f"inference {n}: {' '.join(str(e).split())}") from None
        folder = Path(args.out) / f"Result_{n}"
        folder.mkdir(parents=True, exist_ok=True)
        for info in model.outputs:
            name, value = info["name"], results[info["name"]]
            if isinstance(value, np.generic):  # how the runtimes hand out scalars
                value = np.asarray(value)
            if not isinstance(value, np.ndarray) or value.dtype.kind not in "biuf":
                print(f"oracle: '{name}' is not a numeric tensor: left out", file=sys.stderr)
                continue
            np.ascontiguousarray(value, value.dtype.newbyteorder("<")).tofile(folder / files[name])
            index.setdefault(name, {"file": files[name], **{k: v for k, v in info.items()
                                                            if k != "name"},
                                    "dtype": value.dtype.name, "shape": list(value.shape)})
    (Path(args.out) / "index.json").write_text(json.dumps(index, indent=1) + "\n")
    return 0


def cmd_compare(args: argparse.Namespace) -> int:
    dtype = to_dtype(args.dtype)
    sizes = [need_file(p).stat().st_size for p in (args.a, args.b)]
    if sizes[0] != sizes[1] or sizes[0] % dtype.itemsize:
        raise OracleError(f"sizes {sizes[0]} and {sizes[1]} do not compare as {dtype.name}")
    raw_a, raw_b = (np.fromfile(p, dtype) for p in (args.a, args.b))
    # int64 does not fit a double: count differences before converting.
    same = (raw_a == raw_b) | ((raw_a != raw_a) & (raw_b != raw_b))
    a, b = raw_a.astype(np.float64), raw_b.astype(np.float64)
    with np.errstate(all="ignore"):
        diff = np.where(same, 0.0, np.abs(a - b))
        diff[np.isnan(diff)] = np.inf
        rel = np.where(same, 0.0, diff / np.abs(b))
        bad = ~same & ~(diff <= args.atol + args.rtol * np.abs(b))
    if args.atol == 0 and args.rtol == 0:
        bad = ~same
    print(f"elements {a.size} different {int((~same).sum())} out_of_tolerance {int(bad.sum())} "
          f"max_abs {diff.max(initial=0):.9g} max_rel {rel.max(initial=0):.9g}")
    return 1 if bad.any() else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    sub = parser.add_subparsers(dest="command", required=True)

    p = sub.add_parser("info", help="print inputs and outputs as JSON")
    p.add_argument("model")
    p.add_argument("--ops", action="store_true", help="also the operators in file order")
    p.set_defaults(call=cmd_info)

    p = sub.add_parser("random", help="make seeded random inputs")
    p.add_argument("model")
    p.add_argument("--count", type=int, default=1)
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--range", type=float, nargs=2, metavar=("LO", "HI"))
    p.add_argument("--shape", action="append", default=[], metavar="INPUT=AxBxC",
                   help="shape of an input with unknown dimensions")
    p.add_argument("--out", required=True)
    p.set_defaults(call=cmd_random)

    p = sub.add_parser("run", help="run a model over an input list")
    p.add_argument("model")
    p.add_argument("--input_list", required=True)
    p.add_argument("--out", required=True)
    p.add_argument("--shape", action="append", default=[], metavar="INPUT=AxBxC",
                   help="shape of an input with unknown dimensions")
    p.add_argument("--all", action="store_true", help="dump the intermediate tensors too")
    p.add_argument("--reference", action="store_true",
                   help="TFLite reference kernels; ONNX without graph optimizations")
    p.add_argument("--float_inputs", action="store_true",
                   help="files hold float32 and are quantized for quantized inputs")
    p.set_defaults(call=cmd_run)

    p = sub.add_parser("compare", help="compare two raw files")
    p.add_argument("a")
    p.add_argument("b")
    p.add_argument("--dtype", required=True)
    p.add_argument("--rtol", type=float, default=0.0)
    p.add_argument("--atol", type=float, default=0.0)
    p.set_defaults(call=cmd_compare)

    args = parser.parse_args()
    try:
        return args.call(args)
    except (OracleError, OSError) as e:
        print(f"oracle: {e}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
