"""Lookups by one distribution are one lookup, and mean what they meant."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from neuralc.backends.soft import SoftModule, together
from neuralc.backends.soft.lower import lower
from neuralc.backends.soft.module import Precision
from neuralc.ir.nodes import Program
from tests.soft.models import model, results

LOOKUPS = """
size = 5
line = Input(size)
one = Param(3)[size]
two = Param(2)[size]
three = Param(size)[size]
start = Input(3)[2]
a = Output(3)
b = Output(2)
c = Output(size)
d = Output(3)

next_line = Var(size)
next_line.set_to(line)
with next_line as l:
    a.set_to(one[l])
    b.set_to(two[l])
    c.set_to(three[l])
with b as i:
    d.set_to(start[i])
"""


def products(program: Program) -> int:
    """Return how many products there are of what differs between examples."""
    nodes = lower(program).graph.nodes
    return sum(node.op == "einsum" and "B" in node.dims for node in nodes)


def test_one_product_for_three_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    program = model(LOOKUPS).program
    assert products(program) == 2  # the other one is of an input, which is no table of all
    monkeypatch.setattr(together, "ENTRIES", 0)
    assert products(program) == 4


@pytest.mark.parametrize("precision", ["linear", "log"])
def test_the_same_values(precision: Precision, monkeypatch: pytest.MonkeyPatch) -> None:
    program = model(LOOKUPS).program
    found = results(program, precision)
    monkeypatch.setattr(together, "ENTRIES", 0)
    for one, two in zip(found, results(program, precision), strict=True):
        torch.testing.assert_close(one, two, rtol=1e-12, atol=1e-12)


def test_large_tables_stay_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """The three tables have 5 * (3 + 2 + 5) entries."""
    program = model(LOOKUPS).program
    for most, count in ((50, 2), (49, 4)):
        monkeypatch.setattr(together, "ENTRIES", most)
        assert products(program) == count


def test_what_is_looked_up_is_what_the_line_says() -> None:
    program = model(LOOKUPS).program
    module = SoftModule(program)
    module.logits.data = 50 * torch.randn(module.logits.shape, generator=torch.manual_seed(0))
    known = {name: x.argmax(-1) for name, x in module.probabilities().items()}
    lines = np.arange(5)
    found = module({"line": lines, "start": np.zeros((5, 2), int)})
    for name, table in (("a", "one"), ("b", "two"), ("c", "three")):
        assert (found[name][0].argmax(-1) == known[table][0]).all()


PARTS = """
size = 5
line = Input(size)
code = Param(4)[size]
where = Param(size)[size]
x = Input(size)
y = Input(size)
op = Var(4)
at = Var(size)
z = Output(size)
w = Output(size)
@Runtime([size, size], size)
def Min(a, b): return min(a, b)
@Runtime([size, size], size)
def Max(a, b): return max(a, b)
@Runtime([size, size], size)
def Add(a, b): return (a + b) % size

with line as l:
    op.set_to(code[l])
    at.set_to(where[l])
if op == 0:
    z.set_to(Add(x, y))
elif op == 1:
    z.set_to(Min(x, y))
elif op == 2:
    z.set_to(Max(x, y))
else:
    z.set_to(0)
w.set_to(at)
"""


@pytest.mark.parametrize("precision", ["linear", "log"])
def test_columns_of_a_table_are_looked_up_once(
    precision: Precision, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The chances of a minimum and of a maximum are two of the four of `op`."""
    program = model(PARTS).program
    assert [n.dims[-2] for n in lower(program).graph.nodes if n.op == "join"] == [4 + 5]
    found = results(program, precision)
    monkeypatch.setattr(together, "ENTRIES", 0)
    for one, two in zip(found, results(program, precision), strict=True):
        torch.testing.assert_close(one, two, rtol=1e-12, atol=1e-12)
