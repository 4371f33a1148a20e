# SPDX-License-Identifier: Apache-2.0
"""The four networks of MLPerf Tiny as ONNX graphs: the published topologies and sizes, random weights, batch norms folded.
Inputs are NCHW as PyTorch would export them."""


def kws(g, o):
    """Keyword spotting: DS-CNN, 49 x 10 MFCC."""
    x = g.input("input", [1, 1, 49, 10])
    w = g.constant(g.normal((64, 1, 10, 4), (2 / 40) ** 0.5), "stem.weight")
    b = g.constant(g.normal((64,), 0.1), "stem.bias")
    x = g.add("Relu", [g.add("Conv", [x, w, b], "stem", kernel_shape=[10, 4], strides=[2, 2], pads=[4, 1, 5, 1])])
    for _ in range(4):
        x = g.add("Relu", [g.conv(x, 64, 64, 3, groups=64, bias=True, name="depthwise")])
        x = g.add("Relu", [g.conv(x, 64, 64, 1, bias=True, name="pointwise")])
    g.output("probabilities", g.add("Softmax", [g.dense(g.flatten_pool(x), 64, 12)], axis=1), [1, 12])


def ic(g, o):
    """Image classification: ResNet-8, 32 x 32."""
    x = g.input("input", [1, 3, 32, 32])
    x = g.add("Relu", [g.conv(x, 3, 16, 3, bias=True, name="stem")])
    c = 16
    for channels, stride in ((16, 1), (32, 2), (64, 2)):
        y = g.add("Relu", [g.conv(x, c, channels, 3, stride, bias=True)])
        y = g.conv(y, channels, channels, 3, bias=True, gain=0.5)
        short = x if stride == 1 else g.conv(x, c, channels, 1, stride, bias=True, gain=1.0, name="shortcut")
        x, c = g.add("Relu", [g.add("Add", [short, y])]), channels
    g.output("probabilities", g.add("Softmax", [g.dense(g.flatten_pool(x), c, 10)], axis=1), [1, 10])


def vww(g, o):
    """Visual wake words: MobileNetV1 0.25, 96 x 96."""
    x = g.input("input", [1, 3, 96, 96])
    x, c = g.add("Relu", [g.conv(x, 3, 8, 3, 2, bias=True, name="stem")]), 8
    plan = [(16, 1), (32, 2), (32, 1), (64, 2), (64, 1), (128, 2)] + [(128, 1)] * 5 + [(256, 2), (256, 1)]
    for channels, stride in plan:
        x = g.add("Relu", [g.conv(x, c, c, 3, stride, groups=c, bias=True, name="depthwise")])
        x, c = g.add("Relu", [g.conv(x, c, channels, 1, bias=True, name="pointwise")]), channels
    g.output("probabilities", g.add("Softmax", [g.dense(g.flatten_pool(x), c, 2)], axis=1), [1, 2])


def ad(g, o):
    """Anomaly detection: autoencoder of fully connected layers."""
    x, c = g.input("input", [1, 640]), 640
    for width in (128, 128, 128, 128, 8, 128, 128, 128, 128):
        x, c = g.add("Relu", [g.dense(x, c, width)]), width
    g.output("output", g.dense(x, c, 640), [1, 640])


INPUTS = {"kws": (1, 1, 49, 10), "ic": (1, 3, 32, 32), "vww": (1, 3, 96, 96), "ad": (1, 640)}
NETWORKS = {f.__name__: f for f in (kws, ic, vww, ad)}
