"""One slice of what a time loop carries, and loops left early: only where nothing can tell."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neuralc.backends.exact import Executor, source
from neuralc.backends.exact import slices as proofs
from neuralc.backends.exact.arithmetic import _counts
from neuralc.backends.exact.gather import gathered
from neuralc.backends.exact.slices import slices
from neuralc.backends.search.emit import Lazy
from neuralc.backends.search.space import Space
from neuralc.ir.check import check as mistakes
from neuralc.ir.nodes import (
    Body,
    Call,
    Case,
    Decl,
    For,
    Gate,
    If,
    Int,
    Num,
    Observe,
    Op,
    Program,
    Set,
    Switch,
    Sym,
    walk,
)
from neuralc.learning.model import Model
from tests.exact.reference import check
from tests.exact.time_loops import time_loop
from tests.exact.turing import loop, put, ref, table, turing

LATER = Op("+", (Sym("t"), Num(1)))
INC = table("INC", (3,), 3, lambda a: (a + 1) % 3)
START = loop("r", 3, put(ref("a", 0, "r"), ref("i", "r")))
END = loop("r", 3, put(ref("o", "r"), ref("a", 4, "r")))
COPY = put(ref("a", LATER, "r"), ref("a", "t", "r"))
DECLS = (
    Decl("i", "input", Int(3), (3,)), Decl("a", "var", Int(3), (5, 3)),
    Decl("h", "var", Int(2), (5,)), Decl("o", "output", Int(3), (3,)),
)  # fmt: skip
BREAK = "break  # nothing"


def carried(*turn: Any, before: Body = (START,), after: Body = (END,)) -> Program:
    """Return a program that carries three cells through four turns."""
    body = (*before, loop("t", 4, *turn), *after)
    found = Program("carried", DECLS, (INC,), (), (), body)
    assert not mistakes(found)
    return found


def cells(*values: Any) -> tuple[Set, ...]:
    """Return statements that set the three cells in order."""
    return tuple(put(ref("a", LATER, k), value) for k, value in enumerate(values))


def old(cell: int | str) -> Any:
    return ref("a", "t", cell)


def new(cell: int | str) -> Any:
    return ref("a", LATER, cell)


def write(value: Any) -> Gate:
    """Set the cell that cell 0 names, and copy the others."""
    turn = If(Op("==", (Sym("r"), Sym("g"))), (put(new("r"), value),), (COPY,))
    return Gate("g", 3, old(0), (loop("r", 3, turn),))


SAFE = {
    "copy": (loop("r", 3, COPY),),
    "write": (write(Call("INC", (old(1),))),),
    "write where it reads": (write(Call("INC", (old("r"),))),),
    "each cell from itself": (loop("r", 3, put(new("r"), Call("INC", (old("r"),)))),),
    "from the new cell before": cells(old(1), new(0), Num(2)),
    "downwards": cells(old(1), old(2), Num(0)),
    "write in one branch": (
        Switch(old(2), 3, (Case((0, 2), (write(old(1)),)), Case((1,), (loop("r", 3, COPY),)))),),
}  # fmt: skip
HAZARDS = {
    "swap": cells(old(1), old(0), old(2)),
    "upwards": cells(Num(0), old(0), old(1)),
    "rotation": (loop("r", 3, put(new("r"), ref("a", "t", Op("%", (LATER_R := Op("+", (Sym("r"),
                 Num(1))), Num(3)))))),),
    "each cell of several in a loop in a loop": (
        loop("s", 1, loop("r", 3, put(new("r"), Call("INC", (old("r"),))))),),
    "a later turn reads what an earlier one wrote": (loop("r", 3, put(new("r"), old(0))),),
    "two loops of the same name": (
        loop("r", 2, put(new("r"), Call("INC", (old("r"),)))),
        loop("r", 1, put(new(2), old("r"))),
    ),
    "read after the write of one branch": (
        Switch(old(2), 3, (Case((0, 2), cells(Num(2), old(1))), Case((1,), cells(old(0), old(1))))),
        put(new(2), old(0)),
    ),
    "written where a gate says": (
        Gate("g", 3, old(0), (
            loop("r", 2, If(Op("==", (Sym("r"), Sym("g"))), (put(new("r"), Num(1)),), (COPY,))),)),
        put(new(2), Call("INC", (old(1),))),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SAFE)
def test_safe_turns_need_one_slice(name: str) -> None:
    program = carried(*SAFE[name])
    assert slices(program)["a"].shape == (3,)
    check(program, jit=False)


@pytest.mark.parametrize("name", HAZARDS)
def test_hazards_keep_all_slices(name: str) -> None:
    program = carried(*HAZARDS[name])
    assert "a" not in slices(program)
    check(program, jit=False)


@pytest.mark.parametrize("name", ["swap", "rotation", "two loops of the same name"])
def test_hazards_are_real(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the proof, the results would be wrong: these tests can fail."""
    monkeypatch.setattr(proofs, "_harmless", lambda *_: True)
    with pytest.raises(AssertionError):
        check(carried(*HAZARDS[name]), jit=False, pairs=(1, 30))


