"""The command `neuralc`: one file per command, imported when it is asked for.

A command module defines `command`. It imports nothing heavy at its top, so that `--help` answers
at once (`tests/test_front_door.py`).
"""

from __future__ import annotations

import sys
from importlib import import_module
from pkgutil import iter_modules

import click

PLUMBING = {"output", "inputs", "alternatives", "programs", "memories", "reproduce_alm",
            "reproduce_ntpt"}  # fmt: skip


class Commands(click.Group):
    """A group whose commands are the files of this folder."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the files."""
        return sorted(module.name for module in iter_modules(__path__)
                      if module.name not in PLUMBING)  # fmt: skip

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the file of a command."""
        if cmd_name not in self.list_commands(ctx):
            return None
        command = import_module(f"{__name__}.{cmd_name}").command
        assert isinstance(command, click.Command)
        return command


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="neuralc")
def group() -> None:
    """Learn programs whose values are probability distributions.

    A model is an interpreter with some choices left open; neuralc finds them from examples and
    gives back readable source code. Start with: neuralc demo
    """


def main() -> None:
    """Run the command line; exit codes: 0 found or fine, 2 bad input, 3 not found, 130 Ctrl-C."""
    try:
        code = group.main(prog_name="neuralc", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except click.Abort:
        click.echo("interrupted", err=True)
        code = 130
    sys.exit(code)
