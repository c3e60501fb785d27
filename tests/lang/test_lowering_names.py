"""What models become: names, macros, Params of several kinds, places in the text."""

from __future__ import annotations

from neuralc.ir.algebras import Integers
from neuralc.ir.evaluate import evaluate
from neuralc.ir.nodes import For, Gate, If, walk
from neuralc.lang.model import parse
from neuralc.source import Source
from tests.lang.models import given, kinds, model, run


def test_names_are_replaced_by_what_they_stand_for() -> None:
    text = """
        K = 2
        tape = Var(4)[3 * K + 1]
        tape[0].set_to(1)
        t = 0
        for l in range(3):
            t = l * K
            here = tape[t]
            for i in range(K):
                t = l * K + i
                old = tape[t]
                tape[t + 1].set_to(old)
        out = Output(4)
        cells = tape
        out.set_to(cells[3 * K])
        """
    assert run(text)["out", ()] == 1
    assert kinds(model(text).program).count("For") == 2


def test_a_constant_carried_through_a_loop_unrolls_it() -> None:
    text = """
        out = Output(20)[4]
        t = 1
        for i in range(4):
            out[i].set_to(t)
            t = 2 * t + 1
        """
    found = run(text)
    assert [found["out", (i,)] for i in range(4)] == [1, 3, 7, 15]
    assert "For" not in kinds(model(text).program)


def test_choices_of_constants() -> None:
    text = """
        n = 3
        if n > 2:
            m = 5
            y = Output(m)
            y.set_to(m - 1)
        else:
            y = Output(2)
            y.set_to(nonsense)
        z = Output(9)[4]
        for i in range(4):
            if i > 1:
                k = i
            else:
                k = 5
            z[i].set_to(k + 1)
        """
    found = run(text)
    assert found["y", ()] == 4
    assert [found["z", (i,)] for i in range(4)] == [6, 6, 3, 4]


def test_static_values() -> None:
    text = """
        x = Input(4)
        out = Output(4)
        with x as ip:
            out.set_to((ip + 1) % 4)
        """
    assert [run(text, x=x)["out", ()] for x in range(4)] == [1, 2, 3, 0]


def test_macros() -> None:
    text = """
        limit = 3

        @Runtime([4], 4)
        def INC(a): return (a + 1) % 4

        @Inline()
        def STEP(instruction, source, k, target, arg):
            shifted = k + 1
            if instruction == 0:
                target.set_to(source[k])
            elif instruction == 1:
                target.set_to(source[shifted])
            elif instruction == 2:
                target.set_to(arg)
            else:
                with arg as i:
                    target.set_to(source[i])

        p = Param(4)[2]
        data = Input(4)[4]
        out = Output(4)[2]
        for t in range(2):
            result = out[t]
            STEP(p[t], data, t, result, INC(data[t]))
        """
    data = [2, 0, 3, 1]
    for p in range(4):
        found = run(text, p=[p, p], data=data)
        for t in range(2):
            arg = (data[t] + 1) % 4
            assert found["out", (t,)] == [data[t], data[t + 1], arg, data[arg]][p]


def test_params_of_different_sizes() -> None:
    text = """
        n = 3
        for i in range(n):
            extra = 1
            p[i] = Param(i + extra)
        reg = Var(2)[n + 1]
        reg[0].set_to(1)
        for i in range(n):
            with p[i] as r:
                reg[i + 1].set_to(reg[r])
        """
    program = model(text).program
    assert program.decl["p"].limits == (1, 2, 3)
    gates = [s for s in walk(program.body) if isinstance(s, Gate)]
    assert [gate.size for gate in gates] == [1, 2, 3]
    assert evaluate(program, given(program, p=[0, 1, 2]), Integers())["reg", (3,)] == 1


def test_params_without_elements() -> None:
    program = model(
        """
        n = 0
        for i in range(n):
            p[i] = Param(i + 1)
        choice = Param(n)
        out = Output(2)
        out.set_to(0)
        for i in range(n):
            with p[i] as r:
                out.set_to(r)
        """
    )
    assert program.program.decl["p"].shape == (0,)
    assert "choice" not in program.program.decl
    assert "has size 0" in program.warnings[0]


def test_fixed_params_and_observations() -> None:
    program = model(
        """
        p = Param(3)[2, 2]
        x = Output(3)[2]
        for i in range(2):
            for j in range(i + 1):
                p[i, j].set_to_constant(i + j)
        x[0].set_to(p[0, 0])
        x[1].set_to(p[0, 1])
        for i in range(2):
            x[i].observe_value(i)
        """
    ).program
    fixed = {(f.name, f.index): f.value for f in program.fixed}
    assert fixed == {("p", (0, 0)): 0, ("p", (1, 0)): 1, ("p", (1, 1)): 2}
    found = evaluate(program, given(program, p=[[0, 2], [0, 0]]), Integers())
    assert found["observe 0", (0,)] == 0
    assert found["observe 1", (1,)] == 2


def test_the_listing_is_kept_as_it_is() -> None:
    parsed = model(
        'p = Param(2)\n\n@Listing()\ndef show():\n    for i in range(2):\n        line(f"{p}")\n'
    )
    assert parsed.listing is not None
    assert [type(s).__name__ for s in parsed.listing] == ["For"]


def test_spans_point_into_the_text() -> None:
    text = 'x = Input(2)\n# "ß"\ny = Output(2); y.set_to(x)\nfor i in range(2):\n    pass\n'
    program = parse(Source("a.model", text)).program
    (statement,) = program.body
    assert statement.span is not None
    assert statement.span.text == "y.set_to(x)"
    assert statement.span.line == 3
    assert statement.value.span.text == "x"  # type: ignore[union-attr]


def test_loops_and_static_choices_are_kept() -> None:
    program = model(
        """
        x = Var(2)[5]
        for t in range(4, -1, -2):
            x[t].set_to(0)
        for t in range(1, 5, 2):
            if t > 2:
                x[t].set_to(1)
            else:
                x[t].set_to(0)
        """
    ).program
    first, second = program.body
    assert isinstance(first, For)
    assert isinstance(second, For)
    assert first.step == -2
    assert isinstance(second.body[0], If)
