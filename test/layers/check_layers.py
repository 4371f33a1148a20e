#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Which header may include which: base <- numeric <- quant <- tensor <- op <- {kernel | ir} <- {model | runtime} <- io.
Siblings never include each other; below runtime nothing that needs a heap, exceptions, RTTI or streams; preprocessor
conditions only in config.hpp and where listed here; every header has its licence line and #pragma once.

  check_layers.py INCLUDE_DIR
"""
import re
import sys
from pathlib import Path

CHAIN = ["base", "numeric", "quant", "tensor", "op"]
BELOW = {layer: set(CHAIN[: i + 1]) for i, layer in enumerate(CHAIN)}
BELOW["kernel"] = BELOW["op"] | {"kernel"}
BELOW["ir"] = BELOW["op"] | {"ir"}
BELOW["model"] = BELOW["kernel"] | BELOW["ir"] | {"model"}
BELOW["runtime"] = BELOW["kernel"] | BELOW["ir"] | {"runtime"}
BELOW["io"] = BELOW["runtime"] | BELOW["model"] | {"io"}
FIRMWARE = set(CHAIN) | {"kernel", "ir", "model"}
HOSTED_HEADERS = {"vector", "string", "map", "set", "unordered_map", "unordered_set", "memory", "functional", "iostream",
                  "ostream", "istream", "sstream", "fstream", "stdexcept", "exception", "typeinfo", "any", "new", "list",
                  "deque", "thread", "mutex", "atomic", "chrono", "optional", "regex", "filesystem", "locale", "iomanip"}
# Conditions outside config.hpp, with their reasons.
CONDITIONS = {"model/abi.h": "a C header", "model/export.hpp": "facts that the generated unit gives as macros",
              "runtime/tile_permission.hpp": "a system call; libraries use it without the rest"}
ISA_GUARD = re.compile(r"#if QNNX_HAS_[A-Z0-9_]+$")  # a kernel file of one instruction set


def faults_of(path, root):
    name = path.relative_to(root).as_posix()
    layer = name.split("/")[0] if "/" in name else None
    text = path.read_text()
    found = []
    if "SPDX-License-Identifier: Apache-2.0" not in text.split("\n")[0]:
        found.append("no licence line")
    if path.suffix == ".hpp" and "#pragma once" not in text:
        found.append("no #pragma once")
    for number, line in enumerate(text.splitlines(), 1):
        include = re.match(r'\s*#\s*include\s*[<"]([^>"]+)[>"]', line)
        if include:
            target = include.group(1)
            if target.startswith("qnnx/") and target.count("/") >= 2 and layer in BELOW:
                if target.split("/")[1] not in BELOW[layer]:
                    found.append(f"line {number}: layer {layer} includes {target}")
            elif layer in FIRMWARE and target in HOSTED_HEADERS:
                found.append(f"line {number}: <{target}> below runtime")
            if not target.startswith("qnnx/") and line.count('"'):
                found.append(f"line {number}: include {target} by its full path, qnnx/...")
        elif re.match(r"\s*#\s*(if|ifdef|ifndef|elif)\b", line):
            guard = layer == "kernel" and ISA_GUARD.match(line.strip())
            if name != "config.hpp" and name not in CONDITIONS and not guard:
                found.append(f"line {number}: a preprocessor condition outside config.hpp")
        elif layer in FIRMWARE and re.search(r"\b(throw|try|catch|dynamic_cast|typeid)\b", line.split("//")[0]):
            found.append(f"line {number}: exceptions or RTTI below runtime")
    return [f"{name}: {f}" for f in found]


def main():
    root = Path(sys.argv[1]) / "qnnx"
    headers = sorted(p for p in root.rglob("*") if p.suffix in (".hpp", ".h", ".inc"))
    faults = [f for p in headers for f in faults_of(p, root)]
    print("\n".join(faults + [f"{len(headers)} headers, {len(faults)} faults"]))
    return 1 if faults or not headers else 0


if __name__ == "__main__":
    sys.exit(main())
