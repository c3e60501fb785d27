"""Kernels of one tensor program, compiled when they are first needed, run on threads.

Knows arrays and their addresses, not where they come from.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from neuralc.backends.native.build import Building
from neuralc.backends.native.compiled import Compiled, load, vector_bytes
from neuralc.backends.native.llvm import Target
from neuralc.backends.native.plan import External, Lanes, Plan
from neuralc.backends.native.program import Module
from neuralc.backends.soft.graph import B, Node, P
from neuralc.backends.soft.lower import Lowered
from neuralc.source import Source

Array = np.ndarray[Any, Any]
Kind = Literal["outputs", "pullback", "loss"]
ALIGN = 64


@dataclass
class Kernel:
    """One kernel: what it is called with, its text, and its code."""

    plan: Plan
    target: Target
    text: str
    size: int
    code: Compiled
    work: int
    local: threading.local = field(default_factory=threading.local)

    def run(
        self, restarts: int, examples: int, arrays: Sequence[Array | None], threads: int, chunks: int
    ) -> None:
        """Do all tasks; arrays are in the order of the plan's external arrays."""
        args = np.array([restarts, examples, chunks], dtype=np.int64)
        table = np.array([0 if a is None else a.ctypes.data for a in arrays], dtype=np.int64)
        tasks = self.rows(restarts) * chunks
        if threads <= 1 or tasks < 2:
            self._part(args, table, 0, tasks)
            return
        step = -(-tasks // threads)
        with ThreadPoolExecutor(threads) as pool:
            parts = [
                pool.submit(self._part, args, table, start, min(start + step, tasks))
                for start in range(0, tasks, step)
            ]
            for part in parts:
                part.result()

    def rows(self, restarts: int) -> int:
        """Return the number of blocks of restarts."""
        return -(-restarts // self.target.lanes) if self.plan.lanes == P else restarts

    def units(self, examples: int) -> int:
        """Return the number of blocks of examples."""
        return examples if self.plan.lanes == P else -(-examples // self.target.lanes)

    def _part(self, args: Array, table: Array, start: int, stop: int) -> None:
        arena = getattr(self.local, "arena", None)
        if arena is None:
            whole = np.empty(self.size * self.target.bytes + ALIGN, dtype=np.uint8)
            skip = -whole.ctypes.data % ALIGN
            arena = self.local.arena = whole[skip:]
        self.code.run(arena.ctypes.data, args.ctypes.data, table.ctypes.data, start, stop)


@dataclass
class Kernels:
    """All kernels of a program, by kind, type of numbers, and what the lanes are."""

    lowered: Lowered
    nodes: Sequence[Node]
    source: Source | None
    made: dict[object, Kernel] = field(default_factory=dict)

    def get(self, kind: Kind, real: str, lanes: Lanes, wanted: frozenset[int]) -> Kernel:
        """Return a kernel, compiled now if it is the first time."""
        key = (kind, real, lanes, wanted)
        if key not in self.made:
            module = self.module(kind, real, lanes, wanted)
            text = module.text()
            work = sum(
                getattr(item.instruction, "work", 1) for item in module.plan.items["example"]
            )
            self.made[key] = Kernel(
                module.plan, module.target, text, module.size, load(text), work
            )
        return self.made[key]

    def module(self, kind: Kind, real: str, lanes: Lanes, wanted: frozenset[int]) -> Module:
        """Return a kernel that is not yet text."""
        building = Building(self.lowered, self.nodes, lanes)
        match kind:
            case "outputs":
                plan = building.outputs()
            case "pullback":
                plan = building.pullback(wanted)
            case "loss":
                plan = building.loss(wanted)
        return Module(plan, Target(real, width(real)), self.source)


def width(real: str) -> int:
    """Return the number of lanes: one vector of the processor."""
    return vector_bytes() // (4 if real == "float" else 8)


def lanes_for(restarts: int, examples: int, width: int) -> Lanes:
    """Return what the lanes should be: restarts or examples, whichever fill them better."""
    by_restarts = -(-restarts // width) * examples
    by_examples = -(-examples // width) * restarts
    return B if by_examples <= by_restarts else P  # type: ignore[return-value]


def extents(external: External, sizes: Mapping[str, int]) -> tuple[int, ...]:
    """Return the shape of an external array."""
    return (*(sizes[dim] for dim in external.dims), external.count)
