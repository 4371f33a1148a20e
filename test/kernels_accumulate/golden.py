# SPDX-License-Identifier: Apache-2.0
"""Writes tflite_golden.txt (reference kernels of ai-edge-litert: convolutions, dense layers, pools, resizing) and
onnx_golden.txt (onnxruntime: Resize, pools with ceil and counted padding) on seeded random data.

    python3 test/kernels_accumulate/golden.py test/kernels_accumulate

A line: kind | integers of the parameters | operand | ... | result. An operand: type, shape, scales as float bits,
zero point, values (floats as bits). Weights are written in the layout of the library: HWIO, [kh,kw,1,Co].
"""
import pathlib
import sys

import numpy as np
import onnx
import onnxruntime
from ai_edge_litert import schema_py_generated as fb

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "kernels_movement"))
from tflite_golden import TYPES, empty_model, finish, run, tensor  # noqa: E402

TYPES[np.int64] = fb.TensorType.INT64
OPERATOR, OPTIONS = fb.BuiltinOperator, fb.BuiltinOptions


def text(a, scales=(1.0,), zero=0, name=None):
    bits = ",".join(str(int(b)) for b in np.asarray(scales, np.float32).view(np.uint32))
    values = a.view(np.uint32) if a.dtype == np.float32 else a
    shape = "x".join(map(str, a.shape))
    return f"{name or a.dtype.name} {shape} {bits} {zero} " + " ".join(str(int(v)) for v in values.ravel())


def emit(out, kind, params, operands):
    out.write("|".join([kind, ",".join(str(int(p)) for p in params)] + operands) + "\n")


def numbers(rng, dtype, shape, narrow=False):
    if dtype == np.float32:
        return rng.uniform(-1, 1, shape).astype(np.float32)
    info = np.iinfo(dtype)
    return rng.integers(info.min + (1 if narrow else 0), info.max, size=shape, endpoint=True).astype(dtype)


def encoding(rng, dtype):
    info = np.iinfo(dtype)
    zero = 0 if dtype == np.int16 else int(rng.integers(info.min, info.max, endpoint=True))
    return np.float32(rng.uniform(0.001, 0.2)), zero


