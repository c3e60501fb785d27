"""The comparison of executions: all are right, and a wrong one is found and made small."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fuzz.executions
from fuzz import models, solve, symbolic
from fuzz.__main__ import main
from fuzz.case import Case, Mismatch, agree, case_of, draw
from fuzz.coverage import CONSTRUCTS, constructs
from fuzz.examine import Counts, batch, examine, failure
from fuzz.executions import EXECUTIONS, Execution, chosen
from fuzz.shrink import shrink
from neuralc.backends import sat
from neuralc.backends.base.problem import Candidate, Outcome, Problem, Report
from neuralc.backends.sat.clauses import Clauses, Direct
from neuralc.errors import Declined
from neuralc.ir.algebras import Integers
from neuralc.ir.evaluate import evaluate
from neuralc.ir.nodes import Call, Set, Table, walk
from neuralc.ir.text import read

ROOT = Path(__file__).parent.parent.parent
QUICK = [one for one in EXECUTIONS if one.name != "exact-jit"]


# ---- all executions agree


@pytest.mark.parametrize("block", range(4))
def test_all_executions_agree(block: int) -> None:
    counts = batch(range(15 * block, 15 * (block + 1)), QUICK)
    assert not counts.findings, counts.findings[0]
    assert counts.programs == 15
    assert all(counts.run[one.name] == 15 for one in QUICK if one.every == 1)


def test_every_construct_is_drawn() -> None:
    drawn = set[str]().union(*(constructs(draw(seed).program) for seed in range(400)))
    assert drawn == set(CONSTRUCTS)


def test_the_same_seed_draws_the_same() -> None:
    assert draw(7).text() == draw(7).text() != draw(8).text()


# ---- wrong executions


class WrongTables(Integers):
    def apply(self, table: Table, args: Sequence[int]) -> int:
        found = super().apply(table, args)
        return (found + 1) % table.size if len(args) == 2 else found


def wrong(case: Case) -> None:
    """An execution in which functions of two values are wrong."""
    for p, choices in enumerate(case.choices):
        for e, inputs in enumerate(case.inputs):
            found = evaluate(case.program, {**choices, **inputs}, WrongTables())
            agree(found, case.results(p, e), f"choices {p}, inputs {e}")


def crashing(case: Case) -> None:
    if any(isinstance(s, Set) and isinstance(s.value, Call) for s in walk(case.program.body)):
        raise ZeroDivisionError("a call")


WRONG, CRASHING = Execution("wrong", 1, wrong), Execution("crashing", 1, crashing)


@pytest.mark.parametrize(("execution", "kind"), [(WRONG, "Mismatch"), (CRASHING, "ZeroDivision")])
def test_a_wrong_execution_is_found_and_made_small(execution: Execution, kind: str) -> None:
    counts = batch(range(20), [execution])
    assert len(counts.findings) > 5
    for finding in counts.findings[:3]:
        assert finding.kind.startswith(kind)
        case = draw(finding.seed)
        small, found = shrink(case, finding, execution)
        assert found.kind == finding.kind
        assert failure(small, execution) == found
        assert len(walk(small.program.body)) <= 5
        assert len(small.choices) == len(small.inputs) == 1
        others = [failure(small, one) for one in QUICK]  # kernels want something to learn
        assert {other.kind for other in others if other} <= {"Declined"}, others


class Loose(Clauses):
    """Forgets the last arm of every choice: the result may be anything there."""

    def _chosen(
        self, selectors: Sequence[Direct], arms: Mapping[tuple[int, ...], Direct]
    ) -> Direct:
        if len(arms) < 2:
            return super()._chosen(selectors, arms)
        last = next(reversed(arms))
        result = super()._chosen(selectors, {k: arm for k, arm in arms.items() if k != last})
        more = {k: self.literal() for k in arms[last] if k not in result}
        return dict(sorted({**result, **more}.items()))


class Strict(Clauses):
    """Forbids the last number of every unknown."""

    def unknown(self, name: str, size: int) -> Direct:
        found = super().unknown(name, size)
        if size > 1:
            self.add(-found[size - 1])
        return found


class Shifted(Clauses):
    """Known functions of known numbers give the next number."""

    def apply(self, function: Any, args: Sequence[Direct]) -> Direct:
        found = super().apply(function, args)
        known = function.table is not None and all(len(arg) == 1 for arg in args)
        return {(k + 1) % function.table.size: v for k, v in found.items()} if known else found


@pytest.mark.parametrize(
    ("terms", "message"),
    [(Loose, "a model has|in the model of"), (Strict, "no model"), (Shifted, "constants")],
)
def test_a_wrong_encoding_is_found(terms: type[Clauses], message: str) -> None:
    class Broken(models.Sat):
        def __init__(self) -> None:
            super().__init__()
            self.terms = terms()

    check = partial(symbolic.check, new=Broken, pairs=6)
    found = [failure(draw(seed), Execution("broken", 1, check)) for seed in range(10)]
    assert sum(one is not None for one in found) > 5
    with pytest.raises(Mismatch, match=message):
        check(draw(next(one.seed for one in found if one is not None)))


PROGRAM = """
program "small"
table inc(3) -> 3 = 1 2 0
param k: 3[2] limits 3 2
input x: 3
output y: 3[2]
fix k[1] = 1
switch k[0] of 3:
    case 0:
        y[0] = x
    case 1:
        y[0] = inc(x)
    case 2:
        y[0] = k[1]
