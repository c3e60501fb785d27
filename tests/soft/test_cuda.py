"""The machines on a GPU: float32 outputs and gradients as on the processor."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from neuralc.backends.soft import SoftModule
from neuralc.backends.soft.module import Precision
from neuralc.ir.nodes import Int
from tests.machines.solved import ALL, machine

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here")
RESTARTS, EXAMPLES = 3, 4


def run(module: SoftModule, inputs: dict[str, Any]) -> tuple[list[torch.Tensor], list[Any]]:
    """Return outputs, and the gradients of all parameters, on the processor."""
    outputs, observed = module.run(module.prepare(inputs))
    ends = [*outputs.values(), *observed]
    chances = [x.exp() if module.precision == "log" else x for x in ends]
    total = sum((x * torch.linspace(0, 1, x.shape[-1], device=x.device)).sum() for x in chances)
    assert isinstance(total, torch.Tensor)
    total.backward()
    return [x.detach().cpu() for x in chances], [
        None if p.grad is None else p.grad.cpu() for p in module.parameters()
    ]


@pytest.mark.parametrize("precision", ["linear", "log"])
@pytest.mark.parametrize("name", [name for name in ALL if name != "maze"])
def test_as_on_the_processor(name: str, precision: Precision) -> None:
    program = machine(ALL[name].machine, ALL[name].hypers).program
    module = SoftModule(program, restarts=RESTARTS, precision=precision)
    generator = torch.Generator().manual_seed(0)
    module.logits.data = torch.randn(module.logits.shape, generator=generator)
    inputs: dict[str, Any] = {}
    for decl in program.of("input"):
        shape = (EXAMPLES, *decl.shape)
        inputs[decl.name] = (
            torch.randint(decl.type.size, shape, generator=generator) if isinstance(decl.type, Int)
            else torch.randn(*shape, *decl.type.shape, generator=generator)
        )  # fmt: skip
    wanted = run(module, inputs)
    module.zero_grad()
    module.cuda()
    found = run(module, inputs)
    for one, other in zip(found[0] + found[1], wanted[0] + wanted[1], strict=True):
        if one is not None or other is not None:
            torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)