def test_copies_are_not_written() -> None:
    assert "for t in" not in source(carried(loop("r", 3, COPY)))
    text = source(carried(write(Num(2))))
    assert text.count("for r") == 2  # before the time loop and after it


def test_an_earlier_turn_that_is_read_after_the_loop() -> None:
    last = loop("r", 3, put(ref("o", "r"), ref("a", 2, "r")))
    program = carried(write(Num(2)), after=(last,))
    assert not slices(program)
    check(program, jit=False)


def test_two_time_loops_one_after_the_other() -> None:
    half = (write(Call("INC", (old(1),))),)
    body = (START, loop("t", 2, *half), For("t", Num(2), Num(4), 1, half), END)
    program = Program("two", DECLS, (INC,), (), (), body)
    assert not mistakes(program)
    assert not slices(program)
    check(program, jit=False)


@pytest.mark.parametrize("steps", [0, 1, 4])
def test_backwards_and_by_other_steps(steps: int) -> None:
    """The loop counts down by two; without a turn, the first slice is the last."""
    to = Op("-", (Sym("t"), Num(2)))
    decls = (Decl("i", "input", Int(3), (3,)), Decl("a", "var", Int(3), (9, 3)),
             Decl("o", "output", Int(3), (3,)))  # fmt: skip
    start = loop("r", 3, put(ref("a", 8, "r"), ref("i", "r")))
    turn = loop("r", 3, put(ref("a", to, "r"), Call("INC", (ref("a", "t", "r"),))))
    end = loop("r", 3, put(ref("o", "r"), ref("a", 8 - 2 * steps, "r")))
    down = For("t", Num(8), Num(8 - 2 * steps), -2, (turn,))
    program = Program("down", decls, (INC,), (), (), (start, down, end))
    assert not mistakes(program)
    assert slices(program)["a"].shape == (3,)
    check(program, jit=False)


def test_numbers_may_be_swapped() -> None:
    decls = (Decl("i", "input", Int(3), (2,)), Decl("x", "var", Int(3), (6,)),
             Decl("y", "var", Int(3), (6,)), Decl("o", "output", Int(3), (2,)))  # fmt: skip
    swap = put(ref("x", LATER), ref("y", "t")), put(ref("y", LATER), ref("x", "t"))
    body = (put(ref("x", 0), ref("i", 0)), put(ref("y", 0), ref("i", 1)), loop("t", 5, *swap),
            put(ref("o", 0), ref("x", 5)), put(ref("o", 1), ref("y", 5)))  # fmt: skip
    program = Program("swap", decls, (), (), (), body)
    assert set(slices(program)) == {"x", "y"}
    check(program, jit=False)


def test_what_was_read_before_the_loop_stays() -> None:
    decls = (Decl("i", "input", Int(3)), Decl("x", "var", Int(3), (6,)),
             Decl("first", "var", Int(3)), Decl("one", "var", Int(3), (1,)),
             Decl("o", "output", Int(3), (3,)))  # fmt: skip
    body = (put(ref("x", 0), ref("i")), put(ref("first"), ref("x", 0)),
            put(ref("one", 0), ref("x", 0)),
            loop("t", 5, put(ref("x", LATER), Call("INC", (ref("x", "t"),)))),
            put(ref("o", 0), ref("first")), put(ref("o", 1), ref("one", 0)),
            put(ref("o", 2), ref("x", 5)))  # fmt: skip
    program = Program("first", decls, (INC,), (), (), body)
    assert "x" in slices(program)
    check(program, jit=False)


# ---- loops left early


def halting(halted: Body, other: Body = ()) -> Program:
    """Return a program whose turns do `halted` where h is 1, and else write and set h."""
    go = (put(ref("h", LATER), Call("TWO", (old(2),))), write(Call("INC", (old(1),))))
    two = table("TWO", (3,), 2, lambda a: int(a == 2))
    choice = Switch(ref("h", "t"), 2, (Case((0,), go), Case((1,), halted)))
    body = (START, put(ref("h", 0), Num(0)), loop("t", 4, choice, *other), END)
    found = Program("halting", DECLS, (INC, two), (), (), body)
    assert not mistakes(found)
    return found


STILL = loop("r", 3, COPY)


@pytest.mark.parametrize("value", [Num(1), ref("h", "t")])
def test_a_turn_that_changes_nothing_is_the_last(value: Any) -> None:
    program = halting((STILL, put(ref("h", LATER), value)))
    assert BREAK in source(program)
    check(program, jit=False, pairs=(1, 30))


@pytest.mark.parametrize(
    ("halted", "other"),
    [
        ((STILL, put(ref("h", LATER), Num(0))), ()),  # goes on after a pause
        ((loop("r", 3, put(new("r"), Call("INC", (old("r"),)))), put(ref("h", LATER), Num(1))), ()),
        ((STILL, put(ref("h", LATER), Num(1))), (Observe(old(0), 1),)),  # counted in every turn
    ],
)
def test_a_turn_that_does_something_is_not(halted: Body, other: Body) -> None:
    program = halting(halted, other)
    assert BREAK not in source(program)
    check(program, jit=False, pairs=(1, 30))


