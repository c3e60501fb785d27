"""Runs by kernels say what runs in torch say, and their gradients: ends, all terms of the loss."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
import torch
from torch import Tensor

from neuralc.backends.native import module as native_module
from neuralc.errors import Declined, NeuralcError
from neuralc.nn.compile import compile
from neuralc.nn.contextual import ContextualMachine, Controller
from neuralc.nn.loss import Wanted, Weights, loss
from neuralc.nn.machine import RegisterMachine
from neuralc.nn.turns import LARGE, Halting, Mixing
from tests.nn.programs import randomise, soft_memory

ALL = Weights(1.0, 0.7, 0.3, 0.2)
PLAIN = Weights(1.0, 0.0, 0.3, 0.2)
SIZES = [(2, 1, 1, 1), (5, 3, 1, 9), (5, 3, 3, 4), (5, 3, 11, 2)]  # M, R, P, B
each_mixing = pytest.mark.parametrize("mixing", ["rows", "logits"])
each_halting = pytest.mark.parametrize("halting", ["exact", "reference"])


def both(memory: int, registers: int, restarts: int, **options: Any) -> list[RegisterMachine]:
    """Return the same machine with both engines, float64."""
    options = {"max_steps": 12, "threshold": 0.6, **options}
    made = [
        RegisterMachine(memory, registers, restarts=restarts, engine=engine, **options).double()
        for engine in ("torch", "native")
    ]
    for machine in made:
        randomise(machine, 7, 1.5)
    assert [machine.engine for machine in made] == ["torch", "native"]
    return made


def graded(machine: RegisterMachine, value: Tensor, *others: Tensor) -> list[Tensor]:
    """Return the gradients of a number: of all weights, and of others."""
    return list(torch.autograd.grad(value, [*machine.weights().values(), *others]))


def close(one: list[Tensor], two: list[Tensor], tolerance: float = 1e-9) -> None:
    """Compare tensors, relative to the largest number of each."""
    for a, b in zip(one, two, strict=True):
        scale = max(1.0, float(a.detach().abs().max()))
        torch.testing.assert_close(b, a, rtol=0, atol=tolerance * scale, check_dtype=False)


def task(memory: int, restarts: int, batch: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return memories for each program, what is wanted, and of which cells."""
    noise = torch.Generator().manual_seed(3)
    cells = soft_memory(2, restarts, batch, memory, memory).requires_grad_()
    wanted = torch.randint(0, memory, (restarts, batch, memory), generator=noise)
    asked = torch.rand(restarts, batch, memory, generator=noise) < 0.6
    return cells, wanted, asked


@each_mixing
@each_halting
@pytest.mark.parametrize(("memory", "registers", "restarts", "batch"), SIZES)
def test_loss_and_gradients(
    mixing: Mixing, halting: Halting, memory: int, registers: int, restarts: int, batch: int
) -> None:
    """Programs are cut off at different times, examples stop at different times."""
    machines = both(memory, registers, restarts, mixing=mixing, halting=halting)
    cells, values, asked = task(memory, restarts, batch)
    for weights in (ALL, PLAIN):
        found = []
        for machine in machines:
            machine.limits, machine.scale = torch.arange(restarts) + 4, 1.3
            wanted = Wanted(values, asked, machine.initial_line, restarts)
            terms = loss(machine, cells, wanted, confidence=weights.confidence != 0)
            share = torch.linspace(0.5, 1, terms.end.numel()).view_as(terms.end).double()
            gradients = graded(machine, (terms.total(weights) * share).sum(), cells)
            found.append([terms.total(weights), terms.end, *gradients])
        close(*found)


