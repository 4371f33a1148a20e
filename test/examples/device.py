#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Builds an example of examples/ for a processor, runs it in QEMU (WebAssembly: node), and compares with the host.

    device.py EXAMPLE --bin TOOLS --source REPOSITORY --work DIR [--target cortex-m4 ...] [--real]

EXAMPLE: kws, anomaly, image. --real: the MLPerf Tiny network of ../shared/data in place of the bundled one. The network runs on the host
too, on inputs that are made here again from what the example documents; every byte must be equal. The bundled networks
must also give the right answers. Ends with 77 (skipped) where no target's tools, or the network, are there.
"""
from __future__ import annotations

import argparse
import array
import re
import shutil
import sys
from pathlib import Path

for folder in ("..", "../firmware", "../models"):
    sys.path.insert(0, str(Path(__file__).resolve().parent / folder))
from commands import SKIP, fnv, run, write_list  # noqa: E402
from cortex_m import CORES, emulate, link  # noqa: E402
from real_models import MODELS, best_isa  # noqa: E402
from user_mode import USER, link_user, needs, run_user  # noqa: E402


class Skipped(Exception):
    pass


def missing(target: str) -> list[str]:
    return [t for t in (needs(target) if target in USER else ["arm-none-eabi-g++", "qemu-system-arm"]) if not shutil.which(t)]


class Example:
    """Where an example's things are, and the steps that all share."""

    def __init__(self, args: argparse.Namespace, name: str):
        self.args, self.name = args, name
        self.here, self.work = args.source / "examples" / name, args.work / (name + ("_real" if args.real else ""))
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir(parents=True)

    def real_model(self, key: str) -> Path:
        path = self.args.source.parent / "shared/data" / MODELS[key]
        if not path.exists():
            raise Skipped(f"no {path.name} (../shared/data)")
        return path

    def convert(self, model: Path, *more: object) -> None:
        kind = "onnx" if model.suffix == ".onnx" else "tflite"
        run(self.args.bin / f"qnnx-{kind}-converter", "-i", model, "-o", self.work / f"{self.name}.cpp", *more)

    def library(self, target: str, *more: str) -> Path:
        run(self.args.bin / "qnnx-model-lib-generator", "-c", self.work / f"{self.name}.cpp", "-b", self.work / f"{self.name}.bin",
            "-l", self.name, "-t", target, "-o", self.work / "lib", *more)
        return self.work / "lib" / target

    def on_host(self, inputs: list[bytes], output: str) -> list[bytes]:
        """The output's stored values, by qnnx-net-run, for the stored values of the one input."""
        library, out = self.library("x86_64-linux-gnu", "--isa", best_isa() or "reference") / f"lib{self.name}.so", self.work / "out"
        files = [self.work / f"in_{k}.raw" for k in range(len(inputs))]
        for file, data in zip(files, inputs):
            file.write_bytes(data)
        write_list(self.work / "list.txt", [[("", f)] for f in files])
        run(self.args.bin / "qnnx-net-run", "--model", library, "--backend", "cpu", "--input_list", self.work / "list.txt", "--output_dir", out,
            "--use_native_input_files", "--use_native_output_files")
        return [(out / f"Result_{k}" / f"{output}_native.raw").read_bytes() for k in range(len(inputs))]

    def on_target(self, target: str, mains: list[Path], *flags: object) -> str:
        """What the example prints."""
        lib = self.library(target, "--optimize", "2")
        archive, program, flags = lib / f"lib{self.name}.a", self.work / f"{target}.elf", (f"-I{lib}", f"-I{self.work}", *flags)
        if target in USER:
            link_user(self.args.source, target, mains, [archive], program, list(flags))
            return run_user(target, program)
        objects = []
        for k, main in enumerate(mains):
            objects.append(self.work / f"{target}_{k}.o")
            compiler = ["arm-none-eabi-gcc", "-std=c11"] if main.suffix == ".c" else ["arm-none-eabi-g++", "-std=c++20", "-fno-exceptions", "-fno-rtti"]
            run(*compiler, "-O2", "-Wall", "-Wextra", "-Werror", "-mthumb", *CORES[target][0], "-ffunction-sections",
                f"-I{self.args.source / 'examples/firmware'}", *flags, "-c", main, "-o", objects[-1])
        link(self.args.source, target, objects[0], [*objects[1:], archive], program, ["-DQNNX_MAIN=app_main"])
        return emulate(target, program)


def numbers(text: str, key: str) -> list[int]:
    return [int(n) for n in re.findall(rf"^{key} (\d+)", text, re.M)]


