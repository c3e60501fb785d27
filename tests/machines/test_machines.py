"""The machines parse, and known solutions run right on them in the plain interpreter."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
import pytest

from neuralc import machines
from neuralc.errors import FileError
from neuralc.ir.algebras import Integers
from neuralc.ir.check import check
from neuralc.ir.evaluate import evaluate
from neuralc.ir.examples import bind
from neuralc.ir.nodes import Network
from neuralc.ir.space import log10_size
from neuralc.lang.model.listing import render, validate
from neuralc.learning.dead import chosen_elements, dead_choices
from tests.machines.solved import (
    ADD_TOP,
    ALL,
    ALM_DOUBLE,
    APPLY_RIGHT,
    ASSEMBLY_ACCESS,
    BLOCK_ACCESS,
    DECREMENT,
    INVERT,
    MAZE,
    PREPEND,
    SWAP,
    Solved,
    machine,
)


def seen(network: Network, args: Sequence[Any]) -> int:
    """Return the class of an image that is given as its class."""
    return int(args[0])


def outputs(solved: Solved, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Run a solution; images are given by their class."""
    program = machine(solved.machine, solved.hypers).program
    given = chosen_elements(program, solved.choices)
    for name, value in inputs.items():
        array = np.asarray(value)
        given |= {(name, at): int(array[at]) for at in np.ndindex(array.shape)}
    found = evaluate(program, given, Integers(seen))
    return {
        decl.name: np.array(
            [found[decl.name, at] for at in np.ndindex(decl.shape)]
        ).reshape(decl.shape).tolist()
        for decl in program.of("output")
    }  # fmt: skip


def text_of(solved: Solved) -> str:
    parsed = machine(solved.machine, solved.hypers)
    choices = {name: np.array(values) for name, values in solved.choices.items()}
    return render(parsed.program, parsed.listing, choices)


def test_names_and_paths() -> None:
    assert machines.names() == (
        "alm", "assembly", "basic_block", "circuit", "grid2x2_add", "grid2x2_apply", "math", "maze",
        "parity", "ram", "turing",
    )  # fmt: skip
    assert machines.path("turing").read_text().startswith("# A Turing machine")
    with pytest.raises(FileError, match="there is no machine 'tiring'"):
        machines.path("tiring")


@pytest.mark.parametrize("name", ALL)
def test_machines_are_well_formed_and_have_good_listings(name: str) -> None:
    parsed = machine(ALL[name].machine, ALL[name].hypers)
    assert check(parsed.program) == []
    assert parsed.warnings == ()
    assert parsed.listing is not None
    assert parsed.program.source is not None
    assert validate(parsed.program, parsed.listing, parsed.program.source) == []


def tapes(least: int, most: int) -> list[list[int]]:
    """Return all bit strings of these lengths, on tapes of 5 cells."""
    return [
        [*bits, *[2] * (5 - n)]
        for n in range(least, most + 1)
        for bits in product((0, 1), repeat=n)
    ]


def inverted(tape: list[int]) -> list[int]:
    return [(1, 0, 2)[x] for x in tape]


def prepended(tape: list[int]) -> list[int]:
    return [0, *tape[:4]]


def decremented(tape: list[int]) -> list[int]:
    bits = tape[: tape.index(2)]
    number = int("".join(map(str, bits)), 2) - 1
    return [*map(int, f"{number:0{len(bits)}b}"), *tape[len(bits) :]]


@pytest.mark.parametrize(
    ("solved", "function", "cases"),
    [
        (INVERT, inverted, tapes(0, 4)),
        (PREPEND, prepended, tapes(0, 4)),
        (DECREMENT, decremented, [t for t in tapes(1, 4) if 1 in t and t[1:4] != [0, 0, 0]]),
    ],
)
def test_turing(
    solved: Solved, function: Callable[[list[int]], list[int]], cases: list[list[int]]
) -> None:
    for tape in cases:
        found = outputs(solved, {"initial_tape": tape})
        assert found == {"final_is_halted": 1, "final_tape": function(tape)}, tape


def test_turing_that_has_not_halted() -> None:
    found = outputs(INVERT, {"initial_tape": [0, 0, 0, 0, 0]})
    assert found == {"final_is_halted": 0, "final_tape": [1, 1, 1, 1, 1]}


