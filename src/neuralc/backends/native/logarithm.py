"""The logarithm as plain arithmetic, for processors without a library that has one."""

from __future__ import annotations

import math
import struct

from neuralc.backends.native.llvm import Target, Writer

TERMS = {"float": 6, "double": 11}  # of the series, for |s| < 0.172


def logarithm(target: Target) -> str:
    """Return the text of a function of one number, exact to the last bits.

    `x = 2^k m` with m between `sqrt(1/2)` and `sqrt(2)`, so that a logarithm near 0 is as exact as
    any; `log(m) = 2 (s + s^3 / 3 + s^5 / 5 + ...)`, `s = (m - 1) / (m + 1)`. Where x is no positive
    normal number, it is not a number.
    """
    w, kind = Writer(target), target.real
    whole, shift, bias = ("i64", 52, 1023) if kind == "double" else ("i32", 23, 127)
    one = 1 << shift  # of the exponent
    bytes_ = struct.pack("<d" if kind == "double" else "<f", math.sqrt(0.5))
    root = int.from_bytes(bytes_, "little")

    def do(op: str, a: str, b: str | float, of: str = kind) -> str:
        right = target.literal(b) if isinstance(b, float) else b
        return w.let(f"{op} {of} {a}, {right}")

    bits = w.let(f"bitcast {kind} %x to {whole}")
    moved = do("add", bits, bias * one - root, whole)
    power = do("sub", do("lshr", moved, shift, whole), bias, whole)
    rest = do("add", do("and", moved, one - 1, whole), root, whole)
    m = w.let(f"bitcast {whole} {rest} to {kind}")
    s = do("fdiv", do("fadd", m, -1.0), do("fadd", m, 1.0))
    square = do("fmul", s, s)
    series = target.literal(2 / (2 * TERMS[kind] - 1))
    for k in range(TERMS[kind] - 2, 0, -1):
        product = do("fmul contract", series, square)
        series = do("fadd contract", product, 2 / (2 * k + 1))
    small = do("fadd", do("fmul", do("fmul", series, square), s), do("fmul", s, 2.0))
    scale = w.let(f"sitofp {whole} {power} to {kind}")
    high = 0.693145751953125 if kind == "double" else 0.693359375  # few bits: the product is exact
    low = do("fadd", small, do("fmul", scale, math.log(2) - high))
    value = do("fadd", do("fmul", scale, high), low)
    normal = do("icmp sge", bits, one, whole)
    finite = do("icmp slt", bits, (2 * bias + 1) * one, whole)
    fine = do("and", normal, finite, "i1")
    value = w.let(f"select i1 {fine}, {kind} {value}, {kind} {target.literal(math.nan)}")
    head = f"define internal {kind} @logarithm({kind} %x) {{"
    return "\n".join([head, "entry:", *w.lines, f"  ret {kind} {value}", "}", ""])
