"""The examples of docs/compiled.md are true."""

from __future__ import annotations

import re
import runpy
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from neuralc.cli import group

TEXT = (Path(__file__).parents[2] / "docs" / "compiled.md").read_text(encoding="utf-8")


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", TEXT, re.M | re.S)


def test_sessions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    commands = re.split(r"^\$ neuralc ", "".join(blocks("console")), flags=re.M)[1:]
    assert len(commands) == 4
    for part in commands:
        command, printed = part.split("\n", 1)
        done = CliRunner().invoke(group, shlex.split(command))
        assert (done.exit_code, done.stdout) == (0, printed)


def test_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (block,) = blocks("python")
    Path("block.py").write_text(block, encoding="utf-8")
    runpy.run_path("block.py")


def test_samples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The samples shown are right: the list has one element, 7."""
    monkeypatch.chdir(tmp_path)
    (samples,) = re.findall(r"`(\{\"memory\".*\})`", TEXT)
    Path("samples.json").write_text(samples, encoding="utf-8")
    for command in ("compile listk --memory 20 --out list", "run list --data samples.json"):
        done = CliRunner().invoke(group, command.split())
        assert done.exit_code == 0, done.stderr
    assert done.stdout.startswith("1 samples, 1 right")
