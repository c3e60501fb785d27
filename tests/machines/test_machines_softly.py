"""The soft execution of every machine is what the plain interpreter says, networks included."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch

from neuralc.backends.soft import SoftModule
from neuralc.ir.algebras import Distributions
from neuralc.ir.evaluate import Element, evaluate
from neuralc.ir.nodes import Int, Network
from tests.machines.solved import ALL, machine

SMALL: dict[str, dict[str, int]] = {
    "add_top": {"image_size": 2, "num_lines": 3},
    "apply_right": {"image_size": 2, "num_lines": 2},
    "maze": {"W": 3, "H": 2, "T": 5, "image_size": 2, "max_int": 4},
}


@pytest.mark.parametrize("name", ALL)
def test_soft_is_the_definition(name: str) -> None:
    torch.manual_seed(0)
    program = machine(ALL[name].machine, SMALL.get(name, ALL[name].hypers)).program
    soft = SoftModule(program).double()
    torch.nn.init.normal_(soft.logits)
    given: dict[Element, Any] = {}
    inputs: dict[str, torch.Tensor] = {}
    for decl in program.of("input"):
        kind = decl.type
        if isinstance(kind, Int):
            inputs[decl.name] = torch.randint(kind.size, (1, *decl.shape))
        else:
            inputs[decl.name] = torch.rand(1, *decl.shape, *kind.shape, dtype=torch.float64)
        for at in np.ndindex(decl.shape):
            value = inputs[decl.name][0][at].numpy()
            given[decl.name, at] = np.eye(kind.size)[value] if isinstance(kind, Int) else value
    for choice, chances in soft.probabilities().items():
        for k, at in enumerate(np.ndindex(program.decl[choice].shape)):
            limits = program.decl[choice].limits
            given[choice, at] = chances[(0, *at)].detach().numpy()[: limits[k] if limits else None]

    def networks(network: Network, args: Sequence[Any]) -> Any:
        image = torch.as_tensor(args[0]).reshape(1, 1, -1)
        return soft.networks[network.name](image, restarts=False).detach().numpy().reshape(-1)

    wanted = evaluate(program, given, Distributions(networks))
    found = soft(inputs)
    for decl in program.of("output"):
        for at in np.ndindex(decl.shape):
            chances = found[decl.name][(0, 0, *at)].detach().numpy()
            np.testing.assert_allclose(chances, wanted[decl.name, at], atol=1e-12)
            assert abs(chances.sum() - 1) < 1e-9
