"""From weights to a listing: it compiles to the same weights again, and says what is not sure."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch

from neuralc import routines
from neuralc.inspect.disassemble import Disassembly, disassemble
from neuralc.ir.assembly import OPERATIONS, Assembly
from neuralc.lang import asm
from neuralc.nn.machine import RegisterMachine
from neuralc.nn.weights import SHARP, write
from neuralc.source import Source
from tests.nn.programs import random_program, randomise

LISTK = """\
var node = 0
var count = 1
var out = 2
var arrived = @end
var zero = 0
var again = @loop
var junk = ?
      count = READ count
      out = READ out
loop: node = READ node
      count = DEC count
      junk = JEZ count arrived
      junk = JEZ zero again
end:  node = INC node
      node = READ node
      junk = WRITE out node
      junk = STOP
"""


def parsed(text: str) -> Assembly:
    return asm.parse(Source("text.asm", text))


def machine_of(program: Assembly, memory: int, sharpness: float = SHARP) -> RegisterMachine:
    return write(RegisterMachine(memory, len(program.registers)), program, sharpness=sharpness)


@pytest.fixture
def listk() -> RegisterMachine:
    return machine_of(parsed(LISTK), 20, 30.0)


def logits(machine: RegisterMachine, name: str, *place: int, **values: float) -> None:
    """Set a row: `r3=8.0` for register 3, `ADD=8.0`, `v5=8.0` for the value 5; the rest is 0."""
    with torch.no_grad():
        row = machine.weights()[name][(0, *place)]
        row.zero_()
        for value, logit in values.items():
            row[OPERATIONS.index(value) if value in OPERATIONS else int(value[1:])] = logit


def remark(found: Disassembly, line: int) -> str:
    """Return what is said behind a line of the listing."""
    row = next(row for row in found.text.splitlines() if re.match(rf" *{line}:", row))
    return row.partition("  # ")[2]


# ---- back to the same weights


@pytest.mark.parametrize("name", routines.names())
@pytest.mark.parametrize("sharpness", [3.0, SHARP])
def test_routines_and_back(name: str, sharpness: float) -> None:
    program = parsed(routines.path(name).read_text("utf-8"))
    machine = machine_of(program, asm.smallest_memory(program) + 3, sharpness)
    found = disassemble(machine, names=program)
    again = machine_of(parsed(found.text), machine.memory, sharpness)
    for weight, other in zip(machine.weights().values(), again.weights().values(), strict=True):
        assert torch.equal(weight, other)
    assert (found.kind == 1, found.confidence == 1.0) == ((sharpness == SHARP,) * 2)
    assert found.assembly.lines == program.lines


@pytest.mark.parametrize("seed", range(40))
def test_random_programs_and_back(seed: int) -> None:
    rng = np.random.default_rng(seed)
    memory, registers = int(rng.integers(2, 9)), int(rng.integers(1, 6))
    lines = int(rng.integers(1, memory + 1))
    program = random_program(rng, memory, registers, lines=lines, any_value=seed % 4 * 0.3)
    sharpness = [0.5, 4.0, SHARP][seed % 3]
    machine = RegisterMachine(memory, registers + seed % 2)  # with a register to spare, or none
    write(machine, program, sharpness=sharpness)
    found = disassemble(machine)
    again = machine_of(parsed(found.text), memory, sharpness)
    for weight, other in zip(machine.weights().values(), again.weights().values(), strict=True):
        assert torch.equal(weight, other)


@pytest.mark.parametrize("seed", range(20))
def test_any_weights_give_a_listing(seed: int) -> None:
    machine = randomise(RegisterMachine(6, 3, restarts=2), seed, 3.0)
    found = disassemble(machine, 1)
    program = parsed(found.text)
    assert (program.lines, program.registers) == (found.assembly.lines, found.assembly.registers)
    assert program.start == found.assembly.start
    assert found.kind == 3
    assert 0 < found.confidence < 0.9


# ---- the three types


def test_type_1(listk: RegisterMachine) -> None:
    found = disassemble(listk, names=parsed(LISTK))
    assert (found.kind, found.doubts) == (1, ())
    assert found.confidence > 0.999
    assert "loop:" in found.text
    assert remark(found, 4) == "JEZ count arrived"


def test_type_2_prints_a_chain(listk: RegisterMachine) -> None:
    logits(listk, "second", 4, r3=8.0, r5=7.2)
    found = disassemble(listk, names=parsed(LISTK))
    assert found.kind == 2
    assert [doubt.place for doubt in found.doubts] == ["line 4: second"]
    assert found.confidence == pytest.approx(dict(found.doubts[0].values)["r3"])
    assert remark(found, 4) == "JEZ count arrived; second r3 0.69, r5 0.31"
    rows = found.text.splitlines()
    place = next(k for k, row in enumerate(rows) if row.startswith("4:"))
    assert rows[place + 1 : place + 4] == [
        "    # if r1 == 0:",
        "    #   if chance 0.69: go to 6 (end)",
        "    #   elif chance 0.31: go to 2 (loop)",
    ]


def test_type_2_by_a_start_value(listk: RegisterMachine) -> None:
    logits(listk, "initial_registers", 3, v6=9.0, v7=9.0, v8=5.0)
    found = disassemble(listk)
    assert found.kind == 2
    assert "var r3 = 6  # - 6 0.49, 7 0.49" in found.text
    assert "    #   if chance 0.49: go to 6\n    #   elif chance 0.49: go to 7\n" in found.text


def test_type_2_where_the_destination_is_computed(listk: RegisterMachine) -> None:
    logits(listk, "second", 5, r5=9.0, r6=8.0)  # r6 is what JEZ and WRITE write to
    found = disassemble(listk)
    assert found.kind == 2
    assert "go to the line in r5" in found.text
    assert "go to the line in r6" in found.text


@pytest.mark.parametrize(
    ("name", "place", "row", "said"),
    [
        ("instruction", (3,), {"DEC": 9.0, "SUB": 8.0}, "DEC 0.73, SUB 0.27"),
        ("first", (3,), {"r1": 9.0, "r5": 9.5}, "first r5 0.62, r1 0.38"),
        ("target", (6,), {"r0": 9.0, "r1": 8.5, "r2": 8.5}, "target - r0 0.45, r1 0.27, r2 0.27"),
        ("second", (8,), {"r0": 9.0, "r5": 8.0}, "second r0 0.73, r5 0.27"),
        ("instruction", (9,), {"STOP": 9.0, "INC": 8.0}, "STOP 0.73, INC 0.27"),
    ],
)
def test_type_3(
    listk: RegisterMachine, name: str, place: tuple[int], row: dict[str, float], said: str
) -> None:
    logits(listk, name, *place, **row)
    found = disassemble(listk)
    assert found.kind == 3
    assert remark(found, place[0]) == said


def test_what_is_certain_can_be_chosen(listk: RegisterMachine) -> None:
    logits(listk, "second", 8, r0=9.0, r5=8.0)
    assert [disassemble(listk, certain=p).kind for p in (0.99, 0.74, 0.73)] == [3, 3, 1]


def test_type_3_by_the_start(listk: RegisterMachine) -> None:
    logits(listk, "initial_registers", 2, v2=9.0, v3=8.0)
    assert "var r2 = 2  # 2 0.73, 3 0.27\n" in disassemble(listk).text
    logits(listk, "initial_line", v0=9.0, v4=8.0)
    found = disassemble(listk)
    assert found.text.startswith("# first line 0 0.73, 4 0.27\n")
    assert found.kind == 3
    logits(listk, "initial_registers", 2)
    assert "var r2 = ?  # any\n" in disassemble(listk).text


# ---- only what matters counts


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("second", (0,)),  # READ looks at one register only
        ("target", (4,)),  # all that JEZ may write to is read by nobody
        ("initial_registers", (6,)),  # a register that is never read
        ("first", (9,)),  # STOP looks at nothing
        ("target", (9,)),
        ("instruction", (12,)),  # behind the program
    ],
)
def test_what_does_not_matter(listk: RegisterMachine, name: str, place: tuple[int]) -> None:
    if (name, place) == ("target", (4,)):
        logits(listk, name, *place, r3=9.0, r6=9.0)
        logits(listk, "second", 4, r5=30.0)  # so that nobody needs r3
    else:
        logits(listk, name, *place)
    found = disassemble(listk)
    assert (found.kind, found.doubts) == (1, ())


def test_overwritten_and_skipped() -> None:
    """Start values that are overwritten, lines behind a jump that is always taken, idle lines."""
    program = parsed("""\
