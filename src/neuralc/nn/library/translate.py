"""Programs of the register machine without subroutines (`machines/ram.py`) become routines.

Registers that only ever hold a line become labels. Where a program jumps to a line that it has
computed, as it does when a call of a Python function comes back, the lines that may be meant are
asked for one after the other.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence

from neuralc.ir.alm import ENDS, Code, Line
from neuralc.ir.assembly import ARITY, RESULT, Assembly
from neuralc.ir.assembly import Line as RamLine

_PLAIN = {"INC": "inc", "DEC": "dec", "ADD": "add", "SUB": "sub", "MIN": "min", "MAX": "max",
          "READ": "read"}  # fmt: skip
_END = "end"


def translate(
    name: str, assembly: Assembly, values: int, *, arguments: int | None = None,
    targets: Collection[int] | None = None, traps: Collection[int] = (),
) -> Code:  # fmt: skip
    """Return a program as a routine.

    Args:
        name: of the routine.
        assembly: the program.
        values: n, which is the size of its memory, too.
        arguments: how many numbers it takes in the cells from 0 on, with its result in cell 0;
            they become operands. None: it works on the memory, and takes no operands.
        targets: the lines that a jump to a computed line may mean; None: any.
        traps: the lines of `STOP`s that end a run because the stack is full.

    """
    return _Translation(assembly, values, arguments, targets, traps).code(name)


class _Translation:
    def __init__(
        self, assembly: Assembly, values: int, arguments: int | None,
        targets: Collection[int] | None, traps: Collection[int],
    ) -> None:  # fmt: skip
        """Find out which registers are constants, and which are looked at."""
        self.assembly, self.values, self.traps = assembly, values, traps
        self.operands = tuple(f"operand{k}" for k in range(arguments or 0))
        self.names = {-1: "looked_at"} | {
            r: _named(r, assembly.names) for r in range(len(assembly.registers))
        }
        self.has_result = arguments is not None
        every = range(len(assembly.lines))
        self.targets = [k for k in (every if targets is None else targets) if k in every]
        set_by = {0 if line.target is None and line.operation in RESULT else line.target
                  for line in assembly.lines}  # fmt: skip
        self.constants = {
            r: value % values
            for r, value in enumerate(assembly.registers)
            if r not in set_by and value is not None
        }
        self.read = {r for line in assembly.lines for r in _arguments(line)}
        self.dispatched: dict[int, str] = {}
        self.lines: list[Line] = []
        self.labels: dict[str, int] = {}

    def code(self, name: str) -> Code:
        self._prologue()
        for k, line in enumerate(self.assembly.lines):
            self.labels[_label(k)] = len(self.lines)
            self.lines += self._line(k, line)
        if self.lines[-1].operation not in ENDS:
            behind = len(self.assembly.lines)
            self._put("goto", label=_label(0) if behind == self.values else _END)
        for register, label in self.dispatched.items():
            self.labels[label] = len(self.lines)
            for k in self.targets:
                self._put("jump", first=self.names[register], value=k, label=_label(k))
            self._put("goto", label=_END)
        self.labels[_END] = len(self.lines)
        if self.has_result:
            self._put("set", target="cell", value=0)
            self._put("read", first="cell", target="cell")
            self._put("ret", first="cell")
        else:
            self._put("ret")
        used = {line.label for line in self.lines}
        labels = {label: at for label, at in self.labels.items() if label in used}
        return Code(name, self.operands, tuple(self.lines), labels)

    def _put(self, operation: str, **parts: str | int | None) -> None:
        self.lines.append(Line(operation, **parts))  # type: ignore[arg-type]

    def _prologue(self) -> None:
        """Put the operands into the cells, and constants into the registers."""
        for k, operand in enumerate(self.operands):
            self._put("set", target="cell", value=k)
            self._put("write", first="cell", second=operand)
        looked_at = self.read - self._only_lines()
        for r, value in enumerate(self.assembly.registers):
            if r in looked_at:
                self._put("set", target=self.names[r], value=(value or 0) % self.values)
        if self.assembly.start:
            self._put("goto", label=_label(self.assembly.start))

    def _only_lines(self) -> set[int]:
        """Return the constants that only ever say where to jump, or that a jump depends on."""
        others = {
            r for line in self.assembly.lines for r in _arguments(line) if line.operation != "JEZ"
        }
        return set(self.constants) - others

    # ---- lines

    def _line(self, k: int, line: RamLine) -> Iterator[Line]:
        first, second, target = line.first or 0, line.second or 0, line.target or 0
        span = line.span
        match line.operation:
            case "STOP":
                yield Line("trap") if k in self.traps else Line("goto", label=_END, span=span)
                return
            case "JEZ":
                yield from self._jump(line, first, second)
                return
            case "ZERO":
                yield Line("set", target=self.names[target], value=0, span=span)
            case "WRITE":
                yield Line("write", self.names[first], self.names[second], span=span)
                yield from self._cleared(line)
            case operation if ARITY[operation] == 1:
                yield Line(
                    _PLAIN[operation], self.names[first], target=self.names[target], span=span
                )
            case operation:
                yield Line(
                    _PLAIN[operation],
                    self.names[first],
                    self.names[second],
                    self.names[target],
                    span=span,
                )

    def _cleared(self, line: RamLine) -> Iterator[Line]:
        """Yield what sets the target of an instruction without a result to 0, if one looks."""
        if line.target in self.read:
            yield Line("set", target=self.names[line.target or 0], value=0, span=line.span)

    def _jump(self, line: RamLine, first: int, second: int) -> Iterator[Line]:
        test, goal = self.names[first], self._goal(second)
        if line.target in self.read:  # it may be what the jump looks at
            assert line.target is not None
            if line.target in (first, second):
                yield Line("copy", self.names[line.target or 0], target="looked_at")
                test = "looked_at" if line.target == first else test
                if line.target == second:
                    goal = self._computed(-1)
            yield from self._cleared(line)
        if first in self.constants:
            if self.constants[first] == 0:
                yield Line("goto", label=goal, span=line.span)
            return
        yield Line("jump", test, value=0, label=goal, span=line.span)

    def _goal(self, register: int) -> str:
        """Return the label of the line that a register holds."""
        if register not in self.constants:
            return self._computed(register)
        line = self.constants[register]
        return _label(line) if line < len(self.assembly.lines) else _END

    def _computed(self, register: int) -> str:
        return self.dispatched.setdefault(register, f"to_{self.names[register]}")


def _arguments(line: RamLine) -> tuple[int, ...]:
    """Return the registers that an instruction looks at; any register is register 0."""
    return tuple(r or 0 for r in (line.first, line.second)[: ARITY[line.operation]])


def _label(line: int) -> str:
    return f"line_{line}"


def _named(register: int, names: Sequence[str]) -> str:
    """Return a name for a register that no other has: that of the program, and the number."""
    name = names[register] if register < len(names) else ""
    word = re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII) and not re.fullmatch(r"r\d+", name)
    return f"{name if word else 'x'}_{register}"
