"""`@Runtime` bodies mean what they mean in Python, on every argument tuple."""

from __future__ import annotations

import random
import textwrap
import time
from itertools import product

import pytest

from neuralc.errors import ModelErrors
from neuralc.lang.model import parse
from neuralc.source import Source


def table(text: str, name: str = "f") -> tuple[int, ...]:
    return parse(Source("test.model", textwrap.dedent(text))).program.table[name].values


def codes(text: str) -> list[str]:
    with pytest.raises(ModelErrors) as caught:
        parse(Source("test.model", textwrap.dedent(text)))
    return [error.code for error in caught.value.errors]


def python(text: str, sizes: tuple[int, ...]) -> tuple[int, ...]:
    """Return the results of a body of ours, run by Python itself."""
    names: dict[str, object] = {}
    exec(textwrap.dedent(text), {"n": 5}, names)
    function = names["f"]
    assert callable(function)
    return tuple(int(function(*args)) for args in product(*map(range, sizes)))


BODIES = [
    "def f(a, b): return a and b",
    "def f(a, b): return a or b + 1",
    "def f(a, b): return not a",
    "def f(a, b): return 1 if a < b <= 4 else 2 if a == b else 3",
    "def f(a, b): return (a ^ b) | (a & 3) << 1",
    "def f(a, b): return (~a + b * 7) % n",
    "def f(a, b): return -a % (b + 1)",
    "def f(a, b): return (a - b) // 3 + 5",
    "def f(a, b): return b and 20 // b",
    "def f(a, b): return 0 if b == 0 else a % b",
    "def f(a, b): return a in (1, b) and b not in [2, 3]",
    "def f(a, b): return max(a, b, 2) - min(a, b) + abs(a - b) + int(bool(a))",
    "def f(a, b): return (a ** b) % 11 + (2 ** a >> b)",
    "def f(a, b): return True if a else False",
    """
    def f(a, b):
        "A loop whose bounds differ from row to row."
        s = 0
        for i in range(a, b + 3, 2):
            if i == 4:
                continue
            if i > 6:
                break
            s += i
        return s % 50
    """,
    """
    def f(a, b):
        while b:
            a, c = a, 0
            c = a % b
            a = b
            b = c
        return a
    """.replace("            a, c = a, 0\n", ""),
    """
    def f(a, b):
        if a > b:
            a = a - b
            if a > 3:
                return 3
        elif a == b:
            return 9
        else:
            pass
        return a
    """,
    """
    def f(a, b):
        for i in range(10, -1, -3):
            for j in range(i):
                if j * i == a * b:
                    return j
        return 0
    """,
]


@pytest.mark.parametrize("body", BODIES)
def test_bodies(body: str) -> None:
    text = "n = 5\n@Runtime([7, 6], 128)\n" + textwrap.dedent(body).strip() + "\n"
    assert table(text) == python(body, (7, 6))


def expression(rng: random.Random, depth: int) -> str:
    if depth == 0 or rng.random() < 0.15:
        return rng.choice(["a", "b", "n", str(rng.randrange(5))])
    x, y = expression(rng, depth - 1), expression(rng, depth - 1)
    form = rng.choice(
        ["({} + {})", "({} - {})", "({} * {})", "({} & {})", "({} | {})", "({} ^ {})",
         "({} and {})", "({} or {})", "({} < {})", "({} == {})", "min({}, {})", "max({}, {})",
         "({} // (abs({}) + 1))", "({} % (abs({}) + 2))", "(-{} if {} else 1)", "(not {} > {})",
         "(~{} + {})", "({0} >> abs({1}) % 5)", "({0} % 9 << abs({1}) % 5)"]
    )  # fmt: skip
    return form.format(x, y)


@pytest.mark.parametrize("seed", range(40))
def test_random_expressions(seed: int) -> None:
    rng = random.Random(seed)
    body = f"def f(a, b): return ({expression(rng, 4)}) % 97"
    text = f"n = 5\n@Runtime([5, 7], 97)\n{body}\n"
    assert table(text) == python(body, (5, 7))


def test_functions_may_call_functions_above() -> None:
    text = """
        @Runtime([4], 4)
        def inc(a): return (a + 1) % 4

        @Runtime([4], 4)
        def f(a): return inc(inc(a))
        """
    assert table(text) == (2, 3, 0, 1)


def test_no_arguments_and_a_single_entry() -> None:
    assert table("@Runtime([], 3)\ndef f(): return 2\n") == (2,)


def test_a_large_table_is_quick() -> None:
    text = """
        n = 1024
        @Runtime([n, n], n)
        def f(a, b):
            if a < b:
                return (a * b + 3) % n
            return (a - b) // 2 if b and a % 2 == 0 else min(a, b)
        """
    start = time.perf_counter()
    values = table(text)
    assert time.perf_counter() - start < 3
    assert len(values) == 1024 * 1024
    assert values[5 * 1024 + 7] == 38


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("return a - 1", "E130"),
        ("return 10 // a", "E132"),
        ("return 2 ** (a - 1)", "E132"),
        ("return 1 << (a - 1)", "E132"),
        ("return (a + 2) ** 62 % 3", "E132"),
        ("return a * 4000000000 * 4000000000 % 3", "E132"),
        ("return a % 3 if a > 0 else 99999999999999999999", "E135"),
        ("return g(a)", "E135"),
        ("return a.b", "E135"),
        ("return", "E135"),
        ("return c", "E101"),
        ("\n    while True:\n        a = a", "E134"),
    ],
)
def test_errors(body: str, code: str) -> None:
    assert codes(f"@Runtime([3], 3)\ndef f(a): {body}\n") == [code]


def test_nothing_is_executed() -> None:
    text = "@Runtime([2], 2)\ndef f(a): return __import__('os').system('true')\n"
    assert codes(text) == ["E135"]
