"""A library of routines: what they compute, how it changes, and how it is kept."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from itertools import product
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

import neuralc as nc
from neuralc.errors import DataError, HyperError, ModelErrors, NeuralcError, SolutionError
from neuralc.nn.library import exact
from neuralc.nn.library.library import RoutineLibrary
from neuralc.source import Source

N = 11


def fibonacci(k: int) -> int:
    a, b = 0, 1
    for _ in range(k):
        a, b = b, (a + b) % N
    return a


STANDARD: dict[str, Callable[..., int]] = {
    "add": lambda a, b: (a + b) % N,
    "sub": lambda a, b: (a - b) % N,
    "mul": lambda a, b: a * b % N,
    "min": min,
    "max": max,
    "less": lambda a, b: int(a < b),
    "equal": lambda a, b: int(a == b),
    "successor": lambda a: (a + 1) % N,
    "predecessor": lambda a: (a - 1) % N,
    "double": lambda a: 2 * a % N,
    "square": lambda a: a * a % N,
    "negate": lambda a: -a % N,
    "is_zero": lambda a: int(a == 0),
    "div": lambda a, b: a // b if b else N - 1,
    "mod": lambda a, b: a % b if b else a,
    "gcd": math.gcd,
    "lcm": lambda a, b: math.lcm(a, b) % N,
    "pow": lambda a, b: pow(a, b, N),
    "fib": fibonacci,
}
LIBRARY = RoutineLibrary.standard(N)


def certain(column: Any) -> torch.Tensor:
    return torch.eye(N, dtype=torch.float64)[torch.as_tensor(np.array(column))]


@pytest.mark.parametrize("name", STANDARD)
def test_the_standard_library(name: str) -> None:
    """Exactly for all arguments; softly for some of them, on certain distributions."""
    routine, function = LIBRARY[name], STANDARD[name]
    values = routine.values()
    assert (values.dtype, values.shape) == (np.int32, (N,) * routine.operands)
    arguments = list(product(range(N), repeat=routine.operands))
    assert [values[row] for row in arguments] == [function(*row) for row in arguments]
    assert routine.values() is values
    some = arguments[::7]
    found = routine.soft([certain(column) for column in zip(*some, strict=True)])
    assert found.dtype == torch.float64
    np.testing.assert_allclose(
        found.numpy(), np.eye(N)[[function(*row) for row in some]], atol=1e-9
    )


def test_all_of_it_is_tested() -> None:
    assert set(LIBRARY) - set(STANDARD) == {"sort", "part", "insertion_sort"}
    assert "nobody" not in LIBRARY
    assert len(LIBRARY) == len(LIBRARY.names)
    assert repr(LIBRARY).startswith("RoutineLibrary(n=11: add, sub")


def test_runs_say_steps_and_whether_they_halted() -> None:
    values, steps, halted = LIBRARY["mod"].run([[7, 2], [0, 5]])
    assert (values.tolist(), steps.tolist(), halted.tolist()) == ([1, 0], [17, 5], [True, True])
    assert (values.dtype, steps.dtype) == (np.int64, np.int64)


def test_soft_runs_carry_gradients() -> None:
    logits = torch.randn(3, N, dtype=torch.float64, requires_grad=True)
    other = torch.full((3, N), 1 / N, dtype=torch.float64)
    found = LIBRARY["min"].soft([logits.softmax(-1), other])
    np.testing.assert_allclose(found.detach().sum(-1), 1)
    found[:, 0].sum().backward()
    assert logits.grad is not None
    assert logits.grad.abs().max() > 0.01


FOREVER = "routine forever a b\nloop: jump a 3 more; ret b\nmore: equal b b t; jump t loop; ret\n"


def test_what_does_not_halt_is_named() -> None:
    library = RoutineLibrary(5, max_steps=200)
    routine = library.add(FOREVER)
    assert routine.run([[3, 1], [2, 1]])[2].tolist() == [False, True]
    with pytest.raises(NeuralcError, match="on 5 of 25 arguments: ") as caught:
        routine.values()
    assert "forever(3, 0), forever(3, 1)" in str(caught.value)
    assert "200 steps" in str(caught.value)


def test_the_bound_on_steps_is_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the windows are that a run is cut into."""
    text = "routine wait a\nloop: jump a 0 done; dec a a; goto loop\ndone: ret a\n"
    monkeypatch.setattr(exact, "WINDOW", 16)
    steps = RoutineLibrary(30).add(text).run([[29], [0]])[1]
    assert steps.tolist() == [3 * 29 + 3, 3]
    for bound, halted in ((steps[0], True), (steps[0] - 1, False)):
        routine = RoutineLibrary(30, max_steps=int(bound)).add(text)
        assert routine.run([[29], [0]])[2].tolist() == [halted, True]


