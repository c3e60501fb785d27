"""Networks: applied once to each image, chained, with integers among their arguments."""

from __future__ import annotations

import math
from textwrap import dedent
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from neuralc.backends.soft.module import Precision
from neuralc.backends.soft.networks import Convolutional, build_network
from neuralc.ir.nodes import Network, Program
from neuralc.learning.model import Model
from tests.soft.models import CHAIN, LOOK, model
from tests.soft.reference import compare, logits_of

RESTARTS, EXAMPLES = 2, 3


class Counted(nn.Module):
    """A network that counts how often it is called, and for how many rows."""

    def __init__(self, network: Network, restarts: int) -> None:
        super().__init__()
        self.body = build_network(network, restarts)
        self.calls: list[int] = []

    def forward(self, x: Tensor, *, restarts: bool) -> Tensor:
        lead = x.shape[1:-1] if restarts else x.shape[:-1]
        self.calls.append(lead.numel())
        found: Tensor = self.body(x, restarts=restarts)
        return found


def counts(one: Model, **images: tuple[int, ...]) -> dict[str, list[int]]:
    """Return the rows of every call of every network in one forward run."""
    bodies = {n.name: (lambda restarts, n=n: Counted(n, restarts)) for n in one.program.networks}
    module = one.compile(restarts=RESTARTS, bodies=bodies)
    inputs: dict[str, Any] = {}
    for decl in one.program.of("input"):
        shape = (EXAMPLES, *decl.shape)
        size = getattr(decl.type, "size", None)
        inputs[decl.name] = (
            torch.zeros(shape, dtype=torch.long) if size else torch.randn(*shape, *decl.type.shape)  # type: ignore[union-attr]
        )
    module(inputs)
    return {name: body.calls for name, body in module.networks.items()}  # type: ignore[misc]


def test_a_network_sees_each_image_once() -> None:
    """Four time steps look at three images: one call with one row for each image."""
    assert counts(model(LOOK)) == {"LOOK": [3 * EXAMPLES]}
    assert counts(model(LOOK.replace("T = 4", "T = 9"))) == {"LOOK": [3 * EXAMPLES]}


PLACES = {
    "a gate in a gate": """
        with p as i:
            with q as j:
                out.set_to(LOOK(images[i, j]))
    """,
    "one at a time": """
        for i in range(2):
            for j in range(3):
                if i * 3 + j == 4:
                    out.set_to(LOOK(images[i, j]))
                else:
                    other[i, j].set_to(LOOK(images[i, j]))
    """,
    "all, along two loops": """
        for i in range(2):
            for j in range(3):
                other[i, j].set_to(LOOK(images[i, j]))
        with p as i:
            with q as j:
                out.set_to(other[i, j])
    """,
    "turned": """
        for j in range(3):
            for i in range(2):
                other[i, j].set_to(LOOK(images[1 - i, 2 - j]))
        out.set_to(other[0, 1])
    """,
    "in branches": """
        if p == 0:
            out.set_to(LOOK(images[0, 0]))
        else:
            with q as j:
                out.set_to(LOOK(images[1, j]))
    """,
    "a row": """
        with q as j:
            if j == 0:
                out.set_to(LOOK(images[0, 1]))
            else:
                out.set_to(LOOK(images[1, j]))
    """,
    "columns first": """
        for j in range(3):
            for i in range(2):
                other[i, j].set_to(LOOK(images[i, j]))
        with q as j:
            with p as i:
                out.set_to(other[i, j])
    """,
    "on a diagonal": """
        with p as i:
            out.set_to(LOOK(images[i, i]))
    """,
    "a part of a row": """
        with p as j:
            out.set_to(LOOK(images[1, j + 1]))
    """,
}  # fmt: skip
HEAD = """
@Learn([Tensor(5)], 4, hid_sizes=[3])
def LOOK(image): pass

images = InputTensor(5)[2, 3]
p = Param(2)
q = Param(3)
out = Output(4)
other = Var(4)[2, 3]
"""


