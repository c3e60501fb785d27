"""Stage by stage through all that programs can do, each combination of places once.

Two beginnings of a program that have led all examples to the same places are observationally
equivalent: whatever follows does the same to both, so one of them is kept (Albarghouthi, Gulwani,
Kincaid 2013; Udupa et al. 2013). The last two stages are not built: for every place the moves of
the last stage that end well are a set of bits, and the sets of all examples must meet.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np

from neuralc.backends.search.machine import Function
from neuralc.backends.search.space import Array
from neuralc.backends.search.tables import Moves

MOST_BYTES = 1 << 27  # of the states of one stage that are held at once
_SLICE, _PLAIN_SLICE = 1 << 22, 1 << 12  # steps of examples between two looks at the clock


def extend(
    states: Array, first: int, until: int, moves: Array, found: Array, origins: Array,
    table: Array, count: int,
) -> tuple[int, int]:  # fmt: skip
    """Make the states that one more stage leads to, each once; also compiled by numba.

    Args:
        states: int32 [N, E], the places of all examples; those from `first` on are extended.
        moves: `Moves.next`, int32 [places, moves].
        found, origins: int32 [room, E] and [room, 2], the new states, and the state and move that
            each came from; `count` of them so far; changed.
        table: int32 [power of two, above `room`], the numbers of new states by hash; changed.

    Returns:
        The first state that is not extended for want of room, and the number of new states.

    """
    mask = len(table) - 1
    for n in range(first, until):
        if count + moves.shape[1] > len(found):
            return n, count
        for m in range(moves.shape[1]):
            hashed = 0
            fits = True
            for e in range(states.shape[1]):
                place = int(moves[states[n, e], m])
                if place < 0:
                    fits = False
                    break
                found[count, e] = place
                hashed = (hashed ^ place) * 1000003 & 0xFFFFFFFFFFFF
                hashed ^= hashed >> 23
            if not fits:
                continue
            slot = hashed & mask
            while table[slot] >= 0:
                other = table[slot]
                same = True
                for e in range(states.shape[1]):
                    if found[other, e] != found[count, e]:
                        same = False
                        break
                if same:
                    break
                slot = (slot + 1) & mask
            if table[slot] < 0:
                table[slot] = count
                origins[count, 0], origins[count, 1] = n, m
                count += 1
    return until, count


def finish(states: Array, first: int, until: int, moves: Array, good: Array, answer: Array) -> int:
    """Look for two last moves that end well for all examples; also compiled by numba.

    Args:
        states: int32 [N, E], the places of all examples before the last stage but one.
        first, until: the states to look at.
        moves: of the last stage but one, int32 [places, moves].
        good: uint64 [places, words], the moves of the last stage that end well, as bits.
        answer: int64 [3], what was found: the state and the two moves.

    Returns:
        1 if `answer` was found, otherwise 0.

    """
    for n in range(first, until):
        for m in range(moves.shape[1]):
            for word in range(good.shape[1]):
                bits = np.uint64(0xFFFFFFFFFFFFFFFF)
                for e in range(states.shape[1]):
                    place = int(moves[states[n, e], m])
                    if place < 0:
                        bits = np.uint64(0)
                        break
                    bits &= good[place, word]
                    if bits == np.uint64(0):
                        break
                if bits != np.uint64(0):
                    bit = 0
                    while bits & np.uint64(1) == np.uint64(0):
                        bits >>= np.uint64(1)
                        bit += 1
                    answer[0], answer[1], answer[2] = n, m, 64 * word + bit
                    return 1
    return 0


@cache
def _compiled() -> tuple[Function, Function]:
    import numba

    wide = "int32[:,::1]"
    first: Function = numba.njit(
        f"Tuple((int64, int64))({wide}, int64, int64, {wide}, {wide}, {wide}, int32[::1], int64)",
        nogil=True,
    )(extend)
    last: Function = numba.njit(
        f"int64({wide}, int64, int64, {wide}, uint64[:,::1], int64[::1])", nogil=True
    )(finish)
    return first, last


@dataclass(frozen=True, eq=False)
class _Chunk:
    """States before some stage, with the state and the move of the stage before."""

    states: Array
    origins: Array
    before: _Chunk | None


class Layers:
    """The search through the tables of at least two stages.

    Attributes:
        tried: how many beginnings of programs were looked at, each on all examples.
        programs: how many whole programs that the last of them stood for, without equal moves.
        states: how many states were kept.
        answer: a move for each stage, once one is found.

    """

    def __init__(
        self, moves: Sequence[Moves], examples: int, *, jit: bool = True, threads: int = 1,
        most_bytes: int = MOST_BYTES,
    ) -> None:  # fmt: skip
        """Start before the first stage; `most_bytes` bounds the states held of one stage."""
        self.moves, self.examples, self.threads = moves, examples, threads
        self.most = max(1, most_bytes // (4 * examples + 16))
        functions: tuple[Function, Function] = _compiled() if jit else (extend, finish)
        self.extend, self.finish = functions
        self.slice = _SLICE if jit else _PLAIN_SLICE
        self.good = _bits(moves[-1].next >= 0)
        self.tried = self.programs = self.states = 0
        self.answer: tuple[int, ...] | None = None

    def search(self) -> Iterator[int]:
        """Yield how many beginnings were looked at; the end without `answer`: there is none."""
        start = np.arange(self.examples, dtype=np.int32)[None]
        yield from self._from(0, _Chunk(start, np.zeros((1, 2), np.int32), None))

    def _from(self, level: int, chunk: _Chunk) -> Iterator[int]:
        """Search what follows from states before stage `level`."""
        if level == len(self.moves) - 2:
            yield from self._finish(level, chunk)
            return
        first = 0
        while first < len(chunk.states) and self.answer is None:
            tried = self.tried
            found = chunk
            for done, found in self._extend(level, chunk, first):  # noqa: B007 - the last ones
                yield self.tried - tried
                tried, first = self.tried, done
            self.states += len(found.states)
            yield from self._from(level + 1, found)

    def _extend(self, level: int, chunk: _Chunk, first: int) -> Iterator[tuple[int, _Chunk]]:
        """Yield how far it has come; with the last, the states that follow as far as room is."""
        next_, total = self.moves[level].next, len(chunk.states)
        width = max(1, next_.shape[1])
        step = max(1, self.slice // (width * self.examples))
        room = max(width, min(self.most, (total - first) * width))
        found, origins = np.empty((room, self.examples), np.int32), np.empty((room, 2), np.int32)
        table, count = np.full(1 << (2 * room - 1).bit_length(), -1, np.int32), 0
        while True:
            begun, until = first, min(first + step, total)
            first, count = self.extend(
                chunk.states, first, until, next_, found, origins, table, count
            )
            self.tried += (first - begun) * width
            full = first < until
            if first == total or full:
                yield first, _Chunk(found[:count].copy(), origins[:count].copy(), chunk)
                return
            yield first, chunk

    def _finish(self, level: int, chunk: _Chunk) -> Iterator[int]:
        moves, last = self.moves[level].next, self.moves[level + 1].next
        width = max(1, moves.shape[1])
        step = max(1, self.slice // (width * self.examples))
        with ThreadPoolExecutor(self.threads) as pool:
            for begun in range(0, len(chunk.states), step * self.threads):
                until = min(begun + step * self.threads, len(chunk.states))
                ends = np.linspace(begun, until, self.threads + 1).astype(int).tolist()
                answers = np.zeros((self.threads, 3), np.int64)
                parts = [
                    pool.submit(self.finish, chunk.states, a, b, moves, self.good, answer)
                    for (a, b), answer in zip(pairwise(ends), answers, strict=True)
                ]
                self.tried += (until - begun) * width
                self.programs += (until - begun) * width * last.shape[1]
                for part, answer in zip(parts, answers, strict=True):
                    if part.result() and self.answer is None:
                        self.answer = (*_way(chunk, int(answer[0])), int(answer[1]), int(answer[2]))
                yield (until - begun) * width
                if self.answer is not None:
                    return


def _bits(truth: Array) -> Array:
    """Return rows of bits [rows, n] in words, uint64 [rows, words]; bit k is column k."""
    words = max(1, -(-truth.shape[1] // 64))
    wide = np.zeros((len(truth), words * 64), np.uint64)
    wide[:, : truth.shape[1]] = truth
    shifted = wide.reshape(-1, words, 64) << np.arange(64, dtype=np.uint64)
    return np.ascontiguousarray(np.bitwise_or.reduce(shifted, axis=2))


def _way(chunk: _Chunk, state: int) -> tuple[int, ...]:
    """Return the moves that led to a state."""
    moves: list[int] = []
    while chunk.before is not None:
        state, move = chunk.origins[state].tolist()
        moves.append(move)
        chunk = chunk.before
    return tuple(reversed(moves))
