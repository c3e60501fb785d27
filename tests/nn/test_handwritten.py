"""The handwritten register machine against the numbers of the reference, and against itself.

The numbers lie beside the repository, in `../shared/data/anc`, or in the folder `NEURALC_DATA`.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from benchmarks.handwritten.register_machine import (
    LOGITS,
    REFERENCE,
    ROWS,
    TRUE,
    DenseRegisterMachine,
    RegisterMachine,
    Rules,
    Run,
    total,
)
from neuralc.ir.assembly import OPERATIONS

ROOT = Path(__file__).parents[2]
FOLDER = Path(os.environ.get("NEURALC_DATA", ROOT.parent / "shared" / "data")) / "anc"
golden = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="the recorded numbers are not here: NEURALC_DATA=<folder> has them"
)

# A line is an instruction, two arguments and a target; - is a uniform row. First the registers.
PROGRAMS = {
    "access-biased-sharp2": (
        "0 0 - | READ 0 - 1 | INC 1 - 1 | READ 1 - 1 | WRITE 0 1 2 | STOP - - 2"
    ),
    "increment-biased-sharp5": (
        "0 - 6 0 0 - | READ 0 - 1 | JEZ 1 2 5 | INC 1 - 1 | WRITE 0 1 5 | INC 0 - 0 | JEZ 4 3 5"
        " | STOP - - 5"
    ),
    "swap-biased-sharp3": (
        "0 1 - - 2 | READ 0 - 0 | ADD 0 4 0 | READ 1 - 1 | ADD 1 4 1 | READ 0 - 2 | READ 1 - 3"
        " | WRITE 0 3 4 | WRITE 1 2 4 | STOP - - 4"
    ),
    "listk-biased-sharp5": (
        "0 1 2 6 0 2 - | READ 1 - 1 | READ 2 - 2 | READ 0 - 0 | DEC 1 - 1 | JEZ 1 3 6 | JEZ 4 5 6"
        " | INC 0 - 0 | READ 0 - 0 | WRITE 2 0 6 | STOP - - 6"
    ),
    "copy-sample-sharp6": (
        "1 0 - 7 0 1 - | READ 1 - 1 | READ 0 - 2 | JEZ 2 3 6 | WRITE 1 2 6 | INC 0 - 0 | INC 1 - 1"
        " | JEZ 4 5 6 | STOP - - 6"
    ),
    "loopy_add-sample-sharp4": (
        "6 2 0 1 0 0 | READ 4 5 4 | READ 3 5 3 | JEZ 3 0 5 | DEC 3 5 3 | INC 4 5 4 | JEZ 2 1 5"
        " | WRITE 2 4 5 | STOP 5 5 5"
    ),
    "bubble_sort-biased-sharp6": (
        "18 16 8 0 0 0 0 1 0 0 | READ 8 9 5 | INC 8 9 8 | READ 8 9 4 | JEZ 4 1 9 | MIN 5 4 3"
        " | SUB 4 3 3 | JEZ 3 2 9 | JEZ 6 6 9 | SUB 5 4 3 | JEZ 3 6 9 | WRITE 8 5 9 | DEC 8 9 8"
        " | WRITE 8 4 9 | INC 8 9 8 | ZERO 9 9 7 | JEZ 6 6 9 | JEZ 7 0 9 | STOP 9 9 9 | ZERO 9 9 8"
        " | INC 7 9 7 | JEZ 6 6 9"
    ),
}
NAMES = ("initial_registers", "first", "second", "target", "instruction")


def logits(text: str, memory: int, sharpness: float) -> dict[str, Tensor]:
    """Return the logits of a program; columns of lines that it does not have are zero."""
    start, *lines = [part.split() for part in text.split("|")]
    sizes = {"instruction": 11, "first": len(start), "second": len(start), "target": len(start)}
    result = {name: torch.zeros(1, memory, n, dtype=torch.float64) for name, n in sizes.items()}
    result["initial_registers"] = torch.zeros(1, len(start), memory, dtype=torch.float64)
    result["initial_line"] = torch.zeros(1, memory, dtype=torch.float64)
    result["initial_line"][0, 0] = sharpness
    rows = [("initial_registers", r, value) for r, value in enumerate(start)]
    for k, (operation, *chosen) in enumerate(lines):
        rows.append(("instruction", k, str(OPERATIONS.index(operation))))
        rows.extend(zip(("first", "second", "target"), (k, k, k), chosen, strict=True))
    for name, k, value in rows:
        row = result[name][0, k]
        row[:] = sharpness / len(row) if value == "-" else 0
        if value != "-":
            row[int(value)] = sharpness
    return {name: tensor.requires_grad_() for name, tensor in result.items()}


def distributions(cells: list[int]) -> Tensor:
    """Return a memory `[1, M, M]`; -1 is a cell that can hold anything."""
    rows = torch.zeros(1, len(cells), len(cells), dtype=torch.float64)
    for k, value in enumerate(cells):
        rows[0, k] = 1 / len(cells) if value == -1 else 0
        if value != -1:
            rows[0, k, value] = 1
    return rows


def random_logits(memory: int, registers: int, restarts: int = 2) -> dict[str, Tensor]:
    """Return random logits of random programs."""
    generator = torch.Generator().manual_seed(0)
    sizes: dict[str, tuple[int, ...]] = {"instruction": (memory, 11), "initial_line": (memory,)}
    sizes |= dict.fromkeys(("first", "second", "target"), (memory, registers))
    sizes["initial_registers"] = (registers, memory)
    return {
        name: torch.randn(restarts, *size, generator=generator, dtype=torch.float64)
        .mul(2)
        .requires_grad_()
        for name, size in sizes.items()
    }


def examples(memory: int, count: int = 3) -> tuple[Tensor, Tensor, Tensor]:
    """Return memories, targets and the cells that count."""
    generator = torch.Generator().manual_seed(1)
    cells = torch.randint(0, memory, (count, memory), generator=generator)
    rows = torch.nn.functional.one_hot(cells, memory).double()
    return rows, rows.roll(1, -1), (cells % 2).double()


def recorded() -> list[tuple[str, int]]:
    """Return every recorded sample: the file and the number in it."""
    if not FOLDER.is_dir():
        return [(name, 0) for name in PROGRAMS]
    counts = {name: len(_read(name)["samples"]) for name in PROGRAMS}
    return [(name, k) for name, count in counts.items() for k in range(count)]


def _read(name: str) -> Any:
    return json.loads((FOLDER / f"{name}.json").read_text())


def golden_run(name: str, number: int, **changes: Any) -> tuple[dict[str, Tensor], Run, Any]:
    """Run a recorded sample; return the logits, the run and what was recorded."""
    data = _read(name)
    sample = data["samples"][number]
    params = logits(PROGRAMS[name], data["M"], data["sharp"])
    rules = Rules(data["max_rec"], mixing=LOGITS, halting=REFERENCE, beta=1.0, **changes)
    machine = RegisterMachine(data["M"], data["R"], rules)
    mask = torch.tensor([sample["mask"]], dtype=torch.float64)
    target = distributions(sample["target"])
    return params, machine(params, distributions(sample["input"]), target, mask), sample


@golden
@pytest.mark.parametrize("renormalise", [False, True])
@pytest.mark.parametrize(("name", "number"), recorded())
def test_what_the_reference_computes(name: str, number: int, renormalise: bool) -> None:
    _, run, sample = golden_run(name, number, renormalise=renormalise)

    def expect(value: Tensor, wanted: list[Any]) -> None:
        torch.testing.assert_close(
            value.detach(), torch.tensor(wanted, dtype=torch.float64), rtol=1e-9, atol=1e-9
        )

    assert run.losses is not None
    assert run.steps.item() == sample["steps"]
    expect(run.stopped[0, 0], sample["p_stop"])
    expect(run.memory[0, 0], sample["final_memory"])
    expect(run.registers[0, 0], sample["final_registers"])
    for term, value in sample["losses"].items():
        expect(getattr(run.losses, term)[0, 0], value)


@golden
@pytest.mark.parametrize(("name", "number"), recorded())
def test_what_the_reference_descends(name: str, number: int) -> None:
    params, run, sample = golden_run(name, number)
    for term, wanted in sample["ref_gradnorm"].items():
        for tensor in params.values():
            tensor.grad = None
        getattr(run.losses, term).sum().backward(retain_graph=True)
        for group, norm in zip(NAMES, wanted, strict=True):
            grads = [params[group].grad]
            if group == "initial_registers":  # there, the line is the first of the registers
                grads.append(params["initial_line"].grad)
            norms = torch.stack([torch.zeros(()) if g is None else g.norm() for g in grads])
            assert norms.norm().item() == pytest.approx(norm, rel=1e-8, abs=1e-9), (term, group)


@pytest.mark.parametrize("mixing", [ROWS, LOGITS])
@pytest.mark.parametrize("threshold", [0.3, 2.0])
def test_the_gradient_is_the_true_one(mixing: str, threshold: float) -> None:
    params = random_logits(5, 3)
    rules = Rules(4, mixing, TRUE, threshold, alpha=1.0, beta=0.7, gamma=0.3, delta=2.0)
    machine, names = RegisterMachine(5, 3, rules), list(params)
    steps = machine(params, *examples(5)).steps
    assert steps.min() < 4 if threshold < 1 else (steps == 4).all()

    def loss(*values: Tensor) -> Tensor:
        run = machine(dict(zip(names, values, strict=True)), *examples(5))
        assert run.losses is not None
        return total(run.losses, rules)

    assert torch.autograd.gradcheck(loss, tuple(params.values()))


@pytest.mark.parametrize("memory", [5, 6])
def test_the_table_says_the_same(memory: int) -> None:
    params, rules = random_logits(memory, 4), Rules(6, beta=1.0, gamma=1.0, delta=1.0)
    grads = []
    for kind in (RegisterMachine, DenseRegisterMachine):
        run = kind(memory, 4, rules)(params, *examples(memory))
        assert run.losses is not None
        loss = total(run.losses, rules).sum()
        grads.append((loss, *torch.autograd.grad(loss, list(params.values()))))
    for one, other in zip(*grads, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-12)


def test_an_example_is_not_touched_by_its_neighbours() -> None:
    params, rules = random_logits(5, 3), Rules(9, threshold=0.3, beta=1.0, gamma=1.0, delta=1.0)
    machine, (memory, target, mask) = RegisterMachine(5, 3, rules), examples(5)
    together = machine(params, memory, target, mask)
    assert together.steps.unique().numel() > 1
    for k in range(3):
        for p in range(2):
            own = {name: tensor[p : p + 1] for name, tensor in params.items()}
            alone = machine(own, memory[k : k + 1], target[k : k + 1], mask[k : k + 1])
            assert alone.losses is not None
            assert together.losses is not None
            assert alone.steps.item() == together.steps[p, k].item()
            torch.testing.assert_close(alone.memory[0, 0], together.memory[p, k])
            for one, other in zip(alone.losses, together.losses, strict=True):
                torch.testing.assert_close(one[0, 0], other[p, k])


def test_sharp_programs_have_gradients_in_single_precision() -> None:
    text = PROGRAMS["access-biased-sharp2"]
    grads = []
    for dtype in (torch.float32, torch.float64):
        params = {
            name: (tensor.detach() * 15).to(dtype).requires_grad_()
            for name, tensor in logits(text, 10, 1).items()
        }
        rules = Rules(8, gamma=1.0, delta=1.0)
        memory, target, mask = (tensor.to(dtype) for tensor in examples(10))
        run = RegisterMachine(10, 3, rules).to(dtype)(params, memory, target, mask)
        assert run.losses is not None
        total(run.losses, rules).sum().backward()
        grads.append(params["instruction"].grad.double())  # type: ignore[union-attr]
    error = (grads[0] - grads[1]).norm() / grads[1].norm()
    assert grads[1].norm() > 0
    assert error < 2e-3
