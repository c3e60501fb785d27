"""Verification: right programs are proved, wrong ones refuted by inputs on which they are wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neuralc as nc
from neuralc.errors import Declined, FileError, ModelErrors, NeuralcError, SourceError
from neuralc.inspect import verify as module
from neuralc.inspect.proof import Answer
from neuralc.inspect.verify import verify
from neuralc.ir.nodes import Int
from neuralc.learning.solution import Solution
from tests.inspect.programs import (
    CONSTANT,
    OPEN,
    WIDE,
    accessed,
    decremented,
    inverted,
    model,
    of,
    reversed_,
    reversed_slowly,
    solution,
    swapped,
)
from tests.machines.solved import BLOCK_ACCESS, DECREMENT, INVERT, SWAP, Solved

# ---- small domains: everything is run


@pytest.mark.parametrize(
    ("solved", "reference", "count"),
    [(INVERT, inverted, 3**5 - 2**5), (SWAP, swapped, 8), (DECREMENT, decremented, 1 + 3 + 7)],
)
def test_a_right_program_is_proved(
    solved: Solved, reference: Callable[..., Any], count: int
) -> None:
    verdict = verify(of(solved), reference)
    assert (verdict.status, verdict.inputs, verdict.tested) == ("proved", count, count)
    assert str(verdict) == f"proved for all {count} inputs"
    assert (verdict.how, verdict.counterexample) == ("exhaustive", None)
    assert verdict.seconds > 0


def mutations(found: Solution) -> list[Solution]:
    """Return all programs that differ in one open choice."""
    program, changed = found.model.program, []
    fixed = {(f.name, f.index) for f in program.fixed}
    for decl in program.of("param"):
        assert isinstance(decl.type, Int)
        for index in np.ndindex(decl.shape):
            if (decl.name, index) in fixed:
                continue
            for value in range(decl.type.size):
                array = found.choices[decl.name].copy()
                if array[index] != value:
                    array[index] = value
                    changed.append(solution(found.model, {**found.choices, decl.name: array}))
    return changed


@pytest.mark.parametrize(("solved", "reference"), [(INVERT, inverted), (SWAP, swapped)])
def test_every_mutation(solved: Solved, reference: Callable[..., Any]) -> None:
    """A changed choice is refuted just where it changes what the program does."""
    right, refuted, count = of(solved), 0, 0
    names = [decl.name for decl in right.model.program.of("input")]
    shape = [decl.shape[0] for decl in right.model.program.of("input")]
    size = {3: 2, 5: 3}[shape[0]]
    every = np.stack(np.meshgrid(*[range(size)] * shape[0], indexing="ij"), -1).reshape(-1, *shape)
    wanted = [reference(row.tolist()) for row in every]
    for changed in mutations(right):
        verdict = verify(changed, reference)
        found = changed({names[0]: every})
        wrong = [
            k for k, want in enumerate(wanted)
            if want and any(found[n][k].tolist() != v for n, v in want.items())
        ]  # fmt: skip
        assert verdict.status == ("refuted" if wrong else "proved")
        count += 1
        if wrong:
            refuted += 1
            example = verdict.counterexample
            assert example is not None
            assert example.inputs[names[0]] == every[wrong[0]].tolist()
            given = {n: np.array(v) for n, v in example.inputs.items()}
            ran = {n: v.tolist() for n, v in changed(given).items()}
            assert ran == example.found != example.wanted == wanted[wrong[0]]
    assert count > 10
    assert refuted > count // 2


def test_a_counterexample_is_readable() -> None:
    wrong = of(SWAP, out=[0, 1, 1])
    assert str(verify(wrong, swapped)) == (
        "refuted by initial_wires = [0, 1, 0]\n"
        "  found:  final_wires = [1, 1]\n"
        "  wanted: final_wires = [1, 0]"
    )


def test_what_is_not_asked_is_not_counted() -> None:
    verdict = verify(of(INVERT), inverted)
    assert verdict.note == "nothing is asked of 32 other inputs"

    def never(initial_tape):  # type: ignore[no-untyped-def]
        if len(initial_tape) > 2:
            return None
        return {"final_tape": initial_tape, "final_is_halted": 0}

    with pytest.raises(NeuralcError, match="nothing is asked of any of the 243 inputs"):
        verify(of(INVERT), never)


def test_another_solution_its_folder_and_a_file(tmp_path: Path) -> None:
    right = of(SWAP)
    other = of(SWAP, in1=[1, 0, 1], in2=[0, 1, 0])  # XOR is symmetric
    assert verify(right, other).text == "proved for all 8 inputs"
    other.save(tmp_path / "other")
    assert verify(right, tmp_path / "other").status == "proved"
    assert verify(str(tmp_path / "other"), right).status == "proved"
    wrong = verify(right, of(SWAP, gate=[2, 2, 1]))
    assert wrong.status == "refuted"
    assert wrong.counterexample is not None
    assert wrong.counterexample.wanted is not None
    file = tmp_path / "functions.py"
    file.write_text(
        "import sys\ndef swap(initial_wires):\n    a, b, c = initial_wires\n    return [b, a]\n"
        "def other(initial_wires):\n    return initial_wires[:2]\n"
    )
    assert verify(right, f"{file}:swap").status == "proved"
    assert verify(right, str(file)).status == "refuted"


def test_a_model_with_constants(tmp_path: Path) -> None:
    fixed, file = model(CONSTANT, n=7), tmp_path / "constant.py"
    found = solution(model(OPEN, n=7), {"p": 2})
    assert verify(found, fixed).text == "proved for all 7 inputs"
    assert verify(fixed, found).status == "proved"
    file.write_text(CONSTANT)
    assert verify(found, file).status == "proved"
    assert verify(solution(model(OPEN, n=7), {"p": 3}), file).status == "refuted"
    with pytest.raises(NeuralcError, match="leaves 1 choices open"):
        verify(found, model(OPEN, n=7))
    with pytest.raises(NeuralcError, match="different inputs: x"):
        verify(found, model(CONSTANT, n=8))


# ---- properties and conditions


def test_properties() -> None:
    found = model(CONSTANT, n=7)
    assert verify(found, property="y == (x + 2) % n").text == "proved for all 7 inputs"
    assert verify(found, property="y > x", where="x < 5").text == "proved for all 5 inputs"
    assert str(verify(found, property="y > x")) == (
        "refuted by x = 5\n  found:  y = 0\n  violated: y > x"
    )
    right = of(INVERT)
    assert verify(right, property="final_is_halted", where="2 in initial_tape").inputs == 211
    differs = "all(a != b for a, b in zip(initial_tape, final_tape) if a != 2)"
    verdict = verify(right, property=differs)
    assert verdict.status == "refuted"
    assert verdict.counterexample is not None
    assert verdict.counterexample.inputs == {"initial_tape": [0, 0, 0, 2, 0]}


def test_a_condition_names_some_of_the_inputs() -> None:
    text = "a = Input(3)[2]\nb = Input(4)\nc = Input(5)\ny = Output(4)\ny.set_to(b)\n"
    verdict = verify(model(text), property="y == b and c < 5", where="a[0] < a[1] and c != 1")
    assert verdict.text == f"proved for all {3 * 4 * 4} inputs"
    refuted = verify(model(text), property="y != 2 or c != 4", where="a[0] < a[1]")
    assert refuted.counterexample is not None
    assert refuted.counterexample.inputs == {"a": [0, 1], "b": 2, "c": 4}
    with pytest.raises(NeuralcError, match="no input fulfils `b > 3`"):
        verify(model(text), property="y == b", where="b > 3")


def test_a_program_without_inputs() -> None:
    found = model("y = Output(3)\ny.set_to(1)\n")
    assert verify(found, property="y == 1").text == "proved for all 1 inputs"
    assert "refuted by (no inputs)" in verify(found, property="y == 2").text


# ---- large domains


def test_a_large_domain_is_proved() -> None:
    found = solution(model(WIDE), {"p": 0})
    for verdict in (
        verify(found, reversed_, samples=50),
        verify(found, solution(model(WIDE), {"p": 0}), samples=50),
        verify(found, property="y[0] == x[8] and y[8] == x[0]", samples=50),
    ):
        assert str(verdict) == f"proved for all {10**9} inputs"
        assert (verdict.status, verdict.how, verdict.tested) == ("proved", "smt", 50)


def test_a_rare_mistake_on_a_large_domain_is_found() -> None:
    """One input in a thousand millions, which no sample meets."""
    found = solution(model(WIDE), {"p": 0})
    digits = [3, 1, 4, 1, 5, 9, 2, 6, 5]
    rare = " or ".join(f"x[{k}] != {digit}" for k, digit in enumerate(digits))
    verdict = verify(found, property=rare, samples=50)
    assert (verdict.status, verdict.how) == ("refuted", "smt")
    assert verdict.counterexample is not None
    assert verdict.counterexample.inputs == {"x": digits}

    def nearly(x):  # type: ignore[no-untyped-def]
        if x[0] == 3 and x[1] == 1 and x[2] == 4 and x[3] == 1 and x[4] == 5:
            return list(x)
        return list(reversed(x))

    verdict = verify(found, nearly, samples=50)
    assert verdict.counterexample is not None
    assert verdict.counterexample.inputs["x"][:5] == digits[:5]


def test_a_function_that_fails_somewhere_on_a_large_domain() -> None:
    found = solution(model(WIDE), {"p": 0})

    def failing(x):  # type: ignore[no-untyped-def]
        if x[0] == 3 and x[1] == 1 and x[2] == 4 and x[3] == 1 and x[4] == 5:
            x[0] = x[x[4] + 4]  # no such element
        return list(reversed(x))

    with pytest.raises(SourceError, match=r"has no result for x = \[3, 1, 4, 1, 5"):
        verify(found, failing, samples=50)


def test_not_decided() -> None:
    found = solution(model(WIDE), {"p": 0})
    verdict = verify(found, reversed_slowly, samples=500)
    assert str(verdict) == "not decided: tested 500 of 1000000000"
    assert (verdict.status, verdict.how) == ("undecided", "samples")
    assert verdict.note == "too many inputs to run them all, and a loop takes too many turns"
    wrong = verify(solution(model(WIDE), {"p": 1}), reversed_slowly, samples=500)
    assert wrong.status == "refuted"


def test_conditions_on_large_domains() -> None:
    found = solution(model(WIDE), {"p": 0})
    condition = "x[0] == 9 and len(x) > 2"
    some = verify(found, reversed_slowly, where=condition, samples=100, few=1000)
    assert some.text == "not decided: tested 100 of at most 1000000000"
    proved = verify(found, property="y[8] == 9", where=condition, samples=100, few=1000)
    assert (proved.status, proved.how) == ("proved", "smt")
    refuted = verify(found, property="y[8] == 9 and y[7] != 8", where=condition, samples=0, few=10)
    assert refuted.counterexample is not None
    assert refuted.counterexample.inputs["x"][:2] == [9, 8]


def test_the_seed_decides_the_samples() -> None:
    found = solution(model(WIDE), {"p": 0})
    odd = "not (x[0] == 3 and y[0] == 7 and x[4] == 5)"
    first = verify(found, property=odd, samples=5000, seed=1)
    again = verify(found, property=odd, samples=5000, seed=1)
    other = verify(found, property=odd, samples=5000, seed=2)
    assert first.status == "refuted"
    assert first.counterexample == again.counterexample != other.counterexample


def test_too_little_time() -> None:
    verdict = verify(of(INVERT), inverted, timeout=1e-9)
    assert verdict.text == "not decided: tested 0 of 243"
    assert verdict.note == "there was not enough time to run all of them"


def test_what_a_solver_finds_is_run(monkeypatch: pytest.MonkeyPatch) -> None:
    found = solution(model(WIDE), {"p": 0})
    given = {"x": np.array([[1, 2, 3, 4, 5, 6, 7, 8, 9]])}
    monkeypatch.setattr(module, "prove", lambda *question: Answer("refuted", given))
    verdict = verify(found, property="x[1] != 2 or x[2] != 3 or y[0] != 9", samples=0)
    assert (verdict.status, verdict.how) == ("refuted", "smt")
    with pytest.raises(AssertionError, match="the exact execution is right"):
        verify(found, reversed_, samples=10)


# ---- bad input


def test_a_reference_that_fails() -> None:
    def failing(initial_wires):  # type: ignore[no-untyped-def]
        return [initial_wires[1], [0][initial_wires[0]]]

    with pytest.raises(SourceError) as caught:
        verify(of(SWAP), failing)
    text = str(caught.value)
    assert "E320: `failing` has no result for initial_wires = [1, 0, 0]: the index 1" in text
    assert f"test_verify.py:{failing.__code__.co_firstlineno + 1}:" in text


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        ("initial_wires", "gives a list of 3 elements where 2 are wanted"),
        ("initial_wires[0]", "gives a number where a list of 2 elements is wanted"),
        ("[initial_wires, 0]", "gives a list where a number is wanted"),
    ],
)
def test_a_reference_of_another_shape(tmp_path: Path, returned: str, message: str) -> None:
    (tmp_path / "f.py").write_text(f"def f(initial_wires):\n    return {returned}\n")
    with pytest.raises(SourceError, match=f"E322: `f` {message}, for the output `final_wires`"):
        verify(of(SWAP), tmp_path / "f.py")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def f(wires): return wires", "E306: `wires` is no input"),
        ("def f(initial_wires): return {'final_wire': 1}", "E307: 'final_wire' is no output"),
        ("def f(initial_wires): return {}", "E307: the output 'final_wires' is missing"),
        ("x = 3", "E309: there is no function in this file"),
        ("def f(:", "E300"),
    ],
)
def test_a_reference_that_does_not_fit(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "f.py").write_text(text)
    with pytest.raises(ModelErrors, match=message):
        verify(of(SWAP), tmp_path / "f.py")


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({}, NeuralcError, "needs one claim"),
        ({"against": swapped, "property": "1"}, NeuralcError, "needs one claim"),
        ({"against": 3}, NeuralcError, "cannot be compared with 3"),
        ({"against": "nowhere.py"}, FileError, "there is no file nowhere.py"),
        ({"against": len}, FileError, "cannot be found"),
        ({"property": "final_wire[0]"}, ModelErrors, "did you mean `final_wires`"),
        ({"property": "final_wires[0"}, ModelErrors, "E300"),
        ({"property": "1", "where": "final_wires[0]"}, ModelErrors, "nothing is called `final_w"),
        ({"property": "final_wires[2]"}, SourceError, "the index 2 is out of range"),
        ({"property": "1", "where": "initial_wires[0] // 0"}, SourceError, "divides by zero"),
    ],
)
def test_bad_questions(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        verify(of(SWAP), **arguments)


def test_images_and_networks_are_declined() -> None:
    text = """
x = InputTensor(2)
@Learn([Tensor(2)], 3)
def SEE(image): pass
y = Output(3)
y.set_to(SEE(x))
"""
    with pytest.raises(Declined, match=r"input x is a Tensor\(2\): not finitely many"):
        verify(solution(model(text), {}), property="y < 3")
    text = text.replace("InputTensor(2)", "Input(2)").replace("Tensor(2)", "2")
    with pytest.raises(Declined, match="what network SEE gives is not proved"):
        verify(solution(model(text), {}), property="y < 3")


def test_the_front_door() -> None:
    verdict = nc.verify(of(BLOCK_ACCESS), accessed, where="initial_memory[0] >= 2")
    assert isinstance(verdict, nc.Verdict)
    assert verdict.text == "proved for all 1250 inputs"
    assert verdict.note == "nothing is asked of 625 other inputs"
