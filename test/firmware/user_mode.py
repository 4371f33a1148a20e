# SPDX-License-Identifier: Apache-2.0
"""Links firmware archives for processors that QEMU runs without a board, and runs them: aarch64, RISC-V, Hexagon; and
WebAssembly, which node runs. examples/firmware/user.cpp is their board."""
from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench/firmware"))
from commands import run  # noqa: E402
from wasm_counter import instrumented  # noqa: E402

USER = {  # target: C++ compiler and flags, link flags, emulator
    "aarch64-none-elf": (["aarch64-linux-gnu-g++", "-fno-pic", "-no-pie", "-fno-stack-protector", "-mno-outline-atomics"], [], ["qemu-aarch64"]),
    "riscv32": (["riscv64-unknown-elf-g++", "-march=rv32imac", "-mabi=ilp32"], ["-lgcc"], ["qemu-riscv32"]),
    "riscv64": (["riscv64-unknown-elf-g++", "-march=rv64imac", "-mabi=lp64", "-mcmodel=medany"], ["-lgcc"], ["qemu-riscv64"]),
    "hexagon-v67": (["clang++-14", "--target=hexagon-unknown-linux-musl", "-mv67", "-mhvx", "-mhvx-length=128B", "-G0", "-fno-pic"],
                    ["-fuse-ld=lld", "-Wl,-z,notext"], ["qemu-hexagon"]),
    "wasm32": (["clang++-14", "--target=wasm32", "-mbulk-memory"], ["-fuse-ld=lld", "-Wl,--no-entry", "-Wl,-z,stack-size=65536"], ["node"]),
}
WASM_JS = """const fs = require('fs');
let memory, counted;
const env = {
  write: (p, n) => fs.writeSync(1, Buffer.from(memory.buffer, p, n)),
  finish: (code) => { throw {code}; },
  executed: () => Number(BigInt.asUintN(32, counted.value)),
};
WebAssembly.instantiate(fs.readFileSync(process.argv[2]), {env}).then(({instance}) => {
  memory = instance.exports.memory;
  counted = instance.exports.executed;
  try { instance.exports.start(); } catch (e) { if (e.code === undefined) throw e; process.exitCode = e.code; }
});
"""


def needs(target: str) -> list[str]:
    """The programs that link_user and run_user call."""
    compiler, _, emulator = USER[target]
    lld = ["ld.lld-14"] if compiler[0].startswith("clang") else []
    return [compiler[0], *emulator, *([] if target.startswith("aarch64") else ["arm-none-eabi-g++"]), *lld]


def borrowed_headers(target: str) -> list[object]:
    """Flags for the C++ headers that a freestanding compiler has not, as the generator borrows them."""
    if target.startswith("aarch64"):
        return []
    headers = Path("/usr/lib/arm-none-eabi/include")
    versioned = next((headers / "c++").glob("*/arm-none-eabi")).parent
    flags: list[object] = ["-nostdinc++", "-D__IEEE_LITTLE_ENDIAN"]
    for folder in (versioned, versioned / "arm-none-eabi", headers):
        flags += ["-isystem", folder]
    return flags


def link_user(source: Path, target: str, mains: list[Path], archives: list[Path], program: Path, more: list[object]) -> None:
    """A program of C and C++ sources; its entry is app_main, a C function."""
    compiler, link, _ = USER[target]
    here, objects = source / "examples/firmware", []
    flags = ["-O2", "-ffreestanding", "-ffunction-sections", "-DQNNX_MAIN=app_main", f"-I{here}", *more]
    borrowed = borrowed_headers(target)
    runtime = [here / "hexagon_runtime.cpp"] if target.startswith("hexagon") else []
    for k, file in enumerate([*mains, here / "user.cpp", *runtime]):
        objects.append(program.with_name(f"{program.name}_{k}.o"))
        words = ["-x", "c", "-std=c11", "-Wall", "-Wextra"] if file.suffix == ".c" else ["-std=c++20", "-fno-exceptions", "-fno-rtti", "-fno-threadsafe-statics", *borrowed]
        run(*compiler, *words, *flags, "-c", file, "-o", objects[-1])
    run(*compiler, "-nostdlib", "-static", *objects, *archives, *link, "-Wl,--gc-sections", "-o", program)


def counter_plugin(source: Path, work: Path) -> Path:
    """bench/firmware/instruction_counter.c, compiled."""
    work.mkdir(parents=True, exist_ok=True)
    plugin = work / "instruction_counter.so"
    run("gcc", "-shared", "-fPIC", "-O2", "-Wall", "-Wextra", source / "bench/firmware/instruction_counter.c", "-o", plugin)
    return plugin


def count_user(target: str, program: Path, plugin: Path) -> str:
    """What a program compiled with -DQNNX_COUNTED prints, with the plugin's counts where it prints its ticks. Hexagon's
    board counts for itself; a WebAssembly module is rewritten to count."""
    if target == "wasm32":
        module = program.with_suffix(".counted")
        module.write_bytes(instrumented(program.read_bytes()))
        return run_user(target, module)
    if target == "hexagon-v67":
        return run_user(target, program)
    lines, count = [], "0"
    for line in run("timeout", "300", USER[target][2][0], "-plugin", plugin, program).splitlines():
        if line.startswith("count "):
            count = line.split()[1]
        else:
            lines.append(f"{line.split()[0]} {count}" if line in ("ticks 0", "layer 0") else line)
    return "\n".join(lines) + "\n"


def run_user(target: str, program: Path) -> str:
    """What the program prints; an error where it does not end with 0."""
    emulator = USER[target][2]
    if target != "wasm32":
        return run("timeout", "300", *emulator, program)
    script = program.with_name("run.js")
    script.write_text(WASM_JS)
    return run(*emulator, script, program)
