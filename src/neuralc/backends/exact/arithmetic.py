"""Known functions in the kernel: arithmetic where a table has a structure, look-ups elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from neuralc.backends.exact.layout import Names, small
from neuralc.ir.nodes import Program, Table
from neuralc.ir.structure import Structure, classify

Bind = Callable[[str, str], str]
"""Give an expression a name: (wished name, expression) -> atom."""


class Tables:
    """The tables of a program; `arrays` are those that must be handed to the kernel, by name."""

    def __init__(self, program: Program, names: Names, item: Callable[[str, str], str]) -> None:
        """Start with nothing: only tables that are called are looked at.

        Args:
            program: the program.
            names: where identifiers come from.
            item: gives the text of an element of an array: (array, index) -> text.

        """
        self.names, self.item = names, item
        self.structures: dict[str, Structure] = {}
        self.idents: dict[str, str] = {}
        self.arrays: dict[str, np.ndarray[Any, Any]] = {}

    def apply(self, table: Table, atoms: Sequence[str], bind: Bind) -> str:
        """Return an expression for the value of a table; `bind` may write lines before it."""
        if all(atom.isdigit() for atom in atoms):
            return str(table(*map(int, atoms)))
        found = self.structure(table)
        used = [atoms[k] for k in found.args]
        match found.kind:
            case "constant":
                return str(found.offset)
            case "identity":
                return used[0]
            case "rotation" | "add" | "sub":
                return self._sum(found, used, table.name, bind)
            case "min" | "max":
                sign = "<" if found.kind == "min" else ">"
                return f"{used[0]} if {used[0]} {sign} {used[1]} else {used[1]}"
            case "eq" | "less":
                sign = "==" if found.kind == "eq" else "<"
                other, so = found.values
                return f"{so} if {used[0]} {sign} {used[1]} else {other}"
            case "shift":
                amount = self._look_up(found, table, used[1:], found.sizes[1:])
                n = found.modulus
                total = bind(table.name, f"{used[0]} + {amount}")
                return _wrap(total, 0, 2 * n - 2, n)
            case "unary" if (top := _counts(found.values)) is not None:
                return f"{used[0]} + {found.values[0]} if {used[0]} < {top} else {found.values[-1]}"
            case _:
                return self._look_up(found, table, used, found.sizes)

    def structure(self, table: Table) -> Structure:
        """Return what a table is; it is looked at once."""
        if table.name not in self.structures:
            self.structures[table.name] = classify(table)
        return self.structures[table.name]

    def _look_up(
        self, found: Structure, table: Table, used: Sequence[str], sizes: Sequence[int]
    ) -> str:
        if table.name not in self.idents:
            ident = self.names.fresh(f"{table.name}_values")
            self.idents[table.name] = ident
            self.arrays[ident] = np.asarray(found.values).astype(small(max(found.values) + 1))
        index = used[0]
        for atom, size in zip(used[1:], sizes[1:], strict=True):
            left = index if index.isidentifier() or index.isdigit() else f"({index})"
            index = f"{left} * {size} + {atom}"
        return f"i64({self.item(self.idents[table.name], index)})"

    def _sum(self, found: Structure, used: Sequence[str], name: str, bind: Bind) -> str:
        """Return a sum or difference; a comparison brings it back into range where that is enough.

        An integer division costs some twenty cycles, a comparison one.
        """
        n, offset = found.modulus, found.offset
        if n and offset > n // 2:
            offset -= n  # `x - 1` rather than `x + (n - 1)`
        low, high = offset, offset + found.sizes[0] - 1
        total = used[0]
        if found.kind == "add":
            high, total = high + found.sizes[1] - 1, f"{total} + {used[1]}"
        elif found.kind == "sub":
            low, total = low - found.sizes[1] + 1, f"{total} - {used[1]}"
        if offset:
            total += f" + {offset}" if offset > 0 else f" - {-offset}"
        if not n or (low >= 0 and high < n):
            return total
        return _wrap(bind(name, total), low, high, n)


def _counts(values: Sequence[int]) -> int | None:
    """Return from which x on `min(x + values[0], values[-1])` is `values[-1]`; None: no such sum.

    A counter that stops at its largest number: a comparison instead of a load.
    """
    first, last = values[0], values[-1]
    if first > last or any(v != min(x + first, last) for x, v in enumerate(values)):
        return None
    return last - first


def _wrap(total: str, low: int, high: int, n: int) -> str:
    """Return `total % n`, knowing that `low <= total <= high`."""
    if low < -n or high >= 2 * n:
        return f"{total} % {n}"
    arms = [f"{total} - {n} if {total} >= {n} else "] * (high >= n)
    arms += [f"{total} + {n} if {total} < 0 else "] * (low < 0)
    return "".join(arms) + total
