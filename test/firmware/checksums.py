#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The same inputs through the same networks on every processor: one table of output checksums, which must be equal.

    checksums.py --bin TOOLS --source REPOSITORY --work DIR [--targets LIST] [--markdown FILE] [NAME=MODEL...]

Networks: MODEL files (.tflite or .onnx of integers); without any, the four MLPerf Tiny int8 networks of ../shared/data.
--bundled takes the bundled digit network instead, quantized to 8 bits: a chain without ../shared whose rows of 1568 bytes
end within vectors. --types names forms of KWS and IC instead, made from their float files with five inputs: s16 (16-bit data), s4 (4-bit
weights); they run on one instruction set of each family of kernels (FAMILIES). Each network is converted once, compiled
for each target, and run on five inputs of pseudo-random bytes; the checksum is the FNV-1a of the output bytes of all
five. On this machine every instruction set that the processor has runs (QNNX_ISA; the table says which it has not), both compilers' libraries and the
interpreter; the others run in QEMU (Cortex-M: test/firmware/cortex_m.py has the boards) or in node. Targets whose compiler or emulator is absent are left out: their rows say so. Ends with 1 where two checksums of a
network differ, with 77 where no network is there.
"""
from __future__ import annotations

import argparse
import re
import shutil
import struct
import sys
from pathlib import Path

for folder in (".", "..", "../models", "../../bench/firmware"):
    sys.path.insert(0, str(Path(__file__).resolve().parent / folder))
from commands import SKIP, fnv, random_bytes, run  # noqa: E402
from cortex_m import CORES, RUNS, emulate, firmware_main, host_hashes, link, make_inputs  # noqa: E402
from inputs import CHANNELS, FLOAT, TYPES  # noqa: E402
from real_models import ISAS, MODELS, host_program, missing_flags  # noqa: E402
from user_mode import USER, link_user, needs, run_user  # noqa: E402

AARCH64 = ("reference", "neon", "neon_dot", "i8mm")
NETWORKS = {"kws": "kws_int8", "vww": "vww_int8", "ic": "ic_int8", "ad": "ad_int8"}
FAMILIES = ("interpreter reference", "x86_64 g++.*", "aarch64-linux-gnu neon", "cortex-m0plus", "cortex-m3", "cortex-m4", "cortex-m55",
            "riscv32", "riscv64", "hexagon-v67", "wasm32")  # rows of the networks of other widths


RANGES = {"kws": (490, -123, 25), "ic": (3072, 0, 255)}  # numbers of an input, and where they lie


def calibration(network: str, folder: Path) -> Path:
    """A list of five inputs of pseudo-random numbers: the bits are compared, not the accuracy."""
    count, low, high = RANGES[network]
    folder.mkdir(parents=True, exist_ok=True)
    listing, state = folder / "list.txt", 1
    for k in range(5):
        state, data = random_bytes(state, count)
        (folder / f"{k}.raw").write_bytes(struct.pack(f"<{count}f", *(low + b * (high - low) / 255 for b in data)))
    listing.write_text("".join(f"{folder / f'{k}.raw'}\n" for k in range(5)))
    return listing


def chain(hashes: list[int]) -> str:
    h = 2166136261
    for one in hashes:
        h = fnv(one.to_bytes(4, "little"), h)
    return f"{h:08x}"


class Network:
    """One converted network, its inputs and where its things go."""

    def __init__(self, name: str, path: Path, args: argparse.Namespace):
        self.name, self.args = name, args
        self.made: dict[str, tuple[str, ...]] = {}  # target: the options of the library that is there
        types = name.partition(" ")[2]
        self.work = args.work / name.replace(" ", "_")
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir(parents=True)
        kind = "onnx" if path.suffix == ".onnx" else "tflite"
        more = ["--input_list", args.input_list, "--use_per_channel_quantization", "--bias_bitwidth", "32"] if args.input_list else []
        if types in TYPES:
            more = ["--input_list", calibration(name.split()[0], self.work / "calibration"), *TYPES[types], *CHANNELS]
        run(args.bin / f"qnnx-{kind}-converter", "-i", path, "-o", self.work / "net.cpp", *more)
        run(args.bin / "qnnx-converter", "-i", path, "-o", self.work / "net.dlc", *more)

    def library(self, target: str, *more: str) -> Path:
        """The folder of a target's library, which is made once."""
        if self.made.get(target) == more:
            return self.work / "lib" / target
        run(self.args.bin / "qnnx-model-lib-generator", "-c", self.work / "net.cpp", "-b", self.work / "net.bin", "-t", target,
            "-o", self.work / "lib", *more)
        self.made[target] = more
        return self.work / "lib" / target

    def prepare(self) -> None:
        """Input files for the host, from the firmware's names and sizes (a target without kernels of its own)."""
        self.files, self.outputs = make_inputs((self.library("cortex-m3") / "net.h").read_text(), self.work)

    def on_host(self, *source: object, isa: str = "") -> str:
        environment = {"QNNX_ISA": isa} if isa else {}
        return chain(host_hashes(self.args.bin, self.work, self.outputs, *source, **environment))

    def on_aarch64(self, isa: str) -> str:
        library = self.library("aarch64-linux-gnu", "--isa", ",".join(AARCH64)) / "libnet.so"
        host_program(self.args.source, "aarch64-linux-gnu-gcc", self.work / "host")
        hashes = []
        for k in range(RUNS):
            run("qemu-aarch64", "-L", "/usr/aarch64-linux-gnu", self.work / "host", library, self.work / "made", *self.files[k], QNNX_ISA=isa)
            hashes.append(fnv((self.work / "made").read_bytes()))
        return chain(hashes)

    def firmware(self, target: str, entry: str = "", *more: str) -> Path:
        lib = self.library(target, *more)
        code, _, _ = firmware_main("net", (lib / "net.h").read_text())
        (self.work / "main.cpp").write_text(code.replace("int main()", f'extern "C" int {entry}()') if entry else code)
        return lib

    def on_cortex(self, core: str) -> str:
        lib, elf = self.firmware(core), self.work / "firmware.elf"
        link(self.args.source, core, self.work / "main.cpp", [lib / "libnet.a"], elf, [f"-I{lib}"])
        return self.printed(emulate(core, elf))

    def on_user(self, target: str, *more: str) -> str:
        lib, program = self.firmware(target, "app_main", *more), self.work / "program"
        link_user(self.args.source, target, [self.work / "main.cpp"], [lib / "libnet.a"], program, [f"-I{lib}"])
        return self.printed(run_user(target, program))

    @staticmethod
    def printed(text: str) -> str:
        hashes = [int(n) for n in re.findall(r"hash (\d+)", text)]
        if len(hashes) != RUNS:
            raise RuntimeError(f"got {len(hashes)} results: {text[-200:]}")
        return chain(hashes)


