"""The engine native computes what the engine torch does, and its gradients: on random programs,
on large functions, on the machines, with networks, in both kinds of lanes.

`HYPOTHESIS_PROFILE=nightly` takes a thousand random programs, and says with `-rP` how far they were
off; a kernel takes about a second to compile.
"""

from __future__ import annotations

from copy import deepcopy
from itertools import count
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import settings

from neuralc.backends.native import NativeModule, llvm_table, module
from neuralc.backends.native.plan import Lanes
from neuralc.backends.soft import SoftModule, pushforward
from neuralc.errors import Declined
from neuralc.ir.nodes import Program
from neuralc.ir.text import show
from neuralc.ir.turn import turn
from neuralc.learning.train import negative_log_likelihood
from neuralc.nn import turns
from tests.machines.solved import ALL, machine
from tests.native.same import assert_same, both, check, compare, ends, gradients
from tests.random_models import Features, random_program
from tests.soft import test_forms, test_functions
from tests.soft.cases import CASES, program_of
from tests.soft.models import LOOK, model

COUNT = 10 if settings().max_examples < 100 else 1000
PARTS = 5
each_lanes = pytest.mark.parametrize("lanes", ["P", "B"])


def solved(name: str) -> Program:
    """Return a machine of the size that a known solution has."""
    return machine(ALL[name].machine, ALL[name].hypers).program


