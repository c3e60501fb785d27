"""The nodes of a program: small, typed, frozen; loops and gates are kept.

A `Program` is declarations plus statements. Three kinds of expression, from the outside in:

* a *static* expression (`Num`, `Sym`, `Op`) is an integer that depends on loop variables and gate
  variables only; it indexes arrays, bounds loops, decides an `If`, or is a value itself;
* a *value* is an element of an array (`Ref`), a function of values (`Call`), or static;
* a *statement* sets an element, or opens a loop, a gate, a switch or a static choice.

Nodes compare by structure; spans ride along outside equality. What a program means is
written in `evaluate.py` and nowhere else. What makes one well formed is written in `check.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from neuralc.source import Source, Span

# ---- types


@dataclass(frozen=True, slots=True)
class Int:
    """A whole number from 0 to `size - 1`; softly a distribution over these."""

    size: int

    def __str__(self) -> str:
        return str(self.size)


@dataclass(frozen=True, slots=True)
class Real:
    """A tensor of real numbers of this shape, such as an image."""

    shape: tuple[int, ...]

    def __str__(self) -> str:
        return f"Tensor({', '.join(map(str, self.shape))})"


Type = Int | Real


def _span() -> Span | None:
    return field(default=None, compare=False, repr=False)


# ---- static expressions: integers known once loop and gate variables are


@dataclass(frozen=True, slots=True)
class Num:
    """A known integer."""

    value: int
    span: Span | None = _span()


@dataclass(frozen=True, slots=True)
class Sym:
    """A loop variable or a gate variable."""

    name: str
    span: Span | None = _span()


OPERATORS = ("+", "-", "*", "//", "%", "**", "<", "<=", ">", ">=", "==", "!=", "and", "or", "not",
             "min", "max", "ifelse")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Op:
    """An operator of `OPERATORS` on static expressions; truth is 1, falsehood 0.

    `not` takes one argument, `min` and `max` one or more, `ifelse` three (condition, then,
    else); `and`, `or` take two or more and give 0 or 1; `-` with one argument negates.
    """

    op: str
    args: tuple[Static, ...]
    span: Span | None = _span()


Static = Num | Sym | Op


# ---- values


@dataclass(frozen=True, slots=True)
class Ref:
    """An element of a declared array; a scalar has the empty index."""

    name: str
    index: tuple[Static, ...] = ()
    span: Span | None = _span()


@dataclass(frozen=True, slots=True)
class Call:
    """A `Table` or a `Network`, by name, applied to values."""

    function: str
    args: tuple[Value, ...]
    span: Span | None = _span()


Value = Ref | Call | Num | Sym | Op


# ---- statements


@dataclass(frozen=True, slots=True)
class Set:
    """`target.set_to(value)`. A value of a smaller domain is widened; never narrowed."""

    target: Ref
    value: Value
    span: Span | None = _span()


@dataclass(frozen=True, slots=True)
class For:
    """`for var in range(start, stop, step)`; the bounds depend on loop variables only."""

    var: str
    start: Static
    stop: Static
    step: int
    body: Body
    span: Span | None = _span()


@dataclass(frozen=True, slots=True)
class Gate:
    """`with value as var`: the body once for each of the `size` values, mixed by the value."""

    var: str
    size: int
    value: Ref | Call
    body: Body
    span: Span | None = _span()


@dataclass(frozen=True, slots=True)
class Case:
    """The body of a `Switch` for these values of its selector."""

    values: tuple[int, ...]
    body: Body


@dataclass(frozen=True, slots=True)
class Switch:
    """`if value == 0: … elif value == 1: …`; the cases are disjoint and cover `range(size)`."""

    value: Ref | Call
    size: int
    cases: tuple[Case, ...]
    span: Span | None = _span()


@dataclass(frozen=True, slots=True)
class If:
    """A choice that is known once loop and gate variables are."""

    condition: Static
    then: Body
    orelse: Body
    span: Span | None = _span()


@dataclass(frozen=True, slots=True)
class Observe:
    """`ref.observe_value(value)`: adds `-log P(ref = value)` to the loss of every example."""

    ref: Ref
    value: int
    span: Span | None = _span()


Statement = Set | For | Gate | Switch | If | Observe
Body = tuple[Statement, ...]


# ---- declarations

Kind = Literal["param", "input", "output", "var"]


@dataclass(frozen=True, slots=True)
class Decl:
    """An array of variables; `shape` is empty for a single one.

    `limits`, for a `param` only: the number of values of each element where they differ (flat,
    last index fastest); `type.size` is then their maximum.
    """

    name: str
    kind: Kind
    type: Type
    shape: tuple[int, ...] = ()
    limits: tuple[int, ...] | None = None
    span: Span | None = _span()


@dataclass(frozen=True, slots=True)
class Table:
    """A known function of bounded integers, tabulated; the last argument varies fastest."""

    name: str
    sizes: tuple[int, ...]
    size: int
    values: tuple[int, ...] = field(repr=False)
    span: Span | None = _span()

    def __call__(self, *args: int) -> int:
        """Look one entry up."""
        flat = 0
        for arg, size in zip(args, self.sizes, strict=True):
            flat = flat * size + arg
        return self.values[flat]


@dataclass(frozen=True, slots=True)
class Network:
    """A neural function to be trained; `hidden` are the sizes of its hidden layers."""

    name: str
    inputs: tuple[Type, ...]
    output: Type
    hidden: tuple[int, ...] = ()
    body: str = "mlp"
    span: Span | None = _span()


@dataclass(frozen=True, slots=True)
class Fixed:
    """`param[index].set_to_constant(value)`: one choice that is not open."""

    name: str
    index: tuple[int, ...]
    value: int
    span: Span | None = _span()


@dataclass(frozen=True)
class Program:
    """A whole model with its hyper-parameters put in."""

    name: str
    decls: tuple[Decl, ...]
    tables: tuple[Table, ...]
    networks: tuple[Network, ...]
    fixed: tuple[Fixed, ...]
    body: Body
    hypers: tuple[tuple[str, int], ...] = ()
    source: Source | None = field(default=None, compare=False, repr=False)

    @cached_property
    def decl(self) -> dict[str, Decl]:
        """Declarations by name."""
        return {decl.name: decl for decl in self.decls}

    @cached_property
    def table(self) -> dict[str, Table]:
        """Tables by name."""
        return {table.name: table for table in self.tables}

    @cached_property
    def network(self) -> dict[str, Network]:
        """Networks by name."""
        return {network.name: network for network in self.networks}

    def of(self, kind: Kind) -> tuple[Decl, ...]:
        """Return the declarations of one kind, in order."""
        return tuple(decl for decl in self.decls if decl.kind == kind)


# ---- what every walker needs


def children(statement: Statement) -> tuple[Body, ...]:
    """Return the bodies inside a statement."""
    match statement:
        case For(body=body) | Gate(body=body):
            return (body,)
        case Switch(cases=cases):
            return tuple(case.body for case in cases)
        case If(then=then, orelse=orelse):
            return (then, orelse)
        case Set() | Observe():
            return ()


def walk(body: Body) -> list[Statement]:
    """Return all statements of a body, outer ones first."""
    found: list[Statement] = []
    for statement in body:
        found.append(statement)
        for inner in children(statement):
            found += walk(inner)
    return found


def symbols(expression: Value) -> frozenset[str]:
    """Return the loop and gate variables that an expression depends on."""
    match expression:
        case Num():
            return frozenset()
        case Sym(name=name):
            return frozenset((name,))
        case Op(args=args) | Call(args=args) | Ref(index=args):
            return frozenset().union(*(symbols(arg) for arg in args))
