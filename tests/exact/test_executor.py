"""The exact execution gives what the interpreter gives, on programs built by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neuralc.backends.exact import Executor, Site, declines, sites, source
from neuralc.errors import DataError, Declined
from neuralc.ir.examples import Examples, bind
from neuralc.ir.nodes import (
    Body,
    Call,
    Case,
    Decl,
    Fixed,
    For,
    Gate,
    If,
    Int,
    Network,
    Num,
    Observe,
    Op,
    Program,
    Real,
    Set,
    Switch,
    Sym,
)
from neuralc.source import Source, Span
from tests.exact.reference import check, interpreted
from tests.exact.turing import candidates, loop, put, ref, table, turing


def program(decls: tuple[Decl, ...], *body: Any, **rest: Any) -> Program:
    parts: dict[str, Any] = {"tables": (), "networks": (), "fixed": (), **rest}
    return Program("small", decls, body=body, **parts)


IMAGES = Decl("images", "input", Real((4, 4)), (2, 2))
MASKS = Decl("masks", "input", Real((4,)))
DIGIT = Network("DIGIT", (Real((4, 4)),), Int(5))
PAIR = Network("PAIR", (Int(3), Real((4, 4)), Int(2), Real((4,))), Int(7))


def with_networks() -> Program:
    """Look at images that a gate chooses, and at an image together with numbers."""
    pick = ref("images", "i", 1)
    return program(
        (IMAGES, MASKS, Decl("which", "param", Int(2)), Decl("n", "input", Int(3)),
         Decl("a", "output", Int(5)), Decl("b", "output", Int(9), (2,))),
        Gate("i", 2, ref("which"), (put(ref("a"), Call("DIGIT", (pick,))),)),
        loop("k", 2, put(ref("b", "k"),
                         Call("PAIR", (ref("n"), ref("images", 0, "k"), Sym("k"), ref("masks"))))),
        networks=(DIGIT, PAIR),
    )  # fmt: skip


def with_arithmetic() -> Program:
    """Apply tables of every structure, nested."""
    functions: dict[str, Any] = {
        "ADD": lambda a, b: (a + b) % 5, "SUB": lambda a, b: (a - b) % 5,
        "OFF": lambda a, b: (b - a + 3) % 5, "SHIFT": lambda a, b: (a + b * b) % 5,
        "MIN": min, "MAX": max, "EQ": lambda a, b: int(a == b), "NE": lambda a, b: int(a != b),
        "LT": lambda a, b: int(a < b), "GE": lambda a, b: 3 * int(a >= b), "LEFT": lambda a, b: a,
        "INC": lambda a, b: (b + 1) % 5, "DEC": lambda a, b: (a - 1) % 5, "TWO": lambda a, b: 2,
        "NEG": lambda a, b: 4 - a, "HALF": lambda a, b: a // 2, "ODD": lambda a, b: a * b % 4,
    }  # fmt: skip
    names = list(functions)
    x, y = ref("x"), ref("p")
    body: list[Any] = [put(ref("out", k), Call(n, (x, y))) for k, n in enumerate(names)]
    body += [
        put(ref("deep", k), Call(n, (Call(n, (y, Num(k % 5))), Call("ADD", (x, ref("out", k))))))
        for k, n in enumerate(names)
    ]
    count = len(names)
    return program(
        (Decl("x", "input", Int(5)), Decl("p", "param", Int(5)),
         Decl("out", "output", Int(5), (count,)), Decl("deep", "output", Int(5), (count,))),
        *body,
        tables=tuple(table(n, (5, 5), 5, f) for n, f in functions.items()),
    )  # fmt: skip


def with_statics() -> Program:
    """Use every operator of static expressions, loops that run backwards, static choices."""
    i, j = Sym("i"), Sym("j")
    forms = [
        Op("%", (Op("+", (i, j, Num(1))), Num(7))), Op("//", (Op("-", (i, Num(9))), Num(-2))),
        Op("*", (Op("-", (Num(5), i)), Num(2))), Op("**", (Num(2), i)), Op("min", (i, j, Num(2))),
        Op("max", (i, j)), Op("ifelse", (Op("<", (i, j)), i, j)), Op("==", (i, j)),
        Op("and", (i, Op("not", (j,)))), Op("or", (Op(">=", (i, j)), j, Num(0))),
        Op("-", (Op("-", (i,)), Num(-30))), Op("-", (Num(30), Op("-", (i, j)))), Op("max", (j,)),
        Op("-", (Num(20), i, j)), Op("**", (Op("-", (Num(-1),)), Op("*", (i, Num(2))))),
        Op("%", (Op("-", (i, Num(7))), Num(4))), Op("!=", (Op(">", (i, j)), Num(1))),
        Op("<=", (Op("*", (i, j)), Num(3))),
        Op("ifelse", (j, Op("//", (Num(6), j)), Num(0))),
    ]  # fmt: skip
    sets = tuple(put(ref("out", k, "i", "j"), form) for k, form in enumerate(forms))
    later = Op("+", (i, Num(1)))
    chain = If(Op("==", (i, Num(3))), (put(ref("walk", i), ref("x")),),
               (put(ref("walk", i), Call("INC", (ref("walk", later),))),))  # fmt: skip
    return program(
        (Decl("x", "input", Int(5)), Decl("out", "output", Int(99), (len(forms), 4, 5)),
         Decl("walk", "output", Int(5), (4,)), Decl("g", "param", Int(5))),
        Gate("j", 5, ref("g"), (loop("i", 4, *sets),)),
        For("i", Num(3), Num(-1), -1, (chain,)),
        tables=(table("INC", (5,), 5, lambda a: (a + 1) % 5),),
    )  # fmt: skip


def with_odd_names() -> Program:
    """Use names that mean something in Python or in the kernel; one variable bound again inside."""
    inner = (put(ref("é", "np"), ref("ok", "np")), loop("np", 2, put(ref("k", "np"), Sym("np"))))
    return program(
        (Decl("ok", "input", Int(3), (3,)), Decl("é", "output", Int(3), (3,)),
         Decl("k", "output", Int(3), (2,)), Decl("job", "var", Int(300), (3,)),
         Decl("lambda", "output", Int(300)), Decl("e", "var", Int(3)), Decl("_x", "param", Int(3)),
         Decl("start", "output", Int(70000), (2,))),
        loop("np", 2, put(ref("é", "np"), ref("ok", "np"))),
        Gate("np", 3, ref("_x"), (put(ref("job", "np"), Num(299)),
             put(ref("e"), ref("ok", "np")), put(ref("lambda"), ref("job", "np")))),
        Gate("np", 3, ref("e"), (put(ref("start", 0), Num(69999)), loop("np", 2, *inner[1:]))),
    )  # fmt: skip


def with_observations() -> Program:
    """Observe inside a switch, and choices of their own numbers of values, two of them fixed."""
    many = Case((0, 2, 4, 5), (Observe(ref("b", 0), 1), put(ref("c"), ref("a", 2))))
    run = Case((6, 7, 8), (put(ref("c"), Num(1)),))
    one = Case((1, 3), (Observe(ref("a", 1), 1), put(ref("c"), ref("a", 1))))
    return program(
        (Decl("a", "param", Int(4), (3,), limits=(2, 3, 4)), Decl("b", "param", Int(2), (1,)),
         Decl("x", "input", Int(9)), Decl("c", "output", Int(4)), Decl("d", "output", Int(4))),
        Switch(ref("x"), 9, (many, run, one)),
        Switch(ref("a", 0), 2, (Case((0,), ()), Case((1,), (put(ref("d"), ref("c")),)))),
        fixed=(Fixed("b", (0,), 1), Fixed("a", (2,), 3)),
    )  # fmt: skip


MODELS = [with_networks, with_arithmetic, with_statics, with_odd_names, with_observations, turing]


@pytest.mark.parametrize("make", MODELS)
@pytest.mark.parametrize("seed", range(4))
def test_plain_python_equals_the_interpreter(make: Any, seed: int) -> None:
    check(make(), jit=False, seed=seed, pairs=(4, 5))


@pytest.mark.parametrize("make", MODELS)
def test_compiled_equals_the_interpreter(make: Any) -> None:
    check(make(), jit=True, seed=9, pairs=(6, 7))


def test_many_jobs_are_shared_among_threads() -> None:
    machine, rng = turing(steps=5), np.random.default_rng(1)
    params, inputs = candidates(machine, 1500, rng), {"initial_tape": rng.integers(0, 3, (9, 5))}
    one = Executor(machine, threads=1)
    two = Executor(machine, threads=3)
    alone, shared = one.run(params, inputs), two.run(params, inputs)
    for name in alone:
        np.testing.assert_array_equal(alone[name], shared[name])
    some = {name: array[::300] for name, array in params.items()}
    for name, array in interpreted(machine, some, inputs)[0].items():
        np.testing.assert_array_equal(array, alone[name][::300])


def test_a_program_without_inputs_and_choices_runs_once() -> None:
    small = program((Decl("o", "output", Int(3)),), put(ref("o"), Num(2)))
    executor = Executor(small, jit=False)
    assert executor.run({}, {})["o"].tolist() == [[2]]
    assert executor.score({}, Examples({}, {"o": np.array([2, 1, -1])}, 3)).tolist() == [
        [True, False, True]
    ]


def test_no_programs_or_no_examples_is_fine() -> None:
    machine, rng = turing(), np.random.default_rng(0)
    executor = Executor(machine, jit=False)
    nobody = executor.run(candidates(machine, 0, rng), {"initial_tape": np.zeros((2, 5), int)})
    assert nobody["final_tape"].shape == (0, 2, 5)
    assert executor.score(candidates(machine, 2, rng), bind(machine, [])).shape == (2, 0)


def test_fixed_choices_override_and_may_be_left_out() -> None:
    model = with_observations()
    executor = Executor(model, jit=False)
    a = np.array([[1, 2, 0]])
    assert executor.run({"a": a}, {"x": np.array([0])})["c"].tolist() == [[3]]
    assert a[0, 2] == 0, "what the caller gave is left alone"


def test_unset_outputs_never_score() -> None:
    model = with_observations()
    executor = Executor(model, jit=False)
    params = {"a": np.array([[0, 1, 3]])}
    targets = {"c": np.array([1]), "d": np.array([0])}
    assert not executor.score(params, Examples({"x": np.array([7])}, targets, 1)).any()
    targets["d"][:] = -1
    assert executor.score(params, Examples({"x": np.array([7])}, targets, 1)).all()


def test_sites_are_networks_with_their_arrays() -> None:
    assert sites(with_networks()) == (Site("DIGIT", ("images",)), Site("PAIR", ("images", "masks")))
    assert sites(with_networks())[1].shape(with_networks()) == (2, 2, 3, 2)


def test_real_valued_variables_are_declined_with_all_reasons() -> None:
    embed = Network("EMBED", (Real((4, 4)),), Real((8,)))
    read = Network("READ", (Real((8,)),), Int(5))
    model = program(
        (IMAGES, Decl("v", "var", Real((8,))), Decl("o", "output", Int(5))),
        Set(ref("v"), Call("EMBED", (ref("images", 0, 0),))),
        Set(ref("o"), Call("READ", (ref("v"),))),
        networks=(embed, read),
    )
    assert declines(model) == [
        "var v is a Tensor(8), not a whole number",
        "network EMBED gives a Tensor(8), not a class",
        "network READ takes v, which is not an input",
    ]
    with pytest.raises(Declined, match="READ takes v"):
        Executor(model)
    assert declines(with_networks()) == []


def test_too_deep_a_nest_is_declined_not_a_syntax_error() -> None:
    body: Any = put(ref("o"), Num(1))
    for depth in range(18):
        body = loop(f"i{depth}", 1, body)
    fits = program((Decl("o", "output", Int(3)),), body)
    assert Executor(fits, jit=False).run({}, {})["o"].tolist() == [[1]]
    assert declines(program(fits.decls, loop("j", 1, body))) != []
    arms = put(ref("o"), Num(1))
    x = ref("x")
    for _ in range(90):
        arms = Switch(x, 2, (Case((0,), (arms,)), Case((1,), (put(ref("o"), Num(2)),))))  # type: ignore[assignment]
    fits = program((Decl("x", "input", Int(2)), Decl("o", "output", Int(3))), arms)
    assert Executor(fits, jit=False).run({}, {"x": np.array([0, 1])})["o"].tolist() == [[1, 2]]


def test_targets_out_of_range_never_score() -> None:
    small = program((Decl("o", "output", Int(3)),), put(ref("o"), Num(2)))
    targets = Examples({}, {"o": np.array([2 + 2**16, 2 - 2**16, 2, -(2**16)])}, 4)
    assert Executor(small, jit=False).score({}, targets)[0].tolist() == [False, True, True, True]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"write": np.full((2, 3, 3), 3)}, r"write\[0\]: found .*wanted 0\.\.2"),
        ({"write": np.zeros((2, 3, 4), int)}, r"write: found shape \(2, 3, 4\)"),
        ({"dir": np.zeros((3, 3, 3), int)}, r"dir: found shape \(3, 3, 3\), wanted \(2, 3, 3\)"),
        ({"dir": np.zeros((2, 3, 3))}, "dir: found float64, wanted integers"),
        ({"rite": np.zeros((2, 3, 3), int)}, "no param of turing: rite"),
        ({"dir": None}, "param dir is missing"),
    ],
)
def test_wrong_choices_are_refused(change: dict[str, Any], words: str) -> None:
    machine = turing()
    params: dict[str, Any] = {**candidates(machine, 2, np.random.default_rng(0)), **change}
    params = {name: array for name, array in params.items() if array is not None}
    with pytest.raises(DataError, match=words):
        Executor(machine, jit=False).run(params, {"initial_tape": np.zeros((1, 5), int)})


def test_choices_beyond_their_own_limit_are_refused() -> None:
    executor = Executor(with_observations(), jit=False)
    with pytest.raises(DataError, match=r"a\[1\]: found \[1, 3, 3\], wanted 0\.\.\[1, 2, 3\]"):
        executor.run({"a": np.array([[1, 2, 3], [1, 3, 3]])}, {"x": np.array([0])})


def test_read_only_arrays_are_accepted() -> None:
    machine = turing()
    params = candidates(machine, 2, np.random.default_rng(0))
    tape = np.zeros((1, 5), np.uint8)
    tape.flags.writeable = False
    assert Executor(machine).run(params, {"initial_tape": tape})["final_tape"].shape == (2, 1, 5)


def test_the_text_is_readable_and_says_where_it_comes_from() -> None:
    text = Source("m.py", 'o = Output(3)\no.set_to(2)  # """ \\ \x0c end\n')
    body: Body = (Set(ref("o"), Num(2), span=Span(text, 14, 25)),)
    model = program((Decl("o", "output", Int(3)),), *body)
    assert '        # line 2: o.set_to(2) # """ \\ end\n        o = 2\n' in source(model)
    machine = source(turing())
    assert "tmpActiveCell[" not in machine, "an array that nobody reads is not stored"
    assert "move_values" in machine
    assert "%" not in machine


def test_nothing_but_identifiers_and_comments_of_a_model_reaches_the_text() -> None:
    evil = "x = 1\n    raise SystemExit"
    out = Decl(evil, "output", Int(3), (2,))
    model = Program(evil, (out,), (), (), (), (loop(evil, 2, put(ref(evil, evil), Num(1))),))
    assert Executor(model, jit=False).run({}, {})[evil].tolist() == [[[1, 1]]]
