#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Carries networks from their files to libraries and a DLC, and compares every tensor of every form.

    real_models.py --bin TOOLS --source REPOSITORY --work DIR [--shard I/N] [--targets LIST] [NAME...]

Each network is converted to C++ and to a DLC, compiled for every target (x86_64-linux-gnu and x86_64-linux-clang; for
aarch64-linux-gnu the library runs in qemu-aarch64), and run on two inputs; qnnx-net-run --debug writes every tensor.
Bit for bit, floats too: both compilers' libraries and the DLC with --backend cpu (the best kernels of this processor);
both compilers' libraries under QNNX_ISA=reference and the DLC with --backend reference; of aarch64 the outputs. Between
the two groups integers are equal, and floats within 1e-5 of the tensor's largest value (sums in another order). The
bundled network always runs; the fifteen of ../shared/data where it is there. Prints a line per network; ends with 77
where only the bundled one could run.
"""
from __future__ import annotations

import argparse
import json
import shutil
import struct
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from commands import SKIP, random_bytes, run, write_list  # noqa: E402

RUNS = 2
BOUND = 1e-5
TINY = "mlcommons+tiny/benchmark/training"
VISION = "tensorflow+tflite-support/tensorflow_lite_support/cc/test/testdata/task/vision"
RFB = "Linzaer+Ultra-Light-Fast-Generic-Face-Detector-1MB"
MODELS = {
    "kws_int8": f"{TINY}/keyword_spotting/trained_models/kws_ref_model.tflite",
    "kws_float": f"{TINY}/keyword_spotting/trained_models/kws_ref_model_float32.tflite",
    "vww_int8": f"{TINY}/visual_wake_words/trained_models/vww_96_int8.tflite",
    "vww_float": f"{TINY}/visual_wake_words/trained_models/vww_96_float.tflite",
    "ic_int8": f"{TINY}/image_classification/trained_models/pretrainedResnet_quant.tflite",
    "ic_float": f"{TINY}/image_classification/trained_models/pretrainedResnet.tflite",
    "ad_int8": f"{TINY}/anomaly_detection/trained_models/ad01_int8.tflite",
    "ad_float": f"{TINY}/anomaly_detection/trained_models/ad01_fp32.tflite",
    "mobilenet_u8": f"{VISION}/mobilenet_v1_0.25_224_quant.tflite",
    "mobilenet_float": f"{VISION}/mobilenet_v1_0.25_224_1_default_1.tflite",
    "rfb_raw": f"{RFB}/models/onnx/version-RFB-320.onnx",
    "rfb_simplified": f"{RFB}/models/onnx/version-RFB-320_simplified.onnx",
    "rfb_tflite": f"{RFB}/tflite/pretrained/version-RFB-320_without_postprocessing.tflite",
    "mnist": "onnxruntime+onnxruntime-qnn/onnxruntime/test/testdata/mnist.onnx",
    "mnist_conv": "fastmachinelearning+qonnx/src/qonnx/data/onnx/mnist-conv/model.onnx",
}


def make_inputs(net_json: str, work: Path) -> list[tuple[str, list[Path]]]:
    """Files of random stored values, floats in [-1, 1): per input its name and a file per run."""
    tensors = json.loads(net_json)["graph"]["tensors"]
    inputs, state = [], 1
    for name, t in tensors.items():
        if t["type"] != 0:
            continue
        count = 1
        for d in t["dims"]:
            count *= d
        files = []
        for k in range(RUNS):
            if t["data_type"] == 0x232:
                state, data = random_bytes(state, count)
                data = struct.pack(f"<{count}f", *((b - 128) / 128 for b in data))
            else:
                state, data = random_bytes(state, count * (2 if t["data_type"] & 0xFF == 0x16 else 1))
            files.append(work / f"in_{len(inputs)}_{k}.raw")
            files[-1].write_bytes(data)
        inputs.append((name, files))
    return inputs


def differences(left: Path, right: Path) -> tuple[int, list[str]]:
    """Files in both folders and the names of those that differ or miss."""
    names = {p.relative_to(left) for p in left.rglob("*.raw")}
    others = {p.relative_to(right) for p in right.rglob("*.raw")}
    bad = [str(n) for n in sorted(names ^ others)]
    bad += [str(n) for n in sorted(names & others) if (left / n).read_bytes() != (right / n).read_bytes()]
    return len(names), bad


def far_apart(left: Path, right: Path, floats: set[str]) -> tuple[float, list[str]]:
    """The largest deviation of a float tensor, relative to its largest value; names of tensors that are too far off."""
    worst, bad = 0.0, []
    for path in sorted(left.rglob("*.raw")):
        name, other = path.name.removesuffix(".raw").removesuffix("_native"), right / path.relative_to(left)
        a, b = path.read_bytes(), other.read_bytes()
        if a == b:
            continue
        if name not in floats or len(a) != len(b):
            bad.append(name)
            continue
        x, y = struct.unpack(f"<{len(a) // 4}f", a), struct.unpack(f"<{len(b) // 4}f", b)
        off = max(abs(p - q) for p, q in zip(x, y)) / max(max(map(abs, x)), 1e-30)
        worst = max(worst, off)
        if not off <= BOUND:
            bad.append(name)
    return worst, bad


def host_program(source: Path, compiler: str, program: Path, *flags: str) -> None:
    """test/models/host.c, which loads a library and runs it."""
    run(compiler, "-O1", "-Wall", "-Wextra", f"-I{source / 'include'}", *flags, source / "test/models/host.c", "-ldl", "-o", program)


def on_aarch64(args: argparse.Namespace, work: Path, library: Path, inputs: list, outputs: list[str], reference: Path, isas: list[str]) -> str:
    """Runs the library in qemu-aarch64, forced to each instruction set; compares the outputs' stored values with Result_<n> of `reference`."""
    host_program(args.source, "aarch64-linux-gnu-gcc", work / "host_aarch64")
    for k, isa in ((k, isa) for k in range(RUNS) for isa in isas):
        made = work / f"aarch64_{k}.bin"
        run("qemu-aarch64", "-L", "/usr/aarch64-linux-gnu", work / "host_aarch64", library, made, *[files[k] for _, files in inputs], QNNX_ISA=isa)
        expected = b""
        for o in outputs:
            native = reference / f"Result_{k}" / f"{o}_native.raw"
            expected += (native if native.exists() else reference / f"Result_{k}" / f"{o}.raw").read_bytes()
        if made.read_bytes() != expected:
            raise RuntimeError(f"aarch64 {isa}: run {k} differs from the host")
    return f"aarch64 same outputs: {', '.join(isas)}"