def test_all_slices_of_one_array_keep_the_loop_going() -> None:
    halted = (STILL, put(ref("h", LATER), Num(1)))
    program = halting(halted)
    trace = loop("r", 3, put(ref("o", "r"), ref("a", 2, "r")))
    program = Program("trace", DECLS, program.tables, (), (), (*program.body[:-1], trace))
    assert BREAK not in source(program)
    check(program, jit=False, pairs=(1, 30))


# ---- random programs, machines


@pytest.mark.parametrize("block", range(4))
def test_random_time_loops(block: int) -> None:
    ways = {"slice": 0, "full": 0, "break": 0}
    for seed in range(80 * block, 80 * (block + 1)):
        program = time_loop(seed)
        assert not mistakes(program)
        check(program, jit=False, seed=seed)
        found = slices(gathered(program))
        ways["slice"] += "a" in found
        ways["full"] += "a" not in found
        ways["break"] += BREAK in source(program)
    assert min(ways.values()) >= 5, ways


@pytest.mark.parametrize("seed", [1, 4, 53])
def test_random_time_loops_compiled(seed: int) -> None:
    check(time_loop(seed), jit=True, seed=seed)


def test_the_turing_machine_writes_one_cell() -> None:
    program = turing()
    assert {"tape", "curPos", "curState", "isHalted"} <= set(slices(program))
    check(program, jit=False, pairs=(20, 10))


def test_search_keeps_all_slices() -> None:
    """It takes runs up again at any turn, so nothing may be overwritten."""
    program = turing()
    assert not Lazy(program, Space(program)).layout.slices


def simulated(choices: dict[str, Any], memory: list[int], most: int) -> tuple[list[int], int, int]:
    """Run the register machine plainly; return memory, whether it stopped, instructions made."""
    size = len(memory)
    registers, line = [int(r) for r in choices["initial_registers"]], int(choices["initial_line"])
    for step in range(1, most + 1):
        op, first, second, to = (
            int(choices[k][line]) for k in ("instruction", "first", "second", "target")
        )
        x, y = registers[first], registers[second]
        results = [0, 0, x + 1, x + y, x - y, x - 1, min(x, y), max(x, y), memory[x], 0, 0]
        if op == 9:
            memory[x] = y
        registers[to] = results[op] % size
        line = y if op == 10 and x == 0 else (line + 1) % size
        if op == 0:
            return memory, 1, step
    return memory, 0, most


@pytest.mark.parametrize("jit", [False, True])
def test_the_register_machine(jit: bool) -> None:
    """Random programs on random memories, against a machine written here."""
    size, registers, most, programs, examples = 7, 4, 30, 150, 4
    hypers = {"memory_size": size, "num_registers": registers, "max_steps": most}
    program = Model.load("ram", hypers).program
    rng = np.random.default_rng(0)
    params = {d.name: rng.integers(0, d.type.size, (programs, *d.shape))  # type: ignore[union-attr]
              for d in program.of("param")}  # fmt: skip
    memories = rng.integers(0, size, (examples, size))
    found = Executor(program, jit=jit).run(params, {"initial_memory": memories})
    stopped = 0
    for c in range(programs):
        for e in range(examples):
            choices = {name: array[c] for name, array in params.items()}
            memory, halted, steps = simulated(choices, memories[e].tolist(), most)
            assert found["final_memory"][c, e].tolist() == memory
            assert (found["final_halted"][c, e], found["steps"][c, e]) == (halted, steps)
            stopped += halted
    assert 0 < stopped < programs * examples


# ---- choices by one value, counters


def test_choices_by_one_value_become_one() -> None:
    def first(value: int) -> Switch:
        return Switch(ref("i", 0), 3, (Case((0, 2), cells(old(0))), Case((1,), cells(Num(value)))))

    rest = put(new(1), Call("INC", (old(1),)))
    third = Switch(ref("i", 0), 3, (Case((2,), (put(new(2), new(1)),)),
                                    Case((0, 1), (put(new(2), old(2)),))))  # fmt: skip
    program = carried(first(2), rest, third)
    found = [s for s in walk(gathered(program).body) if isinstance(s, Switch)]
    assert [[case.values for case in s.cases] for s in found] == [[(0,), (1,), (2,)]]
    check(program, jit=False)


@pytest.mark.parametrize(
    ("values", "top"),
    [((1, 2, 3, 3), 2), ((0, 1, 2), 2), ((2, 3), 1), ((1, 2, 2, 3), None), ((2, 1, 0), None),
     ((0, 0, 1), None), ((5, 5), 0)],
)  # fmt: skip
def test_counters(values: tuple[int, ...], top: int | None) -> None:
    assert _counts(values) == top
    if top is not None:
        wanted = [x + values[0] if x < top else values[-1] for x in range(len(values))]
        assert wanted == list(values)