def test_too_many_values_are_not_tabulated() -> None:
    routine = RoutineLibrary(200).add("routine three a b c\n add a b a\n add a c a\n ret a\n")
    with pytest.raises(NeuralcError, match="8,000,000 values, more than 4,000,000"):
        routine.values()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([[1, N]], r"\[1, 11\] are out of range"),
        ([[1, -1]], "out of range"),
        ([[1]], r"integers \[E, 2\]"),
        ([1, 2], r"integers \[E, 2\]"),
        ([[0.5, 1.0]], "float64"),
    ],
)
def test_wrong_arguments(arguments: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        LIBRARY["add"].run(arguments)


def test_wrong_distributions() -> None:
    with pytest.raises(DataError, match="takes 2 distributions"):
        LIBRARY["add"].soft([torch.ones(2, N)])
    with pytest.raises(DataError, match="takes 2 distributions"):
        LIBRARY["add"].soft([torch.ones(2, N), torch.ones(2, N + 1)])


# ---- changes


def test_routines_come_and_go() -> None:
    library = RoutineLibrary(8)
    first = library.add("routine twice a\n add a a a\n ret a\nroutine four a\n call twice\n"
                        " call twice\n ret 0\n")  # fmt: skip
    assert (first.name, library.names) == ("twice", ("twice", "four"))
    named = library.add("routine x a\n call four\n inc 0 0\n ret 0\n", "more")
    assert (named.name, named.run([[1]])[0][0]) == ("more", 5)
    assert "routine twice a" in named.text
    with pytest.raises(NeuralcError, match="called by four"):
        library.remove("twice")
    library.remove("more")
    library.remove("four")
    library.remove("twice")
    assert not library
    with pytest.raises(KeyError, match="there is no routine 'twice'"):
        library.remove("twice")


def test_a_failed_addition_changes_nothing() -> None:
    library = RoutineLibrary(8)
    library.add("routine a x\n ret x\n")
    for text in ("routine b x\n call c\n ret\n", "routine b x\n ret\nroutine a x\n ret\n"):
        with pytest.raises(NeuralcError):
            library.add(text)
        assert library.names == ("a",)
    with pytest.raises(NeuralcError, match="no routine 'z'"):
        library.add("routine b x\n ret\nroutine c x\n ret\n", "z")
    with pytest.raises(NeuralcError, match="cannot be called 'a b'"):
        library.add("routine b x\n ret\n", "a b")
    with pytest.raises(NeuralcError, match="int cannot become a routine"):
        library.add(3)
    with pytest.raises(ModelErrors, match="E402"):
        library.add("x = ADD(1)")
    with pytest.raises(ModelErrors, match="E50"):
        library.add(Source("p.py", "def f(a):\n    return a @ a\n"))


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"n": 1}, "n is a whole number 2 … 2000, found 1"),
        ({"n": 2001}, "found 2001"),
        ({"n": 4, "cells": 5}, "cells is a whole number 1 … 4"),
        ({"n": 4, "depth": 0}, "depth"),
        ({"n": 4, "max_steps": True}, "max_steps"),
        ({"n": "4"}, "found '4'"),
    ],
)
def test_wrong_sizes(sizes: Any, message: str) -> None:
    with pytest.raises(HyperError, match=message):
        RoutineLibrary(**sizes)


def test_memory_of_a_run() -> None:
    library = RoutineLibrary(8, cells=4)
    routine = library.add("routine peek a\n read a v\n inc v v\n write a v\n ret v\n")
    found = routine.execute([[1], [3], [4]], [[5, 6], [5, 6], [5, 6]])  # type: ignore[attr-defined]
    assert found.values[:2].tolist() == [7, 1]
    assert found.memory[:2].tolist() == [[5, 7, 0, 0], [5, 6, 0, 1]]
    assert found.ended.tolist() == [1, 1, 2]  # there is no cell 4
    for memory in ([[8], [1], [1]], [[1], [1]], [[0] * 5] * 3, [[0.5]] * 3):
        with pytest.raises(DataError):
            routine.execute([[1], [3], [4]], memory)  # type: ignore[attr-defined]


# ---- a learned routine


DIFFERENCE = """
n = Hyper()
x = Input(n)
y = Input(n)
z = Output(n)
op = Param(3)

@Runtime([n, n], n)
def ADD(a, b): return (a + b) % n
@Runtime([n, n], n)
def SUB(a, b): return (a - b) % n

if op == 0:
    z.set_to(ADD(x, y))
elif op == 1:
    z.set_to(SUB(x, y))
else:
    z.set_to(SUB(y, x))
"""


