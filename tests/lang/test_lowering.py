"""What model texts mean: small models, run by the interpreter on whole numbers."""

from __future__ import annotations

import random
import textwrap
from itertools import product

import numpy as np
import pytest

from neuralc.ir.algebras import Distributions, Integers
from neuralc.ir.evaluate import evaluate
from neuralc.ir.nodes import Gate, Int, Real, Switch, walk
from tests.lang.models import INCREMENT, errors_of, given, kinds, model, run


def test_declarations() -> None:
    program = model(
        """
        from dummy import Hyper, Param
        n = Hyper()
        m = (2 * n + 1) // 2 if n > 2 else max(n, 7, 2 ** 3)
        p = Param(m)[n, 2]
        images = InputTensor(3, 28, 28)[n]
        out = Output(2)
        hidden = Var(Tensor(64))[n]
        @Learn([Tensor(3, 28, 28)], Tensor(64), hid_sizes=[n, 16], net="cnn")
        def LOOK(image): pass
        @Learn([Tensor(64), 5], 2)
        def SAY(features, number): ...
        for i in range(n):
            hidden[i].set_to(LOOK(images[i]))
        out.set_to(SAY(hidden[0], 4))
        """,
        n=3,
    ).program
    assert program.hypers == (("n", 3),)
    assert program.decl["p"].type == Int(3)
    assert program.decl["p"].shape == (3, 2)
    assert program.decl["images"].kind == "input"
    assert program.decl["hidden"].type == Real((64,))
    look, say = program.network["LOOK"], program.network["SAY"]
    assert (look.inputs, look.output) == ((Real((3, 28, 28)),), Real((64,)))
    assert (look.hidden, look.body) == ((3, 16), "cnn")
    assert (say.inputs, say.output, say.body) == ((Real((64,)), Int(5)), Int(2), "mlp")


def test_a_declaration_may_come_after_its_use() -> None:
    assert run("y.set_to(x)\nx = Input(3)\ny = Output(3)\n", x=2)["y", ()] == 2


def test_division_of_constants_is_floor_division_with_a_warning() -> None:
    parsed = model("n = 7 / 2\nx = Output(n)\nx.set_to(n - 1)\n")
    assert parsed.program.decl["x"].type == Int(3)
    assert parsed.warnings == (
        "test.model:1:5: `/` is read as the floor division `//`, as in Python 2",
    )


def test_python_values_of_and_and_or() -> None:
    program = model("a = 3 and 4\nb = 0 or 5\nx = Var(a)\ny = Var(b)\nz = Var(2 + (not 0))").program
    assert [d.type for d in program.decls] == [Int(4), Int(5), Int(3)]


def test_an_index_that_is_a_value_opens_a_gate() -> None:
    text = """
        a = Input(4)[4]
        x = Input(3)
        direct = Output(4)
        shifted = Output(4)
        twice = Output(4)
        direct.set_to(a[x])
        shifted.set_to(a[x + 1])
        here = a[x]
        twice.set_to(a[here])
        """
    for x in range(3):
        a = [1, 3, 0, 2]
        found = run(text, a=a, x=x)
        assert found["direct", ()] == a[x]
        assert found["shifted", ()] == a[x + 1]
        assert found["twice", ()] == a[a[x]]
    assert kinds(model(text).program) == ["Gate", "Set", "Gate", "Set", "Gate", "Gate", "Set"]


def test_a_gate_on_a_call_and_several_gates() -> None:
    text = INCREMENT + textwrap.dedent(
        """
        a = Input(4)[4, 4]
        x = Input(4)
        y = Output(4)
        with INC(x) as i, x as j:
            y.set_to(a[i, j])
        """
    )
    a = np.arange(16).reshape(4, 4) % 4
    for x in range(4):
        assert run(text, a=a, x=x)["y", ()] == a[(x + 1) % 4, x]


