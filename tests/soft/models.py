"""Small models with networks, as text, for the tests of this folder and of `learn`."""

from __future__ import annotations

from textwrap import dedent

import torch

from neuralc.backends.soft import SoftModule
from neuralc.backends.soft.module import Precision
from neuralc.ir.nodes import Int, Program
from neuralc.learning.model import Model
from neuralc.source import Source

# Two cells of a row of images, picked by the program, looked at in every time step.
LOOK = """
    n = 3
    T = 4

    @Learn([Tensor(2, 3)], 4, hid_sizes=[5])
    def LOOK(image): pass

    @Runtime([4, 4], 4)
    def ADD(a, b): return (a + b) % 4

    images = InputTensor(2, 3)[n]
    pick = Param(n)[T]
    start = Param(4)
    total = Output(4)

    sum = Var(4)[T + 1]
    seen = Var(4)[T]
    sum[0].set_to(start)
    for t in range(T):
        with pick[t] as i:
            seen[t].set_to(LOOK(images[i]))
        sum[t + 1].set_to(ADD(sum[t], seen[t]))
    total.set_to(sum[T])
"""

# Real-valued intermediates, an integer argument, two networks one after the other.
CHAIN = """
    n = 2

    @Learn([Tensor(4)], Tensor(3), hid_sizes=[6])
    def EMBED(image): pass

    @Learn([Tensor(3), 3], 5, hid_sizes=[4])
    def READ(code, number): pass

    @Learn([5, 2], 3, hid_sizes=[])
    def JUDGE(found, bit): pass

    images = InputTensor(4)[n]
    bit = Input(2)
    which = Param(n)
    number = Param(3)
    code = Var(Tensor(3))[n]
    kept = Var(Tensor(3))
    found = Var(5)
    again = Output(5)
    out = Output(3)

    for i in range(n):
        code[i].set_to(EMBED(images[i]))
    with which as i:
        kept.set_to(code[i])
    with number as k:
        found.set_to(READ(kept, k))
    again.set_to(READ(code[0], number))
    out.set_to(JUDGE(found, bit))
"""

# No network: a choice of instruction for each of two lines.
LINES = """
    n = Hyper()
    op = Param(3)[2]
    arg = Param(2)[2]
    x = Input(n)[2]
    z = Output(n)
    r = Var(n)[3]

    @Runtime([n, n], n)
    def ADD(a, b): return (a + b) % n
    @Runtime([n, n], n)
    def SUB(a, b): return (a - b) % n
    @Runtime([n, n], n)
    def MAX(a, b): return max(a, b)

    r[0].set_to(x[0])
    for t in range(2):
        with arg[t] as a:
            if op[t] == 0:
                r[t + 1].set_to(ADD(r[t], x[a]))
            elif op[t] == 1:
                r[t + 1].set_to(SUB(r[t], x[a]))
            else:
                r[t + 1].set_to(MAX(r[t], x[a]))
    z.set_to(r[2])
"""


def model(text: str, **hypers: int) -> Model:
    """Return a model from indented text."""
    return Model.load(Source("model.py", dedent(text)), hypers)


def results(program: Program, precision: Precision) -> list[torch.Tensor]:
    """Return all outputs for soft inputs, and the gradient of a function of them."""
    module = SoftModule(program, restarts=3, precision=precision).double()
    generator = torch.Generator().manual_seed(0)
    module.logits.data = torch.randn(module.logits.shape, generator=generator).double()
    inputs = {}
    for decl in program.of("input"):
        assert isinstance(decl.type, Int)
        drawn = torch.rand((4, *decl.shape, decl.type.size), generator=generator).double()
        inputs[decl.name] = drawn / drawn.sum(-1, keepdim=True)
    found = module(inputs)
    value = sum((x * torch.arange(x.shape[-1])).sum() for x in found.values())
    assert isinstance(value, torch.Tensor)
    return [*found.values(), *torch.autograd.grad(value, [module.logits])]
