"""Conditions of `if`: tests of values against static expressions, joined by and, or, not.

A `Test` on a value against constants is a set of values; everything else static is `Fixed`.
Knows how to read conditions and how to judge them under assumptions; not what is done then.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from neuralc.ir import static
from neuralc.ir.nodes import Call, Num, Op, Ref, Static, Sym
from neuralc.lang.model.context import Context
from neuralc.lang.model.expressions import Expressions, Pending
from neuralc.lang.model.names import Scope
from neuralc.lang.model.statics import COMPARE, FLIPPED, fold


@dataclass(frozen=True, slots=True)
class Fixed:
    """A static condition."""

    condition: Static


@dataclass(frozen=True, slots=True)
class Test:
    """A comparison of a value with a static expression.

    `literal`: it is written with constants of the module only, so that a test that can never
    hold is a slip and not the edge of a loop.
    """

    value: Ref | Call
    size: int
    op: str
    against: Static
    literal: bool = field(compare=False, default=True)

    def holds(self) -> frozenset[int] | None:
        """Return the values for which it holds; None where that is not constant."""
        if not isinstance(self.against, Num):
            return None
        pairs = ((k, Op(self.op, (Num(k), self.against))) for k in range(self.size))
        return frozenset(k for k, test in pairs if static.value(test, {}))


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite of a condition."""

    part: Condition


@dataclass(frozen=True, slots=True)
class Join:
    """All (`every`) or any of some conditions."""

    every: bool
    parts: tuple[Condition, ...]


Condition = Fixed | Test | Not | Join
TRUE = Fixed(Num(1))


@dataclass(frozen=True)
class Facts:
    """What is assumed on one path through an `if`."""

    values: dict[Ref | Call, frozenset[int]] = field(default_factory=dict)
    statics: dict[Static, bool] = field(default_factory=dict)
    gates: dict[Ref | Call, Sym] = field(default_factory=dict)

    def with_value(self, value: Ref | Call, among: frozenset[int]) -> Facts:
        """Return the facts with a value known to be among some."""
        return replace(self, values={**self.values, value: among})

    def with_static(self, condition: Static, holds: bool) -> Facts:
        """Return the facts with a static condition decided."""
        return replace(self, statics={**self.statics, condition: holds})

    def with_gate(self, value: Ref | Call, symbol: Sym) -> Facts:
        """Return the facts inside a gate on a value."""
        return replace(self, gates={**self.gates, value: symbol})


def atoms(condition: Condition) -> Iterator[Fixed | Test]:
    """Yield the tests of a condition from left to right."""
    match condition:
        case Not(part=part):
            yield from atoms(part)
        case Join(parts=parts):
            for part in parts:
                yield from atoms(part)
        case _:
            yield condition


def gated(test: Test, symbol: Sym) -> Static:
    """Return a test on a value as a static condition on its gate variable."""
    return fold(test.op, (symbol, test.against))


def truth(condition: Condition, facts: Facts) -> bool | None:
    """Return whether a condition holds under the facts; None where they do not decide it."""
    match condition:
        case Fixed(condition=Num(value=number)):
            return bool(number)
        case Fixed(condition=expression):
            return facts.statics.get(expression)
        case Test(value=value) if value in facts.gates:
            return truth(Fixed(gated(condition, facts.gates[value])), facts)
        case Test(value=value, size=size):
            holds = condition.holds()
            if holds is None:
                return None
            possible = facts.values.get(value, frozenset(range(size)))
            return True if possible <= holds else None if possible & holds else False
        case Not(part=part):
            inner = truth(part, facts)
            return None if inner is None else not inner
        case Join(every=every, parts=parts):
            results = [truth(part, facts) for part in parts]
            if (not every) in results:
                return not every
            return None if None in results else every


def undecided(condition: Condition, facts: Facts) -> Fixed | Test:
    """Return the first test of a condition that the facts leave open."""
    return next(atom for atom in atoms(condition) if truth(atom, facts) is None)


