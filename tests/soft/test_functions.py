"""Known functions too large for a dense cube, through small models, against the interpreter."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch

from neuralc.backends.soft import pushforward
from neuralc.backends.soft.module import Precision
from neuralc.ir.nodes import Call, Decl, Int, Program, Ref, Set, Table
from neuralc.ir.text import read
from tests.random_models import random_distributions
from tests.soft.reference import compare, inputs_of, module_of

# function, numbers of values of the arguments, number of values of the result, code expected
Case = tuple[Callable[..., int], tuple[int, ...], int, str]
RANDOM = np.random.default_rng(0).integers(0, 30, (30, 30, 30))
SHUFFLE = np.random.default_rng(1).permutation(60)
CASES: dict[str, Case] = {
    "add": (lambda a, b: a + b, (20, 24), 43, "soft.circle"),
    "add, wide result": (lambda a, b: a + b, (20, 24), 60, "soft.circle"),
    "add, offset": (lambda a, b: a + b + 5, (24, 20), 48, "soft.circle"),
    "add modulo": (lambda a, b: (a + b) % 32, (32, 32), 32, "soft.circle"),
    "add modulo, offset": (lambda a, b: (a + b + 7) % 32, (32, 32), 32, "soft.circle"),
    "add modulo one argument": (lambda a, b: (a + b) % 20, (20, 40), 20, "soft.add"),
    "add modulo less than both": (lambda a, b: (a + b + 3) % 7, (30, 40), 7, "soft.add"),
    "add, modulus below the size": (lambda a, b: (a + b) % 25, (25, 20), 31, "soft.circle"),
    "parity": (lambda a, b: (a + b) % 2, (40, 40), 2, "soft.add"),
    "subtract": (lambda a, b: a - b + 23, (20, 24), 43, "soft.circle"),
    "subtract, turned": (lambda a, b: b - a + 19, (20, 24), 43, "soft.circle"),
    "subtract modulo": (lambda a, b: (a - b) % 32, (32, 32), 32, "soft.circle"),
    "subtract modulo, offset": (lambda a, b: (a - b + 9) % 32, (32, 20), 32, "soft.circle"),
    "subtract modulo, turned": (lambda a, b: (b - a) % 32, (32, 32), 32, "soft.circle"),
    "subtract modulo less than both": (lambda a, b: (a - b) % 9, (30, 40), 9, "soft.add"),
    "add many modulo": (lambda a, b: (a + b + 3) % 70, (70, 70), 70, "soft.circle"),
    "minimum": (min, (140, 140), 140, "soft.running"),
    "minimum, not many": (min, (25, 25), 25, "soft.share|addcmul_"),
    "minimum, few and many": (min, (20, 40), 20, "soft.minimum"),
    "minimum, many and few": (min, (40, 20), 20, "soft.minimum"),
    "minimum, result between": (min, (40, 20), 30, "soft.minimum"),
    "minimum, wide result": (min, (20, 24), 50, "soft.share|addcmul_"),
    "maximum": (max, (140, 140), 140, "soft.running"),
    "maximum, not many": (max, (25, 25), 25, "soft.share|addcmul_"),
    "maximum, few and many": (max, (20, 40), 40, "soft.share|addcmul_"),
    "maximum, wide result": (max, (40, 20), 150, "soft.running"),
    "equal": (lambda a, b: int(a == b), (40, 40), 2, "soft.equal"),
    "equal, few and many": (lambda a, b: int(a == b), (30, 40), 2, "soft.equal"),
    "unequal": (lambda a, b: int(a != b), (40, 30), 3, "soft.equal"),
    "equal, values": (lambda a, b: 6 if a == b else 2, (24, 24), 8, "soft.equal"),
    "less": (lambda a, b: int(a < b), (40, 40), 2, "soft.less"),
    "less, few and many": (lambda a, b: int(a < b), (30, 40), 2, "soft.less"),
    "less, many and few": (lambda a, b: int(a < b), (40, 30), 2, "soft.less"),
    "at most": (lambda a, b: int(a <= b), (40, 40), 2, "soft.less"),
    "greater, values": (lambda a, b: 1 if a > b else 5, (24, 30), 7, "soft.less"),
    "shift": (lambda a, b: (a + b * b) % 20, (20, 24), 20, "soft.scatter"),
    "multiply": (lambda a, b: a * b % 30, (30, 30), 30, "soft.scatter"),
    "random": (lambda a, b: int(RANDOM[a, b, 0]), (30, 20), 30, "soft.scatter"),
    "three arguments": (lambda a, b, c: int(RANDOM[a, b, c]), (14, 12, 13), 30, "soft.scatter"),
    "three, one does not matter": (lambda a, b, c: (c + a) % 16, (16, 2, 16), 16, "soft.circle"),
    "increment": (lambda a: (a + 1) % 60, (60,), 60, "roll(1, -1)"),
    "rotation": (lambda a: (a + 17) % 60, (60,), 60, "roll(17, -1)"),
    "turned round": (lambda a: (4 - a) % 60, (60,), 60, "flip(-1).roll(5, -1)"),
    "permutation": (lambda a: int(SHUFFLE[a]), (60,), 60, "index_select("),
    "halve": (lambda a: a // 2, (100,), 50, "soft.scatter"),
    "square": (lambda a: a * a % 61, (60,), 61, "soft.scatter"),
    "identity, wide result": (lambda a: a, (60,), 70, "soft.widen"),
}
KINDS = {  # who depends on restarts and who on examples
    1: [("param",), ("input",)],
    2: [("param", "input"), ("input", "param"), ("input", "input"), ("param", "param")],
    3: [("param", "input", "param"), ("input", "input", "input")],
}

each_case = pytest.mark.parametrize("name", CASES)


@pytest.fixture(autouse=True)
def _no_cubes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pushforward, "DENSE", 2048)


def model(case: Case, kinds: tuple[Any, ...]) -> Program:
    """Return a program that applies this function once."""
    function, sizes, size, _ = case
    values = tuple(function(*args) for args in product(*map(range, sizes)))
    assert np.prod(sizes) * size > pushforward.DENSE
    names = "abc"[: len(sizes)]
    decls = [Decl(name, kind, Int(n)) for name, kind, n in zip(names, kinds, sizes, strict=True)]
    call = Call("F", tuple(Ref(name) for name in names))
    return Program(
        "function", (*decls, Decl("out", "output", Int(size))),
        (Table("F", sizes, size, values),), (), (), (Set(Ref("out"), call),),
    )  # fmt: skip


@pytest.mark.parametrize("precision", ["linear", "log"])
@each_case
def test_a_large_function(name: str, precision: Precision) -> None:
    case = CASES[name]
    for kinds in KINDS[len(case[1])]:
        program = model(case, kinds)
        drawn = [random_distributions(program, seed) for seed in range(4)]
        names = {kind: {d.name for d in program.of(kind)} for kind in ("param", "input")}  # type: ignore[arg-type]
        choices = [{e: v for e, v in one.items() if e[0] in names["param"]} for one in drawn[:2]]
        examples = [{e: v for e, v in one.items() if e[0] in names["input"]} for one in drawn[2:]]
        examples = examples if names["input"] else [{}]
        module = module_of(program, choices, precision)
        assert any(mark in module.source for mark in case[3].split("|")), module.source
        compare(program, choices, examples, precision, module=module, tolerance=1e-11)


@each_case
def test_a_large_function_of_sure_arguments_is_sure(name: str) -> None:
    """What an FFT leaves elsewhere is no more than the rounding of float64, and never below 0."""
    case = CASES[name]
    program = model(case, ("input", "input", "input")[: len(case[1])])
    module = module_of(program, [{}]).float()
    rng = np.random.default_rng(0)
    numbers = np.stack([rng.integers(0, n, 20) for n in case[1]])
    with torch.no_grad():
        found = module(dict(zip("abc", torch.from_numpy(numbers), strict=False)))["out"][0]
    wanted = [case[0](*(int(n) for n in column)) for column in numbers.T]
    assert found.argmax(-1).tolist() == wanted
    np.testing.assert_allclose(found.numpy(), np.eye(case[2])[wanted], atol=1e-14)
    assert (found >= 0).all()


@pytest.mark.parametrize("size", [20, 51])
@pytest.mark.parametrize("function", ["random", "add"])
def test_a_large_function_of_the_number_of_a_turn(size: int, function: str) -> None:
    """A table with an argument that is known, but another number at each position of an axis."""
    cells = RANDOM[:, :, 1] if size < 30 else np.random.default_rng(2).integers(0, size, (51, 51))
    values = (
        tuple(int(cells[x, i]) for x in range(size) for i in range(size)) if function == "random"
        else tuple((x + i) % size for x in range(size) for i in range(size))
    )  # fmt: skip
    size_out = size if function == "add" else max(30, size)
    text = f"""
