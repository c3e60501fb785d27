"""A program that is run turn after turn on what it made: its turn as kernels, without autograd.

One input of a turn may say which row of a table the other inputs are read from (`fetching`); that
is then part of the turn. Whoever runs the turns keeps what lies between them, and hands gradients
back from turn to turn. Knows no program, nor when it is over.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from neuralc.backends.native.kernel import (
    NAME,
    Kernel,
    Kernels,
    Kind,
    Laid,
    Pool,
    Variant,
    lanes_for,
    lay,
    vectors,
)
from neuralc.backends.native.module import MEMORY, REALS, Key, NativeModule
from neuralc.backends.soft.backward import SOURCES
from neuralc.backends.soft.graph import B, Graph, P
from neuralc.backends.soft.lower import Lowered, lower
from neuralc.backends.soft.parameters import Choices
from neuralc.errors import Declined
from neuralc.ir.nodes import Program

TABLE = "table"


@dataclass(frozen=True)
class Fetch:
    """What is read from the rows of a table, `(P, rows, sum of sizes)`.

    Attributes:
        by: the input by whose distribution the rows are mixed.
        sizes: the inputs that are read, in the order of their columns, and how many these are.
        logits: the rows are logits, and the softmax of their mixture is meant; else probabilities.

    """

    by: str
    sizes: Mapping[str, int]
    logits: bool


def fetching(lowered: Lowered, fetch: Fetch) -> Lowered:
    """Return a tensor program that reads inputs from a table, as its input `TABLE`.

    Raises:
        Declined: nothing depends on the input that says where.

    """
    ends = list(lowered.outputs.values())
    live = lowered.graph.live(ends)
    lines = [node for node in live if node.op == "input" and node.attrs == (fetch.by,)]
    if not lines:
        raise Declined(NAME, [f"nothing depends on {fetch.by}"])
    graph = Graph(arrays=lowered.graph.arrays)
    (line,), columns = lines, sum(fetch.sizes.values())
    by = graph.add("input", (), line.attrs, line.dims, line.drift)
    table = graph.add("input", (), (TABLE,), (P, line.dims[-1], columns))
    axes = (0, 1, 2), (0, 2, 3), (0, 1, 3)
    mixed = graph.add("einsum", (by, table), axes, (P, B, columns))
    start, made = 0, {}
    for name, size in fetch.sizes.items():
        part = graph.add("narrow", (mixed,), (2, start, size), (P, B, size))
        if fetch.logits:
            part = graph.add("softmax", (part,), (), (P, B, size))
        made["input", (name,)] = part
        start += size
    numbers: dict[int, int] = {}
    for node in live:
        graph.line, graph.hint = node.line, node.hint
        args = tuple(numbers[arg] for arg in node.args)
        found = made.get((node.op, node.attrs))
        numbers[node.number] = (
            graph.add(node.op, args, node.attrs, node.dims, node.drift) if found is None else found
        )
    return Lowered(graph, {name: numbers[end] for name, end in lowered.outputs.items()}, ())


@dataclass
class Rollout:
    """The turns of a program; all arrays are contiguous, `(P, B, *shape, size)` but for a table.

    Attributes:
        program: the turn, without choices, networks and observations.
        fetch: what is read from a table.

    """

    program: Program
    fetch: Fetch
    kernels: Kernels = field(init=False)
    calls: dict[tuple[Any, ...], _Prepared] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        """Lower the turn; kernels are made when they are first needed.

        Raises:
            Declined: it cannot be run by kernels.

        """
        carried = [decl.name for decl in self.program.of("input")]
        lowered = fetching(lower(self.program, carried), self.fetch)
        live = lowered.graph.live(list(lowered.outputs.values()))
        for name, end in lowered.outputs.items():
            if lowered.graph.nodes[end].dims[:2] != (P, B):
                raise Declined(NAME, [f"{name} is always the same"])
        self.kernels = Kernels(lowered, live, self.program.source, Choices(self.program))
        self.sources = {str(n.number): n.attrs[0] for n in live if n.op in SOURCES}
        self.outputs = list(lowered.outputs)

    def run(self, given: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the outputs of a turn, `(P, B, numbers)`.

        Args:
            given: the inputs by name, and the table.

        """
        return self._call("outputs", given, {})

    def back(self, given: Mapping[str, Tensor], seeds: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the gradients of what was given to a turn, as `(P, B, numbers)`.

        Args:
            given: as in `run`; the turn is run again.
            seeds: the gradients of all outputs.

        """
        return self._call("pullback", given, seeds)

    def _call(
        self, kind: Kind, given: Mapping[str, Tensor], seeds: Mapping[str, Tensor]
    ) -> dict[str, Tensor]:
        """Run a kernel; return what it makes, by name."""
        like = given[self.fetch.by]
        about = kind, like.dtype, like.shape[0], like.shape[1], torch.get_num_threads()
        call = self.calls.get(about) or self.calls.setdefault(about, self._prepared(*about))
        made: dict[Key, Tensor] = {}
        addresses = []
        for external, key, shape, count in call.laid.arrays:
            if external.role in ("source", "seed"):
                value = (given if external.role == "source" else seeds)[self.name(key)]
                assert value.numel() == count, key
                assert value.dtype == like.dtype, key
                assert value.is_contiguous(), key
            else:
                value = made[key] = like.new_empty(shape)
            addresses.append(value.data_ptr())
        call.kernel.run(call.laid.args, addresses, call.laid.tasks, call.pool)
        for key in call.laid.parts:
            made[key] = made[key].sum(0)
        return {self.name(key): value for key, value in made.items()}

    def name(self, key: Key) -> str:
        """Return what an array of a kernel is in the program: an input, or an output."""
        role, number = key
        return self.outputs[int(number)] if role in ("seed", "out") else self.sources[number]

    def _prepared(
        self, kind: Kind, dtype: torch.dtype, restarts: int, batch: int, _: int
    ) -> _Prepared:
        """Compile a kernel, and find out how to call it for arrays of these sizes."""
        real = REALS[dtype]
        target = vectors(real)
        lanes = lanes_for(restarts, batch, target.lanes)
        wanted = frozenset(map(int, self.sources)) if kind == "pullback" else frozenset()
        kernel = self.kernels.get(Variant(kind, target, lanes, wanted, MEMORY))
        shares = NativeModule.shares(kernel, restarts, batch, divide=True)
        pool = Pool(min(shares.threads, NativeModule.most_threads(kernel)))
        return _Prepared(kernel, lay(kernel, restarts, batch, shares, 0), pool)


@dataclass(frozen=True)
class _Prepared:
    """A kernel, how it is called, and the threads that run it."""

    kernel: Kernel
    laid: Laid
    pool: Pool
