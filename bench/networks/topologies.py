# SPDX-License-Identifier: Apache-2.0
"""The networks: real topologies, random weights. `full` has the published sizes, `tiny` every kind of layer, few times."""
import numpy as np

from graph import FLOAT, INT64


def image_input(g, o):
    return g.input("input", [o.batch, 3, o.image, o.image])


def rounded(channels, factor, divisor=8):
    """Channel counts after a width multiplier, as the MobileNet papers round them."""
    c = max(divisor, int(channels * factor + divisor / 2) // divisor * divisor)
    return c + divisor if c < 0.9 * channels * factor else c


# -- MobileNets
def mobilenet_v1_layers(g, x, width, plan):
    """Yields (tensor, channels, stride) after each separable block. `plan`: (channels, stride)."""
    c = rounded(32, width)
    x = g.relu6(g.conv(x, 3, c, 3, 2, bn=True, name="stem"))
    total = 2
    for channels, stride in plan:
        y = g.relu6(g.conv(x, c, c, 3, stride, groups=c, bn=True, name="depthwise"))
        channels = rounded(channels, width)
        x, c = g.relu6(g.conv(y, c, channels, 1, bn=True, name="pointwise")), channels
        total *= stride
        yield x, c, total


V1_FULL = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)] + [(512, 1)] * 5 + [(1024, 2), (1024, 1)]
V1_TINY = [(64, 1), (128, 2), (256, 2), (256, 1), (512, 2)]


def mobilenet_v1(g, o):
    x = image_input(g, o)
    *_, (x, c, _) = mobilenet_v1_layers(g, x, 0.25 if o.tiny else 1.0, V1_TINY if o.tiny else V1_FULL)
    g.output("logits", g.dense(g.flatten_pool(x), c, o.classes), [o.batch, o.classes])


def mobilenet_v2(g, o):
    plan = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]
    if o.tiny:
        plan = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 64, 2, 2)]
    width = 0.5 if o.tiny else 1.0
    c = rounded(32, width)
    x = g.relu6(g.conv(image_input(g, o), 3, c, 3, 2, bn=True, name="stem"))
    for expand, channels, repeats, first_stride in plan:
        channels = rounded(channels, width)
        for r in range(repeats):
            stride = first_stride if r == 0 else 1
            y, inner = x, c * expand
            if expand != 1:
                y = g.relu6(g.conv(y, c, inner, 1, bn=True, name="expand"))
            y = g.relu6(g.conv(y, inner, inner, 3, stride, groups=inner, bn=True, name="depthwise"))
            y = g.conv(y, inner, channels, 1, bn=True, name="project", branch=stride == 1 and c == channels)
            x = g.add("Add", [x, y]) if stride == 1 and c == channels else y
            c = channels
    last = 128 if o.tiny else 1280
    x = g.relu6(g.conv(x, c, last, 1, bn=True, name="last"))
    g.output("logits", g.dense(g.flatten_pool(x), last, o.classes), [o.batch, o.classes])


def mobilenet_v3_small(g, o):
    """h-swish by opset: one node from 14 on; below, HardSigmoid and Mul or, older, Add, Clip, Div, Mul in turn."""
    #        kernel expand channels excite h-swish stride
    plan = [(3, 16, 16, 1, 0, 2), (3, 72, 24, 0, 0, 2), (3, 88, 24, 0, 0, 1), (5, 96, 40, 1, 1, 2), (5, 240, 40, 1, 1, 1), (5, 240, 40, 1, 1, 1),
            (5, 120, 48, 1, 1, 1), (5, 144, 48, 1, 1, 1), (5, 288, 96, 1, 1, 2), (5, 576, 96, 1, 1, 1), (5, 576, 96, 1, 1, 1)]
    if o.tiny:
        plan = plan[:5]
    x, c = g.hard_swish(g.conv(image_input(g, o), 3, 16, 3, 2, bn=True, name="stem")), 16
    for kernel, inner, channels, excite, swish, stride in plan:
        act = g.hard_swish if swish else (lambda t: g.add("Relu", [t]))
        y = act(g.conv(x, c, inner, 1, bn=True, name="expand")) if inner != c else x
        y = act(g.conv(y, inner, inner, kernel, stride, groups=inner, bn=True, name="depthwise"))
        if excite:
            squeezed = rounded(inner, 0.25)
            s = g.add("Relu", [g.conv(g.add("GlobalAveragePool", [y]), inner, squeezed, 1, bias=True, name="squeeze")])
            s = g.add("HardSigmoid", [g.conv(s, squeezed, inner, 1, bias=True, name="excite")], alpha=1 / 6, beta=0.5)
            y = g.add("Mul", [s, y])
        branch = stride == 1 and c == channels
        y = g.conv(y, inner, channels, 1, bn=True, name="project", branch=branch)
        x, c = g.add("Add", [x, y]) if branch else y, channels
    last, hidden = (c * 6, 64) if o.tiny else (576, 1024)
    x = g.flatten_pool(g.hard_swish(g.conv(x, c, last, 1, bn=True, name="last")))
    x = g.hard_swish(g.dense(x, last, hidden, "hidden"))
    g.output("logits", g.dense(x, hidden, o.classes), [o.batch, o.classes])


