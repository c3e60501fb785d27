"""Bad input to any command: one message on stderr, exit code 2, no traceback, nothing written."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from neuralc.cli import group

MODEL = "x = Input(2)\np = Param(2)\ny = Output(2)\ny.set_to(p)\n"
DATA = '[{"batch_name": "train", "instances": [{"x": 0, "y": 1}]}]'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.py").write_text(MODEL)
    (tmp_path / "broken.py").write_text(MODEL.replace("set_to(p)", "set_to(q)"))
    (tmp_path / "data.json").write_text(DATA)
    (tmp_path / "broken.json").write_text(DATA[:-1])
    (tmp_path / "empty.json").write_text("[]")
    (tmp_path / "hypers.json").write_text('{"small": {"n": 2}}')
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("check none.py", "there is no file none.py"),
        ("check model.py --hypers none.json", "there is no file none.json"),
        ("check model.py --hypers broken.json", "broken.json:1:58: this is not JSON"),
        ("check broken.py", "broken.py:4:10"),
        ("learn model.py", "Missing option '--data'"),
        ("learn model.py --data none.json", "there is no file none.json"),
        ("learn model.py --data broken.json", "broken.json:1:58: this is not JSON"),
        ("learn model.py --data empty.json", "there is no batch"),
        ("learn model.py --data data.json --restarts 0", "0 is not in the range"),
        ("learn model.py --data data.json --steps none", "'none' is not a valid integer"),
        ("run none", "Missing option '--data'"),
        ("compile model.py --emit jax", "'jax' is not"),
        ("demo --data cifar", "'cifar' is not one of"),
    ],
)
def test_one_message_and_exit_code_2(folder: Path, arguments: str, message: str) -> None:
    before = sorted(folder.rglob("*"))
    done = CliRunner().invoke(group, arguments.split())
    assert (done.exit_code, done.stdout) == (2, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert sorted(folder.rglob("*")) == before


def wait_for_reader(pipe: Path, process: subprocess.Popen[str]) -> int:
    """Open a named pipe for writing as soon as the process reads from it."""
    for _ in range(600):
        try:
            return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:  # nobody reads yet
            assert process.poll() is None, process.communicate()
            time.sleep(0.05)
    raise AssertionError("the command never read its data")


@pytest.mark.skipif(os.name != "posix", reason="sends the signal of Ctrl-C")
def test_ctrl_c(tmp_path: Path) -> None:
    """A whole process: Ctrl-C while a command reads gives one word and exit code 130."""
    slow = tmp_path / "slow.json"
    os.mkfifo(slow)  # reading it waits for a writer that never comes
    arguments = ["learn", "turing", "--data", str(slow), "--json"]
    command = [sys.executable, "-m", "neuralc", *arguments]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        writer = wait_for_reader(slow, process)
        time.sleep(0.2)  # let it go from opening to reading: a signal between them is noticed late
        process.send_signal(signal.SIGINT)
        try:
            stdout, stderr = process.communicate(timeout=30)
        finally:
            process.kill()  # whatever happens, nobody waits for it
            os.close(writer)
    assert (process.returncode, stderr) == (130, "interrupted\n")
    assert json.loads(stdout) == {"error": "interrupted"}
