"""The few functions that every kernel is linked with: copies in and out, and the loss.

They go lane by lane, number by number; what takes time is elsewhere.
"""

from __future__ import annotations

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
    real = target.real
    own = logarithm(target) if target.chip else f"declare {real} @{_logarithm(target)}({real})\n"
    return "\n".join(
        [spread(target), gather(target), clear(target), observe(target), DECLARED, own]
    )


def spread(target: Target) -> str:
    """Return the function that takes numbers of a caller as vectors."""
    w = Writer(target)
    most = w.let("sub i64 %valid, 1")
    lane = w.begin(target.lanes)
    source = w.let(f"call i64 @llvm.smin.i64(i64 {lane.index}, i64 {most})")
    start = _row(w, "%from", source, target.real)
    each = w.begin("%count")
    number = w.let(w.loading(_at(w, start, each.index), False))
    w.store(number, _lane(w, "%to", each.index, lane.index), False)
    w.end(each)
    w.end(lane)
    what = (
        "numbers of a caller -> vectors: lane l has the rows at l * stride; lanes beyond `valid`\n"
        "have those of the last one"
    )
    arguments = "ptr noalias %to, ptr noalias %from, i64 %count, i64 %stride, i64 %valid"
    return function("spread", arguments, w.lines, what)


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
    w, real = Writer(target), target.real
    lane = w.begin("%valid")
    start = _row(w, "%targets", lane.index, "i64")
    own = w.let(f"mul i64 {lane.index}, %across")
    total = _at(w, "%total", lane.index)
    each = w.begin("%count")
    spot = w.let(f"getelementptr i64, ptr {start}, i64 {each.index}")
    goal = w.let(f"load i64, ptr {spot}")
    seen = w.branch(w.let(f"icmp sge i64 {goal}, 0"))
    place = w.let(f"add i64 {w.let(f'mul i64 {each.index}, %size')}, {goal}")
    of_value = w.let(f"add i64 {w.let(f'mul i64 {place}, %step')}, {own}")
    value = w.let(w.loading(_at(w, "%value", of_value), False))
    chance = w.let(f"fadd {real} {value}, {target.literal(TINY)}")
    log = w.let(f"call {real} @{_logarithm(target)}({real} {chance})")
    part = w.let(f"fmul {real} {log}, %weight")
    before = w.let(w.loading(total, False))
    w.store(w.let(f"fsub {real} {before}, {part}"), total, False)
    slope = w.let(f"fdiv {real} %weight, {chance}")
    there = _lane(w, "%gradient", place, lane.index)
    old = w.let(w.loading(there, False))
    w.store(w.let(f"fsub {real} {old}, {slope}"), there, False)
    w.join(seen)
    w.end(each)
    w.end(lane)
    arguments = (
        "ptr noalias %value, i64 %step, i64 %across, ptr noalias %gradient, ptr noalias %total,\n"
        "    ptr noalias %targets, i64 %stride, i64 %count, i64 %size, i64 %valid, "
        f"{real} %weight"
    )
    what = "loss and its gradient: targets below 0 are not observed"
    return function("observe", arguments, w.lines, what)


def _row(w: Writer, base: str, lane: str, kind: str) -> str:
    """Return where a caller has the numbers of a lane."""
    return w.let(f"getelementptr {kind}, ptr {base}, i64 {w.let(f'mul i64 {lane}, %stride')}")


def _at(w: Writer, base: str, number: str) -> str:
    return w.let(f"getelementptr {w.target.real}, ptr {base}, i64 {number}")


def _lane(w: Writer, base: str, element: str, lane: str) -> str:
    """Return where the number of a lane is in a vector."""
    first = w.let(f"mul i64 {element}, {w.target.apart}")
    return _at(w, base, w.let(f"add i64 {first}, {lane}"))


def _logarithm(target: Target) -> str:
    return "logarithm" if target.chip else f"llvm.log.{target.suffix(False)}"
