"""What docs/programs.md shows runs, and its table of sizes is that of the examples."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

import neuralc
from neuralc.lang import pyasm
from tests.pyasm.test_examples import LINES

TEXT = (Path(__file__).parent.parent.parent / "docs" / "programs.md").read_text(encoding="utf-8")


def test_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(neuralc, "program", pyasm.program, raising=False)
    for k, block in enumerate(re.findall(r"^```python\n(.*?)^```$", TEXT, re.M | re.S)):
        file = tmp_path / f"block_{k}.py"
        file.write_text(block, encoding="utf-8")
        runpy.run_path(str(file))
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == "90"
    assert printed[1].startswith("11 (")
    assert printed[2] == "['READ', 'READ', 'ADD', 'WRITE', 'STOP']"
    assert printed[3] == "stack overflow at line 5: fib(n - 1)"


def test_sizes() -> None:
    rows = re.findall(r"^\| (\w+) \| (\d+) \| (\d+) \| \d", TEXT, re.M)
    assert len(rows) == 14
    for name, lines, registers in rows:
        assert LINES[name] == (int(lines), int(registers)), name
