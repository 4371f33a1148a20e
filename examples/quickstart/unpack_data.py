#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Unpacks the images of the example: one float32 file per image and an input list.

Needs nothing but python. The network takes [1,1,28,28] values 0..1, so every byte becomes a
little-endian float32 of byte/255.

    python3 examples/quickstart/unpack_data.py --out build/quickstart

leaves in the folder test/*.raw, test_list.txt, test_labels.txt, calibration/*.raw and
calibration_list.txt. The lists name the files by the path given with --out.
"""
import argparse
import struct
import sys
from pathlib import Path

PIXELS = 28 * 28
DATA = Path(__file__).resolve().parent / "data"


# byte -> the four bytes of its float
FLOATS = [struct.pack("<f", byte / 255) for byte in range(256)]


def unpack(source: Path, folder: Path, listing: Path) -> int:
    data = source.read_bytes()
    if not data or len(data) % PIXELS:
        raise ValueError(f"{source}: {len(data)} bytes are not whole images of {PIXELS}")
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for n in range(len(data) // PIXELS):
        file = folder / f"{n:03d}.raw"
        file.write_bytes(b"".join(FLOATS[b] for b in data[n * PIXELS:(n + 1) * PIXELS]))
        files.append(file)
    listing.write_text("".join(f"{file.as_posix()}\n" for file in files))
    return len(files)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=DATA, help="folder of the packed images")
    args = parser.parse_args()
    try:
        tests = unpack(args.data / "test_images.u8", args.out / "test", args.out / "test_list.txt")
        labels = (args.data / "test_labels.txt").read_text()
        if len(labels.split()) != tests:
            raise ValueError(f"{len(labels.split())} labels for {tests} images")
        (args.out / "test_labels.txt").write_text(labels)
        others = unpack(args.data / "calibration_images.u8", args.out / "calibration",
                        args.out / "calibration_list.txt")
    except (OSError, ValueError) as e:
        print(f"unpack_data: {e}", file=sys.stderr)
        return 2
    print(f"{tests} test and {others} calibration images in {args.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
