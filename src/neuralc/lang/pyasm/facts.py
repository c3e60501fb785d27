"""What is known about values at a point of a program, and how a step reads with that knowledge.

A local may equal a constant, another local, or the result of an operation on locals that have
not changed since; a cell of the memory may equal a local. Addresses are compared as a local plus
a constant, so that `mem[i]` and `mem[i + 1]` are known to differ.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from neuralc.lang.pyasm.flow import COMPUTED, Address, Local, Number, Operand, Step

Computed = tuple[str, Operand, Operand]
Cell = tuple[Local | None, int]
"""A cell: the value of a local plus a constant; None: the constant alone."""


@dataclass
class Facts:
    """What holds at one point; changes as `update` goes over the steps.

    Attributes:
        size: M.
        known: what locals are equal to.
        nonzero: locals that are not 0.
        cells: what cells hold.

    """

    size: int
    known: dict[Local, Operand | Computed] = field(default_factory=dict)
    nonzero: set[Local] = field(default_factory=set)
    cells: dict[Cell, Operand] = field(default_factory=dict)

    def copy(self) -> Facts:
        """Return a copy that changes on its own."""
        return Facts(self.size, dict(self.known), set(self.nonzero), dict(self.cells))

    def met(self, other: Facts) -> Facts:
        """Return what holds on both of two paths."""
        return Facts(
            self.size,
            {k: v for k, v in self.known.items() if other.known.get(k) == v},
            self.nonzero & other.nonzero,
            {k: v for k, v in self.cells.items() if other.cells.get(k) == v},
        )

    # ---- asking

    def best(self, operand: Operand) -> Operand:
        """Return the constant or the first local that an operand equals."""
        while isinstance(operand, Local):
            found = self.known.get(operand)
            if not isinstance(found, Number | Local):
                break
            operand = found
        return operand

    def cell(self, operand: Operand) -> Cell | None:
        """Return an address as a local plus a constant."""
        match operand:
            case Number(value=value):
                return None, value
            case Local():
                match self.known.get(operand):
                    case ("ADD", Local() as base, Number(value=value)):
                        return base, value
                return operand, 0
        return None

    def is_truth(self, operand: Operand) -> bool:
        """Return whether a value is known to be 0 or 1."""
        if isinstance(operand, Local):
            match self.known.get(operand):
                case ("MIN", _, Number(1)):
                    return True
                case ("SUB", Number(1), inner):
                    return self.is_truth(inner)
            return False
        return operand in (Number(0), Number(1))

    # ---- using

    def simplified(self, step: Step) -> Step | None:
        """Return a step that does the same with what is known; None: there is nothing to do."""
        operands = tuple(self.best(operand) for operand in step.operands)
        if operands != step.operands:
            step = replace(step, operands=operands)
        cell = self.cell(operands[0]) if step.operation in ("READ", "WRITE") else None
        if step.operation in COMPUTED:
            step = self._computed(step, *operands)
        elif step.operation == "READ" and cell in self.cells:
            step = replace(step, operation="COPY", operands=(self.cells[cell],))
        elif step.operation == "WRITE" and cell in self.cells:
            return None if self.cells[cell] == operands[1] else step
        if step.operation == "COPY" and step.target is not None:
            value = self.best(step.operands[0])
            there = self.best(step.target) if isinstance(value, Number) else step.target
            return None if value == there else replace(step, operands=(value,))
        return step

    def _computed(self, step: Step, a: Operand, b: Operand) -> Step:
        """Return the simplest form of an arithmetic step."""
        operation, a, b = self._ordered(step.operation, a, b)
        value = self._value(operation, a, b)
        if value is None:
            key = (operation, a, b)
            value = next((local for local, known in self.known.items() if known == key), None)
        if value is not None:
            return replace(step, operation="COPY", operands=(value,))
        if (operation, (a, b)) == (step.operation, step.operands):
            return step
        return replace(step, operation=operation, operands=(a, b))

    def _ordered(self, operation: str, a: Operand, b: Operand) -> tuple[str, Operand, Operand]:
        """Return one of the forms that mean the same: x - 3 is x + (M - 3)."""
        if operation == "SUB" and isinstance(b, Number):
            return "ADD", a, Number(-b.value % self.size)
        if operation != "SUB" and _rank(a) > _rank(b):
            return operation, b, a
        return operation, a, b

    def _value(self, operation: str, a: Operand, b: Operand) -> Operand | None:
        """Return what an operation gives, if that is a constant or there already."""
        match operation, a, b:
            case (_, Number(value=x), Number(value=y)):
                return Number(compute(operation, x, y, self.size))
            case ("ADD", _, Number(0)):
                return a
            case ("SUB", _, _):
                return self._difference(a, b)
            case ("MIN", _, Number(0)) | ("MAX", _, Number(0)):
                return b if operation == "MIN" else a
            case ("MIN" | "MAX", _, Number(value=y)) if y == self.size - 1:
                return a if operation == "MIN" else b
            case ("MIN", _, Number(1)) if self.is_truth(a):
                return a
            case ("MIN" | "MAX", _, _) if a == b:
                return a
        return None

    def _difference(self, a: Operand, b: Operand) -> Operand | None:
        """Return a - b, if it is a constant or there already."""
        first, second = self.cell(a), self.cell(b)
        if first is not None and second is not None and first[0] == second[0]:
            return Number((first[1] - second[1]) % self.size)
        if isinstance(a, Local):
            match self.known.get(a):
                case ("ADD", x, y) if b in (x, y):
                    return y if b == x else x
        return None

    # ---- going on

    def update(self, step: Step) -> None:
        """Take a step, as simplified, into account."""
        target = step.target
        if step.operation == "CALL":
            self.cells.clear()
        if step.operation == "WRITE":
            self._written(*step.operands)
        if target is None:
            return
        match step.operation, step.operands:
            case "ADD", (Local() as first, Number(value=offset)) if first == target:
                self._moved(target, offset)
                return
            case "COPY", (value,) if self.best(value) == target:
                return
        cell = self.cell(step.operands[0]) if step.operation == "READ" else None
        self.forget(target)
        if step.operation == "COPY" and isinstance(step.operands[0], Number | Local):
            self.known[target] = step.operands[0]
            if step.operands[0] in self.nonzero:
                self.nonzero.add(target)
        elif step.operation in COMPUTED and target not in step.operands:
            self.known[target] = (step.operation, *step.operands)  # type: ignore[assignment]
        elif cell is not None and cell[0] != target:
            self.cells[cell] = target

    def forget(self, local: Local) -> None:
        """Forget all that depends on a local, which changes."""
        self.known.pop(local, None)
        self.nonzero.discard(local)
        for key in [k for k, v in self.known.items() if local == v or _mentions(v, local)]:
            del self.known[key]
        for cell in [c for c, v in self.cells.items() if local in (c[0], v)]:
            del self.cells[cell]

    def is_zero(self, operand: Operand) -> None:
        """Note that a value is 0 on this path."""
        if isinstance(operand, Local):
            self.known[operand] = Number(0)

    def is_not_zero(self, operand: Operand) -> None:
        """Note that a value is not 0 on this path."""
        if isinstance(operand, Local):
            self.nonzero.add(operand)

    def _written(self, address: Operand, value: Operand) -> None:
        written = self.cell(address)
        for cell in list(self.cells):
            if written is None or cell[0] != written[0] or cell[1] == written[1]:
                del self.cells[cell]
        if written is not None and not isinstance(value, Address):
            self.cells[written] = value

    def _moved(self, local: Local, offset: int) -> None:
        """A local was increased by a constant: what is measured from it stays known."""
        cells = {
            (base, (place - offset) % self.size if base == local else place): value
            for (base, place), value in self.cells.items()
        }
        sums = {
            key: known[2].value
            for key, known in self.known.items()
            if isinstance(known, tuple) and known[:2] == ("ADD", local)
            and isinstance(known[2], Number)
        }  # fmt: skip
        self.forget(local)
        self.cells = {cell: value for cell, value in cells.items() if value != local}
        for key, value in sums.items():
            rest = (value - offset) % self.size
            self.known[key] = ("ADD", local, Number(rest)) if rest else local


def compute(operation: str, a: int, b: int, size: int) -> int:
    """Return the result of an instruction on two numbers."""
    match operation:
        case "ADD":
            return (a + b) % size
        case "SUB":
            return (a - b) % size
        case "MIN":
            return min(a, b)
    return max(a, b)


def _rank(operand: Operand) -> tuple[int, int]:
    """Order the operands of a symmetric operation: locals first, constants last."""
    match operand:
        case Local(number=number):
            return 0, number
        case Number(value=value):
            return 2, value
    return 1, operand.block


def _mentions(known: Operand | Computed, local: Local) -> bool:
    return isinstance(known, tuple) and local in known[1:]
