"""Less memory for more work: what only the gradient wants to see again is computed again.

The forward pass is cut into segments. What a later segment reads is kept. The rest of a segment is
computed into drafts, which make room at once, and a second time when the gradient comes to the
segment. With about as many segments as each has steps, memory grows with the square root of the
length of a run, and a step of training takes one forward pass more. Knows no code.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import accumulate, pairwise
from typing import TypeVar, cast

from neuralc.backends.native.arena import room, spans
from neuralc.backends.native.code import Band
from neuralc.backends.native.nests import Access, Nest, Table
from neuralc.backends.native.plan import Instruction, Item, Transfer
from neuralc.backends.native.steps import Step
from neuralc.backends.native.views import Buffer

GROWTH = 1.4  # from one number of segments that is tried to the next
ENOUGH = 1.5  # times the least memory: more segments only keep more
One = TypeVar("One", bound=Instruction)


def recomputed(items: Sequence[Item], lanes: int) -> list[list[Item]]:
    """Return the items of the examples' section with as little alive at once as can be.

    They come in parts: an instruction should not be moved from one part to another, or it would
    be alive for longer. One part: nothing is saved by computing anything again.
    """
    forward = [item for item in items if not item.back]
    best, least = [list(items)], peak(items, lanes)
    for count in _counts(len({id(item.node) for item in forward})):
        parts = split(items, cuts(forward, lanes, count))
        size = peak([item for part in parts for item in part], lanes)
        if size < least:
            best, least = parts, size
        elif size > ENOUGH * least:
            break
    return best


def _counts(most: int) -> Iterator[int]:
    count = 2.0
    while count <= most:
        yield int(count)
        count = max(count * GROWTH, int(count) + 1)


def peak(items: Sequence[Item], lanes: int) -> int:
    """Return how many numbers of an example are alive at once, at most."""
    first, last = spans(items)
    return max(accumulate(_changes(first, last, len(items), lanes)), default=0)


def cuts(forward: Sequence[Item], lanes: int, count: int) -> list[int]:
    """Return where so many segments begin, but for the first: about as much is made in each.

    A segment begins with a node of the program, and near where it should it does so where least
    goes on.
    """
    made: dict[Buffer, int] = {}
    read: dict[Buffer, int] = {}
    for k, item in enumerate(forward):
        for buffer in _examples(item.instruction.writes):
            made.setdefault(buffer, k)
        for buffer in _examples(item.instruction.reads):
            read[buffer] = k
    ends = {buffer: read.get(buffer, k) - 1 for buffer, k in made.items()}
    alive = [0, *accumulate(_changes(made, ends, len(forward), lanes))]  # before an item
    news: Counter[int] = Counter()
    for buffer, k in made.items():
        news[k] += room(buffer, lanes)
    whole = [0, *accumulate(news[k] for k in range(len(forward)))]
    places = [k for k in range(1, len(forward)) if forward[k].node is not forward[k - 1].node]
    grown, length = [whole[k] for k in places], whole[-1] / count
    found = set()
    for goal in (length * k for k in range(1, count)):
        near = places[
            bisect_left(grown, goal - length / 2) : bisect_right(grown, goal + length / 2)
        ]
        if near:
            found.add(min(near, key=lambda k: (alive[k], abs(whole[k] - goal))))
    return sorted(found)


def split(items: Sequence[Item], cuts: Sequence[int]) -> list[list[Item]]:
    """Return the items with all segments but the last one computed again for the gradient.

    The first part is the forward pass; each other one begins with what is computed again.
    """
    back = [item for item in items if item.back]
    forward = [item for item in items if not item.back]
    bounds = [0, *cuts, len(forward)]
    segments = [forward[a:b] for a, b in pairwise(bounds)]
    home = _homes(segments, back)
    wanted = {buffer for item in back for buffer in item.instruction.reads if buffer in home}
    again = [_again(segment, home, wanted) for segment in segments]
    drafts = {
        buffer: replace(buffer) for segment in again for item in segment
        for buffer in item.instruction.writes
    }  # fmt: skip
    parts = [[replace(item, instruction=on(item.instruction, drafts)) for item in forward]]
    for item in back:
        numbers = {home[b] for b in item.instruction.reads if b in home}
        for k in sorted(k for k in numbers if again[k]):
            parts.append(again[k])
            again[k] = []
        parts[-1].append(item)
    return parts


def _homes(segments: Sequence[Sequence[Item]], back: Sequence[Item]) -> dict[Buffer, int]:
    """Return the number of its segment for each buffer that is not kept."""
    home: dict[Buffer, int] = {}
    kept: set[Buffer] = set()
    for k, segment in enumerate(segments):
        for item in segment:
            kept |= {b for b in item.instruction.reads if home.get(b) != k}
            kept |= {b for b in _examples(item.instruction.writes) if home.setdefault(b, k) != k}
    latest = 0
    for item in reversed(back):  # what is seen before the gradient comes to its segment
        own = {b: home[b] for b in item.instruction.reads if b in home and b not in kept}
        latest = max([latest, *own.values()])
        kept |= {b for b, k in own.items() if k < latest}
    for segment in segments:
        for item in segment:
            if not kept.isdisjoint(item.instruction.writes):
                kept |= set(item.instruction.writes)
    return {b: k for b, k in home.items() if b not in kept and k < len(segments) - 1}


def _again(segment: Sequence[Item], home: Mapping[Buffer, int], wanted: set[Buffer]) -> list[Item]:
    """Return the instructions of a segment that make what is wanted."""
    found, needed = [], set(wanted)
    for item in reversed(segment):
        if not needed.isdisjoint(item.instruction.writes):
            found.append(item)
            needed |= {b for b in item.instruction.reads if b in home}
    return found[::-1]


def on(instruction: One, other: Mapping[Buffer, Buffer]) -> One:
    """Return an instruction on other buffers, as far as there are others."""

    def moved(access: Access) -> Access:
        return replace(access, buffer=other.get(access.buffer, access.buffer))

    if not any(b in other for b in (*instruction.reads, *instruction.writes)):
        return instruction
    found: Instruction
    match instruction:
        case Nest(out=out, terms=terms):
            own = tuple(tuple(map(moved, term)) for term in terms)
            found = replace(instruction, out=moved(out), terms=own)
        case Table(out=out, factors=factors):
            found = replace(instruction, out=moved(out), factors=tuple(map(moved, factors)))
        case Step(operands=operands):
            found = replace(instruction, operands=tuple(map(moved, operands)))
        case Transfer(buffer=buffer):
            found = replace(instruction, buffer=other[buffer])
        case Band(parts=parts):
            found = replace(instruction, parts=tuple(on(part, other) for part in parts))
        case _:
            raise AssertionError(instruction)
    return cast(One, found)


def _examples(buffers: Sequence[Buffer]) -> list[Buffer]:
    return [buffer for buffer in buffers if buffer.scope == "example"]


def _changes(
    first: Mapping[Buffer, int], last: Mapping[Buffer, int], count: int, lanes: int
) -> list[int]:
    """Return by how much what is alive grows with each of `count` items."""
    found = [0] * (count + 1)
    for buffer, k in first.items():
        found[k] += room(buffer, lanes)
        found[last[buffer] + 1] -= room(buffer, lanes)
    return found
