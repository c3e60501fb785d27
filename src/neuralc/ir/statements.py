"""Each statement by itself: names, kinds, numbers of indices and arguments, types, cases.

Knows scopes, but no numbers: whether an index is in range and whether an element is set is
found in `flow.py`. What is wrong here makes the names involved poisoned for the flow.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Literal

from neuralc.ir.nodes import (
    Body,
    Call,
    For,
    Gate,
    If,
    Int,
    Num,
    Observe,
    Op,
    Program,
    Real,
    Ref,
    Set,
    Statement,
    Static,
    Switch,
    Sym,
    Type,
    Value,
    symbols,
    walk,
)
from neuralc.ir.reporter import Placed, Reporter, close_to
from neuralc.ir.text import show_value

Scope = Mapping[str, Literal["loop", "gate"]]
KINDS = {"param": "Param", "input": "Input", "output": "Output", "var": "Var"}
ARGUMENTS = {
    "not": (1, 1), "-": (1, 2), "ifelse": (3, 3), "min": (1, None), "max": (1, None),
    "and": (2, None), "or": (2, None), "+": (2, None), "*": (2, None),
}  # fmt: skip


def span_of_values(size: int) -> str:
    """Return `0..4` for a domain with 5 values."""
    return f"0..{size - 1}" if size > 1 else "0 only"


class Statements:
    """Checks statements of one program, without looking at what comes before or after."""

    def __init__(self, program: Program, reporter: Reporter) -> None:
        """Report to `reporter`."""
        self.program, self.reporter = program, reporter

    def body(self, body: Body, scope: Scope, branch: Placed | None = None) -> None:
        """Check all statements of a body, inside `branch` if there is a gate or switch around."""
        for statement in body:
            self._statement(statement, scope, branch)

    def _statement(self, statement: Statement, scope: Scope, branch: Placed | None) -> None:
        match statement:
            case Set():
                self._set(statement, scope)
            case For(var=var, body=body):
                self._loop(statement, scope)
                self.body(body, {**scope, var: "loop"}, branch)
            case If(condition=condition, then=then, orelse=orelse):
                self._static(condition, scope, statement)
                self.body(then, scope, branch)
                self.body(orelse, scope, branch)
            case Gate(var=var, body=body):
                self._selector(statement, scope)
                self.body(body, {**scope, var: "gate"}, statement)
            case Switch(cases=cases):
                self._selector(statement, scope)
                self._cases(statement)
                for case in cases:
                    self.body(case.body, scope, statement)
            case Observe():
                self._observe(statement, scope, branch)

    def _lose(self, *statements: Statement) -> None:
        """Say no more about the elements that these statements set."""
        for inner in walk(statements):
            if isinstance(inner, Set):
                name = inner.target.name
                meant = None if name in self.program.decl else close_to(name, self.program.decl)
                self.reporter.poisoned.add(meant or name)

    # ---- statements

    def _set(self, statement: Set, scope: Scope) -> None:
        target = statement.target
        before = self.reporter.attempts
        kind = self._ref(target, scope, statement)
        if self.reporter.attempts > before:
            self._lose(statement)
        decl = self.program.decl.get(target.name)
        if decl is not None and decl.kind in ("param", "input"):
            what = "a Param" if decl.kind == "param" else "an Input"
            self.reporter.add(
                "E202",
                f"`{target.name}` is {what} and cannot be set",
                target,
                statement,
                hint=f"fix a choice with {show_value(target)}.set_to_constant(...)"
                if decl.kind == "param"
                else "its values come from the data; set a Var or an Output",
            )
        self._value(statement.value, kind, scope, f"`{target.name}`", statement)

    def _loop(self, statement: For, scope: Scope) -> None:
        before = self.reporter.attempts
        for bound in (statement.start, statement.stop):
            self._static(bound, scope, statement)
            gates = sorted(s for s in symbols(bound) if scope.get(s) == "gate")
            if gates:
                self.reporter.add(
                    "E218",
                    f"the number of turns of this loop depends on `{gates[0]}`, "
                    "which is not known before the program runs",
                    bound,
                    statement,
                    hint=f"loop over the largest range and test inside: if ... < {gates[0]}:",
                )
        if statement.step == 0:
            hint = "use a step other than 0"
            self.reporter.add("E218", "the step of this loop is 0", statement, hint=hint)
        if self.reporter.attempts > before:
            self._lose(statement)

    def _selector(self, statement: Gate | Switch, scope: Scope) -> None:
        kind = self._value(statement.value, None, scope, "this test", statement)
        text = show_value(statement.value)
        if isinstance(kind, Real):
            self.reporter.add(
                "E208",
                f"{text} is a tensor, {kind}, and cannot be branched on",
                statement.value,
                statement,
                hint="turn it into a whole number with a @Learn function first",
            )
        elif kind is not None and statement.size not in self._sizes(statement.value, kind):
            self.reporter.add(
                "E209",
                f"{text} has the values {span_of_values(kind.size)}, but "
                f"{statement.size} branches are taken on it",
                statement.value,
                statement,
                hint="the number of branches is the number of values of what is tested",
            )

    def _sizes(self, value: Value, kind: Int) -> set[int]:
        """Return the sizes that a test on a value may have: its own, or that of one element."""
        decl = self.program.decl.get(value.name) if isinstance(value, Ref) else None
        return {kind.size} if decl is None else {kind.size, *(decl.limits or ())}

    def _cases(self, statement: Switch) -> None:
        text = show_value(statement.value)
        counts = Counter(k for case in statement.cases for k in case.values)
        twice = sorted(k for k, count in counts.items() if count > 1)
        outside = sorted(k for k in counts if not 0 <= k < statement.size)
        missing = [k for k in range(statement.size) if k not in counts]
        problems = (
            (twice, "is handled twice", "remove one of the two branches"),
            (outside, "cannot happen", f"{text} takes {span_of_values(statement.size)}"),
            (missing, "is not handled", "add an else branch"),
        )
        for values, what, hint in problems:
            if values:
                cases = " or ".join(map(str, values[:4])) + (" ..." if len(values) > 4 else "")
                message = f"{text} == {cases} {what}"
                self.reporter.add("E210", message, statement.value, statement, hint=hint)
                self._lose(statement)

    def _observe(self, statement: Observe, scope: Scope, branch: Placed | None) -> None:
        kind = self._ref(statement.ref, scope, statement)
        text = show_value(statement.ref)
        if branch is not None:
            self.reporter.add(
                "E217",
                f"{text} is observed inside a branch",
                statement,
                hint="observe after the `with` or `if`; copy the value into a Var in each branch",
            )
        if isinstance(kind, Real):
            hint = "observe whole numbers"
            self.reporter.add("E217", f"{text} is a tensor, {kind}", statement, hint=hint)
        elif kind is not None and not 0 <= statement.value < kind.size:
            self.reporter.add(
                "E217",
                f"{statement.value} is observed where {span_of_values(kind.size)} is allowed",
                statement,
                hint=f"{text} has {kind.size} values",
            )

    # ---- expressions

    def _value(
        self, value: Value, expected: Type | None, scope: Scope, where: str, outer: Placed
    ) -> Type | None:
        """Check a value that is to fit `expected` (None: anything) and return its type."""
        match value:
            case Ref():
                kind = self._ref(value, scope, outer)
                known = self.program.decl.get(value.name)
                what = f"{KINDS[known.kind]}({kind})" if known else ""
            case Call():
                kind = self._call(value, scope, outer)
                what = f"the result of {value.function}, of type {kind},"
                if isinstance(kind, Int):
                    what = f"{value.function}(...) in {span_of_values(kind.size)}"
            case _:
                self._static(value, scope, outer)
                if isinstance(expected, Real):
                    text, hint = show_value(value), "set it to a tensor"
                    message = f"{text} is a whole number, but {where} is a tensor, {expected}"
                    self.reporter.add("E208", message, value, outer, hint=hint)
                return None
        if kind is not None and expected is not None:
            self._fits(value, kind, expected, what, where, outer)
        return kind

    def _fits(
        self, value: Value, kind: Type, expected: Type, what: str, where: str, outer: Placed
    ) -> None:
        if isinstance(kind, Int) and isinstance(expected, Int):
            if kind.size > expected.size:
                self.reporter.add(
                    "E205",
                    f"{what} used where {span_of_values(expected.size)} is allowed",
                    value,
                    outer,
                    label=f"has {kind.size} values, but {where} has {expected.size}",
                    hint=f"give {where} at least {kind.size} values, or map the value into "
                    f"{span_of_values(expected.size)} with a @Runtime function",
                )
        elif kind != expected:
            self.reporter.add(
                "E208",
                f"{what} does not fit {where}, which is "
                + (f"a tensor, {expected}" if isinstance(expected, Real) else "a whole number"),
                value,
                outer,
                hint="tensors must have the same shape; only a @Learn function turns a tensor "
                "into a whole number or another shape",
            )

    def _call(self, call: Call, scope: Scope, outer: Placed) -> Type | None:
        table, network = (self.program.table.get(call.function),
                          self.program.network.get(call.function))  # fmt: skip
        inputs: tuple[Type, ...]
        if table is not None:
            inputs, output = tuple(map(Int, table.sizes)), Int(table.size)
        elif network is not None:
            inputs, output = network.inputs, network.output  # type: ignore[assignment]
        else:
            meant = close_to(call.function, (*self.program.table, *self.program.network))
            hint = f"did you mean {meant}?" if meant else "define it with @Runtime or @Learn"
            message = f"there is no function `{call.function}`"
            self.reporter.add("E201", message, call, outer, hint=hint)
            return None
        if len(call.args) != len(inputs):
            self.reporter.add(
                "E207",
                f"`{call.function}` takes {len(inputs)} argument{'s' * (len(inputs) != 1)}, "
                f"not {len(call.args)}",
                call,
                outer,
                hint=f"give {call.function} values of the sizes {', '.join(map(str, inputs))}",
            )
            return output
        for number, (arg, kind) in enumerate(zip(call.args, inputs, strict=True), 1):
            self._value(arg, kind, scope, f"argument {number} of `{call.function}`", outer)
        return output

    def _ref(self, ref: Ref, scope: Scope, outer: Placed) -> Type | None:
        for index in ref.index:
            self._static(index, scope, outer)
        decl = self.program.decl.get(ref.name)
        if decl is None:
            meant = close_to(ref.name, self.program.decl)
            hint = f"did you mean {meant}?" if meant else f"declare it: {ref.name} = Var(...)"
            self.reporter.add("E201", f"`{ref.name}` is not declared", ref, outer, hint=hint)
            return None
        if len(ref.index) != len(decl.shape):
            count = len(decl.shape)
            self.reporter.add(
                "E203",
                f"`{ref.name}` takes {count} {'index' if count == 1 else 'indices'}, "
                f"not {len(ref.index)}",
                ref,
                outer,
                hint=f"it was declared with the shape {list(decl.shape)}"
                if count
                else "it was declared as a single variable, not as an array",
            )
        return decl.type

    def _static(self, expression: Static, scope: Scope, outer: Placed) -> None:
        match expression:
            case Num():
                pass
            case Sym(name=name):
                if name not in scope:
                    self.reporter.add(
                        "E201",
                        f"`{name}` is no loop or gate variable here",
                        expression,
                        outer,
                        hint=f"use it inside `for {name} in range(...)` or `with ... as {name}`",
                    )
            case Op(op=op, args=args):
                least, most = ARGUMENTS.get(op, (2, 2))
                if len(args) < least or (most is not None and len(args) > most):
                    message = f"`{op}` does not take {len(args)} operands"
                    hint = f"give it {least}" + (" or more" if most is None else "")
                    self.reporter.add("E219", message, expression, outer, hint=hint)
                for arg in args:
                    self._static(arg, scope, outer)
