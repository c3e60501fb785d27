"""Controllers that memorise programs, and inputs that are found by examples."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from neuralc.errors import DataError, ModelErrors, NeuralcError
from neuralc.inspect.disassemble import disassemble
from neuralc.ir.assembly import OPERATIONS, Assembly, Line
from neuralc.ir.memories import Samples
from neuralc.lang import asm
from neuralc.lang.pyasm.function import program as as_program
from neuralc.learning.contextual.choose import Settings, choose
from neuralc.learning.contextual.memorise import Memorised, alike, memorise
from neuralc.nn import exact, folder
from neuralc.nn.compile import assembly_of
from neuralc.nn.contextual import ContextualMachine, Controller
from neuralc.source import Source

NAMES = ("access", "addition", "copy", "increment", "linear_search", "swap")
M, R = 10, 7


@pytest.fixture(scope="module")
def learned() -> tuple[Controller, Memorised]:
    """A controller of six routines."""
    controller = Controller(M, R, len(NAMES), width=64)
    return controller, memorise(controller, dict(enumerate(NAMES)), rate=1e-2, max_steps=60)


def examples(name: str, limit: int, count: int = 64) -> Samples:
    """Return samples that a routine changes and stops on, in at most `limit` instructions."""
    cells = np.random.default_rng(NAMES.index(name)).integers(0, M, (4000, M))
    ended = exact.run(assembly_of(name, M), cells, max_steps=limit)
    rows = np.flatnonzero(ended.halted & (ended.memory != cells).any(1))[:count]
    assert len(rows) == count
    return Samples(cells[rows], ended.memory[rows], np.ones((count, M), dtype=bool))


# ---- memorising


def test_every_program_is_emitted(learned: tuple[Controller, Memorised]) -> None:
    controller, report = learned
    assert report.done
    assert report.confidence >= 0.99
    assert all(report.exact.values())
    assert report.same == dict.fromkeys(range(len(NAMES)), report.tried)
    for k, name in enumerate(NAMES):
        wanted, found = assembly_of(name, M), controller.program(k)
        again = asm.parse(Source("listing", asm.text(found)))
        assert again.lines == found.lines
        assert [line.operation for line in found.lines] == [x.operation for x in wanted.lines]
        pairs = zip(wanted.registers, found.registers, strict=False)
        assert all(a is None or a == b for a, b in pairs)
        cells = np.random.default_rng(100 + k).integers(0, M, (300, M))
        assert alike(wanted, again, cells, max_steps=100) == 300


def test_other_programs_are_not_alike() -> None:
    cells = np.random.default_rng(1).integers(0, M, (100, M))
    assert alike(assembly_of("access", M), assembly_of("swap", M), cells, max_steps=50) < 100


def test_soft_runs_do_what_the_routines_do(
    learned: tuple[Controller, Memorised], tmp_path: Any
) -> None:
    """Sharper they are exact; and what is emitted is a machine that can be read and saved."""
    controller, _ = learned
    machine = ContextualMachine(controller, max_steps=30, scale=100.0)
    given = [examples(name, 20, 8) for name in NAMES]
    with torch.no_grad():
        run = machine(torch.arange(6), np.stack([one.given for one in given]))
    for k, one in enumerate(given):
        assert np.array_equal(run.values()[k], one.wanted)
    assert float(run.memory.amax(-1).min()) > 0.999
    emitted = machine.machine(torch.arange(6))
    assert disassemble(emitted, 5).kind == 1
    folder.save(emitted, tmp_path)
    loaded = folder.load(tmp_path).machine
    assert [loaded.instruction[5, k].argmax() for k in range(9)] == [
        OPERATIONS.index(line.operation) for line in assembly_of("swap", M).lines
    ]


def test_vectors_python_functions_and_open_choices() -> None:
    """z may be vectors; spare registers and `?` are not demanded."""

    @as_program
    def double(mem: Any) -> None:
        mem[0] = mem[1] + mem[1]

    programs = {(0.5, -1.0): double, (1.0, 1.0): "var a = ?\na = ZERO\n_ = WRITE a a\nSTOP"}
    controller = Controller(8, 6, 2, width=32)
    report = memorise(controller, programs, rate=1e-2, memories=20)
    assert report.done
    assert controller.program((1.0, 1.0)) == report.emitted[1.0, 1.0]
    assert [line.operation for line in controller.program((1, 1)).lines] == [
        "ZERO", "WRITE", "STOP",
    ]  # fmt: skip


def test_random_programs_as_long_as_the_memory() -> None:
    """No structure helps: 20 programs, all choices demanded."""
    rng = np.random.default_rng(3)
    programs = {
        k: Assembly(
            tuple(
                Line(OPERATIONS[rng.integers(11)], *(int(r) for r in rng.integers(0, 3, 3)))
                for _ in range(6)
            ),
            tuple(int(r) for r in rng.integers(0, 6, 3)),
            int(rng.integers(6)),
        )
        for k in range(20)
    }
    report = memorise(Controller(6, 3, 20), programs, memories=20, max_steps=50)
    assert report.done


def test_too_few_updates_are_told() -> None:
    report = memorise(Controller(M, R, 2), {0: "access", 1: "swap"}, most_steps=3)
    assert report.steps == 3
    assert not report.done
    assert not any(report.exact.values())
    assert report.confidence < 0.9


def test_a_choice_that_is_wrongly_left_open_is_noticed() -> None:
    """The start value is said to be any, but it is written to the memory."""
    text = "var a = ?\nvar b = 1\n_ = WRITE b a\nSTOP"
    reports = [memorise(Controller(8, 2, 1, seed=seed), {0: text}, rate=1e-2) for seed in range(4)]
    assert all(all(report.exact.values()) for report in reports)
    assert not all(report.done for report in reports)


@pytest.mark.parametrize(
    ("programs", "options", "error", "message"),
    [
        ({}, {}, NeuralcError, "no programs"),
        ({0: "access", (1.0,): "swap"}, {}, NeuralcError, "different kinds"),
        ({(1.0, 0.0): "access", (1.0,): "swap"}, {}, NeuralcError, "different kinds"),
        ({0: "access", 2: "swap"}, {}, DataError, "from 0 to 1"),
        ({0: "bubble_sort"}, {}, ModelErrors, "E410"),
        ({0: "list_search"}, {}, NeuralcError, "8 registers needs a controller"),
        ({0: "access"}, {"confidence": 0.5}, NeuralcError, "between 0.5 and 1"),
        ({0: "access"}, {"confidence": 1.0}, NeuralcError, "between 0.5 and 1"),
    ],
)
def test_mistakes(programs: Any, options: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        memorise(Controller(M, R, 2), programs, **options)


# ---- choosing


def test_gradients_select_the_right_program(learned: tuple[Controller, Memorised]) -> None:
    """Of 20 seeds most find the one program out of six; a guess would find 3.3."""
    controller, _ = learned
    before = [p.detach().clone() for p in controller.parameters()]
    settings = Settings(updates=30, batch=4, draws=6)
    right, named = 0, 0
    for name, seeds in (("addition", range(10)), ("swap", range(10, 20))):
        machine = ContextualMachine(controller, max_steps=17)
        for found in choose(machine, examples(name, 16), seeds=seeds, settings=settings):
            named += found.z == NAMES.index(name)
            right += found.right
            assert 1 / 6 < found.chance <= 1
            assert found.program == controller.program(found.z)
    assert right == named  # no other of the six is right on these samples
    assert right >= 15
    assert all(p.grad is None for p in controller.parameters())
    assert all(torch.equal(a, b) for a, b in zip(before, controller.parameters(), strict=True))


def test_a_seed_finds_the_same_among_others(learned: tuple[Controller, Memorised]) -> None:
    machine = ContextualMachine(learned[0], max_steps=10)
    samples, settings = examples("access", 9), Settings(updates=4, batch=2, draws=2)
    together = choose(machine, samples, seeds=[3, 5], settings=settings)
    alone = choose(machine, samples, seeds=[5], settings=settings)
    assert together[1].z == alone[0].z
    assert together[1].chance == pytest.approx(alone[0].chance, rel=1e-5)


def test_samples_of_another_size(learned: tuple[Controller, Memorised]) -> None:
    few = Samples(*(np.zeros((1, 4), kind) for kind in (int, int, bool)))
    with pytest.raises(DataError, match="4 cells, not 10"):
        choose(ContextualMachine(learned[0]), few)