def test_an_inner_gate_may_reuse_a_name() -> None:
    text = """
        a = Input(3)
        b = Input(3)
        out = Output(9)
        with a as r:
            k = 3 * r
            with b as r:
                out.set_to(k + r)
        """
    for a, b in product(range(3), repeat=2):
        assert run(text, a=a, b=b)["out", ()] == 3 * a + b
    gates = [s for s in walk(model(text).program.body) if isinstance(s, Gate)]
    assert [gate.var for gate in gates] == ["r", "r_2"]


def test_a_chain_on_one_value_is_one_switch() -> None:
    program = model(
        """
        x = Input(5)
        out = Output(4)
        if x == 0: out.set_to(0)
        elif 3 == x: out.set_to(1)
        elif x in (1, 4): out.set_to(2)
        else: out.set_to(3)
        """
    ).program
    (switch,) = program.body
    assert isinstance(switch, Switch)
    assert [case.values for case in switch.cases] == [(0,), (1, 4), (2,), (3,)]


def test_a_value_compared_with_a_loop_variable_is_a_gate() -> None:
    text = """
        x = Input(3)
        hot = Output(2)[3]
        for r in range(3):
            if x == r:
                hot[r].set_to(1)
            else:
                hot[r].set_to(0)
        """
    assert kinds(model(text).program) == ["For", "Gate", "If", "Set", "Set"]
    for x in range(3):
        found = run(text, x=x)
        assert [found["hot", (r,)] for r in range(3)] == [int(r == x) for r in range(3)]


def random_condition(rng: random.Random, depth: int) -> str:
    if depth and rng.random() < 0.5:
        a, b = random_condition(rng, depth - 1), random_condition(rng, depth - 1)
        return rng.choice([f"({a} and {b})", f"({a} or {b})", f"(not {a})"])
    kind = rng.randrange(5)
    value = rng.choice(["x", "x", "y"])
    if kind == 0:
        return f"{value} in ({rng.randrange(4)}, {rng.randrange(4)})"
    if kind == 1:
        return f"{rng.randrange(3)} <= {value} < {rng.randrange(5)}"
    other = rng.choice(["n", "r", "r", "r + 1", str(rng.randrange(4))])
    if kind == 2:
        return f"r {rng.choice(['==', '<'])} {rng.randrange(3)}"
    return f"{value} {rng.choice(['==', '!=', '<', '>=', '>', '<='])} {other}"


@pytest.mark.parametrize("seed", range(60))
def test_chains_of_conditions_mean_what_they_mean_in_python(seed: int) -> None:
    rng = random.Random(seed)
    conditions = [random_condition(rng, 2) for _ in range(rng.randrange(1, 4))]
    rows = ["n = 2", "x = Input(4)", "y = Input(3)", "out = Output(5)[3]", "for r in range(3):"]
    for k, condition in enumerate(conditions):
        rows += [f"    {'elif' if k else 'if'} {condition}:", f"        out[r].set_to({k})"]
    rows += ["    else:", "        out[r].set_to(4)"]
    text = "\n".join(rows) + "\n"
    unreachable = errors_of(text)
    if unreachable:
        assert set(unreachable) == {"E112"}
        return
    program = model(text).program
    for x, y in product(range(4), range(3)):
        found = evaluate(program, given(program, x=x, y=y), Integers())
        for r in range(3):
            names = {"x": x, "y": y, "r": r, "n": 2}
            holds = [eval(c, {}, names) for c in conditions]  # ours, not the user's
            wanted = holds.index(True) if True in holds else 4
            assert found["out", (r,)] == wanted, (conditions, names)


def test_no_value_is_tested_twice_on_a_path() -> None:
    program = model(
        """
        x = Input(3)
        y = Input(2)
        out = Output(4)
        if x == 0: out.set_to(0)
        elif y == 1: out.set_to(1)
        elif x == 1: out.set_to(2)
        else: out.set_to(3)
        """
    ).program
    p, q = np.array([0.2, 0.3, 0.5]), np.array([0.6, 0.4])
    soft = evaluate(program, {("x", ()): p, ("y", ()): q}, Distributions())
    wanted = [0.2, 0.8 * 0.4, 0.6 * 0.3, 0.6 * 0.5]
    np.testing.assert_allclose(soft["out", ()], wanted)
