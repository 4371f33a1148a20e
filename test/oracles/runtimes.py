# SPDX-License-Identifier: Apache-2.0
"""What oracle.py needs of the foreign runtimes: onnxruntime and ai-edge-litert.

Both classes offer the same: inputs, outputs (lists of tensor descriptions), ops(), run().
"""
from __future__ import annotations

import re
import zlib
from pathlib import Path
from typing import Any

import numpy as np

# onnxruntime names types as "tensor(float)".
ORT_TYPES = {
    "float": "float32", "double": "float64", "float16": "float16", "bool": "bool",
    "int8": "int8", "uint8": "uint8", "int16": "int16", "uint16": "uint16",
    "int32": "int32", "uint32": "uint32", "int64": "int64", "uint64": "uint64",
}


class OracleError(Exception):
    """A problem with what the caller gave; printed as one line."""


def clean_name(name: str) -> str:
    cleaned = re.sub(r"[^A-Za-z0-9_]", "_", name)
    return "_" + cleaned if cleaned[:1].isdigit() else cleaned


def unique_files(names: list[str]) -> dict[str, str]:
    """File of each tensor. Two names may clean to the same ("a/b", "a_b"): later ones get a
    suffix. TFLite joins the names of fused layers beyond what a file name may be (255 bytes):
    long ones are cut and get the CRC-32 of the whole name.
    """
    taken: set[str] = set()
    files: dict[str, str] = {}
    for name in names:
        base, n = clean_name(name), 2
        if len(base) > 200:
            base = f"{base[:191]}_{zlib.crc32(base.encode()):08x}"
        stem = base
        while stem in taken:
            stem, n = f"{base}_{n}", n + 1
        taken.add(stem)
        files[name] = stem + ".raw"
    return files


def need_file(path: str | Path) -> Path:
    if not Path(path).is_file():
        raise OracleError(f"no such file: {path}")
    return Path(path)


def to_dtype(name: str) -> np.dtype:
    try:
        dtype = np.dtype(name)
    except TypeError:
        raise OracleError(f"unknown dtype '{name}'") from None
    if dtype.kind not in "biuf":
        raise OracleError(f"dtype '{name}' is not numeric")
    return dtype.newbyteorder("<")


def tensor_info(name: str, shape: Any, dtype: str, scale: Any = None, zero_point: Any = None,
                axis: int | None = None) -> dict[str, Any]:
    info = {"name": name, "shape": list(shape), "dtype": dtype, "scale": scale,
            "zero_point": zero_point}
    if axis is not None:
        info["axis"] = axis
    return info


class OnnxModel:
    def __init__(self, path: Path, all_tensors: bool, reference: bool) -> None:
        import onnx
        import onnxruntime as ort
        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        if reference:  # otherwise QDQ groups are fused into integer kernels
            options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        self.proto = onnx.load(str(path))
        source: Any = str(path)
        if all_tensors:
            known = {o.name for o in self.proto.graph.output}
            for node in self.proto.graph.node:
                for name in node.output:
                    if name and name not in known:
                        known.add(name)
                        # Name only: onnxruntime infers the type.
                        self.proto.graph.output.append(onnx.ValueInfoProto(name=name))
            source = self.proto.SerializeToString()
        self.session = ort.InferenceSession(source, options, providers=["CPUExecutionProvider"])
        self.inputs = [self._info(t) for t in self.session.get_inputs()]
        self.outputs = [self._info(t) for t in self.session.get_outputs()]

    @staticmethod
    def _info(arg: Any) -> dict[str, Any]:
        match = re.fullmatch(r"tensor\((\w+)\)", arg.type)
        dtype = ORT_TYPES.get(match.group(1), match.group(1)) if match else arg.type
        return tensor_info(arg.name, arg.shape, dtype)

    def ops(self) -> list[str]:
        return [(n.domain + "." if n.domain else "") + n.op_type for n in self.proto.graph.node]

    def run(self, feeds: dict[str, np.ndarray]) -> dict[str, Any]:
        names = [o["name"] for o in self.outputs]
        return dict(zip(names, self.session.run(names, feeds)))


class TfliteModel:
    def __init__(self, path: Path, all_tensors: bool, reference: bool) -> None:
        from ai_edge_litert.interpreter import Interpreter, OpResolverType
        resolver = OpResolverType.AUTO
        if reference:
            resolver = OpResolverType.BUILTIN_REF
        elif all_tensors:  # a delegate keeps the tensors inside its partition to itself
            resolver = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        self.interp = Interpreter(model_path=str(path), num_threads=1,
                                  experimental_op_resolver_type=resolver,
                                  experimental_preserve_all_tensors=all_tensors)
        self.in_details = self.interp.get_input_details()
        outs = self.interp.get_output_details()
        if all_tensors:
            details = {d["index"]: d for d in self.interp.get_tensor_details()}
            seen = {d["index"] for d in outs}
            for op in self.interp._get_ops_details():  # no public way to tell activations
                for index in op["outputs"]:
                    if index in details and index not in seen:
                        seen.add(index)
                        outs.append(details[index])
        self.out_details = outs
        self.inputs = [self._info(d) for d in self.in_details]
        self.outputs = [self._info(d) for d in self.out_details]

    @staticmethod
    def _info(d: dict[str, Any]) -> dict[str, Any]:
        q = d["quantization_parameters"]
        shape = d.get("shape_signature", d["shape"])
        shape = [int(s) for s in (shape if len(shape) == len(d["shape"]) else d["shape"])]
        dtype = np.dtype(d["dtype"]).name if d["dtype"] is not np.bytes_ else "string"
        if len(q["scales"]) == 0:
            return tensor_info(d["name"], shape, dtype)
        if len(q["scales"]) == 1:
            return tensor_info(d["name"], shape, dtype, float(q["scales"][0]),
                               int(q["zero_points"][0]))
        return tensor_info(d["name"], shape, dtype, [float(s) for s in q["scales"]],
                           [int(z) for z in q["zero_points"]], int(q["quantized_dimension"]))

    def ops(self) -> list[str]:
        return [op["op_name"] for op in self.interp._get_ops_details()]

    def run(self, feeds: dict[str, np.ndarray]) -> dict[str, Any]:
        for d in self.in_details:
            if tuple(d["shape"]) != feeds[d["name"]].shape:
                self.interp.resize_tensor_input(d["index"], feeds[d["name"]].shape)
                d["shape"] = np.array(feeds[d["name"]].shape, dtype=np.int32)
        self.interp.allocate_tensors()
        self.interp.reset_all_variables()  # inferences of a list are independent
        for d in self.in_details:
            self.interp.set_tensor(d["index"], feeds[d["name"]])
        self.interp.invoke()
        results: dict[str, Any] = {}
        for d in self.out_details:
            try:
                results[d["name"]] = self.interp.get_tensor(d["index"])
            except ValueError:  # an intermediate without memory, e.g. an unused output
                results[d["name"]] = None
        return results


def open_model(path: str, all_tensors: bool = False, reference: bool = False) -> Any:
    kinds = {".onnx": OnnxModel, ".tflite": TfliteModel}
    kind = kinds.get(need_file(path).suffix)
    if kind is None:
        raise OracleError(f"{path}: expected a .onnx or .tflite file")
    try:
        return kind(Path(path), all_tensors, reference)
    except ModuleNotFoundError as e:
        raise OracleError(f"{e}; see requirements.txt") from None
    except Exception as e:  # every runtime has its own exception types
        raise OracleError(f"{path}: cannot load: {' '.join(str(e).split())}") from None
