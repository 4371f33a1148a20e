#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A model compiled with -Os has no graph table, no global constructor, no heap and no exception support in it.

  check_object.py COMPILER INCLUDE_DIR
"""
import re
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
UNWANTED = {r"table_net.*(tensors|nodes|define)": "a graph table", r"_GLOBAL__sub_I|__cxx_global_var_init": "a global constructor",
            r"\b(_Znw|_Zna|_ZdlP|malloc|free)": "the heap", r"__cxa_|__gxx_personality|_Unwind": "exceptions",
            r"_ZTI|_ZTV": "RTTI", r"_ZNSt8ios_base|_ZSt4cout": "iostream"}


def main():
    compiler, include = sys.argv[1:3]
    with tempfile.TemporaryDirectory() as folder:
        out = str(Path(folder) / "tables.o")
        subprocess.run([compiler, "-std=c++20", "-Os", "-ffp-contract=off", "-fno-exceptions", "-fno-rtti", f"-I{include}", "-c",
                        str(HERE / "tables.cpp"), "-o", out], check=True)
        symbols = subprocess.run(["nm", "-S", out], check=True, capture_output=True, text=True).stdout
        sizes = subprocess.run(["size", out], check=True, capture_output=True, text=True).stdout.splitlines()[1].split()
    faults = [f"{what}: {line}" for line in symbols.splitlines() for pattern, what in UNWANTED.items()
              if re.search(pattern, line.split()[-1])]
    if "firmware_step" not in symbols:
        faults.append("the model is not in the object")
    if int(sizes[0]) > 12000:
        faults.append(f"{sizes[0]} bytes of text and read-only data for a model of two small layers")
    print("\n".join(faults + [f"{compiler}: text {sizes[0]}, data {sizes[1]}, bss {sizes[2]} bytes; {len(faults)} faults"]))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
