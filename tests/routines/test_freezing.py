"""What is frozen stays bit for bit what it was, whatever the optimiser does; the rest learns."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from neuralc.errors import NeuralcError
from neuralc.nn.library.frozen import MaskedWeights
from neuralc.nn.library.library import RoutineLibrary
from neuralc.nn.library.soft import SoftLibrary

STEPS = 1000
OPTIMISERS: dict[str, Callable[[object], torch.optim.Optimizer]] = {
    "adam with weight decay": lambda p: torch.optim.AdamW(p, lr=0.1, weight_decay=0.5),  # type: ignore[arg-type]
    "momentum": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.1),  # type: ignore[arg-type]
}
TEXT = """
routine grow a b
    add a b a
    call shrink
    ret a
routine shrink a
    dec a a
    ret a
"""


def machine() -> SoftLibrary:
    library = RoutineLibrary(4)
    library.add(TEXT)
    return library.machine(sharpness=3.0)


def trained(soft: SoftLibrary, optimiser: Callable[[object], torch.optim.Optimizer]) -> None:
    """Make steps with gradients of the right kind of loss at first, then with made up ones."""
    torch.manual_seed(0)
    steps = optimiser(list(soft.parameters()))
    hot = torch.eye(4)
    for step in range(STEPS):
        steps.zero_grad()
        if step < 3:
            run = soft("grow", [hot[[1, 2]], hot[[3, 3]]], max_steps=8)
            loss = -run.result[:, 0].log().mean()
        else:
            products = ((part() * torch.randn_like(part())).sum() for part in parts(soft))
            loss = sum(products, torch.tensor(0.0))
        if loss.requires_grad:
            loss.backward()
        for part in parts(soft):  # as if something else gave gradients
            if part.free.grad is None:
                part.free.grad = torch.ones_like(part.free)
        steps.step()


def parts(soft: SoftLibrary) -> list[MaskedWeights]:
    found = [part for part in soft.weights.values() if isinstance(part, MaskedWeights)]
    assert len(found) == 6
    return found


def values(soft: SoftLibrary) -> Tensor:
    return torch.cat([part().detach() for part in parts(soft)], -1).clone()


def moved(before: Tensor, after: Tensor) -> set[int]:
    """Return the lines of which any bit has changed."""
    rows = (before.view(torch.int32) != after.view(torch.int32)).any(-1)
    return set(rows.nonzero().flatten().tolist())


ADAM, MOMENTUM = OPTIMISERS


@pytest.mark.parametrize(
    ("name", "keep", "lines", "free"),
    [
        (ADAM, (), None, set()),
        (ADAM, ("shrink",), None, {5, 6}),
        (MOMENTUM, ("shrink",), None, {5, 6}),
        (MOMENTUM, (), range(1, 5), {0, *range(5, 64)}),
        (ADAM, (), [5], {*range(5), *range(6, 64)}),
    ],
    ids=["all", "all but one", "all but one, momentum", "lines, momentum", "a line"],
)
def test_frozen_lines_are_the_same_bits(
    name: str, keep: tuple[str, ...], lines: range | list[int] | None, free: set[int]
) -> None:
    soft = machine()
    before = values(soft)
    soft.freeze(keep=keep, lines=lines)
    assert moved(before, values(soft)) == set()
    trained(soft, OPTIMISERS[name])
    assert moved(before, values(soft)) == free
    now = values(soft)
    soft.freeze()  # what was learned stays
    assert moved(now, values(soft)) == set()


def test_single_elements() -> None:
    """The mask is element by element, also in the last axis."""
    part = MaskedWeights(torch.arange(6.0).reshape(2, 3))
    mask = torch.tensor([[True, False, True], [False, False, True]])
    part.freeze(mask)
    before = part().detach().clone()
    steps = torch.optim.AdamW(part.parameters(), lr=0.1, weight_decay=0.3)
    for _ in range(STEPS):
        steps.zero_grad()
        part().square().sum().backward()
        steps.step()
    assert torch.equal(part() == before, mask)
    assert part.free.grad is not None
    assert (part.free.grad[mask] == 0).all()


def test_what_is_frozen_is_saved_and_loaded() -> None:
    soft, other = machine(), machine()
    soft.freeze(keep=["shrink"])
    with torch.no_grad():
        for part in parts(soft):
            part.free.add_(1.0)
    other.load_state_dict(soft.state_dict())
    assert moved(values(soft), values(other)) == set()
    assert all(torch.equal(a.mask, b.mask) for a, b in zip(parts(soft), parts(other), strict=True))


def test_a_frozen_library_lets_gradients_through() -> None:
    soft = machine().freeze()
    logits = nn.Parameter(torch.zeros(1, 4))
    run = soft("grow", [logits.softmax(-1), torch.eye(4)[[0]]], max_steps=8)
    run.result[0, 2].backward()
    assert logits.grad is not None
    assert logits.grad.abs().max() > 0


def test_wrong_names_and_lines() -> None:
    soft = machine()
    with pytest.raises(NeuralcError, match="there is no routine 'x'"):
        soft.freeze(keep=["x"])
    with pytest.raises(NeuralcError, match="the lines are 0 … 63"):
        soft.freeze(lines=[64])


def test_entries_are_a_distribution() -> None:
    """A choice between two routines that take as long is the mixture of their results."""
    library = RoutineLibrary.standard(8)
    soft = library.machine("max", "add").double().requires_grad_(requires_grad=False)
    a, b = torch.rand(2, 3, 8, dtype=torch.float64).softmax(-1)
    chances = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.25, 0.75]], dtype=torch.float64)
    found = soft(chances, [a, b])
    assert soft.entries == ("max", "add")
    assert found.ended[:, 1].min() > 1 - 1e-5
    first, second = library["max"].soft([a, b]), library["add"].soft([a, b])
    wanted = chances[:, :1] * first + chances[:, 1:] * second
    torch.testing.assert_close(found.result, wanted, atol=1e-9, rtol=0)
