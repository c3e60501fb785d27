"""The front door is light: help and versions answer at once, without torch or numba.

Measured in a process of its own: what is already imported here would hide it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time

import click
import pytest
from click.testing import CliRunner

from neuralc.cli import Commands, group

HEAVY = {"torch", "numba", "numpy", "sklearn", "matplotlib", "pooch", "scipy"}
LIMIT = 0.5  # seconds; the slack is for a machine that runs other tests at the same time
SLACK = 1.0
COMMANDS = [
    "asm",
    "bench",
    "check",
    "compile",
    "demo",
    "disasm",
    "learn",
    "lifelong",
    "run",
    "show",
    "verify",
]

GROUPS = ["library", "reproduce"]  # of commands of their own

PROBE = """
import json, sys
from neuralc.cli import group
try:
    group.main(sys.argv[1:], prog_name="neuralc")
except SystemExit as stop:
    assert not stop.code, stop.code
print(json.dumps(sorted(name for name in sys.modules if "." not in name)), file=sys.stderr)
"""


@pytest.mark.parametrize(
    "arguments", [["--help"], *([name, "--help"] for name in [*COMMANDS, *GROUPS])]
)
def test_help_is_light(arguments: list[str]) -> None:
    command = [sys.executable, "-c", PROBE, *arguments]
    seconds = []
    for _ in range(3):  # the best of three: the first may have to compile the files
        start = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
        seconds.append(time.perf_counter() - start)
        if seconds[-1] < LIMIT:
            break
    loaded = set(json.loads(done.stderr))
    assert "Usage: neuralc" in done.stdout
    assert not loaded & HEAVY
    assert min(seconds) < LIMIT + SLACK


def test_importing_the_package_is_light() -> None:
    code = "import neuralc, sys; print(*(n for n in sys.modules if '.' not in n))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not set(done.stdout.split()) & {"torch", "numba", "sklearn", "matplotlib"}


def test_the_files_are_the_commands() -> None:
    shown = CliRunner().invoke(group, ["--help"]).output
    assert isinstance(group, Commands)
    assert all(f"  {name} " in shown for name in [*COMMANDS, *GROUPS])


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_answers_in_json(name: str) -> None:
    assert "--json" in CliRunner().invoke(group, [name, "--help"]).output


@pytest.mark.parametrize("name", GROUPS)
def test_every_command_of_a_group_answers_in_json(name: str) -> None:
    own = group.get_command(click.Context(group), name)
    assert isinstance(own, click.Group)
    for below in own.commands:
        assert "--json" in CliRunner().invoke(group, [name, below, "--help"]).output


def test_a_command_that_is_not_there() -> None:
    done = CliRunner().invoke(group, ["lern"])
    assert done.exit_code == 2
    assert "No such command 'lern'" in done.output
