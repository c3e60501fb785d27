"""Random functions: Python, our closures and the encoding for the solver say the same.

Lists get several names, are changed in place and handed to a helper; paths divide and meet. Where
Python fails, ours fail; where the encoding is declined nothing is compared, and that is counted.
"""

from __future__ import annotations

import copy
from random import Random
from typing import Any

import pytest

from neuralc.errors import Declined, SourceError
from neuralc.lang.pyfn import Concrete, read
from neuralc.source import Source
from tests.lang.functions import Input, domain, python
from tests.lang.test_pyfn import same

INPUTS = {"x": Input(3, ()), "y": Input(3, ()), "a": Input(2, (2,))}
HELPER = """\
def h(c, n):
    if n > 1:
        c[0] = n
        return c
    c[1] += 1
    if n == 0:
        return [n, c[0]]
    return list(c)

"""


class Writer:
    """Writes the text of one function."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.loops = 0

    def pick(self, *choices: str) -> str:
        return self.random.choice(choices)

    def number(self, depth: int = 2) -> str:
        if depth == 0 or self.random.random() < 0.3:
            return self.pick("x", "y", "1", "2", "0", "3", "a[0]", "b[1]", f"a[{self.index()}]")
        left, right = self.number(depth - 1), self.number(depth - 1)
        return self.pick(
            f"({left} + {right})", f"({left} - {right})", f"({left} * {right}) % 5",
            f"({left} if {self.condition(depth - 1)} else {right})", f"max({left}, {right})",
            f"sum(v + {left} for v in a if v != {right})", f"abs({left})", f"{left} // 2",
            f"[v for v in b][{self.index()}]", f"int({left} in b)",
        )  # fmt: skip

    def index(self) -> str:
        return self.pick("0", "1", "-1", "x % 2", "y % 2", "(x + y) % 2", "x - 1")

    def condition(self, depth: int = 1) -> str:
        left, right = self.number(depth), self.number(depth)
        return self.pick(
            f"{left} < {right}", f"{left} == {right}", f"x < {left} <= y", f"not {left}",
            f"({left} > 1 and {right})", f"({left} or a == b)", f"any(v > {left} for v in b)",
        )  # fmt: skip

    def block(self, depth: int, indent: str) -> list[str]:
        return [
            line for _ in range(self.random.randint(1, 3)) for line in self.statement(depth, indent)
        ]

    def statement(self, depth: int, indent: str) -> list[str]:
        simple = [
            f"{self.pick('x', 'y')} = {self.number()} % 4", f"x += {self.number()}", "x, y = y, x",
            f"a[{self.index()}] = {self.number()}", f"b[{self.index()}] -= {self.number(1)}",
            "b = a", "b = list(a)", f"a = [{self.number(1)}, y]", "b = a[::-1]", "a, b = b, a",
            f"b = h(a, {self.number(1)} % 3)", f"h(b, {self.number(1)})",
            f"b = a if {self.condition()} else [x, y]",
        ]  # fmt: skip
        if self.loops:
            simple += ["break", "continue"]
        if self.random.random() < 0.08:
            simple = [f"return {self.pick('None', '[x, y, a, b]', '[y, x, b, a]')}"]
        kind = self.random.random()
        if depth == 0 or kind < 0.55:
            return [indent + self.pick(*simple)]
        inner = indent + "    "
        if kind < 0.8:
            lines = [f"{indent}if {self.condition()}:", *self.block(depth - 1, inner)]
            if self.random.random() < 0.6:
                lines += [f"{indent}else:", *self.block(depth - 1, inner)]
            return lines
        self.loops += 1
        n = f"n{self.loops}"  # one for each loop within another, so that all of them end
        head = self.pick("for i in range(x % 3):", "for i in range(2):", "for i in a:", f"{n} = 0")
        lines = [indent + head]
        if head == f"{n} = 0":
            lines += [f"{indent}while {n} < y % 3:", f"{inner}{n} += 1"]
        else:
            lines += [f"{inner}y += i"]
        lines += self.block(depth - 1, inner)
        self.loops -= 1
        return lines

    def function(self) -> str:
        body = self.block(3, "    ") + self.block(3, "    ")
        lines = ["def f(x, y, a):", "    b = [0, 1]", *body, "    return [x, y, a, b]"]
        return HELPER + "\n".join(lines) + "\n"


def outcome(work: Any, inputs: dict[str, Any]) -> Any:
    """Return what a function gives, or that it fails."""
    try:
        return work(inputs)
    except (SourceError, IndexError, TypeError, ValueError):
        return "fails"


def compare(seed: int) -> tuple[bool, bool]:
    """Compare one function; return whether it was encoded, and whether it ever fails."""
    text = Writer(seed).function()
    ours, theirs = Concrete(read(Source("f.py", text)), steps=2000), python(text)
    wanted = []
    for inputs in domain(INPUTS):
        given = copy.deepcopy(inputs)
        found = outcome(ours, inputs)
        wanted.append((inputs, outcome(lambda one: theirs(**one), given)))
        assert same(found, wanted[-1][1]), f"{text}\n{inputs}: {found}, {wanted[-1][1]}"
    return _compare_encoded(text, wanted), any(result == "fails" for _, result in wanted)


def _compare_encoded(text: str, wanted: list[tuple[dict[str, Any], Any]]) -> bool:
    from tests.lang.test_pyfn_symbolic import agrees, encoded, is_true, pairs

    try:
        code, terms = encoded(read(Source("f.py", text)), INPUTS)
    except Declined:
        return False
    for inputs, result in wanted:
        put = [pair for key, value in inputs.items() for pair in pairs(terms[key], value)]
        where = f"{text}\n{inputs}: {result}"
        assert is_true(code.failing, put) == (result == "fails"), where
        if result != "fails":
            assert is_true(code.asked, put) == (result is not None), where
            assert result is None or agrees(code, put, result), where
    return True


def test_random_functions() -> None:
    pytest.importorskip("z3")
    results = [compare(seed) for seed in range(40)]
    assert sum(encoded for encoded, _ in results) > 10
    assert 2 < sum(fails for _, fails in results) < 38
