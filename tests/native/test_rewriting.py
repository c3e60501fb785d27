"""Ways of writing the same sums that take less: strips, sliding factors, folded products, gradients
that are handed on, constants that are mostly zeros.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from neuralc.backends.native import llvm_columns, llvm_nest
from neuralc.backends.native.code import Band, Group
from neuralc.backends.native.folding import folded
from neuralc.backends.native.kernel import Variant, vectors
from neuralc.backends.native.llvm_columns import strips, width
from neuralc.backends.native.nests import Access, Nest, Table, statement
from neuralc.backends.native.plan import Item, Lanes, Plan
from neuralc.backends.native.views import Buffer, full
from neuralc.ir.nodes import Program
from neuralc.nn.turns import program as register_machine
from tests.native.same import both, check
from tests.soft.models import model

MEMORY = frozenset([0])
SUMS = """
size = {size}
@Runtime([size, size], size)
def Add(a, b): return (a + b) % size
@Runtime([size, size], size)
def Sub(a, b): return (a - b) % size
@Runtime([size, size], size)
def Max(a, b): return max(a, b)

x = Input(size)
y = Param(size)
which = Param(4)
z = Var(size)
again = Output(size)
twice = Output(size)
if which == 0:
    z.set_to(Add(x, y))
elif which == 1:
    z.set_to(Sub(x, y))
elif which == 2:
    z.set_to(Max(x, y))
else:
    z.set_to(1)
again.set_to(z)
twice.set_to(Add(z, z))
"""


def bands(program: Program) -> list[Band]:
    """Return the bands of a kernel for the loss about the memory of a register machine."""
    native = both(program)[1]
    variant = Variant("loss", vectors("double"), "B", native.params, 2**40, MEMORY)
    items = native.kernels.module(variant).plan.items["example"]
    groups = [item.instruction for item in items if isinstance(item.instruction, Group)]
    return [part for group in groups for part in group.parts if isinstance(part, Band)]


@pytest.mark.parametrize(("cells", "columns"), [(19, 5), (20, 5)])
def test_a_memory_is_written_by_strips(
    cells: int, columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where columns are left over, as of 19; and the numbers are those of rows."""
    program = register_machine(cells, 3, 4)
    found = [
        rows for band in bands(program) if (rows := strips(band.count, band.parts, band.strides))
    ]
    assert columns in {width(rows) for rows in found}
    rng = np.random.default_rng(0)
    cells_, wanted = rng.integers(0, cells, (2, 5, cells))
    given = {"initial_memory": cells_}, {"final_memory": torch.from_numpy(wanted)}
    check(program, 0, "B", monkeypatch, given)
    for name, value in (("KEPT", 1), ("CACHED", cells**2 - 1)):
        with monkeypatch.context() as patch:
            patch.setattr(llvm_columns, name, value)
            assert not any(strips(band.count, band.parts, band.strides) for band in bands(program))


def test_rows_with_sums_of_their_own_stay_rows() -> None:
    sums = [
        band for band in bands(register_machine(20, 3, 4))
        if any(not isinstance(part, Nest) or not part.free for part in band.parts)
    ]  # fmt: skip
    assert sums
    assert not any(strips(band.count, band.parts, band.strides) for band in sums)


@pytest.mark.parametrize("size", [7, 13, 23])
@pytest.mark.parametrize("lanes", ["P", "B"])
def test_sums_modulo_a_size(size: int, lanes: Lanes, monkeypatch: pytest.MonkeyPatch) -> None:
    """A factor slides past the other; what a loop of several steps leaves over is 3 of 23."""
    program = model(SUMS.format(size=size)).program
    check(program, 0, lanes, monkeypatch, soft=True)


def test_a_sliding_factor_is_loaded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    native = both(model(SUMS.format(size=23)).program)[1]

    def loads() -> int:
        variant = Variant("loss", vectors("double"), "B", native.params, 2**40)
        text = native.kernels.module(variant).text()
        parts = [part.split("\n}")[0] for part in text.split("; i < 23, j < 23: ")[1:]]
        return sum(part.count(" = load ") for part in parts)  # of these functions only

    several = loads()
    monkeypatch.setattr(llvm_nest, "STEPS", (1,))
    once = loads()
    assert several < 3 * once  # seven steps are written out, four at once and three behind them


