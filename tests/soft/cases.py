"""Small programs that went wrong once, or that random programs reach too seldom."""

from __future__ import annotations

from textwrap import dedent

from neuralc.ir.nodes import Program
from neuralc.ir.text import read


def program_of(name: str) -> Program:
    """Return one of the programs."""
    return read(dedent(CASES[name]).strip() + "\n")


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
    "set on a diagonal that a gate decides": """
        program "p"
        input y: 3[3]
        var v: 3[3, 3]
        output out: 3[3]
        table same(3) -> 3 = 0 1 2

        for i in range(0, 3, 1):
            with same(i) as g of 3:
                v[i, g] = y[2 - i]
                out[i] = v[i, i]
    """,
    "an output that is a part of another one": """
        program "p"
        input x: 3[3]
        param p: 3[3]
        output whole: 3[3, 3]
        output part: 3[3]
        output one: 3
        table f(3, 3) -> 3 = 0 2 1 1 1 0 2 0 2

        for i in range(0, 3, 1):
            for j in range(0, 3, 1):
                whole[i, j] = f(x[i], p[j])
        for i in range(0, 3, 1):
            part[i] = whole[i, i]
        one = whole[2, 1]
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
    "a choice on a gate, read inside the gate": """
        program "p"
        param p: 3
        input x: 3
        input y: 3[3]
        var v: 3[3]
        output out: 3
        table f(3, 3) -> 3 = 0 2 1 1 1 0 2 0 2

        with p as g of 3:
            if g == 1:
                v[0] = x
            else:
                v[0] = y[g]
            out = f(v[0], f(v[0], y[g]))
    """,
    "a choice on the middle of a gate, read inside the gate": """
        program "p"
        param p: 4
        input x: 3[4]
        input y: 3[4]
        var v: 3
        output out: 3
        table f(3, 3) -> 3 = 0 2 1 1 1 0 2 0 2

        with p as g of 4:
            if (g == 1) or (g == 2):
                v = x[g]
            else:
                v = y[g]
            out = f(v, f(v, y[3 - g]))
    """,
    "a choice on a gate between numbers, read inside the gate": """
        program "p"
        param p: 4
        input y: 4[4]
        var v: 4
        output out: 4
        table f(4, 4) -> 4 = 0 2 1 3 1 1 0 2 3 2 0 2 1 0 0 3

        with p as g of 4:
            if g < 2:
                v = g + 1
            else:
                v = 3 - g
            out = f(v, y[g])
    """,
    "a choice on two gates, read inside them": """
        program "p"
        param p: 3
        param q: 3
        input x: 3[3]
        input y: 3[3]
        var v: 3
        output out: 3
        table f(3, 3) -> 3 = 0 2 1 1 1 0 2 0 2

        with p as g of 3:
            with q as h of 3:
                if (g == h) or (h == 2):
                    v = x[g]
                else:
                    v = y[h]
                out = f(v, x[h])
    """,
    "branches that set elements together and one by one": """
        program "p"
        param p: 2
        input x: 3[3]
        input y: 3
        var v: 3[3]
        output out: 3[3]

        switch p of 2:
            case 0:
                for i in range(0, 3, 1):
                    v[i] = x[2 - i]
            case 1:
                v[0] = y
                v[1] = x[1]
                v[2] = 1
        for i in range(0, 3, 1):
            out[i] = v[i]
    """,
    "branches that set rows and columns": """
        program "p"
        param p: 2
        input x: 3[2, 3]
        input y: 3[3]
        var v: 3[2, 3]
        output out: 3[2, 3]

        switch p of 2:
            case 0:
                for i in range(0, 2, 1):
                    v[i, 0] = x[i, 0]
                    v[i, 1] = x[i, 2]
                    v[i, 2] = x[1 - i, 1]
            case 1:
                for j in range(0, 3, 1):
                    v[0, j] = y[j]
                    v[1, j] = y[2 - j]
        for i in range(0, 2, 1):
            for j in range(0, 3, 1):
                out[i, j] = v[i, j]
    """,
    "the same function in every branch": """
        program "p"
        param p: 3
        input x: 4
        input y: 4
        output out: 4
        table f(4, 4) -> 4 = 0 1 2 3 1 2 3 0 2 3 0 1 3 0 1 2
        table g(4, 4) -> 4 = 0 0 0 0 0 1 1 1 0 1 2 2 0 1 2 3
        table h(4, 4) -> 4 = 3 1 0 2 1 2 2 0 0 3 0 1 3 2 1 0

        switch p of 3:
            case 0:
                out = f(x, y)
            case 1:
                out = g(x, y)
            case 2:
                out = h(x, y)
    """,
    "the same function of swapped values": """
        program "p"
        param p: 3
        input x: 3
        input y: 3
        output out: 3
        table f(3, 3) -> 3 = 0 2 1 1 1 0 2 0 2

        switch p of 3:
            case 0:
                out = f(x, y)
            case 1:
                out = f(y, x)
            case 2:
                out = f(x, x)
    """,
    "an observation of a turned array": """
        program "p"
        param p: 3[2, 3]
        input x: 3[2]
        var v: 3[3, 2]
        output out: 3[3, 2]
        table f(3, 3) -> 3 = 0 2 1 1 1 0 2 0 2
        for j in range(0, 3, 1):
            for i in range(0, 2, 1):
                v[j, i] = f(p[1 - i, j], x[i])
        for j in range(0, 3, 1):
            for i in range(0, 2, 1):
                out[j, i] = f(v[2 - j, i], v[j, 1 - i])
        observe v[1, 1] = 2
    """,
    "an element that is not there in every turn": """
        program "p"
        input x: 4[3]
        input y: 4
        output out: 4[3]
        for i in range(0, 3, 1):
            if i < 2:
                out[i] = x[i + 1]
            else:
                out[i] = y
    """,
    "an element that is not there for every value": """
        program "p"
        param p: 3
        input x: 4[3]
        input y: 4
        output out: 4
        with p as g of 3:
            if g > 0:
                out = x[g - 1]
            else:
                out = y
    """,
    "an element that is not there for every pair of values": """
        program "p"
        param p: 3
        param q: 3
        input x: 4[3]
        input y: 4[3]
        output out: 4

        with p as g of 3:
            with q as h of 3:
                if g < h:
                    out = x[g + 1]
                else:
                    out = y[g - h]
    """,
    "a number that is in range only where it is used": """
        program "p"
        param p: 4
        input x: 3
        output out: 3[2]

        with p as g of 4:
            if g < 3:
                out[0] = g
            else:
                out[0] = x
        out[1] = 2
    """,
}  # fmt: skip