def port(header: str, kind: str) -> tuple[float, int, bool]:
    """Scale, offset and signedness of the one input or output of a C header."""
    name = re.search(rf"#define (\w+_{kind}_\w+)_SCALE", header).group(1)
    scale = float(re.search(rf"{name}_SCALE ([-+.e\d]+)f", header).group(1))
    return scale, int(re.search(rf"{name}_OFFSET \((-?\d+)\)", header).group(1)), f"int8_t* {name.lower()}" in header.lower().replace("uint8_t*", "u8*")


def instructions(target: str, ticks: list[int]) -> str:
    return f"{max(ticks) * CORES[target][2] / 1e6:.2f}" if target in CORES else "uncounted"


def kws(args: argparse.Namespace, targets: list[str]) -> bool:
    """Sounds -> features -> network. The host's features are those of features.cpp, stored as mfcc::stored documents."""
    e = Example(args, "kws")
    sounds = e.work / "sounds"
    sounds.mkdir()
    run("g++", "-std=c++20", "-O2", e.here / "features.cpp", "-o", e.work / "features")
    run(e.work / "features", sounds, 7, 1)
    run(e.work / "features", sounds, 2000, 10)
    if args.real:
        e.convert(e.real_model("kws_int8"))
    else:
        rows = []
        for path in sorted(sounds.glob("*_20*.q16")):
            values = array.array("f", (v / 65536 for v in array.array("i", path.read_bytes())))
            path.with_suffix(".raw").write_bytes(values.tobytes())
            rows.append([("", path.with_suffix(".raw"))])
        write_list(e.work / "calibration.txt", rows)
        e.convert(e.here / "sounds.onnx", "--input_list", e.work / "calibration.txt", "--use_per_channel_quantization")
    e.library(targets[0])
    scale, offset, signed = port((e.work / "lib" / targets[0] / "kws.h").read_text(), "INPUT")
    lowest, per_scale = (-128 if signed else 0), int(65536 / scale + 0.5)
    store = lambda v: min(max(((v * per_scale + 2 ** 31) >> 32) - offset, lowest), lowest + 255) & 0xFF  # noqa: E731
    inputs = [bytes(store(v) for v in array.array("i", (sounds / f"{kind}_7.q16").read_bytes())) for kind in range(6)]
    results = e.on_host(inputs, "Identity")
    best = [max(range(len(r)), key=lambda i: (r[i] ^ 0x80) if signed else r[i]) for r in results]
    good = args.real or best == list(range(6))
    if not good:
        print(f"kws: the host hears {best}, expected 0 to 5")
    for target in targets:
        text = e.on_target(target, [e.here / "main.cpp"])
        same = (numbers(text, "features") == [fnv(b) for b in inputs] and numbers(text, "scores") == [fnv(r) for r in results]
                and numbers(text, "heard") == best)
        good = good and same
        print(f"kws on {target}: {'same features and scores as the host' if same else 'DIFFERS from the host'}, heard {numbers(text, 'heard')}; "
              f"million instructions: front end {instructions(target, numbers(text, 'front_end'))}, network {instructions(target, numbers(text, 'network'))}")
    return good


def anomaly(args: argparse.Namespace, targets: list[str]) -> bool:
    """Spectra -> autoencoder, a C program. Levels are those of spectra.c, stored as main.c documents."""
    e = Example(args, "anomaly")
    spectra, bands = e.work / "spectra", 640 if args.real else 64
    spectra.mkdir()
    run("gcc", "-O1", e.here / "spectra.c", "-o", e.work / "spectra_tool")
    run(e.work / "spectra_tool", spectra, 0, 8, bands)
    if args.real:
        e.convert(e.real_model("ad_int8"))
    else:
        run(e.work / "spectra_tool", spectra, 2000, 50, bands)
        write_list(e.work / "calibration.txt", [[("", f)] for f in sorted(spectra.glob("*_20*.raw"))])
        e.convert(e.here / "machine.onnx", "--input_list", e.work / "calibration.txt", "--use_per_channel_quantization")
    e.library(targets[0])
    header = (e.work / "lib" / targets[0] / "anomaly.h").read_text()
    scale, offset, signed = port(header, "INPUT")
    lowest, per_step = (-128 if signed else 0), int(32768 / scale + 0.5)
    store = lambda v: min(max((((v - 170) * per_step + 0x8000) >> 16) - offset, lowest), lowest + 255) & 0xFF  # noqa: E731
    levels = [(spectra / f"{'good' if k < 4 else 'broken'}_{k}.u8").read_bytes() for k in range(8)]
    results = e.on_host([bytes(store(v) for v in level) for level in levels], "Identity")
    good = True
    for target in targets:
        text = e.on_target(target, [e.here / "main.c", args.source / "examples/firmware/board_c.cpp"])
        same, alarms = numbers(text, "hash") == [fnv(r) for r in results], numbers(text, "alarm")
        right = args.real or alarms == [0] * 4 + [1] * 4
        good = good and same and right
        print(f"anomaly on {target}: {'same outputs as the host' if same else 'DIFFERS from the host'}, alarms {alarms}"
              f"{'' if right else ', expected four 0 and four 1'}, squared decibels {[round(n / 256, 1) for n in numbers(text, 'score')]}; "
              f"million instructions {instructions(target, numbers(text, 'network'))}")
    return good


