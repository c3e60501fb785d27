"""Kernels of one tensor program, compiled when they are first needed, run on threads.

Knows arrays and their addresses, not where they come from.
"""

from __future__ import annotations

import ctypes
import hashlib
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any, Literal

import numpy as np

from neuralc.backends.native.build import Building
from neuralc.backends.native.compiled import Compiled, load, vector_bytes
from neuralc.backends.native.llvm import Target
from neuralc.backends.native.plan import External, Lanes, Plan
from neuralc.backends.native.program import Module
from neuralc.backends.native.ptx import Ptx
from neuralc.backends.soft.graph import B, Node, P
from neuralc.backends.soft.lower import Lowered
from neuralc.backends.soft.parameters import Choices
from neuralc.errors import Declined
from neuralc.source import Source

Numbers = ctypes.Array[ctypes.c_int64]
Kind = Literal["outputs", "pullback", "loss", "rmsprop", "adam"]
Loader = Callable[[bytes, Callable[[], tuple[str, dict[str, Any]]]], Compiled | Ptx]
Memory = Literal["auto", "stored", "recomputed"]
NAME = "the engine native"
RESULTS = ("out", "gradient", "loss")
ALIGN = 64
TASKS = 4  # for each thread, so that none waits long for the last


@dataclass(frozen=True)
class Variant:
    """Which kernel of a program.

    Attributes:
        kind: what it computes.
        target: what it is for.
        lanes: what they are.
        wanted: the numbers of the sources whose gradients are wanted.
        budget: how many bytes a thread may work in.
        compared: which ends a loss is about, counted from 0; the others are not computed. None:
            all are.

    """

    kind: Kind
    target: Target
    lanes: Lanes
    wanted: frozenset[int]
    budget: int
    compared: frozenset[int] | None = None