@pytest.mark.parametrize("part", range(PARTS))
def test_random_programs(part: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """All different; those that no kernel can run are not counted, and stand for few."""
    worst, seen, declined = (0.0, 0.0), set(), 0
    for seed in count(part, PARTS):
        program = random_program(seed, Features(tight=bool(seed % 2)))
        try:
            found = check(program, seed, "PB"[seed % 2], monkeypatch, soft=seed % 3 == 0)  # type: ignore[arg-type]
        except Declined:
            declined += 1
            continue
        worst = max(worst[0], found[0]), max(worst[1], found[1])
        seen.add(show(program))
        if len(seen) == COUNT // PARTS:
            break
    print(f"{len(seen)} programs: off by {worst[0]:.1e}, in float32 by {worst[1]:.1e}")
    assert declined <= 2 + len(seen) // 5


@pytest.mark.parametrize("seed", [101, 105])
def test_what_does_not_depend_on_examples_counts_once(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each chunk of examples has its gradient, and these are added up."""
    monkeypatch.setattr(module, "ALONE", 0)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 3)
    check(random_program(seed, Features(tight=bool(seed % 2))), seed, "P", monkeypatch)


@pytest.mark.parametrize("name", sorted(CASES)[::3])
def test_programs_that_went_wrong_once(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    try:
        check(program_of(name), 0, "P", monkeypatch)
    except Declined as error:
        assert "depends on the choices, or on nothing" in str(error)  # noqa: PT017


@pytest.mark.parametrize("number", range(0, len(test_functions.CASES), 2))
def test_large_functions(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pushforward, "DENSE", 2048)
    name = list(test_functions.CASES)[number]
    case = test_functions.CASES[name]
    kinds = [kinds for kinds in test_functions.KINDS[len(case[1])] if "param" in kinds]
    program = test_functions.model(case, kinds[number % len(kinds)])
    check(program, 0, "PB"[number % 2], monkeypatch)  # type: ignore[arg-type]


@pytest.mark.parametrize("number", range(1, len(test_functions.CASES), 4))
def test_large_functions_as_loops(
    number: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What is written out for a few values is a loop for many."""
    monkeypatch.setenv("NEURALC_CACHE", str(tmp_path))  # its names do not tell these numbers
    monkeypatch.setattr(pushforward, "DENSE", 2048)
    monkeypatch.setattr(llvm_table, "LONG", 20)
    monkeypatch.setattr(llvm_table, "SHORT", 4)
    case = test_functions.CASES[list(test_functions.CASES)[number]]
    kinds = [kinds for kinds in test_functions.KINDS[len(case[1])] if "param" in kinds]
    program = test_functions.model(case, kinds[number % len(kinds)])
    check(program, 0, "PB"[number // 4 % 2], monkeypatch)  # type: ignore[arg-type]


@pytest.mark.parametrize("cells", [20, 70])
def test_extremes_are_running_sums(cells: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine has a minimum and a maximum; 70 cells are too many to be written out."""
    memory, wanted = np.random.default_rng(0).integers(0, cells, (2, 3, cells))
    targets = {"final_memory": torch.from_numpy(wanted)}
    check(turns.program(cells, 2, 2), 0, "B", monkeypatch, ({"initial_memory": memory}, targets))


def test_only_what_has_targets_is_computed() -> None:
    program = turns.program(5, 2, 3)
    plain, native = both(program)
    inputs = plain.prepare({"initial_memory": np.arange(10).reshape(2, 5) % 5})
    targets = {"steps": torch.tensor([3, 1]), "final_memory": torch.ones(2, 5, dtype=torch.int64)}
    work = []
    for name in targets:
        own = {name: targets[name]}
        found = [
            gradients(module, negative_log_likelihood(module, inputs, own).sum(), [])
            for module in (plain, native)
        ]
        assert_same(*found, name)
        work.append(list(native.kernels.made.values())[-1].work)
    compare(plain, native, {"initial_memory": np.zeros((2, 5), int)}, targets)
    whole = max(kernel.work for kernel in native.kernels.made.values())
    assert len(set(work)) == 2
    assert max(work) < whole


@pytest.mark.parametrize("seed", range(4))
def test_switches_of_sums_and_extremes(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    check(test_forms.random_switch(seed), seed, "PB"[seed % 2], monkeypatch)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["invert", "swap", "block_access", "assembly_access"])
def test_machines(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    check(solved(name), 0, None, monkeypatch)


@each_lanes
def test_networks_stay_in_torch(lanes: Lanes, monkeypatch: pytest.MonkeyPatch) -> None:
    program = model(LOOK).program
    images = {"images": np.random.default_rng(0).random((4, 3, 2, 3))}
    check(program, 0, lanes, monkeypatch, (images, {"total": torch.tensor([1, -1, 0, 3])}))


@each_lanes
def test_inputs_that_are_carried(lanes: Lanes, monkeypatch: pytest.MonkeyPatch) -> None:
    """A state that differs between restarts, and wants gradients."""
    monkeypatch.setattr(module, "lanes_for", lambda *_: lanes)
    one = turn(turns.program(4, 2, 1), known={"halted": 0}, without=("count",)).program
    carried = [decl.name for decl in one.of("input")]
    plain, native = (
        kind(one, restarts=3, carried=carried).double() for kind in (SoftModule, NativeModule)
    )
    plain.logits.data.normal_()
    native.load_state_dict(plain.state_dict())
    shapes = {"memory": (3, 5, 4, 4), "registers": (3, 5, 2, 4), "line_number": (3, 5, 4)}
    given = {
        name: torch.rand(shape).double().softmax(-1).requires_grad_()
        for name, shape in shapes.items()
    }
    found = [ends(m, given) for m in (plain, native)]
    assert_same(*found, one)
    weights = [torch.randn_like(x) for x in found[0]]
    sums = [
        torch.stack([(x * w).sum() for x, w in zip(xs, weights, strict=True)]).sum() for xs in found
    ]
    pairs = zip((plain, native), sums, strict=True)
    assert_same(*(gradients(m, total, list(given.values())) for m, total in pairs), one)


@pytest.mark.parametrize("sharpness", [1.0, 5.0, 20.0])
def test_single_precision(sharpness: float) -> None:
    """Also where choices are nearly made: the softmax is centred."""
    check_single(sharpness)


def check_single(sharpness: float) -> None:
    """Compare loss and gradient in float32 with those in float64."""
    _, native = both(solved("invert"), restarts=9)
    native.logits.data *= sharpness
    tapes = np.array([[0, 1, 2, 2, 2], [1, 1, 0, 2, 2]])
    targets = {"final_tape": torch.tensor([[1, 0, 2, 2, 2], [0, 0, 1, 2, 2]])}
    found = []
    for one in (native, deepcopy(native).float()):
        loss = one.loss(one.prepare({"initial_tape": tapes}), targets)
        assert loss is not None
        (gradient,) = torch.autograd.grad(loss.sum(), one.logits)
        found.append((loss.detach().double(), gradient.double()))
    for wanted, single in zip(*found, strict=True):
        scale = float(wanted.abs().max())
        torch.testing.assert_close(single, wanted, rtol=1e-4, atol=1e-4 * scale)


@each_lanes
def test_any_number_of_restarts_and_examples(lanes: Lanes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lanes that are not full, several blocks, threads: all the same numbers."""
    monkeypatch.setattr(module, "lanes_for", lambda *_: lanes)
    monkeypatch.setattr(module, "ALONE", 0)
    program = solved("swap")
    wires = np.random.default_rng(0).integers(0, 2, (11, 3))
    for restarts in (1, 4, 9):
        plain, native = both(program, restarts=restarts)
        inputs = plain.prepare({"initial_wires": wires})
        targets = {"final_wires": torch.from_numpy(wires[:, 1::-1].copy())}
        found = []
        for threads in (1, 3):
            monkeypatch.setattr(torch, "get_num_threads", lambda threads=threads: threads)
            loss = native.loss(inputs, targets)
            assert loss is not None
            found.append((loss, *torch.autograd.grad(loss.sum(), native.logits)))
            for one, two in zip(ends(plain, inputs), ends(native, inputs), strict=True):
                torch.testing.assert_close(one, two, rtol=1e-12, atol=1e-12)
        for one, two in zip(*found, strict=True):
            torch.testing.assert_close(one, two, rtol=1e-12, atol=1e-14)
