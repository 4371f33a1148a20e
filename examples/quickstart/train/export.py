# SPDX-License-Identifier: Apache-2.0
"""Writes the trained network as ONNX (NCHW, opset 13).

BatchNormalization stays a node of its own: folding it is the converter's work, and the example
is to show that it does.
"""
from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from net import EPSILON, BatchNorm, Conv, Dense, Depthwise, Layer, MaxPool2, MeanPool, Net, Relu


class Writer:
    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, name: str, value: np.ndarray) -> str:
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(self, op: str, inputs: list[str], output: str, **attributes: object) -> str:
        self.nodes.append(helper.make_node(op, inputs, [output], name=output + "_node",
                                           **attributes))
        return output

    def layer(self, layer: Layer, x: str) -> str:
        name = layer.name
        if isinstance(layer, (Conv, Depthwise)):
            w, group = layer.params["weight"], 1
            if isinstance(layer, Depthwise):  # [3, 3, c] -> [c, 1, 3, 3]
                w, group, stride = w.transpose(2, 0, 1)[:, None], w.shape[2], 1
            else:
                w, stride = w.transpose(3, 2, 0, 1), layer.stride
            kernel, pad = w.shape[2], w.shape[2] // 2
            return self.node("Conv", [x, self.constant(name + "_weight", w)], name,
                             kernel_shape=[kernel] * 2, strides=[stride] * 2, pads=[pad] * 4,
                             dilations=[1, 1], group=group)
        if isinstance(layer, BatchNorm):
            values = {"scale": layer.params["scale"], "bias": layer.params["bias"],
                      "mean": layer.mean, "variance": layer.variance}
            return self.node("BatchNormalization",
                             [x] + [self.constant(f"{name}_{k}", v) for k, v in values.items()],
                             name, epsilon=EPSILON)
        if isinstance(layer, Relu):
            if layer.top is None:
                return self.node("Relu", [x], name)
            limits = [self.constant(f"{name}_{k}", np.array(v, np.float32))
                      for k, v in (("min", 0.0), ("max", layer.top))]
            return self.node("Clip", [x, *limits], name)
        if isinstance(layer, MaxPool2):
            return self.node("MaxPool", [x], name, kernel_shape=[2, 2], strides=[2, 2])
        if isinstance(layer, MeanPool):
            x = self.node("GlobalAveragePool", [x], name)
            return self.node("Flatten", [x], name + "_flat", axis=1)
        if isinstance(layer, Dense):
            w, b = layer.params["weight"].T, layer.params["bias"]
            return self.node("Gemm", [x, self.constant(name + "_weight", w),
                                      self.constant(name + "_bias", b)], name, transB=1)
        raise TypeError(f"no ONNX form of {type(layer).__name__}")


def export(net: Net, path: Path) -> None:
    writer = Writer()
    x = "image"
    for layer in net.head:
        x = writer.layer(layer, x)
    y = x
    for layer in net.branch:
        y = writer.layer(layer, y)
    x = writer.node("Add", [x, y], "add")
    for layer in [net.after, *net.tail]:
        x = writer.layer(layer, x)
    writer.node("Softmax", [x], "probabilities", axis=1)

    graph = helper.make_graph(
        writer.nodes, "digits",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 1, 28, 28])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [1, 10])],
        writer.constants)
    # IR version 7 came with opset 13: old readers take the file too.
    model = helper.make_model(graph, producer_name="qnnx example",
                              opset_imports=[helper.make_opsetid("", 13)], ir_version=7)
    onnx.checker.check_model(model, full_check=True)
    path.write_bytes(model.SerializeToString(deterministic=True))
