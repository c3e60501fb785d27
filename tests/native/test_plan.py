"""Where arrays stand in memory, and how often the large ones are gone through."""

from __future__ import annotations

from itertools import pairwise

import pytest

from neuralc.backends.native import NativeModule
from neuralc.backends.native.arena import room, spans
from neuralc.backends.native.code import Band, Group, singles
from neuralc.backends.native.drafts import in_place
from neuralc.backends.native.kernel import Kind, Variant, vectors
from neuralc.backends.native.nests import Access, Nest
from neuralc.backends.native.plan import Lanes
from neuralc.backends.native.program import Module
from neuralc.backends.native.views import Buffer
from neuralc.errors import Declined
from neuralc.ir.nodes import Program
from neuralc.nn.turns import program as register_machine
from tests.native.test_gradients import solved
from tests.random_models import Features, random_program

FINAL_MEMORY = frozenset([0])


def module(
    program: Program, lanes: Lanes, kind: Kind = "loss", compared: frozenset[int] | None = None
) -> Module:
    native = NativeModule(program)
    variant = Variant(kind, vectors("double"), lanes, native.params, 2**40, compared)
    return native.kernels.module(variant)


def check_places(found: Module) -> None:
    """Every array has a place of its own as long as it is needed."""
    lanes = found.target.apart
    for items in found.plan.items.values():
        for item in items:
            for buffer in {*item.instruction.reads, *item.instruction.writes}:
                if buffer.array is None:
                    assert buffer.place >= 0, buffer
                    assert buffer.place + room(buffer, lanes) <= found.size, buffer
    items = found.plan.items["example"]
    first, last = spans(items)
    for k in range(len(items)):
        alive = [b for b in first if first[b] <= k <= last[b]]
        for one, two in pairwise(sorted(alive, key=lambda b: b.place)):
            assert one.place + room(one, lanes) <= two.place, (k, one, two)


@pytest.mark.parametrize("seed", range(12))
def test_random_programs(seed: int) -> None:
    program = random_program(seed, Features(tight=bool(seed % 2)))
    try:
        check_places(module(program, "PB"[seed % 2], ("loss", "pullback")[seed // 2 % 2]))  # type: ignore[arg-type]
    except Declined as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("name", ["invert", "swap", "block_access"])
def test_machines(name: str) -> None:
    check_places(module(solved(name), "P"))


def test_memory_is_gone_through_about_once_in_each_turn() -> None:
    """Forth and back, where each instruction by itself would go through it four times."""
    cells, turns = 20, 12
    found = module(register_machine(cells, 4, turns), "B", compared=FINAL_MEMORY)
    check_places(found)
    passes = {False: 0, True: 0}
    for item in found.plan.items["example"]:
        group = item.instruction
        if isinstance(group, Group):
            whole = {b for part in singles(group) for b in (*part.reads, *part.writes)}
            passes[item.back] += any(b.count == cells**2 and b.lanes for b in whole)
    assert turns <= passes[False] <= turns + 2
    assert turns <= passes[True] <= 1.5 * turns


def buffer(name: str, count: int) -> Buffer:
    return Buffer(name, count, True, "example")


@pytest.mark.parametrize("late", [False, True])
def test_a_gradient_takes_the_place_only_of_what_has_been_read(late: bool) -> None:
    """`total += a * x` and `made = b * y`, in both orders, row by row."""
    total, made, other = (buffer(name, 400) for name in ("total", "made", "other"))
    x, y = buffer("x", 20), buffer("y", 20)
    cell, number = (1,), (0,)
    adding = Nest((20,), 1, Access(total, 0, cell), True,
                  ((Access(other, 0, cell), Access(x, 0, number)),))  # fmt: skip
    making = Nest((20,), 1, Access(made, 0, cell), False,
                  ((Access(other, 0, cell), Access(y, 0, number)),))  # fmt: skip
    parts = (adding, making) if late else (making, adding)
    band, names = in_place(Band(20, parts, ((20, 20, 1),) * 2), {made}, {made})
    assert names == ({made: total} if late else {})
    assert (total in band.writes) == late
    kept, names = in_place(Band(20, parts, ((20, 20, 1),) * 2), {made, total}, {made})
    assert not names
    assert total in kept.writes