y[1] = inc(x)
"""


def impossible(problem: Problem, report: Report) -> Outcome:
    return Outcome("impossible")


def giving_up(problem: Problem, report: Report) -> Outcome:
    return Outcome("unknown", note="tired")


def found(choices: list[int], right: int = 3) -> Any:
    def answer(problem: Problem, report: Report) -> Outcome:
        return Outcome("found", Candidate({"k": np.array(choices)}, right))

    return answer


def lying_core(problem: Problem, report: Report) -> Outcome:
    outcome = sat.solve(problem, report)
    return Outcome("impossible", None, outcome.core[:1]) if outcome.core else outcome


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (impossible, "impossible, but right is"),
        (found([2, 1]), "but wrong on"),
        (found([0, 1], right=2), "said to be right on 2 of 3"),
        (found([0, 0]), "not allowed"),
        (found([3, 1]), "not allowed"),
    ],
)
def test_a_wrong_answer_of_a_solver_is_found(answer: Any, message: str) -> None:
    case = case_of(read(PROGRAM), 0)
    case = Case(case.program, ({("k", (0,)): 0, ("k", (1,)): 1},), case.inputs)
    solve.check(case, sat.solve)
    with pytest.raises(Mismatch, match=message):
        solve.check(case, answer)


def test_a_wrong_reason_of_a_solver_is_found() -> None:
    found = [failure(draw(seed), Execution("lying", 1, partial(solve.check, solve=lying_core)))
             for seed in range(60)]  # fmt: skip
    messages = [one.message for one in found if one is not None and one.kind == "Mismatch"]
    assert any("alone is" in message for message in messages)


def test_what_gives_up_or_declines_is_counted() -> None:
    def declining(case: Case) -> None:
        raise Declined("this", ["no time"])

    counts, case = Counts(), case_of(read(PROGRAM), 0)
    examine(case, Execution("tired", 1, partial(solve.check, solve=giving_up)), counts)
    examine(case, Execution("shy", 1, declining), counts)
    assert (counts.gave_up["tired"], counts.declined["shy"]) == (1, 1)
    assert not counts.run
    assert not counts.findings


# ---- the command


def test_names_of_executions() -> None:
    found = [(one.name, one.every) for one in chosen("soft-log,exact")]
    assert found == [("soft-log", 1), ("exact", 1)]
    with pytest.raises(ValueError, match="no execution 'sof'; there are plain"):
        chosen("sof")


def test_the_command_says_what_is_wrong(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["10", "--only", "wrong"]) == 2
    monkeypatch.setattr(fuzz.executions, "EXECUTIONS", (WRONG,))
    assert main(["10", "--processes", "1"]) == 1
    output = capsys.readouterr().out
    assert "again by: python -m fuzz 1 --seed" in output
    small = output.split("--- made smaller")[1]
    assert "choices 0: " in small
    assert ": found" in small


def test_the_command_in_two_processes() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "fuzz", "25", "--seed", "3", "--only", "text"], cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert "25 programs in" in ran.stdout
    assert ": 0 mismatches" in ran.stdout
