# SPDX-License-Identifier: Apache-2.0
"""A small writer of ONNX graphs: names, seeded weights, and batch norms whose statistics are measured, not invented.

A network is a function of a Graph. It is run twice: with `measure` every batch norm is written as a normalisation by the
statistics of its own input, which onnxruntime returns; the second run stores them. So activations keep the spread
that training would have given them, at any depth, and no output degenerates.
"""
import math

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64


class Graph:
    def __init__(self, opset, seed, fold_bn, measured=None, measure=False):
        self.opset, self.fold_bn, self.measure, self.measured = opset, fold_bn, measure, measured or {}
        self.rng = np.random.default_rng(seed)
        self.nodes, self.initializers, self.inputs, self.outputs, self.statistics = [], [], [], [], []
        self.used, self.shared = {}, {}

    # -- names, nodes, constants
    def unique(self, name):
        n = self.used.get(name, 0)
        self.used[name] = n + 1
        return name if n == 0 else f"{name}_{n}"

    def add(self, op, inputs, name=None, outputs=1, **attributes):
        name = self.unique(name or op.lower())
        results = [name] if outputs == 1 else [f"{name}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(op, inputs, results, name=f"/{name}/{op}", **attributes))
        return name if outputs == 1 else results

    def constant(self, array, name="const"):
        name = self.unique(name)
        self.initializers.append(numpy_helper.from_array(np.asarray(array, order="C"), name))
        return name

    def scalar(self, value, dtype=np.float32):
        key = (repr(value), np.dtype(dtype).name)
        if key not in self.shared:
            self.shared[key] = self.constant(np.array(value, dtype), "scalar")
        return self.shared[key]

    def ints(self, *values):
        key = values
        if key not in self.shared:
            self.shared[key] = self.constant(np.array(values, np.int64), "ints")
        return self.shared[key]

    def input(self, name, dims, type=FLOAT):
        self.inputs.append(helper.make_tensor_value_info(name, type, dims))
        return name

    def output(self, name, value, dims, type=FLOAT):
        self.nodes.append(helper.make_node("Identity", [value], [name]))
        self.outputs.append(helper.make_tensor_value_info(name, type, dims))

    def normal(self, shape, deviation):
        return (self.rng.standard_normal(shape) * deviation).astype(np.float32)

    # -- layers
    def conv(self, x, cin, cout, kernel, stride=1, groups=1, bias=False, gain=2.0, name="conv", pad=None, bn=False, branch=False):
        """Convolution with "same" padding for odd kernels as PyTorch writes it; `bn` appends a batch norm or folds it,
        `branch`: a residual branch ends here; its batch norm is small, as training leaves it."""
        fan_in = cin // groups * kernel * kernel
        w = self.normal((cout, cin // groups, kernel, kernel), math.sqrt(gain / fan_in))
        b = self.normal((cout,), 0.1) if bias else None
        p = (kernel - 1) // 2 if pad is None else pad
        name = self.unique(name)
        attributes = dict(kernel_shape=[kernel] * 2, strides=[stride] * 2, pads=[p] * 4, group=groups)
        statistics = self.norm_parameters(cout, 0.3 if branch else 1.0) if bn else None
        if bn and self.fold_bn and not self.measure:
            gamma, beta = statistics
            mean, var = self.measured[f"{name}.bn"]
            k = gamma / np.sqrt(var + 1e-5)
            w, b, bn = (w * k[:, None, None, None]).astype(np.float32), (beta - mean * k).astype(np.float32), False
        inputs = [x, self.constant(w, f"{name}.weight")]
        if b is not None:
            inputs.append(self.constant(b, f"{name}.bias"))
        y = self.add("Conv", inputs, name, **attributes)
        return self.batch_norm(y, f"{name}.bn", *statistics) if bn else y

    def norm_parameters(self, channels, size):
        return (size * (1.0 + self.rng.uniform(-0.5, 0.5, channels))).astype(np.float32), self.normal((channels,), 0.3 * size)

    def batch_norm(self, x, name, gamma, beta):
        if not self.measure:
            mean, var = self.measured[name]
            parts = zip(("weight", "bias", "running_mean", "running_var"), (gamma, beta, mean, var))
            return self.add("BatchNormalization", [x] + [self.constant(v, f"{name}.{k}") for k, v in parts], name, epsilon=1e-5)
        axes = [0, 2, 3]
        mean = self.add("ReduceMean", [x], axes=axes)
        centred = self.add("Sub", [x, mean])
        var = self.add("ReduceMean", [self.add("Mul", [centred, centred])], axes=axes)
        self.statistics.append((name, mean, var))
        scaled = self.add("Div", [centred, self.add("Sqrt", [self.add("Add", [var, self.scalar(1e-5)])])])
        column = lambda v: self.constant(v.reshape(1, -1, 1, 1))
        return self.add("Add", [self.add("Mul", [scaled, column(gamma)]), column(beta)])

    def relu6(self, x):
        return self.add("Clip", [x, self.scalar(0.0), self.scalar(6.0)], "relu6")

    def silu(self, x):
        return self.add("Mul", [x, self.add("Sigmoid", [x])], "silu")

    def hard_swish(self, x):
        if self.opset >= 14:
            return self.add("HardSwish", [x], "hswish")
        self.swishes = getattr(self, "swishes", 0) + 1
        if self.swishes % 2:
            return self.add("Mul", [x, self.add("HardSigmoid", [x], alpha=1 / 6, beta=0.5)], "hswish")
        clipped = self.add("Clip", [self.add("Add", [x, self.scalar(3.0)]), self.scalar(0.0), self.scalar(6.0)])
        return self.add("Mul", [x, self.add("Div", [clipped, self.scalar(6.0)])], "hswish")

    def gelu(self, x):
        """erf form, as PyTorch's exporter decomposes it."""
        erf = self.add("Erf", [self.add("Div", [x, self.scalar(math.sqrt(2.0))])])
        return self.add("Mul", [self.add("Mul", [x, self.add("Add", [erf, self.scalar(1.0)])]), self.scalar(0.5)], "gelu")

    def linear(self, x, cin, cout, name="linear", gain=1.0):
        """MatMul and Add: what nn.Linear becomes on operands of rank 3."""
        w = self.constant(self.normal((cin, cout), math.sqrt(gain / cin)), f"{name}.weight")
        b = self.constant(self.normal((cout,), 0.1), f"{name}.bias")
        return self.add("Add", [b, self.add("MatMul", [x, w], f"{name}.matmul")], name)

    def dense(self, x, cin, cout, name="fc", gain=2.0):
        """Gemm: what nn.Linear becomes on matrices."""
        w = self.constant(self.normal((cout, cin), math.sqrt(gain / cin)), f"{name}.weight")
        return self.add("Gemm", [x, w, self.constant(self.normal((cout,), 0.2), f"{name}.bias")], name, transB=1)

    def layer_norm(self, x, width, name="norm", epsilon=1e-5):
        gamma = self.constant((1.0 + self.rng.uniform(-0.3, 0.3, width)).astype(np.float32), f"{name}.weight")
        beta = self.constant(self.normal((width,), 0.1), f"{name}.bias")
        if self.opset >= 17:
            return self.add("LayerNormalization", [x, gamma, beta], name, axis=-1, epsilon=epsilon)
        centred = self.add("Sub", [x, self.add("ReduceMean", [x], axes=[-1])])
        var = self.add("ReduceMean", [self.add("Pow", [centred, self.scalar(2.0)])], axes=[-1])
        root = self.add("Sqrt", [self.add("Add", [var, self.scalar(epsilon)])])
        return self.add("Add", [self.add("Mul", [self.add("Div", [centred, root]), gamma]), beta], name)

    def squeeze(self, x, axis):
        return self.add("Squeeze", [x, self.ints(axis)])

    def unsqueeze(self, x, *axes):
        return self.add("Unsqueeze", [x, self.ints(*axes)])

    def flatten_pool(self, x):
        return self.add("Flatten", [self.add("GlobalAveragePool", [x])], axis=1)

    def size_of(self, x, axis):
        """One dimension at run time, as exporters write it for dynamic axes: Shape, Gather, Unsqueeze."""
        return self.unsqueeze(self.add("Gather", [self.add("Shape", [x]), self.scalar(axis, np.int64)], axis=0), 0)

    def model(self, name):
        outputs = [helper.make_tensor_value_info(t, FLOAT, None) for s in self.statistics for t in s[1:]] if self.measure else self.outputs
        graph = helper.make_graph(self.nodes, name, self.inputs, outputs, self.initializers)
        made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], producer_name="qnnx networks")
        made.ir_version = 8
        if not self.measure:
            onnx.checker.check_model(made)
        return made
