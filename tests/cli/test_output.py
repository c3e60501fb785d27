"""The boundary of all commands: one object on stdout, one message on stderr, the exit code."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path

import click
import numpy as np
import pytest
from click.testing import CliRunner

from neuralc.cli.output import Answer, command, plain, progress_bar
from neuralc.errors import DataError


def made(body: Callable[[], Answer]) -> click.Command:
    """Return a command of this body, which is named `body` and takes no arguments."""

    def named() -> Answer:
        return body()

    return command(named)


def failing(error: BaseException) -> click.Command:
    def body() -> Answer:
        raise error

    return made(body)


FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "runs/x")


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (DataError("instance 3: found 7, wanted 0..5"), 2, "instance 3: found 7, wanted 0..5"),
        (FULL, 2, "no space left on device runs/x"),
        (MemoryError(), 2, "there is not enough memory"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (KeyError("x"), 70, "internal error: KeyError: 'x' (with --verbose: where); please report"),
    ],
    ids=lambda value: type(value).__name__,
)
@pytest.mark.parametrize("as_json", [False, True])
def test_errors(error: BaseException, code: int, message: str, as_json: bool) -> None:
    done = CliRunner().invoke(failing(error), ["--json"] if as_json else [])
    assert done.exit_code == code
    assert done.stderr.startswith(message)
    assert "Traceback" not in done.output
    if as_json:
        assert message in json.loads(done.stdout)["error"]
    else:
        assert done.stdout == ""


def test_the_traceback_of_a_defect_is_shown_when_asked_for() -> None:
    done = CliRunner().invoke(failing(ValueError("odd")), ["--verbose", "--json"])
    assert "Traceback" in done.stderr
    assert "internal error: ValueError: odd; please report it" in done.stderr
    assert json.loads(done.stdout)


def test_the_mistake_of_a_user_has_no_traceback_even_then() -> None:
    done = CliRunner().invoke(failing(DataError("bad")), ["--verbose"])
    assert done.stderr == "bad\n"


def test_an_answer_for_people_and_one_for_programs() -> None:
    def body() -> Answer:
        print("a stray line")
        return Answer("found", {"solved": 1}, code=3)

    people, programs = (CliRunner().invoke(made(body), args) for args in ([], ["--json"]))
    assert (people.stdout, people.exit_code) == ("a stray line\nfound\n", 3)
    assert json.loads(programs.stdout) == {"solved": 1}
    assert programs.stderr == "a stray line\n"


def test_what_json_can_hold() -> None:
    value = {
        "array": np.arange(4).reshape(2, 2),
        "scalar": np.float32(0.5),
        "nothing": [float("nan"), np.array([1.0, np.inf])],
        "path": Path("runs/x"),
        "text": "é",
        1: (True, None),
    }
    assert json.loads(json.dumps(plain(value), allow_nan=False)) == {
        "array": [[0, 1], [2, 3]],
        "scalar": 0.5,
        "nothing": [None, [1.0, None]],
        "path": "runs/x",
        "text": "é",
        "1": [True, None],
    }


def test_a_bar_draws_nothing_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bar("learning") as progress:
        progress(1, 2, "loss 0.5")
    assert capsys.readouterr() == ("", "")
