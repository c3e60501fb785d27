"""Pushforwards against plain enumeration, on random tables and on all kinds of structure."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from neuralc.backends.soft.runtime import centred_softmax
from neuralc.errors import DataError
from neuralc.ir.algebras import Distributions
from neuralc.ir.nodes import Table
from neuralc.nn.calls import segments
from neuralc.nn.calls.pushforward import Mixture, Pushforward

Array = np.ndarray[Any, Any]
N = 6
X, Y = np.arange(N)[:, None], np.arange(N)[None, :]
MIXED = ("mul", "add", "less", "square")
FUNCTIONS = {
    "constant": (np.full((N, N), 3), N),
    "identity": (np.broadcast_to(X, (N, N)), N),
    "wider identity": (np.broadcast_to(Y, (N, N)), N + 2),
    "rotation": (np.broadcast_to((X + 2) % N, (N, N)), N),
    "permutation": (np.broadcast_to((5 * Y + 1) % N, (N, N)), N),
    "unary": (np.broadcast_to(Y // 2, (N, N)), N),
    "add": ((X + Y) % N, N),
    "add, fits": (X + Y, 2 * N),
    "add, smaller modulus": ((X + Y) % 4, N),
    "sub": ((X - Y) % N, N),
    "bus": ((Y - X) % N, N),
    "min": (np.minimum(X, Y), N),
    "max": (np.maximum(X, Y), N + 1),
    "eq": ((X == Y).astype(int), 2),
    "ne": ((X != Y) * 3, N),
    "less": ((X < Y).astype(int), N),
    "less or equal": ((X <= Y).astype(int), 2),
    "shift": ((X + Y**2) % N, N),
    "mul": (X * Y % N, N),
    "square": (np.broadcast_to(X * X % N, (N, N)), N),
}


@pytest.fixture(autouse=True, scope="module", params=[0, segments.FEW], ids=["kernels", "few"])
def few(request: pytest.FixtureRequest) -> Iterator[None]:
    """Run everything in both ways: small cases would never reach the kernels."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(segments, "FEW", request.param)
        yield


def enumerated(values: Array, size: int, args: list[Tensor]) -> Tensor:
    """Return what a function of distributions means, tuple by tuple."""
    shape = torch.broadcast_shapes(*(arg.shape[:-1] for arg in args))
    z = torch.zeros(*shape, size, dtype=torch.float64)
    for place in itertools.product(*map(range, values.shape)):
        chance = torch.ones(shape, dtype=torch.float64)
        for arg, i in zip(args, place, strict=True):
            chance = chance * arg[..., i]
        z[..., int(values[place])] += chance
    return z


def drawn(sizes: list[int], rows: tuple[int, ...], seed: int = 0) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.rand(*rows, n, generator=generator, dtype=torch.float64) for n in sizes]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_structures(name: str) -> None:
    values, size = FUNCTIONS[name]
    push = Pushforward(values, size)
    assert (push.structure is None) == (name == "mul")
    args = drawn([N, N], (3,))
    torch.testing.assert_close(push(*args), enumerated(values, size, args))
    for arg in args:
        arg.requires_grad_()
    assert torch.autograd.gradcheck(push, args)


