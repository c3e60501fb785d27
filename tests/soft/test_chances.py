"""Chances are multiplied and added where they are small, and what is whole already stays whole."""

from __future__ import annotations

import pytest
import torch

from neuralc.backends.soft import terms
from neuralc.backends.soft.graph import Node
from neuralc.backends.soft.lower import lower
from neuralc.backends.soft.module import Precision
from neuralc.ir.nodes import Program
from tests.soft.models import model, results
from tests.soft.test_numerics import ram

WRITES = """
size = 6
turns = 3
place = Input(size)[turns]
new = Input(size)
start = Input(size)[size]
end = Output(size)[size]
last = Output(size)
what = Param(4)[turns]
done = Input(2)
stop = Input(2)[turns]
cell = Var(size)[turns + 1, size]
halted = Var(2)[turns + 1]
line = Var(size)[turns + 1]

halted[0].set_to(done)
line[0].set_to(new)
for c in range(size):
    cell[0, c].set_to(start[c])
for t in range(turns):
    if halted[t] == 1:
        halted[t + 1].set_to(1)
        line[t + 1].set_to(line[t])
        for c in range(size):
            cell[t + 1, c].set_to(cell[t, c])
    else:
        halted[t + 1].set_to(stop[t])
        if what[t] == 2:
            line[t + 1].set_to(new)
            with place[t] as p:
                for c in range(size):
                    if c == p:
                        cell[t + 1, c].set_to(new)
                    else:
                        cell[t + 1, c].set_to(cell[t, c])
        else:
            with line[t] as l:
                line[t + 1].set_to(start[l])
            for c in range(size):
                cell[t + 1, c].set_to(cell[t, c])
for c in range(size):
    end[c].set_to(cell[turns, c])
last.set_to(line[turns])
"""


def nodes(program: Program, op: str, *dims: int) -> list[Node]:
    """Return the operations of a kind whose results have these dimensions behind P and B."""
    return [n for n in lower(program).graph.nodes if n.op == op and n.dims[2:] == dims]


@pytest.mark.parametrize("precision", ["linear", "log"])
def test_small_first_means_the_same(precision: Precision, monkeypatch: pytest.MonkeyPatch) -> None:
    program = model(WRITES).program
    found, count = results(program, precision), len(nodes(program, "mul", 6))
    monkeypatch.setattr(terms, "_opened", lambda _, part: [part])
    assert len(nodes(program, "mul", 6)) > count
    for one, two in zip(found, results(program, precision), strict=True):
        torch.testing.assert_close(one, two, rtol=1e-12, atol=1e-12)


def test_what_a_write_leaves_is_one_product_and_one_sum() -> None:
    """`(1 - halted) * (other instructions + WRITE * other cells) + halted`, for each cell."""
    turns = 10
    program = ram(8, 3, turns)
    assert len(nodes(program, "plus", 8)) <= turns
    assert len(nodes(program, "mul", 8)) <= 2 * turns


def test_a_line_that_is_known_is_one_arm() -> None:
    """Three arms of the next line, not one more for each turn that may have been the last."""
    assert max(len(node.args) for node in nodes(ram(8, 3, 10), "share", 8)) <= 8
