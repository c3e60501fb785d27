"""The distribution of results equals a sum over all programs and operands, one by one."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import pytest
import torch
from torch import Tensor

from neuralc.nn.language.calling import Calls
from neuralc.nn.language.computer import Called, Computer, Sites, find_sites
from neuralc.nn.language.reading import Reader
from neuralc.nn.language.router import Router, Routing
from neuralc.nn.language.tokenizer import standard_numbers
from neuralc.nn.library.library import RoutineLibrary
from tests.nn.language.small import FUNCTIONS, N, doubling, library, pairs, ternary

HIDDEN, WORD = 6, 20
TEXTS = [[WORD, 7, WORD, 11, WORD, 7], [WORD, 0, 4, 5, 6, WORD], [WORD] * 6]


def computer(programs: RoutineLibrary, **options: Any) -> Computer:
    torch.manual_seed(1)
    options = {"steps": 1, "parse": "point", "residual": True, "width": 4, "digits": False,
               "call": "joint"} | options  # fmt: skip
    calls = Calls(programs, N, options.pop("call"))
    made = Computer(calls, HIDDEN, max(calls.arities), **options)
    with torch.no_grad():
        for weights in made.parameters():
            weights += 0.7 * torch.randn_like(weights)
    return made


def sites_of(texts: list[list[int]] = TEXTS) -> Sites:
    ids = torch.tensor(texts)
    reading = Reader(standard_numbers(N), 32, N)(ids)
    return find_sites(reading, torch.ones_like(ids, dtype=torch.bool), 0)


def call(made: Computer, sites: Sites, dtype: torch.dtype = torch.float32) -> Called:
    hidden = torch.randn(3, 6, HIDDEN, generator=torch.Generator().manual_seed(2))
    return made.call(made.router(hidden).to(dtype), sites)


def listed(row: Tensor) -> list[tuple[int, float]]:
    return [(k, p) for k, p in enumerate(row.tolist()) if p > 0]


def enumerated(
    routing: Routing,
    site: int,
    values: Sequence[int],
    names: Sequence[str],
    operands: Sequence[int],
) -> list[list[float]]:
    """Return the distribution of each step's result: all worlds, with what they have computed."""
    worlds: list[tuple[float, tuple[int, ...]]] = [(1.0, ())]
    found = []
    for step in range(routing.write.shape[1]):
        after = []
        for chance, before in worlds:
            for program, p in listed(routing.selection[site, step]):
                choices = []
                for k in range(operands[program]):
                    known = [(values[s], q) for s, q in listed(routing.operands[site, step, k])]
                    known += [(before[j], q) for j, q in listed(routing.earlier[site, step, k])]
                    choices.append(known)
                for picked in product(*choices):
                    q = chance * p
                    for _, one in picked:
                        q *= one
                    result = FUNCTIONS[names[program]](*(v for v, _ in picked))
                    after.append((q, (*before, result)))
        worlds = after
        found.append([sum(q for q, r in worlds if r[step] == v) for v in range(N)])
    return found


def compare(made: Computer, called: Called, sites: Sites) -> None:
    calls = made.calls
    for site in range(0, len(sites.example), 2):
        values = sites.values[sites.example[site]].tolist() if called.pointed else list(range(N))
        wanted = enumerated(called.routing, site, values, calls.names, calls.arities)
        for step, row in enumerate(wanted):
            assert called.results[step][site].tolist() == pytest.approx(row, abs=2e-6)
        weights = called.routing.write[site].tolist()
        total = [sum(w * row[v] for w, row in zip(weights, wanted, strict=True)) for v in range(N)]
        assert called.written()[site].tolist() == pytest.approx(total, abs=2e-6)


@pytest.mark.parametrize("steps", [1, 2])
@pytest.mark.parametrize("parse", ["point", "decode"])
def test_all_calls_one_by_one(parse: Any, steps: int) -> None:
    made, sites = computer(library(), parse=parse, steps=steps), sites_of()
    compare(made, call(made, sites), sites)


@pytest.mark.parametrize("parse", ["point", "decode"])
def test_three_operands(parse: Any) -> None:
    made, sites = computer(ternary(), parse=parse), sites_of()
    compare(made, call(made, sites), sites)


def test_two_operands_that_are_the_same_earlier_result() -> None:
    """A difference of a result with itself is 0, however uncertain the result."""
    made, sites = computer(library(), steps=2), sites_of()
    routing = call(made, sites).routing
    selection, earlier = torch.zeros_like(routing.selection), torch.zeros_like(routing.earlier)
    selection[:, 0] = routing.selection[:, 0]
    selection[:, 1, made.calls.names.index("sub")] = 1
    earlier[:, 1, :, 0] = 1
    operands = routing.operands.clone()
    operands[:, 1] = 0
    routing = Routing(selection, operands, earlier, routing.write)
    called = made._run(sites, routing, sites.values[sites.example])
    there = called.results[0].sum(1)
    assert float(called.results[0][3].detach().max()) < 0.9
    assert torch.allclose(called.results[1][:, 0], there, atol=1e-6)
    assert not called.results[1][:, 1:].any()


