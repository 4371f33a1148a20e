# SPDX-License-Identifier: Apache-2.0
"""The report of figures.py: bars and rows as Markdown and as a page with bar charts, from the stages' JSON files."""
import html
import json
import math
from pathlib import Path

# What is asked of each group of kernels (ratio: the peer's time over ours, geometric mean over the cases that exist):
# name, op, cases, peer, bar where the peer runs AMX, bar elsewhere.
KERNEL_BARS = [
    ("GEMM 512^3, u8 x s8", "FullyConnected", ["512x512x512 u8"], "onednn", 1.2, 1.0),
    ("3x3 convolutions of ResNet-50", "Conv2d", ["3x3 s1 56x56 64->64 u8", "3x3 s1 28x28 128->128 u8", "3x3 s1 14x14 256->256 u8", "3x3 s1 7x7 512->512 u8"], "onednn", 1.3, 1.0),
    ("1x1 convolutions of MobileNetV2", "Conv2d", ["1x1 s1 112x112 32->16 u8", "1x1 s1 56x56 24->144 u8", "1x1 s1 14x14 96->576 u8", "1x1 s1 7x7 320->1280 u8"], "onednn", 1.7, 1.0),
    ("depthwise", "DepthWiseConv2d", ["3x3 s1 112x112 32->32 u8", "3x3 s1 14x14 576->576 u8"], "onednn", 1.7, 1.7),
    ("add", "ElementWiseAdd", ["56x56x64 u8"], "xnnpack", 2.0, 2.0),
    ("8-bit table", "Sigmoid", ["56x56x64 u8"], "xnnpack", 4.0, 4.0),
    ("softmax", "Softmax", ["512x128 u8"], "xnnpack", 2.0, 2.0),
]
# network: bars of int8 with AMX, int8 without, float.
NETWORK_BARS = {"kws": (4, 4, 1), "ic": (4, 4, 1), "vww": (4, 4, 1), "ad": (4, 4, 1), "mobilenet_v2": (2.5, 2.5, 1), "resnet50": (4, 1.5, 1),
                "efficientnet_b0": (1.5, 1.5, 1), "ssd": (None, None, 1), "vit_tiny": (1.5, 1.5, 1), "bert": (1.5, 1.5, 1)}


def read(out, name):
    path = Path(out) / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else None


def geometric_mean(values):
    return math.exp(sum(map(math.log, values)) / len(values))


def key(row):
    return (row["op"], row["case"])


def bar_rows(out, head):
    """[what, reached, bar, met, how far: 1 is the bar, more is better]; only what was measured."""
    rows = []
    amx = head["isa"] == "amx"

    def add(what, reached, bar, more_is_better=True, digits=2):
        score = reached / bar if more_is_better else bar / reached
        rows.append((what, round(reached, digits), bar, score >= 1, score))

    kernels = read(out, "kernels")
    if kernels:
        slower = {key(r): r for r in (read(out, "kernels_vnni_peer") or {"rows": []})["rows"]}
        for name, op, cases, peer, bar_amx, bar in KERNEL_BARS:
            ratios = []
            for r in kernels["rows"]:
                if r["op"] != op or r["case"] not in cases or f"{peer}_ratio" not in r:
                    continue
                other = slower.get(key(r), {}).get(f"{peer}_ratio")
                ratios.append(min(r[f"{peer}_ratio"], other) if other else r[f"{peer}_ratio"])
            if ratios:
                add(f"{name} ({len(ratios)} shapes) over {peer}", geometric_mean(ratios), bar_amx if amx else bar)
    vnni = read(out, "kernels_vnni")
    if vnni:
        worst = min((r for r in vnni["rows"] if "onednn_ratio" in r and r["case"].endswith("u8")), key=lambda r: r["onednn_ratio"])
        add(f"worst shape with VNNI only ({worst['op']} {worst['case']}) over onednn", worst["onednn_ratio"], 1.0)
    nibbles = read(out, "nibbles")
    if nibbles:
        add("1x4096x4096, 4-bit weights over our 8-bit", nibbles["over_8bit"], 1.8)
        add("1x4096x4096, 4-bit weights over MatMulNBits", nibbles["over_onnxruntime"], 1.3)
    nets = read(out, "networks")
    if nets:
        ours = {(r["network"], r["kind"]): r for r in nets["rows"]}
        for (name, kind), r in ours.items():
            with_amx, without, floats = NETWORK_BARS.get(name, (None, None, None))
            bar = floats if kind == "float" else with_amx if amx else without
            if bar:
                add(f"{name} {kind} over onnxruntime", r["ratio"], bar)
            if kind == "int8" and (name, "float") in ours:
                add(f"{name}: our float over our int8", ours[name, "float"]["ours_us"] / r["ours_us"], 1.0)
    for r in (read(out, "threads") or {"rows": []})["rows"]:
        add(f"{r['network']} {r['kind']}: two threads over one", r["speedup"], 1.7)
    for r in read(out, "cold") or []:
        if r["network"].startswith("mobilenet_v2"):
            add(f"{r['network']}: process to first result, ms", r["process_ms"], 20.0, False)
        add(f"{r['network']}: resident over weights + arena + code", r["resident"] / (r["weights"] + r["arena"] + r["code"]), 1.10, False)
    for r in read(out, "compile") or []:
        if "cpu_s" in r:
            add(f"compile {Path(r['model']).stem} with {r['compiler']}, CPU s", r["cpu_s"], 20.0, False)
    return rows


