"""The generated code: it holds no name and no text of the model where that could do anything."""

from __future__ import annotations

import ast
import builtins
from textwrap import dedent
from typing import Any

import pytest
import torch

from neuralc.backends.soft import SoftModule, logspace, runtime
from neuralc.backends.soft import training as training_module
from neuralc.backends.soft.module import Precision
from neuralc.errors import NeuralcError
from neuralc.ir.nodes import Program
from neuralc.ir.text import read
from neuralc.learning.model import Model
from neuralc.source import Source
from tests.machines.solved import ALL, machine
from tests.random_models import random_distributions, random_program
from tests.soft.models import CHAIN, LINES, LOOK, model
from tests.soft.reference import compare

ARGUMENTS = {"params", "inputs", "networks", "constants"}
GIVEN = ARGUMENTS | {"torch", "soft"}


def allowed(node: ast.Attribute, precision: Precision) -> bool:
    """Tell whether an attribute is a public function of torch, of our runtime or of a tensor."""
    owner: Any = torch.Tensor
    if isinstance(node.value, ast.Name) and node.value.id in ("torch", "soft"):
        owner = (
            torch if node.value.id == "torch" else {"linear": runtime, "log": logspace}[precision]
        )
    return hasattr(owner, node.attr) and not node.attr.startswith("_")


def check_code(program: Program, precision: Precision = "linear") -> str:
    """Return the code; every name in it is an argument, or was made for it before it is read."""
    source = SoftModule(program, precision=precision).source
    (function,) = ast.parse(source).body
    assert isinstance(function, ast.FunctionDef)
    assert [argument.arg for argument in function.args.args] == sorted(ARGUMENTS, key=source.index)
    known = set(GIVEN)
    for statement in function.body:
        for node in ast.walk(statement):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                assert node.id in known, node.id
            elif isinstance(node, ast.Attribute):
                assert allowed(node, precision), node.attr
            else:
                assert not isinstance(node, ast.Import | ast.Lambda | ast.FunctionDef | ast.Global)
        if isinstance(statement, ast.Assign):
            (target,) = statement.targets
            assert isinstance(target, ast.Name)
            assert target.id not in known, "no name is given twice"
            known.add(target.id)
        else:
            assert isinstance(statement, ast.Return)
    return source


@pytest.mark.parametrize("precision", ["linear", "log"])
def test_the_code_of_random_programs(precision: Precision) -> None:
    for seed in range(100):
        check_code(random_program(seed), precision)


@pytest.mark.parametrize("name", ALL)
def test_the_code_of_the_machines(name: str) -> None:
    source = check_code(machine(ALL[name].machine, ALL[name].hypers).program)
    assert "    # " in source, "the lines of the model are shown"


DANGEROUS = [
    "torch", "soft", "constants", "params", "inputs", "networks", "forward", "self", "logits",
    "restarts", "eval", "open", "__import__", "__builtins__", "__class__", "__", "_", "x", "x_1",
    "s0", "e0", "g1", "backward", "é", "变量", "ﬁ", "ªº", "x٣", "_٣", "µ", "𝐱",
]  # fmt: skip


def renamed(old: dict[str, str]) -> Model:
    """Return a small model that uses every construct, with other names."""
    text = """
        @Runtime([3, 3], 3)
        def FUN(a, b): return (a + b) % 3

        PAR = Param(3)[2]
        INP = Input(3)
        VAR = Var(3)[3]
        OUT = Output(3)
        VAR[0].set_to(INP)
        for TURN in range(2):
            with PAR[TURN] as GATE:
                VAR[TURN + 1].set_to(FUN(VAR[TURN], GATE))
        OUT.set_to(VAR[2])
    """
    for name, new in old.items():
        text = text.replace(name, new)
    return Model.load(Source("model.py", dedent(text)))


@pytest.mark.parametrize("name", DANGEROUS)
@pytest.mark.parametrize("place", ["PAR", "INP", "VAR", "OUT", "FUN", "TURN", "GATE"])
def test_any_name_will_do(name: str, place: str) -> None:
    program = renamed({place: name}).program
    check_code(program)
    drawn = random_distributions(program, 0)
    params = {decl.name for decl in program.of("param")}
    choices = {e: v for e, v in drawn.items() if e[0] in params}
    compare(program, [choices], [{e: v for e, v in drawn.items() if e[0] not in params}])


def test_all_names_at_once() -> None:
    places = ["PAR", "INP", "VAR", "OUT", "FUN", "TURN", "GATE"]
    for first in range(len(DANGEROUS) - len(places)):
        names = dict(zip(places, DANGEROUS[first:], strict=False))
        program = renamed(names).program
        check_code(program)
        module = SoftModule(program)
        inputs = {decl.name: torch.tensor([1]) for decl in program.of("input")}
        (out,) = module(inputs).values()
        (-out.log()).sum().backward()
        assert module.logits.grad is not None


def test_a_name_that_no_parser_would_let_through() -> None:
    """Programs also come from other front ends, whose names may be any text."""
    evil = "x'] + open('/etc/passwd').read() #\\n\\nimport os"
    text = f"""
program "p"
param "{evil}": 2
input "a\\"b": 2
output "out\\n": 2

"out\\n" = "{evil}"
"""
    program = read(text.strip() + "\n")
    check_code(program)
    assert list(SoftModule(program)({'a"b': torch.tensor([0])})) == ["out\n"]


COMMENTS = [
    "# a plain remark",
    "# a form feed \x0c import os",
    "# a carriage return \r    import os",
    "# a line separator \u2028 import os",
    "# another \u2029\x85\x1c\x1d\x1e import os",
    "# turned \u202e round",
    '# """ \' \\',
    "# a null is no text, but a bell \x07 is",
]


@pytest.mark.parametrize("comment", COMMENTS)
def test_a_remark_stays_a_remark(comment: str) -> None:
    text = f"p = Param(3)\nx = Input(3)\ny = Output(3)  {comment}\ny.set_to(F(x, p))\n"
    text = "@Runtime([3, 3], 3)\ndef F(a, b): return (a + b) % 3\n" + text
    try:
        loaded = Model.load(Source("model.py", text))
    except NeuralcError as error:  # the front end may refuse it, in its own words
        told = str(error)
        loaded = None
    if loaded is None:
        assert "model.py" in told
        return
    source = check_code(loaded.program)
    assert "y = Output(3)" in source
    for line in source.splitlines():
        assert line.isprintable()
        assert line.startswith(("def forward(", "    "))
        assert "import os" not in line or line.startswith("    # ")


def test_the_code_can_do_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """It runs without built-in functions, also the code for training."""
    seen: list[dict[str, Any]] = []

    def watched(code: Any, scope: dict[str, Any]) -> None:
        seen.append(scope)
        builtins.exec(code, scope)

    monkeypatch.setattr(training_module, "exec", watched, raising=False)
    monkeypatch.setattr("neuralc.backends.soft.module.exec", watched, raising=False)
    for text in (LOOK, CHAIN):
        one = model(text).compile()
        inputs = {"images": torch.randn(1, *LOOKS[text]), "start": torch.tensor([1])}
        out = one({**inputs, "bit": torch.tensor([1])})
        next(iter(out.values())).sum().backward()
    assert seen
    assert all(scope["__builtins__"] == {} for scope in seen)


LOOKS = {LOOK: (3, 2, 3), CHAIN: (2, 4)}


def test_the_code_is_the_same_each_time() -> None:
    assert model(LINES, n=4).torch_source() == model(LINES, n=4).torch_source()
    assert model(LINES, n=4).torch_source("log") != model(LINES, n=4).torch_source()
