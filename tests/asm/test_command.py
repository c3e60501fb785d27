"""`neuralc asm`: a program as a listing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from neuralc import routines
from neuralc.cli import group
from neuralc.lang import asm
from neuralc.source import Source


def invoke(*arguments: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(group, ["asm", *arguments])
    return done.exit_code, done.stdout, done.stderr


@pytest.mark.parametrize("name", routines.names())
def test_routines_by_name_and_back(name: str) -> None:
    """What is printed is the same program in assembly."""
    code, shown, problems = invoke(name)
    assert (code, problems) == (0, "")
    program = asm.parse(Source(name, routines.path(name).read_text(encoding="utf-8")))
    assert asm.parse(Source("shown", shown)) == program
    size = f"{len(program.lines)} lines, {len(program.registers)} registers, for a memory of"
    assert shown.startswith(f"# {name}: {size}")


def test_a_size_of_memory() -> None:
    code, shown, _ = invoke("permutation", "--memory", "15")
    assert code == 0
    assert shown.startswith("# permutation: 12 lines, 8 registers, for a memory of 15 cells\n")
    assert "var r0 = 14  # base" in shown
    code, shown, problem = invoke("permutation", "--memory", "11")
    assert (code, shown) == (2, "")
    assert "E410: line 11, of 12 lines" in problem


def test_as_json(tmp_path: Path) -> None:
    file = tmp_path / "count.asm"
    file.write_text("start @loop; var x = -2; loop: x = INC x; JEZ x loop", encoding="utf-8")
    code, shown, problem = invoke(str(file), "--memory", "9", "--json")
    found = json.loads(shown)
    assert (code, found["start"], found["memory"], found["smallest_memory"]) == (0, 0, 9, 8)
    assert found["lines"] == [
        {"line": 0, "label": "loop", "operation": "INC", "first": 0, "second": None, "target": 0},
        {"line": 1, "label": None, "operation": "JEZ", "first": 0, "second": 1, "target": 2},
    ]
    assert found["registers"] == [
        {"register": 0, "name": "x", "start": 7},
        {"register": 1, "name": "loop", "start": 0},
        {"register": 2, "name": "junk", "start": None},
    ]
    assert "no line is STOP" in found["warnings"][0]
    assert problem == f"{found['warnings'][0]}\n"


def test_errors(tmp_path: Path) -> None:
    file = tmp_path / "broken.asm"
    file.write_text("r0 = RAED r0\nJEZ r0 end\n", encoding="utf-8")
    code, shown, problem = invoke(str(file))
    assert (code, shown) == (2, "")
    assert f"{file}:1:6" in problem
    assert "2 errors" in problem
    assert "E401" in json.loads(invoke(str(file), "--json")[1])["error"]


@pytest.mark.parametrize(("name", "message"), [
    ("lstk", "the programs that come with neuralc are access, addition"),
    ("no.asm", "there is no file no.asm"),
])  # fmt: skip
def test_a_missing_file(name: str, message: str) -> None:
    code, shown, problem = invoke(name)
    assert (code, shown) == (2, "")
    assert message in problem


def test_python_files_are_compiled_first(tmp_path: Path) -> None:
    file = tmp_path / "less.py"
    file.write_text("def less(mem):\n    mem[0] = mem[1] - 1\n", "utf-8")
    done = CliRunner().invoke(group, ["asm", str(file)])
    assert done.exit_code == 0, done.stderr
    assert done.stdout.startswith("# less: 4 lines")
    assert "DEC" in done.stdout
    assert CliRunner().invoke(group, ["asm", str(file), "--memory", "3"]).exit_code == 2
