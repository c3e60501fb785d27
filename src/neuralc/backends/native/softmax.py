"""Softmax and its gradient as instructions, so that a kernel begins with the logits themselves.

The gradient is centred on the largest entry (`runtime.centred_backward` says why). Nothing here may
be reordered by the compiler, or the centring would be undone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from neuralc.backends.native.llvm import Writer
from neuralc.backends.native.logarithm import log_two
from neuralc.backends.native.steps import Step, along

LOWEST = {"float": -87.0, "double": -708.0}  # of what has an exponential that is a normal number
TERMS = {"float": 8, "double": 15}  # of the series, for |x| < log(2) / 2


@dataclass(frozen=True)
class Softmax(Step):
    """`y = exp(x) / sum(exp(x))` along the last index; operands y, x, and a wall to add to x.

    What has no lanes goes through the exponential by whole vectors, wherever its rows end: y is a
    buffer of its own, and there is room behind it for the rest of a vector.
    """

    def write(self, w: Writer, spots: Sequence[str]) -> None:
        """Write the code."""
        y, t = self.operands[0], w.target
        self.by_rows(w, spots, self.below)
        if y.buffer.lanes or t.lanes == 1:
            self.by_rows(w, spots, self.powers)
        else:
            assert y.offset == 0, "it begins where a vector does"
            loop = w.begin(-(-y.buffer.count // t.lanes))
            spot = w.let(f"getelementptr {t.vector}, ptr {spots[0]}, i64 {loop.index}")
            x = w.let(w.loading(spot, True))
            w.store(exponential(w, x, True), spot, True)
            w.end(loop)
        self.by_rows(w, spots, self.shares)

    def below(self, w: Writer, spots: Sequence[str]) -> None:
        """Write how far each number of a row is below the largest."""
        lanes = self.operands[0].buffer.lanes
        kind = w.target.type(lanes)

        def value(spots: list[str]) -> str:
            x = w.load(spots[1], lanes)
            if len(spots) == 2:
                return x
            wall = w.load(spots[2], False)
            return w.once(("wall", x), f"fadd {kind} {x}, {w.splat(wall) if lanes else wall}")

        def larger(spots: list[str], carried: list[str]) -> list[str]:
            name = f"@llvm.maxnum.{w.target.suffix(lanes)}"
            return [w.let(f"call {kind} {name}({kind} {carried[0]}, {kind} {value(spots)})")]

        (most,) = along(w, self, spots, [w.number(-1e30, lanes)], larger)

        def less(spots: list[str], carried: list[str]) -> list[str]:
            w.store(w.let(f"fsub {kind} {value(spots)}, {most}"), spots[0], lanes)
            return carried

        along(w, self, spots, [], less)

    def powers(self, w: Writer, spots: Sequence[str]) -> None:
        """Write the exponentials of what is in a row of the result."""
        lanes = self.operands[0].buffer.lanes

        def power(spots: list[str], carried: list[str]) -> list[str]:
            x = w.let(w.loading(spots[0], lanes))
            w.store(exponential(w, x, lanes), spots[0], lanes)
            return carried

        along(w, self, spots, [], power)

    def shares(self, w: Writer, spots: Sequence[str]) -> None:
        """Write the division of a row of the result by its sum."""
        lanes = self.operands[0].buffer.lanes
        kind = w.target.type(lanes)

        def total(spots: list[str], carried: list[str]) -> list[str]:
            return [w.let(f"fadd {kind} {carried[0]}, {w.let(w.loading(spots[0], lanes))}")]

        (whole,) = along(w, self, spots, [w.number(0, lanes)], total)

        def divide(spots: list[str], carried: list[str]) -> list[str]:
            y = w.let(w.loading(spots[0], lanes))
            w.store(w.let(f"fdiv {kind} {y}, {whole}"), spots[0], lanes)
            return carried

        along(w, self, spots, [], divide)


@dataclass(frozen=True)
class SoftmaxBack(Step):
    """`gx = y (c - sum(y c))`, `c = gy - gy of the largest y`; operands gx, gy, y."""

    def row(self, w: Writer, spots: Sequence[str]) -> None:
        """Write what is done with one row of each operand."""
        lanes = self.operands[0].buffer.lanes
        kind = w.target.type(lanes)
        bits = w.target.each("i1", lanes)

        def winner(spots: list[str], carried: list[str]) -> list[str]:
            most, own = carried
            y, g = w.load(spots[2], lanes), w.load(spots[1], lanes)
            better = w.let(f"fcmp ogt {kind} {y}, {most}")
            return [
                w.let(f"select {bits} {better}, {kind} {new}, {kind} {old}")
                for new, old in ((y, most), (g, own))
            ]

        _, own = along(w, self, spots, [w.number(-1, lanes), w.number(0, lanes)], winner)

        def centred(spots: list[str]) -> str:
            return w.once(("centred", spots[1]), f"fsub {kind} {w.load(spots[1], lanes)}, {own}")

        def total(spots: list[str], carried: list[str]) -> list[str]:
            part = w.let(f"fmul {kind} {w.load(spots[2], lanes)}, {centred(spots)}")
            return [w.let(f"fadd {kind} {carried[0]}, {part}")]

        (mean,) = along(w, self, spots, [w.number(0, lanes)], total)

        def finish(spots: list[str], carried: list[str]) -> list[str]:
            rest = w.let(f"fsub {kind} {centred(spots)}, {mean}")
            w.store(w.let(f"fmul {kind} {w.load(spots[2], lanes)}, {rest}"), spots[0], lanes)
            return carried

        along(w, self, spots, [], finish)


def exponential(w: Writer, x: str, lanes: bool) -> str:
    """Return `exp(x)` for x <= 0, to the last bit or two; 0 where it would be below all numbers.

    `exp(n log 2 + r) = 2^n exp(r)`, the series of `exp(r)` for |r| < log(2) / 2.
    """
    t = w.target
    kind, suffix = t.type(lanes), t.suffix(lanes)
    whole, shift, bias = t.layout
    ints, bits = t.each(whole, lanes), t.each("i1", lanes)

    def number(value: float) -> str:
        return w.number(value, lanes)

    low = w.let(f"fcmp olt {kind} {x}, {number(LOWEST[t.real])}")
    zero = w.number(0, lanes)
    x = w.let(f"select {bits} {low}, {kind} {zero}, {kind} {x}")
    scaled = w.let(f"fmul {kind} {x}, {number(1 / math.log(2))}")
    n = w.let(f"call {kind} @llvm.rint.{suffix}({kind} {scaled})")
    r = x
    for part in log_two(t):
        product = w.let(f"fmul {kind} {n}, {number(part)}")
        r = w.let(f"fsub {kind} {r}, {product}")
    terms = TERMS[t.real]
    value = number(1 / math.factorial(terms))
    for k in range(terms - 1, -1, -1):
        value = w.let(f"fmul contract {kind} {value}, {r}")
        value = w.let(f"fadd contract {kind} {value}, {number(1 / math.factorial(k))}")
    power = w.let(f"fptosi {kind} {n} to {ints}")
    power = w.let(f"add {ints} {power}, {t.all(whole, bias, lanes)}")
    power = w.let(f"shl {ints} {power}, {t.all(whole, shift, lanes)}")
    power = w.let(f"bitcast {ints} {power} to {kind}")
    value = w.let(f"fmul {kind} {value}, {power}")
    return w.let(f"select {bits} {low}, {kind} {zero}, {kind} {value}")