def same(size, kernel, stride, dilation=1):
    """Padding before and after, and the output size."""
    n = -(-size // stride)
    total = max((n - 1) * stride + (kernel - 1) * dilation + 1 - size, 0)
    return total // 2, total - total // 2, n


def weighted(rng, out, kind, dtype):
    """One layer with constant weights and bias."""
    weight_type = np.uint8 if dtype == np.uint8 else np.int8
    per_axis = dtype != np.uint8 and (kind == "transpose" or rng.integers(0, 2))
    kh, kw, sh, sw, dh, dw = (int(v) for v in rng.integers(1, 4, size=6))
    if kind == "transpose" or max(sh, sw) > 1:
        dh = dw = 1
    h, w, ci, co = (int(v) for v in rng.integers([4, 4, 1, 1], [7, 7, 5, 9]))
    xs, xz = encoding(rng, dtype)
    is_same = bool(rng.integers(0, 2))
    m = empty_model()
    if kind == "dense":
        n = int(rng.integers(1, 50))
        shape, w_shape, axis, y_shape = (2, n), (co, n), 0, (2, co)
        options, tag, code, version = fb.FullyConnectedOptionsT(), OPTIONS.FullyConnectedOptions, OPERATOR.FULLY_CONNECTED, 12
        params, taps, to_ours = [], n, lambda a: a
    else:
        shape = (1, h, w, ci)
        if is_same:
            (t, b, oh), (l, r, ow) = same(h, kh, sh, dh), same(w, kw, sw, dw)
        else:
            t = b = l = r = 0
            oh, ow = (h - ((kh - 1) * dh + 1)) // sh + 1, (w - ((kw - 1) * dw + 1)) // sw + 1
            if oh < 1 or ow < 1:
                return
        taps = kh * kw * ci
        if kind == "conv":
            options, tag, code, version = fb.Conv2DOptionsT(), OPTIONS.Conv2DOptions, OPERATOR.CONV_2D, 5
            w_shape, axis, to_ours = (co, kh, kw, ci), 0, lambda a: a.transpose(1, 2, 3, 0)
            y_shape = (1, oh, ow, co)
        elif kind == "depthwise":
            options, tag, code, version = fb.DepthwiseConv2DOptionsT(), OPTIONS.DepthwiseConv2DOptions, OPERATOR.DEPTHWISE_CONV_2D, 6
            options.depthMultiplier = int(rng.integers(1, 3))
            co = ci * options.depthMultiplier
            w_shape, axis, to_ours, taps = (1, kh, kw, co), 3, lambda a: a.transpose(1, 2, 0, 3), kh * kw
            y_shape = (1, oh, ow, co)
        else:
            # The forward convolution that this one is the transpose of reads [oh, ow] and makes [h, w].
            options, tag, code, version = fb.TransposeConvOptionsT(), OPTIONS.TransposeConvOptions, OPERATOR.TRANSPOSE_CONV, 4
            w_shape, axis, to_ours = (co, kh, kw, ci), 0, lambda a: a.transpose(1, 2, 3, 0)
            oh, ow = (h * sh, w * sw) if is_same else (max(kh - sh, 0) + h * sh, max(kw - sw, 0) + w * sw)
            if is_same:
                (t, b, _), (l, r, _) = same(oh, kh, sh), same(ow, kw, sw)
            y_shape = (1, oh, ow, co)
        options.padding = fb.Padding.SAME if is_same else fb.Padding.VALID
        options.strideH, options.strideW = sh, sw
        if kind != "transpose":
            options.dilationHFactor, options.dilationWFactor = dh, dw
            params = [sh, sw, t, b, l, r, dh, dw]
        else:
            params = [sh, sw, t, b, l, r, oh - (sh * (h - 1) + kh - t - b), ow - (sw * (w - 1) + kw - l - r)]
            if params[6] < 0 or params[7] < 0 or params[6] >= sh or params[7] >= sw:
                return
    x = numbers(rng, dtype, shape)
    weights = numbers(rng, weight_type, w_shape, narrow=True)
    channels = w_shape[axis]
    ws = rng.uniform(0.001, 0.02, channels if per_axis else 1).astype(np.float32)
    wz = int(rng.integers(0, 256)) if weight_type == np.uint8 else 0
    bias = rng.integers(-4000, 4000, channels).astype(np.int64 if dtype == np.int16 else np.int32)
    steps = {np.uint8: 74, np.int8: 74, np.int16: 19000}[dtype]
    ys = np.float32(np.sqrt(taps) * steps * 74 * xs * ws.mean() * 4 / (65536 if dtype == np.int16 else 256))
    yz = encoding(rng, dtype)[1]
    ids = [tensor(m, "x", dtype, shape, xs, xz), tensor(m, "w", weight_type, w_shape, ws[0], wz, weights)]
    if per_axis:
        q = m.subgraphs[0].tensors[ids[1]].quantization
        q.scale, q.zeroPoint, q.quantizedDimension = [float(s) for s in ws], [0] * channels, axis
    b_id = tensor(m, "b", bias.dtype.type, bias.shape, np.float32(xs * ws[0]), 0, bias)
    if per_axis:
        q = m.subgraphs[0].tensors[b_id].quantization
        q.scale, q.zeroPoint, q.quantizedDimension = [float(np.float32(xs * s)) for s in ws], [0] * channels, 0
    y_id = tensor(m, "y", dtype, y_shape, ys, yz)
    operands = ids + [b_id]
    if kind == "transpose":
        operands = [tensor(m, "size", np.int32, (4,), data=np.array(y_shape, np.int32)), ids[1], ids[0], b_id]
    y = run(finish(m, code, version, [ids[0]], operands, y_id, tag, options), [x])
    emit(out, kind, params, [text(x, [xs], xz), text(np.ascontiguousarray(to_ours(weights)), ws, wz),
                             text(bias.astype(np.int32), name="bias"), text(y.reshape(y_shape), [ys], yz)])


def matmul(rng, out, dtype):
    ta, tb = (bool(v) for v in rng.integers(0, 2, 2))
    m, n, k = (int(v) for v in rng.integers(1, 9, 3))
    a_shape, b_shape = (2, k, m) if ta else (2, m, k), (2, n, k) if tb else (2, k, n)
    (s0, z0), (s1, z1), (_, zy) = encoding(rng, dtype), encoding(rng, dtype), encoding(rng, dtype)
    steps = 19000 if dtype == np.int16 else 74
    sy = np.float32(np.sqrt(k) * steps * steps * s0 * s1 * 4 / (65536 if dtype == np.int16 else 256))
    a, b = numbers(rng, dtype, a_shape), numbers(rng, dtype, b_shape)
    g = empty_model()
    ids = [tensor(g, "a", dtype, a_shape, s0, z0), tensor(g, "b", dtype, b_shape, s1, z1)]
    y_id = tensor(g, "y", dtype, (2, m, n), sy, zy)
    o = fb.BatchMatMulOptionsT()
    o.adjX, o.adjY = ta, tb
    y = run(finish(g, OPERATOR.BATCH_MATMUL, 3, ids, ids, y_id, OPTIONS.BatchMatMulOptions, o), [a, b])
    emit(out, "matmul", [ta, tb], [text(a, [s0], z0), text(b, [s1], z1), text(y.reshape(2, m, n), [sy], zy)])


def pool(rng, out, dtype, average):
    kh, kw, sh, sw = (int(v) for v in rng.integers(1, 4, 4))
    h, w, c = (int(v) for v in rng.integers([4, 4, 1], [8, 8, 6]))
    is_same = bool(rng.integers(0, 2))
    if is_same:
        (t, b, oh), (l, r, ow) = same(h, kh, sh), same(w, kw, sw)
    else:
        t = b = l = r = 0
        oh, ow = (h - kh) // sh + 1, (w - kw) // sw + 1
    s, z = encoding(rng, dtype)
    x = numbers(rng, dtype, (1, h, w, c))
    m = empty_model()
    i, y_id = tensor(m, "x", dtype, x.shape, s, z), tensor(m, "y", dtype, (1, oh, ow, c), s, z)
    o = fb.Pool2DOptionsT()
    o.padding = fb.Padding.SAME if is_same else fb.Padding.VALID
    o.strideH, o.strideW, o.filterHeight, o.filterWidth = sh, sw, kh, kw
    code = OPERATOR.AVERAGE_POOL_2D if average else OPERATOR.MAX_POOL_2D
    y = run(finish(m, code, 3, [i], [i], y_id, OPTIONS.Pool2DOptions, o), [x])
    emit(out, "average" if average else "maximum", [kh, kw, sh, sw, t, b, l, r], [text(x, [s], z), text(y, [s], z)])


def resize(rng, out, dtype, bilinear):
    corners, half = [(False, False), (True, False), (False, True)][int(rng.integers(0, 3))]
    shape = (1, *(int(v) for v in rng.integers(1, 7, 2)), int(rng.integers(1, 4)))
    size = rng.integers(1, 11, 2).astype(np.int32)
    s, z = encoding(rng, dtype) if dtype != np.float32 else (None, 0)
    x = numbers(rng, dtype, shape)
    m = empty_model()
    i = tensor(m, "x", dtype, shape, s, z)
    size_id = tensor(m, "size", np.int32, (2,), data=size)
    y_id = tensor(m, "y", dtype, (1, *(int(v) for v in size), shape[3]), s, z)
    o = fb.ResizeBilinearOptionsT() if bilinear else fb.ResizeNearestNeighborOptionsT()
    o.alignCorners, o.halfPixelCenters = corners, half
    code = OPERATOR.RESIZE_BILINEAR if bilinear else OPERATOR.RESIZE_NEAREST_NEIGHBOR
    tag = OPTIONS.ResizeBilinearOptions if bilinear else OPTIONS.ResizeNearestNeighborOptions
    y = run(finish(m, code, 3, [i], [i, size_id], y_id, tag, o), [x])
    emit(out, "bilinear" if bilinear else "nearest", [corners, half, *size], [text(x, [s or 1], z), text(y, [s or 1], z)])


def onnx_run(node, x, y_shape=None, constants=()):
    inputs = [onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, x.shape)]
    outputs = [onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, y_shape)]
    graph = onnx.helper.make_graph([node], "g", inputs, outputs, [onnx.numpy_helper.from_array(a, n) for n, a in constants])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=8)
    return onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"]).run(None, {"x": x})[0]