@dataclass
class Kernel:
    """One kernel: what it is called with, and its code.

    `size` is how many numbers a thread, or a warp of a GPU, works in, `work` how many products a
    kernel adds up for a block of restarts and one of examples.
    """

    lanes: Lanes
    target: Target
    externals: tuple[External, ...]
    size: int
    work: int
    code: Compiled | Ptx
    local: threading.local = field(default_factory=threading.local)

    def run(self, args: Sequence[int], addresses: Sequence[int], tasks: int, pool: Pool) -> None:
        """Do all tasks on the CPU.

        Args:
            args: restarts, examples, chunks of examples, steps.
            addresses: of the external arrays, in their order.
            tasks: their number.
            pool: the threads.

        """
        words, table = _numbers(args), _numbers(addresses)
        if pool.threads <= 1 or tasks < 2:
            self._part(words, table, 0, tasks)
            return
        step = max(1, tasks // (TASKS * pool.threads))
        starts = range(0, tasks, step)
        pool.all(lambda k: self._part(words, table, k, min(k + step, tasks)), starts)

    def rows(self, restarts: int) -> int:
        """Return the number of blocks of restarts."""
        return -(-restarts // self.target.lanes) if self.lanes == P else restarts

    def units(self, examples: int) -> int:
        """Return the number of blocks of examples."""
        return examples if self.lanes == P else -(-examples // self.target.lanes)

    def _part(self, args: Numbers, table: Numbers, start: int, stop: int) -> None:
        arena = getattr(self.local, "arena", None)
        if arena is None:
            whole = np.empty(self.size * self.target.bytes + ALIGN, dtype=np.uint8)
            skip = -whole.ctypes.data % ALIGN
            arena = self.local.arena = whole[skip:]
            self.local.address = arena.ctypes.data
        assert isinstance(self.code, Compiled)
        at = ctypes.addressof(args), ctypes.addressof(table)
        self.code.run(self.local.address, *at, start, stop)


def _numbers(values: Sequence[int]) -> Numbers:
    """Return numbers as code sees them; made faster than an array of NumPy."""
    return (ctypes.c_int64 * len(values))(*values)


class Pool:
    """So many threads, begun when they are first needed."""

    def __init__(self, threads: int) -> None:
        """Begin no thread yet."""
        self.threads = threads
        self.workers: ThreadPoolExecutor | None = None

    def __deepcopy__(self, memo: dict[int, Any]) -> Pool:
        """Return as many threads, of its own."""
        return Pool(self.threads)

    def all(self, call: Callable[[int], None], items: Iterable[int]) -> None:
        """Make all calls and wait for them."""
        if self.workers is None:
            self.workers = ThreadPoolExecutor(self.threads)
        for done in [self.workers.submit(call, item) for item in items]:
            done.result()


@dataclass(frozen=True)
class Shares:
    """How a run is shared out: threads, blocks of restarts, and chunks of the examples."""

    threads: int
    rows: int
    chunks: int


@dataclass(frozen=True)
class Laid:
    """How a kernel is called: what it is told, its tasks, threads for them, and its arrays.

    Of each array there are its key, role and name, its shape and count; those in `parts` come in
    parts to be added up.
    """

    args: tuple[int, int, int, int]
    tasks: int
    threads: int
    arrays: list[tuple[External, tuple[str, str], tuple[int, ...], int]]
    parts: list[tuple[str, str]]


def lay(kernel: Kernel, restarts: int, examples: int, shares: Shares, steps: int) -> Laid:
    """Return how a kernel is called for so many restarts and examples; 0 steps are none."""
    args = restarts, examples, shares.chunks, max(steps, 1)
    sizes = dict(zip((P, B, "chunk", "step"), args, strict=True)) | {"row": shares.rows}
    arrays: list[tuple[External, tuple[str, str], tuple[int, ...], int]] = []
    parts: list[tuple[str, str]] = []
    for external in kernel.externals:
        key, first = (external.role, external.name), external.dims[:1]
        shape = (*(sizes[dim] for dim in external.dims), external.count)
        if external.role in RESULTS and first in (("chunk",), ("row",)):
            if shape[0] > 1:
                parts.append(key)
            else:
                shape = shape[1:]
        arrays.append((external, key, shape, prod(shape)))
    return Laid(args, shares.rows * shares.chunks, shares.threads, arrays, parts)


@dataclass
class Kernels:
    """All kernels of a program, by kind, type of numbers, and what the lanes are."""

    lowered: Lowered
    nodes: Sequence[Node]
    source: Source | None
    choices: Choices
    memory: Memory = "auto"
    made: dict[Variant, Kernel] = field(default_factory=dict)
    asked: dict[object, Kernel] = field(default_factory=dict)  # by whatever led to one

    def __deepcopy__(self, memo: dict[int, Any]) -> Kernels:
        """Return itself: a copy of a module runs the same code."""
        return self

    def get(self, variant: Variant, loader: Loader = load) -> Kernel:
        """Return a kernel, compiled by `loader` now if it is the first time.

        Raises:
            Declined: it takes more than its budget.

        """
        if variant not in self.made:
            code = loader(self.content(variant), lambda: facts_of(self.module(variant)))
            externals = tuple(
                External(e[0], e[1], tuple(e[2]), e[3], e[4]) for e in code.facts["externals"]
            )
            size, work = code.facts["size"], code.facts["work"]
            self.made[variant] = Kernel(variant.lanes, variant.target, externals, size, work, code)
        return self.made[variant]

    def content(self, variant: Variant) -> bytes:
        """Return all that the code of a kernel depends on."""
        compared = variant.compared and sorted(variant.compared)
        about = replace(variant, wanted=frozenset(), compared=None)
        ends = (self.lowered.outputs, self.lowered.observed)
        words = (about, sorted(variant.wanted), compared, ends, self.choices.blocks, self.memory)
        digest = hashlib.sha256(repr(words).encode())
        digest.update(self.choices.allowed.tobytes())
        for node in self.nodes:
            digest.update(repr((node.number, node.op, node.args, node.attrs, node.dims)).encode())
            array = self.lowered.graph.array(node.number)
            if array is not None:
                digest.update(array.tobytes())
        return digest.digest()

    def module(self, variant: Variant) -> Module:
        """Return a kernel that is not yet text; what is said of `get` holds."""
        target, budget = variant.target, variant.budget
        ways = {"auto": (False, True), "stored": (False,), "recomputed": (True,)}[self.memory]
        sizes = []
        for again in ways:
            module = Module(self.plan(variant), target, self.source, again)
            size = module.size * target.bytes
            if size <= budget:
                return module
            how = "if steps are computed again" if again else "if all is stored"
            sizes.append(f"{size / 2**30:.1f} GiB {how}")
        who = "warp" if target.chip else "thread"
        need = f"it takes {', '.join(sizes)}, for each {who}; more than {budget / 2**30:.0f} GiB"
        raise Declined(NAME, [need])

    def plan(self, variant: Variant) -> Plan:
        """Return what a kernel does."""
        building = Building(self.lowered, self.nodes, variant.lanes, self.choices, variant.compared)
        match variant.kind:
            case "outputs":
                return building.outputs()
            case "pullback":
                return building.pullback(variant.wanted)
            case "loss":
                return building.loss(variant.wanted)
            case "rmsprop" | "adam":
                return building.descend(adam=variant.kind == "adam")


def facts_of(module: Module) -> tuple[str, dict[str, Any]]:
    """Return the text of a kernel, and what must be known of it to call it."""
    text = module.text()
    externals = [(e.role, e.name, e.dims, e.count, e.real) for e in module.plan.externals]
    work = sum(getattr(item.instruction, "work", 1) for item in module.plan.items["example"])
    return text, {"externals": externals, "size": module.size, "work": work}


def vectors(real: str) -> Target:
    """Return the target of this processor: its lanes are one vector."""
    return Target(real, vector_bytes() // (4 if real == "float" else 8))


def lanes_for(restarts: int, examples: int, width: int) -> Lanes:
    """Return what the lanes should be: restarts or examples, whichever fill them better."""
    by_restarts = -(-restarts // width) * examples
    by_examples = -(-examples // width) * restarts
    return B if by_examples <= by_restarts else P  # type: ignore[return-value]
