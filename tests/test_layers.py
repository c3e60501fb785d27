"""Who may import whom. The table is the architecture; the test keeps it true."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "src" / "neuralc"

ROWS = [  # a module imports from its own entry and from the rows above it here, nothing else
    {"source"},
    {"errors"},
    {"files", "cores", "pictures", "engines"},
    {"saved"},
    {"ir"},
    {"lang", "backends", "tasks", "zoo", "data", "machines", "routines"},  # strangers
    {"nn"},
    {"learning"},
    {"inspect"},
    {"experiments"},
    {"cli", "web"},
]
LEVEL = {name: level for level, row in enumerate(ROWS) for name in row}
FRONT_DOOR = {"__init__", "__main__"}  # may import everything, and is imported by nobody
PARTS = {"backends", "lang"}  # folders whose parts do not know each other either
SOLVERS = {"search", "sat", "smt", "cp"}  # what they find is judged by the exact execution
# The kernels of `native` are another printer of the tensor programs that `soft` lowers to, and
# its module is that of `soft` with another engine: one lowering, one meaning.
PRINTS = {("native", "soft")}

# Model files: in the language that looks like Python, parsed and never imported.
MODELS = [p for p in (ROOT / "machines").glob("*.py") if p.stem != "__init__"]
FILES = sorted(set(ROOT.rglob("*.py")) - set(MODELS))


def imports(tree: ast.AST) -> set[tuple[str, ...]]:
    """Return what a file imports of ours as module paths, imports inside functions included."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            assert not node.level, "imports are absolute"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return {tuple(name.split(".")) for name in found if name.split(".")[0] == "neuralc"}


def complaint(importer: tuple[str, ...], imported: tuple[str, ...]) -> str | None:
    """Return what is wrong with an import, or None.

    Args:
        importer: the module that imports, below the package: `("ir", "nodes")`.
        imported: what it imports, with the package: `("neuralc", "errors", "FileError")`.

    """
    layer, *inner = importer
    if layer in FRONT_DOOR:
        return None
    target = imported[1] if len(imported) > 1 else "__init__"
    if target not in LEVEL:
        return f"{layer} may not import the front door, nor {target}, which is in no row"
    if layer != target:
        return None if LEVEL[target] < LEVEL[layer] else f"{layer} may not import {target}"
    if layer in PARTS and len(imported) > 2 and inner != ["__init__"]:
        solver = imported[2] == "exact" and inner[0] in SOLVERS
        printer = (inner[0], imported[2]) in PRINTS
        shared = solver or printer or imported[2] in {inner[0], "base"}
        return None if shared else f"{layer}/{inner[0]} must not know {layer}/{imported[2]}"
    return None


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_imports_point_down(path: Path) -> None:
    parts = path.relative_to(ROOT).with_suffix("").parts
    assert parts[0] in LEVEL or parts[0] in FRONT_DOOR, f"{parts[0]} is in no row of the table"
    found = imports(ast.parse(path.read_text(encoding="utf-8")))
    assert not [text for name in sorted(found) if (text := complaint(parts, name))]


@pytest.mark.parametrize(
    ("importer", "text"),
    [
        ("ir.nodes", "from neuralc.lang.model import parse"),
        ("ir.nodes", "import neuralc.cli"),
        ("lang.model.parse", "from neuralc.backends.soft import build"),
        ("backends.exact.compile", "from neuralc.backends import soft"),
        ("learning.restarts", "def late():\n    from neuralc.inspect import show"),
        ("learning.restarts", "import neuralc"),
        ("learning.restarts", "from neuralc import load"),
        ("data.digits", "from neuralc import machines"),
    ],
)
def test_a_forbidden_import_is_seen(importer: str, text: str) -> None:
    found = imports(ast.parse(text))
    assert [c for name in found if (c := complaint(tuple(importer.split(".")), name))]


def test_machines_are_data() -> None:
    """Nobody imports a model file: only the folder itself, to learn where the files are."""
    names = {path.stem for path in MODELS}
    for path in FILES:
        for name in imports(ast.parse(path.read_text(encoding="utf-8"))):
            assert name[:2] != ("neuralc", "machines") or not names & set(name[2:]), path
