"""A reference on Python's own numbers and lists: its syntax becomes nested closures, once.

Nothing of the text is handed to Python's compiler. A closure takes the frame, a list with one
slot for each local name. Every input starts from the text: what a call did to a list that is a
constant of the file is forgotten.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from neuralc.errors import SourceError
from neuralc.lang.pyfn.blocks import fill
from neuralc.lang.pyfn.closures import Values
from neuralc.lang.pyfn.machine import NOTHING, Function, Machine, Stop
from neuralc.lang.pyfn.reference import Reference, parameters, too_deep

MOST_STEPS = 200_000
"""Turns of loops and calls of functions, for one input."""
SHOWN = 200
"""Characters of an input that a message shows."""


class Concrete:
    """A reference, ready to be called many times. Not for several threads at once."""

    def __init__(self, reference: Reference, steps: int = MOST_STEPS) -> None:
        """Make the closures.

        Args:
            reference: the function.
            steps: turns of loops and calls of functions that one input may take.

        Raises:
            SourceError: a constant of the file has no value, or the text is nested too deeply.

        """
        self.reference = reference
        self._machine = Machine(steps)
        self._main = Function(reference.parameters)
        try:
            self._fill()
        except RecursionError:
            raise too_deep(reference.source) from None
        self._lists = {k: v for k, v in self._machine.constants.items() if _has_list(v)}

    def __call__(self, inputs: Mapping[str, Any]) -> Any:
        """Return what the function gives: a number, a list, a dict of outputs, or None.

        Args:
            inputs: a number or nested lists for each parameter; they stay as they are, whatever
                the function does to its own.

        Raises:
            SourceError: it has no result, with the place and the inputs.

        """
        given = [inputs[name] for name in self.reference.parameters]
        copies = [_fresh(value, {}) if isinstance(value, list) else value for value in given]
        if self._lists:
            seen: dict[int, Any] = {}
            self._machine.constants |= {k: _fresh(v, seen) for k, v in self._lists.items()}
        try:
            result = self._guarded(partial(self._main.call, copies))
            if result is NOTHING:
                hint = "write `return None` where nothing is asked"
                raise Stop(self.reference.main, "it ends without `return`", hint=hint)
        except Stop as stop:
            given_names = dict(zip(self.reference.parameters, given, strict=True))
            raise self._error(stop, given_names) from None
        return result

    def _fill(self) -> None:
        """Make the closures of all functions; then the constants, which may call them."""
        helpers = self.reference.helpers
        functions = {name: Function(parameters(node)) for name, node in helpers.items()}
        self._machine.functions.update(functions)
        for name, node in helpers.items():
            fill(self._machine, functions[name], node)
        fill(self._machine, self._main, self.reference.main)
        self._constants()

    def _constants(self) -> None:
        """Give every constant its value, in the order of the text; tables may call helpers."""
        for name, value in self.reference.constants.items():
            holder = Function(())
            values = Values(self._machine, holder)
            made = values.value(value, {})
            frame: list[Any] = [None] * values.size
            try:
                self._machine.constants[name] = self._guarded(partial(made, frame))
            except Stop as stop:
                raise self._error(stop, {}) from None

    def _guarded(self, work: Callable[[], Any]) -> Any:
        self._machine.clock[0] = self._machine.steps
        try:
            return work()
        except RecursionError:
            message = "too many calls are open within one another"
            main = self.reference.main
            raise Stop(main, message, code="E321", hint="use a loop") from None

    def _error(self, stop: Stop, inputs: Mapping[str, Any]) -> SourceError:
        at = f" for {shown(inputs)}" if inputs else ""
        what = {"E320": "has no result", "E321": "takes too long"}[stop.code]
        message = f"{self.reference.what} {what}{at}: {stop.message}"
        return self.reference.error(stop.code, message, stop.node, hint=stop.hint)


def shown(values: Mapping[str, Any]) -> str:
    """Return `x = 3, tape = [0, 1]`; what is long is cut."""
    text = ", ".join(f"{name} = {value}" for name, value in values.items())
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


def _has_list(value: Any) -> bool:
    if isinstance(value, tuple):
        return any(map(_has_list, value))
    return isinstance(value, list)


def _fresh(value: Any, seen: dict[int, Any]) -> Any:
    """Return a value with lists of its own; what was one list stays one list."""
    if not isinstance(value, list | tuple):
        return value
    if id(value) not in seen:
        if isinstance(value, tuple):
            seen[id(value)] = tuple(_fresh(element, seen) for element in value)
        else:
            made = seen[id(value)] = []
            made += [_fresh(element, seen) for element in value]
    return seen[id(value)]
