"""The processes of solvers: light, closed to the files around them; and their messages."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from neuralc.backends.base import Candidate, Problem
from neuralc.ir.examples import bind
from neuralc.learning import frames, learn, portfolio
from neuralc.learning.questions import answer, choices_of, problem_of, question
from tests.learning.tasks import line_data, lines


def test_the_worker_is_light() -> None:
    code = "import neuralc.learning.worker, sys; print(*(n for n in sys.modules if '.' not in n))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "numpy" in loaded
    assert not loaded & {"torch", "numba", "z3", "ortools", "pysat", "safetensors"}


def test_files_in_the_folder_are_not_taken_for_modules(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model may be named as a module is; the processes of solvers must not run it."""
    monkeypatch.setitem(portfolio.SOLVERS, "search", "tests.learning.fakes.brute")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", *sys.path])
    for name in ("json", "numpy", "struct", "numba"):
        (tmp_path / f"{name}.py").write_text("open('was_run', 'w')\nraise SystemExit(3)\n")
    assert learn(lines, line_data(), solver="search").report.status == "found"
    assert not (tmp_path / "was_run").exists()


def test_messages(tmp_path: Path) -> None:

    path = tmp_path / "frames"
    arrays = {"file": np.arange(6).reshape(2, 3), "a/b: ä": np.zeros((0, 2)), "t": np.True_}
    with path.open("wb") as stream:
        frames.write(stream, {"kind": "x"}, arrays)
        frames.write(stream, {"kind": "last"})
        with pytest.raises(ValueError, match="numbers"):
            frames.write(stream, {}, {"o": np.array([object()])})
    with path.open("rb") as stream:
        message, found = frames.read(stream) or ({}, {})
        assert (message, list(found)) == ({"kind": "x"}, list(arrays))
        for name, array in arrays.items():
            np.testing.assert_array_equal(found[name], array)
        assert frames.read(stream) == ({"kind": "last"}, {})
        assert frames.read(stream) is None
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) - 3])
    with path.open("rb") as stream:
        assert frames.read(stream)
        assert frames.read(stream) is None, "it breaks off"
    with pytest.raises(ValueError, match="too long"):
        frames.read(io.BytesIO(b"\xff" * 16))
    wrong = frames._HEAD.pack(7, 0) + b"[1, []]"
    with pytest.raises(ValueError, match="an object"):
        frames.read(io.BytesIO(wrong))


def test_a_question_arrives_as_it_was() -> None:
    examples = bind(lines.program, line_data())
    chances = {"op": np.full((2, 3), 1 / 3)}
    asked = Problem(lines.program, examples, 7, 3, None, chances, (np.zeros((16, 2)),))
    stream = io.BytesIO()
    frames.write(stream, *question("a.module", asked, {"settings": {"steps": 3}}))
    stream.seek(0)
    frame = frames.read(stream)
    assert frame is not None
    assert (frame[0]["module"], frame[0]["options"]) == ("a.module", {"settings": {"steps": 3}})
    found = problem_of(frame)
    assert (found.program, found.seed, found.threads) == (lines.program, 7, 3)
    assert (found.deadline, found.examples.count) == (None, 16)
    for mine, other in (
        (found.examples.inputs, examples.inputs), (found.examples.outputs, examples.outputs),
        (found.chances, chances), (dict(enumerate(found.networks)), {0: np.zeros((16, 2))}),
    ):  # fmt: skip
        assert mine.keys() == other.keys()
        for name, array in other.items():
            np.testing.assert_array_equal(mine[name], array)


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        ({"op": np.zeros(2, int)}, "not those of the model"),
        ({"op": np.zeros(2, int), "arg": np.zeros(3, int)}, "not those of the model"),
        ({"op": np.zeros(2, int), "arg": np.zeros(2)}, "no whole numbers"),
    ],
)
def test_choices_that_are_none(choices: dict[str, np.ndarray], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        choices_of(lines.program, answer({}, Candidate(choices, 0)))
