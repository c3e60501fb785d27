"""How many products and sums this processor can do at most: a loop that does nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from neuralc.backends.native.compiled import Compiled, compiled, vector_bytes

CHAINS = 12  # products under way: more than one takes cycles, and no more than there are registers
TURNS = 20_000
EACH = 4  # products of a chain in a turn


@dataclass(frozen=True)
class Peak:
    """`run` computes so many `products` of float32, each added to another number."""

    run: Callable[[], None]
    products: int


def peak() -> Peak:
    """Return a loop of products on one thread whose results are not looked at."""
    lanes = vector_bytes() // 4
    code = Compiled(compiled(_text(lanes)), {})
    numbers = np.full(2 * lanes + 16, 0.5, dtype=np.float32)  # one vector is read, one written
    skip = -numbers.ctypes.data % 64

    def run() -> None:
        code.run(numbers.ctypes.data + skip, None, None, 0, TURNS)  # which keeps the numbers alive

    return Peak(run, TURNS * CHAINS * EACH * lanes)


def _text(lanes: int) -> str:
    kind = f"<{lanes} x float>"
    chains = range(CHAINS)
    lines = [
        "define void @run(ptr %at, ptr %a, ptr %b, i64 %start, i64 %stop) {",
        "entry:", f"  %x = load {kind}, ptr %at", "  br label %loop", "loop:",
        "  %i = phi i64 [%start, %entry], [%next, %loop]",
        *(f"  %s{k}_0 = phi {kind} [%x, %entry], [%s{k}_{EACH}, %loop]" for k in chains),
    ]  # fmt: skip
    for n in range(EACH):
        for k in chains:
            value = f"call {kind} @llvm.fma.v{lanes}f32({kind} %s{k}_{n}, {kind} %x, {kind} %x)"
            lines.append(f"  %s{k}_{n + 1} = {value}")
    lines += ["  %next = add i64 %i, 1", "  %more = icmp slt i64 %next, %stop",
              "  br i1 %more, label %loop, label %end", "end:"]  # fmt: skip
    total = f"%s0_{EACH}"
    for k in chains[1:]:
        lines.append(f"  %t{k} = fadd {kind} {total}, %s{k}_{EACH}")
        total = f"%t{k}"
    lines += [f"  %to = getelementptr {kind}, ptr %at, i64 1",
              f"  store {kind} {total}, ptr %to", "  ret void", "}",
              f"declare {kind} @llvm.fma.v{lanes}f32({kind}, {kind}, {kind})"]  # fmt: skip
    return "\n".join(lines)
