"""Segment sums over the tuples of several arguments, compiled by numba for the CPU.

The batch is innermost and contiguous, `LANES` examples at a time, so that every step is arithmetic
on vectors: `z[f(i, j), :] += x[i, :] * y[j, :]`. The outer product is never in memory. Products are
of the type of the arguments, but they are added up in float64, gradients in float32 a thousand at
a time: a value may be the sum of a million products, and in float32 equal summands, as those of
uniform arguments, would all be rounded the same way.

Knows arrays only, neither torch nor what a table means.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numba
import numpy as np

Array = np.ndarray[Any, Any]
LANES = (4, 32)
RECENT = 1024  # gradients of a value that are added up before the sum becomes float64
LARGE = 1 << 18  # products in a block from which on threads pay


def forward(table: Array, size: int, args: Sequence[Array], threads: int) -> Array:
    """Return the distributions of a function of independent arguments.

    Args:
        table: results, int32, flat, the last argument fastest.
        size: the number of results.
        args: distributions `[B, n_k]`, float32 or float64, all alike.
        threads: how many blocks of examples may be worked on at a time.

    Returns:
        `[B, size]`, float64.

    """
    sizes, rows, blocks = _packed(args)
    z = np.zeros((len(blocks), size, blocks.shape[2]))
    _each(lambda b: _push(table, sizes, blocks[b], z[b]), len(blocks), threads, len(table))
    return _unpacked(z, rows)


def backward(
    tables: Array, weights: Array, args: Sequence[Array], gradient: Array, threads: int
) -> list[Array]:
    """Return the gradients of the arguments of a mixture of functions.

    Args:
        tables: results of each of K functions, int32 `[K, entries]`.
        weights: what each counts, `[B, K]`.
        args: the arguments of all, each `[B, n_k]`.
        gradient: that of the mixture, `[B, size]`.
        threads: how many blocks of examples may be worked on at a time.

    Returns:
        For each argument, `[B, n_k]`, float64.

    """
    sizes, rows, blocks = _packed(args)
    if len(tables) == 1:  # the kernel leaves the weight of a single function to us
        gradient = gradient * weights
    chances, dz = _packed([weights])[2], _packed([gradient])[2]
    found = np.zeros(blocks.shape)
    _each(
        lambda b: _pull(tables, chances[b], sizes, blocks[b], dz[b], found[b]),
        len(blocks), threads, tables.size,
    )  # fmt: skip
    ends = np.cumsum(sizes)[:-1]
    return [_unpacked(part, rows) for part in np.split(found, ends, axis=1)]


def _each(work: Callable[[int], object], count: int, threads: int, entries: int) -> None:
    if threads < 2 or count < 2 or entries < LARGE:
        for block in range(count):
            work(block)
        return
    with ThreadPoolExecutor(min(threads, count)) as pool:  # the kernels release the GIL
        list(pool.map(work, range(count)))


def _packed(args: Sequence[Array]) -> tuple[Array, int, Array]:
    """Return sizes, number of examples, and blocks `[blocks, sum of sizes, lanes]`."""
    sizes = np.array([arg.shape[1] for arg in args], dtype=np.int64)
    rows = len(args[0])
    lanes = LANES[0] if rows <= LANES[0] else LANES[1]
    count = max(1, -(-rows // lanes))
    whole = np.zeros((count * lanes, sizes.sum()), args[0].dtype)
    np.concatenate(args, axis=1, out=whole[:rows])
    packed = whole.reshape(count, lanes, -1).transpose(0, 2, 1)
    return sizes, rows, np.ascontiguousarray(packed)


def _unpacked(blocks: Array, rows: int) -> Array:
    return np.ascontiguousarray(blocks.transpose(0, 2, 1)).reshape(-1, blocks.shape[1])[:rows]


def _jit(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile at the first call; what was compiled is kept on disk."""
    fast: Callable[..., Any] = numba.njit(nogil=True, cache=True, fastmath={"contract"})(function)
    return fast


@_jit
def _product(sizes: Array, args: Array, index: Array, skipped: int, out: Array) -> None:
    """Multiply the leading arguments at `index`, all but the skipped one."""
    out[:] = 1.0
    start = 0
    for a in range(len(sizes) - 1):
        if a != skipped:
            for b in range(len(out)):
                out[b] *= args[start + index[a], b]
        start += sizes[a]


@_jit
def _following(sizes: Array, index: Array) -> None:
    """Move on to the next tuple of leading arguments."""
    for a in range(len(sizes) - 2, -1, -1):
        index[a] += 1
        if index[a] < sizes[a]:
            break
        index[a] = 0


@_jit
def _push(table: Array, sizes: Array, args: Array, z: Array) -> None:
    index = np.zeros(len(sizes), np.int64)
    lanes = args.shape[1]
    chance = np.empty(lanes, args.dtype)
    n = sizes[-1]
    last = args[len(args) - n :]
    for lead in range(len(table) // n):
        _product(sizes, args, index, -1, chance)
        _following(sizes, index)
        for j in range(n):
            to, y = z[np.uint32(table[lead * n + j])], last[j]
            for b in range(lanes):
                to[b] += chance[b] * y[b]


@_jit
def _pull(
    tables: Array, weights: Array, sizes: Array, args: Array, dz: Array, found: Array
) -> None:
    index = np.zeros(len(sizes), np.int64)
    lanes = args.shape[1]
    chance, other = np.empty(lanes, args.dtype), np.empty(lanes, args.dtype)
    part, total = np.empty(lanes, args.dtype), np.empty(lanes, args.dtype)
    n = sizes[-1]
    base = len(args) - n
    recent = np.zeros((n, lanes), args.dtype)  # of the last argument, not yet in `found`
    for lead in range(tables.shape[1] // n):
        _product(sizes, args, index, -1, chance)
        part[:] = 0.0
        for j in range(n):
            g = dz[np.uint32(tables[0, lead * n + j])]
            if len(tables) > 1:
                total[:] = 0.0
                for t in range(len(tables)):
                    mine, weight = dz[np.uint32(tables[t, lead * n + j])], weights[t]
                    for b in range(lanes):
                        total[b] += mine[b] * weight[b]
                g = total
            y, dy = args[base + j], recent[j]
            for b in range(lanes):
                part[b] += g[b] * y[b]
            for b in range(lanes):
                dy[b] += g[b] * chance[b]
        start = 0
        for a in range(len(sizes) - 1):
            _product(sizes, args, index, a, other)
            for b in range(lanes):
                found[start + index[a], b] += part[b] * other[b]
            start += sizes[a]
        _following(sizes, index)
        if lead % RECENT == RECENT - 1:
            found[base:] += recent
            recent[:] = 0.0
    found[base:] += recent
