"""Which arrays need no more than one slice: what a time loop sets, the next turn reads, then drops.

`a[t + 1, r]` is set from `a[t, ...]`; if nothing of the old slice is read once the new one is
being written, both may be the same memory, and `a[t + 1, r] = a[t, r]` is nothing at all. Arrays
for which this cannot be shown keep all their slices. Knows nothing of how a kernel is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from neuralc.backends.exact.accesses import (
    Access,
    accesses,
    binds,
    number,
    offset,
    reads,
    rename,
    same,
    turns,
    without,
)
from neuralc.ir.nodes import (
    Body,
    Call,
    For,
    Gate,
    If,
    Int,
    Op,
    Program,
    Ref,
    Set,
    Statement,
    Static,
    Switch,
    Sym,
    children,
    symbols,
)

Index = tuple[Static, ...]
Gates = Mapping[str, Ref]
"""What the gate variables around a statement are the values of, where that is an element."""


@dataclass(frozen=True, slots=True)
class Slice:
    """One slice of an array, without the axis of time.

    Attributes:
        name: the array.
        axis: its axis of time.
        shape: its shape without that axis.
        place: where in the program's body the loop is.
        var: the loop's variable.
        new: a turn sets `name[var + new, ...]`.
        old: and may read `name[var + old, ...]`, what the turn before has set.
        kept: whether anything reads it after the loop, or in the turn after the one that sets it.

    """

    name: str
    axis: int
    shape: tuple[int, ...]
    place: int
    var: str
    new: int
    old: int
    kept: bool

    @property
    def single(self) -> bool:
        """Whether a slice is a single number."""
        return not self.shape

    def cell(self, ref: Ref) -> Index:
        """Return where in the slice an element is."""
        return without(ref.index, self.axis)

    def is_old(self, ref: Ref) -> bool:
        """Tell whether a reference inside the loop means the slice that the turn began with."""
        return offset(ref.index[self.axis], self.var) == self.old

    def copies(self, statement: Set, gates: Gates) -> bool:
        """Tell whether a statement of the loop sets an element to what it was before."""
        target, value = statement.target, statement.value
        if isinstance(value, Sym):
            value = gates.get(value.name, value)
        return (
            isinstance(value, Ref)
            and target.name == value.name == self.name
            and self.is_old(value)
            and same(self.cell(target), self.cell(value))
        )


def bound(gates: Gates, var: str, value: Ref | Call | None = None) -> dict[str, Ref]:
    """Return what is known of the gate variables where `var` is one of them, or a loop's."""
    kept = {name: ref for name, ref in gates.items() if name != var and var not in symbols(ref)}
    return {**kept, var: value} if isinstance(value, Ref) and var not in symbols(value) else kept


def slices(program: Program) -> dict[str, Slice]:
    """Return the arrays of a program that are stored as one slice."""
    found: dict[str, Slice] = {}
    for name, places in accesses(program.body).items():
        decl = program.decl[name]
        if decl.kind != "var" or not isinstance(decl.type, Int):
            continue
        guesses = (
            _fits(program, name, places, place, axis)
            for place in dict.fromkeys(access.place for access in places if access.sets)
            for axis in range(len(decl.shape))
        )
        guess = next((guess for guess in guesses if guess is not None), None)
        if guess is not None:
            found[name] = guess
    return found


def _fits(program: Program, name: str, places: list[Access], place: int, axis: int) -> Slice | None:
    """Return the slice of an array, if this loop carries it along this axis and no harm is done."""
    loop, shape = program.body[place], program.decl[name].shape
    values = turns(loop) if isinstance(loop, For) else None
    if not isinstance(loop, For) or values is None or binds(loop.body, loop.var):
        return None
    inside = [access for access in places if access.place == place]
    if any(loop.var in _names(without(a.ref.index, axis)) for a in inside):
        return None  # which cell is meant would move with time
    sets = {offset(access.ref.index[axis], loop.var) for access in inside if access.sets}
    new = sets.pop() if len(sets) == 1 else None
    if new is None:
        return None
    old = new - loop.step
    seen = {offset(access.ref.index[axis], loop.var) for access in inside if not access.sets}
    first, last = values.start + old, values.start + old + loop.step * len(values)
    outside = [access for access in places if access.place != place]
    for access in outside:
        wanted = first if access.place < place else last
        if number(access.ref.index[axis]) != wanted or (access.sets and access.place > place):
            return None
    kept = old in seen or any(access.place > place for access in outside)
    rest: tuple[int, ...] = (*shape[:axis], *shape[axis + 1 :])
    guess = Slice(name, axis, rest, place, loop.var, new, old, kept)
    if not seen <= {old, new} or (rest and not _harmless(loop.body, guess)):
        return None
    return guess


def _names(index: Index) -> frozenset[str]:
    return frozenset[str]().union(*map(symbols, index))


# ---- does a turn read what it has overwritten?


class _Harm(Exception):
    """A turn reads an old element that may have been overwritten."""


