"""What is claimed of a program: that it equals something else, or that a property holds.

A claim is checked on inputs on which the program has been run. Knows nothing of domains.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from neuralc.backends.exact import Executor
from neuralc.inspect.subject import Array, Subject
from neuralc.inspect.verdict import Counterexample
from neuralc.lang.pyfn import Concrete, Reference, as_outputs, mismatch, shown

Arrays = Mapping[str, Array]


@dataclass(frozen=True)
class Checked:
    """Of some inputs: of how many something is asked, and the first one that is wrong."""

    asked: int
    wrong: Counterexample | None = None


class Claim(Protocol):
    """Something that a program may or may not fulfil."""

    def check(self, inputs: Arrays, found: Arrays, count: int) -> Checked:
        """Check outputs [count, *shape] on inputs [count, *shape].

        Raises:
            SourceError: a function has no result on some input, with the place and the input.

        """


class EqualsFunction:
    """The program gives what a function gives, wherever that does not return None."""

    def __init__(self, reference: Reference, subject: Subject) -> None:
        """Make the function ready; `hypers` may be parameters beside the inputs."""
        self.reference = reference
        self.constants = dict(subject.program.hypers)
        self.shapes = {decl.name: decl.shape for decl in subject.outputs}
        self._function = Concrete(reference)

    def check(self, inputs: Arrays, found: Arrays, count: int) -> Checked:
        """See `Claim`."""
        columns = {name: array.tolist() for name, array in inputs.items()}
        outputs = {name: array.tolist() for name, array in found.items()}
        asked = 0
        for k in range(count):
            row = {name: column[k] for name, column in columns.items()}
            given = {**self.constants, **row}
            result = as_outputs(self._function(given), tuple(self.shapes))
            if result is None:
                continue
            asked += 1
            mine = {name: column[k] for name, column in outputs.items()}
            if result == mine:
                continue
            self._fits(result, row)
            if not all(_agrees(result[name], mine[name]) for name in self.shapes):
                wanted = {name: _readable(result[name]) for name in self.shapes}
                return Checked(asked, Counterexample(row, mine, wanted))
        return Checked(asked)

    def _fits(self, result: Mapping[str, Any], row: Mapping[str, Any]) -> None:
        """Refuse a result that is none of the outputs."""
        for name, shape in self.shapes.items():
            problem = mismatch(result[name], shape) if name in result else "no value"
            if problem:
                raise self.reference.error(
                    "E322",
                    f"{self.reference.what} gives {problem}, for the output `{name}` on "
                    f"{shown(row)}",
                    self.reference.main,
                    hint=f"`{name}` is {_shaped(shape)}; write None where nothing is asked",
                )


class EqualsProgram:
    """The program gives what another program gives."""

    def __init__(self, other: Subject, runs: int) -> None:
        """Make the other program ready for so many runs."""
        self.other = other
        self._executor: Executor = other.executor(runs)

    def check(self, inputs: Arrays, found: Arrays, count: int) -> Checked:
        """See `Claim`."""
        wanted = self.other.run(self._executor, inputs, count)
        wrong = np.zeros(count, bool)
        for name, array in found.items():
            wrong |= (array != wanted[name]).reshape(count, -1).any(axis=1)
        if not wrong.any():
            return Checked(count)
        k = int(wrong.argmax())
        other = {name: wanted[name] for name in found}
        return Checked(k + 1, Counterexample(_row(inputs, k), _row(found, k), _row(other, k)))


class Holds:
    """A condition on inputs and outputs is true."""

    def __init__(self, condition: Reference, subject: Subject) -> None:
        """Make the condition ready."""
        self.condition = condition
        self.constants = dict(subject.program.hypers)
        self._function = Concrete(condition)

    def check(self, inputs: Arrays, found: Arrays, count: int) -> Checked:
        """See `Claim`."""
        columns = {name: array.tolist() for name, array in {**inputs, **found}.items()}
        for k in range(count):
            row = {name: column[k] for name, column in columns.items()}
            if not self._function({**self.constants, **row}):
                text = self.condition.source.text
                wrong = Counterexample(_row(inputs, k), _row(found, k), violated=text)
                return Checked(k + 1, wrong)
        return Checked(count)


def _row(arrays: Arrays, k: int) -> dict[str, Any]:
    return {name: array[k].tolist() for name, array in arrays.items()}


def _agrees(wanted: Any, found: Any) -> bool:
    if wanted is None:
        return True
    if isinstance(found, list):
        return all(_agrees(x, y) for x, y in zip(wanted, found, strict=True))
    return bool(wanted == found)


def _readable(value: Any) -> Any:
    """Return numbers and lists in the place of truth values and tuples."""
    if isinstance(value, list | tuple):
        return [_readable(part) for part in value]
    return int(value) if isinstance(value, bool) else value


def _shaped(shape: tuple[int, ...]) -> str:
    return f"an array of shape {shape}" if shape else "a number"