@given(st.data())
def test_random_tables(data: st.DataObject) -> None:
    sizes = data.draw(st.lists(st.integers(1, 5), min_size=1, max_size=4))
    size = data.draw(st.integers(1, 6))
    values = np.random.default_rng(data.draw(st.integers(0, 99))).integers(0, size, sizes)
    rows = data.draw(st.sampled_from([(), (1,), (5,), (2, 3), (40,)]))
    args = drawn(sizes, rows)
    push = Pushforward(values, size)
    torch.testing.assert_close(push(*args), enumerated(values, size, args))
    if not rows:  # what the interpreter says it means
        table = Table("", tuple(sizes), size, tuple(values.ravel().tolist()))
        meant = Distributions().apply(table, [arg.numpy() for arg in args])
        np.testing.assert_allclose(push(*args).numpy(), meant, rtol=1e-12)
    singles = [arg.float() for arg in args]
    torch.testing.assert_close(push(*singles).double(), push(*args), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("sizes", [(7,), (3, 4), (2, 3, 4), (2, 3, 2, 2)])
@pytest.mark.parametrize("rows", [1, 3, 35])
def test_kernels_and_chunks(sizes: tuple[int, ...], rows: int) -> None:
    """Both ways give the same; the chunks are so small that there are several."""
    generator = np.random.default_rng(1)
    tables = torch.from_numpy(generator.integers(0, 5, (2, int(np.prod(sizes))), dtype=np.int32))
    args, weights = drawn(list(sizes), (rows,)), drawn([2], (rows,), 2)[0]
    gradient = drawn([5], (rows,), 3)[0]
    for table in tables:
        ours = segments.segments(table, 5, args)
        torch.testing.assert_close(ours, segments.push_chunks(table, 5, args, 40))
    ours = segments._pull(tables, weights, args, gradient)
    other = segments.pull_chunks(tables, weights, args, gradient, 40)
    torch.testing.assert_close(ours, other)
    for arg in args:
        arg.requires_grad_()
    assert torch.autograd.gradcheck(lambda *args: segments.segments(tables[0], 5, args), args)


def test_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segments.kernels, "LARGE", 1)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 3)
    values = np.random.default_rng(0).integers(0, 9, (8, 8))
    args = drawn([8, 8], (100,))
    torch.testing.assert_close(Pushforward(values, 9)(*args), enumerated(values, 9, args))


def test_axes_broadcast() -> None:
    values = np.random.default_rng(0).integers(0, 4, (4, 3))
    x, y = drawn([4], (5, 1))[0], drawn([3], (2,))[0]
    for table in (values, np.maximum(*np.ix_(range(4), range(3)))):
        push = Pushforward(table, 4)
        torch.testing.assert_close(push(x, y), enumerated(table, 4, [x, y]))
        assert torch.autograd.gradcheck(push, [x.requires_grad_(), y.requires_grad_()])
        x, y = x.detach(), y.detach()


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16])
def test_low_precision(kind: torch.dtype) -> None:
    for values, size in FUNCTIONS.values():
        args = [arg.to(kind) for arg in drawn([N, N], (3,))]
        z = Pushforward(values, size)(*args)
        assert z.dtype == kind
        wide = Pushforward(values, size)(*(arg.float() for arg in args))
        assert torch.equal(z, wide.to(kind))


def test_autocast_changes_nothing() -> None:
    """Inside a network in bfloat16 the calls stay what they are."""
    chosen, *args = (arg.float() for arg in drawn([len(MIXED), N, N], (70,)))
    mixture = Mixture([FUNCTIONS[name][0] for name in MIXED], N)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = [Pushforward(*FUNCTIONS[name])(*args) for name in FUNCTIONS]
        inside.append(mixture(chosen, *args))
    outside = [Pushforward(*FUNCTIONS[name])(*args) for name in FUNCTIONS]
    outside.append(mixture(chosen, *args))
    assert all(torch.equal(a, b) for a, b in zip(inside, outside, strict=True))


def test_float32_gradients() -> None:
    """Of nearly certain arguments: wrong by a rounding of the gradient that comes in, about 1."""
    generator = torch.Generator().manual_seed(0)
    logits = (20 * torch.randn(2, 4, N, generator=generator)).requires_grad_()
    weights = torch.randn(4, N, generator=generator)
    for values, size in FUNCTIONS.values():
        push = Pushforward(values, size)
        found = []
        for kind in (torch.float32, torch.float64):
            x, y = centred_softmax(logits.to(kind))
            z = push(x, y)[:, : min(size, N)]
            loss = (z * weights[:, : z.shape[1]].to(kind)).sum()
            found.append(torch.autograd.grad(loss, logits, allow_unused=True)[0].double())
        torch.testing.assert_close(*found, rtol=1e-5, atol=1.2e-7)


