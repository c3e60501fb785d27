"""The names that the subset knows, and words for what it does not have."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterable

FUNCTIONS = {
    "abs": (1, 1), "all": (1, 1), "any": (1, 1), "bool": (1, 1), "int": (1, 1), "len": (1, 1),
    "list": (0, 1), "max": (1, 99), "min": (1, 99), "sorted": (1, 1), "sum": (1, 1),
    "tuple": (0, 1),
}  # fmt: skip
"""Functions that give a value: how many arguments at least and at most."""

ITERATORS = {"range": (1, 3), "enumerate": (1, 1), "reversed": (1, 1), "zip": (1, 99)}
"""Functions that give something to loop over, and are of use only there."""

TAKES_ITERABLE = {"all", "any", "list", "sorted", "sum", "tuple", "enumerate", "reversed", "zip"}
"""Functions whose arguments are looped over; of `min` and `max` a single one is, too."""

METHODS = {"append": (1, 1), "copy": (0, 0), "pop": (0, 1)}

STATEMENTS: dict[type[ast.stmt], tuple[str, str]] = {
    ast.Import: ("`import`", "a reference imports nothing; write what it needs into the file"),
    ast.ImportFrom: ("`import`", "a reference imports nothing; write what it needs into the file"),
    ast.ClassDef: ("`class`", "use whole numbers and lists"),
    ast.With: ("`with`", "leave it out"),
    ast.Try: ("`try`", "test for the case with an `if` before"),
    ast.Raise: ("`raise`", "write `return None` where nothing is asked"),
    ast.Assert: ("`assert`", "write `if not …: return None` where nothing is asked"),
    ast.Delete: ("`del`", "leave it out"),
    ast.Global: ("`global`", "give the value as an argument and return it"),
    ast.Nonlocal: ("`nonlocal`", "give the value as an argument and return it"),
    ast.Match: ("`match`", "write `if … elif … else`"),
    ast.FunctionDef: ("a function inside a function", "define it at the top level of the file"),
    ast.AsyncFunctionDef: ("`async`", "write a plain `def`"),
}

EXPRESSIONS: dict[type[ast.expr], tuple[str, str]] = {
    ast.Lambda: ("`lambda`", "define a function with `def`"),
    ast.Dict: ("a dict here", "a dict is only returned: `return {'output': value}`"),
    ast.DictComp: ("a dict", "use a list whose indices are the keys"),
    ast.Set: ("a set", "use a list or a tuple"),
    ast.SetComp: ("a set", "use a list"),
    ast.JoinedStr: ("text", "use whole numbers"),
    ast.NamedExpr: ("`:=`", "assign in a line of its own"),
    ast.Yield: ("`yield`", "return a list"),
    ast.YieldFrom: ("`yield`", "return a list"),
    ast.Await: ("`await`", "leave it out"),
    ast.GeneratorExp: ("a generator here", "write a list: `[… for …]`"),
    ast.Attribute: ("an attribute", "use whole numbers, lists and functions"),
    ast.Starred: ("`*` here", "write the elements out"),
    ast.Slice: ("a slice here", "write `a[i:j]`"),
}


def nearest(name: str, candidates: Iterable[str]) -> str:
    """Return `did you mean …?`, or nothing where no candidate is near."""
    found = difflib.get_close_matches(name, sorted(candidates), n=1, cutoff=0.6)
    return f"did you mean `{found[0]}`?" if found else ""
