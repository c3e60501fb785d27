"""Which choices of a register machine matter: a static look at its likely paths.

A line that is not reached does not matter, nor an argument that the instruction does not look at,
a result that nobody reads, or a start value that is overwritten first. Nothing is run, so the
answer holds for all memories; it may call something relevant that never is.

Source: the types of programs of Bunel et al., "Adaptive Neural Compilation" (2016),
arXiv:1605.07969, section 5, count only such choices.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from neuralc.ir.assembly import ARITY, OPERATIONS, RESULT

Array = np.ndarray[Any, Any]
MASS = 0.05
"""Probabilities up to this are left out, as in the paper's listings."""

LIKELY = 0.5
"""What stops, or overwrites a register, with more than this probability is taken to do so."""

STOP, JEZ = OPERATIONS.index("STOP"), OPERATIONS.index("JEZ")
_PLAIN = [k for k, name in enumerate(OPERATIONS) if name in RESULT]
ARGUMENTS = ("first", "second")


class Choice(NamedTuple):
    """One choice: the name of the model's array, and the number of the line or register."""

    name: str
    place: int = 0


@dataclass(frozen=True, eq=False)
class Paths:
    """The likely paths through a program.

    Attributes:
        chances: probabilities of all choices, by the names of the model, `[*shape, size]`.
        lines: how many lines the program has; where a jump is computed it may lead to any of them.
        certain: probability from which on a choice is taken for certain.

    """

    chances: Mapping[str, Array]
    lines: int
    certain: float

    def likely(self, choice: Choice) -> tuple[int, ...]:
        """Return the values of a choice that are not negligible, the most probable first."""
        if choice not in self._likely:
            row = self.row(choice)
            found = np.argsort(-row, kind="stable")
            self._likely[choice] = tuple(found[: max(1, int((row > MASS).sum()))].tolist())
        return self._likely[choice]

    @cached_property
    def _likely(self) -> dict[Choice, tuple[int, ...]]:
        return {}

    def row(self, choice: Choice) -> Array:
        """Return the probabilities of a choice, `[size]`."""
        return np.asarray(np.atleast_2d(self.chances[choice.name])[choice.place])

    def operation(self, line: int) -> str:
        """Return the most probable instruction of a line."""
        return OPERATIONS[int(self.chances["instruction"][line].argmax())]

    # ---- which lines are reached

    @cached_property
    def starts(self) -> tuple[int, ...]:
        """The lines that a run may begin with."""
        return self.likely(Choice("initial_line"))

    @cached_property
    def reached(self) -> frozenset[int]:
        """The lines that a run may come to."""
        seen = set(self.starts)
        while True:
            constant = self._constant(seen)  # it shrinks, and what follows grows
            more = {n for line in seen for n in self._following(line, constant)} - seen
            if not more:
                return frozenset(seen)
            seen |= more

    @cached_property
    def constant(self) -> frozenset[int]:
        """The registers that no reached line writes to."""
        return self._constant(self.reached)

    def _constant(self, lines: set[int] | frozenset[int]) -> frozenset[int]:
        written = {r for line in lines for r in self.targets(line)}
        return frozenset(range(len(self.chances["initial_registers"]))) - written

    def targets(self, line: int) -> tuple[int, ...]:
        """Return the registers that a line may write to before another one reads them."""
        stops = self.chances["instruction"][line, STOP] > LIKELY
        return () if stops else self.likely(Choice("target", line))

    def _following(self, line: int, constant: frozenset[int]) -> Iterator[int]:
        stop, jump = self.chances["instruction"][line, [STOP, JEZ]]
        if stop > LIKELY:
            return
        after = (line + 1) % len(self.chances["initial_line"])
        if 1 - stop - jump > MASS:
            yield after
        if jump > MASS:
            zero = [
                self.chances["initial_registers"][r, 0] if r in constant else None
                for r in self.likely(Choice("first", line))
            ]
            if any(p is None or p < 1 - MASS for p in zero):
                yield after
            if any(p is None or p > MASS for p in zero):
                yield from self._destinations(line, constant) or range(self.lines)

    def destinations(self, line: int) -> dict[int, float] | None:
        """Return where a jump may lead, with the probabilities; None: that is computed."""
        return self._destinations(line, self.constant)

    def _destinations(self, line: int, constant: frozenset[int]) -> dict[int, float] | None:
        registers = list(self.likely(Choice("second", line)))
        if not constant.issuperset(registers):
            return None
        weights = self.chances["second"][line, registers]
        mixed = weights @ self.chances["initial_registers"][registers]
        found = [int(k) for k in np.argsort(-mixed, kind="stable") if mixed[k] > MASS]
        return {k: float(mixed[k]) for k in found or [int(mixed.argmax())]}

    # ---- which registers are read later

    @cached_property
    def live(self) -> dict[int, frozenset[int]]:
        """The registers whose value after a line is read before it is overwritten, by line."""
        after: dict[int, frozenset[int]] = dict.fromkeys(self.reached, frozenset())
        following = {k: set(self._following(k, self.constant)) for k in self.reached}
        changed = True
        while changed:
            changed = False
            before = {line: self._before(line, after[line]) for line in after}
            for line, rest in following.items():
                found = frozenset[int]().union(*(before[k] for k in rest))
                changed, after[line] = changed or found != after[line], found
        return after

    def _before(self, line: int, after: frozenset[int]) -> frozenset[int]:
        target = self.chances["target"][line]
        kept = {r for r in after if target[r] <= LIKELY}
        if self.useful(line, after):
            for name in self._looks_at(line):
                kept |= set(self.likely(Choice(name, line)))
        return frozenset(kept)

    def _looks_at(self, line: int) -> tuple[str, ...]:
        """Return the arguments that a likely instruction of a line looks at."""
        most = max(ARITY[OPERATIONS[k]] for k in self.likely(Choice("instruction", line)))
        return ARGUMENTS[:most]

    def useful(self, line: int, after: frozenset[int]) -> bool:
        """Tell whether a line does more than compute what nobody reads."""
        effects = 1 - float(self.chances["instruction"][line, _PLAIN].sum())
        return effects > MASS or not after.isdisjoint(self.targets(line))

    # ---- which choices matter

    @cached_property
    def matter(self) -> list[Choice]:
        """The choices that matter: the first line, start values, then line by line."""
        read = frozenset[int]().union(*(self._before(k, self.live[k]) for k in self.starts))
        found = [Choice("initial_line"), *(Choice("initial_registers", r) for r in sorted(read))]
        for line in sorted(self.reached):
            if self.useful(line, self.live[line]):
                found += [Choice(name, line) for name in self._fields(line)]
        return found

    def _fields(self, line: int) -> list[str]:
        operation = self.operation(line)
        fields = ["instruction", *ARGUMENTS[: ARITY[operation]]]
        if operation != "STOP" and not self.live[line].isdisjoint(self.targets(line)):
            fields.append("target")
        return fields

    @cached_property
    def doubtful(self) -> list[Choice]:
        """Those of them that are not certain."""
        return [choice for choice in self.matter if self.row(choice).max() < self.certain]

    @cached_property
    def confidence(self) -> float:
        """The least of the largest probabilities of the choices that matter."""
        return float(min(self.row(choice).max() for choice in self.matter))

    @cached_property
    def kind(self) -> int:
        """The type of the program: 1 certain, 2 certain but for where jumps lead, 3 any other."""
        if not self.doubtful:
            return 1
        return 2 if all(self._leads(choice) for choice in self.doubtful) else 3

    def _leads(self, choice: Choice) -> bool:
        """Tell whether a choice only says where jumps lead."""
        if choice.name == "second":
            return self.operation(choice.place) == "JEZ"
        if choice.name != "initial_registers" or choice.place not in self.constant:
            return False
        uses = [
            c for c in self.matter if c.name in ARGUMENTS and choice.place in self.likely(c)
        ]  # fmt: skip
        return all(c.name == "second" and self.operation(c.place) == "JEZ" for c in uses)