def tables(out, head):
    """[title, header, rows]."""
    made = [("Bars", ["figure", "reached", "bar", ""], [(w, v, b, "met" if ok else "missed") for w, v, b, ok, _ in bar_rows(out, head)])]
    nets = read(out, "networks")
    if nets:
        made.append(("Networks, one thread", ["network", "type", "ours, us", "onnxruntime, us", "ratio", "MAC/ns"],
                     [(r["network"], r["kind"], r["ours_us"], r["peer_us"], r["ratio"], round(r["macs"] / r["ours_us"] / 1e3, 1)) for r in nets["rows"]]))
    two = read(out, "threads")
    if two:
        made.append(("Two threads", ["network", "type", "ours, us", "over one thread", "onnxruntime, us", "ratio"],
                     [(r["network"], r["kind"], r["ours_us"], r["speedup"], r["peer_us"], r["ratio"]) for r in two["rows"]]))
    kernels = read(out, "kernels")
    if kernels:
        rows = []
        for r in kernels["rows"]:
            peers = [f"{r[p + '_ns'] / 1e3:.2f} ({r[p + '_ratio']:.2f})" if p + "_ns" in r else "" for p in ("onednn", "xnnpack")]
            rows.append((r["op"], r["case"], round(r["ns"] / 1e3, 2), round(r["percent_of_peak"]), *peers))
        made.append(("Kernels beside peers", ["op", "case", "ours, us", "% of peak", "oneDNN, us (ratio)", "XNNPACK, us (ratio)"], rows))
    every = read(out, "kernels_all")
    if every:
        made.append(("Every kernel", ["op", "case", "us", "% of peak", "GB/s", "times the reference"],
                     [(r["op"], r["case"], round(r["ns"] / 1e3, 2), round(r["percent_of_peak"]), round(r["bytes_per_ns"], 1), r.get("times_reference", "")) for r in every["rows"]]))
    return made


def chart(rows, title):
    """Horizontal bars of how far each figure is, 1 marked; logarithmic."""
    if not rows:
        return ""
    high, width, left, line = 4.0, 420, 430, 20
    x = lambda v: left + width * (math.log(min(max(v, 1 / high), high)) + math.log(high)) / (2 * math.log(high))
    parts = [f'<svg viewBox="0 0 {left + width + 70} {line * len(rows) + 40}" role="img" aria-label="{html.escape(title)}">']
    for i, (what, _, _, ok, v) in enumerate(rows):
        y = 24 + i * line
        colour = "#2a7" if ok else "#c53"
        parts.append(f'<text x="{left - 8}" y="{y + 11}" text-anchor="end">{html.escape(what)}</text>'
                     f'<rect x="{left}" y="{y}" width="{x(v) - left:.1f}" height="14" fill="{colour}"/><text x="{x(v) + 4:.1f}" y="{y + 11}">{v:.2f}</text>')
    parts.append(f'<line x1="{x(1):.1f}" x2="{x(1):.1f}" y1="18" y2="{24 + line * len(rows)}" stroke="#333"/><text x="{x(1):.1f}" y="13" text-anchor="middle">bar</text></svg>')
    return "".join(parts)


def write(out, head):
    kernels = read(out, "kernels")
    peaks = f"measured peaks: 8 bit {kernels['peak_8bit_ops_per_ns']}, float {kernels['peak_float_ops_per_ns']} op/ns" if kernels else "peaks not measured"
    versions = ", ".join(f"{k} {v}" for k, v in (read(out, "networks") or {}).get("versions", {}).items())
    line = f"{head['cpu']} (family {head['family']}), {head['cores']} cores, set {head['isa']}, {peaks}; {versions}; {head['date']}, commit {head['commit']}, {head['rounds']} rounds, load before the report {head['load']}"
    markdown = [line, ""]
    page = [f'<!doctype html><html lang="en"><meta charset="utf-8"><title>qnnx figures</title><style>body{{font:14px sans-serif;max-width:1000px;margin:2em auto}}'
            f'table{{border-collapse:collapse}}td,th{{padding:2px 10px;border-bottom:1px solid #ddd;text-align:left}}svg{{font:11px sans-serif}}'
            f'.missed{{color:#c53}}.met{{color:#2a7}}</style><h1>qnnx on x86-64</h1><p>{html.escape(line)}</p>', chart(bar_rows(out, head), "reached over bar")]
    for title, columns, rows in tables(out, head):
        if not rows:
            continue
        markdown += [f"## {title}", "", "| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
        markdown += ["| " + " | ".join(str(c) for c in r) + " |" for r in rows] + [""]
        page.append(f"<h2>{title}</h2><table><tr>" + "".join(f"<th>{html.escape(c)}</th>" for c in columns) + "</tr>")
        page += ["<tr>" + "".join(f'<td class="{c if c in ("met", "missed") else ""}">{html.escape(str(c))}</td>' for c in r) + "</tr>" for r in rows]
        page.append("</table>")
    (Path(out) / "figures.md").write_text("\n".join(markdown))
    (Path(out) / "figures.html").write_text("\n".join(page) + "</html>\n")