var r0 = 0
var r1 = 3
var r2 = ?
0: r2 = READ r0
1: r0 = ZERO
2: _ = JEZ r0 r1
3: r2 = WRITE r0 r2
4: r1 = ADD r0 r0
5: STOP
""")
    machine = machine_of(program, 8, 30.0)
    logits(machine, "instruction", 4, ADD=9.0, SUB=9.0)  # its result is never read
    assert disassemble(machine).kind == 3, "the jump writes to any register"
    logits(machine, "target", 2, r0=30.0)
    assert disassemble(machine).kind == 1

    jump = parsed("var r0 = 0\nvar r1 = 3\n_ = JEZ r0 r1\nr0 = ADD r0 r0\nr0 = INC r1\nSTOP\n")
    machine = machine_of(jump, 6, 30.0)
    logits(machine, "target", 0, r0=30.0)
    logits(machine, "instruction", 1)
    assert disassemble(machine).kind == 3, "r0 might not be 0 for all that is known"
    program = parsed(
        "var r0 = 0\nvar r1 = 3\nvar r2 = 0\nr2 = JEZ r0 r1\nr0 = ADD r0 r0\nr0 = INC r1\nSTOP\n"
    )
    machine = machine_of(program, 6, 30.0)
    logits(machine, "instruction", 1)
    assert disassemble(machine).kind == 1, "nobody writes r0: the jump is always taken"


def test_a_computed_jump_may_lead_anywhere() -> None:
    text = "var r0 = 0\nvar r1 = 2\nvar r2 = 0\nr1 = ADD r1 r0\nr2 = JEZ r0 r1\nr0 = INC r0\nSTOP\n"
    machine = machine_of(parsed(text), 6, 30.0)
    assert disassemble(machine).kind == 1
    logits(machine, "instruction", 2, STOP=9.0, INC=8.0)
    assert disassemble(machine).kind == 3
