"""The loop around a kernel: blocks of restarts and of examples, and the addresses of each.

`run(arena, args, arrays, start, stop)` does the tasks from `start` to `stop`: task `k` is row
`k / chunks` of restarts and chunk `k % chunks` of the examples, several times if there are steps of
descent to be made. `args` are P, B, chunks and steps, `arrays` the addresses of the external
arrays. A frame tells the sections about the block that they are on.
"""

from __future__ import annotations

from neuralc.backends.native.llvm import Target, Writer
from neuralc.backends.native.plan import Plan
from neuralc.backends.soft.graph import B, P

VALID, WEIGHT, FIRST, SLOTS = 0, 1, 2, 3  # of a frame; then address and stride of each array


def frame_size(plan: Plan) -> int:
    """Return the number of words in a frame."""
    return SLOTS + 2 * len(plan.externals)


def driver(plan: Plan, target: Target) -> str:
    """Return the text of `run`."""
    w = Writer(target)
    lanes, size = plan.lanes, target.lanes
    w.lines += [f"  %frame = alloca [{frame_size(plan)} x i64], align 64"]
    restarts, examples, chunks, turns = (
        w.let(f"load i64, ptr {w.let(f'getelementptr i64, ptr %args, i64 {k}')}") for k in range(4)
    )
    along = {P: restarts, B: examples}[lanes]
    blocks = w.let(f"sdiv i64 {w.let(f'add i64 {along}, {size - 1}')}, {size}")
    rows = blocks if lanes == P else restarts
    units = examples if lanes == P else blocks
    extents = {"chunk": chunks, "row": rows, P: restarts, B: examples, "step": turns}
    weight = w.let(f"fdiv double 1.0, {w.let(f'sitofp i64 {examples} to double')}")
    _put(w, WEIGHT, "double", weight)
    bases = [
        w.let(f"load ptr, ptr {w.let(f'getelementptr ptr, ptr %arrays, i64 {k}')}")
        for k in range(len(plan.externals))
    ]
    steps = [_strides(w, plan, k, extents) for k in range(len(bases))]
    task = w.begin("%stop", start="%start")
    row = w.let(f"sdiv i64 {task.index}, {chunks}")
    chunk = w.let(f"srem i64 {task.index}, {chunks}")
    _put(w, FIRST, "i64", w.let(f"zext i1 {w.let(f'icmp eq i64 {row}, 0')} to i64"))
    first = w.let(f"mul i64 {row}, {size}") if lanes == P else row
    if lanes == P:
        _put(w, VALID, "i64", _valid(w, along, first, size))
    turn = w.begin(turns)
    at = {"chunk": chunk, "row": row, P: first, B: "0", "step": turn.index}
    _addresses(w, plan, bases, steps, at)
    w.do("call void @before(ptr %arena, ptr %frame)")
    begin, end = _range(w, chunk, chunks, units)
    some = w.branch(w.let(f"icmp slt i64 {begin}, {end}"))
    unit = w.begin(end, start=begin)
    example = unit.index if lanes == P else w.let(f"mul i64 {unit.index}, {size}")
    if lanes == B:
        _put(w, VALID, "i64", _valid(w, along, example, size))
    _addresses(w, plan, bases, steps, {**at, B: example})
    w.do("call void @example(ptr %arena, ptr %frame)")
    w.end(unit)
    w.join(some)
    _addresses(w, plan, bases, steps, at)
    w.do("call void @after(ptr %arena, ptr %frame)")
    w.end(turn)
    w.end(task)
    arguments = "ptr noalias %arena, ptr noalias %args, ptr noalias %arrays, i64 %start, i64 %stop"
    return "\n".join(
        [f"define void @run({arguments}) {{", "entry:", *w.lines, "  ret void", "}", ""]
    )


def share(target: Target, room: int) -> str:
    """Return the text of `share`: the tasks of one thread of a GPU, every `threads`-th.

    Args:
        target: `target.threads` neighbours, a warp, work in one part of the memory.
        room: the bytes of such a part.

    """
    w, side = Writer(target), target.threads
    at = w.let(f"mul i64 {w.let(f'udiv i64 %thread, {side}')}, {room}")
    lane = w.let(f"mul i64 {w.let(f'urem i64 %thread, {side}')}, {target.bytes}")
    own = w.let(f"getelementptr i8, ptr %arena, i64 {w.let(f'add i64 {at}, {lane}')}")
    after = w.branch(w.let("icmp slt i64 %thread, %tasks"))
    task = w.begin("%tasks", start="%thread", step="%threads")
    following = w.let(f"add i64 {task.index}, 1")
    numbers = f"i64 {task.index}, i64 {following}"
    w.do(f"call void @run(ptr {own}, ptr %args, ptr %arrays, {numbers})")
    w.end(task)
    w.join(after)
    arguments = "ptr %arena, ptr %args, ptr %arrays, i64 %tasks, i64 %thread, i64 %threads"
    head = f"define void @share({arguments}) {{"
    return "\n".join([head, "entry:", *w.lines, "  ret void", "}", ""])


def _range(w: Writer, chunk: str, chunks: str, units: str) -> tuple[str, str]:
    """Return the first block of examples of a chunk, and the one behind the last."""
    following = w.let(f"add i64 {chunk}, 1")
    products = [w.let(f"mul i64 {k}, {units}") for k in (chunk, following)]
    begin, end = (w.let(f"sdiv i64 {product}, {chunks}") for product in products)
    return begin, end


def _valid(w: Writer, whole: str, first: str, size: int) -> str:
    rest = w.let(f"sub i64 {whole}, {first}")
    return w.let(f"call i64 @llvm.smin.i64(i64 {rest}, i64 {size})")


def _put(w: Writer, word: int, kind: str, value: str) -> None:
    spot = w.let(f"getelementptr i64, ptr %frame, i64 {word}")
    w.do(f"store {kind} {value}, ptr {spot}")


def _strides(w: Writer, plan: Plan, k: int, extents: dict[str, str]) -> dict[str, str]:
    """Return how far apart the parts of an external array are along each of its dimensions."""
    external = plan.externals[k]
    step, found = str(external.count), {}
    for dim in reversed(external.dims):
        found[dim] = step
        step = w.let(f"mul i64 {step}, {extents[dim]}")
    return found


def _addresses(
    w: Writer, plan: Plan, bases: list[str], steps: list[dict[str, str]], at: dict[str, str]
) -> None:
    """Put the addresses of the parts that a block is about into the frame."""
    for k, external in enumerate(plan.externals):
        kind = w.target.real if external.real else "i64"
        place = "0"
        for dim, step in steps[k].items():
            place = w.let(f"add i64 {place}, {w.let(f'mul i64 {at[dim]}, {step}')}")
        moved = w.let(f"getelementptr {kind}, ptr {bases[k]}, i64 {place}")
        _put(w, SLOTS + 2 * k, "ptr", moved)
        _put(w, SLOTS + 2 * k + 1, "i64", steps[k].get(plan.lanes, "0"))


def word(w: Writer, number: int, kind: str = "i64") -> str:
    """Return a word of the frame."""
    return w.let(f"load {kind}, ptr {w.let(f'getelementptr i64, ptr %frame, i64 {number}')}")


def slot(w: Writer, plan: Plan, k: int) -> tuple[str, str]:
    """Return address and stride of an external array."""
    return word(w, SLOTS + 2 * k, "ptr"), word(w, SLOTS + 2 * k + 1)
