"""Files stay below 400 lines and functions at 50 at most; offenders are printed.

The exceptions name what is larger today with its size. They may shrink and vanish, never grow.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FILE_LIMIT, FUNCTION_LIMIT = 400, 50

LONG_FILES: dict[str, int] = {}
LONG_FUNCTIONS: dict[str, int] = {}

MACHINES = ROOT / "src" / "neuralc" / "machines"
FILES = sorted(
    path
    for folder in ("src", "tests", "benchmarks", "fuzz")
    for path in (ROOT / folder).rglob("*.py")
    if "golden" not in path.parts and not (path.parent == MACHINES and path.stem != "__init__")
)


def file_sizes() -> dict[str, int]:
    """Return the number of lines of every file, by its path in the repository."""
    return {
        path.relative_to(ROOT).as_posix(): len(path.read_text(encoding="utf-8").splitlines())
        for path in FILES
    }


def function_sizes() -> dict[str, int]:
    """Return the number of lines of every function, signature and docstring included."""
    sizes: dict[str, int] = {}
    for path in FILES:
        place = path.relative_to(ROOT).as_posix()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                size = (node.end_lineno or node.lineno) - node.lineno + 1
                key = f"{place}::{node.name}"
                sizes[key] = max(size, sizes.get(key, 0))
    return sizes


@pytest.mark.parametrize(
    ("sizes", "limit", "exceptions"),
    [
        (file_sizes(), FILE_LIMIT - 1, LONG_FILES),
        (function_sizes(), FUNCTION_LIMIT, LONG_FUNCTIONS),
    ],
    ids=["files", "functions"],
)
def test_sizes(sizes: dict[str, int], limit: int, exceptions: dict[str, int]) -> None:
    offenders = {name: size for name, size in sizes.items() if size > exceptions.get(name, limit)}
    done = [name for name in exceptions if sizes.get(name, 0) <= limit]
    table = "\n".join(f"{size:5}  {name}" for name, size in sorted(offenders.items()))
    assert not offenders, f"longer than {limit} lines:\n{table}"
    assert not done, f"no longer too long, strike from the exceptions: {done}"
