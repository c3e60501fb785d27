"""Sorting on the machine with subroutines: all four programs, exactly and softly."""

from __future__ import annotations

import json

import numpy as np
import pytest
from click.testing import CliRunner

from neuralc.cli import group
from neuralc.experiments import alm_quicksort
from neuralc.experiments.alm_quicksort import PROGRAMS, run_alm_quicksort
from neuralc.nn.library.library import RoutineLibrary


def test_all_permutations_are_sorted() -> None:
    """Up to 6 exactly and up to 4 softly, by our quicksort; lists of 30 are the command's."""
    quicksort = PROGRAMS[0].library(16)
    cases = [case for k in range(1, 7) for case in alm_quicksort._permutations(k)]
    exact = alm_quicksort._exact(PROGRAMS[0], quicksort, cases, "")
    assert exact["right"] == exact["lists"] == 1 + 2 + 6 + 24 + 120 + 720
    soft = alm_quicksort._soft(PROGRAMS[0], quicksort, 4)
    assert soft["right"] == soft["lists"] == 1 + 2 + 6 + 24


def test_every_program_on_few_lists() -> None:
    told: list[str] = []
    found = run_alm_quicksort(
        lists=3, hard=3, soft=2, progress=lambda done, total, name: told.append(name)
    )
    assert told == [program.name for program in PROGRAMS]
    assert found.data["solved"]
    assert len(found.data["rows"]) == 3 * len(PROGRAMS)
    assert found.text.count("| 9 of 9 |") == 4


def test_a_wrong_program_is_not_called_right() -> None:
    library = RoutineLibrary(16)
    library.add("routine sort k\n ret k\n")
    lists = np.array([[1, 2, 3], [3, 2, 1]])
    row = alm_quicksort._exact(PROGRAMS[0], library["sort"], [lists], "")  # type: ignore[arg-type]
    assert (row["right"], row["lists"]) == (1, 2)


def test_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    done = CliRunner().invoke(group, ["reproduce", "alm-quicksort", "--lists", "0"])
    assert done.exit_code == 2
    small = lambda **given: run_alm_quicksort(**{**given, "hard": 2, "soft": 1})  # noqa: E731
    monkeypatch.setattr(alm_quicksort, "run_alm_quicksort", small)
    done = CliRunner().invoke(group, ["reproduce", "alm-quicksort", "--lists", "2", "--json"])
    assert done.exit_code == 0, done.stderr
    data = json.loads(done.stdout)
    assert data["solved"]
    assert {row["program"] for row in data["rows"]} == {program.name for program in PROGRAMS}
