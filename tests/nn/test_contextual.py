"""Machines whose programs are emitted: the same numbers as the register machine, true gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from neuralc.errors import DataError, NeuralcError
from neuralc.ir.assembly import Assembly, Line
from neuralc.nn import exact
from neuralc.nn.contextual import ContextualMachine, Controller, tidy
from neuralc.nn.loss import Wanted, loss
from neuralc.nn.machine import RegisterMachine
from neuralc.nn.turns import Mixing
from neuralc.nn.weights import restore
from tests.nn.programs import random_program, soft_memory

M, R, D, P, STEPS = 5, 3, 4, 6, 7


def controller(seed: int = 0) -> Controller:
    """Return a controller whose programs are neither sharp nor flat."""
    made = Controller(M, R, D, width=16, seed=seed).double()
    with torch.no_grad():
        made.commands.weight.mul_(4)
        made.numbers.weight.mul_(4)
        made.body[-1].weight.mul_(8)
    return made


def vectors(seed: int, count: int = P) -> torch.Tensor:
    return torch.randn(count, D, generator=torch.Generator().manual_seed(seed)).double()


def memories(each: bool, soft: bool) -> torch.Tensor:
    shape = (P, 3, M) if each else (3, M)
    if soft:
        return soft_memory(1, *shape, M)
    return torch.from_numpy(np.random.default_rng(2).integers(0, M, shape))


@pytest.mark.parametrize("mixing", ["rows", "logits"])
@pytest.mark.parametrize(("each", "soft"), [(False, False), (False, True), (True, False),
                                            (True, True)])  # fmt: skip
def test_the_numbers_are_those_of_the_register_machine(
    mixing: Mixing, each: bool, soft: bool
) -> None:
    """Results, states, losses, and gradients of the logits."""
    machine = ContextualMachine(
        controller(), max_steps=STEPS, scale=1.5, mixing=mixing, threshold=0.6
    )
    plain = RegisterMachine(
        M, R, restarts=P, max_steps=STEPS, mixing=mixing, threshold=0.6
    ).double()
    plain.scale = 1.5
    emitted = {name: row.detach() for name, row in machine.controller(vectors(1)).items()}
    restore(plain, emitted)
    cells, wanted = memories(each, soft), memories(each, soft=False)
    ours, theirs = machine(vectors(1), cells, trace=True), plain(cells, trace=True)
    assert ours.memory.shape == (P, 3, M, M)
    for name in ("memory", "registers", "stopped", "steps"):
        assert torch.equal(getattr(ours, name), getattr(theirs, name))
    assert len(ours.trace) == len(theirs.trace) > 2
    assert all(torch.equal(a.line, b.line) for a, b in zip(ours.trace, theirs.trace, strict=True))

    target = Wanted(wanted, torch.ones(wanted.shape, dtype=torch.bool), plain.initial_line, P)
    made = machine.machine(vectors(1))
    rows = [made.weights()[name] for name in plain.weights()]
    terms = [loss(one, cells, target) for one in (made, plain)]
    assert torch.equal(terms[0].response, terms[1].response)
    assert torch.equal(terms[0].confidence, terms[1].confidence)
    totals = [(t.response + t.confidence + t.efficiency + t.halting).sum() for t in terms]
    found = torch.autograd.grad(totals[0], rows)
    expected = torch.autograd.grad(totals[1], list(plain.weights().values()))
    assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))
    assert all(bool((row != 0).any()) for row in found)


def test_every_z_has_its_own_program() -> None:
    """Side by side they do what each does alone; any number of them, one after the other."""
    machine, cells = ContextualMachine(controller(), max_steps=STEPS), memories(False, False)
    together = machine(vectors(3), cells)
    for k in range(P):
        alone = machine(vectors(3)[k : k + 1], cells)
        torch.testing.assert_close(alone.memory[0], together.memory[k], rtol=1e-12, atol=1e-12)
    assert not torch.allclose(together.memory[0], together.memory[1], atol=0.01)
    one_hot = machine(torch.eye(D)[[2, 0]], cells)
    assert torch.equal(machine(torch.tensor([2, 0]), cells).memory, one_hot.memory)


def test_gradients_reach_z_and_the_controller() -> None:
    machine, cells = ContextualMachine(controller(), max_steps=4), memories(False, True)[:1]
    z = vectors(4, 2).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: machine(x, cells).memory, (z,))
    machine(z, cells).memory[:, 0, 0, 0].sum().backward()
    grads = [p.grad for p in machine.controller.parameters()]
    assert all(grad is not None and bool((grad != 0).any()) for grad in grads)


def test_the_same_seed_is_the_same_controller() -> None:
    state = torch.get_rng_state()
    first, second, other = (Controller(M, R, D, seed=seed).places for seed in (1, 1, 2))
    assert torch.equal(first, second)
    assert not torch.equal(first, other)
    assert torch.equal(torch.get_rng_state(), state)


def test_the_size_is_not_z_times_all_logits() -> None:
    memory, registers, width = 300, 8, 64
    found = Controller(memory, registers, D, width=width)
    logits = sum(row[0].numel() for row in found(torch.zeros(1, D)).values())
    assert logits == memory * (11 + 3 * registers) + registers * memory + memory
    assert sum(p.numel() for p in found.parameters()) < width * logits / 10


def test_a_body_of_ones_own() -> None:
    """Images, say: z is what the body takes."""
    body = nn.Sequential(nn.Flatten(), nn.Linear(12, 16))
    made = Controller(M, R, 12, width=16, body=body)
    assert made(torch.ones(2, 3, 2, 2))["target"].shape == (2, M, R)
    assert isinstance(made.program(torch.ones(3, 2, 2)), Assembly)


@pytest.mark.parametrize(
    ("z", "message"),
    [
        ([0, D], "from 0 to 3"),
        ([-1], "from 0 to 3"),
        (torch.tensor(1), "integers"),
        (torch.zeros(2, D + 1), "does not fit"),
        (torch.zeros(D), "does not fit"),
        ([[0, 1]], "does not fit"),
    ],
)
def test_other_inputs_are_refused(z: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        controller()(z)


@pytest.mark.parametrize("sizes", [(0, R, D), (M, 0, D), (M, R, 0)])
def test_sizes_below_one_are_refused(sizes: tuple[int, int, int]) -> None:
    with pytest.raises(NeuralcError, match="1 or more"):
        Controller(*sizes)


# ---- what is read


def test_tidy_programs_behave_the_same() -> None:
    rng = np.random.default_rng(0)
    shorter = 0
    for _ in range(100):
        program = random_program(rng, M, R, lines=3, any_value=0.2)
        stops = tuple(Line("STOP", 1, 1, 1) for _ in range(2))
        whole = Assembly((*program.lines, *stops), program.registers, program.start)
        found, cells = tidy(whole), rng.integers(0, M, (4, M))
        ends = [exact.run(one, cells, max_steps=20) for one in (whole, found)]
        assert np.array_equal(ends[0].memory, ends[1].memory)
        assert np.array_equal(ends[0].steps, ends[1].steps)
        assert np.array_equal(ends[0].halted, ends[1].halted)
        shorter += len(found.lines) < len(whole.lines)
    assert shorter


def test_stops_that_a_jump_names_stay() -> None:
    jump, stop = Line("JEZ", 0, 1, 0), Line("STOP")
    assert len(tidy(Assembly((jump, stop, stop, stop), (0, 2))).lines) == 3
    assert len(tidy(Assembly((jump, stop, stop, stop), (0, 1))).lines) == 2
    assert len(tidy(Assembly((stop, stop, stop, stop), (3, 3), 1)).lines) == 2
    assert len(tidy(Assembly((jump, jump), (3, 3))).lines) == 2
