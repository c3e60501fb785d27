"""The compiler's inner form: blocks of steps on as many local values as it takes.

A step is an instruction of the machine, a copy, a call, or the mark that a variable is read
here. Knows neither Python, nor lines, nor registers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import count

from neuralc.source import Span


@dataclass(frozen=True, slots=True, eq=False)
class Local:
    """A variable of one function, or an unnamed value (`name` is ""); the number says which."""

    number: int
    name: str
    owner: str = ""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Local) and self.number == other.number

    def __hash__(self) -> int:
        return self.number


@dataclass(frozen=True, slots=True)
class Number:
    """A constant 0 .. M-1."""

    value: int


@dataclass(frozen=True, slots=True)
class Address:
    """The line where a block begins."""

    block: int


Operand = Local | Number | Address

COMPUTED = frozenset(("ADD", "SUB", "MIN", "MAX"))


@dataclass(frozen=True, slots=True)
class Step:
    """An operation: ADD, SUB, MIN, MAX, READ, WRITE, COPY, CALL or USE."""

    operation: str
    target: Local | None
    operands: tuple[Operand, ...]
    span: Span | None = field(compare=False)
    callee: str = ""


@dataclass(frozen=True, slots=True)
class Jump:
    """Go on at a block."""

    to: int


@dataclass(frozen=True, slots=True)
class Branch:
    """Go on at `zero` where a value is 0, else at `other`."""

    on: Operand
    zero: int
    other: int


@dataclass(frozen=True, slots=True)
class Return:
    """Leave the function; the values are those that whoever called may look at."""

    values: tuple[Local, ...] = ()


@dataclass(frozen=True, slots=True)
class Indirect:
    """Go on at the line that a local value holds: one of the blocks."""

    through: Local
    to: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Stop:
    """End the run."""


End = Jump | Branch | Return | Indirect | Stop


@dataclass(slots=True)
class Block:
    """Steps in a row and where they lead; `loops` are the numbers of the loops around."""

    number: int
    loops: tuple[int, ...] = ()
    label: str = ""
    steps: list[Step] = field(default_factory=list)
    end: End = field(default_factory=Stop)
    span: Span | None = None

    @property
    def is_end(self) -> bool:
        """Whether it is one line from where the run does not go on behind it: no jump is longer."""
        return not self.steps and isinstance(self.end, Stop | Indirect)


@dataclass(slots=True)
class Flow:
    """A function, or at last the whole program: blocks, of which `entry` is the first.

    `pinned` blocks keep a line of their own kind: it says which call was made.
    """

    entry: int
    blocks: dict[int, Block] = field(default_factory=dict)
    parameters: tuple[Local, ...] = ()
    result: Local | None = None
    pinned: set[int] = field(default_factory=set)


class Supply:
    """New numbers for locals, blocks and loops, each once in a whole program."""

    def __init__(self) -> None:
        """Begin at 0."""
        self._locals, self._blocks, self._loops = count(), count(), count()

    def local(self, name: str = "", owner: str = "") -> Local:
        """Return a new local value."""
        return Local(next(self._locals), name, owner)

    def block(self, loops: tuple[int, ...] = (), label: str = "") -> Block:
        """Return a new, empty block."""
        return Block(next(self._blocks), loops, label)

    def loop(self) -> int:
        """Return a new number of a loop."""
        return next(self._loops)


def successors(end: End) -> tuple[int, ...]:
    """Return the blocks where a block may lead."""
    match end:
        case Jump(to=to):
            return (to,)
        case Branch(zero=zero, other=other):
            return (zero, other)
        case Indirect(to=to):
            return to
    return ()


def end_uses(end: End) -> tuple[Operand, ...]:
    """Return what the end of a block looks at."""
    match end:
        case Branch(on=on):
            return (on,)
        case Return(values=values):
            return values
        case Indirect(through=through):
            return (through,)
    return ()


def addresses(block: Block) -> Iterator[int]:
    """Yield the blocks whose line a block keeps as a value."""
    for step in block.steps:
        for operand in step.operands:
            if isinstance(operand, Address):
                yield operand.block


def order(flow: Flow) -> list[int]:
    """Return the blocks that can be reached, each behind one that leads to it where possible."""
    found: list[int] = []
    seen: set[int] = set()
    stack: list[tuple[int, Iterator[int]]] = []

    def enter(number: int) -> None:
        seen.add(number)
        block = flow.blocks[number]
        stack.append((number, iter((*reversed(successors(block.end)), *addresses(block)))))

    enter(flow.entry)
    while stack:
        number, following = stack[-1]
        following_one = next((n for n in following if n not in seen), None)
        if following_one is None:
            found.append(number)
            stack.pop()
        else:
            enter(following_one)
    return found[::-1]


def predecessors(flow: Flow) -> dict[int, list[int]]:
    """Return for each block those that lead to it."""
    found: dict[int, list[int]] = {number: [] for number in flow.blocks}
    for number, block in flow.blocks.items():
        for to in dict.fromkeys(successors(block.end)):
            found[to].append(number)
    return found


def modified(end: End, names: dict[int, int]) -> End:
    """Return the end of a block with other blocks in place of some."""
    match end:
        case Jump(to=to):
            return Jump(names.get(to, to))
        case Branch(on=on, zero=zero, other=other):
            return Branch(on, names.get(zero, zero), names.get(other, other))
        case Indirect(through=through, to=to):
            return Indirect(through, tuple(dict.fromkeys(names.get(n, n) for n in to)))
    return end


def rename(flow: Flow, names: Mapping[Local, Local]) -> None:
    """Put other locals in the place of some, in a whole function."""

    def new(one: Operand) -> Operand:
        return names.get(one, one) if isinstance(one, Local) else one

    for block in flow.blocks.values():
        block.steps = [
            replace(
                step,
                target=names.get(step.target, step.target) if step.target is not None else None,
                operands=tuple(map(new, step.operands)),
            )
            if step.target in names or not names.keys().isdisjoint(step.operands)
            else step
            for step in block.steps
        ]
        match block.end:
            case Branch(on=on, zero=zero, other=other):
                block.end = Branch(new(on), zero, other)
            case Return(values=values):
                block.end = Return(tuple(names.get(one, one) for one in values))
            case Indirect(through=through, to=to):
                block.end = Indirect(names.get(through, through), to)