def onnx_resize(rng, out, interpolation):
    """Data [N,C,H,W] there, [N,H,W,C] here: the size is given per axis, so any order of axes will do."""
    t, nearest, exclude = int(rng.integers(0, 4)), int(rng.integers(0, 4)), bool(rng.integers(0, 2)) and interpolation == 2
    shape = (1, 2, *(int(v) for v in rng.integers(2, 7, 2)))
    size = np.array([1, 2, *rng.integers(1, 10, 2)], np.int64)
    x = numbers(rng, np.float32, shape)
    node = onnx.helper.make_node("Resize", ["x", "", "", "size"], ["y"], mode=["nearest", "linear", "cubic"][interpolation],
                                 coordinate_transformation_mode=["half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"][t],
                                 nearest_mode=["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"][nearest],
                                 exclude_outside=int(exclude), cubic_coeff_a=-0.75)
    y = onnx_run(node, x, [int(v) for v in size], [("size", size)])
    emit(out, "resize", [exclude, t, interpolation, nearest, *size], [text(x), text(np.ascontiguousarray(y))])


def onnx_pool(rng, out, average):
    ceil, count = int(rng.integers(0, 2)), int(rng.integers(0, 2))
    kh, kw, sh, sw = (int(v) for v in rng.integers(1, 4, 4))
    kh, kw = kh + 1, kw + 1
    t, b = (int(v) for v in rng.integers(0, kh, 2))
    l, r = (int(v) for v in rng.integers(0, kw, 2))
    x = numbers(rng, np.float32, (1, 3, *(int(v) for v in rng.integers(5, 9, 2))))
    extra = {"count_include_pad": count} if average else {}
    node = onnx.helper.make_node("AveragePool" if average else "MaxPool", ["x"], ["y"], kernel_shape=[kh, kw], strides=[sh, sw],
                                 pads=[t, l, b, r], ceil_mode=ceil, **extra)
    y = onnx_run(node, x)
    # opset 18 of onnxruntime counts cells behind the padded edge with ceil_mode; opset 19 does not: leave those out.
    if average and ceil and count:
        return
    emit(out, "average" if average else "maximum", [kh, kw, sh, sw, t, b, l, r, ceil, count],
         [text(np.ascontiguousarray(x.transpose(0, 2, 3, 1))), text(np.ascontiguousarray(y.transpose(0, 2, 3, 1)))])


def main(folder):
    rng = np.random.default_rng(7)
    quantized = [np.int8, np.uint8, np.int16]
    with open(folder + "/tflite_golden.txt", "w") as out:
        for k in range(30):
            for kind in ("conv", "depthwise", "transpose", "dense"):
                weighted(rng, out, kind, quantized[k % 3])
            if k < 12:
                matmul(rng, out, [np.int8, np.int16][k % 2])
                pool(rng, out, quantized[k % 3], True)
            if k < 6:
                pool(rng, out, quantized[k % 3], False)
            resize(rng, out, [np.float32, *quantized][k % 4], k % 3 != 0)
    with open(folder + "/onnx_golden.txt", "w") as out:
        for k in range(36):
            onnx_resize(rng, out, k % 3)
            if k < 16:
                onnx_pool(rng, out, k % 2 == 0)


if __name__ == "__main__":
    main(sys.argv[1])
