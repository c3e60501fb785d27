"""Programs of the register machine as routines do what they did: random ones, and from Python."""

from __future__ import annotations

import numpy as np
import pytest

import neuralc as nc
from neuralc import routines
from neuralc.errors import ModelErrors
from neuralc.files import read_text
from neuralc.lang import alm, asm, pyasm
from neuralc.nn import exact
from neuralc.nn.library.assembly import AssemblyRoutine
from neuralc.nn.library.library import RoutineLibrary
from neuralc.nn.library.sources import routines_of
from neuralc.nn.library.translate import translate
from neuralc.source import Source
from neuralc.tasks.ram import TASKS
from tests.nn.programs import random_program
from tests.pyasm import random_programs
from tests.pyasm.plain import run

SIZE, STEPS = 9, 60


@pytest.mark.parametrize("seed", range(60))
def test_random_programs(seed: int) -> None:
    """Fields of all kinds: computed goals of jumps, and targets of lines without a result."""
    rng = np.random.default_rng(seed)
    program = random_program(rng, SIZE, 3, lines=int(rng.integers(2, SIZE + 1)))
    memory = rng.integers(SIZE, size=(12, SIZE))
    wanted = exact.run(program, memory, max_steps=STEPS)
    code = translate("p", program, SIZE)
    (again,) = alm.parse(Source("text", alm.text([code])))
    assert again == code
    routine = AssemblyRoutine("p", {"p": code}, n=SIZE, cells=SIZE, depth=1, max_steps=900)
    found = routine.execute(np.zeros((len(memory), 0), int), memory)
    assert found.memory is not None
    assert (found.halted == wanted.halted).all()
    assert (found.memory == wanted.memory)[wanted.halted].all()


@pytest.mark.parametrize("task", ["access", "swap", "listk", "merge", "bubble_sort"])
def test_assembly_routines(task: str) -> None:
    """The goals of their jumps are constants: no line is asked for by its number."""
    samples = TASKS[task].draw("general", 20, seed=1)
    size = samples.given.shape[1]
    text = read_text(routines.path(task))
    library = RoutineLibrary(size)
    routine = library.add(text, task)
    assert isinstance(routine, AssemblyRoutine)
    found = routine.execute(np.zeros((20, 0), int), samples.given)
    assert found.memory is not None
    assert found.halted.all()
    assert samples.right(found.memory).all()
    program = asm.parse(Source(task, text))
    assert len(routine.code.lines) <= len(program.lines) + len(program.registers) + 3


@pytest.mark.parametrize("seed", range(6))
def test_random_python_programs(seed: int) -> None:
    """With calls, recursion and overflows; ways back that are computed are found."""
    size = 140
    text, stack = random_programs.program(seed, size, small=True)
    source = Source("p.py", text)
    try:
        compiled = pyasm.compile(source, memory=size, entry="main", stack=stack)
    except ModelErrors:
        return  # too long
    rng = np.random.default_rng(seed)
    cells = rng.integers(size, size=size)
    cells[rng.random(size) < 0.7] = rng.integers(4)
    final, _, line = run(compiled.assembly, cells.tolist(), 20_000, 0)
    found = routines_of(compiled, "p", size)[0]
    routine = AssemblyRoutine(
        "p", {"p": found.code}, n=size, cells=size, depth=1, max_steps=400_000
    )
    ended = routine.execute(np.zeros((1, 0), int), cells[None])
    assert ended.memory is not None
    if line in compiled.traps:
        assert ended.ended[0] == 2
    elif line is not None:
        assert ended.halted[0]
        assert (ended.memory[0] == final).all()


@nc.program
def power(base, exponent):  # type: ignore[no-untyped-def]
    """Multiply by adding, again and again."""
    result = 1
    while exponent:
        product, times = 0, base
        while times:
            product = product + result
            times = times - 1
        result = product
        exponent = exponent - 1
    return result


@nc.program
def fibonacci(n):  # type: ignore[no-untyped-def]
    """Call itself twice."""
    if n < 2:
        return n
    return fibonacci(n - 1) + fibonacci(n - 2)


def test_a_python_function_is_a_routine_like_others() -> None:
    library = RoutineLibrary.standard(48)
    routine = library.add(power)
    assert (routine.name, routine.operands) == ("power", 2)
    arguments = [[a, b] for a in range(5) for b in range(4)]
    wanted = library["pow"].run(arguments)[0]
    values, steps, halted = routine.run(arguments)
    assert halted.all()
    assert (values == wanted).all()
    assert (steps > 0).all()
    library.add(fibonacci, "slow_fib")
    few = np.arange(9)[:, None]
    assert (library["slow_fib"].run(few)[0] == library["fib"].run(few)[0]).all()
    library.add("routine both a\n copy a x\n call slow_fib\n copy 0 y\n copy x 0\n call fib\n"
                " equal 0 y 0\n ret 0\n")  # fmt: skip
    assert library["both"].run(few)[0].tolist() == [1] * 9