class Conditions:
    """Reads the condition of an `if`."""

    def __init__(self, ctx: Context, expressions: Expressions) -> None:
        """Keep the shared state."""
        self.ctx, self.expressions = ctx, expressions

    def read(self, node: ast.expr, scope: Scope, pending: Pending) -> Condition:
        """Return the condition that an expression means.

        Raises:
            SourceError: it is not a condition.

        """
        match node:
            case ast.BoolOp(op=op, values=values):
                parts = tuple(self.read(value, scope, pending) for value in values)
                return Join(isinstance(op, ast.And), parts)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return Not(self.read(operand, scope, pending))
            case ast.Compare(left=left, ops=ops, comparators=others):
                sides = [left, *others]
                pairs = zip(sides, ops, others, strict=False)
                tests = tuple(self._pair(node, a, op, b, scope, pending) for a, op, b in pairs)
                return tests[0] if len(tests) == 1 else Join(True, tests)
        found = self.expressions.value(node, scope, pending)
        if isinstance(found, Static):
            return Fixed(found)
        text = ast.unparse(node)
        self.expressions.size_of(found, node, "an `if`")
        raise self.ctx.error(
            "E125",
            f"`{text}` is a value, not a condition",
            node,
            label="compared with nothing",
            hint=f"compare it with a constant: `if {text} == 1:`",
        )

    def _pair(
        self,
        node: ast.expr,
        left: ast.expr,
        op: ast.cmpop,
        right: ast.expr,
        scope: Scope,
        pending: Pending,
    ) -> Condition:
        if isinstance(op, ast.In | ast.NotIn):
            found = self._membership(left, right, scope, pending)
            return found if isinstance(op, ast.In) else Not(found)
        if type(op) not in COMPARE:
            raise self.ctx.error(
                "E109", "`is` compares Python objects", node, hint="write `==` or `!=`"
            )
        a = self.expressions.value(left, scope, pending)
        b = self.expressions.value(right, scope, pending)
        if isinstance(a, Static) and isinstance(b, Static):
            return Fixed(fold(COMPARE[type(op)], (a, b), self.ctx.span(node)))
        if not isinstance(a, Static) and not isinstance(b, Static):
            raise self._two_values(node, left, right)
        if isinstance(a, Static):
            assert not isinstance(b, Static)
            return self._test(b, right, FLIPPED[COMPARE[type(op)]], a, left)
        assert isinstance(b, Static)
        return self._test(a, left, COMPARE[type(op)], b, right)

    def _membership(
        self, left: ast.expr, right: ast.expr, scope: Scope, pending: Pending
    ) -> Condition:
        if isinstance(right, ast.Tuple | ast.List | ast.Set):
            choices = right.elts
        else:
            raise self.ctx.error(
                "E109",
                "`in` needs the values written out",
                right,
                hint="write `in (1, 2, 3)`, or compare with `<` and `>=`",
            )
        tests = tuple(self._pair(left, left, ast.Eq(), c, scope, pending) for c in choices)
        return Join(False, tests)

    def _test(
        self, value: Ref | Call, node: ast.expr, op: str, against: Static, other: ast.expr
    ) -> Test:
        size = self.expressions.size_of(value, node, "an `if`")
        names = [n.id for n in ast.walk(other) if isinstance(n, ast.Name)]
        literal = not self.ctx.macros and all(name in self.ctx.constants for name in names)
        return Test(value, size, op, against, literal)

    def _two_values(self, node: ast.expr, left: ast.expr, right: ast.expr) -> Exception:
        a, b = ast.unparse(left), ast.unparse(right)
        return self.ctx.error(
            "E111",
            f"`{a}` and `{b}` are both values; a value can be compared with constants only",
            node,
            hint=f"open a gate: `with {b} as k:` and compare `{a}` with `k`",
        )
