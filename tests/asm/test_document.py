"""The examples of docs/assembly.md are true, and its table of instructions is complete."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from neuralc import routines
from neuralc.cli import group
from neuralc.ir.assembly import ARITY, OPERATIONS
from neuralc.lang import asm
from neuralc.source import Source

TEXT = (Path(__file__).parents[2] / "docs" / "assembly.md").read_text(encoding="utf-8")


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", TEXT, re.M | re.S)


def test_examples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each example is a file whose name is in its first line; the commands print what is shown."""
    monkeypatch.chdir(tmp_path)
    for block in blocks("asm"):
        Path(block.split("\n")[0].removeprefix("# ")).write_text(block, encoding="utf-8")
    sessions = blocks("console")
    assert len(sessions) == len(blocks("asm")) == 2
    for session in sessions:
        command, printed = session.split("\n", 1)
        done = CliRunner().invoke(group, command.removeprefix("$ neuralc ").split())
        assert (done.exit_code, done.stdout) == (0, printed)


def test_addition_is_the_routine() -> None:
    source = Source("addition", routines.path("addition").read_text(encoding="utf-8"))
    assert asm.parse(Source("example", blocks("asm")[1])) == asm.parse(source)


def test_instructions() -> None:
    shown = re.findall(r"`([A-Z]+)((?: [xy])*)`", TEXT.split("## Statements")[0])
    known = [(name, len(arguments.split())) for name, arguments in shown]
    assert dict(pair for pair in known if pair[1] or not ARITY[pair[0]]) == ARITY
    assert {name for name, _ in known} == set(OPERATIONS)


def test_routines_are_named() -> None:
    assert all(f"`{name}`" in TEXT for name in routines.names())


def test_python(capsys: pytest.CaptureFixture[str]) -> None:
    (block,) = blocks("python")
    exec(block, {})
    assert "0: loop: r0 = INC  r0" in capsys.readouterr().out
