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
