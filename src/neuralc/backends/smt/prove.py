"""Whether something holds for all inputs of a program whose choices are made.

The seam: `Unrolled(program, choices)` has run the program on unknown inputs; `inputs` and `outputs`
are terms of z3 by element, such as `("tape", (0,))`. Make any condition on them, as a term of the
same (main) context of z3, and ask `find` for inputs on which it holds; None is a proof that there
are none. Every term is an unsigned bit-vector, known to be below the size of its domain.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import product
from typing import Any, Literal

import numpy as np

from neuralc.backends.base.ground import unknown_inputs
from neuralc.backends.base.symbolic import declines, run
from neuralc.backends.smt.bitvectors import Bits, BitVectors, Term, load_z3
from neuralc.backends.smt.engine import check, new_solver, numbers
from neuralc.errors import Declined, NeuralcError
from neuralc.ir.evaluate import Element
from neuralc.ir.nodes import Decl, Program
from neuralc.ir.space import open_choices

Array = np.ndarray[Any, Any]
Choices = Mapping[str, Array]
Elements = Mapping[Element, Term]
Inputs = dict[str, Array]
"""int64 [*shape] for each input."""
Found = Inputs | None | Literal["unknown"]
"""Inputs; None: it is proved that there are none; "unknown": the time was too short."""
Condition = Callable[[Elements, Elements], Term]
"""A Boolean term from the inputs and the outputs."""


class Unrolled:
    """A program, run once for all its inputs.

    Attributes:
        inputs: a term for each element of each input.
        outputs: a term for each element of each output.

    """

    def __init__(self, program: Program, choices: Choices) -> None:
        """Run it.

        Args:
            program: a checked program without networks and real-valued variables.
            choices: integers [*shape] for each param; fixed elements are not looked at.

        Raises:
            Declined: the program cannot be put into bit-vectors.
            MissingExtra: z3 is not installed.

        """
        reasons = declines(program)
        if reasons:
            raise Declined("a proof by SMT", reasons)
        self.program = program
        self._terms = BitVectors()
        self._given = unknown_inputs(program, self._terms)
        self.inputs: dict[Element, Term] = {e: self._term(v) for e, v in self._given.items()}
        self.outputs: dict[Element, Term] = self._run(program, choices, self._terms)

    def find(self, condition: Term, *, seconds: float = float("inf"), seed: int = 0) -> Found:
        """Look for inputs on which a condition holds."""
        solver = new_solver(self._terms, seed)
        solver.add(condition)
        answer = check(solver, seconds)
        if answer != "sat":
            return None if answer == "unsat" else "unknown"
        found: Inputs = {d.name: np.zeros(d.shape, np.int64) for d in self.program.of("input")}
        for (name, index), number in numbers(solver.model(), self._given).items():
            found[name][index] = number
        return found

    def other_outputs(self, program: Program, choices: Choices) -> dict[Element, Term]:
        """Return the outputs of another program on the same inputs.

        Raises:
            Declined: the program cannot be put into bit-vectors.
            NeuralcError: its inputs are not the same.

        """
        reasons = declines(program)
        if reasons:
            raise Declined("a proof by SMT", reasons)
        _check_same(self.program, program)
        return self._run(program, choices, BitVectors())  # tables may have the same names

    def _run(self, program: Program, choices: Choices, terms: BitVectors) -> dict[Element, Term]:
        chosen = {
            (name, index): terms.constant(int(choices[name][index]))
            for name, index, _ in open_choices(program)
        }
        store = run(program, {**self._given, **chosen}, terms)
        elements = [
            (d.name, i) for d in program.of("output") for i in product(*map(range, d.shape))
        ]
        return {element: self._term(store[element]) for element in elements}

    def _term(self, value: Bits) -> Term:
        return self._terms.resized(value, value.width)


def counterexample(
    program: Program, choices: Choices, other: Program, other_choices: Choices, *,
    where: Callable[[Elements], Term] | None = None, seconds: float = float("inf"), seed: int = 0,
) -> Found:  # fmt: skip
    """Look for inputs on which an output of a program differs from that of another.

    Args:
        program: the program whose outputs are compared; what it observes is not looked at.
        choices: integers [*shape] for each param.
        other: a program with the same inputs, and at least the same outputs.
        other_choices: its choices.
        where: a Boolean term from the inputs; only inputs that fulfil it count.
        seconds: that it may take.
        seed: of the solver.

    Returns:
        Such inputs; None if it is proved that there are none; "unknown" if the time is up.

    Raises:
        Declined: a program cannot be put into bit-vectors.
        NeuralcError: inputs or outputs do not have the same names, sizes and shapes.
        MissingExtra: z3 is not installed.

    """
    unrolled = Unrolled(program, choices)
    z3, found = load_z3(), unrolled.other_outputs(other, other_choices)
    missing = [name for name, _ in unrolled.outputs.keys() - found.keys()]
    if missing:
        raise NeuralcError(f"{other.name} has no output like {missing[0]!r} of {program.name}")
    differs = z3.Or([unlike(z3, term, found[e]) for e, term in unrolled.outputs.items()])
    condition = differs if where is None else z3.And(where(unrolled.inputs), differs)
    return unrolled.find(condition, seconds=seconds, seed=seed)


def violation(
    program: Program, choices: Choices, condition: Condition, *,
    seconds: float = float("inf"), seed: int = 0,
) -> Found:  # fmt: skip
    """Look for inputs on which a condition on inputs and outputs does not hold.

    Args:
        program: the program; what it observes is not looked at.
        choices: integers [*shape] for each param.
        condition: what should hold, see `Condition`.
        seconds: that it may take.
        seed: of the solver.

    Returns:
        Such inputs; None if it is proved that there are none; "unknown" if the time is up.

    Raises:
        Declined: the program cannot be put into bit-vectors.
        MissingExtra: z3 is not installed.

    """
    unrolled = Unrolled(program, choices)
    holds = condition(unrolled.inputs, unrolled.outputs)
    return unrolled.find(load_z3().Not(holds), seconds=seconds, seed=seed)


def nested(decl: Decl, elements: Elements) -> Any:
    """Return the elements of an array as nested lists, a single one as itself."""

    def part(index: tuple[int, ...]) -> Any:
        if len(index) == len(decl.shape):
            return elements[decl.name, index]
        return [part((*index, k)) for k in range(decl.shape[len(index)])]

    return part(())


def unlike(z3: Any, term: Term, other: Term) -> Term:
    """Return the condition that two unsigned bit-vectors are not the same number."""
    bits = max(term.size(), other.size())
    return z3.ZeroExt(bits - term.size(), term) != z3.ZeroExt(bits - other.size(), other)


def _check_same(program: Program, other: Program) -> None:
    """Refuse programs whose inputs differ."""
    mine, theirs = ({d.name: (d.type, d.shape) for d in p.of("input")} for p in (program, other))
    for name in sorted({**mine, **theirs}):
        if mine.get(name) != theirs.get(name):
            raise NeuralcError(
                f"{program.name} and {other.name} differ in the input {name!r}\n"
                "  hint: names, sizes and shapes of the inputs must be the same"
            )
