"""Turning an `if`/`elif`/`else` chain into switches, gates and static choices.

The chain is split on one test at a time. A value that is tested against constants is split into
the classes that the whole chain tells apart, so that no value is ever tested twice on a path;
tested against anything else, it is opened as a gate. Knows nothing of what the bodies do.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from neuralc.ir.nodes import Body, Call, Case, Gate, If, Num, Ref, Static, Switch, Sym, symbols
from neuralc.lang.model.conditions import (
    Condition,
    Facts,
    Fixed,
    Test,
    atoms,
    gated,
    truth,
    undecided,
)
from neuralc.lang.model.context import Context
from neuralc.lang.model.names import Scope, Unknown
from neuralc.lang.model.statics import fold

Outcome = tuple[Body, Scope]
MOST = 10_000
"""How many cases one chain may grow into."""


@dataclass(frozen=True)
class Branch:
    """One branch of the chain; `node` is its condition in the text, None for `else`."""

    condition: Condition
    node: ast.expr | None


class Decision:
    """One `if` statement."""

    def __init__(
        self,
        ctx: Context,
        statement: ast.If,
        branches: Sequence[Branch],
        run: Callable[[int], Outcome],
    ) -> None:
        """Keep the branches, the last of which holds always; `run` translates one body."""
        self.ctx, self.statement, self.branches, self.run = ctx, statement, branches, run
        self.span = ctx.span(statement)
        self.done: dict[int, Outcome] = {}
        self.cases = 0

    def build(self) -> Outcome:
        """Return the statements and the names after them."""
        outcome = self._split(Facts())
        self._report_unreachable()
        return outcome

    def _split(self, facts: Facts) -> Outcome:
        self.cases += 1
        if self.cases > MOST:
            raise self.ctx.error(
                "E122",
                f"this `if` grows into more than {MOST} cases",
                self.statement,
                hint="nest the tests of different values, one `if` inside the other",
            )
        for number, branch in enumerate(self.branches):
            holds = truth(branch.condition, facts)
            if holds:
                if number not in self.done:
                    self.done[number] = self.run(number)
                return self.done[number]
            if holds is None:
                return self._on(undecided(branch.condition, facts), facts)
        raise AssertionError("the last branch holds always")

    def _on(self, atom: Fixed | Test, facts: Facts) -> Outcome:
        if isinstance(atom, Fixed):
            return self._static(atom.condition, facts)
        if atom.value in facts.gates:
            return self._static(gated(atom, facts.gates[atom.value]), facts)
        tests = self._tests(atom.value)
        if any(test.holds() is None for test in tests):
            return self._gate(atom, facts)
        return self._switch(atom, tests, facts)

    def _tests(self, value: Ref | Call) -> list[Test]:
        every = (atom for branch in self.branches for atom in atoms(branch.condition))
        return [atom for atom in every if isinstance(atom, Test) and atom.value == value]

    def _static(self, condition: Static, facts: Facts) -> Outcome:
        then, after_then = self._split(facts.with_static(condition, True))
        orelse, after_else = self._split(facts.with_static(condition, False))
        after = self._merge([after_then, after_else], condition)
        if not then and not orelse:
            return (), after
        return (If(condition, then, orelse, self.span),), after

    def _gate(self, atom: Test, facts: Facts) -> Outcome:
        base = atom.value.name if isinstance(atom.value, Ref) else atom.value.function
        symbol = self.ctx.fresh(f"{base}_value")
        self.ctx.open[symbol] = False
        self.ctx.choices += 1
        try:
            body, after = self._split(facts.with_gate(atom.value, Sym(symbol)))
        finally:
            self.ctx.choices -= 1
            del self.ctx.open[symbol]
        for name, binding in after.names.items():
            if isinstance(binding, Num | Ref) or not isinstance(binding, Static):
                continue
            if symbol in symbols(binding):
                after.names[name] = self._varies(name)
        if not body:
            return (), after
        return (Gate(symbol, atom.size, atom.value, body, self.span),), after

    def _switch(self, atom: Test, tests: list[Test], facts: Facts) -> Outcome:
        classes: dict[tuple[bool, ...], list[int]] = {}
        holding = [test.holds() or frozenset() for test in tests]
        for k in range(atom.size):
            classes.setdefault(tuple(k in holds for holds in holding), []).append(k)
        arms: list[tuple[Outcome, list[int]]] = []
        self.ctx.choices += 1
        try:
            for values in classes.values():
                outcome = self._split(facts.with_value(atom.value, frozenset(values)))
                same = next((arm for arm in arms if arm[0] is outcome), None)
                if same is None:
                    arms.append((outcome, values))
                else:  # one body, reached with several values
                    same[1].extend(values)
        finally:
            self.ctx.choices -= 1
        cases = tuple(Case(tuple(sorted(values)), body) for (body, _), values in arms)
        after = self._merge([scope for (_, scope), _ in arms], None)
        if all(not case.body for case in cases):
            return (), after
        return (Switch(atom.value, atom.size, cases, self.span),), after

    def _merge(self, scopes: list[Scope], condition: Static | None) -> Scope:
        """Return the names after the branches: those on which they agree."""
        merged = scopes[0].copy()
        for name in {name for scope in scopes for name in scope.names}:
            bindings = [scope.names.get(name) for scope in scopes]
            if all(binding == bindings[0] for binding in bindings):
                continue
            a, b = bindings[0], bindings[-1]
            if condition is not None and isinstance(a, Static) and isinstance(b, Static):
                merged.names[name] = fold("ifelse", (condition, a, b), self.span)
            elif any(isinstance(binding, Unknown) and not binding.reason for binding in bindings):
                merged.names[name] = Unknown()
            else:
                merged.names[name] = self._varies(name)
        return merged

    def _varies(self, name: str) -> Unknown:
        line = self.statement.lineno
        return Unknown(
            f"`{name}` has no single meaning after the `if` of line {line}",
            "use it inside the branches, or write `name = … if … else …`",
        )

    def _report_unreachable(self) -> None:
        earlier_are_literal = True
        for number, branch in enumerate(self.branches[:-1]):
            every = list(atoms(branch.condition))
            literal = all(isinstance(atom, Test) and atom.literal for atom in every)
            earlier_are_literal = earlier_are_literal and literal
            if number in self.done or not earlier_are_literal or branch.node is None:
                continue
            why = self._why(branch.condition, [a for a in every if isinstance(a, Test)])
            error = self.ctx.error(
                "E112",
                f"this branch can never be taken: {why}",
                branch.node,
                label="unreachable branch",
                hint="remove the branch, or correct the number",
            )
            self.ctx.errors.append(error)

    def _why(self, condition: Condition, tests: list[Test]) -> str:
        """Return why a branch is never taken: by its own condition, or by the ones before."""
        first = tests[0]
        if any(test.value != first.value for test in tests):
            return "no values make its condition true there"
        each = (Facts().with_value(first.value, frozenset((k,))) for k in range(first.size))
        if any(truth(condition, facts) for facts in each):
            return "earlier branches take all of its values"
        return f"the values here are 0..{first.size - 1}, and none makes it true"
