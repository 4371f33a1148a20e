# SPDX-License-Identifier: Apache-2.0
"""The example network and its gradients in plain numpy, NHWC.

Every layer keeps what its backward pass needs; parameters and gradients are dictionaries so
that the optimizer and the exporter can walk over them by name.
"""
from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

EPSILON = 1e-5


class Layer:
    def __init__(self, name: str) -> None:
        self.name = name
        self.params: dict[str, np.ndarray] = {}
        self.grads: dict[str, np.ndarray] = {}

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        raise NotImplementedError

    def backward(self, g: np.ndarray) -> np.ndarray:
        raise NotImplementedError


def pad1(x: np.ndarray) -> np.ndarray:
    return np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))


class Conv(Layer):
    """3x3 (padding 1) or 1x1 convolution without bias; weights [k, k, in, out]."""

    def __init__(self, name: str, rng: np.random.Generator, cin: int, cout: int, kernel: int,
                 stride: int = 1) -> None:
        super().__init__(name)
        self.kernel, self.stride = kernel, stride
        scale = np.sqrt(2.0 / (kernel * kernel * cin))
        self.params["weight"] = rng.normal(0, scale, (kernel, kernel, cin, cout)).astype(np.float32)

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        w, s = self.params["weight"], self.stride
        self.shape = x.shape
        if self.kernel == 3:
            windows = sliding_window_view(pad1(x), (3, 3), axis=(1, 2))[:, ::s, ::s]
            x = windows.transpose(0, 1, 2, 4, 5, 3)  # [n, h, w, ky, kx, c]
        self.out_hw = x.shape[1:3]
        self.columns = x.reshape(-1, w.size // w.shape[3])
        return (self.columns @ w.reshape(-1, w.shape[3])).reshape(len(x), *self.out_hw, -1)

    def backward(self, g: np.ndarray) -> np.ndarray:
        w, s = self.params["weight"], self.stride
        flat = g.reshape(-1, w.shape[3])
        self.grads["weight"] = (self.columns.T @ flat).reshape(w.shape)
        columns = flat @ w.reshape(-1, w.shape[3]).T
        if self.kernel == 1:
            return columns.reshape(self.shape)
        n, height, width, cin = self.shape
        oh, ow = self.out_hw
        parts = columns.reshape(n, oh, ow, 3, 3, cin)
        dx = np.zeros((n, height + 2, width + 2, cin), g.dtype)
        for ky in range(3):
            for kx in range(3):
                dx[:, ky:ky + s * oh:s, kx:kx + s * ow:s][:, :oh, :ow] += parts[:, :, :, ky, kx]
        return dx[:, 1:-1, 1:-1]


class Depthwise(Layer):
    """3x3 depthwise convolution, padding 1, stride 1, without bias; weights [3, 3, channels]."""

    def __init__(self, name: str, rng: np.random.Generator, channels: int) -> None:
        super().__init__(name)
        self.params["weight"] = rng.normal(0, np.sqrt(2 / 9), (3, 3, channels)).astype(np.float32)

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        h, w = x.shape[1:3]
        self.padded = pad1(x)
        y = np.zeros_like(x)
        for ky in range(3):
            for kx in range(3):
                y += self.padded[:, ky:ky + h, kx:kx + w] * self.params["weight"][ky, kx]
        return y

    def backward(self, g: np.ndarray) -> np.ndarray:
        h, w = g.shape[1:3]
        dx = np.zeros_like(self.padded)
        dw = np.zeros_like(self.params["weight"])
        for ky in range(3):
            for kx in range(3):
                part = self.padded[:, ky:ky + h, kx:kx + w]
                dw[ky, kx] = np.einsum("nhwc,nhwc->c", part, g)
                dx[:, ky:ky + h, kx:kx + w] += g * self.params["weight"][ky, kx]
        self.grads["weight"] = dw
        return dx[:, 1:-1, 1:-1]


class BatchNorm(Layer):
    def __init__(self, name: str, channels: int) -> None:
        super().__init__(name)
        self.params = {"scale": np.ones(channels, np.float32),
                       "bias": np.zeros(channels, np.float32)}
        self.mean = np.zeros(channels, np.float32)
        self.variance = np.ones(channels, np.float32)

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        if training:
            mean, variance = x.mean((0, 1, 2)), x.var((0, 1, 2))
            self.mean += 0.05 * (mean - self.mean)
            self.variance += 0.05 * (variance - self.variance)
        else:
            mean, variance = self.mean, self.variance
        self.inverse = 1 / np.sqrt(variance + EPSILON)
        self.normal = (x - mean) * self.inverse
        return self.normal * self.params["scale"] + self.params["bias"]

    def backward(self, g: np.ndarray) -> np.ndarray:
        self.grads["bias"] = g.sum((0, 1, 2))
        self.grads["scale"] = np.einsum("nhwc,nhwc->c", g, self.normal)
        count = g.size // g.shape[3]
        return (self.params["scale"] * self.inverse) * (
            g - self.grads["bias"] / count - self.normal * (self.grads["scale"] / count))


class Relu(Layer):
    def __init__(self, name: str, top: float | None = None) -> None:
        super().__init__(name)
        self.top = top

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        self.passed = x > 0 if self.top is None else (x > 0) & (x < self.top)
        return np.clip(x, 0, self.top)

    def backward(self, g: np.ndarray) -> np.ndarray:
        return g * self.passed


class MaxPool2(Layer):
    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        n, h, w, c = x.shape
        blocks = x.reshape(n, h // 2, 2, w // 2, 2, c)
        y = blocks.max((2, 4))
        self.hit = blocks == y[:, :, None, :, None]
        self.hit = self.hit / self.hit.sum((2, 4), keepdims=True, dtype=np.float32)  # share ties
        self.shape = x.shape
        return y

    def backward(self, g: np.ndarray) -> np.ndarray:
        return (self.hit * g[:, :, None, :, None]).reshape(self.shape)


class MeanPool(Layer):
    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        self.shape = x.shape
        return x.mean((1, 2))

    def backward(self, g: np.ndarray) -> np.ndarray:
        area = self.shape[1] * self.shape[2]
        return np.broadcast_to((g / np.float32(area))[:, None, None, :], self.shape)


class Dense(Layer):
    def __init__(self, name: str, rng: np.random.Generator, cin: int, cout: int) -> None:
        super().__init__(name)
        self.params = {"weight": rng.normal(0, np.sqrt(1 / cin), (cin, cout)).astype(np.float32),
                       "bias": np.zeros(cout, np.float32)}

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        self.x = x
        return x @ self.params["weight"] + self.params["bias"]

    def backward(self, g: np.ndarray) -> np.ndarray:
        self.grads = {"weight": self.x.T @ g, "bias": g.sum(0)}
        return g @ self.params["weight"].T


class Net:
    """stem -> (depthwise, pointwise, pool) -> residual block -> strided block -> classes."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.head: list[Layer] = [
            Conv("stem", rng, 1, 16, 3, stride=2), BatchNorm("stem_bn", 16), Relu("stem_relu"),
            Depthwise("dw1", rng, 16), BatchNorm("dw1_bn", 16), Relu("dw1_relu6", 6.0),
            Conv("pw1", rng, 16, 32, 1), BatchNorm("pw1_bn", 32), Relu("pw1_relu"),
            MaxPool2("pool")]
        self.branch: list[Layer] = [
            Depthwise("dw2", rng, 32), BatchNorm("dw2_bn", 32), Relu("dw2_relu6", 6.0),
            Conv("pw2", rng, 32, 32, 1), BatchNorm("pw2_bn", 32)]
        self.after = Relu("add_relu")
        self.tail: list[Layer] = [
            Conv("down", rng, 32, 48, 3, stride=2), BatchNorm("down_bn", 48), Relu("down_relu"),
            MeanPool("mean"), Dense("dense", rng, 48, 10)]
        self.layers = [*self.head, *self.branch, self.after, *self.tail]

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        """Logits of [n, 28, 28, 1] images with values 0..1."""
        for layer in self.head:
            x = layer.forward(x, training)
        y = x
        for layer in self.branch:
            y = layer.forward(y, training)
        x = self.after.forward(x + y, training)
        for layer in self.tail:
            x = layer.forward(x, training)
        return x

    def backward(self, g: np.ndarray) -> None:
        for layer in reversed(self.tail):
            g = layer.backward(g)
        g = self.after.backward(g)
        b = g
        for layer in reversed(self.branch):
            b = layer.backward(b)
        g = g + b
        for layer in reversed(self.head):
            g = layer.backward(g)

    def parameter_count(self) -> int:
        return sum(p.size for layer in self.layers for p in layer.params.values())


def softmax(logits: np.ndarray) -> np.ndarray:
    e = np.exp(logits - logits.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)