@each_mixing
@each_halting
def test_runs_and_gradients(mixing: Mixing, halting: Halting) -> None:
    """Any function of the end of every example."""
    machines = both(5, 3, 3, mixing=mixing, halting=halting, threshold=0.35)
    cells, *_ = task(5, 3, 4)
    runs = [machine(cells) for machine in machines]
    assert len(runs[0].steps.unique()) > 2, "examples end at different times"
    assert torch.equal(runs[0].steps, runs[1].steps)
    outputs = [[run.memory, run.registers, run.stopped] for run in runs]
    close(*outputs)
    noise = torch.Generator().manual_seed(1)
    shares = [torch.randn(x.shape, generator=noise, dtype=x.dtype) for x in outputs[0]]
    for count in (1, 3):  # the others get no gradient
        found = []
        for machine in machines:
            run = machine(cells)
            ends = (run.memory, run.registers, run.stopped)
            value = [(x * y).sum() for x, y in zip(ends, shares[:count], strict=False)]
            found.append(graded(machine, torch.stack(value).sum(), cells))
        close(*found)


def test_what_is_asked_for_alone() -> None:
    """No turn at all, no gradient, a copy, the trace."""
    plain, native = both(5, 3, 3)
    cells, values, asked = task(5, 3, 4)
    none = native(cells, max_steps=0)
    assert torch.equal(none.memory, cells)
    assert not none.steps.any()
    (gradient,) = torch.autograd.grad(none.memory.sum(), cells)
    assert torch.equal(gradient, torch.ones_like(cells))
    wanted = Wanted(values, asked, cells, 3)
    ends = [loss(m, cells, wanted, max_steps=0) for m in (plain, native)]
    assert torch.equal(ends[0].efficiency, ends[1].efficiency)
    with torch.no_grad():
        close([plain(cells).memory], [deepcopy(native)(cells).memory])
        assert len(native(cells, trace=True).trace) == len(plain(cells, trace=True).trace)


def test_single_precision() -> None:
    plain, native = both(5, 3, 4, mixing="logits")
    native = native.float()
    cells, values, asked = task(5, 4, 3)
    found = []
    for machine in (plain, native):
        wanted = Wanted(values, asked, machine.initial_line, 4)
        total = loss(machine, cells, wanted).total(ALL).sum()
        found.append(graded(machine, total))
    close(*found, tolerance=1e-4)


def test_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of restarts and chunks of examples, added up."""
    monkeypatch.setattr(native_module, "ALONE", 0)
    plain, native = both(5, 3, 1)
    cells, values, asked = task(5, 1, 21)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 3)
    found = []
    for machine in (plain, native):
        wanted = Wanted(values, asked, machine.initial_line, 1)
        found.append(graded(machine, loss(machine, cells, wanted).total(ALL).sum(), cells))
    close(*found)


def test_as_many_programs_as_a_controller_emits() -> None:
    controller = Controller(5, 3, 3).double()
    cells = soft_memory(4, 2, 5, 5)
    runs = [
        ContextualMachine(controller, max_steps=6, engine=engine).double()(torch.arange(3), cells)
        for engine in ("torch", "native")
    ]
    assert runs[0].memory.shape == (3, 2, 5, 5)
    close([runs[0].memory], [runs[1].memory])


def test_which_engine() -> None:
    machine = compile("access", 10, engine="auto")
    assert machine.engine == "native"
    assert compile("access", 10).engine == "torch"
    assert RegisterMachine(LARGE + 1, 2, engine="auto").engine == "torch"
    assert machine.bfloat16().engine == "torch"
    native = compile("access", 10, engine="native").bfloat16()
    with pytest.raises(Declined, match=r"for float32 and float64, not for torch\.bfloat16"):
        native(torch.zeros(1, 10, dtype=torch.int64))
    with pytest.raises(Declined, match="a machine of one cell"):
        RegisterMachine(1, 1, engine="native")([[0]])
    assert RegisterMachine(1, 1, engine="auto")([[0]]).memory.shape == (1, 1, 1, 1)
    with pytest.raises(NeuralcError, match="engine is one of auto, native, torch, found 'c'"):
        RegisterMachine(3, 2, engine="c")  # type: ignore[arg-type]