def test_alm_calls_and_is_trapped() -> None:
    inputs = {"initial_line": 1, "initial_registers": [3, 1], "initial_memory": [2, 1],
              "initial_stack": [0], "initial_height": 0}  # fmt: skip
    found = outputs(ALM_DOUBLE, inputs)
    assert (found["final_registers"], found["final_memory"]) == ([2, 1], [2, 1])
    assert (found["final_ended"], found["steps"]) == (1, 5)
    full = outputs(ALM_DOUBLE, {**inputs, "initial_height": 1})
    assert (full["final_ended"], full["steps"]) == (2, 1)
    empty = outputs(ALM_DOUBLE, {**inputs, "initial_line": 3})
    assert (empty["final_registers"], empty["final_ended"]) == ([2, 1], 2)


def test_circuit_swaps() -> None:
    for a, b, c in product((0, 1), repeat=3):
        assert outputs(SWAP, {"initial_wires": [a, b, c]}) == {"final_wires": [b, a]}


@pytest.mark.parametrize(
    ("gate", "table"), [(0, "0001"), (1, "0111"), (2, "0110"), (3, "1100"), (4, "0011")]
)
def test_gates(gate: int, table: str) -> None:
    choices = {"gate": [gate], "in1": [0], "in2": [1], "out": [0]}
    one = Solved("circuit", {"numGates": 1, "numWires": 2, "numOutputs": 1}, choices)
    found = [
        outputs(one, {"initial_wires": wires})["final_wires"] for wires in product((0, 1), repeat=2)
    ]
    assert "".join(str(bit) for (bit,) in found) == table


def memories(seed: int, count: int) -> list[list[int]]:
    rng = np.random.default_rng(seed)
    return [[int(rng.integers(4)), *rng.integers(5, size=4).tolist()] for _ in range(count)]


def test_basic_block_access() -> None:
    for memory in memories(0, 40):
        found = outputs(BLOCK_ACCESS, {"initial_memory": memory})
        wanted = [memory[memory[0] + 1], *memory[1:]]
        assert found == {"final_is_halted": 1, "final_memory": wanted}, memory


def test_assembly_access() -> None:
    jump_needs_zero = [m for m in memories(1, 40) if m[0] < 4]
    for memory in jump_needs_zero:
        found = outputs(ASSEMBLY_ACCESS, {"initial_envMemory": memory})
        after = [memory[memory[0] + 1], *memory[1:]]
        wanted = {"final_block": 0, "final_envMemory_0": after[0], "final_envMemory": after}
        assert found == wanted, memory


@pytest.mark.parametrize(
    ("instruction", "a", "b", "result"),
    [(1, 3, 2, 0), (2, 4, 2, 0), (3, 0, 2, 4), (4, 3, 4, 2), (5, 1, 3, 3), (6, 1, 3, 1),
     (6, 3, 3, 0)],
)  # fmt: skip
def test_arithmetic_of_both_register_machines(
    instruction: int, a: int, b: int, result: int
) -> None:
    # memory: a at 0, b at 1; r0 = 0, r1 = 1; read both, compute into r0, write it to cell r2 = 0
    hypers = {"maxInt": 5, "numBlocks": 5, "numRegisters": 3, "numTimesteps": 5}
    block = {
        "instructions": [0, 4, 2, 2, instruction + 2, 1],
        "arg1Reg": [0, 1, 1, 0, 0, 2],
        "arg2Reg": [0, 0, 0, 0, 1, 0],
        "outReg": [0, 1, 1, 0, 0, 0],
        "condReg": [0] * 6,
        "thenBlock": [0, 2, 3, 4, 5, 0],
        "elseBlock": [0, 2, 3, 4, 5, 0],
    }
    found = outputs(Solved("basic_block", hypers, block), {"initial_memory": [a, b, 2, 3, 4]})
    assert found == {"final_is_halted": 1, "final_memory": [result, b, 2, 3, 4]}
    const = {f"const_{name}": value for name, value in hypers.items()}
    line = {
        "instructions": [2, 0, 0, instruction, 7],
        **{name: block[name][1:] for name in ("arg1Reg", "arg2Reg", "outReg")},
        "branchAddr": [0] * 5,
    }
    found = outputs(Solved("assembly", const, line), {"initial_envMemory": [a, b, 2, 3, 4]})
    after = [result, b, 2, 3, 4]
    wanted = {"final_block": 0, "final_envMemory_0": result, "final_envMemory": after}
    assert found == wanted


