"""The distribution of results equals a sum over all programs and operands, one by one."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest
import torch
from torch import Tensor

from neuralc.nn.language.calling import Calls
from neuralc.nn.language.computer import Called, Computer, Sites, find_sites
from neuralc.nn.language.reading import Reader, Reading
from neuralc.nn.language.router import Router, Routing
from neuralc.nn.language.tokenizer import standard_numbers
from neuralc.nn.library.library import RoutineLibrary
from tests.nn.language.small import FUNCTIONS, N, doubling, library, pairs, ternary

HIDDEN, WORD = 6, 20
TEXTS = [[WORD, 7, WORD, 11, WORD, 7], [WORD, 0, 4, 5, 6, WORD], [WORD] * 6]
SOME = torch.tensor([[False, True, False, True, False, True]] * 3)  # where chains have their calls
Picked = tuple[int, tuple[tuple[str, int], ...]]  # a program, and where its operands come from


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


def read(texts: list[list[int]] = TEXTS) -> Reading:
    return Reader(standard_numbers(N), 32, N)(torch.tensor(texts))


def call(made: Computer, callers: Tensor | None = None, begin: int = 0) -> Called:
    hidden = torch.randn(3, 6, HIDDEN, generator=torch.Generator().manual_seed(2))
    callers = torch.ones(3, 6, dtype=torch.bool) if callers is None else callers
    return made.call(made.router(hidden), read(), callers, begin)


def places(sites: Sites) -> list[tuple[int, int]]:
    return list(zip(sites.example.tolist(), sites.position.tolist(), strict=True))


def listed(row: Tensor) -> list[tuple[int, float]]:
    return [(k, p) for k, p in enumerate(row.tolist()) if p > 0]


class Worlds:
    """All that sites can choose, one by one: a site has chosen once, whoever uses its result."""

    def __init__(self, made: Computer, called: Called) -> None:
        self.names, self.arities = made.calls.names, made.calls.arities
        self.sites, self.routing, self.pointed = called.sites, called.routing, called.pointed

    def picks(self, site: int, steps: int) -> Iterator[tuple[float, Picked]]:
        """Go through programs and operands; with one step left, an operand is a number."""
        routing = self.routing
        for program, p in listed(routing.selection[site]):
            choices = []
            for k in range(self.arities[program]):
                choices.append([(("number", s), q) for s, q in listed(routing.operands[site, k])])
                if steps > 1:
                    earlier = listed(routing.earlier[site, k])
                    choices[-1] += [(("call", c), q) for c, q in earlier]
            for picked in product(*choices):
                chance = p
                for _, q in picked:
                    chance *= q
                yield chance, (program, tuple(source for source, _ in picked))

    def run(
        self, site: int, steps: int, known: dict[int, Picked]
    ) -> Iterator[tuple[float, int, dict[int, Picked]]]:
        """Go through what a site gives, where so many calls may depend on each other."""
        if site not in known:
            for chance, picked in self.picks(site, steps):
                for more, value, then in self.run(site, steps, known | {site: picked}):
                    yield chance * more, value, then
            return
        program, sources = known[site]
        for chance, values, then in self.values(site, steps, sources, known):
            yield chance, FUNCTIONS[self.names[program]](*values), then

    def values(
        self, site: int, steps: int, sources: tuple[tuple[str, int], ...],
        known: dict[int, Picked],
    ) -> Iterator[tuple[float, tuple[int, ...], dict[int, Picked]]]:  # fmt: skip
        if not sources:
            yield 1.0, (), known
            return
        (kind, k), example = sources[0], int(self.sites.example[site])
        found: Any
        if kind == "number":
            found = [(1.0, int(self.sites.values[example, k]) if self.pointed else k, known)]
        else:
            earlier = int(self.sites.calls[example, k])
            found = self.run(earlier, steps - 1, known) if steps > 1 else []
        for chance, value, then in found:
            for more, rest, after in self.values(site, steps, sources[1:], then):
                yield chance * more, (value, *rest), after

    def result(self, site: int, steps: int) -> list[float]:
        total = [0.0] * N
        for chance, value, _ in self.run(site, steps, {}):
            total[value] += chance
        return total


def compare(made: Computer, called: Called) -> None:
    worlds = Worlds(made, called)
    assert called.result is not None
    for site in range(0, len(called.sites.example), 2 if made.steps == 1 else 1):
        wanted = worlds.result(site, made.steps)
        assert called.result[site].tolist() == pytest.approx(wanted, abs=2e-6)
        write = called.routing.write[site].item()
        assert called.written()[site].tolist() == pytest.approx(
            [write * p for p in wanted], abs=2e-6
        )


@pytest.mark.parametrize("parse", ["point", "decode"])
def test_all_calls_one_by_one(parse: Any) -> None:
    made = computer(library(), parse=parse)
    called = call(made)
    assert called.routing.earlier.shape[2] == 0
    compare(made, called)


@pytest.mark.parametrize("parse", ["point", "decode"])
def test_chains_of_two_calls_one_by_one(parse: Any) -> None:
    """What rests on a call that rests on another one is missing, not guessed."""
    made = computer(library(), parse=parse, steps=2)
    called = call(made, SOME)
    assert called.result is not None
    assert bool((called.routing.earlier[2::3, :, :2] > 0).all())  # the last calls of three
    mass = called.result.sum(1)
    assert torch.allclose(mass[:2], torch.ones(2))
    assert bool((mass[2::3] < 0.99).any())
    compare(made, called)


@pytest.mark.parametrize("parse", ["point", "decode"])
def test_chains_of_three_calls_one_by_one(parse: Any) -> None:
    made = computer(doubling(), parse=parse, steps=3)
    called = call(made, SOME)
    compare(made, called)
    assert called.result is not None
    assert torch.allclose(called.result[:3].sum(1), torch.ones(3))  # three calls: none is missing


@pytest.mark.parametrize("parse", ["point", "decode"])
def test_three_operands(parse: Any) -> None:
    made = computer(ternary(), parse=parse)
    compare(made, call(made))


def test_two_operands_that_are_the_same_earlier_result() -> None:
    """A difference of a result with itself is 0, however uncertain the result."""
    made = computer(library(), steps=2)
    called = call(made, SOME)
    sites, routing = called.sites, called.routing
    first = sites.position == 1
    selection, earlier = routing.selection.clone(), torch.zeros_like(routing.earlier)
    selection[~first] = 0
    selection[~first, made.calls.names.index("sub")] = 1
    earlier[~first, :, 0] = 1
    operands = torch.zeros_like(routing.operands)
    operands[first, :, :2] = 0.5
    routing = Routing(selection, operands, earlier, routing.write)
    found = made._run(sites, routing, sites.values[sites.example]).result
    assert found is not None
    there = found[sites.calls[sites.example, 0]].sum(1)[~first]
    assert float(found[0].detach().max()) < 0.9
    assert torch.allclose(there, torch.ones_like(there))
    assert torch.allclose(found[~first][:, 0], there, atol=1e-6)
    assert not found[~first][:, 1:].any()


def test_steps_that_cannot_be_exact_are_distributions() -> None:
    made = computer(ternary(), steps=3)
    called = call(made, SOME)
    assert called.result is not None
    somewhere = called.sites.there.any(1)
    assert somewhere[:3].all()
    assert torch.allclose(called.result[:3].sum(1), torch.ones(3), atol=1e-5)
    assert bool((called.result.sum(1) < 1 + 1e-5).all())
    assert bool((called.result >= 0).all())


@pytest.mark.parametrize(("programs", "equal"), [(pairs, True), (doubling, False)])
def test_marginal_calls(programs: Any, equal: bool) -> None:
    """Independent operands are what they assume; a register added to itself is not."""
    exact, soft = (computer(programs(), parse="decode", call=c) for c in ("joint", "marginal"))
    one, other = call(exact).result, call(soft).result
    assert one is not None
    assert other is not None
    assert torch.allclose(one, other, atol=1e-3) == equal
    assert torch.allclose(other.sum(1), torch.ones(len(other)), atol=1e-3)


@pytest.mark.parametrize("parse", ["point", "decode"])
def test_marginal_chains(parse: Any) -> None:
    """They differ only as far as both operands are the same earlier result."""
    exact, soft = (computer(pairs(), parse=parse, call=c, steps=2) for c in ("joint", "marginal"))
    one, other = call(exact, SOME), call(soft, SOME)
    assert one.result is not None
    assert other.result is not None
    assert torch.allclose(one.result.sum(1), other.result.sum(1), atol=1e-3)
    single = one.sites.calls[:, 1]  # they have one call before them: the same, or a number
    both = one.routing.earlier[single, 0, 0] * one.routing.earlier[single, 1, 0]
    gap = (one.result - other.result)[single].abs().sum(1)
    assert bool((gap <= 2 * both + 1e-3).all())


# ---- what may be chosen


@pytest.mark.parametrize("steps", [1, 3])
def test_choices(steps: int) -> None:
    made, router = computer(library(), steps=steps), Router(HIDDEN, 3, 2, width=4)
    called = call(made)
    sites, routing = called.sites, called.routing
    where = places(sites)
    assert where == [(e, p) for e in range(3) for p in range(6)]
    for site, (example, position) in enumerate(where):
        numbers = sites.numbers[example].tolist()
        for s, place in enumerate(numbers):
            may = 4 <= TEXTS[example][place] < 4 + N and place <= position
            assert bool((routing.operands[site, :, s] > 0).all()) == may
            assert bool((routing.operands[site, :, s] == 0).all()) == (not may)
        calls = sites.calls[example].tolist()
        assert [where[c] for c in calls] == [(example, p) for p in range(6)][: len(calls)]
        for c, earlier in enumerate(calls):
            may = where[earlier][1] < position
            assert bool((routing.earlier[site, :, c] > 0).all()) == may
            assert bool((routing.earlier[site, :, c] == 0).all()) == (not may)
    assert routing.earlier.shape == (18, 2, 6 if steps > 1 else 0)
    total = routing.operands.sum(-1) + routing.earlier.sum(-1)
    something = sites.there.any(1) | sites.earlier.any(1)
    assert torch.allclose(total, something.float()[:, None].expand(-1, 2))
    assert torch.allclose(routing.selection.sum(-1), torch.ones(len(where)))
    assert bool(((routing.write > 0) & (routing.write < 1)).all())
    assert router.part(router(torch.zeros(1, HIDDEN)), "write").tolist() == [[-1.0]]


def test_calls_of_a_text_that_has_fewer_than_others() -> None:
    """What fills the rows up is no call of another text."""
    callers = SOME.clone()
    callers[1, :4] = False
    called = call(computer(library(), steps=2), callers)
    sites = called.sites
    assert places(sites) == [(0, 1), (0, 3), (0, 5), (1, 5), (2, 1), (2, 3), (2, 5)]
    assert sites.earlier.int().tolist() == [
        [0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 0, 0], [0, 0, 0], [1, 0, 0], [1, 1, 0],
    ]  # fmt: skip
    assert not called.routing.earlier[3].any()
    assert sites.calls[0].tolist() == [0, 1, 2]
    assert sites.calls[1, 0] == 3
    assert sites.calls[2].tolist() == [4, 5, 6]


@pytest.mark.parametrize("steps", [1, 2])
def test_a_text_without_numbers_calls_nothing(steps: int) -> None:
    made, reading = computer(library(), steps=steps), read([[WORD] * 4] * 3)
    features = torch.randn(3, 4, made.router.features, requires_grad=True)
    called = made.call(features, reading, torch.ones(3, 4, dtype=torch.bool), 0)
    assert called.sites.numbers.shape == (3, 0)
    assert len(called.sites.example) == 12
    assert not called.written().any()
    hidden = torch.randn(3, 4, HIDDEN)
    assert torch.equal(made.returned(hidden, called, 0), hidden)
    called.written().sum().backward()
    assert features.grad is not None
    assert bool(features.grad.isfinite().all())


@pytest.mark.parametrize("parse", ["point", "decode"])
@pytest.mark.parametrize("steps", [1, 3])
@pytest.mark.parametrize("kind", ["joint", "marginal"])
def test_nobody_calls(parse: Any, steps: int, kind: str) -> None:
    made = computer(library(), parse=parse, steps=steps, call=kind)
    features = torch.randn(3, 6, made.router.features, requires_grad=True)
    for begin in (0, 4):
        called = made.call(features, read(), torch.zeros(3, 6, dtype=torch.bool), begin)
        assert called.written().shape == (0, N)
        hidden = torch.randn(3, 6 - begin, HIDDEN)
        returned = made.returned(hidden, called, begin)
        assert torch.equal(returned, hidden)
        returned.sum().backward()


@pytest.mark.parametrize(
    ("parse", "steps"), [("point", 1), ("point", 2), ("point", 3), ("decode", 2)]
)
def test_gradients(parse: Any, steps: int) -> None:
    made, reading = computer(library(), parse=parse, steps=steps), read()
    shape = (3, 6, made.router.features)
    features = torch.randn(*shape, dtype=torch.float64, requires_grad=True)

    def written(x: Tensor) -> Tensor:
        return made.call(x, reading, SOME, 0).written()

    assert torch.autograd.gradcheck(written, features, fast_mode=True, atol=1e-4)


def test_gradients_of_uncertain_numbers_are_finite() -> None:
    made = computer(library(), steps=2)
    features = (100 * torch.randn(3, 6, made.router.features)).requires_grad_()
    called = made.call(features, read(), torch.ones(3, 6, dtype=torch.bool), 0)
    called.written().clamp_min(1e-30).log().sum().backward()
    assert features.grad is not None
    assert bool(features.grad.isfinite().all())


def test_callers_and_begin() -> None:
    ids = torch.tensor(TEXTS)
    reading = read()
    sites = find_sites(reading, ids == 7, 0, False)
    assert places(sites) == [(0, 1), (0, 5)]
    late = find_sites(reading, torch.ones_like(ids, dtype=torch.bool), 5, False)
    assert late.position.tolist() == [5, 5, 5]
    assert late.there.sum(1).tolist() == [3, 3, 0]


@pytest.mark.parametrize("steps", [1, 3])
@pytest.mark.parametrize("begin", [2, 4, 5])
def test_the_calls_from_a_position_on(steps: int, begin: int) -> None:
    """Those before it are used, and not made again."""
    made = computer(library(), steps=steps)
    whole, late = call(made, SOME), call(made, SOME, begin)
    kept = whole.sites.position >= begin
    assert places(late.sites) == [place for place in places(whole.sites) if place[1] >= begin]
    assert torch.allclose(late.written(), whole.written()[kept], atol=1e-6)
    assert torch.equal(late.sites.there, whole.sites.there[kept])
    hidden = torch.randn(3, 6, HIDDEN)
    returned = made.returned(hidden, whole, 0)
    assert torch.allclose(made.returned(hidden[:, begin:], late, begin), returned[:, begin:])
    if steps > 1:
        assert torch.allclose(late.routing.earlier, whole.routing.earlier[kept])
        assert bool(late.routing.earlier[0].any())  # on calls before `begin`
