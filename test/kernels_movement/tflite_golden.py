# SPDX-License-Identifier: Apache-2.0
"""Writes tflite_golden.txt: what TensorFlow Lite's reference kernels (BUILTIN_REF of ai-edge-litert) give for
MEAN, SUM, QUANTIZE and CONCATENATION on seeded random data. One case per line, see `emit`.

    python3 test/kernels_movement/tflite_golden.py test/kernels_movement/tflite_golden.txt
"""
import sys

import flatbuffers
import numpy as np
from ai_edge_litert import interpreter as tfl
from ai_edge_litert import schema_py_generated as fb

TYPES = {np.float32: fb.TensorType.FLOAT32, np.int8: fb.TensorType.INT8, np.uint8: fb.TensorType.UINT8,
         np.int16: fb.TensorType.INT16, np.int32: fb.TensorType.INT32}


def tensor(model, name, dtype, shape, scale=None, zero=0, data=None):
    buffer = fb.BufferT()
    if data is not None:
        buffer.data = np.frombuffer(data.tobytes(), np.uint8)
    model.buffers.append(buffer)
    t = fb.TensorT()
    t.name, t.type, t.shape, t.buffer = name, TYPES[dtype], list(shape), len(model.buffers) - 1
    if scale is not None:
        t.quantization = fb.QuantizationParametersT()
        t.quantization.scale, t.quantization.zeroPoint = [float(scale)], [int(zero)]
    model.subgraphs[0].tensors.append(t)
    return len(model.subgraphs[0].tensors) - 1


def empty_model():
    m = fb.ModelT()
    m.version, m.buffers, m.subgraphs = 3, [fb.BufferT()], [fb.SubGraphT()]
    m.subgraphs[0].tensors = []
    return m


def finish(m, code, version, inputs, operands, output, options_type, options):
    oc = fb.OperatorCodeT()
    oc.builtinCode, oc.deprecatedBuiltinCode, oc.version = code, min(code, 127), version
    op = fb.OperatorT()
    op.opcodeIndex, op.inputs, op.outputs = 0, operands, [output]
    op.builtinOptionsType, op.builtinOptions = options_type, options
    m.operatorCodes = [oc]
    g = m.subgraphs[0]
    g.inputs, g.outputs, g.operators = inputs, [output], [op]
    b = flatbuffers.Builder(1024)
    b.Finish(m.Pack(b), file_identifier=b"TFL3")
    return bytes(b.Output())


def run(content, arrays):
    it = tfl.Interpreter(model_content=content, experimental_op_resolver_type=tfl.OpResolverType.BUILTIN_REF)
    it.allocate_tensors()
    for d, a in zip(it.get_input_details(), arrays):
        it.set_tensor(d["index"], a)
    it.invoke()
    return it.get_tensor(it.get_output_details()[0]["index"])


def emit(out, kind, params, ins, result, result_scale, result_zero):
    """kind | params | in: type shape scale zero values | ... | out: type shape scale zero values; scales are float bits."""
    def text(a, scale, zero):
        bits = int(np.float32(scale).view(np.uint32))
        shape = "x".join(map(str, a.shape)) or "1"
        values = a.view(np.uint32) if a.dtype == np.float32 else a
        return f"{a.dtype.name} {shape} {bits} {zero} " + " ".join(str(int(v)) for v in values.ravel())
    parts = [kind, params] + [text(*i) for i in ins] + [text(result, result_scale, result_zero)]
    out.write("|".join(parts) + "\n")


def random_quantized(rng, dtype, shape):
    info = np.iinfo(dtype)
    a = rng.integers(info.min, info.max, size=shape, endpoint=True).astype(dtype)
    zero = 0 if dtype == np.int16 else int(rng.integers(info.min, info.max, endpoint=True))
    return a, np.float32(rng.uniform(0.001, 0.2)), zero


