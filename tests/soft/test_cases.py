"""Small programs that went wrong once, or that random programs reach too seldom."""

from __future__ import annotations

import pytest

from neuralc.backends.soft.module import Precision
from neuralc.ir.check import check
from neuralc.ir.text import read
from tests.random_models import random_distributions
from tests.soft.reference import compare

CASES = {
    # The selector of the gate is known once the loops are: no range of elements is set.
    "set at a value that two loops decide": """
        program "p"
        input x: 3
        var v: 3[2, 2, 2]
        output out: 3[2, 2]
        table f(2, 2) -> 2 = 0 1 1 0

        for i in range(0, 2, 1):
            for j in range(0, 2, 1):
                with f(i, j) as g of 2:
                    v[i, j, g] = x
                    out[i, j] = v[i, j, g]
    """,
    "set at a value that one loop decides": """
        program "p"
        input x: 3
        input y: 3[2]
        var v: 3[2, 2]
        output out: 3[2]
        table turn(2) -> 2 = 1 0

        for i in range(0, 2, 1):
            with turn(i) as g of 2:
                v[i, g] = y[i]
                out[i] = v[i, 1 - i]
    """,
    "set on a diagonal": """
        program "p"
        input y: 3[3]
        var v: 3[3, 3]
        output out: 3[3]

        for i in range(0, 3, 1):
            v[i, i] = y[2 - i]
        for i in range(0, 3, 1):
            out[i] = v[i, i]
    """,
    "a loop backwards": """
        program "p"
        input x: 4
        var v: 4[4]
        output out: 4[4]
        table inc(4) -> 4 = 1 2 3 0

        v[3] = x
        for i in range(2, -1, -1):
            v[i] = inc(v[i + 1])
        for i in range(0, 4, 1):
            out[i] = v[3 - i]
    """,
    "every second element": """
        program "p"
        input x: 3[6]
        var v: 3[6]
        output out: 3[3]

        for i in range(0, 6, 2):
            v[i] = x[i + 1]
            v[i + 1] = x[i]
        for i in range(0, 3, 1):
            out[i] = v[(2 * i) + 1]
    """,
    "a gate inside a gate over the same value": """
        program "p"
        param p: 3
        input x: 3[3, 3]
        output out: 3

        with p as i of 3:
            with p as j of 3:
                out = x[i, j]
    """,
    "a mask on two loops": """
        program "p"
        input x: 3[3]
        input y: 3[3]
        output out: 3[3, 3]

        for i in range(0, 3, 1):
            for j in range(0, 3, 1):
                if i == j:
                    out[i, j] = x[i]
                else:
                    out[i, j] = y[j]
    """,
    "a memory that is written at a gate": """
        program "p"
        input at: 4
        input new: 3
        input old: 3[4]
        output out: 3[4]

        with at as g of 4:
            for i in range(0, 4, 1):
                if i == g:
                    out[i] = new
                else:
                    out[i] = old[i]
    """,
    "an output that nothing decides": """
        program "p"
        input x: 2
        output out: 3[2, 2]

        for i in range(0, 2, 1):
            for j in range(0, 2, 1):
                out[i, j] = i + j
    """,
    "an observation in every turn": """
        program "p"
        input x: 3[2]
        param p: 3
        output out: 3

        for i in range(0, 2, 1):
            observe x[i] = 1
        observe p = 2
        out = p
    """,
    "a choice with fewer values in one element": """
        program "p"
        param p: 4[3] limits 2 4 3
        input x: 2[2]
        input y: 4[4]
        output out: 4[3]

        with p[0] as g of 2:
            out[0] = x[g]
        for i in range(1, 3, 1):
            with p[i] as g of 4:
                out[i] = y[g]
    """,
    "a selector that is computed": """
        program "p"
        input x: 3
        param p: 3
        output out: 3
        table f(3, 3) -> 4 = 0 1 2 3 0 1 2 3 0

        switch f(x, p) of 4:
            case 0, 3:
                out = x
            case 1:
                out = p
            case 2:
                out = 2
    """,
}  # fmt: skip


@pytest.mark.parametrize("precision", ["linear", "log"])
@pytest.mark.parametrize("name", CASES)
def test_case(name: str, precision: Precision) -> None:
    lines = [line[8:] for line in CASES[name].strip("\n").split("\n")]
    program = read("\n".join(lines).rstrip() + "\n")
    if "set at" not in name and "diagonal" not in name:
        assert check(program) == []
    drawn = [random_distributions(program, seed) for seed in range(4)]
    params = {decl.name for decl in program.of("param")}
    choices = [{e: v for e, v in one.items() if e[0] in params} for one in drawn[:2]]
    examples = [{e: v for e, v in one.items() if e[0] not in params} for one in drawn[2:]]
    compare(program, choices, examples, precision)