def test_other_devices() -> None:
    """No device but the CPU is asked for: there it runs without the kernels, in chunks."""
    generator = np.random.default_rng(0)
    tables = [generator.integers(0, 9, (40, 50)) for _ in range(2)]
    x, y = (torch.rand(100, n, device="meta", requires_grad=True) for n in (40, 50))
    chosen = torch.rand(100, 2, device="meta", requires_grad=True)
    z = Pushforward(tables[0], 9).to("meta")(x, y) + Mixture(tables, 9).to("meta")(chosen, x, y)
    z.sum().backward()
    assert z.device.type == x.grad.device.type == chosen.grad.device.type == "meta"


@pytest.mark.parametrize("n", [180, 1000])
def test_mass_of_many_equal_summands(n: int) -> None:
    """In float32 a cell with a million equal summands is 1% wrong: all are rounded the same way."""
    values = np.zeros((n, n), int)
    values[0, 0], values[1, 1], values[2, 3] = 1, 2, 3  # no structure
    x = torch.full((1, n), 1 / n)
    wanted = x.double().sum() ** 2
    push = Pushforward(values, 4)
    torch.testing.assert_close(push(x, x).double().sum(), wanted, rtol=1e-6, atol=0)
    chunks = segments.push_chunks(push.table, 4, [x, x], n * n // 3)
    torch.testing.assert_close(chunks.double().sum(), wanted, rtol=1e-6, atol=0)


@pytest.mark.parametrize("names", [["mul"], ["add", "min", "less"], ["mul", "add", "x", "y"]])
def test_mixture(names: list[str]) -> None:
    generator = np.random.default_rng(0)
    mere = {name: (generator.integers(0, N, (N, N)), N) for name in "xy"}
    tables = [(FUNCTIONS | mere)[name][0] for name in names]
    mixture = Mixture(tables, N)
    chosen, *args = drawn([len(names), N, N], (5,))
    wanted = sum(chosen[:, k, None] * enumerated(table, N, args) for k, table in enumerate(tables))
    torch.testing.assert_close(mixture(chosen, *args), wanted)
    inputs = [arg.requires_grad_() for arg in (chosen, *args)]
    assert torch.autograd.gradcheck(mixture, inputs)


def test_mixture_broadcasts() -> None:
    tables = [FUNCTIONS[name][0] for name in ("mul", "add")]
    x, y = drawn([N, N], (4, 3))
    chosen = torch.tensor([0.25, 0.75], dtype=torch.float64)
    wanted = 0.25 * enumerated(tables[0], N, [x, y]) + 0.75 * enumerated(tables[1], N, [x, y])
    torch.testing.assert_close(Mixture(tables, N)(chosen, x, y), wanted)


def test_certain_arguments_are_the_exact_run() -> None:
    for values, size in FUNCTIONS.values():
        z = Pushforward(values, size)(torch.eye(N)[:, None], torch.eye(N))
        assert torch.equal(z, torch.nn.functional.one_hot(torch.tensor(values), size).float())


def test_mistakes() -> None:
    with pytest.raises(DataError, match="results from 0 to 5"):
        Pushforward(FUNCTIONS["mul"][0], 3)
    with pytest.raises(DataError, match="integers"):
        Pushforward(np.zeros((2, 2)), 3)
    with pytest.raises(DataError, match="same arguments"):
        Mixture([], 3)
    push = Pushforward(*FUNCTIONS["mul"])
    with pytest.raises(DataError, match=r"over \[6\] values, where \[6, 6\]"):
        push(torch.rand(2, 6))
    with pytest.raises(DataError, match="floating"):
        push(torch.ones(2, 6, dtype=torch.long), torch.ones(2, 6, dtype=torch.long))
