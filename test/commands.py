# SPDX-License-Identifier: Apache-2.0
"""What the tests that run whole networks share: programs, pseudo-random inputs, checksums, input lists."""
from __future__ import annotations

import os
import subprocess
from pathlib import Path

SKIP = 77


def run(*words: object, **environment: str) -> str:
    """Output of a program; a RuntimeError of one line with the end of what it said where it fails."""
    done = subprocess.run([str(w) for w in words], capture_output=True, text=True, env=dict(os.environ, **environment))
    if done.returncode != 0:
        raise RuntimeError(f"{words[0]} ended with {done.returncode}: {(done.stderr or done.stdout).strip()[-600:]}")
    return done.stdout + done.stderr


def random_bytes(state: int, count: int) -> tuple[int, bytes]:
    """Bytes of a linear congruential generator, and its next state; firmware makes the same."""
    out = bytearray()
    for _ in range(count):
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        out.append(state >> 24)
    return state, bytes(out)


def fnv(data: bytes, h: int = 2166136261) -> int:
    """FNV-1a, 32 bits."""
    for b in data:
        h = ((h ^ b) * 16777619) & 0xFFFFFFFF
    return h


def write_list(path: Path, rows: list[list[tuple[str, Path]]]) -> None:
    """An input list: one inference a line, inputs by name where there are several."""
    lines = [str(row[0][1]) if len(row) == 1 else " ".join(f"{name}:={file}" for name, file in row) for row in rows]
    path.write_text("".join(f"{line}\n" for line in lines))
