"""Readable source of a learned program: runs the `@Listing()` of a model on chosen values.

`render` gives the text, with a mark where a choice is unsure or does not matter; `validate` finds
the mistakes of a listing before anything is learned. How expressions are evaluated is in
`listing_values.py`. Knows nothing of how choices were found.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from itertools import groupby
from typing import Any

import numpy as np

from neuralc.errors import DataError, NeuralcError, SourceError
from neuralc.ir.evaluate import Element
from neuralc.ir.nodes import Int, Program
from neuralc.lang.model.listing_values import Line, ListingError, Printer
from neuralc.lang.model.places import Places
from neuralc.source import Source

Array = np.ndarray[Any, Any]
SURE = 0.99


def render(
    program: Program,
    listing: Sequence[ast.stmt] | None,
    choices: Mapping[str, Array],
    probabilities: Mapping[str, Array] | None = None,
    dead: Callable[[Element], bool] | None = None,
) -> str:
    """Return the source of the program that the choices make up.

    Args:
        program: the model.
        listing: the body of its `@Listing()`, constants put in (`closed`); None: every choice on a
            line of its own.
        choices: the chosen value of every element, int [*shape] for each `Param`.
        probabilities: the probability of each chosen value, float [*shape]; a choice below 0.99
            is named in a comment on the lines that depend on it.
        dead: says that a choice cannot influence any output; a line is marked `# dead` if that is
            so for all open choices it depends on.

    Returns:
        The lines, each with its mark, joined by newlines.

    Raises:
        DataError: choices or probabilities of the wrong names, shapes or ranges.
        NeuralcError: the listing cannot be run; names its line. `validate` would have said so,
            except for an index that depends on a choice.

    """
    checked = {decl.name: _checked(program, decl.name, choices) for decl in program.of("param")}
    printer = Printer(program, checked)
    if listing is None:
        lines = _plain(program, checked)
    else:
        try:
            printer.body(listing)
        except ListingError as trouble:
            raise NeuralcError(
                f"line {trouble.line} of the listing: {trouble.message}\n  hint: {trouble.hint}"
            ) from None
        lines = printer.lines
    fixed = {(f.name, f.index) for f in program.fixed}
    marker = _Marker(fixed, probabilities or {}, dead)
    return "\n".join(marker.marked(line, by_name=listing is None) for line in lines)


def validate(program: Program, listing: Sequence[ast.stmt], source: Source) -> list[SourceError]:
    """Return what is wrong with a listing, whatever is learned.

    Args:
        program: the model, with its declarations.
        listing: the body of its `@Listing()`, parsed from `source`, constants put in.
        source: the text of the model.

    Returns:
        One E170 for each place: an unknown name, a wrong index, anything that a listing may not
        contain. Branches that depend on choices are all followed.

    """
    printer = Printer(program, None)
    printer.body(listing)
    places = Places(source)
    errors: dict[str, SourceError] = {}
    for trouble in printer.troubles:
        error = SourceError("E170", trouble.message, places.span(trouble.node), hint=trouble.hint)
        errors.setdefault(str(error), error)
    return list(errors.values())


def closed(listing: Sequence[ast.stmt], constants: Mapping[str, int]) -> tuple[ast.stmt, ...]:
    """Return a copy of a listing in which the constants of its model are numbers.

    Args:
        listing: the body of a `@Listing()`.
        constants: all names of the model that stand for a number. A name that the listing sets
            itself, such as a loop variable, is left alone.

    """
    inner = {
        node.id
        for statement in listing
        for node in ast.walk(statement)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
    known = {name: value for name, value in constants.items() if name not in inner}
    return tuple(_Closing(known).visit(deepcopy(statement)) for statement in listing)


class _Closing(ast.NodeTransformer):
    def __init__(self, constants: Mapping[str, int]) -> None:
        self.constants = constants

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id not in self.constants:
            return node
        return ast.copy_location(ast.Constant(self.constants[node.id]), node)


def show_element(element: Element) -> str:
    """Return `write[1, 0]`, or `ret` for a single variable."""
    name, index = element
    return f"{name}[{', '.join(map(str, index))}]" if index else name


def _checked(program: Program, name: str, choices: Mapping[str, Array]) -> Array:
    decl = program.decl[name]
    assert isinstance(decl.type, Int)
    if name not in choices:
        raise DataError(f"no choice was given for {name!r}, found {sorted(choices)}")
    array = np.asarray(choices[name])
    if array.shape != decl.shape or array.dtype.kind not in "iu":
        raise DataError(
            f"the choices of {name!r} are {array.dtype}{list(array.shape)}, "
            f"wanted integers of shape {list(decl.shape)}"
        )
    if array.size and not 0 <= array.min() <= array.max() < decl.type.size:
        raise DataError(
            f"the choices of {name!r} are in {array.min()}..{array.max()}, "
            f"wanted 0..{decl.type.size - 1}"
        )
    return array


def _plain(program: Program, choices: Mapping[str, Array]) -> list[Line]:
    """Return one line for each choice, a gap between arrays."""
    lines: list[Line] = []
    for name, array in choices.items():
        if lines and (array.shape or program.decl[lines[-1].because[0][0]].shape):
            lines.append(Line("", ()))
        for index in np.ndindex(array.shape):
            element = name, index
            lines.append(Line(f"{show_element(element)} = {int(array[index])}", (element,)))
    return lines


class _Marker:
    """Puts comments after lines."""

    def __init__(
        self,
        fixed: set[Element],
        probabilities: Mapping[str, Array],
        dead: Callable[[Element], bool] | None,
    ) -> None:
        self.fixed, self.probabilities, self.dead = fixed, probabilities, dead

    def marked(self, line: Line, *, by_name: bool) -> str:
        """Return a line with its comment; `by_name`: the line itself says which choice it is."""
        free = [element for element in line.because if element not in self.fixed]
        notes = []
        if by_name and line.because and not free:
            notes.append("fixed")
        if free and self.dead is not None and all(self.dead(element) for element in free):
            notes.append("dead")
        unsure = [(e, p) for e in free if (p := self._probability(e)) is not None and not p >= SURE]
        names = {n: len(list(group)) for n, group in groupby(sorted(e[0] for e, _ in unsure))}
        for element, p in unsure:
            shown = element[0] if names[element[0]] == 1 else show_element(element)
            chance = f"{math.floor(p * 100) / 100:.2f}" if math.isfinite(p) else str(p)
            notes.append(chance if by_name else f"{shown} {chance}")
        return f"{line.text}  # {', '.join(notes)}" if notes else line.text

    def _probability(self, element: Element) -> float | None:
        name, index = element
        return float(self.probabilities[name][index]) if name in self.probabilities else None
