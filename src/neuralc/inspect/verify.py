"""Whether a found program is right on all inputs: proved, refuted, or honestly not decided.

Few inputs are all run. Of many, extreme and random ones are run, and a proof by SMT is tried.
"""

from __future__ import annotations

import ast
import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from neuralc.errors import NeuralcError
from neuralc.files import read_text
from neuralc.inspect.claims import Claim, EqualsFunction, EqualsProgram, Holds
from neuralc.inspect.domain import Domain, Rows
from neuralc.inspect.proof import prove
from neuralc.inspect.subject import Runnable, Subject, subject
from neuralc.inspect.verdict import Counterexample, Verdict
from neuralc.ir.nodes import Decl, Int
from neuralc.lang.model import hyper_names
from neuralc.lang.pyfn import Concrete, Reference, check_names, from_function, read, read_expression
from neuralc.learning.model import Model
from neuralc.learning.solution import Solution
from neuralc.source import Source

FEW = 2_000_000
"""Inputs that are all run."""


def verify(
    solution: Runnable,
    against: Runnable | Callable[..., Any] | None = None,
    *,
    property: str | None = None,
    where: str | None = None,
    samples: int = 10_000,
    timeout: float | None = 300.0,
    seed: int = 0,
    few: int = FEW,
) -> Verdict:
    """Prove or refute that a program does what it should, for all inputs.

    Args:
        solution: a solution, its folder, or a model whose choices are all constants.
        against: what it should equal: a Python function of the subset (it is read, never called),
            a file with one ("file.py" or "file.py:name"), another solution or its folder, or a
            model whose choices are all constants.
        property: instead: a condition on inputs and outputs, such as "y[0] == x or x > 3".
        where: a condition on inputs; only those that fulfil it count.
        samples: inputs that are tried where there are too many to run all.
        timeout: seconds; None: no limit.
        seed: of the samples.
        few: inputs that are all run.

    Returns:
        The verdict; a counterexample has been run by the exact execution.

    Raises:
        Declined: the program has real-valued inputs or networks.
        ModelErrors: all that is wrong with a function, a property or a condition.
        SourceError: a function has no result on some input.
        NeuralcError: it is not clear what is to be proved, or nothing is asked at all.

    """
    began = time.monotonic()
    deadline = began + (float("inf") if timeout is None else timeout)
    if (against is None) == (property is None):
        raise NeuralcError("verify needs one claim\n  hint: give `against` or `property`")
    program = subject(solution)
    condition = None if where is None else _condition(where, "where", program, program.inputs)
    if property is not None:
        claim: Claim = _holds(property, program)
    else:
        claim = _equals(against, program, max(few, samples))
    domain = _domain(program, condition, few, deadline)
    question = Question(program, claim, domain, condition, deadline)
    if domain.counted and domain.count <= few:
        return question.exhaustive(began)
    return question.sampled(samples, seed, began)


@dataclass(frozen=True, eq=False)
class Question:
    """A claim about a program, and the inputs for which it should hold."""

    subject: Subject
    claim: Claim
    domain: Domain
    where: Reference | None
    deadline: float

    def exhaustive(self, began: float) -> Verdict:
        """Run all inputs."""
        count = self.domain.count
        asked, run, wrong = self._run(self.domain.all(), count)
        seconds = time.monotonic() - began
        if wrong is not None:
            return Verdict("refuted", count, asked, wrong, seconds=seconds)
        if run < count:
            note = "there was not enough time to run all of them"
            return Verdict("undecided", count, asked, note=note, seconds=seconds)
        if not asked:
            raise NeuralcError(f"nothing is asked of any of the {count} inputs: it returns None")
        note = f"nothing is asked of {count - asked} other inputs" if asked < count else ""
        return Verdict("proved", asked, asked, note=note, seconds=seconds)

    def sampled(self, samples: int, seed: int, began: float) -> Verdict:
        """Run some inputs; where none is wrong, try a proof."""
        count, counted = self.domain.count, self.domain.counted
        asked, _, wrong = self._run(self.domain.samples(samples, seed), samples)
        how, note = "samples", ""
        if wrong is None:
            answer = prove(self.subject, self.claim, self.where, self.deadline)
            if answer.status == "proved":
                how, note = "smt", answer.note
                return Verdict("proved", count, asked, None, counted, how, note,
                               time.monotonic() - began)  # fmt: skip
            note = answer.note
            if answer.inputs is not None:
                wrong = self._run([answer.inputs], 1)[2]
                how = "samples" if wrong is None else "smt"
                right = f"the exact execution is right on {answer.inputs}"
                assert wrong is not None or answer.status == "undecided", right
        status: Literal["refuted", "undecided"] = "undecided" if wrong is None else "refuted"
        return Verdict(status, count, asked, wrong, counted, how, note, time.monotonic() - began)

    def _run(self, batches: Iterable[Rows], runs: int) -> tuple[int, int, Counterexample | None]:
        """Run inputs until one is wrong; return how many were asked, how many were run."""
        executor = self.subject.executor(runs)
        asked = run = 0
        for rows in batches:
            if time.monotonic() > self.deadline:
                break
            count = next((len(array) for array in rows.values()), 1)
            found = self.subject.run(executor, rows, count)
            checked = self.claim.check(rows, found, count)
            asked, run = asked + checked.asked, run + count
            if checked.wrong is not None:
                return asked, run, checked.wrong
        return asked, run, None


