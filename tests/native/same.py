"""Two engines on one program: outputs, gradients of any loss, the loss and its gradient."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import pytest
import torch
from torch import Tensor

from neuralc.backends.native import NativeModule, module
from neuralc.backends.native.kernel import Memory
from neuralc.backends.native.plan import Lanes
from neuralc.backends.soft import SoftModule
from neuralc.ir.nodes import Program
from neuralc.learning.train import negative_log_likelihood
from tests.soft.test_gradients import task

CLOSE = 1e-9  # of float64
SINGLE = 1e-4  # of float32, relative to the largest number of a gradient
SMALL = 1e-2  # a largest number below which that is taken instead


def both(
    program: Program, restarts: int = 3, seed: int = 0, device: str = "cpu",
    memory: Memory = "auto",
) -> tuple[SoftModule, NativeModule]:  # fmt: skip
    """Return a program in both engines with the same random choices and networks, float64."""
    torch.manual_seed(seed)
    plain = SoftModule(program, restarts=restarts).to(device).double()
    native = NativeModule(program, restarts=restarts, memory=memory).to(device).double()
    plain.logits.data = torch.randn(plain.logits.shape).to(device).double()  # float32 has them, too
    native.load_state_dict(plain.state_dict())
    return plain, native


def ends(module: SoftModule, inputs: Mapping[str, Tensor]) -> list[Tensor]:
    """Return outputs and what is observed."""
    outputs, observed = module.run(inputs)
    return [*outputs.values(), *observed]


def gradients(module: SoftModule, value: Tensor, others: list[Tensor]) -> list[Tensor]:
    """Return the gradients of a number: of choices, networks, and other tensors."""
    leaves = [*module.parameters(), *others]
    if not value.requires_grad:
        return []
    found = torch.autograd.grad(value, leaves, allow_unused=True)
    return [torch.zeros_like(x) if g is None else g for x, g in zip(leaves, found, strict=True)]


def assert_same(
    one: list[Tensor], two: list[Tensor], words: Any, close: float = CLOSE, least: float = 1.0
) -> float:
    """Compare tensors; return the worst error, relative to the largest number of each tensor.

    Where that is below `least`, to `least`.
    """
    assert len(one) == len(two), words
    worst = 0.0
    for a, b in zip(one, two, strict=True):
        assert a.shape == b.shape, words
        if a.numel():
            error = float((a - b).detach().abs().max()) / max(least, float(a.detach().abs().max()))
            assert error <= close, (words, error)
            worst = max(worst, error)
    return worst


def check(
    program: Program, seed: int, lanes: Lanes | None, monkeypatch: pytest.MonkeyPatch,
    given: tuple[Any, Any] | None = None, *, soft: bool = False, device: str = "cpu",
    memory: Memory = "auto",
) -> tuple[float, float]:  # fmt: skip
    """Compare both engines on a program; return the worst errors in float64 and float32.

    `lanes` are what the lanes are to be, else the engine chooses; `given` are inputs and targets;
    `soft`: inputs are distributions that want gradients, too; `memory` as in `NativeModule`.
    """
    if lanes is not None:
        monkeypatch.setattr(module, "lanes_for", lambda *_: lanes)
    plain, native = both(program, seed=seed, device=device, memory=memory)
    inputs, targets = given or task(program, seed)
    targets = {name: target.to(device) for name, target in targets.items()}
    return compare(plain, native, inputs, targets, soft=soft)


def compare(
    plain: SoftModule, native: NativeModule, inputs: Any, targets: Any, *, soft: bool = False
) -> tuple[float, float]:
    """Compare two modules with the same choices; see `check`."""
    program = plain.program
    ready = plain.prepare(inputs)
    wanting: list[Tensor] = []
    if soft:
        drawn = {name: torch.rand_like(x) + 0.1 for name, x in ready.items()}
        shares = {k: (x / x.sum(-1, keepdim=True)).float().double() for k, x in drawn.items()}
        ready = {k: x.requires_grad_() for k, x in shares.items()}
        wanting = list(ready.values())
    one, two = ends(plain, ready), ends(native, ready)
    worst = [assert_same(one, two, program)]
    weights = [torch.randn_like(x) for x in one]
    sums = [sum((x * w).sum() for x, w in zip(xs, weights, strict=True)) for xs in (one, two)]
    found = [gradients(m, s, wanting) for m, s in zip((plain, native), sums, strict=True)]  # type: ignore[arg-type]
    worst.append(assert_same(*found, program))
    losses = [negative_log_likelihood(m, ready, targets) for m in (plain, native)]
    worst.append(assert_same([losses[0]], [losses[1]], program))
    share = torch.rand_like(losses[0])
    found = [
        gradients(m, (loss * share).sum(), wanting)
        for m, loss in zip((plain, native), losses, strict=True)
    ]
    worst.append(assert_same(*found, program))
    return max(worst), single(plain, native, ready, targets)


def single(
    plain: SoftModule, native: NativeModule, inputs: Mapping[str, Tensor], targets: Any
) -> float:
    """Compare the gradient of the loss in float32 with torch's in float64; return the error.

    It is relative to the largest number of the gradient of all choices, or of a network's weights.
    """
    given = {name: x.detach() for name, x in inputs.items()}
    small = {name: x.float() for name, x in given.items()}
    pairs = (plain, given), (deepcopy(native).float(), small)
    found = [gradients(m, negative_log_likelihood(m, x, targets).sum(), []) for m, x in pairs]
    return assert_same(found[0], [x.double() for x in found[1]], native.program, SINGLE, SMALL)
