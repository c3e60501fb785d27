"""Declarations of variables: `Param(n)[a, b]`, `Input`, `Output`, `Var`, `InputTensor`.

Also arrays that are declared element by element, `a[i] = Param(n + i)`, whose elements may have
different numbers of values. Knows nothing of functions and statements.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from itertools import product
from math import prod

from neuralc.ir.nodes import Decl, Int, Kind, Real, Type
from neuralc.lang.model.context import Context
from neuralc.lang.model.expressions import Expressions
from neuralc.lang.model.names import RESERVED, Scope
from neuralc.source import Span

KIND: dict[str, Kind] = {
    "Param": "param",
    "Input": "input",
    "InputTensor": "input",
    "Output": "output",
    "Var": "var",
}
MOST = 100_000_000
"""How many values a variable, and how many elements an array, may have."""


@dataclass
class Pieces:
    """An array that is declared element by element."""

    kind: Kind
    span: Span
    rank: int
    sizes: dict[tuple[int, ...], int] = field(default_factory=dict)


class Declarations:
    """Reads declarations into the context."""

    def __init__(self, ctx: Context, expressions: Expressions) -> None:
        """Keep the shared state."""
        self.ctx, self.expressions = ctx, expressions
        self.pieces: dict[str, Pieces] = {}
        self.failed: set[str] = set()
        self.unused: dict[str, ast.expr] = {}

    def whole(self, target: ast.Name, value: ast.expr, scope: Scope) -> None:
        """Read `name = Kind(size)` or `name = Kind(size)[shape]`."""
        self.free(target.id, self.ctx.span(target), scope)
        shape: tuple[int, ...] = ()
        self.ctx.broken.add(target.id)
        call = value
        if isinstance(value, ast.Subscript):
            parts = value.slice.elts if isinstance(value.slice, ast.Tuple) else [value.slice]
            shape = tuple(self._length(part, scope) for part in parts)
            call = value.value
        assert isinstance(call, ast.Call)
        assert isinstance(call.func, ast.Name)
        type_ = self._type(call, call.func.id, scope)
        if prod(shape) > MOST:
            raise self._too_large(value, prod(shape), "elements")
        if type_ is None:
            self.ctx.empty.add(target.id)
            self.unused[target.id] = call
            type_ = Int(1)
        span = self.ctx.span(target)
        self.ctx.arrays[target.id] = Decl(target.id, KIND[call.func.id], type_, shape, span=span)
        self.ctx.broken.discard(target.id)

    def piece(self, target: ast.Subscript, value: ast.expr, scope: Scope) -> None:
        """Read `name[i] = Kind(size)`, one element of an array."""
        if not isinstance(target.value, ast.Name) or not isinstance(value, ast.Call):
            raise self.ctx.error(
                "E119",
                "one element is declared as `name[i] = Param(size)`",
                target,
                hint="declare a whole array as `name = Param(size)[a, b]`",
            )
        assert isinstance(value.func, ast.Name)
        name, kind = target.value.id, KIND[value.func.id]
        parts = target.slice.elts if isinstance(target.slice, ast.Tuple) else [target.slice]
        if name not in self.pieces:
            self.free(name, self.ctx.span(target.value), scope)
            self.pieces[name] = Pieces(kind, self.ctx.span(target.value), len(parts))
        self.ctx.broken.add(name)
        failed_before = name in self.failed
        self.failed.add(name)
        pieces = self.pieces[name]
        index = tuple(self.expressions.constant(part, scope, "an index") for part in parts)
        type_ = self._type(value, value.func.id, scope)
        if type_ is None:
            raise self._not_positive(value.args[0], 0, "the size")
        if not isinstance(type_, Int) or pieces.kind != kind or pieces.rank != len(parts):
            raise self.ctx.error(
                "E119",
                f"the elements of `{name}` are declared in different ways",
                target,
                hint="declare all of them alike, with the same number of indices",
            )
        if index in pieces.sizes:
            raise self.ctx.error(
                "E107",
                f"`{name}[{', '.join(map(str, index))}]` is declared twice",
                target,
                hint="check the indices",
            )
        pieces.sizes[index] = type_.size
        self.failed = self.failed if failed_before else self.failed - {name}

    def none(self, target: ast.Subscript, value: ast.expr) -> None:
        """Note an array whose loop of declarations has no turns: it has no elements."""
        if isinstance(target.value, ast.Name) and isinstance(value, ast.Call):
            assert isinstance(value.func, ast.Name)
            rank = len(target.slice.elts) if isinstance(target.slice, ast.Tuple) else 1
            place = self.ctx.span(target.value)
            self.pieces.setdefault(target.value.id, Pieces(KIND[value.func.id], place, rank))
            self.ctx.broken.discard(target.value.id)

    def finish(self) -> None:
        """Turn the arrays that were declared element by element into declarations."""
        for name, pieces in self.pieces.items():
            if name in self.failed:
                continue
            self.ctx.broken.discard(name)
            shape = tuple(
                max((index[axis] + 1 for index in pieces.sizes), default=0)
                for axis in range(pieces.rank)
            )
            cells = list(product(*map(range, shape)))
            if set(cells) != set(pieces.sizes):
                self._gap(name, pieces, cells)
                continue
            sizes = tuple(pieces.sizes[cell] for cell in cells)
            limits = sizes if len(set(sizes)) > 1 else None
            if limits is not None and pieces.kind != "param":
                error = self.ctx.error(
                    "E121",
                    f"the elements of `{name}` have different numbers of values",
                    pieces.span,
                    hint="only a Param may; give all elements the largest size",
                )
                self.ctx.errors.append(error)
            type_ = Int(max(sizes, default=1))
            self.ctx.arrays[name] = Decl(name, pieces.kind, type_, shape, limits, pieces.span)
        self.pieces.clear()

    def forget_empty(self) -> None:
        """Leave out the variables of size 0, and say so."""
        for name, node in self.unused.items():
            self.ctx.warn(f"`{name}` has size 0 and is left out", node)
            self.ctx.arrays.pop(name, None)

    def free(self, name: str, target: Span, scope: Scope) -> None:
        """Raise an error where a name is taken already."""
        if name in RESERVED:
            raise self.ctx.error(
                "E107",
                f"`{name}` is a word of the model language",
                target,
                hint="choose another name",
            )
        taken = name in self.ctx.arrays or name in self.ctx.functions or name in self.pieces
        if not taken and scope.names.get(name) is None:
            return
        place = ""
        if name in self.ctx.arrays:
            span = self.ctx.arrays[name].span
            place = f" in line {span.line}" if span else ""
        elif name in self.pieces:
            place = f" in line {self.pieces[name].span.line}"
        raise self.ctx.error(
            "E107",
            f"`{name}` is declared already{place}",
            target,
            label="declared again",
            hint="remove one of the two, or choose another name",
        )

    def size(self, node: ast.expr, scope: Scope, what: str) -> int:
        """Return a positive number."""
        found = self.expressions.constant(node, scope, what)
        if found <= 0:
            raise self._not_positive(node, found, what)
        if found > MOST:
            raise self._too_large(node, found, "values")
        return found

    def type_of(self, node: ast.expr, scope: Scope) -> Type:
        """Return the type that a size `n` or `Tensor(h, w)` means."""
        if is_tensor(node):
            return self._tensor(node, scope)
        return Int(self.size(node, scope, "a size"))

    # ---- the parts

    def _type(self, call: ast.Call, kind: str, scope: Scope) -> Type | None:
        """Return the type; None for a size of 0 that comes out of constants."""
        if call.keywords:
            raise self._wrong(call, kind)
        if kind == "InputTensor":
            return self._tensor(call, scope)
        if len(call.args) != 1:
            raise self._wrong(call, kind)
        node = call.args[0]
        if is_tensor(node):
            if kind == "Param":
                raise self.ctx.error(
                    "E118",
                    "a Param is a choice among numbers, not a tensor",
                    node,
                    hint="weights live in `@Learn` functions",
                )
            return self._tensor(node, scope)
        computed = not isinstance(node, ast.Constant)
        if computed and self.expressions.constant(node, scope, "the size") == 0:
            return None
        return Int(self.size(node, scope, "the size"))

    def _tensor(self, call: ast.expr, scope: Scope) -> Real:
        assert isinstance(call, ast.Call)
        if not call.args or call.keywords:
            raise self.ctx.error(
                "E103",
                "a tensor needs its shape",
                call,
                hint="for example `Tensor(28, 28)` or `InputTensor(28, 28)[k]`",
            )
        return Real(tuple(self.size(arg, scope, "a dimension") for arg in call.args))

    def _length(self, node: ast.expr, scope: Scope) -> int:
        found = self.expressions.constant(node, scope, "the length of an array")
        if found < 0:
            raise self._not_positive(node, found, "the length of an array")
        return found

    def _wrong(self, call: ast.Call, kind: str) -> Exception:
        return self.ctx.error(
            "E103",
            f"`{kind}` takes one size",
            call,
            hint=f"for example `{kind}(5)`, or `{kind}(5)[n]` for an array of n",
        )

    def _not_positive(self, node: ast.expr, found: int, what: str) -> Exception:
        return self.ctx.error(
            "E106",
            f"{what} must be at least {0 if 'length' in what else 1}, and this is {found}",
            node,
            label=f"is {found}",
            hint="a variable of size n has the values 0..n-1",
        )

    def _too_large(self, node: ast.expr, found: int, what: str) -> Exception:
        return self.ctx.error(
            "E106",
            f"{found} {what} are too many; at most {MOST} are possible",
            node,
            hint="use smaller constants",
        )

    def _gap(self, name: str, pieces: Pieces, cells: list[tuple[int, ...]]) -> None:
        gap = next((cell for cell in cells if cell not in pieces.sizes), None)
        what = "an index is negative" if gap is None else "has no element " + str(list(gap))
        self.ctx.broken.add(name)
        error = self.ctx.error(
            "E121",
            f"`{name}` is declared element by element, but {what}",
            pieces.span,
            hint="declare every index from 0 on",
        )
        self.ctx.errors.append(error)


def is_tensor(node: ast.expr) -> bool:
    """Return whether an expression is `Tensor(…)`."""
    name = node.func if isinstance(node, ast.Call) else None
    return isinstance(name, ast.Name) and name.id == "Tensor"
