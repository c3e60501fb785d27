"""Small Python functions of the subset, each with a domain on which it is tried out.

The first line of each is a comment with the sizes of its parameters: `x 4` is a number below 4,
`a 3 x2` a list of two numbers below 3, `g 2 x2 x3` a list of two lists of three.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Input:
    """A parameter: its number of values, and its shape as an array."""

    size: int
    shape: tuple[int, ...]


def inputs_of(text: str) -> dict[str, Input]:
    """Return the parameters that the first line of a text describes."""
    found = re.findall(r"(\w+) (\d+)((?: x\d+)*)(?:,|$)", text.splitlines()[0].removeprefix("# "))
    return {
        name: Input(int(size), tuple(int(n) for n in re.findall(r"\d+", shape)))
        for name, size, shape in found
    }


def domain(inputs: Mapping[str, Input]) -> Iterator[dict[str, Any]]:
    """Yield all inputs."""
    counts = [int(np.prod(i.shape)) for i in inputs.values()]
    sizes = [range(i.size) for i, n in zip(inputs.values(), counts, strict=True) for _ in range(n)]
    for flat in product(*sizes):
        rest = list(flat)
        yield {
            name: np.array([rest.pop(0) for _ in range(count)]).reshape(one.shape).tolist()
            for (name, one), count in zip(inputs.items(), counts, strict=True)
        }


def python(text: str) -> Callable[..., Any]:
    """Return the function `f` of a text of ours as Python itself makes it."""
    names: dict[str, Any] = {}
    exec(compile(text, "function", "exec"), names)  # the text stands in a test
    found: Callable[..., Any] = names["f"]
    return found


FUNCTIONS = {
    "arithmetic": """\
