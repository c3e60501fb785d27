"""The one interpreter: what a program means. What a value is, is up to the algebra it is given.

Whole numbers give the exact run, distributions the soft run, solver terms an encoding. It is slow
and obvious on purpose; the fast executions in `backends/` are tested against it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Generic, Protocol, TypeVar

from neuralc.ir import static
from neuralc.ir.nodes import (
    Body,
    Call,
    For,
    Gate,
    If,
    Int,
    Network,
    Observe,
    Program,
    Ref,
    Set,
    Switch,
    Table,
    Value,
)

V = TypeVar("V")
Element = tuple[str, tuple[int, ...]]
"""A variable and its index: `("tape", (0, 3))`."""


class Algebra(Protocol[V]):
    """What the interpreter needs to know about a kind of value."""

    def constant(self, value: int, size: int) -> V:
        """Return the known integer `value` of a domain with `size` values."""

    def widen(self, value: V, size: int) -> V:
        """Return the same value in a domain with `size` values, not fewer than it has."""

    def apply(self, table: Table, args: Sequence[V]) -> V:
        """Return a known function of independent values."""

    def network(self, network: Network, args: Sequence[V]) -> V:
        """Return a neural function of values."""

    def support(self, selector: V, size: int) -> Sequence[int]:
        """Return the values that the selector may take: only these branches are run."""

    def mix(self, selector: V, arms: Mapping[int, V]) -> V:
        """Return the arm that the selector names; softly the mixture with its probabilities."""


class NotSet(Exception):
    """An element was read before it was set; the checker rules this out."""


def evaluate(program: Program, given: Mapping[Element, V], algebra: Algebra[V]) -> dict[Element, V]:
    """Run a program and return the value of every element that was set.

    Args:
        program: a checked program.
        given: a value for every element of every `param` and `input`; fixed choices are put in
            by the interpreter and need not be given.
        algebra: what values are.

    Returns:
        All elements with their values: the given ones, and those set on every path taken. An
        observed element is returned under the name `"observe <n>"` with index `(value,)`, where
        `n` counts observations in the order of execution.

    Raises:
        NotSet: an element was read that had not been set.

    """
    store = dict(given)
    for fixed in program.fixed:
        decl = program.decl[fixed.name]
        assert isinstance(decl.type, Int)
        store[fixed.name, fixed.index] = algebra.constant(fixed.value, decl.type.size)
    run = _Run(program, algebra, store)
    run.body(program.body, {})
    return run.store


class _Run(Generic[V]):
    def __init__(self, program: Program, algebra: Algebra[V], store: dict[Element, V]) -> None:
        self.program, self.algebra, self.store = program, algebra, store
        self.observed = 0

    def body(self, body: Body, env: Mapping[str, int]) -> None:
        for statement in body:
            match statement:
                case Set(target=target, value=value):
                    size = self.size_of(target.name)
                    self.store[self.element(target, env)] = self.value(value, size, env)
                case For(var=var, start=start, stop=stop, step=step, body=inner):
                    for i in range(static.value(start, env), static.value(stop, env), step):
                        self.body(inner, {**env, var: i})
                case If(condition=condition, then=then, orelse=orelse):
                    self.body(then if static.value(condition, env) else orelse, env)
                case Gate(var=var, size=size, value=value, body=inner):
                    selector = self.value(value, size, env)
                    self.branches(selector, size, [(inner, {**env, var: i}) for i in range(size)])
                case Switch(value=value, size=size, cases=cases):
                    arm = {k: case.body for case in cases for k in case.values}
                    selector = self.value(value, size, env)
                    self.branches(selector, size, [(arm[k], env) for k in range(size)])
                case Observe(ref=ref, value=number):
                    seen = self.value(ref, None, env)
                    self.store[f"observe {self.observed}", (number,)] = seen
                    self.observed += 1

    def branches(
        self, selector: V, size: int, arms: Sequence[tuple[Body, Mapping[str, int]]]
    ) -> None:
        """Run the arms, each on a copy of the store, and mix what every one of them has set."""
        before = self.store
        after: dict[int, dict[Element, V]] = {}
        for k in self.algebra.support(selector, size):
            self.store = dict(before)
            self.body(*arms[k])
            after[k] = self.store
        self.store = before
        first, *rest = after.values()
        for element in first.keys() - before.keys():
            if all(element in store for store in rest):
                parts = {k: store[element] for k, store in after.items()}
                self.store[element] = self.algebra.mix(selector, parts)

    def value(self, value: Value, size: int | None, env: Mapping[str, int]) -> V:
        """Return a value of a domain with `size` values; None: as it is, or real-valued."""
        match value:
            case Ref():
                element = self.element(value, env)
                if element not in self.store:
                    raise NotSet(f"{value.name}{list(element[1])} is read before it is set")
                found = self.store[element]
            case Call(function=name, args=args) if name in self.program.table:
                table = self.program.table[name]
                parts = [self.value(a, n, env) for a, n in zip(args, table.sizes, strict=True)]
                found = self.algebra.apply(table, parts)
            case Call(function=name, args=args):
                network = self.program.network[name]
                sizes = [t.size if isinstance(t, Int) else None for t in network.inputs]
                parts = [self.value(a, n, env) for a, n in zip(args, sizes, strict=True)]
                found = self.algebra.network(network, parts)
            case _:
                assert size is not None, "a static expression needs a domain"
                return self.algebra.constant(static.value(value, env), size)
        return found if size is None else self.algebra.widen(found, size)

    def element(self, ref: Ref, env: Mapping[str, int]) -> Element:
        return ref.name, tuple(static.value(index, env) for index in ref.index)

    def size_of(self, name: str) -> int | None:
        kind = self.program.decl[name].type
        return kind.size if isinstance(kind, Int) else None
