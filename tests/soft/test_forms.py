"""Switches between sums, differences, minima and maxima of two values, put together.

Random switches against the interpreter: arms that belong together, arms that look like it and do
not (another modulus, another value), arguments with fewer values than the result.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import product

import pytest
import torch
from torch.autograd import gradcheck

from neuralc.backends.soft import SoftModule, forms
from neuralc.backends.soft.module import Precision
from neuralc.ir.nodes import Call, Case, Decl, Int, Num, Program, Ref, Set, Switch, Table, Value
from tests.random_models import random_distributions
from tests.soft.reference import compare, module_of

Function = Callable[[int, int, int], int]  # of x, y and the number of values of the result
BINARY: dict[str, Function] = {
    "add": lambda x, y, n: (x + y) % n,
    "add, offset": lambda x, y, n: (x + y + 3) % n,
    "subtract": lambda x, y, n: (x - y) % n,
    "subtract, offset": lambda x, y, n: (x - y + 2) % n,
    "subtract, turned": lambda x, y, n: (y - x) % n,
    "minimum": lambda x, y, n: min(x, y),
    "maximum": lambda x, y, n: max(x, y),
    "another modulus": lambda x, y, n: (x + y) % (n - 1),
    "difference of another modulus": lambda x, y, n: (x - y) % (n - 2),
    "product": lambda x, y, n: x * y % n,
}
UNARY: dict[str, Callable[[int, int], int]] = {
    "increment": lambda x, n: (x + 1) % n,
    "decrement": lambda x, n: (x - 1) % n,
    "negative": lambda x, n: -x % n,
    "from four": lambda x, n: (4 - x) % n,
    "identity": lambda x, n: x,
    "square": lambda x, n: x * x % n,
    "increment of another modulus": lambda x, n: (x + 1) % (n - 1),
}
TOGETHER = ("increment", "add", "subtract", "decrement", "minimum", "maximum")


def switch(arms: list[Value], tables: list[Table], sizes: dict[str, int], kinds: str) -> Program:
    """Return a program with one switch; `kinds` are those of selector, x, y and z."""
    cases = tuple(Case((k,), (Set(Ref("out"), arm),)) for k, arm in enumerate(arms))
    body = (Switch(Ref("op"), len(arms), cases),)
    kind = {"i": "input", "p": "param"}
    given = zip(("op", "x", "y", "z"), (len(arms), sizes["x"], sizes["y"], sizes["x"]), kinds,
                strict=True)  # fmt: skip
    decls = [Decl(name, kind[k], Int(size)) for name, size, k in given]  # type: ignore[arg-type]
    decls.append(Decl("out", "output", Int(sizes["out"])))
    return Program("switch", tuple(decls), tuple(tables), (), (), body)


def arm(name: str, args: list[str], sizes: dict[str, int], tables: list[Table]) -> Value:
    """Return a call of a function, whose table is added."""
    extents = tuple(sizes["x" if arg == "z" else arg] for arg in args)
    size = sizes["out"]
    values = tuple(
        UNARY[name](*at, size) if name in UNARY else BINARY[name](*at, size)
        for at in product(*map(range, extents))
    )
    tables.append(Table(f"F{len(tables)}", extents, size, values))
    return Call(tables[-1].name, tuple(map(Ref, args)))


def random_switch(seed: int) -> Program:
    """Return a switch with arms of all kinds."""
    rng = random.Random(seed)
    size = rng.choice([6, 7, 8, 9, 13, 34])
    smaller = rng.random() < 0.3
    sizes = {"out": size, "x": size - 2 if smaller else size, "y": size}
    tables: list[Table] = []
    arms: list[Value] = []
    for _ in range(rng.randint(3, 7)):
        kind = rng.random()
        if kind < 0.15:
            arms.append(Num(rng.randrange(size)))
        elif kind < 0.3:
            arms.append(Ref(rng.choice("xyz")))
        elif kind < 0.5:
            arms.append(arm(rng.choice(list(UNARY)), [rng.choice("xxyz")], sizes, tables))
        else:
            args = rng.choice([["x", "y"], ["x", "y"], ["x", "y"], ["y", "x"], ["x", "z"]])
            arms.append(arm(rng.choice(list(BINARY)), args, sizes, tables))
    kinds = rng.choice(["iiii", "iiii", "iipi", "ipip", "piii", "pipi"])
    return switch(arms, tables, sizes, kinds)


def hold(program: Program, seed: int, precision: Precision) -> SoftModule:
    """Compare with the interpreter; return the module."""
    drawn = [random_distributions(program, seed + k) for k in range(4)]
    params = {decl.name for decl in program.of("param")}
    choices = [{e: v for e, v in one.items() if e[0] in params} for one in drawn[:2]]
    examples = [{e: v for e, v in one.items() if e[0] not in params} for one in drawn[2:]]
    choices = choices if params else [{}]
    module = module_of(program, choices, precision)
    compare(program, choices, examples, precision, module=module, tolerance=1e-12)
    return module


@pytest.mark.parametrize("precision", ["linear", "log"])
@pytest.mark.parametrize("seed", range(60))
def test_a_random_switch(seed: int, precision: Precision) -> None:
    hold(random_switch(seed), seed, precision)


def together(size: int, kinds: str = "iiii") -> Program:
    """Return the switch of a register machine."""
    tables: list[Table] = []
    sizes = {"out": size, "x": size, "y": size}
    arms = [arm(f, ["x"] if f in UNARY else ["x", "y"], sizes, tables) for f in TOGETHER]
    return switch([Num(0), *arms, Num(0), Num(3), Ref("y")], tables, sizes, kinds)


@pytest.mark.parametrize("precision", ["linear", "log"])
@pytest.mark.parametrize("size", [6, 11, 20, 33, 40, 130])
def test_all_arms_are_one_convolution(size: int, precision: Precision) -> None:
    module = hold(together(size), size, precision)
    assert module.source.count("soft.circle(") == 1
    assert "scatter" not in module.source
    assert "soft.add" not in module.source
    assert max(a.size for a in module._constants.arrays) <= 2 * size * size, "no cube"


@pytest.mark.parametrize("kinds", ["piii", "pppi", "ipip"])
def test_the_choice_may_belong_to_the_program(kinds: str) -> None:
    hold(together(40, kinds), 0, "linear")


def test_few_values_are_one_table() -> None:
    size = forms.ALONE - 1
    assert "soft.circle" not in hold(together(size), 0, "linear").source


def test_without_a_sum_nothing_is_convolved() -> None:
    tables: list[Table] = []
    sizes = {"out": 20, "x": 20, "y": 20}
    names = ("minimum", "increment", "negative", "maximum")
    arms = [arm(f, ["x"] if f in UNARY else ["x", "y"], sizes, tables) for f in names]
    module = hold(switch(arms, tables, sizes, "iiii"), 0, "linear")
    assert "soft.circle" not in module.source
    assert "scatter" not in module.source


def test_arms_of_other_moduli_stay_apart() -> None:
    tables: list[Table] = []
    sizes = {"out": 30, "x": 30, "y": 30}
    names = ("add", "another modulus", "subtract", "increment of another modulus")
    arms = [arm(f, ["x"] if f in UNARY else ["x", "y"], sizes, tables) for f in names]
    module = hold(switch(arms, tables, sizes, "iiii"), 0, "linear")
    assert module.source.count("soft.circle(") == 1
    assert module.source.count("soft.add(") == 1


def test_a_function_with_fewer_results_is_put_together_too() -> None:
    """Minima of six values, in a variable of nine: the table is narrower than the variable."""
    tables: list[Table] = []
    sizes = {"out": 6, "x": 6, "y": 6}
    arms = [arm(f, ["x", "y"], sizes, tables) for f in ("minimum", "maximum")]
    sums = Table("SUM", (6, 6), 9, tuple((x + y) % 9 for x in range(6) for y in range(6)))
    program = switch([*arms, Call("SUM", (Ref("x"), Ref("y")))], [*tables, sums],
                     {**sizes, "out": 9}, "iiii")  # fmt: skip
    module = hold(program, 0, "linear")
    assert module.source.count("soft.circle(") == 1
    assert "soft.mixture" not in module.source


@pytest.mark.parametrize("size", [6, 20, 35])
def test_gradients(size: int) -> None:
    """Of all inputs, with inputs that differ between restarts, against differences."""
    program = together(size)
    names = [decl.name for decl in program.of("input")]
    sizes = [decl.type.size for decl in program.of("input")]  # type: ignore[union-attr]
    module = SoftModule(program, restarts=2, carried=[*names[:2]]).double()
    generator = torch.Generator().manual_seed(0)
    shapes = [(2, 3, n) if name in names[:2] else (3, n)
              for name, n in zip(names, sizes, strict=True)]  # fmt: skip
    given = [torch.rand(s, generator=generator).double().requires_grad_() for s in shapes]

    def run(*given: torch.Tensor) -> torch.Tensor:
        inputs = {n: x / x.sum(-1, keepdim=True) for n, x in zip(names, given, strict=True)}
        return module.run(inputs)[0]["out"]

    assert gradcheck(run, given)
