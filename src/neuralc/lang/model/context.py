"""What the stages of one translation share: declarations, errors, warnings, open symbols.

Knows nothing of statements; how an error is laid out is the business of `errors`.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from neuralc.errors import SourceError
from neuralc.ir.nodes import Decl, Fixed, Int, Num, Ref, Static, symbols
from neuralc.lang.model.names import (
    BUILTINS,
    Array,
    Binding,
    Function,
    Scope,
    SilencedError,
    Unknown,
    UnrollError,
    nearest,
)
from neuralc.lang.model.places import Node, Places
from neuralc.source import Source, Span


@dataclass
class Context:
    """The state of one translation; made by `parse`, dropped with it."""

    source: Source
    places: Places
    arrays: dict[str, Decl] = field(default_factory=dict)
    functions: dict[str, Function] = field(default_factory=dict)
    later: dict[str, ast.Assign] = field(default_factory=dict)
    empty: set[str] = field(default_factory=set)
    broken: set[str] = field(default_factory=set)
    errors: list[SourceError] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    fixed: list[Fixed] = field(default_factory=list)
    open: dict[str, bool] = field(default_factory=dict)
    """The symbols that are open, outermost first, and whether each belongs to a loop."""
    silenced: bool = False
    """Whether a statement was passed over because of an error elsewhere."""
    turns: int = 0
    """Turns of unrolled loops so far."""
    choices: int = 0
    """How many gates and switches the statement at hand is inside of."""
    macros: list[str] = field(default_factory=list)
    """The macros that are being written out, outermost first."""
    constants: set[str] = field(default_factory=set)
    """The names that the module itself binds to numbers."""

    def span(self, node: Node) -> Span:
        """Return the place of a node."""
        return self.places.span(node)

    def error(
        self, code: str, message: str, place: Node | Span, *, hint: str, label: str = ""
    ) -> SourceError:
        """Return an error to raise or report."""
        span = place if isinstance(place, Span) else self.span(place)
        return SourceError(code, message, span, label=label, hint=hint)

    def warn(self, message: str, node: Node) -> None:
        """Note a warning with its place, once."""
        span = self.span(node)
        text = f"{self.source.name}:{span.line}:{span.column}: {message}"
        if text not in self.warnings:
            self.warnings.append(text)

    def mark(self) -> tuple[int, int]:
        """Return how much has been noted so far, to go back to with `back`."""
        return len(self.errors), len(self.fixed)

    def back(self, mark: tuple[int, int]) -> None:
        """Forget what was noted since the mark."""
        del self.errors[mark[0] :]
        del self.fixed[mark[1] :]

    def fresh(self, name: str) -> str:
        """Return the name, or a numbered one where a symbol of that name is open."""
        number, candidate = 1, name
        while candidate in self.open:
            number += 1
            candidate = f"{name}_{number}"
        return candidate

    def loop_in(self, *expressions: Static) -> str | None:
        """Return the outermost open loop symbol that expressions depend on."""
        used = frozenset[str]().union(*(symbols(e) for e in expressions))
        return next((s for s, loop in self.open.items() if loop and s in used), None)

    def find(self, node: ast.Name, scope: Scope) -> Binding | Function:
        """Return what a name stands for.

        Raises:
            SourceError: nothing of that name, or nothing known of it here.
            SilencedError: its declaration had an error.
            UnrollError: its value is carried from turn to turn of a loop.

        """
        name = node.id
        found: Binding | None = scope.find(name)
        if found is None and name in self.arrays:
            found = Array(name)
        if isinstance(found, Unknown):
            if found.loop is not None and found.loop in self.open:
                raise UnrollError(found.loop)
            if not found.reason:
                raise SilencedError(name)
            raise self.error("E123", found.reason, node, hint=found.hint)
        if isinstance(found, Array) and found.name in self.empty:
            raise self.error(
                "E106",
                f"`{name}` has no values: its size is 0",
                node,
                label="used here",
                hint="guard its uses with an `if` on the constants that make it empty",
            )
        if found is not None:
            return found
        if name in self.functions:
            return self.functions[name]
        if name in self.broken:
            raise SilencedError(name)
        raise self.unknown(node, scope)

    def unknown(self, node: ast.Name, scope: Scope) -> SourceError:
        """Return the error for a name that stands for nothing here."""
        name = node.id
        if name in self.later:
            line = self.later[name].lineno
            return self.error(
                "E101",
                f"`{name}` is used before it is given a meaning in line {line}",
                node,
                label="not known yet",
                hint=f"move line {line} above this one",
            )
        near = nearest(name, self.known(scope))
        return self.error(
            "E101",
            f"nothing is called `{name}`",
            node,
            label="unknown name",
            hint=near or "declare it, for example with `Var(n)[…]` or as a constant",
        )

    def known(self, scope: Scope) -> set[str]:
        """Return all names that could be meant."""
        names = {n for n, b in scope.names.items() if not isinstance(b, Unknown)}
        top = {n for n, b in scope.top().names.items() if not isinstance(b, Unknown)}
        return names | top | set(self.arrays) | set(self.functions) | set(BUILTINS)

    def size_at(self, ref: Ref) -> int:
        """Return how many values an element has; the most, where that depends on gates.

        Raises:
            UnrollError: it depends on the turn of a loop.

        """
        decl = self.arrays[ref.name]
        assert isinstance(decl.type, Int)
        if decl.limits is None:
            return decl.type.size
        flat = 0
        for index, length in zip(ref.index, decl.shape, strict=True):
            if not isinstance(index, Num):
                if all(self.open.get(s, False) for s in symbols(ref)):
                    raise UnrollError(next(s for s in self.open if s in symbols(ref)))
                return decl.type.size
            flat = flat * length + index.value
        return decl.limits[flat] if 0 <= flat < len(decl.limits) else decl.type.size