def placed(name: str) -> Model:
    head = HEAD if "other" in PLACES[name] else HEAD.replace("other = Var(4)[2, 3]\n", "")
    return model(head + dedent(PLACES[name]))


@pytest.mark.parametrize("name", PLACES)
def test_once_wherever_the_program_looks(name: str) -> None:
    (calls,) = counts(placed(name)).values()
    assert len(calls) == 1
    assert calls[0] <= 2 * 3 * EXAMPLES, "fewer where some are never looked at"


def test_networks_one_after_the_other() -> None:
    """`READ` sees what the choices picked, and the first image again: never more than that."""
    calls = counts(model(CHAIN))
    assert calls["EMBED"] == [2 * EXAMPLES]
    assert len(calls["READ"]) == 2
    assert len(calls["JUDGE"]) == 1


def given(program: Program, seed: int) -> dict[Any, Any]:
    """Return distributions for the integers and random numbers for the tensors."""
    rng = np.random.default_rng(seed)
    found: dict[Any, Any] = {}
    for decl in (*program.of("input"), *program.of("param")):
        for at in np.ndindex(decl.shape):
            size = getattr(decl.type, "size", None)
            found[decl.name, at] = (
                rng.normal(size=int(np.prod(decl.type.shape))) if size is None  # type: ignore[union-attr]
                else rng.dirichlet(np.ones(size))
            )  # fmt: skip
    return found


def check(one: Model, precision: Precision) -> None:
    """Compare with the interpreter, to which the networks are functions on arrays."""
    program = one.program
    params = {decl.name for decl in program.of("param")}
    drawn = [given(program, seed) for seed in range(RESTARTS + EXAMPLES)]
    choices = [{e: v for e, v in x.items() if e[0] in params} for x in drawn[:RESTARTS]]
    examples = [{e: v for e, v in x.items() if e[0] not in params} for x in drawn[RESTARTS:]]
    module = one.compile(restarts=RESTARTS, dtype="float64", precision=precision, seed=0)
    module.logits.data = logits_of(module, choices)
    compare(program, choices, examples, precision, module=module)


BRANCHES = """
    @Learn([Tensor(4)], Tensor(3), hid_sizes=[6])
    def F(x): pass
    @Learn([Tensor(3), Tensor(4), 2], Tensor(3), hid_sizes=[5])
    def G(code, x, bit): pass
    @Learn([Tensor(3)], 4, hid_sizes=[])
    def END(code): pass

    images = InputTensor(4)[3]
    bits = Input(2)[3]
    op = Param(3)[3]
    code = Var(Tensor(3))[4]
    out = Output(4)
    all = Output(4)[4]

    code[0].set_to(F(images[0]))
    for t in range(3):
        if op[t] == 0:
            code[t + 1].set_to(code[t])
        elif op[t] == 1:
            code[t + 1].set_to(G(code[t], images[t], bits[t]))
        else:
            code[t + 1].set_to(F(images[t]))
    out.set_to(END(code[3]))
    for t in range(4):
        all[t].set_to(END(code[t]))
"""


MEMORY = """
    @Learn([Tensor(4)], Tensor(3), hid_sizes=[6])
    def F(x): pass
    @Learn([Tensor(3)], 4, hid_sizes=[])
    def END(code): pass

    images = InputTensor(4)[2]
    at = Param(3)[2]
    start = InputTensor(3)[3]
    cell = Var(Tensor(3))[3, 3]
    out = Output(4)[3]

    for i in range(3):
        cell[0, i].set_to(start[i])
    for t in range(2):
        with at[t] as place:
            for i in range(3):
                if i == place:
                    cell[t + 1, i].set_to(F(images[t]))
                else:
                    cell[t + 1, i].set_to(cell[t, i])
    for i in range(3):
        out[i].set_to(END(cell[2, i]))
"""


@pytest.mark.parametrize("precision", ["linear", "log"])
def test_as_the_interpreter(precision: Precision) -> None:
    """Distributions of classes, real-valued intermediates that choices mix, integers as one-hot."""
    check(model(LOOK), precision)
    check(model(CHAIN), precision)
    check(model(BRANCHES), precision)
    check(model(MEMORY), precision)
    for name in PLACES:
        check(placed(name), precision)


