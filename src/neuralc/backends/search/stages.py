"""How a run falls into steps, and steps into stages that share no open choice.

A step is a statement of the outermost body, or one turn of a loop there. Found by going through
the program once with sets of numbers in place of loop and gate variables: what is said to be read
may be too much, never too little.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from neuralc.backends.search.space import Space
from neuralc.ir import static
from neuralc.ir.nodes import (
    Body,
    Call,
    Decl,
    For,
    Gate,
    If,
    Int,
    Observe,
    Program,
    Ref,
    Set,
    Statement,
    Static,
    Switch,
    Value,
    symbols,
)

Array = np.ndarray[Any, Any]
Numbers = Mapping[str, Array]
"""The values that each loop and gate variable may have, int64 [values]."""


class Cells:
    """Where the elements of some declarations are in one row of numbers."""

    def __init__(self, decls: Sequence[Decl]) -> None:
        """Number the elements in the order of declaration, the last index fastest."""
        self.offsets: dict[str, int] = {}
        self.width = 0
        for decl in decls:
            self.offsets[decl.name] = self.width
            self.width += math.prod(decl.shape)


def working(program: Program) -> Cells:
    """Return the places of everything that a run sets."""
    return Cells([d for d in program.decls if d.kind in ("var", "output")])


def integers(program: Program, kind: str) -> list[Decl]:
    """Return the whole-number declarations of a kind."""
    return [d for d in program.decls if d.kind == kind and isinstance(d.type, Int)]


def outermost(body: Body) -> Body:
    """Return the outermost statements, with choices that are known already made."""
    found: list[Statement] = []
    for statement in body:
        if isinstance(statement, If) and not symbols(statement.condition):
            known = static.value(statement.condition, {})
            found += outermost(statement.then if known else statement.orelse)
        else:
            found.append(statement)
    return tuple(found)


def turns(statement: Statement) -> range:
    """Return the values of the variable of an outermost loop; one value for other statements."""
    if not isinstance(statement, For):
        return range(1)
    return range(
        static.value(statement.start, {}), static.value(statement.stop, {}), statement.step
    )


@dataclass(frozen=True, slots=True)
class Uses:
    """What a step may use: open choices, and cells that it reads and sets (see `working`)."""

    choices: frozenset[int]
    reads: frozenset[int]
    sets: frozenset[int]


@dataclass(frozen=True, slots=True)
class Stage:
    """Steps `begin` to `until - 1`: the choices they may read, no other stage reads.

    `live` are the cells [n] that are set by the end of the stage and may be read after it.
    """

    begin: int
    until: int
    choices: tuple[int, ...]
    live: Array


def stages(program: Program, space: Space) -> tuple[Stage, ...]:
    """Return the stages of a program in order; at least one."""
    uses = _Walk(program, space).steps()
    last = {choice: k for k, step in enumerate(uses) for choice in step.choices}
    cuts, reach, started = [0], -1, False
    for k, step in enumerate(uses):
        if started and k > reach and step.choices:
            cuts.append(k)
        if step.choices:
            started, reach = True, max(reach, *(last[choice] for choice in step.choices))
    found = []
    for begin, until in zip(cuts, [*cuts[1:], len(uses)], strict=True):
        choices = frozenset[int]().union(*(step.choices for step in uses[begin:until]))
        done = frozenset[int]().union(*(step.sets for step in uses[:until]))
        needed = frozenset[int]().union(*(step.reads for step in uses[until:]))
        live = np.array(sorted(done & needed), np.int64)
        found.append(Stage(begin, until, tuple(sorted(choices)), live))
    return tuple(found)


class _Walk:
    def __init__(self, program: Program, space: Space) -> None:
        self.program, self.space, self.cells = program, space, working(program)
        self.opened = frozenset(space.open.tolist())

    def steps(self) -> list[Uses]:
        found = []
        for statement in outermost(self.program.body):
            for turn in turns(statement):
                self.choices: set[int] = set()
                self.reads: set[int] = set()
                self.sets: set[int] = set()
                if isinstance(statement, For):
                    self.body(statement.body, {statement.var: np.array([turn])})
                else:
                    self.body((statement,), {})
                opened = self.opened.intersection(self.choices)
                found.append(Uses(opened, frozenset(self.reads), frozenset(self.sets)))
        return found

    def body(self, body: Body, env: Numbers) -> None:
        for statement in body:
            match statement:
                case Set(target=target, value=value):
                    self.value(value, env)
                    self.sets.update(self.elements(target, env))
                case For(var=var, start=start, stop=stop, body=inner):
                    ends = np.concatenate([_all(start, env), _all(stop, env)])
                    low, high = int(ends.min()), int(ends.max())
                    # backwards, `stop` is left out and `start` is not
                    reach = np.arange(low, high) if statement.step > 0 else 1 + np.arange(low, high)
                    if len(reach):
                        self.body(inner, {**env, var: reach})
                case If(condition=condition, then=then, orelse=orelse):
                    truth = _all(condition, env) != 0
                    if truth.any():
                        self.body(then, env)
                    if not truth.all():
                        self.body(orelse, env)
                case Gate(var=var, size=size, value=value, body=inner):
                    self.value(value, env)
                    self.body(inner, {**env, var: np.arange(size)})
                case Switch(value=value, cases=cases):
                    self.value(value, env)
                    for case in cases:
                        self.body(case.body, env)
                case Observe(ref=ref):
                    self.value(ref, env)

    def value(self, value: Value, env: Numbers) -> None:
        if isinstance(value, Call):
            for arg in value.args:
                self.value(arg, env)
        elif isinstance(value, Ref):
            kind = self.program.decl[value.name].kind
            if kind == "param":
                self.choices.update(self.elements(value, env))
            elif kind != "input":
                self.reads.update(self.elements(value, env))

    def elements(self, ref: Ref, env: Numbers) -> list[int]:
        """Return the numbers of all elements that may be meant."""
        offsets = self.space.offsets if ref.name in self.space.offsets else self.cells.offsets
        shape = self.program.decl[ref.name].shape
        grid = _grid(frozenset().union(*(symbols(part) for part in ref.index)), env)
        flat: Array = np.zeros((), np.int64)
        fits: Array = np.ones((), np.bool_)
        for part, length in zip(ref.index, shape, strict=True):
            at = np.asarray(static.values(part, grid))
            flat, fits = flat * length + at, fits & (at >= 0) & (at < length)
        flat, fits = np.broadcast_arrays(flat, fits)
        found: list[int] = (offsets[ref.name] + np.unique(flat[fits])).tolist()
        return found


def _grid(names: frozenset[str], env: Numbers) -> dict[str, int | Array]:
    """Return the variables, each along an axis of its own."""
    order = sorted(names)
    return {
        name: env[name].reshape([-1 if k == axis else 1 for k in range(len(order))])
        for axis, name in enumerate(order)
    }


def _all(expression: Static, env: Numbers) -> Array:
    """Return all values of a static expression, int64 [values]."""
    found = static.values(expression, _grid(symbols(expression), env))
    return np.atleast_1d(np.asarray(found)).reshape(-1)
