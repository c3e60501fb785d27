"""The Turing machine of the TerpreT paper, built by hand in the shape of the published model."""

from __future__ import annotations

from itertools import product

import numpy as np

from neuralc.ir.nodes import (
    Body,
    Call,
    Case,
    Decl,
    For,
    Gate,
    Int,
    Num,
    Op,
    Program,
    Ref,
    Set,
    Static,
    Switch,
    Sym,
    Table,
    Value,
)


def ref(name: str, *index: Static | int | str) -> Ref:
    """Return an element; numbers and names of loop variables stand for themselves."""
    parts = {int: Num, str: Sym}
    return Ref(name, tuple(parts.get(type(i), lambda x: x)(i) for i in index))  # type: ignore[operator]


def table(name: str, sizes: tuple[int, ...], size: int, function: object) -> Table:
    """Tabulate a function."""
    assert callable(function)
    return Table(name, sizes, size, tuple(function(*a) for a in product(*map(range, sizes))))


def put(target: Ref, value: Value) -> Set:
    return Set(target, value)


def loop(var: str, stop: int, *body: object) -> For:
    return For(var, Num(0), Num(stop), 1, body)  # type: ignore[arg-type]


def turing(cells: int = 5, steps: int = 6, symbols: int = 3, states: int = 3) -> Program:
    """Return the machine with `steps` configurations, the first one included."""
    m, t, p = Sym("m"), Sym("t"), Sym("p")
    later = Op("+", (t, Num(1)))
    choice = (states, symbols)
    decls = (
        Decl("initial_tape", "input", Int(symbols), (cells,)),
        Decl("final_is_halted", "output", Int(2)),
        Decl("final_tape", "output", Int(symbols), (cells,)),
        Decl("write", "param", Int(symbols), choice),
        Decl("dir", "param", Int(3), choice),
        Decl("newState", "param", Int(states), choice),
        Decl("tape", "var", Int(symbols), (steps, cells)),
        Decl("curPos", "var", Int(cells), (steps,)),
        Decl("curState", "var", Int(states), (steps,)),
        Decl("isHalted", "var", Int(2), (steps,)),
        Decl("tmpActiveCell", "var", Int(2), (steps - 1, cells)),
        Decl("tmpCurSymbol", "var", Int(symbols), (steps - 1,)),
    )
    tables = (
        table("move", (cells, 3), cells, lambda pos, d: (pos, pos + 1, pos - 1)[d] % cells),
        table("EqualityTest", (cells, cells), 2, lambda a, b: int(a == b)),
        table("EqualityTestState", (states, states), 2, lambda a, b: int(a == b)),
    )
    halted: Body = (
        loop("m", cells, put(ref("tape", later, m), ref("tape", t, m))),
        *(put(ref(x, later), ref(x, t)) for x in ("curState", "curPos", "isHalted")),
    )
    body: Body = (
        put(ref("curPos", 0), Num(0)),
        put(ref("curState", 0), Num(1)),
        put(ref("isHalted", 0), Num(0)),
        loop("p", cells, put(ref("tape", 0, p), ref("initial_tape", p))),
        loop(
            "t",
            steps - 1,
            Switch(
                ref("isHalted", t), 2, (Case((1,), halted), Case((0,), _step(cells, states, later)))
            ),
        ),
        put(ref("final_is_halted"), ref("isHalted", steps - 1)),
        loop("p", cells, put(ref("final_tape", p), ref("tape", steps - 1, p))),
    )
    return Program("turing", decls, tables, (), (), body)


def _step(cells: int, states: int, later: Static) -> Body:
    m, t, p = Sym("m"), Sym("t"), Sym("p")
    look = (
        put(ref("tmpCurSymbol", t), ref("write", "s", "tt")),
        put(ref("curPos", later), Call("move", (p, ref("dir", "s", "tt")))),
        put(ref("curState", later), ref("newState", "s", "tt")),
    )
    find = Gate(
        "s",
        states,
        ref("curState", t),
        (Gate("p", cells, ref("curPos", t), (Gate("tt", 3, ref("tape", t, p), look),)),),
    )
    arms = (
        Case((1,), (put(ref("tape", later, m), ref("tmpCurSymbol", t)),)),
        Case((0,), (put(ref("tape", later, m), ref("tape", t, m)),)),
    )
    return (
        find,
        put(ref("isHalted", later), Call("EqualityTestState", (Num(0), ref("curState", later)))),
        loop(
            "m",
            cells,
            put(ref("tmpActiveCell", t, m), Call("EqualityTest", (m, ref("curPos", t)))),
            Switch(ref("tmpActiveCell", t, m), 2, arms),
        ),
    )


def candidates(
    program: Program, count: int, rng: np.random.Generator
) -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.int64]]]:
    """Return random choices for every param, [count, *shape] each, within its limits."""
    found = {}
    for decl in program.of("param"):
        assert isinstance(decl.type, Int)
        limits = decl.type.size if decl.limits is None else np.reshape(decl.limits, decl.shape)
        found[decl.name] = rng.integers(0, limits, (count, *decl.shape))
    return found