ISAS = {  # instruction sets beside reference, the best last as tools/runtime/kernel_table.cpp has them: what the processor must have
    "avx2": {"avx2", "fma"},
    "avxvnni": {"avx2", "fma", "avx_vnni"},
    "avx512vnni": {"avx512_vnni", "avx512vbmi", "avx512bw", "avx512vl", "avx512dq"},
    "amx": {"avx512_vnni", "avx512vbmi", "avx512bw", "avx512vl", "avx512dq", "amx_tile", "amx_int8"},
}


def missing_flags(isa: str) -> list[str]:
    """What this processor has not of an instruction set's."""
    info = Path("/proc/cpuinfo")
    return sorted(ISAS.get(isa, set()) - set(info.read_text().split() if info.exists() else []))


def best_isa() -> str:
    """The instruction set that the interpreter takes on this processor; nothing where it is reference."""
    return next((isa for isa in reversed(ISAS) if not missing_flags(isa)), "")


def check(name: str, path: Path, args: argparse.Namespace) -> str:
    began = time.monotonic()
    work = args.work / name
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    kind = "onnx" if path.suffix == ".onnx" else "tflite"
    run(args.bin / f"qnnx-{kind}-converter", "-i", path, "-o", work / "net.cpp")
    run(args.bin / "qnnx-converter", "-i", path, "-o", work / "net.dlc")
    net_json = (work / "net_net.json").read_text()
    inputs = make_inputs(net_json, work)
    write_list(work / "list.txt", [[(n, files[k]) for n, files in inputs] for k in range(RUNS)])

    def net_run(folder: str, *source: object, **environment: str) -> Path:
        run(args.bin / "qnnx-net-run", *source, "--input_list", work / "list.txt", "--output_dir", work / folder,
            "--use_native_input_files", "--use_native_output_files", "--debug", **environment)
        return work / folder

    best, plain = {}, {}
    for target in (t for t in args.targets if t.startswith("x86_64")):
        run(args.bin / "qnnx-model-lib-generator", "-c", work / "net.cpp", "-b", work / "net.bin", "-t", target, "-o", work / "lib",
            "--isa", ",".join(filter(None, ("reference", best_isa()))))
        library = work / "lib" / target / "libnet.so"
        best[target] = net_run(target, "--model", library)
        plain[target] = net_run(f"{target}_reference", "--model", library, QNNX_ISA="reference")
    best["DLC cpu"] = net_run("dlc_cpu", "--dlc_path", work / "net.dlc", "--backend", "cpu")
    plain["DLC reference"] = net_run("dlc_reference", "--dlc_path", work / "net.dlc", "--backend", "reference")
    for forms in (best, plain):
        first = next(iter(forms))
        for form, folder in list(forms.items())[1:]:
            count, bad = differences(forms[first], folder)
            if count < 2 * RUNS:
                raise RuntimeError(f"only {count} tensors were written")
            if bad:
                raise RuntimeError(f"{form} and {first} in {folder.name}: {len(bad)} of {count} files differ, first {bad[0]}")
    tensors = json.loads(net_json)["graph"]["tensors"]
    worst, bad = far_apart(plain[first], best[first], {n for n, t in tensors.items() if t["data_type"] == 0x232})
    if bad:
        raise RuntimeError(f"kernels of this processor and reference kernels: {len(bad)} tensors differ, first {bad[0]}, worst {worst:.2g}")
    text = f"{count} tensor files, equal: {', '.join(best)}; and with reference kernels; between them {f'{worst:.1g}' if worst else 'equal'}"
    if "aarch64-linux-gnu" in args.targets:
        run(args.bin / "qnnx-model-lib-generator", "-c", work / "net.cpp", "-b", work / "net.bin", "-t", "aarch64-linux-gnu", "--isa", "reference,i8mm",
            "-o", work / "lib")
        outputs = [n for n, t in tensors.items() if t["type"] == 1]
        float_weights = any(t["data_type"] == 0x232 and t["type"] == 4 for t in tensors.values())  # their sums are rounded otherwise
        text += "; " + on_aarch64(args, work, work / "lib/aarch64-linux-gnu/libnet.so", inputs, outputs, plain[first],
                                  ["reference"] if float_weights else ["reference", "i8mm"])
    shutil.rmtree(work)
    return f"{text} ({time.monotonic() - began:.0f} s)"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for option in ("bin", "source", "work"):
        parser.add_argument(f"--{option}", type=Path, required=True)
    parser.add_argument("--shard", default="0/1", help="which part of the networks, as 0/4")
    parser.add_argument("--targets", default="x86_64-linux-gnu,x86_64-linux-clang,aarch64-linux-gnu")
    parser.add_argument("names", nargs="*", help="only these networks")
    args = parser.parse_args()
    args.work, args.source = args.work.resolve(), args.source.resolve()
    args.targets = args.targets.split(",")
    for target, tools in {"x86_64-linux-clang": ["clang++-14"], "aarch64-linux-gnu": ["aarch64-linux-gnu-g++", "qemu-aarch64"]}.items():
        missing = [t for t in tools if not shutil.which(t)]
        if target in args.targets and missing:
            print(f"without {target}: {', '.join(missing)} not installed")
            args.targets.remove(target)
    shard, shards = (int(n) for n in args.shard.split("/"))
    shared = args.source.parent / "shared" / "data"
    models = {"digits": args.source / "examples/quickstart/digits.onnx"} if shard == 0 else {}
    models.update({n: shared / p for n, p in list(MODELS.items())[shard::shards]})
    failed = missing = 0
    for name, path in models.items():
        if args.names and name not in args.names:
            continue
        if not path.exists():
            missing += 1
            continue
        try:
            print(f"{name}: {check(name, path, args)}", flush=True)
        except (RuntimeError, OSError) as e:
            failed += 1
            print(f"{name}: FAILED: {e}", flush=True)
    if missing:
        print(f"skipped: {missing} networks of ../shared/data are not there")
    return 1 if failed else SKIP if missing else 0


if __name__ == "__main__":
    sys.exit(main())
