"""The few functions that every kernel is linked with: copies in and out, and the loss.

Most go lane by lane, number by number; what takes time is elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence

from neuralc.backends.native.llvm import Target, Writer, function
from neuralc.backends.native.logarithm import logarithm

TINY = 1e-15  # added to a chance so that its logarithm is finite; its square must fit float32

DECLARED = """
declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)
declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)
declare i64 @llvm.smin.i64(i64, i64)
"""


def helpers(target: Target) -> str:
    """Return the functions for a type of numbers and a number of lanes."""
    own = [spread, gather, clear, observe, logarithm]
    return "\n".join([*(write(target) for write in own), DECLARED])


def spread(target: Target) -> str:
    """Return the function that takes numbers of a caller as vectors."""
    w = Writer(target)
    most = w.let("sub i64 %valid, 1")
    done = _blocks(w, most) if target.lanes > 1 else "0"
    rest = w.branch(w.let(f"icmp slt i64 {done}, %count"))
    lane = w.begin(target.lanes)
    start = _row(w, "%from", lane.index, target.real, most)
    each = w.begin("%count", start=done)
    number = w.let(w.loading(_at(w, start, each.index), False))
    w.store(number, _lane(w, "%to", each.index, lane.index), False)
    w.end(each)
    w.end(lane)
    w.join(rest)
    what = (
        "numbers of a caller -> vectors: lane l has the rows at l * stride; lanes beyond `valid`\n"
        "have those of the last one"
    )
    arguments = "ptr noalias %to, ptr noalias %from, i64 %count, i64 %stride, i64 %valid"
    return function("spread", arguments, w.lines, what)


def _blocks(w: Writer, most: str) -> str:
    """Write what takes as many numbers as there are lanes at once; return how many it has taken."""
    t, lanes = w.target, w.target.lanes
    done = w.let(f"and i64 %count, {-lanes}")
    some = w.branch(w.let(f"icmp sgt i64 {done}, 0"))
    rows = [_row(w, "%from", str(k), t.real, most) for k in range(lanes)]
    block = w.begin(done, step=lanes)
    starts = [_at(w, row, block.index) for row in rows]
    square = [w.let(f"load {t.vector}, ptr {start}, align {t.bytes}") for start in starts]
    for k, vector in enumerate(_transposed(w, square)):
        w.store(vector, _lane(w, "%to", w.let(f"add i64 {block.index}, {k}"), "0"), True)
    w.end(block)
    w.join(some)
    return done


def _transposed(w: Writer, rows: Sequence[str]) -> list[str]:
    """Return the columns of as many vectors as they have numbers: blocks of them change places."""
    square, n, kind, side = list(rows), len(rows), w.target.vector, len(rows) // 2
    while side:
        own = [j for j in range(n) if not j & side]
        first = [j if j in own else n + j - side for j in range(n)]
        second = [j + side if j in own else n + j for j in range(n)]
        for k in own:
            pair = square[k], square[k + side]
            for at, order in ((k, first), (k + side, second)):
                mask = ", ".join(f"i32 {j}" for j in order)
                code = f"shufflevector {kind} {pair[0]}, {kind} {pair[1]}, <{n} x i32> <{mask}>"
                square[at] = w.let(code)
        side //= 2
    return square


def gather(target: Target) -> str:
    """Return the function that gives a caller the numbers of vectors."""
    w = Writer(target)
    lane = w.begin("%valid")
    start = _row(w, "%to", lane.index, target.real)
    each = w.begin("%count")
    number = w.let(w.loading(_lane(w, "%from", each.index, lane.index), False))
    w.store(number, _at(w, start, each.index), False)
    w.end(each)
    w.end(lane)
    what = "vectors -> numbers of a caller, the first `valid` lanes"
    arguments = "ptr noalias %to, ptr noalias %from, i64 %count, i64 %stride, i64 %valid"
    return function("gather", arguments, w.lines, what)


def clear(target: Target) -> str:
    """Return the function that makes lanes 0."""
    w = Writer(target)
    after = w.branch(w.let(f"icmp slt i64 %valid, {target.lanes}"))
    lane = w.begin(target.lanes, start="%valid")
    each = w.begin("%count")
    w.store(target.literal(0.0), _lane(w, "%to", each.index, lane.index), False)
    w.end(each)
    w.end(lane)
    w.join(after)
    arguments = "ptr noalias %to, i64 %count, i64 %valid"
    return function("clear", arguments, w.lines, "0 in the lanes from `valid` on")


def observe(target: Target) -> str:
    """Return the function that adds to the loss, and its gradient to that of an end."""
    w, real, vector = Writer(target), target.real, target.vector
    most = w.let("sub i64 %valid, 1")
    each = w.begin("%count")
    first = w.let(f"mul i64 {each.index}, %size")
    weights = values = "poison"
    spots = []
    for k in range(target.lanes):
        start = _row(w, "%targets", str(k), "i64", most)
        spot = w.let(f"getelementptr i64, ptr {start}, i64 {each.index}")
        goal = w.let(f"load i64, ptr {spot}")
        valid, wanted = w.let(f"icmp slt i64 {k}, %valid"), w.let(f"icmp sge i64 {goal}, 0")
        seen = w.let(f"and i1 {valid}, {wanted}")
        some = w.let(f"select i1 {seen}, i64 {goal}, i64 0")
        place = w.let(f"add i64 {first}, {some}")
        of_value = w.let(f"mul i64 {place}, %step")
        of_value = w.let(f"add i64 {of_value}, {w.let(f'mul i64 {k}, %across')}")
        value = w.let(w.loading(_at(w, "%value", of_value), False))
        value = w.let(f"select i1 {seen}, {real} {value}, {real} {target.literal(1.0)}")
        weight = w.let(f"select i1 {seen}, {real} %weight, {real} {target.literal(0.0)}")
        values, weights = w.put(values, value, k), w.put(weights, weight, k)
        spots.append(_lane(w, "%gradient", place, str(k)))
    chance = w.let(f"fadd {vector} {values}, {w.number(TINY, True)}")
    log = w.let(f"call {vector} @logarithm({vector} {chance})")
    part = w.let(f"fmul {vector} {log}, {weights}")
    before = w.let(w.loading("%total", True))
    w.store(w.let(f"fsub {vector} {before}, {part}"), "%total", True)
    slopes = w.let(f"fdiv {vector} {weights}, {chance}")
    for k, spot in enumerate(spots):
        old = w.let(w.loading(spot, False))
        w.store(w.let(f"fsub {real} {old}, {w.get(slopes, k)}"), spot, False)
    w.end(each)
    arguments = (
        "ptr noalias %value, i64 %step, i64 %across, ptr noalias %gradient, ptr noalias %total,\n"
        "    ptr noalias %targets, i64 %stride, i64 %count, i64 %size, i64 %valid, "
        f"{real} %weight"
    )
    what = "loss and its gradient: targets below 0, and lanes from `valid` on, are not observed"
    return function("observe", arguments, w.lines, what)


def _row(w: Writer, base: str, lane: str, kind: str, most: str = "") -> str:
    """Return where a caller has the numbers of a lane, or of lane `most` if that comes first."""
    if most:
        lane = w.let(f"call i64 @llvm.smin.i64(i64 {lane}, i64 {most})")
    return w.let(f"getelementptr {kind}, ptr {base}, i64 {w.let(f'mul i64 {lane}, %stride')}")


def _at(w: Writer, base: str, number: str) -> str:
    return w.let(f"getelementptr {w.target.real}, ptr {base}, i64 {number}")


def _lane(w: Writer, base: str, element: str, lane: str) -> str:
    """Return where the number of a lane is in a vector."""
    first = w.let(f"mul i64 {element}, {w.target.apart}")
    return _at(w, base, w.let(f"add i64 {first}, {lane}"))