def _harmless(body: Body, guess: Slice) -> bool:
    """Tell whether no turn reads an old element after it may have written a new one there."""
    try:
        _Turn(guess).body(body, (), {})
    except _Harm:
        return False
    return True


class _Turn:
    """Goes through a turn with the cells that have been written so far."""

    def __init__(self, guess: Slice) -> None:
        self.guess = guess
        self.loops: tuple[str, ...] = ()  # loops that are in a later turn than a renamed cell

    def body(self, body: Body, written: tuple[Index, ...], gates: Gates) -> tuple[Index, ...]:
        """Return the cells written after a body."""
        for statement in body:
            written = self.statement(statement, written, gates)
        return written

    def statement(
        self, statement: Statement, written: tuple[Index, ...], gates: Gates
    ) -> tuple[Index, ...]:
        ours = isinstance(statement, Set) and statement.target.name == self.guess.name
        if isinstance(statement, Set) and ours and self.guess.copies(statement, gates):
            return written
        self.check(statement, written)
        match statement:
            case Set(target=target):
                return (*written, self.guess.cell(target)) if ours else written
            case For(var=var, body=body):
                return self.loop(var, body, written, gates)
            case Gate(var=var, value=value, body=body):
                after = self.body(body, _any(written, var), bound(gates, var, value))
                return _any(after, var)
            case If() | Switch():
                arms = [self.body(body, written, gates) for body in children(statement)]
                return tuple(dict.fromkeys(cell for arm in arms for cell in arm))
        return written

    def check(self, statement: Statement, written: tuple[Index, ...]) -> None:
        """Refuse a read of an old element that may be one of those written."""
        for ref in reads(statement):
            if ref.name == self.guess.name and self.guess.is_old(ref):
                cell = self.guess.cell(ref)
                if not all(self.differ(cell, other) for other in written):
                    raise _Harm

    def differ(self, read: Index, written: Index) -> bool:
        """Tell whether two cells are surely not the same."""
        for here, there in zip(read, written, strict=True):
            a, b = number(here), number(there)
            if a is not None and b is not None and a != b:
                return True
            for var in self.loops:
                k = offset(here, var)
                if k is not None and k == offset(there, _earlier(var)):
                    return True
        return False

    def one_turn(self, var: str, body: Body, gates: Gates) -> bool:
        """Tell whether all turns but one only copy elements of this array onto themselves."""
        if len(body) != 1 or not isinstance(body[0], If):
            return False
        found = single_turn(var, body[0].condition)
        if found is None:
            return False
        rest = body[0].orelse if found[1] else body[0].then
        return all(isinstance(s, Set) and self.guess.copies(s, gates) for s in rest)

    def loop(
        self, var: str, body: Body, written: tuple[Index, ...], gates: Gates
    ) -> tuple[Index, ...]:
        """Go through a loop twice: in a later turn, what an earlier one wrote is there too.

        Once, if only one turn does anything: where the loop's variable is a certain number.
        """
        if self.one_turn(var, body, bound(gates, var)):
            return _any(self.body(body, _any(written, var), bound(gates, var)), var)
        if binds(body, var) or var in self.loops:
            written, gates = _any(written, var), bound(gates, var)
            once = self.body(body, written, gates)
            return _any(self.body(body, _any(once, var), gates), var)
        before, gates = _any(written, var), bound(gates, var)
        once = self.body(body, before, gates)
        self.loops += (var,)
        earlier = tuple(tuple(rename(part, {var: _earlier(var)}) for part in cell) for cell in once)
        after = self.body(body, earlier, gates)
        self.loops = self.loops[:-1]
        return _any(_any((*once, *after), var), _earlier(var))


def single_turn(var: str, condition: Static) -> tuple[Static, bool] | None:
    """Return where alone `var == …` holds, and True; False with `!=`; None: it is no such test.

    The number that the variable is compared with does not depend on it, and always has a value.
    """
    match condition:
        case Op(op="==" | "!=" as op, args=(left, right)):
            for one, other in ((left, right), (right, left)):
                if one == Sym(var) and var not in symbols(other) and _simple(other):
                    return other, op == "=="
        case Op(op="not", args=(inner,)):
            found = single_turn(var, inner)
            return None if found is None else (found[0], not found[1])
    return None


def _simple(expression: Static) -> bool:
    """Tell whether an expression has a value in any case: it may be computed where not needed."""
    if isinstance(expression, Op):
        return expression.op in ("+", "-", "*") and all(map(_simple, expression.args))
    return True


def _earlier(var: str) -> str:
    """Return the name of a loop's variable in an earlier turn; no variable of a model has it."""
    return f"{var}'"


def _any(cells: Iterable[Index], var: str) -> tuple[Index, ...]:
    """Return the cells with a variable that has got another value, or none any more."""
    renamed = (tuple(rename(part, {var: "?"}) for part in cell) for cell in cells)
    return tuple(dict.fromkeys(renamed))
