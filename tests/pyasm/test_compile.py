"""What compiled programs do and how good they are: statements, loops, calls, recursion, names."""

from __future__ import annotations

import itertools

import pytest

from neuralc.errors import ModelErrors
from neuralc.lang import pyasm
from neuralc.source import Source
from tests.pyasm.plain import run
from tests.pyasm.reference import functions, on_memory

KTH = """
import neuralc as nc
@nc.program
def kth(mem):
    node, k, out = mem[0], mem[1], mem[2]
    while k != 0: node = mem[node]; k = k - 1
    mem[out] = mem[node + 1]
"""
FIB = "def fib(n):\n    if n < 2:\n        return n\n    return fib(n - 1) + fib(n - 2)\n"


def compiled(text: str, memory: int, **options: object) -> pyasm.Compiled:
    return pyasm.compile(Source("p.py", text), memory=memory, **options)  # type: ignore[arg-type]


def after(text: str, memory: int, *values: int) -> list[int]:
    """Return the cells after a run; those not given begin with 0."""
    start = [*values, *[0] * (memory - len(values))]
    return run(compiled(text, memory).assembly, start)[0]


def operations(text: str, memory: int = 20) -> list[str]:
    return [line.operation for line in compiled(text, memory).assembly.lines]


# ---- how good the lines are


def test_kth() -> None:
    """One line more than the program that was written by hand, and as many registers."""
    found = compiled(KTH, 20)
    assert len(found.assembly.lines) == 11
    assert len(found.assembly.registers) == 7
    assert found.assembly.names[-1] == "junk"
    assert found.assembly.registers[-1] is None
    assert {"node", "k", "out", "zero", "while_6", "end_while_6"} < set(found.assembly.names)
    assert found.assembly.labels == {3: "while_6", 7: "end_while_6"}
    assert (found.entry, found.stack, found.status, found.calls) == ("kth", 0, None, {})
    span = found.assembly.lines[4].span
    assert span is not None
    assert (span.line, span.text) == (6, "mem[node]")


def test_nothing() -> None:
    assert operations("def f(mem): pass") == ["STOP"]
    assert operations("def f(mem):\n    a = mem[1] + 3\n    b = a") == ["STOP"]


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ("mem[0] = 2 + 3 * 4 - 1", "WRITE STOP"),
        ("a = 5\n    b = a - 5\n    mem[b] = a + a", "WRITE STOP"),
        ("mem[0] += 1", "READ INC WRITE STOP"),
        ("mem[0] -= 1", "READ DEC WRITE STOP"),
        ("mem[0] = mem[0]", ["READ", "STOP"][1]),
        ("mem[1] = mem[0] + 0", "READ WRITE STOP"),
        ("mem[1] = 5\n    mem[2] = mem[1]", "WRITE WRITE STOP"),
        ("if mem[0] == 3: mem[1] = 1", "READ SUB JEZ STOP WRITE STOP"),
        ("if mem[0]: mem[1] = 1", "READ JEZ WRITE STOP"),
        ("mem[1] = mem[0] == 0", "READ MIN SUB WRITE STOP"),
        ("mem[1] = mem[0] * 4", "READ ADD ADD WRITE STOP"),
        ("while True: mem[0] += 1", "READ INC WRITE JEZ"),
        ("if 1 > 2: mem[0] = 1", "STOP"),
        ("for i in range(0): mem[i] = 1", "STOP"),
        ("for i in range(3, 4): mem[i] = 1", "WRITE STOP"),
        ("a = mem[0]\n    a = a\n    b = a\n    mem[1] = b", "READ WRITE STOP"),
    ],
)
def test_short(body: str, wanted: str) -> None:
    assert operations(f"def f(mem):\n    {body}\n") == wanted.split()


def test_a_small_function_is_put_in_place_and_a_large_one_is_called() -> None:
    small = "def g(a):\n    return a + 1\ndef f(mem):\n    mem[0] = g(mem[0]) + g(mem[1])\n"
    assert "JEZ" not in operations(small)
    body = "".join(f"    mem[{k}] = mem[{k + 1}]\n" for k in range(0, 12, 2))
    large = f"def g(mem):\n{body}def f(mem):\n    g(mem)\n    mem[0] = 1\n    g(mem)\n"
    assert operations(large, 40).count("READ") == 6
    cells = list(range(40))
    wanted = on_memory(functions(large, 40), "f", cells, 40)
    assert run(compiled(large, 40).assembly, cells)[0] == wanted


