"""The symbolic run: a program on values that a solver is to find.

Follows `ir/evaluate.py` with one difference: the variable of a gate stays a value of the solver
instead of being tried number by number, so that the body of a gate is run once and an array
element at an unknown index is one choice among the elements. On known numbers both are the same
run. What a value is, is up to the `Terms` it is given; a value knows which numbers it may be.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Generic, Protocol, TypeVar

from neuralc.ir import static
from neuralc.ir.evaluate import Element, NotSet
from neuralc.ir.nodes import (
    Body,
    Call,
    For,
    Gate,
    If,
    Int,
    Observe,
    Program,
    Ref,
    Set,
    Static,
    Switch,
    Sym,
    Table,
    Value,
    symbols,
)

V = TypeVar("V")


@dataclass(frozen=True)
class Function:
    """A known function of whole numbers; functions with the same `key` are the same.

    `call` gives None where there is no value: a branch around the call rules these numbers out.
    """

    key: Hashable
    call: Callable[..., int | None] = field(compare=False)
    table: Table | None = field(default=None, compare=False)


class Terms(Protocol[V]):
    """What the symbolic run needs to know about the values of a solver."""

    def constant(self, number: int) -> V:
        """Return a known number."""

    def unknown(self, name: str, size: int) -> V:
        """Return a number from 0 to `size - 1` that the solver is to find."""

    def support(self, value: V) -> Sequence[int]:
        """Return the numbers that a value may be, ascending; one number: it is known."""

    def restrict(self, value: V, numbers: Sequence[int]) -> V:
        """Return a value where it is one of some numbers; elsewhere it may be anything."""

    def apply(self, function: Function, args: Sequence[V]) -> V:
        """Return a function of values."""

    def choose(self, selectors: Sequence[V], arms: Mapping[tuple[int, ...], V]) -> V:
        """Return the arm that the selectors name; where there is none it may be anything."""


Bound = Mapping[str, V]


def run(program: Program, given: Mapping[Element, V], terms: Terms[V]) -> dict[Element, V]:
    """Run a program on the values of a solver.

    Args:
        program: a checked program without networks.
        given: a value for every element of every `param` and `input`; those that are fixed are
            put in here.
        terms: what values are.

    Returns:
        The elements that are set on every path that is ever taken, the given ones included; of
        those that are no outputs some may be missing. An observed element is found under the name
        `"observe <n>"` with index `(value,)`, as in `ir.evaluate`.

    """
    store = dict(given)
    for fixed in program.fixed:
        store[fixed.name, fixed.index] = terms.constant(fixed.value)
    whole = _Run(program, terms, store)
    whole.body(program.body, {})
    return whole.result()


def declines(program: Program) -> list[str]:
    """Return why a program cannot be run symbolically: an empty list if it can."""
    reasons = [f"network {network.name} is a neural function" for network in program.networks]
    for decl in program.decls:
        if not isinstance(decl.type, Int):
            reasons.append(f"{decl.kind} {decl.name} is a {decl.type}, not a whole number")
    return reasons


@dataclass(frozen=True)
class _Partial(Generic[V]):
    """An element that some arms of a branch have not set: read only where they do not run."""

    selector: V
    arms: Mapping[int, V | _Partial[V]]


class _Run(Generic[V]):
    """The store is a stack: one layer for each branch that is being run."""

    def __init__(self, program: Program, terms: Terms[V], store: Mapping[Element, V]) -> None:
        self.program, self.terms = program, terms
        self.layers: list[dict[Element, V | _Partial[V]]] = [dict(store)]
        self.observed = 0

    def result(self) -> dict[Element, V]:
        """Return what is set; all outputs are, on every path that is ever taken."""
        (store,) = self.layers
        outputs = {decl.name for decl in self.program.of("output")}
        return {
            element: self.whole(value)
            for element, value in store.items()
            if element[0] in outputs or not isinstance(value, _Partial)
        }

    def whole(self, value: V | _Partial[V]) -> V:
        """Return an element that is read: where it is not set it may be anything."""
        if not isinstance(value, _Partial):
            return value
        arms: dict[tuple[int, ...], V] = {(k,): self.whole(v) for k, v in value.arms.items()}
        return self.terms.choose([value.selector], arms)

    # ---- statements

    def body(self, body: Body, env: Bound[V]) -> None:
        for statement in body:
            match statement:
                case Set(target=target, value=value):
                    index = tuple(self.known(i, env) for i in target.index)
                    self.layers[-1][target.name, index] = self.value(value, env)
                case For(var=var, start=start, stop=stop, step=step, body=inner):
                    for i in range(self.known(start, env), self.known(stop, env), step):
                        self.body(inner, {**env, var: self.terms.constant(i)})
                case If():
                    self.static_choice(statement, env)
                case Gate():
                    self.gate(statement, env)
                case Switch(value=value, size=size, cases=cases):
                    selector = self.within(self.value(value, env), size)
                    arm = {k: n for n, case in enumerate(cases) for k in case.values}
                    self.branches(
                        selector, arm, {n: (case.body, env) for n, case in enumerate(cases)}
                    )
                case Observe(ref=ref, value=number):
                    self.layers[-1][f"observe {self.observed}", (number,)] = self.value(ref, env)
                    self.observed += 1

    def gate(self, gate: Gate, env: Bound[V]) -> None:
        """Run the body once, on the unknown number; once for each where it says what is set."""
        value = self.within(self.value(gate.value, env), gate.size)
        if not _indexes_targets(gate.body, gate.var):
            self.body(gate.body, {**env, gate.var: value})
            return
        support = self.terms.support(value)
        arms = {k: (gate.body, {**env, gate.var: self.terms.constant(k)}) for k in support}
        self.branches(value, {k: k for k in support}, arms)

    def static_choice(self, statement: If, env: Bound[V]) -> None:
        condition = statement.condition
        selector = self.static(condition, env)
        truths = {k: int(k != 0) for k in self.terms.support(selector)}
        arms = {
            truth: (body, self.where(condition, env, truth))
            for truth, body in ((1, statement.then), (0, statement.orelse))
            if truth in truths.values()
        }
        self.branches(selector, truths, arms)

    def branches(
        self, selector: V, arm: Mapping[int, int], arms: Mapping[int, tuple[Body, Bound[V]]]
    ) -> None:
        """Run the arms that the selector may name, and choose among what each of them has set.

        An arm in which something has no value never runs: it is left out.
        """
        taken: dict[int, list[int]] = {}
        for k in self.terms.support(selector):
            taken.setdefault(arm[k], []).append(k)
        if len(taken) == 1:
            self.body(*arms[next(iter(taken))])
            return
        after: dict[int, dict[Element, V | _Partial[V]]] = {}
        for n in taken:
            self.layers.append({})
            try:
                self.body(*arms[n])
                after[n] = self.layers[-1]
            except NotSet as error:
                never = error
            finally:
                self.layers.pop()
        if not after:
            raise never
        if any(len(numbers) > 1 for numbers in taken.values()):
            key = ("arm", tuple(sorted(arm.items())))
            selector = self.terms.apply(Function(key, lambda k: arm[k]), [selector])
        else:
            after = {taken[n][0]: store for n, store in after.items()}
        for element in dict.fromkeys(e for store in after.values() for e in store):
            parts = {k: store[element] for k, store in after.items() if element in store}
            found = _Partial(selector, parts)
            partly = len(parts) < len(after) or any(isinstance(v, _Partial) for v in parts.values())
            self.layers[-1][element] = found if partly else self.whole(found)

    def where(self, condition: Static, env: Bound[V], truth: int) -> Bound[V]:
        """Return the variables as they can be where a condition holds (or does not)."""
        unknown = [name for name in symbols(condition) if len(self.terms.support(env[name])) > 1]
        if len(unknown) != 1:
            return env
        (name,) = unknown
        support = self.terms.support(env[name])
        kept = [k for k in support if self.holds(condition, env, {name: k}) == bool(truth)]
        return env if len(kept) == len(support) else {
            **env, name: self.terms.restrict(env[name], kept)
        }  # fmt: skip

    def holds(self, condition: Static, env: Bound[V], at: Mapping[str, int]) -> bool | None:
        """Tell whether a condition holds; None: it has no value there."""
        try:
            return bool(self._at(condition, env, at))
        except (ArithmeticError, ValueError):
            return None

    # ---- values

    def value(self, value: Value, env: Bound[V]) -> V:
        match value:
            case Ref():
                return self.read(value, env)
            case Call(function=name, args=args):
                table = self.program.table[name]
                parts = [
                    self.within(self.value(arg, env), size)
                    for arg, size in zip(args, table.sizes, strict=True)
                ]
                return self.terms.apply(Function(("table", name), table, table), parts)
            case _:
                return self.static(value, env)

    def within(self, value: V, size: int) -> V:
        """Return a value as one below a size: what a branch around it rules out is left out."""
        support = self.terms.support(value)
        if support[0] >= 0 and support[-1] < size:
            return value
        kept = [k for k in support if 0 <= k < size]
        if not kept:
            raise NotSet(f"none of {list(support)} is below {size}")
        return self.terms.restrict(value, kept)

    def static(self, expression: Static, env: Bound[V]) -> V:
        """Return a static expression: a known number, or a function of gate variables."""
        if isinstance(expression, Sym):
            return env[expression.name]
        unknown = self.unknown(expression, env)
        if not unknown:
            return self.terms.constant(self.known(expression, env))
        fixed = {n: self.terms.support(env[n])[0] for n in symbols(expression) if n not in unknown}

        def call(*numbers: int) -> int | None:
            names = {**fixed, **dict(zip(unknown, numbers, strict=True))}
            try:
                return static.value(expression, names)
            except (ArithmeticError, ValueError):
                return None

        rows = product(*(self.terms.support(env[name]) for name in unknown))
        if all(call(*numbers) is None for numbers in rows):
            raise NotSet(f"{expression} has no value")
        key = ("static", expression, tuple(sorted(fixed.items())), unknown)
        return self.terms.apply(Function(key, call), [env[name] for name in unknown])

    def read(self, ref: Ref, env: Bound[V]) -> V:
        """Return an element; at an unknown index the choice among those it may be."""
        unknown = tuple(dict.fromkeys(n for i in ref.index for n in self.unknown(i, env)))
        arms = dict(self.elements(ref, env, unknown))
        if not arms:
            raise NotSet(f"{ref.name} is read before it is set")
        if not unknown:
            return arms[()]
        return self.terms.choose([env[name] for name in unknown], arms)

    def elements(
        self, ref: Ref, env: Bound[V], unknown: Sequence[str]
    ) -> Iterator[tuple[tuple[int, ...], V]]:
        """Yield what is set of the elements that a reference may mean."""
        for numbers in product(*(self.terms.support(env[name]) for name in unknown)):
            at = dict(zip(unknown, numbers, strict=True))
            try:
                index = tuple(self._at(i, env, at) for i in ref.index)
            except (ArithmeticError, ValueError):
                continue  # where a branch around this rules these numbers out
            found = self.find((ref.name, index))
            if found is not None:
                yield numbers, found

    def find(self, element: Element) -> V | None:
        for layer in reversed(self.layers):
            if element in layer:
                return self.whole(layer[element])
        return None

    def unknown(self, expression: Static, env: Bound[V]) -> tuple[str, ...]:
        """Return the variables of an expression that are no known numbers."""
        names = sorted(symbols(expression))
        return tuple(name for name in names if len(self.terms.support(env[name])) > 1)

    def known(self, expression: Static, env: Bound[V]) -> int:
        try:
            return self._at(expression, env, {})
        except (ArithmeticError, ValueError) as error:
            raise NotSet(f"{expression} has no value: {error}") from None

    def _at(self, expression: Static, env: Bound[V], at: Mapping[str, int]) -> int:
        names = {n: at[n] if n in at else self.terms.support(env[n])[0]
                 for n in symbols(expression)}  # fmt: skip
        return static.value(expression, names)


def _indexes_targets(body: Body, var: str) -> bool:
    """Tell whether a variable decides which elements a body sets, or how often a loop runs."""
    for statement in body:
        match statement:
            case Set(target=target):
                if any(var in symbols(index) for index in target.index):
                    return True
            case For(start=start, stop=stop, body=inner):
                if var in symbols(start) | symbols(stop) or _indexes_targets(inner, var):
                    return True
            case Gate(body=inner):
                if _indexes_targets(inner, var):
                    return True
            case Switch(cases=cases):
                if any(_indexes_targets(case.body, var) for case in cases):
                    return True
            case If(then=then, orelse=orelse):
                if _indexes_targets(then, var) or _indexes_targets(orelse, var):
                    return True
    return False