# x 7, y 4
def f(x, y):
    return [x + y, x - y, x * y, x // (y + 1), -x // (y + 1), x % (y + 1), -x % (y + 1),
            (x - 3) // (-1 - y), (x - 3) % (-1 - y), x ** y, -x, +x, abs(x - 5), x // -2, x % -3]
""",
    "bits": """\
# x 9, y 4
def f(x, y):
    return [x & y, x | y, x ^ y, ~x, x << y, x >> y, (x - 4) & 3, (x - 4) | y, (x - 4) ^ 5,
            (x - 4) >> y]
""",
    "comparisons": """\
# x 4, y 4
def f(x, y):
    return [x < y, x <= y, x == y, x != y, x > y, x >= y, 0 < x < 3, 0 < x <= y < 3 != x,
            x in (1, 3), x not in [0, y], not x, x and y, x or y, x and y or 2, x == y == 1,
            (x < y) + (x > 1), (x < y) == (y > 1)]
""",
    "choices": """\
# x 5, y 3
def f(x, y):
    a = 1 if x > 2 else y if y else x
    if x == 0:
        b = 3
    elif x == 1:
        b = y
        if y == 1:
            return 7
    else:
        b = x * y
        y += 1
    return a + 10 * b + 100 * y
""",
    "loops": """\
# x 5, y 4
def f(x, y):
    total = 0
    for i in range(x):
        if i == y:
            continue
        for j in range(y, 0, -1):
            if j * i > 4:
                break
            total += i * j
        total = total % 7
    for i in range(1, x, 2):
        total += i
    for i in range(x, x + 2):
        total += i
    return total, i
""",
    "search": """\
# a 4 x3, x 4
def f(a, x):
    for i, value in enumerate(a):
        if value == x:
            return i
    return -1
""",
    "while": """\
# x 12, y 5
def f(x, y):
    y += 1
    while y:
        x, y = y, x % y
    steps = 0
    while x != 1:
        x = x // 2 if x % 2 == 0 else 3 * x + 1
        steps += 1
        if steps > 6:
            break
    return x * 100 + steps
""",
    "forever": """\
# x 6
def f(x):
    n = 0
    while True:
        if x <= 1:
            return n
        x -= 2
        n += 1
""",
    "elements": """\
# a 3 x3, i 3, v 3
def f(a, i, v):
    b = a
    c = list(a)
    a[i] = v
    a[-1] += 1
    b[a[0] % 3] -= 1
    c[i - 1], c[0] = c[0], c[i]
    return [a, b, c, a[-2], a[1:], a[::-1], a[:2] + [9], b == a, c == a]
""",
    "grid": """\
# g 2 x2 x2, i 2, j 2
def f(g, i, j):
    g[i][j] = g[j][i] + 1
    g[0][j] += 2
    row = g[i]
    return [g, row, [r[j] for r in g], sum(sum(r) for r in g)]
""",
    "aliases": """\
# x 2, y 3
def f(x, y):
    a = [0, 0]
    b = [1, 1]
    c = a if x else b
    found = c[0]
    d = [y, 5]
    if x:
        d[0] = 9
    else:
        d = [7, y]
    e = d
    e[1] += 1
    return [found, c[1], d, e, a, b]
""",
    "lists": """\
# a 3 x3
def f(a):
    out = []
    for x in a:
        out.append(x)
        out.append(2 * x)
    last = out.pop()
    first = out.pop(0)
    out += [5]
    out[1:3] = [7]
    twice = [0] * 2 + a.copy() * 2
    return [out, last, first, twice, len(out), [*a, *out], list(range(2, 8, 3)), sorted(a)]
""",
    "comprehensions": """\
# a 3 x3, x 3
def f(a, x):
    y = [x * i for i in range(3)]
    pairs = [i * 10 + j for i in range(3) for j in a if i > 0]
    x2 = [x for x in a]
    return [y, pairs, x2, x, [i + j for i, j in zip(a, y)], [v for v in reversed(a)],
            sum(v for v in a if v > x), [[i * j for j in range(2)] for i in a]]
""",
    "functions": """\
# a 4 x3, x 4
def f(a, x):
    return [min(a), max(a), min(a[0], x, 2), max(x, a[1]), sum(a), len(a), any(a), all(a),
            any(v == x for v in a), all(v > x for v in a), max(v * (3 - v) for v in a),
            int(x > 1), bool(x), sorted(a), sum([a[i] * i for i in range(3)]),
            any(6 // v > 2 for v in a if v != 0), min(9, *[]) if False else 1]
""".replace(", min(9, *[]) if False else 1", ""),
    "helpers": """\
# a 3 x3, x 3
LIMIT = 4
TABLE = [[2, 0, 1], [LIMIT, 1, 0], [0, 0, 2]]

def swap(a, i, j):
    a[i], a[j] = a[j], a[i]

def clipped(x):
    if x > LIMIT:
        return LIMIT
    return x

def power(x, n):
    return 1 if n == 0 else x * power(x, n - 1)

def f(a, x):
    swap(a, x, 2)
    if a[0] > a[1]:
        swap(a, 0, 1)
    TABLE[0][0] += x
    return [a, clipped(a[0] + a[1] + x), TABLE[x][a[2]], TABLE[0][0], power(2, x)]
""",
    "nothing asked": """\
# a 3 x3
def f(a):
    if 2 in a:
        if a[0] == 2:
            return None
        return [a[0], None, None]
    return [None if v == 0 else v for v in a]
""",
    "sort": """\
# a 3 x4
def f(a):
    for end in range(len(a) - 1, 0, -1):
        for i in range(end):
            if a[i] > a[i + 1]:
                a[i], a[i + 1] = a[i + 1], a[i]
    return a
""",
    "turing": """\
# tape 3 x4
def f(tape):
    position = 0
    steps = 0
    while tape[position] != 2:
        tape[position] = 1 - tape[position]
        position = (position + 1) % len(tape)
        steps += 1
        if steps == 4:
            return None
    return [tape, position]
""",
    "list-k": """\
# m 6 x3, k 3
def f(m, k):
    at = m[0]
    for _ in range(k):
        if at > 1:
            return None
        at = m[at]
    return at
""",
    "late": """\
# x 3, y 2
def f(x, y):
    if x:
        z = x
    else:
        w = [y]
    if x:
        return z
    return w[0] + 5
""",
    "nested": """\
# a 2 x2, x 2
def f(a, x):
    (p, q), r = a, x
    [s, t] = [p, q] if r else [q, p]
    return p + 2 * q + 4 * r + 8 * s + 16 * t
""",
}
