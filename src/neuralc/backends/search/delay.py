"""Which statements of a program may wait until somebody asks for what they set.

A statement that waits looks at its choices only where its result is used: a search does not try
what makes no difference. Elements are set once, so waiting changes nothing else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from neuralc.ir.nodes import (
    Body,
    Call,
    For,
    Gate,
    Observe,
    Program,
    Ref,
    Set,
    Statement,
    Static,
    Switch,
    Sym,
    Value,
    children,
    symbols,
    walk,
)

Index = tuple[Static, ...]


def delayable(program: Program) -> dict[int, tuple[str, ...]]:
    """Return the statements that may wait, by their `id`, with the names that each of them sets.

    All that read such a name are in the statement or follow it in the same body, and they read
    what it has set in the same turn of all loops around it. Outermost statements never wait.
    """
    found: dict[int, tuple[str, ...]] = {}
    counts = _Counts(program)
    for statement in program.body:
        loops = (statement.var,) if isinstance(statement, For) else ()
        for inner in children(statement):
            counts.body(inner, loops, found)
    return found


class _Counts:
    """How often every name is set and read in the whole program."""

    def __init__(self, program: Program) -> None:
        self.program = program
        everything = walk(program.body)
        self.sets = Counter(s.target.name for s in everything if isinstance(s, Set))
        self.reads = Counter(ref.name for s in everything for ref in _reads(s))

    def body(self, body: Body, loops: tuple[str, ...], found: dict[int, tuple[str, ...]]) -> None:
        for k, one in enumerate(body):
            names = self.may_wait(one, body[k + 1 :], loops)
            if names:
                found[id(one)] = names
            inside = (*loops, one.var) if isinstance(one, For) else loops
            for inner in children(one):
                self.body(inner, inside, found)

    def may_wait(self, one: Statement, rest: Body, loops: tuple[str, ...]) -> tuple[str, ...]:
        """Return the names that a statement sets, if it may wait."""
        own = walk((one,))
        bound = {s.var for s in walk((one, *rest)) if isinstance(s, For | Gate)}
        if any(isinstance(s, Observe) for s in own) or len({*loops} - bound) < len(loops):
            return ()
        targets = [s.target for s in own if isinstance(s, Set)]
        within = [ref for s in own for ref in _reads(s)]
        later = [ref for s in walk(rest) for ref in _reads(s)]
        names = tuple(dict.fromkeys(ref.name for ref in targets))
        for name in names:
            mine, inner, after = (
                [ref.index for ref in refs if ref.name == name] for refs in (targets, within, later)
            )
            if self.program.decl[name].kind != "var" or self.sets[name] != len(mine):
                return ()
            if self.reads[name] != len(inner) + len(after):
                return ()
            if not all(_pinned(loop, (*mine, *inner, *after)) for loop in loops):
                return ()
            # or else a loop would be run again for each of its elements
            if after and (len({*mine, *after}) > 1 or bound & _symbols(mine[0])):
                return ()
        return names


def _pinned(loop: str, indices: Sequence[Index]) -> bool:
    """Tell whether all indices have a loop variable itself at one and the same position."""
    return any(all(part == Sym(loop) for part in parts) for parts in zip(*indices, strict=True))


def _symbols(index: Index) -> frozenset[str]:
    return frozenset().union(*(symbols(part) for part in index))


def _reads(statement: Statement) -> list[Ref]:
    match statement:
        case Set(value=value) | Gate(value=value) | Switch(value=value):
            return _refs(value)
        case Observe(ref=ref):
            return [ref]
        case _:
            return []


def _refs(value: Value) -> list[Ref]:
    if isinstance(value, Call):
        return [ref for arg in value.args for ref in _refs(arg)]
    return [value] if isinstance(value, Ref) else []
