"""Switches between known functions of the same values, fused into one function of all of them.

Random programs seldom have such switches; here every arm is one, a copy, a constant, or something
that cannot be fused.
"""

from __future__ import annotations

import random
from itertools import product

import pytest

from neuralc.backends.soft.module import Precision
from neuralc.ir.nodes import (
    Call,
    Case,
    Decl,
    Gate,
    Int,
    Num,
    Program,
    Ref,
    Set,
    Switch,
    Sym,
    Table,
    Value,
)
from tests.random_models import random_distributions
from tests.soft.reference import compare, module_of

SIZE = 3


def arm(rng: random.Random, tables: list[Table]) -> Value:
    """Return a random arm over `x`, `y`, `z`."""
    kind = rng.choice(["call", "call", "call", "copy", "constant", "nested"])
    names = [rng.choice("xyz") if rng.random() < 0.2 else rng.choice("xy") for _ in range(2)]
    if kind == "copy":
        return Ref(names[0])
    if kind == "constant":
        return Num(rng.randrange(SIZE))
    count = rng.choice([1, 2, 2])
    cells = tuple(rng.randrange(SIZE) for _ in product(range(SIZE), repeat=count))
    tables.append(Table(f"F{len(tables)}", (SIZE,) * count, SIZE, cells))
    args: tuple[Value, ...] = tuple(Ref(name) for name in names[:count])
    if kind == "nested":
        args = (Num(rng.randrange(SIZE)), *args[1:])
    return Call(tables[-1].name, args)


def random_switch(seed: int) -> Program:
    """Return a program with one switch of many arms, sometimes inside a gate."""
    rng = random.Random(seed)
    tables: list[Table] = []
    arms = rng.randint(3, 6)
    kind = rng.choice(["param", "input"])
    cases = tuple(Case((k,), (Set(Ref("out"), arm(rng, tables)),)) for k in range(arms))
    gated = rng.random() < 0.5
    selector = Ref("op", (Sym("g"),)) if gated else Ref("op", (Num(0),))
    switch = Switch(selector, arms, cases)
    body = (Gate("g", 2, Ref("which"), (switch,)),) if gated else (switch,)
    decls = (
        Decl("op", kind, Int(arms), (2,)),  # type: ignore[arg-type]
        Decl("which", rng.choice(["param", "input"]), Int(2)),  # type: ignore[arg-type]
        Decl("x", "input", Int(SIZE)),
        Decl("y", "param", Int(SIZE)),
        Decl("z", "input", Int(SIZE)),
        Decl("out", "output", Int(SIZE)),
    )
    return Program("switch", decls, tuple(tables), (), (), body)


@pytest.mark.parametrize("precision", ["linear", "log"])
@pytest.mark.parametrize("seed", range(60))
def test_a_switch_of_functions(seed: int, precision: Precision) -> None:
    program = random_switch(seed)
    drawn = [random_distributions(program, seed + k) for k in range(4)]
    params = {decl.name for decl in program.of("param")}
    choices = [{e: v for e, v in one.items() if e[0] in params} for one in drawn[:2]]
    examples = [{e: v for e, v in one.items() if e[0] not in params} for one in drawn[2:]]
    module = module_of(program, choices, precision)
    compare(program, choices, examples, precision, module=module, tolerance=1e-9)
