"""The bodies of `@Runtime` functions: an evaluator of its own for a small part of Python.

All argument tuples are rows; a statement runs on the rows that reach it, so that `if`, `and`,
`or` and loops mean what they mean in Python. Nothing of the model's text is ever executed.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence

import numpy as np

from neuralc.errors import SourceError
from neuralc.ir.nodes import Table
from neuralc.lang.model.arithmetic import BINARY, COMPARE, Column, UndefinedError
from neuralc.lang.model.context import Context
from neuralc.lang.model.names import Known, nearest
from neuralc.lang.model.places import Node

MOST_WORK = 2_000_000_000
"""Elementary steps, counted over all rows."""
MOST_TURNS = 20_000
"""Turns of all loops together, for the longest row."""


class Run:
    """One function, run on all its argument tuples at once."""

    def __init__(
        self,
        ctx: Context,
        known: Known,
        constants: Mapping[str, int],
        tables: Mapping[str, Table],
        grids: Column,
    ) -> None:
        """Set the parameters; `grids` has one row for each, one column for each tuple."""
        self.ctx, self.known, self.constants, self.tables = ctx, known, constants, tables
        self.grids = grids
        count = grids.shape[1]
        self.names = {
            arg.arg: grid.copy() for arg, grid in zip(known.node.args.args, grids, strict=True)
        }
        self.given = {name: np.ones(count, dtype=bool) for name in self.names}
        self.returned = np.zeros(count, dtype=np.int64)
        self.has_returned = np.zeros(count, dtype=bool)
        self.loops: list[tuple[list[Column], list[Column]]] = []
        self.work = 0
        self.turns = 0

    def result(self) -> Column:
        """Return the result for every tuple.

        Raises:
            SourceError: some tuple has none, or one out of range.

        """
        everything = np.arange(self.grids.shape[1])
        left = self.block(self.known.node.body, everything)
        if left.size:
            raise self.ctx.error(
                "E131",
                f"{self.call(int(left[0]))} returns nothing",
                self.known.node,
                label=f"no result for {left.size} of {everything.size} argument tuples",
                hint="end every path with `return`",
            )
        bad = (self.returned < 0) | (self.returned >= self.known.size)
        if bad.any():
            row = int(np.argmax(bad))
            count = int(bad.sum())
            more = f" (and {count - 1} more)" if count > 1 else ""
            raise self.ctx.error(
                "E130",
                f"{self.call(row)} is {int(self.returned[row])}, "
                f"which is not in 0..{self.known.size - 1}{more}",
                self.known.node,
                label="a result out of range",
                hint=f"enlarge the result's size, or write `(…) % {self.known.size}`",
            )
        return self.returned

    def call(self, row: int) -> str:
        """Return `F(1, 2)` for a row."""
        return f"{self.known.name}({', '.join(str(int(grid[row])) for grid in self.grids)})"

    # ---- statements: each returns the rows that go on to the next one

    def block(self, body: Sequence[ast.stmt], rows: Column) -> Column:
        """Run statements on rows; return those that reach the end."""
        for statement in body:
            if not rows.size:
                break
            rows = self.statement(statement, rows)
        return rows

    def statement(self, node: ast.stmt, rows: Column) -> Column:
        """Run one statement on rows; return those that go on."""
        nothing = rows[:0]
        match node:
            case ast.Return(value=ast.expr() as value):
                self.returned[rows] = self.value(value, rows)
                self.has_returned[rows] = True
                return nothing
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                self.assign(name, self.value(value, rows), rows)
            case ast.AugAssign(target=ast.Name(id=name) as target, op=op, value=value):
                load = ast.copy_location(ast.Name(name, ast.Load()), target)
                both = ast.copy_location(ast.BinOp(load, op, value), node)
                self.assign(name, self.value(both, rows), rows)
            case ast.If(test=test, body=body, orelse=orelse):
                holds = self.value(test, rows) != 0
                after = (self.block(body, rows[holds]), self.block(orelse, rows[~holds]))
                return np.sort(np.concatenate(after))
            case ast.For() if not node.orelse:
                return self.loop(node, rows)
            case ast.While() if not node.orelse:
                return self.while_(node, rows)
            case ast.Break() if self.loops:
                self.loops[-1][0].append(rows)
                return nothing
            case ast.Continue() if self.loops:
                self.loops[-1][1].append(rows)
                return nothing
            case ast.Pass() | ast.Expr(value=ast.Constant()):
                pass
            case ast.Return():
                raise self.unsupported(node, "a `return` without a value", "return a number")
            case _:
                raise self.unsupported(
                    node,
                    "this statement",
                    "use `return`, `=`, `if`, `for … in range(…)` and `while`",
                )
        return rows

    def assign(self, name: str, column: Column, rows: Column) -> None:
        """Set a local variable on rows."""
        if name not in self.names:
            self.names[name] = np.zeros(self.grids.shape[1], dtype=np.int64)
            self.given[name] = np.zeros(self.grids.shape[1], dtype=bool)
        self.names[name][rows] = column
        self.given[name][rows] = True

    def loop(self, node: ast.For, rows: Column) -> Column:
        """Run a `for` over a range whose bounds may differ from row to row."""
        call = node.iter
        if not (
            isinstance(node.target, ast.Name)
            and isinstance(call, ast.Call)
            and isinstance(call.func, ast.Name)
            and call.func.id == "range"
            and 1 <= len(call.args) <= 3
            and not call.keywords
        ):
            raise self.unsupported(node, "this loop", "write `for i in range(n):`")
        bounds = [self.value(arg, rows) for arg in call.args]
        zero = np.zeros_like(rows)
        start, stop = (zero, bounds[0]) if len(bounds) == 1 else bounds[:2]
        step = bounds[2] if len(bounds) == 3 else zero + 1
        self.refuse(step == 0, rows, call, "the step of the range is 0")
        turns = np.zeros(self.grids.shape[1], dtype=np.int64)
        turns[rows] = np.maximum(0, (stop - start + step - np.sign(step)) // step)
        first, by = np.zeros_like(turns), np.zeros_like(turns)
        first[rows], by[rows] = start, step
        broken: list[Column] = []
        done: list[Column] = []
        number = 0
        while rows.size:
            done.append(rows[turns[rows] <= number])
            rows = rows[turns[rows] > number]
            if not rows.size:
                break
            self.assign(node.target.id, first[rows] + number * by[rows], rows)
            rows = self.turn(node, rows, broken)
            number += 1
        return np.sort(np.concatenate([rows, *broken, *done]))

    def while_(self, node: ast.While, rows: Column) -> Column:
        """Run a `while`."""
        broken: list[Column] = []
        done: list[Column] = []
        while rows.size:
            holds = self.value(node.test, rows) != 0
            done.append(rows[~holds])
            rows = self.turn(node, rows[holds], broken)
        return np.sort(np.concatenate([rows, *broken, *done]))

    def turn(self, node: ast.For | ast.While, rows: Column, broken: list[Column]) -> Column:
        """Run the body of a loop once; return the rows that go into the next turn."""
        self.turns += 1
        if self.turns > MOST_TURNS:
            raise self.too_long(node, rows)
        skipped: list[Column] = []
        self.loops.append((broken, skipped))
        try:
            rows = self.block(node.body, rows)
        finally:
            self.loops.pop()
        return np.sort(np.concatenate([rows, *skipped])) if skipped else rows

    # ---- expressions

    def value(self, node: ast.expr, rows: Column) -> Column:
        """Return the value of an expression on rows."""
        self.work += rows.size + 100
        if self.work > MOST_WORK:
            raise self.too_long(node, rows)
        match node:
            case ast.Constant(value=bool() | int() as number):
                return self.number(node, int(number), rows)
            case ast.Name():
                return self.name(node, rows)
            case ast.BinOp(left=left, op=op, right=right):
                if isinstance(op, ast.Div):
                    self.ctx.warn("`/` is read as the floor division `//`, as in Python 2", node)
                if type(op) not in BINARY:
                    raise self.unsupported(node, "this operator", "use + - * // % ** & | ^ << >>")
                a, b = self.value(left, rows), self.value(right, rows)
                try:
                    found: Column = BINARY[type(op)](a, b)
                except UndefinedError as problem:
                    raise self.undefined(node, int(rows[problem.row]), problem.message) from None
                return found
            case ast.UnaryOp(op=op, operand=operand):
                found = self.value(operand, rows)
                match op:
                    case ast.Not():
                        return np.asarray(found == 0, dtype=np.int64)
                    case ast.USub():
                        return -found
                    case ast.Invert():
                        return ~found
                return found
            case ast.BoolOp(op=op, values=values):
                return self.lazy(isinstance(op, ast.And), values, rows)
            case ast.Compare(left=left, ops=ops, comparators=others):
                return self.compare(left, ops, others, rows)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                holds = self.value(test, rows) != 0
                result = np.zeros(rows.size, dtype=np.int64)
                if holds.any():
                    result[holds] = self.value(body, rows[holds])
                if not holds.all():
                    result[~holds] = self.value(orelse, rows[~holds])
                return result
            case ast.Call(func=ast.Name(id=name), args=args) if not node.keywords:
                return self.apply(node, name, args, rows)
        raise self.unsupported(
            node, f"`{ast.unparse(node)[:40]}`", "use numbers, parameters, operators and `if`"
        )

    def number(self, node: ast.expr, number: int, rows: Column) -> Column:
        """Return a constant column."""
        if abs(number) >= 2**62:
            raise self.unsupported(node, "a number this large", "use numbers below 2**62")
        return np.full(rows.size, number, dtype=np.int64)

    def name(self, node: ast.Name, rows: Column) -> Column:
        """Return a parameter, a local variable or a constant of the model."""
        name = node.id
        if name in self.names:
            missing = ~self.given[name][rows]
            if missing.any():
                row = int(rows[np.argmax(missing)])
                raise self.ctx.error(
                    "E136",
                    f"`{name}` has no value yet in {self.call(row)}",
                    node,
                    hint="give it a value on every path before it is used",
                )
            return np.asarray(self.names[name][rows])
        if name in self.constants:
            return self.number(node, self.constants[name], rows)
        near = nearest(name, [*self.names, *self.constants])
        raise self.ctx.error(
            "E101",
            f"nothing is called `{name}` inside `{self.known.name}`",
            node,
            label="unknown name",
            hint=near or "a `@Runtime` function sees its parameters and the model's constants",
        )

    def lazy(self, is_and: bool, values: Sequence[ast.expr], rows: Column) -> Column:
        """Return Python's `and` or `or`: the argument that decides."""
        result = self.value(values[0], rows)
        for value in values[1:]:
            open_ = (result != 0) == is_and
            if not open_.any():
                break
            result = result.copy()
            result[open_] = self.value(value, rows[open_])
        return result

    def compare(
        self,
        left: ast.expr,
        ops: Sequence[ast.cmpop],
        others: Sequence[ast.expr],
        rows: Column,
    ) -> Column:
        """Return a chain of comparisons, each side computed once and only where needed."""
        result = np.ones(rows.size, dtype=bool)
        here = np.arange(rows.size)
        side = self.value(left, rows)
        for op, other in zip(ops, others, strict=True):
            if isinstance(op, ast.In | ast.NotIn):
                holds = self.member(side, other, rows[here]) == isinstance(op, ast.In)
                following = side
            else:
                following = self.value(other, rows[here])
                holds = COMPARE[type(op)](side, following)
            result[here[~holds]] = False
            here, side = here[holds], following[holds]
        return result.astype(np.int64)

    def member(self, side: Column, other: ast.expr, rows: Column) -> np.ndarray:
        """Return where a column is one of the values that are written out."""
        if not isinstance(other, ast.Tuple | ast.List | ast.Set):
            raise self.unsupported(other, "`in` here", "write the values out: `in (1, 2)`")
        found = np.zeros(rows.size, dtype=bool)
        for choice in other.elts:
            found |= side == self.value(choice, rows)
        return found

    def apply(self, node: ast.Call, name: str, args: Sequence[ast.expr], rows: Column) -> Column:
        """Return a function of columns: a builtin, or a table made before."""
        if name in ("min", "max") and len(args) > 1:
            choose = np.minimum if name == "min" else np.maximum
            result = self.value(args[0], rows)
            for arg in args[1:]:
                result = np.asarray(choose(result, self.value(arg, rows)))
            return result
        if name in ("int", "bool", "abs") and len(args) == 1:
            found = self.value(args[0], rows)
            if name == "bool":
                return np.asarray(found != 0, dtype=np.int64)
            return np.absolute(found, dtype=np.int64) if name == "abs" else found
        if name in self.tables and len(args) == len(self.tables[name].sizes):
            return self.look_up(node, self.tables[name], args, rows)
        raise self.unsupported(
            node,
            f"`{name}` with {len(args)} argument{'' if len(args) == 1 else 's'}",
            "use min, max, abs, int, bool and `@Runtime` functions defined above",
        )

    def look_up(
        self, node: ast.Call, table: Table, args: Sequence[ast.expr], rows: Column
    ) -> Column:
        """Return another known function of columns."""
        flat = np.zeros(rows.size, dtype=np.int64)
        for arg, size in zip(args, table.sizes, strict=True):
            column = self.value(arg, rows)
            bad = (column < 0) | (column >= size)
            self.refuse(bad, rows, arg, f"an argument of `{table.name}` is not in 0..{size - 1}")
            flat = flat * size + column
        return np.asarray(np.array(table.values, dtype=np.int64)[flat])

    # ---- errors

    def refuse(
        self,
        bad: np.ndarray,
        rows: Column,
        node: Node,
        message: str,
    ) -> None:
        """Raise an error for the first bad row."""
        if bad.any():
            raise self.undefined(node, int(rows[np.argmax(bad)]), message)

    def undefined(self, node: Node, row: int, message: str) -> SourceError:
        """Return the error for an operation without a result."""
        return self.ctx.error(
            "E132",
            f"{self.call(row)} has no result: {message}",
            node,
            hint="test the arguments first; every argument tuple needs a result",
        )

    def unsupported(self, node: Node, what: str, hint: str) -> SourceError:
        """Return the error for a construct that is not evaluated."""
        return self.ctx.error(
            "E135", f"{what} is not part of `@Runtime` functions", node, hint=hint
        )

    def too_long(self, node: Node, rows: Column) -> SourceError:
        """Return the error for a loop that takes too many steps."""
        return self.ctx.error(
            "E134",
            f"{self.call(int(rows[0]))} takes too many steps",
            node,
            hint="check that the loop ends; use smaller sizes",
        )