# ---- loops over ranges, exhaustively


BOUNDS = ["a", "b", "0", "1", "4", "-1", "len(mem)", "len(mem) - 1", "len(mem) - 2"]


@pytest.mark.parametrize("step", [1, 2, 3, 5, -1, -2, -3, -5])
def test_ranges(step: int) -> None:
    """Every kind of bounds, with numbers near both ends in them, on a machine of 32 values."""
    size = 32
    near = [0, 1, 2, 5, size - 3, size - 2, size - 1]
    for first, last in itertools.product(BOUNDS, BOUNDS):
        if first in ("-1", "len(mem)"):
            continue
        text = (
            "def f(mem):\n    a, b, n, s = mem[0], mem[1], 0, 0\n"
            f"    for i in range({first}, {last}, {step}):\n"
            "        n += 1\n        s = s + s + i\n        a = 3\n        b = 3\n"
            "    mem[2], mem[3] = n, s\n"
        )
        program, reference = compiled(text, size), functions(text, size)
        values = itertools.product(near if "a" in (first, last) else [0],
                                   near if "b" in (first, last) else [0])  # fmt: skip
        for pair in values:
            cells = [*pair, *[0] * (size - 2)]
            assert run(program.assembly, cells)[0] == on_memory(reference, "f", cells, size), text


def test_the_variable_of_a_loop_may_change_and_stays_behind_it() -> None:
    text = """
def f(mem):
    i = 9
    for i in range(mem[0]):
        mem[i + 1] = i + 5
        i = 7
        if mem[1] == 6: continue
        mem[10] += i
    mem[12] = i
"""
    for n in range(5):
        wanted = on_memory(functions(text, 30), "f", [n, *[0] * 29], 30)
        assert after(text, 30, n) == wanted


# ---- meaning


def test_numbers_wrap_around() -> None:
    text = "def f(mem):\n    mem[0] = mem[0] - 1\n    mem[1] = 9 + mem[1]\n    mem[2] = -mem[2]\n"
    assert after(text, 12, 0, 5, 3)[:3] == [11, 2, 9]
    assert after("def f(mem):\n    mem[0] = -1 < 0\n    mem[1] = -1\n", 12)[:2] == [0, 11]


def test_right_sides_first() -> None:
    text = """
def f(mem):
    a, b, c = mem[0], mem[1], mem[2]
    a, b, c = b, c, a
    mem[a], mem[b] = mem[b], mem[a]
    c, mem[c] = 9, c
    x = y = a + 1
    mem[8], mem[9], mem[10] = x, y, c
"""
    for cells in itertools.permutations([3, 4, 5]):
        start = [*cells, *range(17)]
        assert run(compiled(text, 20).assembly, start)[0] == on_memory(
            functions(text, 20), "f", start, 20
        )


def test_no_more_is_evaluated_than_needed() -> None:
    text = """
def mark(mem, at, result):
    mem[at] += 1
    return result

def f(mem):
    mem[0] = mark(mem, 3, 0) and mark(mem, 4, 1)
    mem[1] = mark(mem, 5, 7) or mark(mem, 6, 1)
    if mark(mem, 7, 3) < mark(mem, 8, 2) < mark(mem, 9, 1): mem[2] = 1
    mem[10] = mark(mem, 11, 1) if mem[1] else mark(mem, 12, 1)
"""
    assert after(text, 90)[:13] == [0, 7, 0, 1, 0, 1, 0, 1, 1, 0, 1, 1, 0]


def test_arguments_and_result_of_numbers() -> None:
    text = "def f(a, b, c):\n    return a + a - b + c\n"
    found = compiled(text, 30)
    assert found.arguments == 3
    assert run(found.assembly, [7, 4, 2, *[0] * 27])[0][:3] == [12, 4, 2]
    assert compiled("def f():\n    return 3\n", 9).arguments == 0


