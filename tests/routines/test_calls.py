"""Calls: nested, recursive with a data stack, in circles, and past the end of the stack."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from neuralc.nn.library.assembly import AssemblyRoutine
from neuralc.nn.library.exact import HALTED, TRAPPED
from neuralc.nn.library.library import RoutineLibrary


def added(library: RoutineLibrary, text: str) -> AssemblyRoutine:
    found = library.add(text)
    assert isinstance(found, AssemblyRoutine)
    return found


RECURSIVE = """
# The sum of the numbers up to k, by itself; what it needs later waits on the stack in memory.
routine up_to k top
    jump k 0 done
    write top k
    inc top top
    dec k k
    call up_to
    dec 1 top
    read top k
    add k 0 k
done: ret k
"""


def test_recursion_keeps_what_it_needs_on_a_data_stack() -> None:
    """The result is in register 0, so that the read must not come before the addition."""
    text = RECURSIVE.replace(
        "    read top k\n    add k 0 k\n", "    read top old\n    add 0 old k\n"
    )
    library = RoutineLibrary(64, depth=12)
    routine = added(library, text)
    ended = routine.execute([[k, 0] for k in range(13)])
    halted = ended.ended == HALTED
    assert halted.tolist() == [k <= 11 for k in range(13)]  # 12 return lines, line 0 included
    assert ended.ended[12] == TRAPPED
    assert ended.values[halted].tolist() == [k * (k + 1) // 2 % 64 for k in range(12)]
    soft = routine.soft([torch.eye(64)[[5, 12]], torch.eye(64)[[0, 0]]])
    assert soft[0].argmax() == 15
    run = routine.machine(soft)("up_to", [torch.eye(64)[[12]], torch.eye(64)[[0]]])
    assert run.ended[0, 2] > 0.999


def test_what_is_overwritten_by_recursion_is_lost() -> None:
    """The convention is real: the same with the old value read into the result's register."""
    routine = added(RoutineLibrary(64), RECURSIVE)
    assert routine.run([[4, 0]])[0][0] != 10


def test_routines_in_a_circle() -> None:
    library = RoutineLibrary(32)
    library.add("""
    routine even k
        jump k 0 yes; dec k k; goto odd
    yes: set 0 1; ret
    routine odd k
        jump k 0 no; dec k k; goto even
    no: set 0 0; ret
    """)
    numbers = np.arange(32)[:, None]
    assert (library["even"].run(numbers)[0] == 1 - numbers[:, 0] % 2).all()
    assert (library["odd"].run(numbers)[0] == numbers[:, 0] % 2).all()


@pytest.mark.parametrize(
    ("text", "ended"),
    [
        ("routine f a\n trap\n", TRAPPED),
        ("routine f a\n halt\n", HALTED),
        ("routine f a\n call g\n ret a\nroutine g\n trap\n", TRAPPED),
        ("routine f a\n call g\n trap\nroutine g\n halt\n", HALTED),
        ("routine f a\nloop: store loop; goto loop\n", TRAPPED),
        ("routine f a\n store next; ret\nnext: ret a\n", HALTED),
        ("routine f a\n set a 3; read a a; ret a\n", TRAPPED),
        ("routine f a\n set a 3; write a a; ret a\n", TRAPPED),
        ("routine f a\n set a 2; write a a; ret a\n", HALTED),
    ],
)
def test_ends(text: str, ended: int) -> None:
    """Exactly and softly; the memory has 3 cells."""
    routine = added(RoutineLibrary(8, cells=3, depth=4), text)
    assert routine.execute([[5]]).ended.tolist() == [ended]
    run = routine.machine()("f", [torch.eye(8)[[5]]])
    assert run.ended[0, ended] == 1


def test_nested_calls_softly() -> None:
    """lcm calls gcd, which calls mod, and div."""
    library = RoutineLibrary.standard(16)
    pairs = np.array([[4, 6], [3, 5], [0, 7], [2, 2]])
    hot = torch.eye(16)[torch.from_numpy(pairs)]
    soft = library["lcm"].soft(list(hot.unbind(1)))
    assert soft.argmax(-1).tolist() == library["lcm"].run(pairs)[0].tolist() == [12, 15, 0, 2]
    assert soft.amax(-1).min() > 0.999
