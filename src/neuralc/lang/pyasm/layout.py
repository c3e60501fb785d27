"""The order of the blocks: one that makes few jumps necessary, fewest where the program runs most.

The machine only jumps where a value is 0; a block that is followed by where it leads otherwise
needs no further line. The order is the best set of such pairs that a simple search finds.
"""

from __future__ import annotations

from neuralc.lang.pyasm.flow import Block, Branch, Flow, Jump, order

Edge = tuple[int, int]

LOOP = 8.0
"""How often a loop is taken to turn."""
LINE = 2.0
"""What a line is worth beside a step."""
MOST_DEPTH = 6


def layout(flow: Flow) -> list[int]:
    """Return the blocks in the order of their lines; the first is where the program begins."""
    weights = _weights(flow)
    chosen = _completed(set(), weights)
    improved = True
    while improved:
        improved = False
        for edge in sorted(set(weights) - chosen):
            other = _completed(_with(chosen, edge, weights), weights)
            if _total(other, weights) > _total(chosen, weights) + 1e-9:
                chosen, improved = other, True
    following = dict(chosen)
    heads = [number for number in order(flow) if number not in set(following.values())]
    found: list[int] = []
    for head in heads:
        number: int | None = head
        while number is not None:
            found.append(number)
            number = following.get(number)
    return found


def _weights(flow: Flow) -> dict[Edge, float]:
    """Return what is saved where one block stands right behind another."""
    found: dict[Edge, float] = {}
    for number, block in flow.blocks.items():
        often = LOOP ** min(len(block.loops), MOST_DEPTH)
        match block.end:
            case Jump(to=to):
                found[number, to] = LINE + (0 if flow.blocks[to].is_end else often)
            case Branch(zero=zero, other=other):
                stays = [_stays(block, flow.blocks[to]) for to in (zero, other)]
                share = 0.5 if stays[0] == stays[1] else 1 - 1 / LOOP if stays[1] else 1 / LOOP
                found[number, other] = share * often + LINE
    return {(a, b): weight for (a, b), weight in found.items() if a != b and b != flow.entry}


def _stays(block: Block, to: Block) -> bool:
    """Return whether a step to a block stays in all loops."""
    return to.loops[: len(block.loops)] == block.loops


def _total(edges: set[Edge], weights: dict[Edge, float]) -> float:
    return sum(weights[edge] for edge in edges)


def _with(chosen: set[Edge], edge: Edge, weights: dict[Edge, float]) -> set[Edge]:
    """Return a set of pairs with one more, without those that it excludes."""
    a, b = edge
    kept = {(x, y) for x, y in chosen if x != a and y != b}
    circle = _path(kept, b, a)
    if circle:
        kept.discard(min(circle, key=lambda one: (weights[one], one)))
    return kept | {edge}


def _completed(chosen: set[Edge], weights: dict[Edge, float]) -> set[Edge]:
    """Return a set of pairs with all that can be added, the heaviest first."""
    found = set(chosen)
    for a, b in sorted(weights, key=lambda one: (-weights[one], one)):
        free = all(x != a and y != b for x, y in found)
        if free and not _path(found, b, a):
            found.add((a, b))
    return found


def _path(edges: set[Edge], start: int, end: int) -> list[Edge]:
    """Return the pairs that lead from one block to another; [] where they do not."""
    following = dict(edges)
    found: list[Edge] = []
    while start != end:
        if start not in following:
            return []
        found.append((start, following[start]))
        start = following[start]
    return found
