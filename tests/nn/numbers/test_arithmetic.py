"""Tables and circuits behind one interface: the same results, and a router that changes over."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from neuralc.errors import DataError
from neuralc.nn.numbers.arithmetic import Arithmetic, Circuits, Tables
from neuralc.nn.numbers.encodings import to_bits
from neuralc.nn.numbers.integers import CIRCUITS, OPERATIONS, compute

A, B = (x.ravel() for x in np.mgrid[:128, :128])


@pytest.fixture(scope="module")
def tables() -> Tables:
    return Tables(128)


@pytest.mark.parametrize("name", CIRCUITS)
def test_the_same_for_all_operands_below_128(name: str, tables: Tables) -> None:
    both: list[Arithmetic] = [tables, Circuits(7)]
    wanted = compute(name, A, B, 128)
    for one in both:
        found = one.decode(one.apply(name, (one.encode(A), one.encode(B))))
        assert np.array_equal(found, wanted), type(one)


def test_moduli_differ_where_they_should() -> None:
    small, wide = Tables(10), Circuits(4)
    assert small.decode(small.apply("add", (small.encode(7), small.encode(5)))) == 2
    assert wide.decode(wide.apply("add", (wide.encode(7), wide.encode(5)))) == 12
    assert small.decode(small.apply("div", (small.encode(7), small.encode(0)))) == 9
    assert wide.decode(wide.apply("div", (wide.encode(7), wide.encode(0)))) == 15


def test_a_selection_that_is_certain_picks(tables: Tables) -> None:
    rows = np.random.default_rng(0).integers(0, 128, (2, 20))
    both: list[Arithmetic] = [tables, Circuits(7)]
    for one in both:
        x, y = (one.encode(row) for row in rows)
        for k, name in enumerate(one.names):
            chosen = torch.eye(len(one.names))[k]
            found = one.decode(one.mix(chosen, (x, y)))
            assert np.array_equal(found, compute(name, *rows, 128)), name


@pytest.mark.parametrize("one", [Tables(8, ("add", "mul", "less", "gcd")), Circuits(3)])
def test_a_mixture_is_the_sum_of_its_parts(one: Arithmetic) -> None:
    width = one.encode(0).shape[-1]
    x, y = torch.rand(2, 4, width, dtype=torch.float64).requires_grad_()
    x, y = x.detach().requires_grad_(), y.detach().requires_grad_()
    chosen = torch.rand(4, len(one.names), dtype=torch.float64).softmax(-1).requires_grad_()
    wanted = sum(chosen[:, k, None] * one.apply(name, (x, y)) for k, name in enumerate(one.names))
    torch.testing.assert_close(one.mix(chosen, (x, y)), wanted)
    assert torch.autograd.gradcheck(lambda s, a, b: one.mix(s, (a, b)), (chosen, x, y))


def test_a_router_trained_with_tables_goes_on_with_circuits() -> None:
    """Learn which operation it is from numbers below 16, and then use it on 64 bits."""
    names = ("add", "sub", "mul", "max")
    generator = torch.Generator().manual_seed(0)
    rows = torch.randint(16, (2, 200), generator=generator).numpy()
    kinds = torch.randint(len(names), (200,), generator=generator)
    table = np.stack([compute(name, *rows, 16) for name in names])
    wanted = torch.from_numpy(table[kinds.numpy(), np.arange(200)])
    router = torch.zeros(len(names), len(names), requires_grad=True)  # from a word to an operation
    tables, circuits = Tables(16, names), Circuits(64, names)
    optimizer = torch.optim.Adam([router], 0.3)
    for _ in range(40):
        z = tables.mix(router[kinds].softmax(-1), [tables.encode(row) for row in rows])
        loss = -z.gather(-1, wanted.unsqueeze(-1)).clamp_min(1e-6).log().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    large = np.random.default_rng(0).integers(0, 2**63, (2, 40))
    for k, name in enumerate(names):
        z = circuits.mix(router[k].softmax(-1).detach(), [circuits.encode(row) for row in large])
        exact = compute(name, *large.astype(object), 2**64)
        assert circuits.decode(z).tolist() == exact.tolist(), name


def test_tables_alone_have_more(tables: Tables) -> None:
    more = Tables(12, tuple(OPERATIONS))
    numbers = np.arange(12)
    for name in ("gcd", "lcm", "pow"):
        z = more.apply(name, (more.encode(numbers[:, None]), more.encode(numbers)))
        assert np.array_equal(more.decode(z), compute(name, numbers[:, None], numbers, 12))
    assert compute("pow", 3, 5, 100) == 43
    assert compute("lcm", 4, 6, 100) == 12
    assert compute("gcd", 0, 0, 100) == 0
    assert compute("pow", 0, 0, 100) == 1


def test_hard_operands_mix_too() -> None:
    one = Circuits(4, ("add", "xor"))
    z = one.mix(torch.tensor([0.75, 0.25]), (to_bits(5, 4), to_bits(3, 4)))  # 1000, 0110
    assert torch.equal(z, torch.tensor([0, 0.25, 0.25, 0.75]))


def test_mistakes(tables: Tables) -> None:
    with pytest.raises(DataError, match="no operation 'plus'"):
        Tables(4, ("plus",))
    with pytest.raises(DataError, match="no operation 'gcd'"):
        Circuits(4, ("gcd",))
    with pytest.raises(DataError, match="no operation 'pow'"):
        tables.apply("pow", (tables.encode(1), tables.encode(1)))
    with pytest.raises(DataError, match="two numbers of 4 bits"):
        Circuits(4).apply("add", (to_bits(1, 4), to_bits(1, 3)))
    with pytest.raises(DataError, match="over"):
        Circuits(4).apply("add", (torch.rand(3), torch.rand(4)))
    with pytest.raises(DataError, match="at least one"):
        Circuits(0)
