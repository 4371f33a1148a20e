# SPDX-License-Identifier: Apache-2.0
"""Builds TensorFlow Lite Micro, with CMSIS-NN where its tree is there, and runs .tflite networks in QEMU.

The tree is tensorflow/tflite-micro as its own Makefile leaves it: third parties under
tensorflow/lite/micro/tools/make/downloads (flatbuffers, gemmlowp, ruy, and cmsis_nn for CMSIS-NN), else beside it.
Compiled as TFLM's Makefile does a release: core -Os, kernels -O2, no error strings; of the kernels those that the
network's resolver names are linked. Inputs, counting and the empty program's size are measure.py's.
"""
from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

for folder in ("test", "test/firmware"):
    sys.path.insert(0, str(Path(__file__).resolve().parents[2] / folder))
from commands import run  # noqa: E402
from cortex_m import CORES, RUNS, emulate, link  # noqa: E402

KERNELS = ("add", "conv", "depthwise_conv", "fully_connected", "pooling", "reshape", "softmax")
CORE = ("tensorflow/lite/micro/*.cc", "tensorflow/lite/micro/arena_allocator/*.cc", "tensorflow/lite/micro/memory_planner/*.cc",
        "tensorflow/lite/micro/tflite_bridge/*.cc", "tensorflow/compiler/mlir/lite/core/api/error_reporter.cc",
        "tensorflow/compiler/mlir/lite/schema/schema_utils.cc", "tensorflow/lite/core/api/*.cc", "tensorflow/lite/core/c/common.cc",
        "tensorflow/lite/kernels/kernel_util.cc", "tensorflow/lite/kernels/internal/*.cc", "tensorflow/lite/kernels/internal/reference/*.cc")
NOT = re.compile(r"_test\.cc$|/(debug_log|fake_micro_context|mock_micro_graph|hexdump|recording_\w+|test_\w+)\.cc$")
CLASSIFIER = ("AveragePool2D", "Conv2D", "FullyConnected", "Reshape", "Softmax")
OPS = {"kws": (*CLASSIFIER, "DepthwiseConv2D"), "vww": (*CLASSIFIER, "DepthwiseConv2D"), "ic": (*CLASSIFIER, "Add"), "ad": ("FullyConnected",)}
ARENA = 200 * 1024


class Tree:
    """A tflite-micro tree: include folders and sources."""

    def __init__(self, path: Path):
        if not (path / "tensorflow/lite/micro/micro_interpreter.h").exists():
            raise RuntimeError(f"'{path}' is not a tflite-micro tree: it has no tensorflow/lite/micro/micro_interpreter.h")
        self.path = path
        folders = {n: self.third_party(n) for n in ("flatbuffers", "gemmlowp", "ruy")}
        lacking = [n for n, f in folders.items() if f is None]
        if lacking:
            raise RuntimeError(f"the tflite-micro tree lacks {', '.join(lacking)}: expected under tensorflow/lite/micro/tools/make/downloads")
        self.cmsis_nn = self.third_party("cmsis_nn") or self.third_party("CMSIS-NN")
        self.includes = [path, folders["flatbuffers"] / "include", folders["gemmlowp"], folders["ruy"]]
        if self.cmsis_nn:
            self.includes += [self.cmsis_nn, self.cmsis_nn / "Include"]
        self.name = "TFLM with CMSIS-NN" if self.cmsis_nn else "TFLM, reference kernels"

    def third_party(self, name: str) -> Path | None:
        for folder in (self.path / "tensorflow/lite/micro/tools/make/downloads" / name, self.path.parent / name):
            if folder.is_dir():
                return folder
        return None

    def sources(self) -> list[tuple[Path, str]]:
        """Files and their optimization level."""
        files = [(f, "-Os") for pattern in CORE for f in sorted(self.path.glob(pattern)) if not NOT.search(str(f))]
        kernels = self.path / "tensorflow/lite/micro/kernels"
        for name in (*KERNELS, *(f"{k}_common" for k in KERNELS), "kernel_util"):
            optimized = kernels / "cmsis_nn" / f"{name}.cc"
            file = optimized if self.cmsis_nn and optimized.exists() else kernels / f"{name}.cc"
            if file.exists():
                files.append((file, "-O2"))
        if self.cmsis_nn:
            files += [(f, "-O2") for f in sorted((self.cmsis_nn / "Source").rglob("*.c")) if not re.search(r"_f(16|32)\.c$", f.name)]
        return files


def flags(tree: Tree, cpu: str) -> list[str]:
    nn = ["-DCMSIS_NN", "-DARM_NN_ENABLE_F16=0", "-DARM_NN_ENABLE_F32=0"] if tree.cmsis_nn else []
    return ["-mthumb", *CORES[cpu][0], "-ffunction-sections", "-fdata-sections", "-fno-unwind-tables", "-fno-asynchronous-unwind-tables",
            "-fmessage-length=0", "-funsigned-char", "-DTF_LITE_STATIC_MEMORY", "-DTF_LITE_DISABLE_X86_NEON", "-DNDEBUG",
            "-DTF_LITE_STRIP_ERROR_STRINGS", *nn, *(f"-I{f}" for f in tree.includes)]


CXX = ["-std=c++17", "-fno-rtti", "-fno-exceptions", "-fno-threadsafe-statics"]