@pytest.mark.parametrize(
    ("instruction", "cell", "ends"), [(8, 0, 0), (8, 1, 2), (9, 0, 2), (9, 1, 0)]
)
def test_jumps(instruction: int, cell: int, ends: int) -> None:
    # line 1 reads cell 0, line 2 jumps to the end, line 3 jumps to line 2 on r1 = 0
    hypers = {"const_maxInt": 2, "const_numRegisters": 2, "const_numTimesteps": 3}
    choices = {
        "instructions": [0, instruction, 8],
        "arg1Reg": [1, 0, 1],
        "arg2Reg": [0, 0, 0],
        "outReg": [0, 0, 0],
        "branchAddr": [0, 0, 2],
    }
    loop = Solved("assembly", {**hypers, "const_numBlocks": 3}, choices)
    assert outputs(loop, {"initial_envMemory": [cell, 1]})["final_block"] == ends


def test_add_top() -> None:
    for images in np.random.default_rng(0).integers(10, size=(40, 4)).tolist():
        assert outputs(ADD_TOP, {"images": images}) == {"result": images[0] + images[1]}


@pytest.mark.parametrize(
    ("moves", "cells"),
    [
        ([1, 2, 3, 4], [0, 0, 1, 3, 2]),
        ([4, 3, 2, 1], [0, 0, 2, 3, 1]),
        ([2, 2, 3, 3], [0, 1, 1, 3, 3]),
        ([3, 1, 4, 0], [0, 2, 0, 0, None]),
    ],
)
def test_moves_on_the_grid(moves: list[int], cells: list[int | None]) -> None:
    images = [5, 6, 7, 8]
    for ret, cell in enumerate(cells):
        choices = {"instr": moves, "arg1": [0] * 4, "arg2": [0] * 4, "ret": ret}
        found = outputs(Solved("grid2x2_add", ADD_TOP.hypers, choices), {"images": images})
        assert found == {"result": 0 if cell is None else images[cell]}


def applied(a: int, op: int, b: int) -> int:
    if op == 3:
        return a // b if b else 18
    return ((a + b) % 19, (a - b) % 19, (a * b) % 19)[op]


def test_apply_right() -> None:
    rng = np.random.default_rng(0)
    for _ in range(60):
        d1, d2, d3 = rng.integers(10, size=3).tolist()
        images = rng.integers(4, size=4).tolist()
        found = outputs(APPLY_RIGHT, {"images": images, "d1": d1, "d2": d2, "d3": d3})
        assert found == {"result": applied(applied(d1, images[1], d2), images[3], d3)}


def test_maze() -> None:
    # 0 stop, 1 up, 2 right, 3 down, 4 left
    signs = [[2, 2, 2, 2, 3], [1, 0, 4, 4, 4], [1, 1, 1, 1, 1]]
    for start, length, end in (((4, 0), 4, (1, 1)), ((1, 0), 7, (1, 1)), ((1, 1), 0, (1, 1))):
        given = {"img_grid": signs, "init_X": start[0], "init_Y": start[1]}
        found = outputs(MAZE, given)
        assert found == {"final_X": end[0], "final_Y": end[1], "path_len": length}


GOLDEN = {
    "invert": """\
state 1, reads 0: write 1, move right, go to state 1
state 1, reads 1: write 0, move right, go to state 1
state 1, reads blank: write blank, stay, halt""",
    "swap": """\
gate 0: w0 = XOR(w0, w1)
gate 1: w1 = XOR(w0, w1)
gate 2: w0 = XOR(w0, w1)""",
    "block_access": """\
block 1: r1 = READ(r0); goto 2
block 2: r1 = INC(r1); if r1 > 0 goto 3 else goto halt
block 3: r1 = READ(r1); goto 4
block 4: WRITE(r0, r1); goto halt""",
    "assembly_access": """\
line 1: r1 = READ(r0)
line 2: r1 = INC(r1)
line 3: r1 = READ(r1)
line 4: WRITE(r0, r1)
line 5: if r0 == 0 goto halt""",
    "add_top": """\
# initialization:
R0 = READ
# program:
R1 = MOVE_EAST
R2 = ADD(R0, R1)
R3 = NOOP
R4 = NOOP
return R2""",
    "apply_right": """\
# initialization:
R0 = d1
R1 = d2
R2 = d3
R3 = net_0(READ)
# program:
R4 = net_1(MOVE_EAST)
R5 = APPLY(R0, R1, R4)
R6 = net_1(MOVE_SOUTH)
R7 = APPLY(R5, R2, R6)
return R7""",
    "maze": """\
line 0: LOOK, goto 1
line 1: MOVE, goto 2
line 2: INC, goto 0""",
}


