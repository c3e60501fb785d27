"""What the engine native is measured on, and the least that a step of each case takes.

A bound is the products and sums that the tensor program asks for at least, and the bytes that come
and go: forward, and for each operand that a gradient goes through once more. It takes the lowering
for granted, so it is the bound of an engine and not of a model.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import prod
from time import process_time

import numpy as np
import torch
from torch import Tensor

from benchmarks.tasks import TASKS
from neuralc.backends.native import NativeModule
from neuralc.backends.soft import SoftModule
from neuralc.backends.soft.graph import B, Dim, Graph, Node, P
from neuralc.backends.soft.lower import lower
from neuralc.ir.nodes import Program
from neuralc.learning.train import negative_log_likelihood
from neuralc.nn.turns import program

SLOW = "NEURALC_BENCH_SLOW"
EXAMPLES = 32
SIZES = ((12, 6, 20, 100), (20, 7, 40, 1), (20, 7, 40, 100))  # M, R, T, and restarts
LARGE = ((64, 8, 64, 8), (128, 8, 32, 4))
BARS = {  # times faster than torch, than JAX
    (20, 7, 40, 1): (50.0, 10.0),
    (20, 7, 40, 100): (15.0, 20.0),
}


@dataclass(frozen=True)
class Case:
    """A program with examples; `size` is that of a register machine: M, R, T."""

    name: str
    program: Program
    restarts: int
    inputs: dict[str, np.ndarray]
    targets: dict[str, Tensor]
    size: tuple[int, int, int] | None = None
    faster: float | None = None  # than torch, at least
    faster_than_jax: float | None = None

    @property
    def count(self) -> int:
        """The number of examples."""
        return len(next(iter(self.inputs.values())))


def tasks() -> list[Case]:
    """Return the published tasks."""
    found = []
    for task in TASKS.values():
        examples = task.examples()
        targets = {name: torch.as_tensor(t) for name, t in examples.outputs.items()}
        inputs = dict(examples.inputs)
        found.append(Case(task.name, task.model().program, 100, inputs, targets, faster=10))
    return found


def machines() -> list[Case]:
    """Return the register machine at several sizes."""
    found = []
    for sizes in (*SIZES, *(LARGE if SLOW in os.environ else ())):
        m, r, t, restarts = sizes
        faster, faster_than_jax = BARS.get(sizes, (None, None))
        cells, wanted = np.random.default_rng(0).integers(0, m, (2, EXAMPLES, m))
        found.append(
            Case(f"register machine M={m} R={r} T={t}", program(m, r, t), restarts,
                 {"initial_memory": cells}, {"final_memory": torch.from_numpy(wanted)}, (m, r, t),
                 faster, faster_than_jax)
        )  # fmt: skip
    return found


class Steps:
    """A case in both engines; `seconds` were spent to compile the kernel and on its first step."""

    def __init__(self, case: Case, dtype: torch.dtype) -> None:
        torch.manual_seed(0)
        self.case = case
        self.plain = SoftModule(case.program, restarts=case.restarts).to(dtype)
        self.plain.logits.data.normal_()
        began = process_time()
        self.native = NativeModule(case.program, restarts=case.restarts).to(dtype)
        self.native.logits.data = self.plain.logits.data.clone()
        self.inputs = self.plain.prepare(case.inputs)
        self.step(self.native)
        self.seconds = process_time() - began

    def step(self, module: SoftModule) -> Tensor:
        """Return the loss of each restart, after the backward pass."""
        module.logits.grad = None
        loss = negative_log_likelihood(module, self.inputs, self.case.targets)
        loss.sum().backward()
        return loss

    def call(self, module: SoftModule) -> Callable[[], object]:
        """Return a step without arguments."""
        return lambda: self.step(module)

    def check(self) -> None:
        """Assert that both engines mean the same."""
        one, two = self.step(self.plain), self.step(self.native)
        torch.testing.assert_close(one, two, rtol=1e-9, atol=1e-9)
        torch.testing.assert_close(
            self.plain.logits.grad, self.native.logits.grad, rtol=0, atol=1e-9
        )


def paper_products(case: Case) -> float:
    """Return the products of a register machine whose memory is kept whole, by hand.

    12 M^2 for the convolution and the memory, 3 M (11 + 3 R) for the lines, 12 R M for the
    registers and 60 M for the rest, in each turn.
    """
    assert case.size is not None
    m, r, t = case.size
    turn = 12 * m * m + 3 * m * (11 + 3 * r) + 12 * r * m + 60 * m
    return float(turn * t * case.count * case.restarts)


def products(case: Case) -> float:
    """Return the products of a step: of each node, and of the gradients of its operands."""
    lowered = lower(case.program)
    graph = lowered.graph
    sizes = {P: case.restarts, B: case.count}
    live = graph.live([lowered.outputs[name] for name in case.targets])
    differs: set[int] = set()
    total = 0.0
    for node in live:
        if node.op == "param" or differs & set(node.args):
            differs.add(node.number)
        count = _own(graph, node, sizes)
        total += count * (1 + sum(arg in differs for arg in node.args[:2]))
    return total


def _own(graph: Graph, node: Node, sizes: dict[str, int]) -> float:
    """Return the products of one node, zeros of constants left out."""

    def number(dims: Iterable[Dim]) -> int:
        return prod(sizes[d] if isinstance(d, str) else d for d in dims)

    match node.op:
        case "einsum" | "mul":
            names: dict[int, Dim] = {}
            share = 1.0
            for arg, own in zip(node.args, node.attrs, strict=False):
                names |= dict(zip(own, graph.nodes[arg].dims, strict=True))
                array = graph.array(arg)
                share *= 1.0 if array is None else np.count_nonzero(array) / array.size
            return number(names.values()) * share
        case "share":
            loose = node.attrs[2]
            return number(node.dims) * ((len(node.args) - loose) // 2)
        case "mixture":
            return number(node.dims) * (len(node.args) - 1)
        case "circle":
            return number(node.dims) * int(node.dims[-1])
        case "normalise":
            return number(node.dims)
    return 0.0


def outside_bytes(case: Case) -> float:
    """Return the bytes that come and go, float32: logits and their gradient, inputs, targets.

    For the register machine also the memory after each turn, once written and once read.
    """
    total = 8.0 * case.restarts * SoftModule(case.program).choices.total
    total += sum(4 * x.size for x in case.inputs.values())
    total += sum(8 * t.numel() for t in case.targets.values())
    if case.size is not None:
        m, _, t = case.size
        total += 8.0 * m * m * t * case.count * case.restarts
    return total
