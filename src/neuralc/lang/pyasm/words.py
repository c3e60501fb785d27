"""Words for what the subset does not have, and what to write instead."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterable

STATEMENTS: dict[type[ast.stmt], tuple[str, str]] = {
    ast.Import: ("`import` inside a function", "remove it: a program imports nothing"),
    ast.ImportFrom: ("`import` inside a function", "remove it: a program imports nothing"),
    ast.ClassDef: ("`class`", "use numbers, and cells of the memory: `mem[i]`"),
    ast.With: ("`with`", "leave it out"),
    ast.Try: ("`try`", "test for the case with an `if` before"),
    ast.Raise: ("`raise`", "write `return`, or put a number that means it into the memory"),
    ast.Assert: ("`assert`", "leave it out, or test with `if`"),
    ast.Delete: ("`del`", "leave it out"),
    ast.Global: ("`global`", "give the value as an argument, or keep it in the memory: `mem[i]`"),
    ast.Nonlocal: ("`nonlocal`", "give the value as an argument and return it"),
    ast.Match: ("`match`", "write `if … elif … else`"),
    ast.FunctionDef: ("a function inside a function", "define it at the top level of the file"),
    ast.AsyncFunctionDef: ("`async`", "write a plain `def`"),
    ast.AsyncFor: ("`async`", "write a plain `for`"),
    ast.AsyncWith: ("`async`", "leave it out"),
}

EXPRESSIONS: dict[type[ast.expr], tuple[str, str]] = {
    ast.Lambda: ("`lambda`", "define a function with `def`"),
    ast.List: ("a list", "keep the values in the memory: `mem[i]`, `mem[i + 1]`, …"),
    ast.ListComp: ("a list", "write a loop that puts the values into the memory"),
    ast.Tuple: ("a tuple here", "assign value by value: `a, b = x, y`"),
    ast.Dict: ("a dict", "keep the values in the memory: `mem[i]`"),
    ast.DictComp: ("a dict", "keep the values in the memory: `mem[i]`"),
    ast.Set: ("a set", "keep the values in the memory: `mem[i]`"),
    ast.SetComp: ("a set", "keep the values in the memory: `mem[i]`"),
    ast.GeneratorExp: ("a generator", "write a `for` loop"),
    ast.JoinedStr: ("text", "use whole numbers"),
    ast.NamedExpr: ("`:=`", "assign in a line of its own"),
    ast.Yield: ("`yield`", "put the values into the memory: `mem[i] = …`"),
    ast.YieldFrom: ("`yield`", "put the values into the memory: `mem[i] = …`"),
    ast.Await: ("`await`", "leave it out"),
    ast.Attribute: ("an attribute", "use numbers, cells `mem[i]` and functions"),
    ast.Starred: ("`*` here", "write the values out"),
    ast.Slice: ("a slice", "write a loop over the cells `mem[i]`"),
}

OPERATORS: dict[type[ast.operator], tuple[str, str]] = {
    ast.Mult: ("`*`", "one side must be a constant; else add in a loop: `for _ in range(b): …`"),
    ast.FloorDiv: ("`//`", "count in a loop: `while a >= b: a, q = a - b, q + 1`"),
    ast.Mod: ("`%`", "subtract in a loop: `while a >= b: a = a - b`"),
    ast.Div: ("`/`", "there are whole numbers only; subtract in a loop"),
    ast.Pow: ("`**`", "add in loops"),
    ast.LShift: ("`<<`", "write `x + x` for `x << 1`"),
    ast.RShift: ("`>>`", "subtract 2 in a loop, and count"),
    ast.BitAnd: ("`&`", "write `and` for conditions"),
    ast.BitOr: ("`|`", "write `or` for conditions"),
    ast.BitXor: ("`^`", "write `!=` for conditions"),
    ast.MatMult: ("`@`", "leave it out"),
}

FUNCTIONS = {
    "abs": "no number is negative; write `max(a, b) - min(a, b)` for a distance",
    "print": "put what is to be seen into the memory: `mem[i] = …`",
    "len": "only `len(mem)` has a meaning, the size of the memory",
    "sum": "add in a loop",
    "sorted": "sort the cells of the memory with loops",
    "int": "everything is a whole number; leave it out",
    "bool": "write `x != 0`",
    "range": "write `for i in range(…):`",
    "enumerate": "write `for i in range(…):`",
    "zip": "write `for i in range(…):`",
    "divmod": "subtract in a loop",
}

TAKEN = frozenset(("min", "max", "range", "len", "mem"))
"""Names that mean something already."""


def nearest(name: str, candidates: Iterable[str]) -> str:
    """Return `did you mean …?`, or nothing where no candidate is near."""
    found = difflib.get_close_matches(name, sorted(candidates), n=1, cutoff=0.6)
    return f"did you mean `{found[0]}`?" if found else ""
