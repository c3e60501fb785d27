"""What a name of a model can stand for, and the scopes that hold names.

Knows nothing of how expressions or statements are translated.
"""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterable
from dataclasses import dataclass, field

from neuralc.ir.nodes import Network, Num, Op, Ref, Static, Sym, Type

KINDS = ("Param", "Input", "Output", "Var", "InputTensor")
RESERVED = (*KINDS, "Hyper", "Tensor", "Runtime", "Learn", "Inline", "Listing", "range")
BUILTINS = ("min", "max", "abs", "int", "bool")
METHODS = ("set_to", "set_to_constant", "observe_value")


@dataclass(frozen=True, slots=True)
class Array:
    """A whole declared array (or single variable), by its name."""

    name: str


@dataclass(frozen=True, slots=True, eq=False)
class Delayed:
    """An alias of a value that is translated anew where it is used."""

    node: ast.expr
    scope: Scope


@dataclass(frozen=True, slots=True)
class Unknown:
    """A name without a usable meaning here.

    `reason` and `hint` say why; an empty reason means that an error was reported already. `loop`
    is the symbol of a loop that carries the name from one turn to the next: unrolling it helps.
    """

    reason: str = ""
    hint: str = ""
    loop: str | None = None


Binding = Num | Sym | Op | Ref | Array | Delayed | Unknown


@dataclass(slots=True)
class Scope:
    """Names with their meanings at one point of the text; a macro's scope has an outer one."""

    names: dict[str, Binding] = field(default_factory=dict)
    outer: Scope | None = None

    def find(self, name: str) -> Binding | None:
        """Return the meaning of a name, or None."""
        found = self.names.get(name)
        return found if found is not None or self.outer is None else self.outer.find(name)

    def copy(self) -> Scope:
        """Return a scope that can change on its own."""
        return Scope(dict(self.names), self.outer)

    def top(self) -> Scope:
        """Return the scope of the module: what a macro sees besides its parameters."""
        return self if self.outer is None else self.outer.top()

    def changed(self, before: Scope) -> list[str]:
        """Return the names that mean something else than they did in `before`."""
        return [n for n, b in self.names.items() if n not in before.names or before.names[n] != b]


@dataclass(frozen=True, slots=True)
class Known:
    """A known function with its signature; tabulated after all declarations are read."""

    name: str
    sizes: tuple[int, ...]
    size: int
    node: ast.FunctionDef
    scope: Scope

    @property
    def inputs(self) -> tuple[int, ...]:
        """The sizes of the arguments."""
        return self.sizes


@dataclass(frozen=True, slots=True)
class Macro:
    """A statement macro."""

    name: str
    params: tuple[str, ...]
    node: ast.FunctionDef


@dataclass(frozen=True, slots=True)
class Broken:
    """A function whose definition had an error, reported already."""

    name: str


Function = Known | Network | Macro | Broken


class SilencedError(Exception):
    """A consequence of an error that was reported already."""


class UnrollError(Exception):
    """The loop over `symbol` has to be unrolled: its turns are not alike."""

    def __init__(self, symbol: str) -> None:
        """Keep the loop's symbol."""
        super().__init__(symbol)
        self.symbol = symbol


def nearest(name: str, candidates: Iterable[str]) -> str:
    """Return ` did you mean …?`, or nothing where no candidate is near."""
    lowered = {c.lower(): c for c in sorted(candidates)}
    found = difflib.get_close_matches(name.lower(), lowered, n=1, cutoff=0.6)
    return f"did you mean `{lowered[found[0]]}`?" if found else ""


def assigned(body: Iterable[ast.stmt]) -> dict[str, ast.Name]:
    """Return the names that statements bind, function definitions aside, with a place each."""
    found: dict[str, ast.Name] = {}
    for statement in body:
        if isinstance(statement, ast.FunctionDef):
            continue
        for node in ast.walk(statement):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                found.setdefault(node.id, node)
    return found


def kind_of(node: ast.expr) -> str | None:
    """Return `Param`, `Var`, … where an expression is a declaration, else None."""
    if isinstance(node, ast.Subscript):
        node = node.value
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return node.func.id if node.func.id in (*KINDS, "Hyper") else None
    return None


def shown(type_: Type | None) -> str:
    """Return a type in words."""
    match type_:
        case None:
            return "a constant"
        case _ if hasattr(type_, "shape"):
            return f"a tensor {type_}"
        case _:
            return f"a number of 0..{int(str(type_)) - 1}"


def is_static(value: object) -> bool:
    """Return whether a value is a static expression."""
    return isinstance(value, Static)
