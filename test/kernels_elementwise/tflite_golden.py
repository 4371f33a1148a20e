# SPDX-License-Identifier: Apache-2.0
"""Writes tflite_golden.txt: what TensorFlow Lite's reference kernels (BUILTIN_REF of ai-edge-litert) give for
element-wise operators, activations and softmax. One case per line:
    operator | datatype | beta | fused activation | sizes | scale bits, zero, values of each input | the same of the output
Data of one-operand operators of 8 bits are all 256 values.

    python3 test/kernels_elementwise/tflite_golden.py test/kernels_elementwise/tflite_golden.txt
"""
import sys
from pathlib import Path

import numpy as np
from ai_edge_litert import interpreter as tfl
from ai_edge_litert import schema_py_generated as fb

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "golden"))
from single_ops import RANGES, Op, T, build  # noqa: E402

ACT = fb.ActivationFunctionType


def main(path):
    rng = np.random.default_rng(5)
    out = open(path, "w", encoding="ascii")

    def zero(d):
        return 0 if d == "int16" else int(rng.integers(RANGES[d][0] // 2, RANGES[d][1] // 2))

    def scale(lo, hi):
        return float(np.float32(rng.uniform(lo, hi)))

    def emit(op, arrays, beta=1.0, act=0):
        try:
            it = tfl.Interpreter(model_content=build(op), experimental_op_resolver_type=tfl.OpResolverType.BUILTIN_REF)
            it.allocate_tensors()
        except (RuntimeError, ValueError) as e:
            print(f"left out: {op.name} {op.inputs[0].dtype}: {str(e).splitlines()[0]}")
            return
        for detail, a in zip(it.get_input_details(), arrays):
            it.set_tensor(detail["index"], a)
        it.invoke()
        y = it.get_tensor(it.get_output_details()[0]["index"])
        parts = [op.name, op.inputs[0].dtype, repr(beta), str(act), "x".join(map(str, y.shape))]
        for t, a in [*zip(op.inputs, arrays), (op.outputs[0], y)]:
            bits = int(np.float32(t.scale).view(np.uint32))
            parts.append(f"{bits} {t.zero} " + " ".join(str(int(v)) for v in a.ravel()))
        out.write("|".join(parts) + "\n")

    for d in ("int8", "uint8", "int16"):
        lo, hi = RANGES[d]
        every = np.linspace(lo, hi, 256).round().astype(d).reshape(1, 256)
        unit = 1 / 256 if d == "int16" else 1.0
        fixed = {"LOGISTIC": {"int8": (1 / 256, -128), "uint8": (1 / 256, 0), "int16": (1 / 32768, 0)}[d],
                 "TANH": {"int8": (1 / 128, 0), "uint8": (1 / 128, 128), "int16": (1 / 32768, 0)}[d]}
        for name in ("LOGISTIC", "TANH", "HARD_SWISH", "RELU", "RELU6", "RELU_N1_TO_1"):
            if d == "int16" and name not in fixed:
                continue
            for s in (scale(0.005, 0.02) * unit, scale(0.03, 0.06) * unit, 1 / 4096 if d == "int16" else 0.1, unit / 8):
                x = T([1, 256], d, s, zero(d))
                y = T([1, 256], d, *fixed[name]) if name in fixed else T([1, 256], d, s * scale(0.5, 1.5), zero(d))
                emit(Op(name, [x], [y]), [every])
        for s, beta in ((0.02, 1.0), (0.09, 1.0), (0.3, 0.7), (1.0, 1.0)):
            x = T([4, 33], d, scale(s, 1.1 * s) * unit, zero(d))
            data = rng.integers(lo, hi, [4, 33], endpoint=True).astype(d)
            emit(Op("SOFTMAX", [x], [T([4, 33], d, *fixed["LOGISTIC"])], {"beta": beta}, "SoftmaxOptions"), [data], beta)
            if d != "int16":
                y = T([4, 33], d, 16 / 256, hi)
                emit(Op("LOG_SOFTMAX", [x], [y], {}, "LogSoftmaxOptions"), [data])
        for name, table in (("ADD", "AddOptions"), ("SUB", "SubOptions"), ("MUL", "MulOptions"),
                            ("MAXIMUM", "MaximumMinimumOptions"), ("MINIMUM", "MaximumMinimumOptions"),
                            ("SQUARED_DIFFERENCE", "SquaredDifferenceOptions")):
            for act in (ACT.NONE, ACT.RELU6):
                a = T([1, 96], d, scale(0.01, 0.1) * unit, zero(d))
                b = T([1, 96], d, scale(0.01, 0.1) * unit, zero(d))
                y = T([1, 96], d, scale(0.02, 0.2) * unit, zero(d))
                options = {"fusedActivationFunction": act}
                if name in ("ADD", "SUB"):
                    options["potScaleInt16"] = False
                if table in ("MaximumMinimumOptions", "SquaredDifferenceOptions"):
                    options = {}
                    if act != ACT.NONE or d != "int8" and table.startswith("Squared"):
                        continue
                    if table.startswith("Max"):
                        b = y = a
                data = [rng.integers(lo, hi, [1, 96], endpoint=True).astype(d) for _ in range(2)]
                emit(Op(name, [a, b], [y], options, table), data, 1.0, int(act == ACT.RELU6))


if __name__ == "__main__":
    main(sys.argv[1])
