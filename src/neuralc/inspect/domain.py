"""The inputs of a program: how many there are, all of them one after the other, or samples.

A condition restricts them. The inputs that it names are gone through once, if they are few; then
all that fulfil it are known, and the others are free.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from neuralc.ir.nodes import Decl, Int
from neuralc.lang.pyfn import Concrete

Array = np.ndarray[Any, Any]
Rows = dict[str, Array]
"""For each input integers [count, *shape]."""
BATCH = 8192
MOST_DRAWS, MOST_DRAWS_PER_SAMPLE = 50_000, 10
"""Random inputs that are drawn, when the condition is rarely fulfilled by them."""


@dataclass(frozen=True)
class Part:
    """Some of the inputs, as the digits of one number, the last one fastest."""

    decls: tuple[Decl, ...]

    @property
    def sizes(self) -> list[int]:
        """The number of values of each element."""
        return [_size(decl) for decl in self.decls for _ in range(math.prod(decl.shape))]

    @property
    def count(self) -> int:
        """How many inputs there are."""
        return math.prod(self.sizes)

    def rows(self, codes: Array) -> Rows:
        """Return the inputs that some numbers stand for."""
        digits = np.empty((len(codes), len(self.sizes)), np.int64)
        rest = codes.astype(np.int64)
        for k, size in reversed(list(enumerate(self.sizes))):
            rest, digits[:, k] = np.divmod(rest, size)
        return self.split(digits)

    def split(self, digits: Array) -> Rows:
        """Return the digits, [count, elements], by input."""
        found, at = {}, 0
        for decl in self.decls:
            width = math.prod(decl.shape)
            found[decl.name] = digits[:, at : at + width].reshape(len(digits), *decl.shape)
            at += width
        return found


class Domain:
    """All inputs of a program that fulfil a condition."""

    def __init__(
        self,
        decls: Sequence[Decl],
        where: Concrete | None = None,
        constants: Mapping[str, int] | None = None,
        *,
        most: int,
        deadline: float,
    ) -> None:
        """Count the inputs, where that is possible.

        Args:
            decls: the inputs, all of them `Int`.
            where: the condition.
            constants: numbers that the condition may name, too.
            most: how many inputs may be gone through to count those that fulfil it.
            deadline: on the clock of `time.monotonic`.

        Raises:
            SourceError: the condition has no result on some input.

        """
        self.whole = Part(tuple(decls))
        self.where, self.constants = where, constants or {}
        named = where.reference.parameters if where is not None else ()
        self.named = Part(tuple(d for d in decls if d.name in named))
        self.free = Part(tuple(d for d in decls if d.name not in named))
        self.codes: Array | None = None
        if where is not None and self.named.count <= most:
            self.codes = self._fulfilling(deadline)

    @property
    def counted(self) -> bool:
        """Whether `count` is the number of inputs; False: it is an upper bound."""
        return self.where is None or self.codes is not None

    @property
    def count(self) -> int:
        """How many inputs there are."""
        return self.whole.count if self.codes is None else len(self.codes) * self.free.count

    def all(self) -> Iterator[Rows]:
        """Yield all inputs in batches; only for few, and counted."""
        for start in range(0, self.count, BATCH):
            codes = np.arange(start, min(start + BATCH, self.count))
            if self.codes is None:
                yield self.whole.rows(codes)
                continue
            outer, inner = np.divmod(codes, self.free.count)
            yield self._join(self.named.rows(self.codes[outer]), self.free.rows(inner))

    def samples(self, count: int, seed: int) -> Iterator[Rows]:
        """Yield extreme and random inputs in batches, each one once, up to `count`.

        Fewer come where the condition is rarely fulfilled by what is drawn.
        """
        rng, seen = np.random.default_rng(seed), set[bytes]()
        digits, drawn = self._corners()[: count // 2], 0
        while len(seen) < count and drawn < MOST_DRAWS + MOST_DRAWS_PER_SAMPLE * count:
            rows = self.whole.split(digits)
            keep = []
            for k in self._held(rows, len(digits)):
                key = digits[k].tobytes()
                if key not in seen and len(seen) < count:
                    seen.add(key)
                    keep.append(k)
            if keep:
                yield {name: array[keep] for name, array in rows.items()}
            digits = self._drawn(rng, min(BATCH, 2 * count + 100))
            drawn += len(digits)

    def _fulfilling(self, deadline: float) -> Array | None:
        """Return the named inputs that fulfil the condition; None: there was not enough time."""
        kept = []
        for start in range(0, self.named.count, BATCH):
            if time.monotonic() > deadline:
                return None
            codes = np.arange(start, min(start + BATCH, self.named.count))
            kept.append(codes[self._held(self.named.rows(codes), len(codes))])
        return np.concatenate(kept)

    def _held(self, rows: Rows, count: int) -> list[int]:
        """Return which rows fulfil the condition."""
        if self.where is None:
            return list(range(count))
        columns = {name: array.tolist() for name, array in rows.items()}
        where, constants = self.where, self.constants
        return [
            k
            for k in range(count)
            if where({**constants, **{name: column[k] for name, column in columns.items()}})
        ]

    def _join(self, *parts: Rows) -> Rows:
        joined = {name: array for part in parts for name, array in part.items()}
        return {decl.name: joined[decl.name] for decl in self.whole.decls}

    def _corners(self) -> Array:
        """Return inputs in which all elements are alike, or all but one."""
        tops = np.array(self.whole.sizes, np.int64) - 1
        if not len(tops):
            return np.zeros((2, 0), np.int64)
        one = np.diag(tops)[:BATCH]
        alike = np.minimum(np.arange(min(int(tops.max()), BATCH))[:, None], tops)
        return np.concatenate([alike[:1], tops[None], one, tops - one, alike])

    def _drawn(self, rng: np.random.Generator, count: int) -> Array:
        """Return random inputs, [count, elements]; those named by the condition fulfil it."""
        sizes = np.array(self.whole.sizes, np.int64)
        digits = rng.integers(0, sizes, (count, len(sizes)))
        if self.codes is None or not len(self.codes):
            return digits
        chosen = self.named.rows(rng.choice(self.codes, count))
        rows = {**self.whole.split(digits), **chosen}
        return np.concatenate([rows[d.name].reshape(count, -1) for d in self.whole.decls], axis=1)


def _size(decl: Decl) -> int:
    assert isinstance(decl.type, Int)
    return decl.type.size