# -- ResNets
def resnet(g, o, repeats, bottleneck):
    base = 16 if o.tiny else 64
    repeats = [1, 2, 1, 1] if o.tiny else repeats
    grow = 4 if bottleneck else 1
    x = g.add("Relu", [g.conv(image_input(g, o), 3, base, 7, 2, bn=True, name="stem")])
    x = g.add("MaxPool", [x], kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
    c = base
    for stage, count in enumerate(repeats):
        inner = base << stage
        for r in range(count):
            stride = 2 if stage > 0 and r == 0 else 1
            y = x
            if bottleneck:
                y = g.add("Relu", [g.conv(y, c, inner, 1, bn=True, name="reduce")])
                y = g.add("Relu", [g.conv(y, inner, inner, 3, stride, bn=True, name="middle")])
                y = g.conv(y, inner, inner * grow, 1, bn=True, name="expand", branch=True)
            else:
                y = g.add("Relu", [g.conv(y, c, inner, 3, stride, bn=True, name="first")])
                y = g.conv(y, inner, inner, 3, bn=True, name="second", branch=True)
            if stride != 1 or c != inner * grow:
                x = g.conv(x, c, inner * grow, 1, stride, bn=True, name="downsample")
            c = inner * grow
            x = g.add("Relu", [g.add("Add", [y, x])])
    g.output("logits", g.dense(g.flatten_pool(x), c, o.classes), [o.batch, o.classes])


def resnet18(g, o):
    resnet(g, o, [2, 2, 2, 2], False)


def resnet50(g, o):
    resnet(g, o, [3, 4, 6, 3], True)


# -- EfficientNet
def efficientnet_b0(g, o):
    #        expand channels repeats stride kernel
    plan = [(1, 16, 1, 1, 3), (6, 24, 2, 2, 3), (6, 40, 2, 2, 5), (6, 80, 3, 2, 3), (6, 112, 3, 1, 5), (6, 192, 4, 2, 5), (6, 320, 1, 1, 3)]
    if o.tiny:
        plan = [(1, 16, 1, 1, 3), (6, 24, 2, 2, 3), (6, 40, 2, 2, 5)]
    width = 0.5 if o.tiny else 1.0
    c = rounded(32, width)
    x = g.silu(g.conv(image_input(g, o), 3, c, 3, 2, bn=True, name="stem"))
    for expand, channels, repeats, first_stride, kernel in plan:
        channels = rounded(channels, width)
        for r in range(repeats):
            stride = first_stride if r == 0 else 1
            y, inner, squeezed = x, c * expand, max(1, c // 4)
            if expand != 1:
                y = g.silu(g.conv(y, c, inner, 1, bn=True, name="expand"))
            y = g.silu(g.conv(y, inner, inner, kernel, stride, groups=inner, bn=True, name="depthwise"))
            s = g.silu(g.conv(g.add("GlobalAveragePool", [y]), inner, squeezed, 1, bias=True, name="squeeze"))
            s = g.add("Sigmoid", [g.conv(s, squeezed, inner, 1, bias=True, name="excite")])
            y = g.add("Mul", [s, y])
            y = g.conv(y, inner, channels, 1, bn=True, name="project", branch=stride == 1 and c == channels)
            x = g.add("Add", [y, x]) if stride == 1 and c == channels else y
            c = channels
    last = 160 if o.tiny else 1280
    x = g.silu(g.conv(x, c, last, 1, bn=True, name="last"))
    g.output("logits", g.dense(g.flatten_pool(x), last, o.classes), [o.batch, o.classes])


# -- SSD
def ssd(g, o):
    """MobileNet v1 with extra feature maps; scores [N, boxes, classes] and corners [N, boxes, 4], decoded, before NMS."""
    classes, per_cell = (6, 3) if o.tiny else (21, 6)
    width = 0.25 if o.tiny else 1.0
    maps, last = [], None
    for x, c, stride in mobilenet_v1_layers(g, image_input(g, o), width, V1_TINY if o.tiny else V1_FULL):
        if last and stride != last[2]:
            maps.append(last)
        last = (x, c, stride)
    maps = maps[-1:] + [last]
    for channels in (256, 128)[: 1 if o.tiny else 2]:
        x, c, stride = maps[-1]
        channels = rounded(channels, width)
        x = g.relu6(g.conv(x, c, channels, 1, bn=True, name="extra_reduce"))
        maps.append((g.relu6(g.conv(x, channels, channels * 2, 3, 2, bn=True, name="extra")), channels * 2, stride * 2))
    scores, places, priors = [], [], []
    for level, (x, c, stride) in enumerate(maps):
        side = -(-o.image // stride)
        for results, kind, width_of in ((scores, "class_head", classes), (places, "box_head", 4)):
            y = g.conv(x, c, per_cell * width_of, 3, bias=True, gain=1.0, name=kind)
            y = g.add("Transpose", [y], perm=[0, 2, 3, 1])
            results.append(g.add("Reshape", [y, g.ints(o.batch if isinstance(o.batch, int) else 0, -1, width_of)]))
        centre = (np.arange(side) + 0.5) / side
        cy, cx, k = np.meshgrid(centre, centre, np.arange(per_cell), indexing="ij")
        size = 0.15 * (level + 1) * 1.2 ** k
        aspect = np.sqrt(np.array([1, 2, 0.5, 1.5, 0.67, 1])[k])
        priors.append(np.stack([cx, cy, size * aspect, size / aspect], -1).reshape(-1, 4))
    prior = np.concatenate(priors).astype(np.float32)[None]
    count = prior.shape[1]
    g.output("scores", g.add("Softmax", [g.add("Concat", scores, axis=1)], axis=2), [o.batch, count, classes])
    box = g.add("Concat", places, axis=1)
    part = lambda lo, hi: g.add("Slice", [box, g.ints(lo), g.ints(hi), g.ints(2)])
    centres = g.add("Add", [g.add("Mul", [g.add("Mul", [part(0, 2), g.scalar(0.1)]), g.constant(prior[..., 2:])]), g.constant(prior[..., :2])])
    sizes = g.add("Mul", [g.add("Exp", [g.add("Mul", [part(2, 4), g.scalar(0.2)])]), g.constant(prior[..., 2:])])
    half = g.add("Div", [sizes, g.scalar(2.0)])
    g.output("boxes", g.add("Concat", [g.add("Sub", [centres, half]), g.add("Add", [centres, half])], axis=2), [o.batch, count, 4])


# -- Transformers
def batch_shape(g, o, like, *rest):
    """A Reshape target whose batch is a constant or read at run time."""
    if isinstance(o.batch, int):
        return g.ints(o.batch, *rest)
    return g.add("Concat", [g.size_of(like, 0), g.ints(*rest)], axis=0)


def vit_tiny(g, o):
    """timm's vit_tiny_patch16_224 as its export to ONNX looks."""
    layers, width, heads, patch, mlp = (2, 32, 2, 8, 64) if o.tiny else (12, 192, 3, 16, 768)
    tokens = (o.image // patch) ** 2
    depth = width // heads
    x = g.conv(image_input(g, o), 3, width, patch, patch, bias=True, gain=1.0, name="patch_embed", pad=0)
    x = g.add("Transpose", [g.add("Reshape", [x, batch_shape(g, o, "input", width, tokens)])], perm=[0, 2, 1])
    cls = g.constant(g.normal((1, 1, width), 0.5), "cls_token")
    if isinstance(o.batch, int):
        cls = g.add("Expand", [cls, g.ints(o.batch, 1, 1)])
    else:
        cls = g.add("Expand", [cls, batch_shape(g, o, "input", 1, 1)])
    x = g.add("Concat", [cls, x], axis=1)
    tokens += 1
    x = g.add("Add", [x, g.constant(g.normal((1, tokens, width), 0.5), "pos_embed")])
    for layer in range(layers):
        n = f"blocks.{layer}"
        y = g.layer_norm(x, width, f"{n}.norm1", 1e-6)
        y = g.linear(y, width, 3 * width, f"{n}.qkv", gain=2.0)
        y = g.add("Reshape", [y, batch_shape(g, o, "input", tokens, 3, heads, depth)])
        y = g.add("Transpose", [y], perm=[2, 0, 3, 1, 4])
        q, k, v = (g.add("Gather", [y, g.scalar(i, np.int64)], axis=0) for i in range(3))
        q = g.add("Mul", [q, g.scalar(depth ** -0.5)])
        scores = g.add("MatMul", [q, g.add("Transpose", [k], perm=[0, 1, 3, 2])])
        y = g.add("MatMul", [g.add("Softmax", [scores], axis=-1), v])
        y = g.add("Reshape", [g.add("Transpose", [y], perm=[0, 2, 1, 3]), batch_shape(g, o, "input", tokens, width)])
        x = g.add("Add", [x, g.linear(y, width, width, f"{n}.proj")])
        y = g.gelu(g.linear(g.layer_norm(x, width, f"{n}.norm2", 1e-6), width, mlp, f"{n}.fc1"))
        x = g.add("Add", [x, g.linear(y, mlp, width, f"{n}.fc2")])
    x = g.layer_norm(x, width, "norm", 1e-6)
    x = g.add("Gather", [x, g.scalar(0, np.int64)], axis=1)
    g.output("logits", g.dense(x, width, o.classes, "head"), [o.batch, o.classes])


def bert(g, o):
    """BERT encoder and pooler as transformers export it: token ids, segment ids, mask of 1 and 0."""
    layers, width, heads, mlp, vocabulary = (2, 32, 2, 64, 100) if o.tiny else (4, 256, 4, 1024, 30522)
    depth, length = width // heads, o.tokens
    ids = g.input("input_ids", [o.batch, length], INT64)
    mask = g.input("attention_mask", [o.batch, length], INT64)
    kinds = g.input("token_type_ids", [o.batch, length], INT64)
    if o.mask == "where":  # masked_fill(mask == 0, lowest)
        hidden = g.add("Equal", [g.unsqueeze(mask, 1, 2), g.scalar(0, np.int64)])
        bias = None
    else:
        factor = -10000.0 if o.mask == "add" else float(np.finfo(np.float32).min)
        kept = g.add("Cast", [g.unsqueeze(g.unsqueeze(mask, 1), 2)], to=FLOAT)
        bias = g.add("Mul", [g.add("Sub", [g.scalar(1.0), kept]), g.scalar(factor)], "extended_mask")
    words = g.add("Gather", [g.constant(g.normal((vocabulary, width), 1.0), "word_embeddings"), ids], axis=0)
    segment = g.add("Gather", [g.constant(g.normal((2, width), 0.5), "token_type_embeddings"), kinds], axis=0)
    place = g.add("Slice", [g.constant(np.arange(512, dtype=np.int64)[None], "position_ids"), g.ints(0), g.ints(length), g.ints(1)])
    position = g.add("Gather", [g.constant(g.normal((512, width), 0.5), "position_embeddings"), place], axis=0)
    x = g.layer_norm(g.add("Add", [g.add("Add", [words, segment]), position]), width, "embeddings.norm", 1e-12)
    for layer in range(layers):
        n = f"layer.{layer}"
        split = batch_shape(g, o, "input_ids", length, heads, depth)
        q, k, v = (g.add("Reshape", [g.linear(x, width, width, f"{n}.{p}", gain=2.0), split]) for p in ("query", "key", "value"))
        q, v = (g.add("Transpose", [t], perm=[0, 2, 1, 3]) for t in (q, v))
        scores = g.add("MatMul", [q, g.add("Transpose", [k], perm=[0, 2, 3, 1])])
        scores = g.add("Div", [scores, g.scalar(depth ** 0.5)])
        if bias is None:
            scores = g.add("Where", [hidden, g.scalar(float(np.finfo(np.float32).min)), scores])
        else:
            scores = g.add("Add", [scores, bias])
        y = g.add("MatMul", [g.add("Softmax", [scores], axis=3), v])
        y = g.add("Reshape", [g.add("Transpose", [y], perm=[0, 2, 1, 3]), batch_shape(g, o, "input_ids", length, width)])
        x = g.layer_norm(g.add("Add", [g.linear(y, width, width, f"{n}.output"), x]), width, f"{n}.norm1", 1e-12)
        y = g.linear(g.gelu(g.linear(x, width, mlp, f"{n}.intermediate")), mlp, width, f"{n}.down")
        x = g.layer_norm(g.add("Add", [y, x]), width, f"{n}.norm2", 1e-12)
    first = g.add("Gather", [x, g.scalar(0, np.int64)], axis=1)
    g.output("last_hidden_state", x, [o.batch, length, width])
    g.output("pooler_output", g.add("Tanh", [g.dense(first, width, width, "pooler", gain=1.0)]), [o.batch, width])


NETWORKS = {f.__name__: f for f in (mobilenet_v1, mobilenet_v2, mobilenet_v3_small, resnet18, resnet50, efficientnet_b0, ssd, vit_tiny, bert)}
IMAGE = {"tiny": dict(ssd=64), "full": dict(ssd=300)}  # else 32 and 224
