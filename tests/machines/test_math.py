"""The MATH machine: its known solution, random programs against plain Python, its listing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from neuralc.backends.exact import Executor
from neuralc.backends.exact.sites import sites
from neuralc.ir.algebras import Integers
from neuralc.ir.check import check
from neuralc.ir.evaluate import evaluate
from neuralc.ir.nodes import Network, Program
from neuralc.ir.space import log10_size
from neuralc.lang.model.listing import render, validate
from neuralc.learning.dead import chosen_elements
from tests.machines.solved import machine

Choices = dict[str, Any]
MOVE, APPLY = 0, 1
SOLUTION: Choices = {
    "instr": [MOVE, APPLY, MOVE],
    "net_choice": [0, 0, 1],
    "arg1": [0, 1, 0],
    "arg2": [0, 0, 0],
    "arg_op": [0, 2, 0],
    "goto": [1, 2, 0],
    "ret": 1,
}
LISTING = """\
# initialization:
R0 = 0
R1 = 0
R2 = 0
# program:
L0: R0 = net_0(MOVE)
    GOTO_IF L1
L1: R1 = APPLY(R1, R0, R2)
    GOTO_IF L2
L2: R2 = net_1(MOVE)
    GOTO_IF L0
halt:
    return R1"""


def program(length: int, steps: int) -> Program:
    return machine("math", {"image_size": 2, "length": length, "num_steps": steps}).program


def applied(a: int, b: int, op: int) -> int:
    if op == 3:
        return a // b if b else 18
    return ((a + b) % 19, (a - b) % 19, (a * b) % 19)[op]


def by_hand(choices: Choices, seen: Sequence[Sequence[int]], steps: int) -> tuple[int, int]:
    """Run a program; `seen[k][net]` is what a network says of the image `k`."""
    registers, block, place = [0, 0, 0], 0, 0
    for _ in range(steps):
        if choices["instr"][block] == MOVE:
            if place == len(seen):
                return registers[choices["ret"]], 1
            registers[block] = seen[place][choices["net_choice"][block]]
            place += 1
        else:
            a, b, op = (registers[choices[name][block]] for name in ("arg1", "arg2", "arg_op"))
            registers[block] = applied(a, b, op % 4)
        block = choices["goto"][block]
    return registers[choices["ret"]], 0


def random_choices(rng: np.random.Generator) -> Choices:
    sizes = {"instr": 2, "net_choice": 2, "arg1": 3, "arg2": 3, "arg_op": 3, "goto": 3}
    found: Choices = {name: rng.integers(n, size=3).tolist() for name, n in sizes.items()}
    return {**found, "ret": int(rng.integers(3))}


def random_seen(rng: np.random.Generator, length: int) -> list[list[int]]:
    return np.stack([rng.integers(10, size=length), rng.integers(4, size=length)], 1).tolist()


def interpreted(choices: Choices, seen: Sequence[Sequence[int]], steps: int) -> tuple[int, int]:
    """Run the machine; an image is given as what the two networks say of it."""
    own = program(len(seen), steps)
    given: dict[Any, Any] = {**chosen_elements(own, choices)}
    given |= {("tape", (k,)): tuple(both) for k, both in enumerate(seen)}

    def classes(network: Network, args: Sequence[Any]) -> int:
        return int(args[0][int(network.name[-1])])

    found = evaluate(own, given, Integers(classes))
    return int(found["result", ()]), int(found["is_halted", ()])


def test_it_is_well_formed_and_has_a_good_listing() -> None:
    parsed = machine("math", {"image_size": 2, "length": 3, "num_steps": 6})
    assert check(parsed.program) == []
    assert parsed.warnings == ()
    assert parsed.listing is not None
    assert parsed.program.source is not None
    assert validate(parsed.program, parsed.listing, parsed.program.source) == []
    choices = {name: np.array(value) for name, value in SOLUTION.items()}
    assert render(parsed.program, parsed.listing, choices) == LISTING


def test_the_number_of_programs() -> None:
    # a MOVE block: 2 networks and 3 blocks to go to; an APPLY block: 3^3 registers, 3 blocks
    assert 10**6 < (2 * 3 + 3**3 * 3) ** 3 * 3 < 10**6.5  # the 10^6 of the paper
    all_choices = 10 ** log10_size(program(3, 6))
    assert all_choices == pytest.approx((2 * 2 * 3**3 * 3) ** 3 * 3)
    assert log10_size(program(31, 48)) == log10_size(program(3, 6))


@pytest.mark.parametrize("digits", [1, 2, 3, 16])
def test_the_solution_evaluates_expressions(digits: int) -> None:
    rng = np.random.default_rng(digits)
    for _ in range(10):
        seen = random_seen(rng, 2 * digits - 1)
        value = seen[0][0]
        for (_, op), (digit, _) in zip(seen[1::2], seen[2::2], strict=True):
            value = applied(value, digit, op)
        assert interpreted(SOLUTION, seen, 3 * digits) == (value, 1)


def test_one_step_less_does_not_halt() -> None:
    value, halted = interpreted(SOLUTION, [[7, 0], [0, 0], [5, 0]], 5)
    assert (value, halted) == (12, 0)


def test_random_programs_do_what_they_say() -> None:
    rng = np.random.default_rng(0)
    ends = set()
    for _ in range(150):
        choices, seen = random_choices(rng), random_seen(rng, 3)
        found = interpreted(choices, seen, 7)
        assert found == by_hand(choices, seen, 7), (choices, seen)
        ends.add(found[1])
    assert ends == {0, 1}


def test_the_exact_execution_agrees() -> None:
    rng = np.random.default_rng(1)
    length, steps = 5, 11
    executor = Executor(program(length, steps), jit=False)
    programs = [SOLUTION, *(random_choices(rng) for _ in range(40))]
    seen = [random_seen(rng, length) for _ in range(10)]
    batch = {name: np.array([one[name] for one in programs]) for name in SOLUTION}
    both = np.array(seen)
    tables = {s: both[None, :, :, int(s.network[-1])] for s in sites(executor.program)}
    found = executor.run(batch, {}, tables)
    for c, choices in enumerate(programs):
        wanted = [by_hand(choices, one, steps) for one in seen]
        got = np.stack([found["result"][c], found["is_halted"][c]], 1)
        assert [tuple(row) for row in got.tolist()] == wanted