def main(path):
    rng = np.random.default_rng(20)
    with open(path, "w") as out:
        for k in range(36):
            dtype = [np.int8, np.uint8, np.int16][k % 3]
            # SUM only of uint8: the int8 and int16 SUM of ai-edge-litert 2.3.0 is not the formula of its source.
            mean = k % 2 == 0 or dtype != np.uint8
            shape = tuple(int(v) for v in rng.integers(1, 8, size=int(rng.integers(2, 5))))
            axes = sorted(int(v) for v in rng.choice(len(shape), size=int(rng.integers(1, len(shape) + 1)), replace=False))
            keep = bool(rng.integers(0, 2))
            a, s, z = random_quantized(rng, dtype, shape)
            count = int(np.prod([shape[d] for d in axes]))
            so = np.float32(s * rng.uniform(0.3, 1.5) * (1 if mean else np.sqrt(count)))
            _, _, zo = random_quantized(rng, dtype, (1,))
            m = empty_model()
            x = tensor(m, "x", dtype, shape, s, z)
            ax = tensor(m, "axes", np.int32, (len(axes),), data=np.array(axes, np.int32))
            result_shape = tuple(1 if d in axes else n for d, n in enumerate(shape) if keep or d not in axes)
            y = tensor(m, "y", dtype, result_shape, so, zo)
            o = fb.ReducerOptionsT()
            o.keepDims = keep
            code = fb.BuiltinOperator.MEAN if mean else fb.BuiltinOperator.SUM
            r = run(finish(m, code, 2, [x], [x, ax], y, fb.BuiltinOptions.ReducerOptions, o), [a])
            emit(out, "mean" if mean else "sum", ",".join(map(str, axes)), [(a, s, z)], r.reshape(result_shape), so, zo)
        for k in range(12):
            pairs = [(np.int8, np.int8), (np.int8, np.uint8), (np.uint8, np.int8), (np.uint8, np.uint8), (np.int16, np.int8), (np.int16, np.int16)]
            source, target = pairs[k % 6]
            a, s, z = random_quantized(rng, source, (300,))
            if source != np.int16:
                a = np.arange(np.iinfo(source).min, np.iinfo(source).max + 1, dtype=np.int32).astype(source)
            _, so, zo = random_quantized(rng, target, (1,))
            if source == np.int16:
                s = np.float32(s / 64)
            m = empty_model()
            x = tensor(m, "x", source, a.shape, s, z)
            y = tensor(m, "y", target, a.shape, so, zo)
            r = run(finish(m, fb.BuiltinOperator.QUANTIZE, 2, [x], [x], y, fb.BuiltinOptions.QuantizeOptions, fb.QuantizeOptionsT()), [a])
            emit(out, "quantize", "-", [(a, s, z)], r, so, zo)
        for k in range(9):
            target = [np.int8, np.uint8, np.int16][k % 3]
            _, so, zo = random_quantized(rng, target, (1,))
            so = np.float32([so, 0.25, 2.0 ** -7][k // 3])  # exact steps make ties
            info = np.iinfo(target)
            steps = rng.integers(info.min - zo - 20, info.max - zo + 20, size=200)
            a = np.where(rng.integers(0, 2, 200), (steps + 0.5) * so, rng.uniform(-1, 1, 200) * so * info.max).astype(np.float32)
            m = empty_model()
            x = tensor(m, "x", np.float32, a.shape)
            y = tensor(m, "y", target, a.shape, so, zo)
            r = run(finish(m, fb.BuiltinOperator.QUANTIZE, 1, [x], [x], y, fb.BuiltinOptions.QuantizeOptions, fb.QuantizeOptionsT()), [a])
            emit(out, "quantize", "-", [(a, 1, 0)], r, so, zo)
        for k in range(4):
            parts = [random_quantized(rng, np.uint8, (3, int(rng.integers(1, 20)))) for _ in range(2 + k % 2)]
            _, so, zo = random_quantized(rng, np.uint8, (1,))
            m = empty_model()
            ids = [tensor(m, f"x{i}", np.uint8, p[0].shape, p[1], p[2]) for i, p in enumerate(parts)]
            shape = (3, sum(p[0].shape[1] for p in parts))
            y = tensor(m, "y", np.uint8, shape, so, zo)
            o = fb.ConcatenationOptionsT()
            o.axis = 1
            r = run(finish(m, fb.BuiltinOperator.CONCATENATION, 1, ids, ids, y, fb.BuiltinOptions.ConcatenationOptions, o), [p[0] for p in parts])
            emit(out, "concat", "1", parts, r, so, zo)


if __name__ == "__main__":
    main(sys.argv[1])
