"""Computing again what the gradient wants: the same numbers in less memory, within a budget."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import settings
from torch import Tensor

from neuralc.backends.native import NativeModule
from neuralc.backends.native import module as native_module
from neuralc.backends.native.kernel import Memory, Variant, vectors
from neuralc.backends.native.plan import Lanes
from neuralc.errors import Declined
from neuralc.ir.nodes import Program
from neuralc.nn.turns import program as register_machine
from tests.native.same import both, check, compare
from tests.native.test_gradients import solved
from tests.random_models import Features, random_program

COUNT = 10 if settings().max_examples < 100 else 300
WIDE = 2**40


def sizes(
    program: Program, lanes: Lanes = "P", compared: frozenset[int] | None = None
) -> tuple[int, int]:
    """Return how many numbers a thread works in, stored and recomputed; nothing is compiled."""
    native = NativeModule(program, memory="stored")
    both = native.kernels, replace(native.kernels, memory="recomputed")
    variant = Variant("loss", vectors("double"), lanes, native.params, WIDE, compared)
    stored, again = (k.module(variant).size for k in both)
    return stored, again


def test_random_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    checked = 0
    for seed in range(COUNT):
        program, lanes = random_program(seed, Features(tight=bool(seed % 2))), "PB"[seed // 3 % 2]
        try:
            stored, again = sizes(program, lanes)  # type: ignore[arg-type]
        except Declined:
            continue
        if again < stored:
            check(program, seed, lanes, monkeypatch, soft=seed % 2 > 0, memory="recomputed")  # type: ignore[arg-type]
            checked += 1
    assert checked >= COUNT // 5


@pytest.mark.parametrize(("name", "lanes"), [("invert", "P"), ("swap", "B")])
def test_machines(name: str, lanes: Lanes, monkeypatch: pytest.MonkeyPatch) -> None:
    program = solved(name)
    stored, again = sizes(program, lanes)
    assert again < stored
    check(program, 0, lanes, monkeypatch, memory="recomputed")


@pytest.mark.parametrize(("cells", "turns"), [(12, 20), (20, 12)])
def test_arrays_that_are_gone_through_in_several_parts(
    cells: int, turns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a band of one part makes of a large gradient is there for the next part."""
    memory, wanted = np.random.default_rng(0).integers(0, cells, (2, 3, cells))
    given = {"initial_memory": memory}, {"final_memory": torch.from_numpy(wanted)}
    program = register_machine(cells, 3, turns)
    check(program, 0, "B", monkeypatch, given, memory="recomputed")


def test_a_machine_that_stops_when_it_likes(monkeypatch: pytest.MonkeyPatch) -> None:
    """All turns after the first may be made or not; also against differences."""
    program = register_machine(3, 2, 4)
    rng = np.random.default_rng(0)
    inputs = {"initial_memory": rng.integers(0, 3, (3, 3))}
    targets = {
        "final_memory": torch.from_numpy(rng.integers(0, 3, (3, 3))),
        "final_halted": torch.tensor([1, 0, 1]), "steps": torch.tensor([2, 4, -1]),
    }  # fmt: skip
    monkeypatch.setattr(native_module, "lanes_for", lambda *_: "B")
    plain, native = both(program, memory="recomputed")
    compare(plain, native, inputs, targets)
    stored, again = sizes(program, "B")
    assert again < stored
    ready, logits = native.prepare(inputs), native.logits.data.clone()

    def losses(at: Tensor) -> Tensor:
        native.logits.data = at
        loss = native.loss(ready, targets)
        assert loss is not None
        return loss

    (gradient,) = torch.autograd.grad(losses(logits).sum(), native.logits)
    for _ in range(3):
        way = torch.randn_like(logits)
        high, low = (losses(logits + step * way).detach() for step in (1e-5, -1e-5))
        torch.testing.assert_close((high - low) / 2e-5, (gradient * way).sum(1), rtol=1e-6, atol=0)


def test_memory_grows_with_the_root_of_a_run() -> None:
    short, long = (sizes(register_machine(5, 2, steps)) for steps in (24, 96))
    assert long[0] > 3.5 * short[0]
    assert long[1] < 2.4 * short[1]
    assert long[1] < long[0] / 2.5


def test_the_budget_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    """What does not fit is computed again; what does not fit then either is declined."""
    program, found = solved("decrement"), []
    tapes = np.array([[0, 1, 2, 2, 2], [1, 1, 0, 2, 2]])
    targets = {"final_tape": torch.tensor([[1, 0, 2, 2, 2], [0, 0, 1, 2, 2]])}
    monkeypatch.setattr(native_module, "lanes_for", lambda *_: "P")
    tape = frozenset([list(both(program)[1].kernels.lowered.outputs).index("final_tape")])
    budget = 8 * sizes(program, compared=tape)[0] - 1

    def run(memory: Memory) -> NativeModule:
        native = NativeModule(program, restarts=3, memory=memory).double()
        loss = native.loss(native.prepare({"initial_tape": tapes}), targets)
        assert loss is not None
        found.append(torch.autograd.grad(loss.sum(), native.logits)[0])
        return native

    run("stored")
    monkeypatch.setattr(native_module, "MEMORY", budget)
    (kernel,) = run("auto").kernels.made.values()
    assert kernel.size * 8 < 0.8 * budget
    torch.testing.assert_close(*found, rtol=1e-12, atol=1e-14)
    with pytest.raises(Declined, match=r"takes 0\.0 GiB if all is stored, for each thread; more"):
        run("stored")
    monkeypatch.setattr(native_module, "MEMORY", 1000)
    with pytest.raises(Declined, match=r"if all is stored, 0\.0 GiB if steps are computed again"):
        run("auto")
