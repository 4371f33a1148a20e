# SPDX-License-Identifier: Apache-2.0
"""Makes .tflite models of one operator with chosen types, sizes, scales and options, with the schema classes that
LiteRT brings. They widen what the real models show: every operator, every type, odd sizes."""
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as fb

TYPES = {np.dtype("float32"): fb.TensorType.FLOAT32, np.dtype("int8"): fb.TensorType.INT8,
         np.dtype("uint8"): fb.TensorType.UINT8, np.dtype("int16"): fb.TensorType.INT16,
         np.dtype("int32"): fb.TensorType.INT32, np.dtype("int64"): fb.TensorType.INT64,
         np.dtype("bool"): fb.TensorType.BOOL, np.dtype("float16"): fb.TensorType.FLOAT16}


@dataclass
class T:
    """A tensor: data makes it a constant."""
    shape: list[int]
    dtype: str = "float32"
    scale: Any = None
    zero: Any = 0
    data: Any = None
    axis: int = 0


@dataclass
class Op:
    name: str
    inputs: list[T | None]
    outputs: list[T]
    options: dict[str, Any] = field(default_factory=dict)
    table: str = ""


def build(op: Op) -> bytes:
    model, graph = fb.ModelT(), fb.SubGraphT()
    model.version, model.subgraphs, model.buffers = 3, [graph], [fb.BufferT()]
    graph.tensors, graph.inputs, graph.outputs = [], [], []

    def add(t: T | None, name: str, is_input: bool) -> int:
        if t is None:
            return -1
        r = fb.TensorT()
        r.name, r.shape, r.type, r.buffer = name, list(t.shape), TYPES[np.dtype(t.dtype)], 0
        if t.scale is not None:
            q = fb.QuantizationParametersT()
            q.scale = np.atleast_1d(np.float32(t.scale))
            q.zeroPoint = np.broadcast_to(np.int64(t.zero), q.scale.shape).copy()
            q.quantizedDimension = t.axis
            r.quantization = q
        if t.data is not None:
            b = fb.BufferT()
            b.data = np.frombuffer(np.ascontiguousarray(t.data, dtype=t.dtype).tobytes(), dtype=np.uint8)
            r.buffer = len(model.buffers)
            model.buffers.append(b)
        graph.tensors.append(r)
        if is_input and t.data is None:
            graph.inputs.append(len(graph.tensors) - 1)
        return len(graph.tensors) - 1

    node, code = fb.OperatorT(), fb.OperatorCodeT()
    code.builtinCode = getattr(fb.BuiltinOperator, op.name)
    code.deprecatedBuiltinCode = min(code.builtinCode, 127)
    code.version = 1
    model.operatorCodes = [code]
    node.opcodeIndex = 0
    node.inputs = [add(t, f"in{i}", True) for i, t in enumerate(op.inputs)]
    node.outputs = [add(t, f"out{i}", False) for i, t in enumerate(op.outputs)]
    graph.outputs = list(node.outputs)
    graph.operators = [node]
    if op.table:
        node.builtinOptionsType = getattr(fb.BuiltinOptions, op.table)
        node.builtinOptions = getattr(fb, op.table + "T")()
        for key, value in op.options.items():
            assert hasattr(node.builtinOptions, key), key
            setattr(node.builtinOptions, key, value)
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


RANGES = {"int8": (-128, 127), "uint8": (0, 255), "int16": (-32768, 32767)}


