"""Calls of routines: what each way returns, loses and learns, against plain enumeration."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from neuralc.errors import DataError
from neuralc.nn.calls.call import Call, choose
from neuralc.nn.calls.sampled import draw, sampled, score_function, straight_through
from neuralc.nn.calls.top import most_probable, top

Array = np.ndarray[Any, Any]
N = 5
TABLE = np.random.default_rng(0).integers(0, N, (N, N))


def run(numbers: Array) -> tuple[Array, Array, Array]:
    """Look up in the table; what has the result 0 was cut off."""
    values = TABLE[tuple(numbers.T)]
    return values, np.ones_like(values), values != 0


def soft(args: Any) -> torch.Tensor:
    cube = torch.nn.functional.one_hot(torch.from_numpy(TABLE), N).to(args[0].dtype)
    return torch.einsum("...i,...j,ijk->...k", args[0], args[1], cube)


def drawn(count: int, rows: tuple[int, ...] = (3,), seed: int = 0) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [
        (2 * torch.randn(*rows, N, generator=generator, dtype=torch.float64)).softmax(-1)
        for _ in range(count)
    ]


# ---- the most probable


@given(st.integers(1, 4), st.integers(1, 60), st.integers(0, 99))
def test_most_probable(count: int, tuples: int, seed: int) -> None:
    args = drawn(count, (), seed)
    places = most_probable(args, tuples)
    chance = {
        place: float(np.prod([arg[i] for arg, i in zip(args, place, strict=True)]))
        for place in itertools.product(range(N), repeat=count)
    }
    best = sorted(chance, key=lambda place: -chance[place])[:tuples]
    assert [tuple(row) for row in places.tolist()] == best


def test_top_k_is_the_pushforward_of_what_was_run() -> None:
    args = drawn(2)
    found = top(args, run, N, 7, normalised=False)
    exact = soft(args)
    assert (found.distribution <= exact + 1e-15).all()
    torch.testing.assert_close(found.lost, exact.sum(-1) - found.distribution.sum(-1))
    torch.testing.assert_close((exact - found.distribution).abs().sum(-1), found.lost)
    torch.testing.assert_close(found.unhalted, found.distribution[:, 0])
    scaled = top(args, run, N, 7)
    torch.testing.assert_close(scaled.distribution.sum(-1), torch.ones(3, dtype=torch.float64))
    assert ((exact - scaled.distribution).clamp_min(0).sum(-1) <= found.lost + 1e-15).all()


def test_top_k_of_all_is_exact() -> None:
    args = drawn(2)
    found = top(args, run, N, N * N)
    torch.testing.assert_close(found.distribution, soft(args))
    assert found.lost.max() < 1e-15


@pytest.mark.parametrize("normalised", [True, False])
def test_gradients_of_top_k(normalised: bool) -> None:
    args = [arg.requires_grad_() for arg in drawn(2)]
    assert torch.autograd.gradcheck(
        lambda *args: top(args, run, N, 6, normalised=normalised).distribution, args
    )


def test_each_tuple_is_run_once() -> None:
    asked: list[Array] = []

    def watched(numbers: Array) -> tuple[Array, Array, Array]:
        asked.append(numbers)
        return run(numbers)

    x, y = drawn(2, (1,))
    top([x.expand(50, N), y], watched, N, 9)
    assert len(asked) == 1
    assert len(asked[0]) == 9


# ---- samples


@pytest.mark.parametrize("samples", [1, 2])
def test_the_score_function_is_unbiased(samples: int) -> None:
    """The mean over all samples that may be drawn is the gradient of the expected loss."""
    logits = [arg.log().requires_grad_() for arg in drawn(2, ())]
    costs = torch.randn(N, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    weight = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)  # of the loss itself

    def losses(values: torch.Tensor) -> torch.Tensor:
        return (weight * costs[values]) ** 2

    args = [logit.softmax(-1) for logit in logits]
    exact = (soft(args) * losses(torch.arange(N))).sum()
    wanted = torch.autograd.grad(exact, [*logits, weight])
    total = [torch.zeros_like(part) for part in wanted]
    value = 0.0
    for pairs in itertools.product(itertools.product(range(N), repeat=2), repeat=samples):
        args = [logit.softmax(-1) for logit in logits]
        found = sampled(args, run, N, torch.tensor(pairs))
        chance = found.scores.detach().sum().exp()
        loss = score_function(losses(found.values), found.scores)
        value += float(chance * loss.detach())
        parts = torch.autograd.grad(loss, [*logits, weight])
        total = [a + chance * b for a, b in zip(total, parts, strict=True)]
    assert abs(value - float(exact.detach())) < 1e-12
    torch.testing.assert_close(total, list(wanted))


def test_samples_have_the_chances_of_the_arguments() -> None:
    args = drawn(2, (2,))
    args[1] = args[1][:1].expand(2, N)
    places = draw([args[0], args[1][:1]], 20_000, torch.Generator().manual_seed(0))
    assert places.shape == (20_000, 2, 2)
    for k, arg in enumerate(args):
        counted = torch.nn.functional.one_hot(places[..., k], N).double().mean(0)
        torch.testing.assert_close(counted, arg, rtol=0, atol=0.015)


def test_straight_through() -> None:
    args = [arg.requires_grad_() for arg in drawn(2)]
    z = straight_through(args, run, soft, N, 20_000, torch.Generator().manual_seed(0))
    torch.testing.assert_close(z, soft(args), rtol=0, atol=0.015)
    ours, exact = (torch.autograd.grad(out[:, 1].sum(), args) for out in (z, soft(args)))
    torch.testing.assert_close(ours, exact)
    once = straight_through(args, run, soft, N, 1, torch.Generator().manual_seed(0))
    assert sorted(once.detach()[0].tolist()) == [0, 0, 0, 0, 1]


# ---- which way


def test_the_choice() -> None:
    small, large, memory = choose(128, 2), choose(128, 4), choose(16, 40)
    assert (small.mode, large.mode, memory.mode) == ("joint", "top-k", "sampled")
    assert "16,384 tuples" in small.why
    assert "128^4 entries" in large.why
    assert choose(16, 40, soft=False).mode == "top-k"
    assert choose(128, 2, limit=1000).mode == "top-k"


def test_all_ways_agree_on_certain_arguments() -> None:
    args = [torch.eye(N)[:, None], torch.eye(N)]
    for mode in ("joint", "top-k", "marginal", "sampled"):
        call = Call(N, 2, values=lambda: TABLE, run=run, soft=soft, mode=mode, tuples=1)
        assert call.mode == mode
        inputs = torch.broadcast_tensors(*args)
        z = call(inputs).distribution
        assert torch.equal(z.argmax(-1), torch.from_numpy(TABLE)), mode
        torch.testing.assert_close(z.max(-1).values, torch.ones(N, N))


def test_operands_that_are_one_variable() -> None:
    (x,) = drawn(1)
    wanted = torch.zeros_like(x)
    for v in range(N):
        wanted[:, TABLE[v, v]] += x[:, v]
    exact = Call(N, 2, values=lambda: TABLE, variables=(0, 0))
    torch.testing.assert_close(exact([x]).distribution, wanted)
    few = Call(N, 2, run=run, variables=(0, 0), mode="top-k")
    torch.testing.assert_close(few([x]).distribution, wanted)
    many = Call(N, 2, run=run, soft=soft, variables=(0, 0), mode="sampled", samples=20_000)
    torch.testing.assert_close(many([x]).distribution, wanted, rtol=0, atol=0.015)


def test_the_table_is_made_only_where_it_is_needed() -> None:
    def never() -> Array:
        raise AssertionError("a table was made")

    call = Call(1000, 3, values=never, run=run)
    assert call.mode == "top-k"
    assert "1000^3" in repr(call)


def test_samples_depend_on_the_seed() -> None:
    args = drawn(2, (20,))
    first, again, other = (
        Call(N, 2, run=run, soft=soft, mode="sampled", seed=seed)(args).distribution
        for seed in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_mistakes() -> None:
    with pytest.raises(DataError, match="needs what was not given"):
        Call(N, 2, run=run)
    with pytest.raises(DataError, match="1 arguments for 2 variables"):
        Call(N, 2, values=lambda: TABLE)(drawn(1))
    with pytest.raises(DataError, match="tuples to run"):
        top(drawn(2), run, N, 0)
    with pytest.raises(DataError, match=r"range\(3\)"):
        top(drawn(2), run, 3, 20)
    with pytest.raises(DataError, match="at least one"):
        draw(drawn(1), 0, torch.Generator())