def test_gradients_reach_the_weights_of_every_network() -> None:
    module = model(BRANCHES).compile(dtype="float64", seed=0)
    inputs = {"images": torch.randn(2, 3, 4), "bits": torch.zeros(2, 3, dtype=torch.long)}
    loss = -module(inputs)["out"][..., 1].log().sum()
    loss.backward()
    for name, value in module.named_parameters():
        assert value.grad is not None, name
        assert value.grad.abs().max() > 0, name


def test_bodies_are_what_torch_makes_of_the_same_weights() -> None:
    """Fully connected with ReLU and softmax; three convolutions before that."""
    text = """
        @Learn([Tensor(6)], 4, hid_sizes=[5, 7])
        def F(x): pass
        @Learn([Tensor(2, 9, 8)], 3, hid_sizes=[6], net="cnn")
        def G(x): pass
        a = InputTensor(6)
        b = InputTensor(2, 9, 8)
        c = Output(4)
        d = Output(3)
        c.set_to(F(a))
        d.set_to(G(b))
    """
    module = model(text).compile(restarts=RESTARTS, dtype="float64", seed=0)
    inputs = {name: torch.randn(EXAMPLES, *shape).double()
              for name, shape in (("a", (6,)), ("b", (2, 9, 8)))}  # fmt: skip
    with torch.no_grad():
        found = module(inputs)
    weights = dict(module.named_parameters())

    def connected(x: Tensor, name: str, p: int, layers: int) -> Tensor:
        for k in range(layers):
            x = x @ weights[f"{name}.weights.{k}"][p] + weights[f"{name}.biases.{k}"][p]
            x = x.relu() if k + 1 < layers else x.softmax(-1)
        return x

    with torch.no_grad():
        for p in range(RESTARTS):
            wanted = connected(inputs["a"], "networks.F", p, 3)
            torch.testing.assert_close(found["c"][p], wanted)
            maps = inputs["b"]
            for k in range(3):
                kernel = weights[f"networks.G.kernels.{k}"].chunk(RESTARTS)[p]
                bias = weights[f"networks.G.biases.{k}"].chunk(RESTARTS)[p]
                maps = nn.functional.conv2d(maps, kernel, bias, padding=1).relu()
                if k < 2:  # 9 x 8, 4 x 4, then 2 x 2, which is too small
                    maps = nn.functional.max_pool2d(maps, 2)
            wanted = connected(maps.flatten(1), "networks.G.end", p, 2)
            torch.testing.assert_close(found["d"][p], wanted)


@pytest.mark.parametrize("name", ["type", "values", "train", "float", "forward", "keys", "_x", "é"])
def test_a_network_may_have_any_name(name: str) -> None:
    """Also one that an attribute of a torch module has."""
    text = LOOK.replace("def LOOK", f"def {name}").replace("(LOOK(", f"({name}(")
    check(model(text), "linear")


def test_a_new_convolutional_network_tells_images_apart() -> None:
    """Where all images look alike at first, learning from weak labels does not begin."""
    torch.manual_seed(0)
    body = Convolutional((28, 28), (), 10, softmax=False, restarts=3)
    blots = (torch.rand(50, 7, 7) > 0.6).float()
    images = blots.repeat_interleave(4, 1).repeat_interleave(4, 2)
    with torch.no_grad():
        spread = body(images.flatten(1), restarts=False).std(1).mean(1)
    assert spread.shape == (3,)
    assert (spread > 0.2).all()
    assert (spread < 2).all()


@pytest.mark.parametrize("shape", [(4, 4), (4, 9), (1, 7, 6), (3, 30, 31)])
def test_convolutional_networks_take_images_of_all_sizes(shape: tuple[int, ...]) -> None:
    body = Convolutional(shape, (), 10, softmax=True, restarts=2)
    found = body(torch.rand(5, 3, math.prod(shape)), restarts=False)
    assert found.shape == (2, 5, 3, 10)
    torch.testing.assert_close(found.sum(-1), torch.ones(2, 5, 3))