def example(name: str, count: int) -> Buffer:
    """Return an array of examples."""
    return Buffer(name, count, True, "example")


def chain(between: Buffer | None = None) -> list[Item]:
    """Return products, perhaps something written in between, and their running sums."""
    x, q, made, out = (example(n, k) for n, k in (("x", 20), ("q", 2), ("made", 40), ("out", 20)))
    ones = np.tri(20)[None].repeat(2, 0)
    table = Buffer("constant", ones.size, False, "constant", ones)
    term = [(full(made, (2, 20)), ("i", "j")), (full(table, (2, 20, 20)), ("i", "k", "j"))]
    sums = statement((full(out, (20,)), ("k",)), [term], add=False)
    factors = (full(x, (20,)), ("j",)), (full(q, (2,)), ("i",))
    parts = [statement((full(made, (2, 20)), ("i", "j")), [factors], add=False), sums]
    if between is not None:
        named = {"x": x, "q": q}.get(between.name, between)
        target = Access(named, 0, (1,))
        parts.insert(1, Nest((named.count,), 1, target, False, ((Access(out, 0, (0,)),),)))
    return [Item(part, None, False) for part in parts]


def test_products_are_made_where_they_are_added_up() -> None:
    (one,) = folded(chain())
    assert isinstance(one.instruction, Table)
    assert [a.buffer.name for a in one.instruction.factors] == ["x", "q"]
    rng = np.random.default_rng(0)
    x, q = rng.normal(size=20), rng.normal(size=2)
    found = np.zeros(20)
    for own in one.instruction.chains:
        for length, result in own.results:
            found[result] += sum(x[i] * q[k] for i, k in map(own.at, range(length)))
    np.testing.assert_allclose(found, np.tri(20) @ x * q.sum(), atol=1e-12)


@pytest.mark.parametrize("name", ["x", "q"])
def test_products_of_what_is_overwritten_are_made_before(name: str) -> None:
    items = chain(example(name, 2))
    assert folded(items) == items


def test_products_that_others_look_at_are_made() -> None:
    items = chain(example("other", 3))
    assert len(folded(items)) == 2
    (products, _, sums) = items
    assert isinstance(products.instruction, Nest)
    reader = Nest((40,), 1, Access(example("copy", 40), 0, (1,)), False,
                  ((Access(products.instruction.out.buffer, 0, (1,)),),))  # fmt: skip
    assert len(folded([products, sums, replace(sums, instruction=reader)])) == 3


def test_a_constant_that_is_mostly_zeros_is_no_part_of_a_loop() -> None:
    """`z[i] = a[i] * p + 1 * q where i is 3`: one addition, not 40."""
    plan = Plan("B")
    hot = Buffer("constant", 40, False, "constant", np.eye(40)[3])
    a, p, q, z = (full(example(n, k), (k,)) for n, k in (("a", 40), ("p", 1), ("q", 1), ("z", 40)))
    terms = [[(a, ("i",)), (p, ("o",))], [(full(hot, (40,)), ("i",)), (q, ("o",))]]
    plan.set((z, ("i",)), *terms)
    first, second = (item.instruction for item in plan.items["before"])
    assert isinstance(first, Nest) and first.work == 40  # noqa: PT018
    assert isinstance(second, Table) and second.add and second.work == 1  # noqa: PT018


def test_a_gradient_is_handed_on_and_not_copied() -> None:
    """The sum of two lookups: one of their gradients is that of the sum itself."""
    native = both(model(SUMS.format(size=13)).program)[1]
    variant = Variant("loss", vectors("double"), "B", native.params, 2**40)
    items = native.kernels.plan(variant).items["example"]
    copies = [
        nest for item in items
        if item.back and isinstance(nest := item.instruction, Nest) and not nest.add
        and len(nest.factors) == 1 and nest.free == len(nest.sizes) and nest.out.buffer.count == 13
        and nest.factors[0].buffer.count == 13
    ]  # fmt: skip
    assert not copies
