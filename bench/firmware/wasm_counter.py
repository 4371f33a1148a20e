# SPDX-License-Identifier: Apache-2.0
"""Rewrites a WebAssembly module so that it counts the instructions it executes, in an exported global "executed".

At the start of every straight piece of code (a function, behind a loop, a branch, a call, an end) the number of its
instructions is added. block, loop, else and end are structure, not instructions. The counting itself is not counted."""
from __future__ import annotations

STRUCTURE = (0x02, 0x03, 0x05, 0x0B)  # block, loop, else, end
BREAKS = (*STRUCTURE, 0x00, 0x04, 0x0C, 0x0D, 0x0E, 0x0F, 0x10, 0x11)  # unreachable, if, br, br_if, br_table, return, calls
ONE_NUMBER = (0x0C, 0x0D, 0x10, 0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x3F, 0x40, 0x41, 0x42, 0xD0, 0xD2)
BULK = {8: 2, 9: 1, 10: 2, 11: 1, 12: 2, 13: 1, 14: 2, 15: 1, 16: 1, 17: 1}  # numbers behind 0xfc n; 0 to 7 have none


def leb(data: bytes, at: int) -> tuple[int, int]:
    """An unsigned number and where it ends."""
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        shift += 7
        at += 1
        if data[at - 1] < 0x80:
            return value, at


def unsigned(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def signed(value: int) -> bytes:
    out = bytearray()
    while not -64 <= value < 64:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value & 0x7F])


def after(code: bytes, at: int) -> int:
    """Where the instruction at `at` ends."""
    op, at = code[at], at + 1
    numbers = 0
    if op in (0x02, 0x03, 0x04):  # a block's type: one byte or a (signed) number
        numbers = 1
    elif op == 0x0E:
        count, at = leb(code, at)
        numbers = count + 1
    elif op == 0x11 or 0x28 <= op <= 0x3E:  # call_indirect; loads and stores: alignment, offset
        numbers = 2
    elif op == 0x1C:
        numbers, at = leb(code, at)
    elif op in ONE_NUMBER:
        numbers = 1
    elif op in (0x43, 0x44):
        return at + (4 if op == 0x43 else 8)
    elif op == 0xFC:
        kind, at = leb(code, at)
        numbers = BULK.get(kind, 0)
    elif op > 0xC4:
        raise RuntimeError(f"WebAssembly instruction {op:#x} is not known")
    for _ in range(numbers):
        _, at = leb(code, at)
    return at


def counted_body(body: bytes, counter: int) -> bytes:
    groups, at = leb(body, 0)
    for _ in range(groups):  # local variables: a number and a type
        _, at = leb(body, at)
        at += 1
    out = bytearray(body[:at])
    piece, count = bytearray(), 0
    while at < len(body):
        op, end = body[at], after(body, at)
        piece += body[at:end]
        count += op not in STRUCTURE
        at = end
        if op in BREAKS or at == len(body):
            if count:
                out += b"\x23" + unsigned(counter) + b"\x42" + signed(count) + b"\x7c\x24" + unsigned(counter)
            out += piece
            piece, count = bytearray(), 0
    return bytes(out)


def instrumented(module: bytes) -> bytes:
    sections, at = [], 8
    while at < len(module):
        kind, (size, start) = module[at], leb(module, at + 1)
        at = start + size
        if kind:  # without names, which are of functions that stay
            sections.append([kind, module[start:at]])
    found = dict((kind, data) for kind, data in sections)
    if 6 not in found or 7 not in found:
        raise RuntimeError("the WebAssembly module has no globals or exports")
    globals_there, rest = leb(found[6], 0)
    counter = globals_there  # no global is imported
    for section in sections:
        kind, data = section
        if kind == 6:
            section[1] = unsigned(globals_there + 1) + data[rest:] + b"\x7e\x01\x42\x00\x0b"  # i64, variable, 0
        elif kind == 7:
            count, begin = leb(data, 0)
            section[1] = unsigned(count + 1) + data[begin:] + b"\x08executed\x03" + unsigned(counter)
        elif kind == 10:
            count, begin = leb(data, 0)
            bodies = bytearray(unsigned(count))
            for _ in range(count):
                size, begin = leb(data, begin)
                body = counted_body(data[begin:begin + size], counter)
                bodies += unsigned(len(body)) + body
                begin += size
            section[1] = bytes(bodies)
    return module[:8] + b"".join(bytes([kind]) + unsigned(len(data)) + data for kind, data in sections)