def rows(args: argparse.Namespace) -> tuple[dict[str, object], dict[str, str]]:
    """Target: how it runs a network; and why the others cannot be run here."""
    table: dict[str, object] = {}
    absent: dict[str, str] = {}

    def add(name: str, needs: list[str], call: object, lacking: list[str] = []) -> None:
        if args.targets and not any(re.fullmatch(p, name) for p in args.targets.split(",")):
            return
        missing = [t for t in needs if not shutil.which(t)]
        if lacking:
            absent[name] = f"left out: this processor has no {', '.join(lacking)}"
        elif missing:
            absent[name] = f"left out: {', '.join(missing)} not installed"
        else:
            table[name] = call
        if name in absent:
            print(f"{name} {absent[name]}", flush=True)

    wanted = [i for i in ("reference", *ISAS) if i in args.isas.split(",")]
    isas = [i for i in wanted if not missing_flags(i)]
    for isa in wanted:
        add(f"x86_64 g++ {isa}", ["g++"], lambda n, i=isa: n.on_host("--model", n.library("x86_64-linux-gnu", "--isa", ",".join(isas)) / "libnet.so", isa=i),
            missing_flags(isa))
    add("x86_64 clang", ["clang++-14"], lambda n: n.on_host("--model", n.library("x86_64-linux-clang", "--isa", ",".join(isas)) / "libnet.so"))
    for backend in ("reference", "cpu"):
        add(f"interpreter {backend}", [], lambda n, b=backend: n.on_host("--dlc_path", n.work / "net.dlc", "--backend", b))
    for isa in AARCH64:
        add(f"aarch64-linux-gnu {isa}", ["aarch64-linux-gnu-g++", "qemu-aarch64"], lambda n, i=isa: n.on_aarch64(i))
    for core in CORES:
        add(core, ["arm-none-eabi-g++", "qemu-system-arm"], lambda n, c=core: n.on_cortex(c))
    for target in USER:
        add(target, needs(target), lambda n, t=target: n.on_user(t))
    add("hexagon-v67 reference", needs("hexagon-v67"), lambda n: n.on_user("hexagon-v67", "--isa", "reference"))
    return table, absent


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for option in ("bin", "source", "work"):
        parser.add_argument(f"--{option}", type=Path, required=True)
    parser.add_argument("--targets", default="", help="regular expressions, separated by commas: only these rows")
    parser.add_argument("--isas", default=",".join(("reference", *ISAS)), help="instruction sets of the x86-64 library")
    parser.add_argument("--input_list", type=Path, help="quantize float networks with these inputs")
    parser.add_argument("--bundled", action="store_true", help="the bundled digit network")
    parser.add_argument("--markdown", type=Path, help="write the table here")
    parser.add_argument("--types", nargs="+", choices=[f"{n} {t}" for n in FLOAT for t in TYPES], default=[], metavar="'NETWORK TYPE'")
    parser.add_argument("networks", nargs="*", help="NAME=MODEL")
    args = parser.parse_args()
    args.work, args.source = args.work.resolve(), args.source.resolve()
    paths = {n.split("=", 1)[0]: Path(n.split("=", 1)[1]) for n in args.networks}
    if args.bundled:
        run(sys.executable, args.source / "examples/quickstart/unpack_data.py", "--out", args.work / "data")
        args.input_list, paths = args.work / "data/calibration_list.txt", {"digits": args.source / "examples/quickstart/digits.onnx"}
    if not paths:
        data = args.source.parent / "shared/data"
        paths = {n: data / MODELS[m] for n, m in NETWORKS.items() if not args.types}
        paths |= {t: data / "mlcommons+tiny/benchmark/training" / FLOAT[t.split()[0]] for t in args.types}
    paths = {n: p for n, p in paths.items() if p.exists()}
    if not paths:
        print("skipped: no network is there (../shared/data)")
        return SKIP
    table, absent = rows(args)
    found: dict[str, dict[str, str]] = {row: {} for row in table}
    for name, path in paths.items():
        network = Network(name, path, args)
        network.prepare()
        for row, call in table.items():
            if " " in name and not any(re.fullmatch(f, row) for f in FAMILIES):
                continue
            try:
                found[row][name] = call(network)
            except (RuntimeError, OSError) as e:
                found[row][name] = "FAILED"
                print(f"{name} on {row}: {e}", flush=True)
            print(f"{name} on {row}: {found[row][name]}", flush=True)
    lines = ["| | " + " | ".join(paths) + " |", "|---|" + "---|" * len(paths)]
    lines += [f"| {row} | " + " | ".join(cells.get(n, "") for n in paths) + " |" for row, cells in found.items()]
    lines += [f"| {row} | {why} |" + " |" * (len(paths) - 1) for row, why in absent.items()]
    print("\n".join(lines))
    if args.markdown:
        args.markdown.write_text("# The same bits everywhere\n\nWritten by `test/firmware/checksums.py`: FNV-1a of the outputs of five pseudo-random "
                                 "inputs, per network and processor.\n\n" + "\n".join(lines) + "\n")
    of = lambda n: {cells[n] for cells in found.values() if n in cells}  # noqa: E731
    same = all(len(of(n)) == 1 and "FAILED" not in of(n) for n in paths if any(n in cells for cells in found.values()))
    print("all equal" if same else "NOT all equal")
    return 0 if same else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (RuntimeError, OSError, AttributeError) as e:
        print(f"checksums: {e}", file=sys.stderr)
        sys.exit(1)
