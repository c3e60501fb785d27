"""The linker: routines one behind another in one address space, names as numbers.

A routine's operands are the registers 0, 1, … and its result is register 0. Its other names get
registers above all that its callees may change, so that they outlive calls; only where routines
call each other in a circle, a call may change every register of the circle.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from itertools import count

import numpy as np

from neuralc.errors import ModelErrors, NeuralcError, SourceError
from neuralc.ir.alm import FIELDS, OPERATIONS, RESULT, Code, Image, Line, Register
from neuralc.lang.alm.text import text
from neuralc.source import Source, Span

MOST_LINES = 10_000


def link(codes: Mapping[str, Code], entries: Iterable[str], values: int) -> Image:
    """Put routines and all that they call together.

    Args:
        codes: routines by name, at least the entries and all that these reach.
        entries: the routines wanted, in the order of their lines; others follow.
        values: n of the machine, for immediate values.

    Raises:
        ModelErrors: a label that is nowhere, or a value that does not fit.
        NeuralcError: too many lines, or calls within calls.

    """
    try:
        image = _Linker(codes, values).image(list(entries))
    except RecursionError:
        raise NeuralcError("the calls of these routines are nested too deeply") from None
    if len(image.lines) > MOST_LINES:
        raise NeuralcError(
            f"the routines have {len(image.lines):,} lines, and a machine at most {MOST_LINES:,}"
        )
    return image


class _Linker:
    def __init__(self, codes: Mapping[str, Code], values: int) -> None:
        self.codes, self.size = codes, values
        self.reach: dict[str, frozenset[str]] = {}
        self.numbers: dict[str, dict[Register, int]] = {}
        self.highest: dict[str, int] = {}

    def image(self, entries: list[str]) -> Image:
        order = list(dict.fromkeys(name for one in entries for name in (one, *self._called(one))))
        self._check(order)
        self.reach = {name: frozenset(self._called(name)) for name in order}
        for name in order:
            self._allocate(name)
        places: dict[str, range] = {}
        at = 1  # line 0 halts
        for name in order:
            size = sum(_length(self.codes[name], line) for line in self.codes[name].lines)
            places[name] = range(at, at + size)
            at += size
        rows = [_row("halt")]
        for name in order:
            rows += self._rows(self.codes[name], places)
        lines = np.array(rows, np.int64)
        cells = {OPERATIONS.index("read"), OPERATIONS.index("write")}
        memory = bool(np.isin(lines[:, 0], list(cells)).any())
        registers = 1 + max(map(self._highest, order), default=RESULT)
        return Image(lines, places, registers, self._depth(order), memory)

    # ---- who calls whom

    def _called(self, name: str) -> list[str]:
        """Return all routines that one may reach, in the order in which they are met."""
        found: dict[str, None] = {}
        todo = [name]
        while todo:
            for line in self.codes[todo.pop()].calls():
                label = line.label
                if label in self.codes and label not in found:
                    assert label is not None
                    found[label] = None
                    todo.append(label)
        return list(found)

    def _callees(self, name: str) -> Iterator[str]:
        """Yield what a routine calls or jumps to, without those that lead back to it."""
        for label in dict.fromkeys(line.label for line in self.codes[name].calls()):
            assert label is not None
            if name not in self.reach[label] and label != name:
                yield label

    def _depth(self, order: list[str]) -> int | None:
        """Return the most return lines at once, the first one included; None: no limit is known."""
        found: dict[str, int] = {}

        def depth(name: str) -> int:
            if name not in found:
                found[name] = 0
                lines = self.codes[name].lines
                own = sum(line.operation == "store" for line in lines)
                found[name] = own + max((1 + depth(one) for one in self._callees(name)), default=0)
            return found[name]

        if any(name in self.reach[name] for name in order):
            return None
        stored = any(line.operation == "store" for name in order for line in self.codes[name].lines)
        return None if stored else 1 + max(map(depth, order), default=0)

    # ---- registers

    def _allocate(self, name: str) -> None:
        code = self.codes[name]
        numbers: dict[Register, int] = {word: k for k, word in enumerate(code.operands)}
        for line in code.lines:
            numbers |= {r: r for r in line.registers if isinstance(r, int)}
        below = max(map(self._highest, self._callees(name)), default=RESULT)
        taken = set(numbers.values())
        free = (k for k in count(max(below + 1, len(code.operands))) if k not in taken)
        for word in code.names[len(code.operands) :]:
            numbers[word] = next(free)
        self.numbers[name] = numbers
        self.highest[name] = max([RESULT, below, *numbers.values()])

    def _highest(self, name: str) -> int:
        if name not in self.highest:
            self._allocate(name)
        return self.highest[name]

    # ---- lines

    def _rows(self, code: Code, places: Mapping[str, range]) -> Iterator[list[int]]:
        numbers = self.numbers[code.name]
        starts = [places[code.name].start]
        for line in code.lines:
            starts.append(starts[-1] + _length(code, line))

        def goal(label: str | None) -> int:
            if label is None:
                return 0
            there = code.labels.get(label)
            return places[label].start if there is None else starts[there]

        for k, line in enumerate(code.lines):
            first, second, target = (
                0 if r is None else numbers[r] for r in (line.first, line.second, line.target)
            )
            if line.operation == "call":
                yield _row("store", label=starts[k + 1])
                yield _row("goto", label=goal(line.label))
            elif line.operation == "ret":
                if _copies(code, line):
                    yield _row("copy", first, target=RESULT)
                yield _row("ret")
            else:
                value = (line.value or 0) % self.size
                yield _row(line.operation, first, second, target, value, goal(line.label))

    # ---- errors

    def _check(self, order: list[str]) -> None:
        errors = []
        for name in order:
            code = self.codes[name]
            for line in code.calls():
                if line.label not in self.codes:
                    errors.append(self._unknown(code, line))
            for k, line in enumerate(code.lines):
                if line.value is not None and not -self.size <= line.value < self.size:
                    errors.append(SourceError(
                        "E610", f"the value {line.value} does not fit {self.size} values",
                        _place(code, line, k), hint=f"values are 0 … {self.size - 1}; "
                        f"-1 is {self.size - 1}; or use a machine with more values (n)",
                    ))  # fmt: skip
        if errors:
            raise ModelErrors(errors)

    def _unknown(self, code: Code, line: Line) -> SourceError:
        assert line.label is not None
        near = get_close_matches(line.label, [*code.labels, *self.codes], 1)
        return SourceError(
            "E603", f"there is no label or routine {line.label!r}",
            _place(code, line, code.lines.index(line)),
            hint=f"did you mean {near[0]!r}?" if near
            else f"write `{line.label}:` before a line of {code.name}, or add a routine",
        )  # fmt: skip


def _length(code: Code, line: Line) -> int:
    """Return how many lines of the machine a line is."""
    return 2 if line.operation == "call" or _copies(code, line) else 1


def _copies(code: Code, line: Line) -> bool:
    """Say whether a `ret` needs a line before it that brings the result to its register."""
    return line.operation == "ret" and line.first not in (None, RESULT, *code.operands[:1])


def _row(
    operation: str, first: int = 0, second: int = 0, target: int = 0, value: int = 0,
    label: int = 0,
) -> list[int]:  # fmt: skip
    row = [OPERATIONS.index(operation), first, second, target, value, label]
    assert len(row) == len(FIELDS)
    return row


def _place(code: Code, line: Line, at: int) -> Span:
    """Return where a line stands; where it was not written, in the text that it would be."""
    if line.span is not None:
        return line.span
    shown = Source(code.name, text([code]))
    start = shown.offset(at + 2, 0)
    return Span(shown, start, shown.text.find("\n", start))
