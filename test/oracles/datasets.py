#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prepares accuracy data: raw tensors, labels.txt (one class per line) and input lists.

The sources are public images kept outside of the repository; nothing made here is committed.
"""
from __future__ import annotations

import argparse
import gzip
import sys
from pathlib import Path

import numpy as np
from PIL import Image

CIFAR = "YoongiKim+CIFAR-10-images/test"
IMAGENET = "EliSchwartz+imagenet-sample-images"
MNIST = "kelas+mnist"


class DataError(Exception):
    """A problem with what the caller gave; printed as one line."""


def need(path: Path) -> Path:
    if not path.exists():
        raise DataError(f"not found: {path}")
    return path


def write_labels(path: Path, labels: list[int]) -> None:
    path.write_text("".join(f"{label}\n" for label in labels))


def write_set(out: Path, folder: str, listing: str, tensors: list[np.ndarray]) -> None:
    (out / folder).mkdir(parents=True, exist_ok=True)
    files = [out / folder / f"{n:05d}.raw" for n in range(len(tensors))]
    for file, tensor in zip(files, tensors):
        np.ascontiguousarray(tensor, tensor.dtype.newbyteorder("<")).tofile(file)
    (out / listing).write_text("".join(f"{file}\n" for file in files))


def pick(items: list, count: int | None) -> list:
    """Every k-th item, so that a small count still sees every class."""
    if count is None or count >= len(items):
        return items
    if count < 1:
        raise DataError("--count must be at least 1")
    return [items[i * len(items) // count] for i in range(count)]


def cifar(shared: Path, out: Path, args: argparse.Namespace) -> int:
    """[32,32,3] float32 RGB 0..255. The class is the alphabetical order of the folders."""
    folders = sorted(p for p in need(shared / CIFAR).iterdir() if p.is_dir())
    items = pick([(f, label) for label, folder in enumerate(folders)
                  for f in sorted(folder.glob("*.jpg"))], args.count)
    images = [np.asarray(Image.open(f).convert("RGB"), np.float32) for f, _ in items]
    write_set(out, "images", "input_list.txt", images)
    write_labels(out / "labels.txt", [label for _, label in items])
    (out / "class_names.txt").write_text("".join(f"{f.name}\n" for f in folders))
    return len(items)


def centre_crop(image: Image.Image, size: int, fraction: float, square: bool) -> np.ndarray:
    """The middle of the image, resized. Without `square` both sides are cut by the fraction and
    the aspect ratio is lost, which is what the TensorFlow models were evaluated with.
    """
    width, height = image.size
    if square:
        width = height = min(width, height)
    w, h = width * fraction, height * fraction
    left, top = (image.size[0] - w) / 2, (image.size[1] - h) / 2
    box = (left, top, left + w, top + h)
    return np.asarray(image.resize((size, size), Image.Resampling.BILINEAR, box=box), np.uint8)


def imagenet(shared: Path, out: Path, args: argparse.Namespace) -> int:
    """[224,224,3] RGB as uint8 and as float32 (x-127.5)/127.5."""
    root = need(shared / IMAGENET)
    lines = need(root / "labels.txt").read_text().splitlines()
    items = pick([line.rsplit(None, 1) for line in lines if line.strip()], args.count)
    crops = [centre_crop(Image.open(need(root / name)).convert("RGB"), 224, 0.875, args.square)
             for name, _ in items]
    write_set(out, "images_u8", "input_list_u8.txt", crops)
    write_set(out, "images_f32", "input_list_f32.txt",
              [(c.astype(np.float32) - 127.5) / np.float32(127.5) for c in crops])
    labels = [int(label) for _, label in items]
    write_labels(out / "labels.txt", labels)
    write_labels(out / "labels_1001.txt", [label + 1 for label in labels])
    return len(items)


def read_idx(path: Path) -> np.ndarray:
    data = gzip.decompress(need(path).read_bytes())
    if len(data) < 4 or data[:3] != b"\0\0\x08":
        raise DataError(f"{path}: not an idx file of bytes")
    shape = [int.from_bytes(data[4 + 4 * i:8 + 4 * i], "big") for i in range(data[3])]
    values = np.frombuffer(data, np.uint8, offset=4 + 4 * data[3])
    if values.size != np.prod(shape):
        raise DataError(f"{path}: truncated")
    return values.reshape(shape)


def mnist(shared: Path, out: Path, args: argparse.Namespace) -> int:
    """[28,28] float32, 0..255 divided by --divide."""
    images = read_idx(shared / MNIST / "t10k-images-idx3-ubyte.gz")
    labels = read_idx(shared / MNIST / "t10k-labels-idx1-ubyte.gz")
    chosen = pick(list(range(len(images))), args.count)
    write_set(out, "images", "input_list.txt",
              [images[i].astype(np.float32) / np.float32(args.divide) for i in chosen])
    write_labels(out / "labels.txt", [int(labels[i]) for i in chosen])
    return len(chosen)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("set", choices=["cifar", "imagenet", "mnist"])
    parser.add_argument("--shared", required=True, type=Path, help="folder of the public data")
    parser.add_argument("--out", required=True, type=Path,
                        help="folder to make; the lists name the files by this path")
    parser.add_argument("--count", type=int, help="fewer images, spread over the set")
    parser.add_argument("--square", action="store_true",
                        help="imagenet: crop a square instead of losing the aspect ratio")
    parser.add_argument("--divide", type=float, default=1.0, help="mnist: divisor of the pixels")
    args = parser.parse_args()
    try:
        args.out.mkdir(parents=True, exist_ok=True)
        call = {"cifar": cifar, "imagenet": imagenet, "mnist": mnist}[args.set]
        print(f"{args.set}: {call(args.shared, args.out, args)} images in {args.out}")
        return 0
    except (DataError, OSError, ValueError) as e:
        print(f"datasets: {e}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
