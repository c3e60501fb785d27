"""The logarithm as plain arithmetic: of a whole vector, and where no library has one."""

from __future__ import annotations

import math
import struct

from neuralc.backends.native.llvm import Target, Writer

TERMS = {"float": 6, "double": 11}  # of the series, for |s| < 0.172


def log_two(target: Target) -> tuple[float, float]:
    """Return two parts of the logarithm of 2: the first times an exponent is exact."""
    high = 0.693359375 if target.real == "float" else 0.693145751953125  # few bits
    return high, math.log(2) - high


def logarithm(target: Target) -> str:
    """Return the text of a function of a vector, exact to the last bits.

    `x = 2^k m` with m between `sqrt(1/2)` and `sqrt(2)`, so that a logarithm near 0 is as exact as
    any; `log(m) = 2 (s + s^3 / 3 + s^5 / 5 + ...)`, `s = (m - 1) / (m + 1)`. Where x is no positive
    normal number, it is not a number.
    """
    w, kind = Writer(target), target.vector
    word, shift, bias = target.layout
    whole, one = target.each(word), 1 << shift  # of the exponent
    bytes_ = struct.pack("<f" if target.real == "float" else "<d", math.sqrt(0.5))
    root = int.from_bytes(bytes_, "little")

    def each(number: int) -> str:
        return target.all(word, number)

    def do(op: str, a: str, b: str | float, of: str = kind) -> str:
        right = w.number(b, True) if isinstance(b, float) else b
        return w.let(f"{op} {of} {a}, {right}")

    bits = w.let(f"bitcast {kind} %x to {whole}")
    moved = do("add", bits, each(bias * one - root), whole)
    power = do("sub", do("lshr", moved, each(shift), whole), each(bias), whole)
    rest = do("add", do("and", moved, each(one - 1), whole), each(root), whole)
    m = w.let(f"bitcast {whole} {rest} to {kind}")
    s = do("fdiv", do("fadd", m, -1.0), do("fadd", m, 1.0))
    square = do("fmul", s, s)
    series = w.number(2 / (2 * TERMS[target.real] - 1), True)
    for k in range(TERMS[target.real] - 2, 0, -1):
        product = do("fmul contract", series, square)
        series = do("fadd contract", product, 2 / (2 * k + 1))
    small = do("fadd", do("fmul", do("fmul", series, square), s), do("fmul", s, 2.0))
    scale = w.let(f"sitofp {whole} {power} to {kind}")
    high, rest_of_two = log_two(target)
    low = do("fadd", small, do("fmul", scale, rest_of_two))
    value = do("fadd", do("fmul", scale, high), low)
    truth = target.each("i1")
    normal = do("icmp sge", bits, each(one), whole)
    finite = do("icmp slt", bits, each((2 * bias + 1) * one), whole)
    fine = do("and", normal, finite, truth)
    value = w.let(f"select {truth} {fine}, {kind} {value}, {kind} {w.number(math.nan, True)}")
    head = f"define internal {kind} @logarithm({kind} %x) {{"
    return "\n".join([head, "entry:", *w.lines, f"  ret {kind} {value}", "}", ""])
