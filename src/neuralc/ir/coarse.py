"""A quick check of what is set and read, which can only say that nothing is wrong.

`flow.py` runs a gate once for each value where its variable decides an `If`. Most often both arms
set the same elements, so it makes no difference which value it is: here such a gate is run once,
with both arms. That reads more and tells less, so anything in doubt is left to `flow.py`.
"""

from __future__ import annotations

from neuralc.ir.evaluate import Element
from neuralc.ir.flow import Flow, decides
from neuralc.ir.nodes import Gate, If, Int, Num, Op, Program, Ref, Statement, Static, Sym
from neuralc.ir.path import Mark
from neuralc.ir.ranges import Env, Ranges
from neuralc.ir.reporter import Placed, Reporter

_MAY_FAIL = ("//", "%", "**")


def clean(program: Program) -> bool:
    """Say whether `Flow` surely has nothing to report; False: it has to look itself.

    Args:
        program: one whose declarations and statements have been checked.

    """
    coarse = _Coarse(program)
    try:
        coarse.run()
    except _Doubt:
        return False
    return not coarse.wrong()


class _Doubt(Exception):
    """Only a closer look can tell."""


class _Quick(Ranges):
    """Finds the one element of a reference without a search, where all variables are numbers."""

    def elements(self, ref: Ref, env: Env, outer: Placed) -> tuple[Element, ...]:
        decl = self.program.decl.get(ref.name)
        if decl is None or len(ref.index) != len(decl.shape):
            return super().elements(ref, env, outer)
        if isinstance(decl.type, Int) and decl.type.size < 1:
            return super().elements(ref, env, outer)
        index: list[int] = []
        for part, length in zip(ref.index, decl.shape, strict=True):
            number = _number(part, env)
            if number is None or not 0 <= number < length:
                return super().elements(ref, env, outer)
            index.append(number)
        return ((ref.name, tuple(index)),)


def _number(expression: Static, env: Env) -> int | None:
    """Return the value of a number, a variable, or a sum of these; None: look closer."""
    match expression:
        case Num(value=number):
            return number
        case Sym(name=name):
            found = env.get(name)
            return found if isinstance(found, int) else None
        case Op(op="+", args=(left, right)):
            a, b = _number(left, env), _number(right, env)
            return None if a is None or b is None else a + b
    return None


class _Coarse(Flow):
    def __init__(self, program: Program) -> None:
        super().__init__(program, Reporter(program))
        self.ranges = _Quick(program, self.reporter)
        self.together = False  # inside a gate whose values are not told apart
        self.apart: set[int] = set()  # gates for which that was not enough

    def wrong(self) -> bool:
        return bool(self.reporter.attempts or self.reporter.poisoned)

    def _statement(self, statement: Statement, env: Env) -> None:
        if isinstance(statement, If) and self.together:
            names = self.ranges.names(statement.condition)
            if any(isinstance(env.get(name), range) for name in names):
                if _may_fail(statement.condition):
                    raise _Doubt
                arms = [((1,), statement.then, env), ((0,), statement.orelse, env)]
                self._branches(Num(0), env, arms)
                return
        super()._statement(statement, env)

    def _put(self, element: Element, mark: Mark) -> None:
        if self.together and mark.missing is not None:
            raise _Doubt
        super()._put(element, mark)

    def _gate(self, gate: Gate, env: Env) -> None:
        if id(gate) not in self._decides:
            self._decides[id(gate)] = decides(gate.body, gate.var)
        if not self._decides[id(gate)] or id(gate) in self.apart:
            super()._gate(gate, env)
        elif self.together:
            self._once(gate, env)
        else:
            self._try(gate, env)

    def _once(self, gate: Gate, env: Env) -> None:
        """Run a gate for all its values together."""
        self._read(gate.value, None, env, gate)
        self.ranges.bound[gate.var] = id(gate)
        self.body(gate.body, {**env, gate.var: self._possible(gate, env)})

    def _try(self, gate: Gate, env: Env) -> None:
        """Run a gate for all its values together; take it back if that leaves a doubt."""
        if self.wrong():
            raise _Doubt  # a real error, found outside of any trial
        depth = len(self.trail)
        self.trail.append([])
        self.together = True
        try:
            self._once(gate, env)
            doubt = self.wrong()
        except _Doubt:
            doubt = True
        self.together = False
        done = [element for branch in self.trail[depth:] for element in branch]
        del self.trail[depth:]
        if not doubt:
            if self.trail:
                self.trail[-1] += done
            return
        for element in done:
            self.state.pop(element, None)
        self._forget()
        self.apart.add(id(gate))
        super()._gate(gate, env)

    def _forget(self) -> None:
        """Drop what a trial has reported, and what it remembers as reported."""
        self.reporter = Reporter(self.program)
        self.ranges = _Quick(self.program, self.reporter)
        self.excused, self.doubtful, self.causes = set(), set(), set()


def _may_fail(expression: Static) -> bool:
    """Say whether an expression may have no value."""
    if not isinstance(expression, Op):
        return False
    return expression.op in _MAY_FAIL or any(_may_fail(arg) for arg in expression.args)