def test_entry() -> None:
    text = "def one(a):\n    return a + 1\n\ndef two(mem):\n    mem[0] = 2\n"
    assert compiled(text, 9).entry == "two"
    assert compiled(text, 9, entry="one").entry == "one"


def test_what_a_file_may_hold_besides() -> None:
    text = '''"""A program."""
from __future__ import annotations
from neuralc import program
N: int = 2 * 3
LAST = N - 7
@program
def f(mem: list[int]) -> None:
    """Write."""
    x: int = N
    mem[0] = x
    mem[1] = LAST
if __name__ == "__main__":
    print(f([0] * 9))
'''
    assert after(text, 9)[:2] == [6, 8]


# ---- recursion


@pytest.mark.parametrize("stack", [3, 4, 5, 8, 11, 20, 30])
def test_recursion_ends_right_or_with_an_overflow(stack: int) -> None:
    """The deepest calls need two cells each; the cells before the stack stay as they are."""
    program = compiled(FIB, 60, stack=stack)
    assert program.stack == stack
    assert program.status == 60 - stack
    right = [0, 1, 1, 2, 3, 5, 8, 13, 21, 34]
    for n, wanted in enumerate(right):
        start = [n, *range(1, 60)]
        found, _, line = run(program.assembly, start, 300_000)
        message = program.overflow(found)
        assert found[1 : 60 - stack] == start[1 : 60 - stack]
        assert (line in program.traps) == (message is not None)
        if message is None:
            assert (found[0], found[60 - stack]) == (wanted, 0)
        else:
            assert message == "stack overflow at line 4: fib(n - 1)"
        room = (stack - 1) // 2  # calls that fit; one is kept free for what is called
        assert (message is None) == (max(n - 1, 0) < room)


def test_without_end() -> None:
    text = "def f(mem):\n    g(mem, 1)\n\ndef g(mem, n):\n    g(mem, n + 1)\n    mem[0] += n\n"
    program = compiled(text, 40)
    found, _, _ = run(program.assembly, [0] * 40)
    assert program.overflow(found) == "stack overflow at line 5: g(mem, n + 1)"


def test_calls_that_are_last_need_no_stack() -> None:
    text = """
def even(n):
    if n == 0:
        return 1
    return odd(n - 1)

def odd(n):
    if n == 0:
        return 0
    return even(n - 1)

def f(mem):
    mem[0] = even(mem[0])
"""
    program = compiled(text, 40)
    assert program.stack == 0
    for n in range(40):
        assert run(program.assembly, [n, *[0] * 39])[0][0] == (n + 1) % 2


def test_in_a_circle() -> None:
    """Hofstadter's sequences call each other, and themselves within an argument."""
    text = """
def female(n):
    if n == 0: return 1
    return n - male(female(n - 1))

def male(n):
    if n == 0: return 0
    return n - female(male(n - 1))

def f(mem):
    mem[0], mem[1] = female(mem[0]), male(mem[0])
"""
    program, reference = compiled(text, 128), functions(text, 128)
    for n in range(12):
        cells = [n, *[0] * 127]
        found, _, _ = run(program.assembly, cells, 300_000)
        assert program.overflow(found) is None
        assert found[:64] == on_memory(reference, "f", cells, 128)[:64]


def test_two_recursions_with_one_stack() -> None:
    text = """
def power(n):
    if n == 0: return 1
    return power(n - 1) + power(n - 1)

def tree(n, m):
    if n == 0: return power(m)
    left = tree(n - 1, m)
    return left + tree(n - 1, m) + power(1)

def f(mem):
    a = mem[0] + 1
    mem[0] = tree(2, 2) + a
"""
    for start in (0, 5):
        wanted = on_memory(functions(text, 200), "f", [start, *[0] * 199], 200)
        assert after(text, 200, start)[0] == wanted[0]


def test_a_stack_that_holds_no_call() -> None:
    with pytest.raises(ModelErrors, match="at least 3 cells"):
        compiled(FIB, 60, stack=2)
    assert compiled(FIB, 60, stack=3).stack == 3
    assert compiled(KTH, 20, stack=1).stack == 0