@pytest.mark.parametrize("name", GOLDEN)
def test_listings(name: str) -> None:
    assert text_of(ALL[name]) == GOLDEN[name]


def test_what_does_not_matter_is_marked() -> None:
    parsed = machine(APPLY_RIGHT.machine, APPLY_RIGHT.hypers)
    examples = bind(
        parsed.program,
        [
            {"images": np.full((4, 8, 8), k % 4), "d1": k, "d2": k + 1, "d3": 3, "result": None}
            for k in range(6)
        ],
    )
    choices = {name: np.array(values) for name, values in APPLY_RIGHT.choices.items()}

    def classes(network: Network, args: Sequence[Any]) -> int:
        return int(args[0][0, 0])

    dead = dead_choices(parsed.program, choices, examples, classes)
    text = render(parsed.program, parsed.listing, choices, None, dead.__contains__)
    assert [line for line in text.splitlines() if "dead" in line] == ["R3 = net_0(READ)  # dead"]
    assert ("arg1", (0,)) in dead
    assert ("arg1", (1,)) not in dead


SIZES = [  # log10 of the number of programs, and what the papers say
    ("turing", INVERT.hypers, 4),
    ("turing", PREPEND.hypers, 9),
    ("turing", DECREMENT.hypers, 9),
    ("circuit", {"numGates": 4, "numWires": 4, "numOutputs": 2}, 10),
    ("circuit", {"numGates": 5, "numWires": 4, "numOutputs": 2}, 13),
    ("circuit", {"numGates": 8, "numWires": 5, "numOutputs": 3}, 22),
    ("basic_block", BLOCK_ACCESS.hypers, 14),
    ("basic_block", {**BLOCK_ACCESS.hypers, "numBlocks": 5}, 19),
    ("assembly", ASSEMBLY_ACCESS.hypers, 13),
    ("assembly", {**ASSEMBLY_ACCESS.hypers, "const_numBlocks": 7}, 20),
    ("assembly", {**ASSEMBLY_ACCESS.hypers, "const_numBlocks": 10}, 29),
    ("grid2x2_add", ADD_TOP.hypers, 7),
]


@pytest.mark.parametrize(("name", "hypers", "wanted"), SIZES)
def test_sizes_of_the_spaces_are_those_of_the_papers(
    name: str, hypers: dict[str, int], wanted: int
) -> None:
    assert round(log10_size(machine(name, hypers).program)) == wanted


@pytest.mark.parametrize(
    ("solved", "instance"),
    [
        (BLOCK_ACCESS, {"initial_memory": [1, 4, 2, 1, 0], "final_memory": [2, 4, 2, 1, 0],
                        "final_is_halted": 1}),
        (ASSEMBLY_ACCESS, {"initial_envMemory": [1, 4, 2, 1, 0], "final_envMemory_0": 2,
                           "final_block": 0}),
        (SWAP, {"initial_wires": [0, 1, 0], "final_wires": [1, 0]}),
        (INVERT, {"initial_tape": [1, 1, 0, 1, 2], "final_tape": [0, 0, 1, 0, 2],
                  "final_is_halted": 1}),
    ],
)  # fmt: skip
def test_published_data_fit(solved: Solved, instance: dict[str, Any]) -> None:
    assert bind(machine(solved.machine, solved.hypers).program, [instance]).count == 1


@pytest.mark.parametrize(
    ("solved", "names"),
    [
        (INVERT, "write dir newState"),
        (SWAP, "gate in1 in2 out"),
        (BLOCK_ACCESS, "instructions thenBlock elseBlock arg1Reg arg2Reg outReg condReg"),
    ],
)
def test_choices_are_those_of_the_published_models(solved: Solved, names: str) -> None:
    program = machine(solved.machine, solved.hypers).program
    assert [decl.name for decl in program.of("param")] == names.split()
