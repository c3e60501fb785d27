"""Long programs in float32: mass is kept, losses and gradients stay finite and right."""

from __future__ import annotations

import math

import pytest
import torch

from neuralc.backends.soft import SoftModule
from neuralc.backends.soft.lower import lower
from neuralc.backends.soft.module import Precision
from neuralc.ir.nodes import Program
from neuralc.ir.text import read
from neuralc.learning.train import negative_log_likelihood
from neuralc.nn.turns import program as ram


def doubling(steps: int, modulus: int) -> Program:
    """Return the program x[t + 1] = x[t] + x[t], which squares whatever error the mass has."""
    sums = [str((a + b) % modulus) for a in range(modulus) for b in range(modulus)]
    return read(
        f"""program "doubling"
table add({modulus}, {modulus}) -> {modulus} = {" ".join(sums)}
param p: {modulus}
var x: {modulus}[{steps + 1}]
output y: {modulus}

x[0] = p
for t in range(0, {steps}, 1):
    x[t + 1] = add(x[t], x[t])
y = x[{steps}]
"""
    )


@pytest.mark.parametrize("precision", ["linear", "log"])
@pytest.mark.parametrize("modulus", [20, 10, 7])
@pytest.mark.parametrize("sharpness", [0.5, 3.0, 20.0])
def test_mass_is_kept_for_300_steps(modulus: int, precision: Precision, sharpness: float) -> None:
    """A convolution by FFT for 20 values, a dense cube for fewer."""
    module = SoftModule(doubling(300, modulus), precision=precision)
    generator = torch.Generator().manual_seed(0)
    module.logits.data = sharpness * torch.randn(module.logits.shape, generator=generator)
    exact = SoftModule(module.program, precision=precision).double()
    exact.logits.data = module.logits.detach().double()
    found = module({})["y"][0, 0]
    chances = found.exp() if precision == "log" else found
    assert abs(float(chances.detach().sum()) - 1) < 1e-5
    assert torch.isfinite(chances).all()
    assert (chances >= 0).all()
    targets = {"y": torch.tensor([0])}
    loss = negative_log_likelihood(module, {}, targets)
    wanted = negative_log_likelihood(exact, {}, targets)
    assert abs(float(loss.detach()) - float(wanted.detach())) < 1e-4
    loss.sum().backward()
    assert module.logits.grad is not None
    assert torch.isfinite(module.logits.grad).all()


def test_a_large_array_is_rarely_divided_by_its_sums() -> None:
    """The memory of a machine of 40 steps: what it is mixed with is kept exact."""
    nodes = lower(ram(20, 7, 40)).graph.nodes
    assert sum(node.op == "normalise" and node.dims[2:] == (20, 20) for node in nodes) <= 7
    assert max(node.drift for node in nodes) <= 115


@pytest.mark.parametrize("sharpness", [0.5, 3.0, 20.0])
def test_a_large_array_keeps_its_mass(sharpness: float) -> None:
    module = SoftModule(ram(20, 7, 40), restarts=3)
    generator = torch.Generator().manual_seed(0)
    module.logits.data = sharpness * torch.randn(module.logits.shape, generator=generator)
    cells = torch.randint(20, (8, 20), generator=generator)
    found = module(module.prepare({"initial_memory": cells}))
    for name in ("final_memory", "final_halted", "steps"):
        torch.testing.assert_close(
            found[name].sum(-1), torch.ones(found[name].shape[:-1]), rtol=0, atol=1e-5
        )


def test_the_loss_of_300_steps_comes_to_rest_at_a_uniform_distribution() -> None:
    module = SoftModule(doubling(300, 7))
    module.logits.data = torch.tensor([[0.0, 0.3, -0.2, 0.1, 0.5, -0.4, 0.2]])
    loss = negative_log_likelihood(module, {}, {"y": torch.tensor([3])})
    assert abs(float(loss.detach()) - math.log(7)) < 1e-5


def test_log_space_does_not_underflow() -> None:
    """A chain of unlikely events: the probability is no float32, its logarithm is."""
    text = """program "all"
table both(2, 2) -> 2 = 0 0 0 1
param p: 2[200]
var x: 2[201]
output y: 2

x[0] = 1
for t in range(0, 200, 1):
    x[t + 1] = both(x[t], p[t])
y = x[200]
"""
    module = SoftModule(read(text), precision="log")
    module.logits.data = torch.tensor([2.0, 0.0]).repeat(200)[None]
    loss = negative_log_likelihood(module, {}, {"y": torch.tensor([1])})
    chance = 1 / (1 + math.exp(2))
    assert float(loss.detach()) == pytest.approx(-200 * math.log(chance), rel=1e-5)
    loss.sum().backward()
    assert module.logits.grad is not None
    wanted = torch.tensor([1 - chance, chance - 1]).repeat(200)[None]
    torch.testing.assert_close(module.logits.grad, wanted, rtol=1e-4, atol=1e-5)


def test_a_long_loop_is_no_deep_recursion() -> None:
    """600 turns, in which values go through every kind of branch."""
    text = """program "long"
param p: 3
param q: 3[600]
input x: 3
var v: 3[601]
var w: 3[601]
output y: 3
table f(3, 3) -> 3 = 0 2 1 1 1 0 2 0 2

v[0] = x
w[0] = x
for t in range(0, 600, 1):
    switch q[t] of 3:
        case 0:
            v[t + 1] = v[t]
        case 1:
            v[t + 1] = w[t]
        case 2:
            v[t + 1] = f(v[t], w[t])
    with p as g of 3:
        if g == 1:
            w[t + 1] = w[t]
        else:
            w[t + 1] = f(w[t], g)
y = f(v[600], w[600])
"""
    module = SoftModule(read(text))
    loss = negative_log_likelihood(
        module, module.prepare({"x": torch.tensor([1])}), {"y": torch.tensor([2])}
    )
    loss.sum().backward()
    assert module.logits.grad is not None
    assert torch.isfinite(module.logits.grad).all()