def build(tree: Tree, cpu: str, work: Path) -> Path:
    """The archive; objects that are newer than their source are kept."""
    common, sources = flags(tree, cpu), tree.sources()
    folder = work / f"tflm_{cpu}_{hashlib.sha256(repr(common).encode()).hexdigest()[:12]}"
    folder.mkdir(parents=True, exist_ok=True)

    def compile_one(item: tuple[Path, str]) -> Path:
        file, level = item
        made = folder / f"{file.stem}_{hashlib.sha256(str(file).encode()).hexdigest()[:8]}.o"
        if not made.exists() or made.stat().st_mtime < file.stat().st_mtime:
            language = ["arm-none-eabi-gcc", "-std=c17"] if file.suffix == ".c" else ["arm-none-eabi-g++", *CXX]
            part = made.with_suffix(".part")
            run(*language, level, *common, "-c", file, "-o", part)
            part.rename(made)
        return made

    archive = folder / "libtflm.a"
    if archive.exists() and archive.stat().st_mtime > max(f.stat().st_mtime for f, _ in sources):
        return archive
    print(f"building {tree.name} for {cpu}: {len(sources)} files", flush=True)
    with ThreadPoolExecutor(2) as pool:
        objects = list(pool.map(compile_one, sources))
    archive.unlink(missing_ok=True)
    run("arm-none-eabi-ar", "rcs", archive, *objects)
    return archive


def program(network: str, paint: str, deepest: str) -> str:
    """measure.py's program: the same inputs, timer and stack."""
    adds = "".join(f"  resolver.Add{name}();\n" for name in OPS[network])
    return f"""#include "board.hpp"
#include "tensorflow/lite/micro/debug_log.h"
#include "tensorflow/lite/micro/micro_interpreter.h"
#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"
#include "tensorflow/lite/schema/schema_generated.h"
asm(".section .rodata.model,\\"a\\"\\n.balign 16\\n.global model_data\\nmodel_data:\\n.incbin \\"model.tflite\\"\\n.previous\\n");
extern "C" {{
extern const unsigned char model_data[];
void DebugLog(const char* text, va_list) {{ board::print(text); }}
int DebugVsnprintf(char*, size_t, const char*, va_list) {{ return 0; }}
}}
alignas(16) static unsigned char arena[{ARENA}];
static std::uint32_t state = 1;
{paint}int main() {{
  tflite::MicroMutableOpResolver<{len(OPS[network])}> resolver;
{adds}  tflite::MicroInterpreter interpreter(tflite::GetModel(model_data), resolver, arena, sizeof arena);
  if (interpreter.AllocateTensors() != kTfLiteOk) return 1;
  board::print("arena", (std::uint32_t)interpreter.arena_used_bytes());
  for (int k = 0; k < {RUNS}; ++k) {{
    for (unsigned i = 0; i < interpreter.inputs_size(); ++i) {{
      TfLiteTensor* t = interpreter.input(i);
      for (unsigned n = 0; n < t->bytes; ++n) {{ state = state * 1664525u + 1013904223u; t->data.uint8[n] = (unsigned char)(state >> 24); }}
    }}
    unsigned char* top = paint();
    board::start_timer();
    const bool good = interpreter.Invoke() == kTfLiteOk;
    board::print("ticks", (std::uint32_t)board::ticks());
{deepest}    if (!good) return 2;
    std::uint32_t h = 2166136261u;
    for (unsigned i = 0; i < interpreter.outputs_size(); ++i)
      for (unsigned n = 0; n < interpreter.output(i)->bytes; ++n) h = (h ^ interpreter.output(i)->data.uint8[n]) * 16777619u;
    board::print("hash", h);
  }}
  return 0;
}}
"""


def measure(tree: Tree, model: Path, network: str, cpu: str, source: Path, work: Path, paint: str, deepest: str, sections: Callable[[Path], dict[str, int]],
            empty: dict[str, int]) -> dict:
    """Instructions, flash and RAM of a network, beside an `empty` program's sections; hashes of its outputs."""
    archive = build(tree, cpu, work)
    here = work / f"tflm_{network}_{cpu}"
    here.mkdir(parents=True, exist_ok=True)
    (here / "model.tflite").write_bytes(model.read_bytes())
    (here / "main.cpp").write_text(program(network, paint, deepest))
    run("arm-none-eabi-g++", *CXX, "-Os", *flags(tree, cpu), f"-I{source / 'examples/firmware'}", f"-Wa,-I{here}", "-c", here / "main.cpp", "-o", here / "main.o")
    link(source, cpu, here / "main.o", [archive], here / "run.elf", ["-lm"])
    printed = emulate(cpu, here / "run.elf")
    number = lambda key: [int(n) for n in re.findall(rf"^{key} (\d+)", printed, re.M)]  # noqa: E731
    full = sections(here / "run.elf")
    read_only = lambda s: s.get(".rodata", 0) + s.get(".ARM.exidx", 0) + s.get(".ARM.extab", 0)  # noqa: E731
    grown = lambda name: full.get(name, 0) - empty.get(name, 0)  # noqa: E731
    size = model.stat().st_size
    return {"name": tree.name, "instructions": int(max(number("ticks")) * CORES[cpu][2]), "hashes": number("hash"),
            "flash": {"code": grown(".text"), "tables": read_only(full) - read_only(empty) - size, "weights": size},
            "ram": {"arena": number("arena")[0], "stack": max(number("stack")), "other": grown(".data") + full.get(".bss", 0) - ARENA}}