# ---- what is to be proved


def _condition(text: str, what: str, program: Subject, decls: Iterable[Decl]) -> Reference:
    found = read_expression(text, what)
    check_names(found, [*(decl.name for decl in decls), *dict(program.program.hypers)], None)
    return found


def _domain(program: Subject, condition: Reference | None, few: int, deadline: float) -> Domain:
    where = None if condition is None else Concrete(condition)
    constants = dict(program.program.hypers)
    domain = Domain(program.inputs, where, constants, most=few, deadline=deadline)
    if condition is not None and not domain.count:
        text = condition.source.text
        raise NeuralcError(f"no input fulfils `{text}`: nothing is to be proved")
    return domain


def _holds(text: str, program: Subject) -> Holds:
    names = (*program.inputs, *program.outputs)
    return Holds(_condition(text, "property", program, names), program)


def _equals(against: Any, program: Subject, runs: int) -> Claim:
    """Return the claim that a program equals whatever is given; `runs` at most."""
    if isinstance(against, str | Path) and not Path(against).is_dir():
        against = _from_file(str(against), program)
    if isinstance(against, Solution | Model | str | Path):
        other = subject(against)
        _check_same(program, other)
        count = math.prod(d.type.size ** math.prod(d.shape) for d in program.inputs
                          if isinstance(d.type, Int))  # fmt: skip
        return EqualsProgram(other, min(runs, count))
    if not isinstance(against, Reference):
        if not callable(against):
            raise NeuralcError(
                f"a program cannot be compared with {against!r}\n"
                "  hint: give a Python function, a file, a solution, or a model"
            )
        against = from_function(against)
    inputs = [*(decl.name for decl in program.inputs), *dict(program.program.hypers)]
    check_names(against, inputs, [decl.name for decl in program.outputs])
    return EqualsFunction(against, program)


def _from_file(text: str, program: Subject) -> Reference | Model:
    """Return the function or the model of a file: `path` or `path:name`."""
    path, _, name = text.rpartition(":")
    if not path or not name.isidentifier() or Path(text).exists():
        path, name = text, ""
    source = Source(path, read_text(path))
    if not name and _is_model(source):
        hypers = dict(program.program.hypers)
        return Model.load(source, {n: hypers[n] for n in hyper_names(source) if n in hypers})
    return read(source, name, like=Path(program.program.name).stem)


def _is_model(source: Source) -> bool:
    """Tell a model from a Python file: it declares inputs or outputs at the top level."""
    try:
        tree = ast.parse(source.text.removeprefix("\ufeff"))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False  # reading it as a function says what is wrong
    values = [node.value for node in tree.body if isinstance(node, ast.Assign)]
    bases = [value.value if isinstance(value, ast.Subscript) else value for value in values]
    return any(
        isinstance(base, ast.Call)
        and isinstance(base.func, ast.Name)
        and base.func.id in ("Input", "Output")
        for base in bases
    )


def _check_same(program: Subject, other: Subject) -> None:
    """Refuse programs whose inputs differ, or an output that the other does not have."""
    mine = {d.name: (d.type, d.shape) for d in program.inputs}
    theirs = {d.name: (d.type, d.shape) for d in other.inputs}
    outputs = {d.name: d.shape for d in other.outputs}
    lacking = [d.name for d in program.outputs if outputs.get(d.name) != d.shape]
    for what, names in (
        ("inputs", [n for n in {**mine, **theirs} if mine.get(n) != theirs.get(n)]),
        ("outputs", lacking),
    ):
        if names:
            raise NeuralcError(
                f"{program.program.name} and {other.program.name} have different {what}: "
                f"{', '.join(names)}\n  hint: names, sizes and shapes must be the same"
            )


__all__ = ["FEW", "Counterexample", "Question", "Verdict", "verify"]