def test_a_solution_is_a_routine() -> None:
    data = [{"x": 3, "y": 5, "z": 2}, {"x": 5, "y": 1, "z": 2}]
    model = nc.load(Source("difference", DIFFERENCE), hypers={"n": 6})
    solution = nc.learn(model, data, restarts=4, seed=0)
    library = RoutineLibrary(6)
    routine = library.add(solution, "rest")
    wanted = (np.arange(6) - np.arange(6)[:, None]) % 6
    assert (routine.values() == wanted).all()
    grid = np.indices((6, 6)).reshape(2, -1)
    soft = routine.soft([torch.eye(6)[column] for column in torch.from_numpy(grid)])
    assert (soft.argmax(-1).numpy() == wanted.reshape(-1)).all()
    again = RoutineLibrary.from_json(json.loads(json.dumps(library.to_json())))
    assert (again["rest"].values() == wanted).all()
    assert "op = 2" in routine.text
    with pytest.raises(NeuralcError, match="x has 6 values, and the library has 7"):
        RoutineLibrary(7).add(solution)
    with pytest.raises(NeuralcError, match="rest is a model"):
        library.machine("rest")


def test_a_model_without_choices_is_a_routine() -> None:
    text = DIFFERENCE.replace("op = Param(3)", "op = Var(3)\nop.set_to(1)")
    model = nc.load(Source("down", text), hypers={"n": 6})
    library = nc.Library.standard(6)
    assert library.add(model).run([[2, 5], [5, 2]])[0].tolist() == [3, 3]
    assert "down" in library
    with pytest.raises(NeuralcError, match="the choice op"):
        library.add(nc.load(Source("open", DIFFERENCE), hypers={"n": 6}))
    with pytest.raises(NeuralcError, match="cannot be called 'a b"):
        library.add(nc.load(Source("a b.py", text), hypers={"n": 6}))


def test_models_that_are_no_routines() -> None:
    sizes = {"tapeLength": 5, "numTimesteps": 6, "numHeadStates": 2, "numTapeSymbols": 3}

    found = SimpleNamespace(model=nc.load("turing", hypers=sizes), choices={})
    with pytest.raises(NeuralcError, match="it has 6 outputs"):
        RoutineLibrary(3).add(found, "turing")


def test_limits_of_the_linker() -> None:
    library = RoutineLibrary(4)
    with pytest.raises(NeuralcError, match="10,002 lines"):
        library.add("routine long a\n" + "inc a a\n" * 10_000 + "ret a\n")
    chain = "".join(f"routine r{k}_ a\n goto r{k + 1}_\n" for k in range(1500))
    with pytest.raises(NeuralcError, match="nested too deeply"):
        library.add(chain + "routine r1500_ a\n ret\n")
    assert not library


# ---- kept


def test_a_library_is_kept_as_text() -> None:
    library = RoutineLibrary.standard(9, max_steps=500, depth=5)
    library.add("var a = 1\nvar x = 0\nx = READ(a)\nWRITE(x, a)\nSTOP\n", "ram")
    content = json.loads(json.dumps(library.to_json()))
    again = RoutineLibrary.from_json(content)
    assert (again.n, again.cells, again.depth, again.max_steps) == (9, 9, 5, 500)
    assert again.names == library.names
    assert [again[name].text for name in again] == [library[name].text for name in library]
    assert again.to_json() == content


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "x"}, "no library of routines"),
        ({"version": 2}, "newer neuralc"),
        ({"version": "1", "n": "9"}, "n is a whole number"),
        ({"n": 10**9}, "n is a whole number"),
        ({"cells": 10**9}, "cells is a whole number"),
        ({"routines": 3}, "damaged"),
        ({"routines": [{"name": "a"}]}, "damaged"),
        ({"routines": [{"name": 1, "text": "ret", "memory": False}]}, "damaged"),
        ({"routines": [{"name": "a", "text": "routine b\n ret", "memory": False}]}, "damaged"),
        ({"routines": [{"name": "a", "text": "foo", "memory": False}]}, "E601"),
        ({"routines": [{"name": "a", "text": "call b; ret", "memory": False}]}, "E603"),
        ({"routines": [{"name": "a", "model": "program", "choices": {}}]}, "E290"),
    ],
)
def test_files_from_strangers(change: dict[str, Any], message: str) -> None:
    content = {**RoutineLibrary(9).to_json(), **change}
    with pytest.raises(NeuralcError, match=message):
        RoutineLibrary.from_json(content)
    with pytest.raises(SolutionError):
        RoutineLibrary.from_json([content])