program "turns"
table f({size}, {size}) -> {size_out} = {" ".join(map(str, values))}
input x: {size}
output out: {size_out}[{size}]

for i in range(0, {size}, 1):
    out[i] = f(x, i)
"""
    program = read(text.strip() + "\n")
    compare(program, [{}], [random_distributions(program, 0)])


def test_gradients_of_large_functions() -> None:
    """Against the dense cube, which is a plain product of tensors."""
    for name, case in CASES.items():
        program = model(case, ("input", "input", "input")[: len(case[1])])
        module = module_of(program, [{}])
        given = [random_distributions(program, 5)]
        inputs = {k: x.requires_grad_() for k, x in inputs_of(program, given).items()}
        weight = torch.randn(case[2], generator=torch.Generator().manual_seed(0)).double()
        soft = torch.autograd.grad((module(inputs)["out"] * weight).sum(), [*inputs.values()],
                                   materialize_grads=True)  # fmt: skip
        cube = weight[torch.tensor(program.tables[0].values)].reshape(case[1])
        for x in inputs.values():
            cube = torch.tensordot(x[0], cube, dims=1)
        dense = torch.autograd.grad(cube, [*inputs.values()])
        for one, other in zip(soft, dense, strict=True):
            # both arguments sum to 1: gradients may differ by a constant, which moves no mass
            one, other = one - one.mean(-1, keepdim=True), other - other.mean(-1, keepdim=True)
            torch.testing.assert_close(one, other, rtol=0, atol=1e-12, msg=name)
