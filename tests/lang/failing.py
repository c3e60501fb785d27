"""Functions that have no result on some inputs, and some that have no encoding; see `functions`."""

from __future__ import annotations

DECLINED = {
    "several names": ("a list is changed that has several names on some paths only", """\
# g 2 x2 x2, i 2
def f(g, i):
    row = g[i]
    row[0] = 1
    return g
"""),
    "shared twice over": (
        "a list is changed that has several names on some paths only",
        """\
# x 3, y 2
def f(x, y):
    a = [0, 0]
    b = a if x > 0 else [1, 1]
    b = b if y else [2, 2]
    b[0] = 9
    return [a, b]
""",
    ),
    "without a name": (
        "a list is changed that has several names on some paths only",
        """\
# x 2
def replaced(c, x):
    old = c[0]
    c[0] = [1]
    if x:
        return old
    return [2]

def f(x):
    c = [[0]]
    found = [c[0], replaced(c, x)]
    found[1][0] = 9
    return found
""",
    ),
    "shared by two": ("a list is changed that has several names on some paths only", """\
# i 2
def f(i):
    a, b, c = [1], [2], [3]
    x, y = a, a
    if i:
        x, y = b, c
    a = b = c = 0
    x[0] = 7
    return y
"""),
    "length": ("the length of a list depends on the inputs", """\
# a 3 x2
def f(a):
    return [v for v in a if v]
"""),
    "length after a choice": ("the length of a list depends on the inputs", """\
# x 2
def f(x):
    a = []
    if x:
        a.append(1)
    return len(a)
"""),
    "kinds that meet": ("a value is of one kind on some paths", """\
# x 2
def f(x):
    y = [1] if x else 1
    return y
"""),
    "shifted elements": ("`zip` of a list whose length depends on the inputs", """\
# a 3 x2
def f(a):
    return sum(v * w for v, w in zip((v for v in a if v), [1, 2]))
"""),
    "slice": ("the ends of a slice depend on the inputs", """\
# a 3 x2, x 2
def f(a, x):
    return sum(a[x:])
"""),
    "bits": ("a number of more than 64 bits may come up", """\
# x 9
def f(x):
    return x ** 30
"""),
    "turns": ("a loop may take more than 1000 turns", """\
# x 2000
def f(x):
    n = 0
    for i in range(x):
        n += 1
    return n
"""),
}  # fmt: skip

FAILING = {
    "index": """\
# a 3 x2, x 4
def f(a, x):
    return a[x]
""",
    "zero": """\
# x 4, y 3
def f(x, y):
    return x % y + x // (x - 2)
""",
    "negative": """\
# x 4
def f(x):
    return (1 << (x - 1)) + 2 ** (3 - x - 1)
""",
    "empty": """\
# a 3 x2
def f(a):
    return max(v for v in a if v > 0)
""",
    "unset": """\
# x 3
def f(x):
    if x > 0:
        y = x
    return y
""",
    "no end": """\
# x 4
def f(x):
    while x != 2:
        x += 2 if x % 2 else -2
    return x
""",
    "no return": """\
# x 4
def f(x):
    if x < 3:
        return x
""",
    "kinds": """\
# x 3
def f(x):
    a = [x, None]
    return a[x % 2] + 1 if x < 2 else len(a)
""",
    "lazy": """\
# a 3 x2
def f(a):
    return any(2 // v == 1 for v in a)
""",
    "helper": """\
# x 3
def half(x):
    if x != 1:
        return x // 2

def f(x):
    return half(x) + 1
""",
}
