"""The machine with the rules of the public implementation against the numbers it gave.

The numbers lie beside the repository, in `../shared/data/anc`, or in the folder `NEURALC_DATA`.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from neuralc import routines
from neuralc.lang import asm
from neuralc.nn.loss import Terms, Wanted, loss
from neuralc.nn.machine import RegisterMachine
from neuralc.nn.weights import write
from neuralc.source import Source

ROOT = Path(__file__).parents[2]
FOLDER = Path(os.environ.get("NEURALC_DATA", ROOT.parent / "shared" / "data")) / "anc"
FILES = (
    "access-biased-sharp2", "bubble_sort-biased-sharp6", "copy-sample-sharp6",
    "increment-biased-sharp5", "listk-biased-sharp5", "loopy_add-sample-sharp4",
    "swap-biased-sharp3",
)  # fmt: skip
OURS = {"loopy_add": "addition"}
TERMS = {"alpha": "response", "beta": "confidence", "gamma": "efficiency", "delta": "halting"}

pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="the recorded numbers are not here: NEURALC_DATA=<folder> has them"
)


def recorded(name: str) -> dict[str, Any]:
    found = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    assert isinstance(found, dict)
    return found


def machine_of(numbers: dict[str, Any]) -> RegisterMachine:
    name = OURS.get(numbers["task"], numbers["task"])
    program = asm.parse(Source(name, routines.path(name).read_text("utf-8")))
    machine = RegisterMachine(
        numbers["M"], numbers["R"], max_steps=numbers["max_rec"], mixing="logits",
        halting="reference",
    )  # fmt: skip
    return write(machine.double(), program, sharpness=numbers["sharp"])


def one_hot(values: list[int]) -> Tensor:
    """Return distributions `(1, M, M)`; -1 is any value."""
    given, size = torch.tensor([values]), len(values)
    rows = torch.nn.functional.one_hot(given.clamp_min(0), size).double()
    rows[given < 0] = 1 / size
    return rows


def terms_of(machine: RegisterMachine, sample: dict[str, Any]) -> Terms:
    memory = one_hot(sample["input"])
    wanted = Wanted(one_hot(sample["target"]), [sample["mask"]], memory, 1)
    return loss(machine, memory, wanted)


def gradients(machine: RegisterMachine, term: Tensor) -> list[Tensor]:
    """Return the gradients of the groups: start values, first, second, target, instruction."""
    names = ("initial_line", "initial_registers", "first", "second", "target", "instruction")
    weights = [machine.weights()[name] for name in names]
    if not term.requires_grad:  # a term that is off
        return [torch.zeros_like(weight) for weight in weights[1:]]
    line, registers, *lines = torch.autograd.grad(term.sum(), weights, retain_graph=True,
                                                  materialize_grads=True)  # fmt: skip
    return [torch.cat([line[:, None], registers], 1), *lines]


@pytest.mark.parametrize("name", FILES)
def test_runs(name: str) -> None:
    numbers = recorded(name)
    machine = machine_of(numbers)
    for sample in numbers["samples"]:
        with torch.no_grad():
            run = machine(one_hot(sample["input"]), trace=True)
        stopped = [float(state.stopped) for state in run.trace]
        assert int(run.steps) == sample["steps"]
        assert stopped == pytest.approx(sample["p_stop"], abs=1e-9)
        assert np.allclose(run.memory[0, 0], sample["final_memory"], rtol=0, atol=1e-9)
        assert np.allclose(run.registers[0, 0], sample["final_registers"], rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", FILES)
def test_losses_and_gradients(name: str) -> None:
    numbers = recorded(name)
    machine = machine_of(numbers)
    for sample in numbers["samples"]:
        terms = terms_of(machine, sample)
        for theirs, ours in TERMS.items():
            term = getattr(terms, ours)
            assert float(term.detach()) == pytest.approx(sample["losses"][theirs], abs=1e-9)
            norms = [float(gradient.norm()) for gradient in gradients(machine, term)]
            assert norms == pytest.approx(sample["ref_gradnorm"][theirs], rel=1e-9, abs=1e-11)


def test_whole_gradients() -> None:
    numbers = recorded("access-biased-sharp2")
    machine = machine_of(numbers)
    for sample in numbers["samples"]:
        start, *_, instruction = gradients(machine, terms_of(machine, sample).response)
        assert np.allclose(instruction[0].T, sample["alpha_grad_instr"], rtol=0, atol=1e-9)
        assert np.allclose(start[0], sample["alpha_grad_reginit"], rtol=0, atol=1e-9)
