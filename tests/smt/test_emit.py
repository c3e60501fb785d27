"""SMT-LIB 2 text: z3 reads it, and what it finds there is right by plain execution."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import z3
from click.testing import CliRunner, Result

from fuzz.case import draw, name_of
from neuralc.backends.smt.emit import smt2
from neuralc.cli import group
from neuralc.ir.space import open_choices
from tests import solver_checks
from tests.solver_tasks import task

ALLOWED = {
    "set-option", "set-logic", "declare-const", "define-fun", "assert", "check-sat", "get-model",
    "let", "ite", "and", "or", "not", "=", "_", "BitVec", "bvadd", "bvsub", "bvult", "bvule",
    "extract", "zero_extend", "sign_extend", "concat", "QF_BV",
}  # fmt: skip


def solved(text: str) -> dict[str, int] | None:
    """Return the number of each unknown that z3 finds for a text; None: there are none."""
    context = z3.Context()  # definitions of texts that were read before would show in the model
    solver = z3.SolverFor("QF_BV", ctx=context)
    solver.add(z3.parse_smt2_string(text, ctx=context))
    answer = solver.check()
    assert answer != z3.unknown
    if answer == z3.unsat:
        return None
    model = solver.model()
    unknown = re.findall(r"\(declare-const \|(.*?)\| \(_ BitVec (\d+)\)\)", text)
    terms = {name: z3.BitVec(name, int(bits), context) for name, bits in unknown}
    return {name: model.eval(t, model_completion=True).as_long() for name, t in terms.items()}


def test_the_text_asks_what_the_problem_asks() -> None:
    found = impossible = 0
    for one in solver_checks.problems(range(150)):
        problem = one.problem
        numbers = solved(smt2(problem.program, problem.examples))
        assert (numbers is not None) == one.right.all(axis=1).any(), problem.seed
        if numbers is None:
            impossible += 1
            continue
        choices = {d.name: np.zeros(d.shape, int) for d in problem.program.of("param")}
        for fixed in problem.program.fixed:
            choices[fixed.name][fixed.index] = fixed.value
        for name, at, _ in open_choices(problem.program):
            symbol = name_of((name, at))
            choices[name][at] = numbers.get(symbol, 0)  # one of a single value is none
        assert solver_checks.right_by_hand(problem, choices), problem.seed
        found += 1
    assert min(found, impossible) > 15


def pinned(text: str, numbers: dict[str, int], *, wrong: dict[str, int] | None = None) -> str:
    """Return a text with demands: symbols are some numbers, and one of others is not."""
    widths = dict(re.findall(r"\((?:declare-const|define-fun) \|(.*?)\| (?:\(\) )?\(_ BitVec (\d+)",
                             text))  # fmt: skip

    def same(symbol: str, number: int) -> str:
        return f"(= |{symbol}| (_ bv{number % 2 ** int(widths[symbol])} {widths[symbol]}))"

    lines = [f"(assert {same(*one)})" for one in numbers.items()]
    if wrong is not None:
        lines.append(f"(assert (not (and true {' '.join(same(*one) for one in wrong.items())})))")
    return text.replace("(check-sat)", "\n".join([*lines, "(check-sat)"]))


def test_the_program_as_definitions() -> None:
    checked = ruled_out = 0
    for seed in range(60):
        case = draw(seed)
        text, truth = smt2(case.program), case.truth[0][0]
        given = {**case.choices[0], **case.inputs[0]}
        numbers = {name_of(e): v for e, v in given.items()}
        if any(e[0].startswith("observe ") and e[1][0] != v for e, v in truth.items()):
            assert solved(pinned(text, numbers)) is None, seed
            ruled_out += 1
            continue
        results = {name_of(e): v for e, v in case.results(0, 0).items() if e in truth}
        results = {s: v for s, v in results.items() if not s.startswith("observe ")}
        assert solved(pinned(text, {**numbers, **results})) is not None, seed
        assert solved(pinned(text, numbers, wrong=results)) is None, seed
        checked += 1
    assert checked > 30
    assert ruled_out > 3


@pytest.mark.parametrize("name", ["turing-decrement", "block-access"])
def test_only_what_every_solver_reads(name: str) -> None:
    problem = task(name)
    for text in (smt2(problem.program, problem.examples), smt2(problem.program)):
        lines = [line for line in text.splitlines() if not line.startswith(";")]
        bare = re.sub(r"\|[^|]*\|", "x", "\n".join(lines))
        words = set(re.findall(r"\(\s*([^\s()]+)", bare))
        names = re.compile(r"x|[at]!\d+")  # of the program, of `let`, of our own
        assert {word for word in words if not names.fullmatch(word)} <= ALLOWED


def test_it_can_be_read() -> None:
    problem = task("turing-invert")
    lines = smt2(problem.program, problem.examples).splitlines()
    assert lines[0].startswith("; turing with numTapeSymbols = 3, numHeadStates = 2")
    assert "(declare-const |write[1, 0]| (_ BitVec 2))" in lines
    assert "(assert (bvult |write[1, 0]| #b11))" in lines
    assert any(line.startswith("; example 0: initial_tape = [") for line in lines)
    assert any(line.startswith("(define-fun |example 0: tape[2, 1]| ()") for line in lines)
    assert lines[-2:] == ["(check-sat)", "(get-model)"]


# ---- the command


MODEL = """\
n = Hyper()
c = Param(n)
x = Input(n)
y = Output(n)
@Runtime([n, n], n)
def ADD(a, b): return (a + b) % n
y.set_to(ADD(x, c))
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "m.py").write_text(MODEL)
    (tmp_path / "h.json").write_text(json.dumps({"five": {"n": 5}, "two": {"n": 2}}))
    batches = [{"batch_name": "train", "hypers": "five", "instances": [{"x": 1, "y": 4}]}]
    (tmp_path / "d.json").write_text(json.dumps(batches))
    return tmp_path


def compiled(options: str) -> Result:
    return CliRunner().invoke(group, ["compile", "m.py", "--hypers", "h.json", *options.split()])


@pytest.mark.usefixtures("folder")
def test_the_command_with_data() -> None:
    done = compiled("--emit smt2 --data d.json")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.startswith("; m with n = 5\n")
    assert solved(done.stdout) == {"c": 3}


@pytest.mark.usefixtures("folder")
def test_the_command_without_data(folder: Path) -> None:
    done = compiled("--emit smt2 --set two --out m.smt2")
    assert (done.exit_code, done.stdout) == (0, "written to m.smt2\n")
    text = (folder / "m.smt2").read_text()
    assert solved(pinned(text, {"x": 1, "y": 0})) == {"x": 1, "c": 1}


@pytest.mark.usefixtures("folder")
def test_data_are_for_smt2_only() -> None:
    done = compiled("--set two --data d.json")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "--emit torch takes no examples" in done.stderr