def pictures(args: argparse.Namespace) -> tuple[list[bytes], list[int], float]:
    """Ten images, one of each class, their labels, and what a step of a byte is worth."""
    if not args.real:
        data, labels = args.source / "examples/quickstart/data", []
        every = [int(w) for w in (data / "test_labels.txt").read_text().split()]
        chosen = [every.index(k) for k in range(10)]
        pixels = (data / "test_images.u8").read_bytes()
        return [pixels[k * 784:(k + 1) * 784] for k in chosen], list(range(10)), 1 / 255
    folder = args.source.parent / "shared/data/YoongiKim+CIFAR-10-images/test"
    try:
        from PIL import Image
    except ImportError as e:
        raise Skipped("python3-pil is not installed: it reads the JPEG images") from e
    names = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
    return [Image.open(folder / n / "0000.jpg").convert("RGB").tobytes() for n in names], list(range(10)), 1.0


def image(args: argparse.Namespace, targets: list[str]) -> bool:
    """Images -> classifier; whole on the first targets, and a layer at a time by a C program."""
    e = Example(args, "image")
    if args.real:
        e.convert(e.real_model("ic_int8"))
    else:
        run(sys.executable, args.source / "examples/quickstart/unpack_data.py", "--out", e.work / "data")
        e.convert(args.source / "examples/quickstart/digits.onnx", "--input_list", e.work / "data/calibration_list.txt", "--use_per_channel_quantization")
    images, labels, pixel = pictures(args)
    rows = ",\n".join("  {" + ",".join(str(b) for b in i) + "}" for i in images)
    (e.work / "images.h").write_text(f"enum {{ image_bytes = {len(images[0])}, image_count = {len(images)} }};\nstatic const float image_pixel = {pixel!r}f;\n"
                                     f"static const unsigned char images[image_count][image_bytes] = {{\n{rows}}};\n")
    e.library(targets[0])
    header = (e.work / "lib" / targets[0] / "image.h").read_text()
    scale, offset, signed = port(header, "INPUT")
    lowest, per_byte = (-128 if signed else 0), int(pixel / scale * 65536 + 0.5)
    store = lambda v: min(max(((v * per_byte + 0x8000) >> 16) - offset, lowest), lowest + 255) & 0xFF  # noqa: E731
    output = re.search(r"image_output_(\w+)\(", header).group(1)
    results = e.on_host([bytes(store(v) for v in i) for i in images], output)
    best = [max(range(len(r)), key=lambda n: (r[n] ^ 0x80) if signed else r[n]) for r in results]
    right = sum(b == k for b, k in zip(best, labels))
    good = right >= (5 if args.real else 9)
    print(f"image: {right} of {len(labels)} images right{'' if good else ', too few'}")
    include = f"-I{args.source / 'include'}"
    for target in targets:
        text = e.on_target(target, [e.here / "main.cpp"], include)
        layers = e.on_target(target, [e.here / "layers.c", args.source / "examples/firmware/board_c.cpp"], include)
        wanted = [fnv(r) for r in results]
        same = numbers(text, "hash") == wanted == numbers(layers, "hash") and numbers(text, "class") == best and sum(numbers(layers, "yields")) > 0
        good = good and same
        print(f"image on {target}: {'same scores as the host, whole and by layers' if same else 'DIFFERS from the host'}; "
              f"million instructions {instructions(target, numbers(text, 'network'))}, the longest layer {instructions(target, numbers(layers, 'network'))}")
    return good


EXAMPLES = {"kws": kws, "anomaly": anomaly, "image": image}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("example", choices=EXAMPLES)
    for option in ("bin", "source", "work"):
        parser.add_argument(f"--{option}", type=lambda s: Path(s).resolve(), required=True)
    parser.add_argument("--target", nargs="+", choices=[*CORES, *USER], default=["cortex-m4"])
    parser.add_argument("--real", action="store_true")
    args = parser.parse_args()
    targets = []
    for target in args.target:
        if absent := missing(target):
            print(f"left out {target}: {', '.join(absent)} not installed")
        else:
            targets.append(target)
    if not targets:
        print("skipped: the tools of no target are installed")
        return SKIP
    return 0 if EXAMPLES[args.example](args, targets) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Skipped as e:
        print(f"skipped: {e}")
        sys.exit(SKIP)
    except (RuntimeError, OSError, AttributeError) as e:
        print(f"device: {e}", file=sys.stderr)
        sys.exit(1)
