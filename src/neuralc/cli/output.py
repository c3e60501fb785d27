"""What all commands share: the answer on stdout, everything else on stderr, and the exit code.

A command returns an `Answer`; only `command` below prints it, so that with `--json` there is
exactly one JSON object on stdout whatever happens. The text of a user's mistake goes to stderr.
"""

from __future__ import annotations

import functools
import json
import math
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from os import PathLike, fspath
from typing import Any

import click

from neuralc.errors import NeuralcError

FOUND, BAD_INPUT, NOT_FOUND, DEFECT, INTERRUPTED = 0, 2, 3, 70, 130


@dataclass(frozen=True)
class Answer:
    """What a command has to say.

    `text` goes to stdout for people, `data` instead of it with `--json`; `problem` (an error, or
    warnings) goes to stderr in both cases.
    """

    text: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    code: int = FOUND
    problem: str = ""


def command(body: Callable[..., Answer]) -> click.Command:
    """Turn a function that returns an `Answer` into a command with `--json` and `--verbose`."""

    @functools.wraps(body)
    def run(*, as_json: bool, verbose: bool, **arguments: Any) -> None:
        answer = _attempt(lambda: body(**arguments), quiet_stdout=as_json, verbose=verbose)
        if answer.problem:
            click.echo(answer.problem, err=True)
        if as_json:
            click.echo(json.dumps(plain(answer.data), ensure_ascii=False, allow_nan=False))
        elif answer.text:
            click.echo(answer.text)
        click.get_current_context().exit(answer.code)

    made = click.command()(run)
    made.params += [
        click.Option(["--json", "as_json"], is_flag=True, help="One JSON object on stdout."),
        click.Option(["--verbose"], is_flag=True, help="Show the traceback of a defect."),
    ]
    return made


def _attempt(body: Callable[[], Answer], *, quiet_stdout: bool, verbose: bool) -> Answer:
    """Run a command; whatever goes wrong becomes an answer."""
    try:
        if not quiet_stdout:
            return body()
        with redirect_stdout(sys.stderr):  # nothing but the object may reach stdout
            return body()
    except NeuralcError as error:
        return _failure(str(error), BAD_INPUT)
    except KeyboardInterrupt:
        return _failure("interrupted", INTERRUPTED)
    except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
        raise
    except OSError as error:
        name = f" {error.filename}" if error.filename else ""
        return _failure(f"{(error.strerror or str(error)).lower()}{name}", BAD_INPUT)
    except Exception as error:  # noqa: BLE001  (the last resort: a defect of ours)
        if _is_out_of_memory(error):
            hint = "  hint: fewer restarts or smaller batches"
            return _failure(f"there is not enough memory for this\n{hint}", BAD_INPUT)
        if verbose:
            traceback.print_exc()
        what = f"{type(error).__name__}: {error}".splitlines()[0]
        hint = "" if verbose else " (with --verbose: where)"
        return _failure(f"internal error: {what}{hint}; please report it", DEFECT)


def _is_out_of_memory(error: Exception) -> bool:
    """Tell whether memory is what was missing; torch says it as a RuntimeError, in words."""
    words = ("can't allocate memory", "not enough memory", "out of memory")
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and any(word in str(error) for word in words)
    )


def _failure(message: str, code: int) -> Answer:
    """Return the answer to bad input: the message in both forms."""
    return Answer(data={"error": message}, code=code, problem=message)


def plain(value: Any) -> Any:
    """Return what JSON can hold: arrays as lists, paths as text, numbers not finite as null."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if isinstance(value, Sequence | set | frozenset) and not isinstance(value, str):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return fspath(value) if isinstance(value, PathLike) else value


def note(message: str) -> None:
    """Say something on stderr that is not part of the answer."""
    click.echo(message, err=True)


@contextmanager
def progress_bar(label: str) -> Iterator[Callable[[int, int, str], None]]:
    """Show a bar on stderr while the block runs; nothing is drawn where that is no terminal.

    Yields a function that is told the work done, all the work, and a remark such as the loss.
    """
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:3.0f}%"),
               TextColumn("{task.fields[remark]}"), TimeRemainingColumn())  # fmt: skip
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        bar = progress.add_task(label, total=None, remark="")

        def update(done: int, total: int, remark: str = "") -> None:
            progress.update(bar, completed=done, total=total, remark=remark)

        yield update
