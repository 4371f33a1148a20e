#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Draws the digits the example network learns: 28x28 greyscale, made up from a seed.

A digit is a set of strokes in the unit square. It is bent, slanted, scaled and moved, inked
with some thickness and contrast, and put among clutter and noise. The difficulty is set so that
a small network makes a few errors: otherwise quantization would have nothing to spoil.
"""
from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

SIZE = 28
POINTS = 80  # samples along the strokes of a digit: closer than a pixel at any scale used
TRAIN_SEED, TEST_SEED, CALIBRATION_SEED = 1, 2, 3

Stroke = np.ndarray  # [n, 2] x right, y down


def line(*points: tuple[float, float]) -> Stroke:
    return np.array(points, np.float64)


def arc(cx: float, cy: float, rx: float, ry: float, start: float, end: float) -> Stroke:
    """Angles in degrees, clockwise from the right because y points down."""
    t = np.radians(np.linspace(start, end, 25))
    return np.stack([cx + rx * np.cos(t), cy + ry * np.sin(t)], 1)


def curve(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> Stroke:
    """Quadratic Bezier."""
    t = np.linspace(0, 1, 17)[:, None]
    return (1 - t) ** 2 * np.array(a) + 2 * t * (1 - t) * np.array(b) + t ** 2 * np.array(c)


def joined(*strokes: Stroke) -> Stroke:
    return np.concatenate(strokes)


# Each digit in the ways people write it.
STYLES: list[list[list[Stroke]]] = [
    [[arc(.5, .5, .32, .48, 0, 360)], [arc(.5, .5, .26, .48, -80, 280)]],
    [[line((.5, .02), (.5, .98))],
     [line((.28, .26), (.52, .02), (.52, .98))],
     [line((.3, .24), (.52, .02), (.52, .98)), line((.28, .98), (.76, .98))]],
    [[joined(arc(.5, .29, .32, .27, 185, 385), line((.16, .98), (.88, .98)))],
     [joined(arc(.48, .27, .3, .24, 200, 395), curve((.7, .42), (.3, .7), (.14, .94)),
             curve((.14, .94), (.5, .8), (.9, .98)))]],
    [[joined(arc(.46, .26, .3, .24, -150, 90), arc(.46, .74, .34, .25, -90, 150))],
     [joined(line((.18, .03), (.8, .03), (.44, .42)), arc(.46, .7, .34, .28, -90, 150))]],
    [[line((.62, .02), (.12, .66), (.92, .66)), line((.68, .34), (.68, .98))],
     [line((.22, .05), (.18, .55), (.86, .55)), line((.72, .05), (.7, .98))]],
    [[joined(line((.82, .03), (.26, .03), (.2, .45)), arc(.47, .68, .34, .3, -135, 145))],
     [joined(line((.24, .05), (.2, .44)), arc(.45, .68, .34, .29, -130, 145)),
      line((.24, .05), (.8, .03))]],
    [[curve((.74, .03), (.22, .2), (.19, .68)), arc(.5, .7, .31, .28, 0, 360)],
     [joined(line((.6, .02), (.24, .55)), arc(.5, .7, .29, .28, 200, 560))]],
    [[line((.14, .04), (.86, .04), (.4, .98))],
     [line((.14, .04), (.86, .04), (.42, .98)), line((.34, .5), (.78, .5))],
     [joined(line((.14, .06), (.84, .04)), curve((.84, .04), (.5, .5), (.46, .98)))]],
    [[arc(.5, .26, .26, .23, 0, 360), arc(.5, .73, .32, .25, 0, 360)],
     [joined(curve((.78, .12), (.3, -.12), (.28, .24)), curve((.28, .24), (.4, .46), (.66, .6)),
             arc(.5, .74, .3, .24, -40, 220), curve((.27, .58), (.74, .4), (.78, .12)))]],
    [[arc(.5, .3, .3, .27, 0, 360), curve((.8, .3), (.82, .76), (.4, .98))],
     [arc(.48, .3, .3, .27, 0, 360), line((.78, .3), (.72, .98))]],
]


def resample(strokes: list[Stroke]) -> np.ndarray:
    """POINTS points, evenly spaced along all strokes."""
    lengths = [np.concatenate([[0], np.cumsum(np.hypot(*np.diff(s, axis=0).T))]) for s in strokes]
    total = sum(length[-1] for length in lengths)
    counts = [max(2, int(POINTS * length[-1] / total)) for length in lengths]
    counts[-1] += POINTS - sum(counts)
    return np.concatenate([
        np.stack([np.interp(np.linspace(0, length[-1], n), length, s[:, k]) for k in (0, 1)], 1)
        for s, length, n in zip(strokes, lengths, counts)])


def ink(points: np.ndarray, radius: np.ndarray) -> np.ndarray:
    """Coverage 0..1 of the pixels by round dots of the given radius at [n, points, 2]."""
    grid = np.arange(SIZE) + 0.5
    dx2 = (grid[None, None, :] - points[:, :, 0:1]) ** 2  # [n, points, SIZE]
    dy2 = (grid[None, None, :] - points[:, :, 1:2]) ** 2
    nearest = np.full((len(points), SIZE, SIZE), 1e9, np.float32)
    for p in range(points.shape[1]):
        np.minimum(nearest, dy2[:, p, :, None] + dx2[:, p, None, :], out=nearest)
    return np.clip(radius[:, None, None] + 0.5 - np.sqrt(nearest), 0, 1)


def bend(points: np.ndarray, rng: np.random.Generator, strength: float) -> np.ndarray:
    """Smooth displacement of the plane: a few random waves."""
    n = len(points)
    moved = points.copy()
    for _ in range(3):
        wave = rng.normal(0, 1, (n, 1, 2)) * 4.0
        phase = rng.uniform(0, 2 * np.pi, (n, 1))
        amount = rng.normal(0, strength, (n, 1, 2))
        moved += amount * np.sin((points * wave).sum(2) + phase)[:, :, None]
    return moved


def draw_batch(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    n = len(labels)
    shapes = [[resample(style) for style in styles] for styles in STYLES]
    points = np.stack([shapes[d][rng.integers(len(shapes[d]))] for d in labels]) - 0.5
    points = bend(points, rng, 0.045)

    angle, slant = rng.normal(0, 0.16, n), rng.normal(0, 0.2, n)
    height, width = rng.uniform(14.5, 22, n), rng.uniform(0.5, 0.95, n)
    x, y = points[:, :, 0] * width[:, None], points[:, :, 1]
    x = x - slant[:, None] * y
    c, s = np.cos(angle)[:, None], np.sin(angle)[:, None]
    room = (SIZE - 2 - height)[:, None] / 2
    place = rng.uniform(-0.8, 0.8, (n, 2)) * room + SIZE / 2
    points = np.stack([c * x - s * y, s * x + c * y], 2) * height[:, None, None]
    image = ink(points + place[:, None, :], rng.uniform(0.55, 1.7, n))

    for _ in range(3):  # clutter: short faint strokes, on half of the images each
        ends = rng.uniform(-2, SIZE + 2, (n, 1, 2))
        heading = rng.uniform(0, 2 * np.pi, (n, 1))
        along = np.linspace(0, 1, 16)[None, :] * rng.uniform(3, 12, (n, 1))
        turn = heading + along * rng.normal(0, 0.12, (n, 1))
        dots = ends + np.stack([np.cos(turn), np.sin(turn)], 2) * along[:, :, None]
        shade = rng.uniform(0.2, 0.65, n) * (rng.random(n) < 0.5)
        image = np.maximum(image, shade[:, None, None] * ink(dots, rng.uniform(0.3, 1.1, n)))

    # A bar of paper across the ink, as where a pen skips.
    gap = ink(rng.uniform(4, SIZE - 4, (n, 1, 2)), rng.uniform(0.8, 2.0, n))
    image = image * (1 - gap * (rng.random(n) < 0.35)[:, None, None])

    # Paper with a gradient, ink of varying darkness, sensor noise.
    tilt = rng.normal(0, 0.09, (n, 2))
    axis = np.linspace(-1, 1, SIZE)
    paper = (rng.uniform(0, 0.3, n)[:, None, None] + tilt[:, 0, None, None] * axis[None, :, None]
             + tilt[:, 1, None, None] * axis[None, None, :])
    image = paper + image * rng.uniform(0.4, 0.75, n)[:, None, None]
    image = image + rng.normal(0, 1, image.shape) * rng.uniform(0.01, 0.085, n)[:, None, None]
    return np.clip(np.round(image * 255), 0, 255).astype(np.uint8)


def draw(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """[count, 28, 28] bytes and the labels: every digit equally often, in random order."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(count) % 10)
    batches = [draw_batch(labels[i:i + 500], rng) for i in range(0, count, 500)]
    return np.concatenate(batches), labels


def main() -> None:
    parser = argparse.ArgumentParser(description="Writes the images the example ships.")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    images, labels = draw(300, TEST_SEED)
    images.tofile(args.out / "test_images.u8")
    (args.out / "test_labels.txt").write_text("".join(f"{label}\n" for label in labels))
    draw(100, CALIBRATION_SEED)[0].tofile(args.out / "calibration_images.u8")


if __name__ == "__main__":
    main()