def cases() -> list[tuple[str, Op, dict]]:
    """Name, operator, options of the comparison. Scales and zero points are drawn with a fixed seed."""
    rng = np.random.default_rng(11)
    made: list[tuple[str, Op, dict]] = []

    def q(shape: list[int], dtype: str, lo: float = 0.01, hi: float = 0.1, **rest: Any) -> T:
        if dtype == "float32":
            return T(shape, dtype, **rest)
        low, high = RANGES[dtype]
        zero = 0 if dtype == "int16" else int(rng.integers(low // 2, high // 2))
        return T(shape, dtype, float(np.float32(rng.uniform(lo, hi) / (256 if dtype == "int16" else 1))), zero, **rest)

    def like(t: T, shape: list[int]) -> T:
        return T(shape, t.dtype, t.scale, t.zero)

    def ints(*values: int) -> T:
        return T([len(values)], "int32", data=np.array(values))

    def case(name: str, op: Op, **options: Any) -> None:
        made.append((name, op, {"count": 4, **options}))

    def filters(shape: list[int], axis: int, dtype: str) -> tuple[T, np.ndarray]:
        channels = shape[axis]
        if dtype == "float32":
            return T(shape, data=rng.uniform(-1, 1, shape)), np.zeros(1)
        if dtype == "uint8":
            return T(shape, dtype, float(np.float32(rng.uniform(0.002, 0.02))), 121, rng.integers(0, 256, shape)), np.zeros(1)
        scale = rng.uniform(0.002, 0.02, channels).astype(np.float32)
        return T(shape, "int8", scale, 0, rng.integers(-127, 128, shape), axis), scale

    def bias(channels: int, x: T, w: T) -> T:
        if x.dtype == "float32":
            return T([channels], data=rng.uniform(-1, 1, channels))
        kind = "int64" if x.dtype == "int16" else "int32"
        return T([channels], kind, np.float32(x.scale) * np.float32(w.scale), 0, rng.integers(-4000, 4000, channels))

    SAME, VALID = fb.Padding.SAME, fb.Padding.VALID
    acts = fb.ActivationFunctionType
    for d in ("float32", "int8", "uint8", "int16"):
        for k, (pad, stride, dil, act, h) in enumerate([(SAME, 1, 1, acts.RELU, 7), (SAME, 2, 1, acts.RELU6, 8),
                                                         (VALID, 2, 1, acts.NONE, 9), (SAME, 1, 2, acts.RELU_N1_TO_1, 9)]):
            size = (lambda n, f: -(-n // stride) if pad == SAME else (n - (f - 1) * dil - 1) // stride + 1)
            options = {"padding": pad, "strideH": stride, "strideW": stride, "dilationHFactor": dil,
                       "dilationWFactor": dil, "fusedActivationFunction": act}
            x = q([2, h, h + 1, 5], d)
            w, _ = filters([6, 3, 2, 5], 0, d)
            y = q([2, size(h, 3), size(h + 1, 2), 6], d, 0.05, 0.2)
            case(f"conv_{d}_{k}", Op("CONV_2D", [x, w, bias(6, x, w)], [y], options, "Conv2DOptions"))
            w, _ = filters([1, 3, 2, 10], 3, d)
            y = q([2, size(h, 3), size(h + 1, 2), 10], d, 0.02, 0.1)
            case(f"depthwise_{d}_{k}", Op("DEPTHWISE_CONV_2D", [x, w, bias(10, x, w)], [y],
                                          {**options, "depthMultiplier": 2}, "DepthwiseConv2DOptions"))
            for kind in ("AVERAGE_POOL_2D", "MAX_POOL_2D"):
                p = like(x, [2, size(h, 3) if dil == 1 else h, size(h + 1, 2) if dil == 1 else h + 1, 5])
                case(f"{kind.lower()}_{d}_{k}", Op(kind, [x], [p], {"padding": pad, "strideH": stride, "strideW": stride,
                     "filterHeight": 3, "filterWidth": 2, "fusedActivationFunction": act}, "Pool2DOptions"))
        for k, (pad, stride) in enumerate([(SAME, 2), (VALID, 2), (VALID, 1)]):
            x = q([1, 5, 6, 4], d)
            w, _ = filters([3, 3, 4, 4], 0, d)
            out = [1, 5 * stride if pad == SAME else (5 - 1) * stride + 3, 6 * stride if pad == SAME else (6 - 1) * stride + 4, 3]
            case(f"transpose_conv_{d}_{k}", Op("TRANSPOSE_CONV", [ints(*out), w, x, bias(3, x, w)], [q(out, d, 0.05, 0.2)],
                 {"padding": pad, "strideH": stride, "strideW": stride}, "TransposeConvOptions"))
        x = q([3, 40], d)
        w, _ = filters([12, 40], 0, d)
        case(f"fully_connected_{d}", Op("FULLY_CONNECTED", [x, w, bias(12, x, w)], [q([3, 12], d, 0.05, 0.2)],
             {"fusedActivationFunction": acts.RELU}, "FullyConnectedOptions"))
        if d != "uint8":
            for adj in (False, True):
                a, b = q([2, 5, 9], d, 0.01, 0.03), q([2, 7, 9] if adj else [2, 9, 7], d, 0.01, 0.03)
                case(f"batch_matmul_{d}_{int(adj)}", Op("BATCH_MATMUL", [a, b], [q([2, 5, 7], d, 0.05, 0.2)], {"adjY": adj}, "BatchMatMulOptions"),
                     **({"range": (-500, 500)} if d == "int16" else {}))
        for align, half in ((False, False), (True, False), (False, True)):
            for kind, table in (("RESIZE_BILINEAR", "ResizeBilinearOptions"), ("RESIZE_NEAREST_NEIGHBOR", "ResizeNearestNeighborOptions")):
                x = q([1, 5, 4, 3], d)
                case(f"{kind.lower()}_{d}_{int(align)}{int(half)}", Op(kind, [x, ints(8, 11)], [like(x, [1, 8, 11, 3])],
                     {"alignCorners": align, "halfPixelCenters": half}, table))
        out_scale = {"int8": (1 / 256, -128), "uint8": (1 / 256, 0), "int16": (1 / 32768, 0)}
        x = q([4, 33], d, 0.05, 0.1)
        y = T([4, 33], d, *out_scale[d]) if d in out_scale else T([4, 33])
        # 16-bit: TFLite interpolates in tables, ours rounds the real function: steps of 1/32768
        steps = {"steps": 12} if d == "int16" else {}
        case(f"softmax_{d}", Op("SOFTMAX", [x], [y], {"beta": 1.0}, "SoftmaxOptions"), **steps)
        steps = {"steps": 1} if d == "int16" else {}
        if d != "int16":
            y = {"float32": T([4, 33]), "int8": T([4, 33], d, 16 / 256, 127), "uint8": T([4, 33], d, 16 / 256, 255)}[d]
            case(f"log_softmax_{d}", Op("LOG_SOFTMAX", [x], [y], {}, "LogSoftmaxOptions"))
        case(f"logistic_{d}", Op("LOGISTIC", [x], [T([4, 33], d, *out_scale[d]) if d in out_scale else T([4, 33])]), **steps)
        tanh = {"int8": (1 / 128, 0), "uint8": (1 / 128, 128), "int16": (1 / 32768, 0)}
        if d == "int16":
            x = T([4, 33], d, 1 / 4096, 0)
        case(f"tanh_{d}", Op("TANH", [x], [T([4, 33], d, *tanh[d]) if d in tanh else T([4, 33])]), **steps)
        if d != "int16":
            x = q([4, 33], d, 0.02, 0.06)
            case(f"hard_swish_{d}", Op("HARD_SWISH", [x], [q([4, 33], d, 0.02, 0.06)], {}, "HardSwishOptions"), steps=int(d == "int8"))  # TFLite: fixed point, several roundings
        x = q([4, 33], d, 0.02, 0.06)
        for kind in ("RELU", "RELU6", "RELU_N1_TO_1"):
            if kind == "RELU_N1_TO_1" and d == "int16" or kind == "RELU6" and d == "int16":
                continue
            case(f"{kind.lower()}_{d}", Op(kind, [x], [q([4, 33], d, 0.02, 0.06)]))
        for kind, table in (("ADD", "AddOptions"), ("SUB", "SubOptions"), ("MUL", "MulOptions")):
            a, b = q([2, 3, 8], d), q([3, 1], d)
            options = {"fusedActivationFunction": acts.RELU}
            if kind != "MUL":
                options["potScaleInt16"] = False
            case(f"{kind.lower()}_{d}", Op(kind, [a, b], [q([2, 3, 8], d, 0.05, 0.2)], options, table))
        x = q([2, 3, 8], d)
        case(f"select_v2_{d}", Op("SELECT_V2", [T([2, 1, 8], "bool"), like(x, [3, 1]), x], [like(x, [2, 3, 8])], {}, "SelectV2Options"))
        x = q([2, 4, 5, 3], d, 0.02, 0.06)
        case(f"leaky_relu_{d}", Op("LEAKY_RELU", [x], [q([2, 4, 5, 3], d, 0.02, 0.06)], {"alpha": 0.13}, "LeakyReluOptions"))
        if d != "int16":
            slope = T([1, 1, 3], data=rng.uniform(-1, 1, 3)) if d == "float32" else q([1, 1, 3], d, 0.004, 0.01, data=rng.integers(0, 100, 3))
            case(f"prelu_{d}", Op("PRELU", [x, slope], [q([2, 4, 5, 3], d, 0.02, 0.06)]))
            for kind in ("EQUAL", "LESS", "GREATER_EQUAL"):
                a = q([2, 3, 8], d)
                table = {"EQUAL": "EqualOptions", "LESS": "LessOptions", "GREATER_EQUAL": "GreaterEqualOptions"}[kind]
                case(f"{kind.lower()}_{d}", Op(kind, [a, q([2, 3, 8], d)], [T([2, 3, 8], "bool")], {}, table))
        if d == "float32":
            for kind in ("ABS", "NEG", "EXP", "SIN", "COS", "FLOOR", "SQUARE"):
                case(f"{kind.lower()}", Op(kind, [T([2, 70])], [T([2, 70])]), range=(-6.0, 6.0))
            for kind in ("LOG", "SQRT", "RSQRT"):
                case(f"{kind.lower()}", Op(kind, [T([2, 70])], [T([2, 70])]), range=(0.01, 9.0))
            for approximate in (False, True):
                case(f"gelu_{int(approximate)}", Op("GELU", [T([2, 70])], [T([2, 70])], {"approximate": approximate}, "GeluOptions"), range=(-5.0, 5.0))
            case("l2_normalization", Op("L2_NORMALIZATION", [T([2, 70])], [T([2, 70])], {}, "L2NormOptions"))
            case("div", Op("DIV", [T([2, 70]), T([2, 70])], [T([2, 70])], {}, "DivOptions"), range=(0.5, 3.0))
            case("pow", Op("POW", [T([2, 70]), T([2, 70])], [T([2, 70])], {}, "PowOptions"), range=(0.5, 3.0))
            case("squared_difference", Op("SQUARED_DIFFERENCE", [T([2, 70]), T([70])], [T([2, 70])], {}, "SquaredDifferenceOptions"))
            case("floor_div", Op("FLOOR_DIV", [T([2, 70]), T([2, 70])], [T([2, 70])], {}, "FloorDivOptions"), range=(0.5, 9.0))
        for kind in ("MAXIMUM", "MINIMUM"):
            a = q([2, 3, 8], d)
            case(f"{kind.lower()}_{d}", Op(kind, [a, like(a, [3, 1])], [like(a, [2, 3, 8])], {}, "MaximumMinimumOptions"))
        for kind in ("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN"):
            if kind == "SUM" and d in ("int8", "int16"):  # LiteRT 2.3 gives -1 for int8 whatever the data, refuses int16
                continue
            x = q([2, 5, 6, 3], d)
            y = like(x, [2, 3]) if kind.startswith("REDUCE") else q([2, 3], d, 0.02, 0.2)
            case(f"{kind.lower()}_{d}", Op(kind, [x, ints(1, 2)], [y], {"keepDims": False}, "ReducerOptions"))
        x = q([2, 5, 6, 3], d)
        case(f"pad_{d}", Op("PAD", [x, T([4, 2], "int32", data=[[0, 0], [1, 2], [2, 0], [0, 0]])], [like(x, [2, 8, 8, 3])]))
        case(f"transpose_{d}", Op("TRANSPOSE", [x, ints(0, 3, 1, 2)], [like(x, [2, 3, 5, 6])]))
        case(f"concat_{d}", Op("CONCATENATION", [x, like(x, [2, 5, 1, 3])], [like(x, [2, 5, 7, 3])], {"axis": 2}, "ConcatenationOptions"))
        case(f"split_{d}", Op("SPLIT", [ints(2), x], [like(x, [2, 5, 3, 3]), like(x, [2, 5, 3, 3])], {"numSplits": 2}, "SplitOptions"))
        case(f"slice_{d}", Op("SLICE", [x, ints(0, 1, 2, 0), ints(2, 3, -1, 2)], [like(x, [2, 3, 4, 2])]))
        case(f"gather_{d}", Op("GATHER", [x, ints(4, 0, 2)], [like(x, [2, 3, 6, 3])], {"axis": 1}, "GatherOptions"))
        case(f"arg_max_{d}", Op("ARG_MAX", [x, ints(3)], [T([2, 5, 6], "int64")], {"outputType": fb.TensorType.INT64}, "ArgMaxOptions")) if d != "int16" else None
        if d != "float32":
            case(f"dequantize_{d}", Op("DEQUANTIZE", [x], [T([2, 5, 6, 3])]))
            case(f"quantize_{d}", Op("QUANTIZE", [T([2, 50])], [q([2, 50], d, 0.005, 0.01)]))
            case(f"requantize_{d}", Op("QUANTIZE", [q([2, 50], d)], [q([2, 50], d)]))
    return made