def test_steps_that_cannot_be_exact_are_distributions() -> None:
    made, sites = computer(ternary(), steps=3), sites_of()
    called = call(made, sites)
    somewhere = sites.there.any(1)
    assert somewhere.any()
    for result in called.results:
        assert torch.allclose(result.sum(1)[somewhere], torch.ones(int(somewhere.sum())), atol=1e-5)


@pytest.mark.parametrize(("programs", "equal"), [(pairs, True), (doubling, False)])
def test_marginal_calls(programs: Any, equal: bool) -> None:
    """Independent operands are what they assume; a register added to itself is not."""
    exact, soft = (computer(programs(), parse="decode", call=c) for c in ("joint", "marginal"))
    sites = sites_of()
    one, other = call(exact, sites).results[0], call(soft, sites).results[0]
    assert torch.allclose(one, other, atol=1e-3) == equal
    assert torch.allclose(other.sum(1), torch.ones(len(other)), atol=1e-3)


# ---- what may be chosen


def test_choices() -> None:
    sites, router = sites_of(), Router(HIDDEN, 3, 2, steps=3, width=4)
    made = computer(library(), steps=3)
    routing = call(made, sites).routing
    where = [(int(e), int(p)) for e, p in zip(sites.example, sites.position, strict=True)]
    for site, (example, position) in enumerate(where):
        numbers = sites.numbers[example].tolist()
        for s, place in enumerate(numbers):
            may = 4 <= TEXTS[example][place] < 4 + N and place <= position
            assert bool((routing.operands[site, :, :, s] > 0).all()) == may
            assert bool((routing.operands[site, :, :, s] == 0).all()) == (not may)
    total = routing.operands.sum(-1) + routing.earlier.sum(-1)
    assert torch.allclose(total[:, 1:], torch.ones_like(total[:, 1:]))
    assert torch.allclose(total[:, 0], sites.there.any(1).float()[:, None].expand(-1, 2))
    later = torch.ones(3, 3, dtype=torch.bool).triu()
    assert not routing.earlier.transpose(2, 3)[:, later].any()
    assert routing.earlier.transpose(2, 3)[:, ~later].all()
    assert torch.allclose(routing.selection.sum(-1), torch.ones(len(where), 3))
    assert bool((routing.write.sum(1) < 1).all())
    write = router(torch.zeros(1, HIDDEN))[0, sum(router.sizes[:3]) :][:3]
    assert write.tolist() == [-1.0] * 3  # before training: the results of three steps against none


def test_a_text_without_numbers_calls_nothing() -> None:
    made, sites = computer(library()), sites_of([[WORD] * 4] * 3)
    assert sites.numbers.shape == (3, 0)
    features = torch.randn(3, 4, made.router.features, requires_grad=True)
    called = made.call(features, sites)
    assert not called.written().any()
    hidden = torch.randn(3, 4, HIDDEN)
    assert torch.equal(made.returned(hidden, called, 0), hidden)
    called.written().sum().backward()
    assert features.grad is not None
    assert bool(features.grad.isfinite().all())


@pytest.mark.parametrize(("parse", "steps"), [("point", 1), ("point", 2), ("decode", 2)])
def test_gradients(parse: Any, steps: int) -> None:
    made, sites = computer(library(), parse=parse, steps=steps), sites_of()
    shape = (3, 6, made.router.features)
    features = torch.randn(*shape, dtype=torch.float64, requires_grad=True)

    def written(x: Tensor) -> Tensor:
        return made.call(x, sites).written()

    assert torch.autograd.gradcheck(written, features, fast_mode=True, atol=1e-4)


def test_gradients_of_uncertain_numbers_are_finite() -> None:
    made, sites = computer(library(), steps=2), sites_of()
    features = (100 * torch.randn(3, 6, made.router.features)).requires_grad_()
    (made.call(features, sites).written().clamp_min(1e-30).log().sum()).backward()
    assert features.grad is not None
    assert bool(features.grad.isfinite().all())


def test_callers_and_begin() -> None:
    ids = torch.tensor(TEXTS)
    reading = Reader(standard_numbers(N), 32, N)(ids)
    sites = find_sites(reading, ids == 7, 0)
    assert [(int(e), int(p)) for e, p in zip(sites.example, sites.position, strict=True)] == [
        (0, 1), (0, 5),
    ]  # fmt: skip
    late = find_sites(reading, torch.ones_like(ids, dtype=torch.bool), 5)
    assert late.position.tolist() == [5, 5, 5]
    assert late.there.sum(1).tolist() == [3, 3, 0]
