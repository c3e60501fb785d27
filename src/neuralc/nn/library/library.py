"""A library of routines by name, all on numbers 0 … n - 1: written, translated, or learned."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from neuralc import routines
from neuralc.errors import HyperError, NeuralcError
from neuralc.files import read_text
from neuralc.ir.alm import Code
from neuralc.ir.nodes import Program as Model
from neuralc.lang import alm
from neuralc.nn.library.assembly import AssemblyRoutine
from neuralc.nn.library.machine import roomy
from neuralc.nn.library.models import ModelRoutine
from neuralc.nn.library.routine import Routine
from neuralc.nn.library.saving import from_json, to_json
from neuralc.nn.library.soft import SoftLibrary
from neuralc.nn.library.sources import Translated, checked_name, routines_of
from neuralc.nn.weights import SHARP
from neuralc.source import Source

MOST_VALUES = 2000  # tables of two operands have at most 4,000,000 entries
MOST_CELLS = 128
DEPTH = 64
MAX_STEPS = 100_000


class RoutineLibrary(Mapping[str, Routine]):
    """Routines by name.

    Routines of one library may call each other; those that were translated or learned are called
    like all others.

    Attributes:
        n: the number of values of operands and results.
        cells: of the memory of routines that were written for it, at most n.
        depth: how many return lines the stack holds.
        max_steps: after so many steps a run is given up.

    """

    def __init__(
        self, n: int, *, cells: int | None = None, depth: int = DEPTH, max_steps: int = MAX_STEPS
    ) -> None:
        """Make an empty library.

        Args:
            n: the number of values, 2 … 2000.
            cells: of the memory; None: n, but at most 128.
            depth: how many return lines the stack holds.
            max_steps: after so many steps a run is given up.

        Raises:
            HyperError: a size that is none, or too large.

        """
        if cells is None:
            cells = min(n, MOST_CELLS) if isinstance(n, int) else 0
        limits = {"n": (n, 2, MOST_VALUES), "cells": (cells, 1, n), "depth": (depth, 1, 4096),
                  "max_steps": (max_steps, 1, 10**9)}  # fmt: skip
        for name, (value, low, high) in limits.items():
            if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
                raise HyperError(f"{name} is a whole number {low} … {high}, found {value!r}")
        self.n, self.cells, self.depth, self.max_steps = n, cells, depth, max_steps
        self._codes: dict[str, Code] = {}
        self._cells: dict[str, int] = {}  # of routines that need another memory
        self._routines: dict[str, Routine] = {}

    @staticmethod
    def standard(
        n: int = 128, *, cells: int | None = None, depth: int = DEPTH, max_steps: int = MAX_STEPS
    ) -> RoutineLibrary:
        """Return a new library with arithmetic modulo n and sorting; see docs/routines.md.

        Arguments and errors are those of the class.
        """
        library = RoutineLibrary(n, cells=cells, depth=depth, max_steps=max_steps)
        library.add(Source("standard", read_text(routines.standard())))
        return library

    # ---- what there is

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the routines, in the order in which they came."""
        return tuple(self._routines)

    def __getitem__(self, name: str) -> Routine:
        """Return a routine; raises NeuralcError (a KeyError, too) where there is none."""
        if name not in self._routines:
            raise UnknownRoutine(
                f"there is no routine {name!r}\n  hint: there are {', '.join(self) or 'none'}"
            )
        return self._routines[name]

    def __iter__(self) -> Iterator[str]:
        """Yield the names."""
        return iter(self._routines)

    def __len__(self) -> int:
        """Return how many routines there are."""
        return len(self._routines)

    def __repr__(self) -> str:
        """Return the number of values and the names."""
        return f"RoutineLibrary(n={self.n}: {', '.join(self) or 'empty'})"

    # ---- changes

    def add(self, program: Any, name: str | None = None, *, stack: int | None = None) -> Routine:
        """Add a routine; all is as it was where this fails.

        Args:
            program: text of this machine, which may have several routines; assembly text of the
                register machine (operations in capitals); Python text; a `Source` of one of these;
                a parsed program of the register machine; a function decorated with
                `neuralc.program`; a learned solution, or what else has a `model` and `choices`; or
                a model without open choices.
            name: of the routine; of a text with several, the one that is returned. None: as it is
                called in the text.
            stack: of Python programs that call themselves, see `neuralc.compile`.

        Returns:
            The routine, the first of those of a text.

        Raises:
            ModelErrors: what is wrong with the text.
            NeuralcError: the name is taken, or the program cannot be a routine.

        """
        model = getattr(program, "model", program)  # of a solution, or without choices
        inner = getattr(model, "program", None)
        if isinstance(inner, Model):
            wanted = checked_name(name or inner.name)
            self._check_new([wanted])
            choices = {} if model is program else program.choices
            routine = ModelRoutine(wanted, inner, choices, n=self.n)
            self._routines[wanted] = routine
            return routine
        found = routines_of(program, name, self.n, stack=stack)
        self._put(found)
        return self._routines[found[0].code.name]

    def _put(self, found: list[Translated]) -> None:
        self._check_new([one.code.name for one in found])
        codes = self._codes | {one.code.name: one.code for one in found}
        cells = {one.code.name: self.n for one in found if one.whole_memory}
        made = {
            one.code.name: AssemblyRoutine(
                one.code.name, codes, n=self.n, depth=self.depth, max_steps=self.max_steps,
                cells=cells.get(one.code.name, self.cells),
            )
            for one in found
        }  # fmt: skip
        self._codes = codes
        self._cells |= cells
        self._routines |= made

    def _check_new(self, names: list[str]) -> None:
        for k, name in enumerate(names):
            if name in self._routines or name in names[:k]:
                raise NeuralcError(
                    f"there is a routine {name!r} already\n"
                    "  hint: remove it first, or give another name"
                )

    def remove(self, name: str) -> None:
        """Remove a routine.

        Raises:
            NeuralcError: there is none of this name, or another routine calls it.

        """
        self[name]
        callers = [
            one.name for one in self._codes.values()
            if one.name != name and any(line.label == name for line in one.calls())
        ]  # fmt: skip
        if callers:
            raise NeuralcError(
                f"{name} is called by {', '.join(callers)}\n  hint: remove these first"
            )
        del self._routines[name]
        self._codes.pop(name, None)
        self._cells.pop(name, None)

    def only(self, *names: str) -> RoutineLibrary:
        """Return a library of some routines, and those that they call; tables are shared.

        Raises:
            NeuralcError: there is no such routine.

        """
        chosen = {name: self[name] for name in names}
        for routine in list(chosen.values()):
            if isinstance(routine, AssemblyRoutine):
                chosen |= {name: self._routines[name] for name in routine.codes}
        smaller = RoutineLibrary(
            self.n, cells=self.cells, depth=self.depth, max_steps=self.max_steps
        )
        smaller._routines = {name: one for name, one in self._routines.items() if name in chosen}
        smaller._codes = {name: code for name, code in self._codes.items() if name in chosen}
        smaller._cells = {name: size for name, size in self._cells.items() if name in chosen}
        return smaller

    # ---- kept

    def to_json(self) -> dict[str, Any]:
        """Return the library as what JSON can hold; all routines are text."""
        sizes = {"n": self.n, "cells": self.cells, "depth": self.depth,
                 "max_steps": self.max_steps}  # fmt: skip
        return to_json(sizes, self._routines, frozenset(self._cells))

    @staticmethod
    def from_json(content: Any) -> RoutineLibrary:
        """Return the library that `to_json` made JSON of; its texts are parsed, never run.

        Raises:
            SolutionError: it is something else, damaged, or of a newer version.
            NeuralcError: a text or a size is not what it should be.

        """
        sizes, found = from_json(content)
        library = RoutineLibrary(**sizes)
        library._put([one for one in found if isinstance(one, Translated)])
        for one in found:
            if isinstance(one, ModelRoutine):
                library._check_new([one.name])
                library._routines[one.name] = one
        order = [one.name if isinstance(one, ModelRoutine) else one.code.name for one in found]
        library._routines = {name: library._routines[name] for name in order}
        return library

    # ---- all as one machine

    def machine(self, *names: str, sharpness: float = SHARP) -> SoftLibrary:
        """Return routines, and what they call, as one soft machine, `torch.nn.Module`.

        Args:
            names: of the routines; none: all that are assembly.
            sharpness: see `SoftLibrary`.

        Raises:
            NeuralcError: there is no such routine, or it is a model and has no lines.

        """
        for name in names:
            if not isinstance(self[name], AssemblyRoutine):
                raise NeuralcError(f"{name} is a model, and not lines of the machine")
        chosen = names or tuple(self._codes)
        if not chosen:
            raise NeuralcError("the library has no routine with lines")
        image = alm.link(self._codes, chosen, self.n)
        cells = max(self._cells.get(name, self.cells) for name in image.places)
        return SoftLibrary(image, roomy(image, self.n, cells, self.depth), sharpness=sharpness)


class UnknownRoutine(NeuralcError, KeyError):
    """There is no routine of this name."""

    __str__ = NeuralcError.__str__
