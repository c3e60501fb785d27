"""The register machine as a module: exact where it is sharp, what the model means where it is not,
true gradients, every example at its own end.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from neuralc import routines
from neuralc.backends.exact import Executor
from neuralc.errors import DataError
from neuralc.ir.algebras import Distributions
from neuralc.ir.assembly import Assembly, Line
from neuralc.ir.evaluate import evaluate
from neuralc.ir.turn import turn
from neuralc.lang import asm
from neuralc.nn import exact, turns
from neuralc.nn.loss import Wanted, Weights, loss
from neuralc.nn.machine import RegisterMachine
from neuralc.nn.turns import FIELDS, Halting, Mixing
from neuralc.source import Source
from tests.asm.cases import ROUTINES
from tests.nn.programs import machine_of, random_program, randomise, soft_memory

ACCESS = Assembly(
    (Line("READ", 0, None, 1), Line("INC", 1, None, 1), Line("READ", 1, None, 1),
     Line("WRITE", 0, 1, 2), Line("STOP", None, None, 2)), (0, 0, None),
)  # fmt: skip
COUNTDOWN = Assembly(  # cell 0 steps of a loop: as many turns as an example wants
    (Line("READ", 0, 0, 1), Line("JEZ", 1, 2, 3), Line("DEC", 1, 0, 1), Line("JEZ", 0, 4, 3),
     Line("STOP", 0, 0, 3)), (0, 0, 4, 0, 1),
)  # fmt: skip
SIZES = [(2, 1), (4, 2), (7, 5)]
LIMIT = 15


def drawn(memory: int, registers: int, count: int = 60) -> tuple[list[Assembly], np.ndarray]:
    """Return programs as long as the memory, so that running on wraps around, and memories."""
    rng = np.random.default_rng(memory)
    programs = [random_program(rng, memory, registers) for _ in range(count)]
    return programs, rng.integers(0, memory, (5, memory))


# ---- sharp weights


@pytest.mark.parametrize(("memory", "registers"), SIZES)
def test_sharp_is_exact(memory: int, registers: int) -> None:
    programs, cells = drawn(memory, registers)
    choices = [program.choices(memory) for program in programs]
    params = {name: np.concatenate([c[name] for c in choices]) for name in choices[0]}
    executor = Executor(turns.program(memory, registers, LIMIT), jit=False)
    wanted = executor.run(params, {"initial_memory": cells})
    halted = wanted["final_halted"] == 1
    assert halted.any()
    assert not halted.all()
    assert any(program.start for program in programs)

    with torch.no_grad():
        run = machine_of(programs, memory, max_steps=LIMIT)(torch.as_tensor(cells))
    assert np.array_equal(run.values(), wanted["final_memory"])
    assert np.array_equal(run.steps, wanted["steps"])
    assert np.array_equal(run.stopped, halted)
    assert float(run.memory.amax(-1).min()) == 1
    for k, program in enumerate(programs):
        ended = exact.run(program, cells, max_steps=LIMIT)
        assert np.array_equal(ended.memory, wanted["final_memory"][k])
        assert np.array_equal(ended.steps, wanted["steps"][k])
        assert np.array_equal(ended.halted, halted[k])
        assert np.array_equal(run.registers[k].argmax(-1), ended.registers)


def test_where_an_exact_run_ends() -> None:
    ended = exact.run(COUNTDOWN, [[0] * 6, [3, 0, 0, 0, 0, 0]], max_steps=8)
    assert (ended.line.tolist(), ended.halted.tolist()) == ([4, 2], [True, False])
    assert ended.steps.tolist() == [3, 8]
    for memory in ([1, 2], [[0.5] * 6], [[]]):
        with pytest.raises(DataError, match="memories are integers"):
            exact.run(COUNTDOWN, memory, max_steps=8)


def test_long_runs_stay_exact() -> None:
    """Whatever rounding leaves on another value may double with every instruction."""
    for size in (30, 67):
        program = Assembly(
            (Line("ADD", 0, 1, 0), Line("ADD", 0, 0, 0), Line("SUB", 0, 1, 0),
             Line("WRITE", 0, 0, 2), Line("READ", 0, 0, 0), Line("JEZ", 2, 2, 2)), (1, 3, 0),
        )  # fmt: skip
        cells = np.arange(size)[None]
        ended = exact.run(program, cells, max_steps=400)
        with torch.no_grad():
            run = machine_of([program], size, max_steps=400)(torch.as_tensor(cells))
        assert np.array_equal(run.values()[0], ended.memory)
        assert float(run.memory.amax(-1).min()) > 0.999


@pytest.mark.parametrize("name", ROUTINES)
def test_routines(name: str) -> None:
    program = asm.parse(Source(name, routines.path(name).read_text("utf-8")))
    memory, cases = ROUTINES[name].memory, ROUTINES[name].cases
    cells = torch.tensor([case.cells + [0] * (memory - len(case.cells)) for case in cases])
    with torch.no_grad():
        run = machine_of([program], memory, max_steps=600)(cells)
    assert run.steps[0].tolist() == [case.steps for case in cases]
    assert float(run.memory.amax(-1).min()) > 0.999
    for case, final in zip(cases, run.values()[0].tolist(), strict=True):
        assert {cell: final[cell] for cell in case.wanted} == case.wanted


# ---- soft weights


@pytest.mark.parametrize("mixing", ["rows", "logits"])
def test_one_turn_means_what_the_model_means(mixing: Mixing) -> None:
    memory, registers = 3, 2
    machine = randomise(RegisterMachine(memory, registers, mixing=mixing).double(), 1)
    cells = soft_memory(2, 1, memory, memory)
    with torch.no_grad():
        start, after = machine(cells, max_steps=1, trace=True).trace

    names = ("operation", "first_register", "second_register", "target_register")
    one = turn(
        turns.program(memory, registers, 1), known={"halted": 0}, given=names, without=("count",)
    )
    line = start.line[0, 0]
    given: dict[Any, Any] = {}
    for name, field in zip(names, FIELDS, strict=True):
        logits = getattr(machine, field)[0]
        row = line @ logits.softmax(-1) if mixing == "rows" else (line @ logits).softmax(-1)
        given[name, ()] = row.detach().numpy()
    given["line_number", ()] = line.detach().numpy()
    for name, state in (("memory", start.memory[0, 0]), ("registers", start.registers[0, 0])):
        given |= {(name, (k,)): row.detach().numpy() for k, row in enumerate(state)}
    wanted = evaluate(one.program, given, Distributions())

    for name, state in (("memory", after.memory[0, 0]), ("registers", after.registers[0, 0])):
        for k, row in enumerate(state):
            assert np.allclose(row, wanted[one.following[name], (k,)], atol=1e-12)
    assert np.allclose(after.line[0, 0], wanted[one.following["line_number"], ()])
    assert float(after.stopped) == pytest.approx(wanted[one.following["halted"], ()][1])


def values(machine: RegisterMachine, cells: Tensor, *weights: Tensor) -> tuple[Tensor, ...]:
    """Run a machine with other weights."""
    given = dict(zip(machine.weights(), weights, strict=True))
    run = torch.func.functional_call(machine, given, (cells,))
    return run.memory, run.registers, run.stopped


@pytest.mark.parametrize("mixing", ["rows", "logits"])
def test_gradients(mixing: Mixing) -> None:
    machine = RegisterMachine(3, 2, max_steps=3, restarts=2, mixing=mixing, threshold=1.0).double()
    weights = [
        w.detach().clone().requires_grad_() for w in randomise(machine, 3).weights().values()
    ]
    cells = soft_memory(4, 2, 3, 3).requires_grad_()
    assert torch.autograd.gradcheck(lambda *given: values(machine, *given), (cells, *weights))


def test_gradients_of_the_loss() -> None:
    machine = randomise(RegisterMachine(3, 2, max_steps=3, threshold=0.3).double(), 5)
    cells, wanted = soft_memory(6, 2, 3, 3), torch.tensor([[0, 1, 2], [2, 2, 0]])
    asked = Wanted(wanted, torch.tensor([[True, False, True], [True, True, True]]), cells, 1)
    terms = Weights(1.0, 0.7, 0.3, 0.2)

    def total(*weights: Tensor) -> Tensor:
        with torch.no_grad():
            for old, new in zip(machine.weights().values(), weights, strict=True):
                old.copy_(new)
        found = loss(machine, cells, asked).total(terms).sum()
        grads = torch.autograd.grad(found, list(machine.weights().values()))
        return torch.cat([found[None], *(grad.flatten() for grad in grads)]).detach()

    weights = [weight.detach().clone() for weight in machine.weights().values()]
    gradient = total(*weights)[1:]
    noise = torch.Generator().manual_seed(7)
    for _ in range(3):
        moves = [torch.randn(w.shape, generator=noise, dtype=w.dtype) for w in weights]
        ahead, behind = (
            total(*(w + h * m for w, m in zip(weights, moves, strict=True)))[0]
            for h in (1e-5, -1e-5)
        )
        slope = gradient @ torch.cat([move.flatten() for move in moves])
        assert float(slope) == pytest.approx(float((ahead - behind) / 2e-5), rel=1e-6)


@pytest.mark.parametrize("halting", ["exact", "reference"])
def test_halting_rules_differ_in_the_gradient_only(halting: Halting) -> None:
    machine = randomise(RegisterMachine(3, 2, max_steps=4, halting=halting).double(), 8)
    stopped = machine(torch.tensor([[0, 1, 2]])).stopped.sum()
    exactly = randomise(RegisterMachine(3, 2, max_steps=4).double(), 8)
    same = exactly(torch.tensor([[0, 1, 2]])).stopped.sum()
    assert torch.equal(stopped, same)
    found, true = (torch.autograd.grad(s, m.instruction)[0]
                   for s, m in ((stopped, machine), (same, exactly)))  # fmt: skip
    assert torch.allclose(found, true) == (halting == "exact")


# ---- ends, batches, restarts


@torch.no_grad()
def test_traces_and_early_ends() -> None:
    machine = machine_of([ACCESS], 10, max_steps=1000)
    cells = torch.tensor([[3, 0, 0, 6, 4, 1, 7, 9, 4, 1]])
    run = machine(cells, trace=True)
    assert (len(run.trace), int(run.steps), int(run.values()[0, 0, 0])) == (6, 5, 4)
    assert [bool(state.running) for state in run.trace] == [True] * 5 + [False]
    assert machine(cells).trace == ()
    made = sum(1 for _ in machine.states(cells))  # turns are made only as they are asked for
    assert made == 6
    cut = machine(cells, max_steps=3, trace=True)
    assert (len(cut.trace), int(cut.steps), float(cut.stopped)) == (4, 3, 0.0)
    assert not bool(cut.trace[-1].running)  # cut off is an end, too
    none = machine(cells, max_steps=0)
    assert (int(none.steps), none.values()[0].tolist()) == (0, cells.tolist())


def test_the_longest_example_sets_the_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = machine_of([COUNTDOWN], 6, max_steps=500)
    made = []
    step = machine.turns._next

    def counted(*arguments: Any) -> Any:
        made.append(1)
        return step(*arguments)

    monkeypatch.setattr(machine.turns, "_next", counted)
    run = machine(torch.tensor([[0, 0, 0, 0, 0, 0], [4, 0, 0, 0, 0, 0], [2, 0, 0, 0, 0, 0]]))
    steps = run.steps[0].tolist()
    assert steps == [3, 15, 9]
    assert len(made) == 15


@pytest.mark.parametrize("sharp", [False, True])
def test_a_batch_is_each_alone(sharp: bool) -> None:
    if sharp:
        machine = machine_of([COUNTDOWN, COUNTDOWN], 6, max_steps=40).double()
    else:
        machine = RegisterMachine(6, 5, max_steps=40, restarts=2, threshold=0.6).double()
        randomise(machine, 9, 2.0)
    cells = torch.randint(0, 6, (8, 6), generator=torch.Generator().manual_seed(10))
    whole = machine(cells)
    assert len(set(whole.steps.flatten().tolist())) > 1, "examples end at different times"
    for k in range(len(cells)):
        alone = machine(cells[k : k + 1])
        assert torch.equal(alone.steps[:, 0], whole.steps[:, k])
        for name in ("memory", "registers", "stopped"):
            assert torch.allclose(getattr(alone, name)[:, 0], getattr(whole, name)[:, k])


def test_restarts_are_each_alone() -> None:
    options = {"max_steps": 12, "threshold": 0.5}
    machine = randomise(RegisterMachine(4, 3, restarts=3, **options).double(), 11, 2.0)
    cells = soft_memory(12, 3, 2, 4, 4)  # memories that differ between restarts
    whole = machine(cells)
    single = RegisterMachine(4, 3, **options).double()
    for k in range(3):
        with torch.no_grad():
            for name, weight in single.weights().items():
                weight.copy_(machine.weights()[name][k : k + 1])
        alone = single(cells[k])
        assert torch.equal(alone.steps[0], whole.steps[k])
        assert torch.allclose(alone.memory[0], whole.memory[k])
        assert torch.allclose(alone.stopped[0], whole.stopped[k])


@torch.no_grad()
def test_confidence_is_that_of_the_asked_cells() -> None:
    machine = machine_of([ACCESS], 10, max_steps=10)
    cells = torch.nn.functional.one_hot(torch.tensor([[0, 4, 1, 0, 0, 0, 0, 0, 0, 0]]), 10).double()
    cells[0, 5] = 0.1
    run = machine(cells)
    asked = torch.ones(1, 10, dtype=torch.bool)
    assert float(run.confidence(asked)) == pytest.approx(0.1)
    asked[0, 5] = False
    assert float(run.confidence(asked)) == 1


# ---- what does not fit


@pytest.mark.parametrize(
    ("memory", "message"),
    [
        ([[0, 1, 2, 3]], "memories of shape (1, 4) do not fit"),
        ([0, 1, 2], "memories of shape (3,) do not fit"),
        ([[0, 1, 3]], "memories must hold numbers from 0 to 2"),
        ([[0, -1, 2]], "memories must hold numbers from 0 to 2"),
        (torch.zeros(1, 3, 4), "memories of shape (1, 3, 4) do not fit"),
        (torch.zeros(1, 3), "integers (B, 3), or distributions (B, 3, 3)"),
    ],
)
def test_memories_that_do_not_fit(memory: Any, message: str) -> None:
    machine = RegisterMachine(3, 2)
    with pytest.raises(DataError) as error:
        machine(torch.as_tensor(memory))
    assert message in str(error.value)
