"""Whether the expressions of a function keep to the subset; statements are checked in `check`."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence

from neuralc.errors import SourceError
from neuralc.lang.pyasm.syntax import MEMORY, Definition, constant
from neuralc.lang.pyasm.words import EXPRESSIONS, FUNCTIONS, OPERATORS, nearest

COMPARISONS = (ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE)


class Expressions:
    """Adds what is wrong with the expressions of one function to a list of errors."""

    def __init__(
        self,
        definitions: Mapping[str, Definition],
        definition: Definition,
        memory: int,
        errors: list[SourceError],
    ) -> None:
        """Find out what names mean in the function."""
        self._definitions, self._definition, self._memory = definitions, definition, memory
        self._errors = errors
        self._bound = definition.bound
        self._constants = {
            name: value
            for name, value in definition.constants.items()
            if name not in self._bound
        }  # fmt: skip

    def value(self, node: ast.expr) -> None:
        """Check an expression that gives a number."""
        known = constant(node, self._constants, self._memory)
        if known is not None:
            self._fits(node, known)
            return
        match node:
            case ast.Name():
                self._name(node)
            case ast.BinOp(left=left, op=op, right=right):
                self.value(left)
                self.operator(node, op, right, left)
            case ast.UnaryOp(op=ast.Invert()):
                self._add("E505", "`~` is not part of the subset", node, hint="write `not`")
            case ast.UnaryOp(operand=operand):
                self.value(operand)
            case ast.BoolOp(values=values):
                self._all(values)
            case ast.Compare():
                self._compare(node)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                self._all([test, body, orelse])
            case ast.Subscript():
                self.cell(node)
            case ast.Call():
                self.call(node)
            case _:
                self.refuse(node)

    def operator(
        self,
        node: ast.BinOp | ast.AugAssign,
        op: ast.operator,
        right: ast.expr,
        left: ast.expr | None = None,
    ) -> None:
        """Check an operator and its right side."""
        sides = [right] if left is None else [right, left]
        if isinstance(op, ast.Mult):
            factors = [constant(side, self._constants, self._memory) for side in sides]
            allowed = any(factor is not None for factor in factors)
        else:
            allowed = isinstance(op, ast.Add | ast.Sub)
        self.value(right)
        if not allowed:
            name, hint = OPERATORS[type(op)]
            self._add("E505", f"the machine has no {name}", node, hint=hint)

    def cell(self, node: ast.Subscript) -> None:
        """Check `mem[i]`."""
        match node.value:
            case ast.Name(id=name) if name == MEMORY:
                self._memory_is_here(node.value)
            case _:
                self._add(
                    "E511",
                    "only the memory has cells",
                    node.value,
                    hint="write `mem[i]`; everything else is a number",
                )
        self.value(node.slice)

    def iterable(self, node: ast.expr) -> None:
        """Check what a `for` runs over."""
        match node:
            case ast.Call(func=ast.Name("range"), args=args, keywords=[]) if 1 <= len(args) <= 3:
                self._range(node, args)
            case _:
                self._add(
                    "E512",
                    "a loop runs over a range",
                    node,
                    hint="write `for i in range(…):` with one to three arguments",
                )

    def call(self, node: ast.Call, *, alone: bool = False) -> None:
        """Check a call; `alone`: it is a statement, and its result is not used."""
        for argument in (*node.args, *node.keywords):
            if isinstance(argument, ast.Starred | ast.keyword):
                self._add(
                    "E503", "arguments go by position, one by one", argument, hint="write `f(a, b)`"
                )
        plain = [argument for argument in node.args if not isinstance(argument, ast.Starred)]
        match node.func:
            case ast.Name("min" | "max" as name) if name not in self._bound:
                self._all(plain)
                if len(node.args) < 2:
                    self._add(
                        "E503",
                        f"`{name}` compares two numbers or more",
                        node,
                        hint=f"write `{name}(a, b)`; over cells of the memory, write a loop",
                    )
            case ast.Name(id=name):
                self._function(node, name, plain, alone)
            case _:
                self._add("E502", "only functions with a name are called", node, hint="write `f()`")
                self._all(plain)

    def refuse(self, node: ast.expr) -> None:
        """Report an expression that is not part of the subset."""
        if isinstance(node, ast.Constant):
            self._add(
                "E505",
                f"{_kind(node.value)} is not a whole number",
                node,
                hint="numbers are 0 … M-1, where M is the size of the memory",
            )
            return
        hint = "use numbers, cells `mem[i]` and functions"
        name, hint = EXPRESSIONS.get(type(node), ("this expression", hint))
        self._add("E505", f"{name} is not part of the subset", node, hint=hint)

    # ---- parts

    def _add(
        self,
        code: str,
        message: str,
        node: ast.expr | ast.stmt | ast.keyword,
        *,
        hint: str,
        label: str = "",
    ) -> None:
        self._errors.append(
            self._definition.text.error(code, message, node, hint=hint, label=label)
        )

    def _all(self, nodes: Sequence[ast.expr]) -> None:
        for node in nodes:
            self.value(node)

    def _fits(self, node: ast.expr, value: int) -> None:
        if abs(value) < self._memory:
            return
        hint = f"use a memory of at least {abs(value) + 1}, or a smaller number"
        if any(isinstance(part, ast.Call) for part in ast.walk(node)):
            hint = "write `len(mem) - 1`, the largest number, or `range(len(mem))`"
        self._add(
            "E520",
            f"the constant {_brief(value)} does not fit a memory of {self._memory} cells",
            node,
            label=f"numbers are 0 … {self._memory - 1}",
            hint=hint,
        )

    def _name(self, node: ast.Name) -> None:
        name, definition = node.id, self._definition
        if name == MEMORY:
            self._memory_is_here(node)
            if definition.has_memory:
                self._add("E511", "the memory is not a number", node, hint="write `mem[i]`")
        elif name in self._bound:
            pass  # whether it is set in time is asked later
        elif name in definition.functions:
            self._add(
                "E502", f"`{name}` is a function, not a value", node, hint=f"call it: `{name}(…)`"
            )
        elif name in definition.unusable:
            self._add(
                "E501",
                f"`{name}` {definition.unusable[name]}",
                node,
                hint=f"write `{name} = …` with its number at the top level",
            )
        else:
            known = {*self._bound, *definition.constants}
            self._add(
                "E501",
                f"nothing is called `{name}`",
                node,
                hint=nearest(name, known) or f"set it first: `{name} = 0`",
            )

    def _memory_is_here(self, node: ast.expr) -> None:
        if not self._definition.has_memory:
            name = self._definition.node.name
            self._add(
                "E511",
                f"`{name}` does not see the memory",
                node,
                hint=f"give it the parameter: `def {name}(mem, …):`, and call `{name}(mem, …)`",
            )

    def _compare(self, node: ast.Compare) -> None:
        self._all([node.left, *node.comparators])
        if not all(isinstance(op, COMPARISONS) for op in node.ops):
            self._add(
                "E505",
                "only == != < <= > >= compare numbers",
                node,
                hint="write `==` for `is`; for `in`, write a loop over the cells",
            )

    def _range(self, node: ast.Call, args: Sequence[ast.expr]) -> None:
        found = [constant(arg, self._constants, self._memory) for arg in args]
        for arg, known in zip(args, found, strict=True):
            if known is None:
                self.value(arg)
        step = found[2] if len(args) == 3 else 1
        if not step:
            what = "0" if step == 0 else "not a constant"
            self._add(
                "E512",
                f"the step of the range is {what}",
                args[2],
                hint="write a number other than 0, or a `while` loop",
            )
        elif abs(step) >= self._memory:
            self._fits(args[2], step)
        start = found[0] if len(args) > 1 else 0
        if start is not None and not 0 <= start < self._memory:
            self._bound_of_range(args[0], start, 0, self._memory - 1)
        stop = found[0] if len(args) == 1 else found[1]
        if stop is not None and not -1 <= stop <= self._memory:
            self._bound_of_range(args[0] if len(args) == 1 else args[1], stop, -1, self._memory)

    def _bound_of_range(self, node: ast.expr, value: int, low: int, high: int) -> None:
        self._add(
            "E520",
            f"the range begins or ends at {_brief(value)}, outside of a memory of {self._memory}",
            node,
            label=f"{low} … {high} here",
            hint=f"use a memory of at least {value}, or a smaller range"
            if value > 0
            else "a range runs over 0 … M-1; one that counts down ends at -1",
        )

    def _function(self, node: ast.Call, name: str, plain: Sequence[ast.expr], alone: bool) -> None:
        definition = self._definition
        key = None if name in self._bound else definition.functions.get(name)
        if key is None:
            self._all(plain)
            self._unknown_function(node, name)
            return
        callee = self._definitions[key]
        if len(plain) == len(node.args) and not node.keywords:
            self._arguments(node, callee)
        if not alone and not callee.gives:
            self._add(
                "E508",
                f"`{name}` returns no value",
                node,
                hint=f"let it end with `return …`, or call it in a line of its own: `{name}(…)`",
            )

    def _arguments(self, node: ast.Call, callee: Definition) -> None:
        parameters = callee.parameters
        if len(node.args) != len(parameters):
            self._all([arg for arg in node.args if not _is_memory(arg)])
            given, wanted = len(node.args), len(parameters)
            self._add(
                "E503",
                f"`{callee.node.name}` takes {wanted} argument{'s' * (wanted != 1)}, not {given}",
                node,
                hint=f"write `{callee.node.name}({', '.join(parameters)})`",
            )
            return
        for parameter, arg in zip(parameters, node.args, strict=True):
            if parameter == MEMORY and _is_memory(arg):
                self._memory_is_here(arg)
            elif parameter == MEMORY:
                self._add(
                    "E511",
                    f"this argument of `{callee.node.name}` is the memory",
                    arg,
                    hint="write `mem` there",
                )
            else:
                self.value(arg)

    def _unknown_function(self, node: ast.Call, name: str) -> None:
        definition = self._definition
        if name in self._bound or name in definition.constants:
            message, hint = f"`{name}` is a number, not a function", "write `mem[…]` for a cell"
        elif name in definition.unusable:
            message = f"`{name}` {definition.unusable[name]}"
            hint = "define it with `def` in this file"
        else:
            message = f"there is no function `{name}`"
            known = [*definition.functions, "min", "max"]
            hint = FUNCTIONS.get(name) or nearest(name, known)
            hint = hint or f"define it in this file: `def {name}(…):`"
        self._add("E502", message, node, hint=hint)


def _is_memory(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == MEMORY


def _kind(value: object) -> str:
    match value:
        case str() | bytes():
            return "text"
        case None:
            return "`None`"
        case float():
            return f"{value}"
    return f"`{value!r}`"


def _brief(value: int) -> str:
    """Return a number that may be very long."""
    return str(value) if value.bit_length() < 64 else f"of {value.bit_length()} bits"
