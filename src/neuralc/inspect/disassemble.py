"""The weights of a register machine as a listing, with how sure they are.

What is printed is assembly again: the most probable program, and behind each line that is not
certain, as a remark, what else it may be. Compiling it again gives the weights that it came from
if they were compiled, too.

Source: the three types of programs are those of Bunel et al., "Adaptive Neural Compilation"
(2016), arXiv:1605.07969, section 5.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from neuralc.inspect.matters import Choice, Paths
from neuralc.ir.assembly import OPERATIONS, Assembly
from neuralc.lang import asm
from neuralc.nn.machine import RegisterMachine
from neuralc.nn.weights import FLAT, read

CERTAIN = 0.9
SHOWN = 4  # values of a choice that a remark names
_FIELDS = {"instruction": "", "first": "first ", "second": "second ", "target": "target "}
_ROW = re.compile(r"var r(?P<register>\d+) = |\s*(?P<line>\d+):")
MEANING = {
    1: "every choice that matters is certain",
    2: "certain but for where jumps lead",
    3: "some choices that matter are not certain",
}


@dataclass(frozen=True)
class Doubt:
    """A choice that matters and is not certain: its likely values with their probabilities."""

    place: str
    values: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Disassembly:
    """A program that was read from weights.

    Attributes:
        text: the listing; assembly text with remarks.
        assembly: the most probable program.
        kind: the type of the paper: 1, every choice that matters is certain; 2, all but where
            jumps lead; 3, any other.
        confidence: the least of the largest probabilities of the choices that matter.
        doubts: the choices that matter and are not certain.

    """

    text: str
    assembly: Assembly
    kind: int
    confidence: float
    doubts: tuple[Doubt, ...]


def disassemble(
    machine: RegisterMachine, restart: int = 0, *, names: Assembly | None = None,
    certain: float = CERTAIN,
) -> Disassembly:  # fmt: skip
    """Read the program of a machine.

    Args:
        machine: the machine.
        restart: which of its programs.
        names: a program whose names of registers and lines are used.
        certain: probability from which on a choice is taken for certain.

    """
    program = read(machine, restart)
    if names is not None:
        labels = {k: name for k, name in names.labels.items() if k < len(program.lines)}
        program = replace(program, names=names.names, labels=labels)
    chances = {
        name: np.atleast_1d(p[restart].detach().double().cpu().numpy())
        for name, p in machine.probabilities().items()
    }
    paths = Paths(chances, len(program.lines), certain)
    doubts = tuple(
        Doubt(_place(c), tuple((_value(c, k), float(paths.row(c)[k])) for k in paths.likely(c)))
        for c in paths.doubtful
    )
    text = _Listing(program, paths).text()
    return Disassembly(text, program, paths.kind, paths.confidence, doubts)


def _place(choice: Choice) -> str:
    match choice.name:
        case "initial_line":
            return "first line"
        case "initial_registers":
            return f"start of r{choice.place}"
        case name:
            return f"line {choice.place}: {name}"


def _value(choice: Choice, value: int) -> str:
    if choice.name == "instruction":
        return OPERATIONS[value]
    return f"r{value}" if choice.name in _FIELDS else str(value)


@dataclass(frozen=True)
class _Listing:
    """The text of a program, with remarks."""

    program: Assembly
    paths: Paths

    def text(self) -> str:
        rows = asm.text(self.program).splitlines()
        doubtful = set(self.paths.doubtful)
        found: list[str] = []
        if Choice("initial_line") in doubtful:
            found.append(f"# first line {self._chances(Choice('initial_line'))}")
        for row in rows:
            match = _ROW.match(row)
            here = [] if match is None else self._choices(match)
            remarks = [_FIELDS.get(c.name, "") + self._chances(c) for c in here if c in doubtful]
            found.append(_with_remark(row, "; ".join(remarks)))
            if match is not None and match["line"] and doubtful.intersection(self._leads(here)):
                found += self._chain(int(match["line"]))
        return "\n".join(found) + "\n"

    def _choices(self, match: re.Match[str]) -> list[Choice]:
        if match["register"]:
            return [Choice("initial_registers", int(match["register"]))]
        return [Choice(name, int(match["line"])) for name in _FIELDS]

    def _chances(self, choice: Choice) -> str:
        """Return the likely values of a choice; a `-` before them where none has the majority."""
        row, likely = self.paths.row(choice), self.paths.likely(choice)
        if row.max() - row.min() < FLAT:
            return "any"
        shown = [f"{_value(choice, k)} {row[k]:.2f}" for k in likely[:SHOWN]]
        more = ", …" if len(likely) > SHOWN else ""
        return ("" if row.max() > 0.5 else "- ") + ", ".join(shown) + more

    # ---- where jumps lead

    def _leads(self, here: list[Choice]) -> Iterator[Choice]:
        """Yield the choices that say where the jump of a line leads; none if it is no jump."""
        for choice in here:
            if choice.name == "second" and self.paths.operation(choice.place) == "JEZ":
                yield choice
                for r in self.paths.likely(choice):
                    yield Choice("initial_registers", r)

    def _chain(self, line: int) -> list[str]:
        """Return a jump that may lead to several lines as a chain of conditions."""
        first, second = Choice("first", line), Choice("second", line)
        destinations = self.paths.destinations(line)
        if destinations is None:
            row = self.paths.row(second)
            ways = [(f"the line in r{r}", row[r]) for r in self.paths.likely(second)]
        else:
            ways = [(self._line(k), p) for k, p in destinations.items()]
        found = [f"    # if r{self.paths.likely(first)[0]} == 0:"]
        for k, (way, chance) in enumerate(ways):
            found.append(f"    #   {'elif' if k else 'if'} chance {chance:.2f}: go to {way}")
        return found

    def _line(self, number: int) -> str:
        name = self.program.labels.get(number)
        return f"{number} ({name})" if name else str(number)


def _with_remark(row: str, remark: str) -> str:
    if not remark:
        return row
    return f"{row}; {remark}" if "#" in row else f"{row}  # {remark}"
