#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every x86 figure of docs/reference in one command: kernels, whole networks, threads, cold start and compile cost, beside
their peers, against the bars that the project set itself.

    bench/figures.sh FOLDER            builds, installs the peers into FOLDER, then does all of this
    figures.py --build build/release --peers FOLDER --out FOLDER/figures [--only kernels nibbles networks threads cold compile report]
               [--network kws ...] [--isa avx512vnni] [--core 1] [--rounds 5]

A stage is one of the other benches (each times ours and the peer in turns, on one core but for `threads`) and leaves
<stage>.json in the folder of --out, so a stage can be made again alone. `report` reads them all and writes figures.md and
figures.html: the machine with its measured peaks, each bar with what was reached, every row. Exit code 0 also where a
bar is missed: the tables say so; 1 where a stage failed.
"""
import argparse
import datetime
import json
import os
import subprocess
import sys
from pathlib import Path

import figures_report

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "test/models"))
from real_models import best_isa  # noqa: E402

STAGES = ("kernels", "nibbles", "networks", "threads", "cold", "compile", "report")
NETWORKS = ("kws", "ic", "vww", "ad", "mobilenet_v2", "resnet50", "efficientnet_b0", "ssd", "vit_tiny", "bert")


def cpu_field(name):
    for line in open("/proc/cpuinfo"):
        if line.startswith(name):
            return line.split(":", 1)[1].strip()
    return ""


def run(*command, env=None):
    command = [str(c) for c in command]
    print("$ " + " ".join(command), flush=True)
    subprocess.run(command, check=True, env={**os.environ, **(env or {})})


def bench(*path):
    return ROOT.joinpath("bench", *path)


def kernels(a):
    """Where the processor has AMX, oneDNN twice: with its default and held to VNNI; the report takes the better."""
    common = [a.build / "bench/kernel_bench", "--isa", a.isa, "--peers", a.peers / "peers", "--peer", "onednn", "xnnpack", "--rounds", a.rounds, "--core", a.core]
    run(*common, "--json", a.out / "kernels.json")
    if a.isa == "amx":
        run(*common, "--json", a.out / "kernels_vnni_peer.json", env={"ONEDNN_MAX_CPU_ISA": "AVX512_CORE_VNNI"})
        run(*common[:1], "--isa", "avx512vnni", *common[3:], "--json", a.out / "kernels_vnni.json", env={"ONEDNN_MAX_CPU_ISA": "AVX512_CORE_VNNI"})
    run(*common[:3], "--core", a.core, "--json", a.out / "kernels_all.json")  # every line of kernels.inc, beside the reference


def nibbles(a):
    run(a.python, bench("kernel/nibbles_bench.py"), "--bench", a.build / "bench/kernel_bench", "--rounds", a.rounds, "--core", a.core, "--json", a.out / "nibbles.json")


def model_bench(a, names, out, *more):
    run(a.python, bench("model/model_bench.py"), "--bin", a.build / "bin", "--isa", a.isa, "--rounds", a.rounds, "--core", a.core, "--work", a.out / "work",
        "--network", *names, "--json", a.out / out, *more)


def networks(a):
    model_bench(a, a.network, "networks.json")


def threads(a):
    model_bench(a, [n for n in ("mobilenet_v2", "resnet50") if n in a.network], "threads.json", "--kind", "int8", "--threads", 2)


def library(a, name):
    return a.out / "work/lib/x86_64-linux-gnu" / f"lib{name}.so"


def cold(a):
    made = [library(a, f"{n}_int8") for n in ("mobilenet_v2", "resnet50")]
    missing = [p.name for p in made if not p.exists()]
    if missing:
        raise RuntimeError(f"cold: {', '.join(missing)} not there: the stage 'networks' makes them")
    run(a.python, bench("model/cold_start.py"), "--core", a.core, "--json", a.out / "cold.json", *made)


def compile_cost(a):
    """One instruction set, and the whole library of the generator (every set)."""
    cpp = a.out / "work/mobilenet_v2_int8.cpp"
    if not cpp.exists():
        raise RuntimeError(f"compile: {cpp.name} not there: the stage 'networks' makes it")
    run(a.python, bench("compile/measure.py"), "--nodes", "", cpp, "--json", a.out / "compile.json")


def report(a):
    head = dict(date=datetime.date.today().isoformat(), cpu=cpu_field("model name"), family=cpu_field("cpu family"), cores=os.cpu_count(), isa=a.isa,
                rounds=a.rounds, load=round(os.getloadavg()[1], 1),
                commit=subprocess.run(["git", "-C", str(ROOT), "describe", "--always", "--dirty"], capture_output=True, text=True).stdout.strip())
    figures_report.write(a.out, head)
    print((a.out / "figures.md").read_text())


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--build", type=Path, required=True, help="a release build with QNNX_BUILD_BENCH=ON")
    p.add_argument("--peers", type=Path, required=True, help="what setup_peers.sh made")
    p.add_argument("--out", type=Path, required=True)
    p.add_argument("--only", nargs="+", choices=STAGES, default=list(STAGES))
    p.add_argument("--network", nargs="+", choices=NETWORKS, default=list(NETWORKS))
    p.add_argument("--isa", default=best_isa() or "reference")
    p.add_argument("--core", type=int, default=1)
    p.add_argument("--rounds", type=int, default=5)
    a = p.parse_args()
    a.build, a.peers, a.out = a.build.resolve(), a.peers.resolve(), a.out.resolve()
    a.python = a.peers / "bin/python" if (a.peers / "bin/python").exists() else sys.executable
    a.out.mkdir(parents=True, exist_ok=True)
    stages = dict(zip(STAGES, (kernels, nibbles, networks, threads, cold, compile_cost, report)))
    failed = 0
    for name in a.only:
        print(f"== {name}", flush=True)
        try:
            stages[name](a)
        except (subprocess.CalledProcessError, RuntimeError, OSError) as e:
            failed = 1
            print(f"figures.py: stage {name}: {e}", file=sys.stderr, flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main())
