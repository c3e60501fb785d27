"""Fibonacci by depth: the program, selection by validation alone, and the command."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

pytest.importorskip("transformers")

from neuralc.cli import group
from neuralc.data.sentences import Fibonacci, fibonacci
from neuralc.errors import NeuralcError
from neuralc.experiments import alm_fibonacci
from neuralc.experiments.alm_fibonacci import FULL, KINDS_OF, MINIMAL, POINT, QUICK
from neuralc.experiments.alm_fibonacci_networks import PROGRAM, Answering, Way
from neuralc.experiments.alm_fibonacci_train import Recipe, _parts, run_way
from neuralc.nn.library.library import RoutineLibrary


@pytest.mark.parametrize("depth", [1, 2, 3, 5, 10])
def test_the_program_is_what_is_asked(depth: int) -> None:
    library = RoutineLibrary(11, cells=1, depth=2)
    table = library.add(PROGRAM.format(depth=depth)).values()
    wanted = [[fibonacci(a, b, depth, 11) for b in range(11)] for a in range(11)]
    assert np.array_equal(table, wanted)


def test_kept_pairs_are_neither_trained_on_nor_validated_with() -> None:
    task = Fibonacci(11, 3, 0)
    model = Answering(
        task, Way("minimal", "decode", "joint"), hidden=16, deviation=0.02, scale=0.2, write=6.0
    )
    parts = [model.tokens([one.text for one in task.every()])]
    parts += [part.ids for part in _parts(model, task.trained(), 0)]
    rows = [{tuple(row) for row in part.tolist()} for part in parts]
    assert [len(part) for part in rows] == [24, 87, 10]
    assert len(set().union(*rows)) == 11 * 11


def test_joint_calls_with_decoded_operands_are_learned() -> None:
    """On pairs never seen; guessing is right on one of 31."""
    outcome = run_way(Fibonacci(31, 3, 0), Way("minimal", "decode", "joint"), MINIMAL, 0, print)
    assert outcome.validation == 1
    assert outcome.test > 0.95


def test_pointing_is_learned_by_the_small_transformer() -> None:
    outcome = run_way(Fibonacci(11, 2, 0), Way("small", "point", "joint"), POINT, 0, print)
    assert outcome.test == 1


def test_untrained_networks_guess() -> None:
    still = Recipe(steps=1, rate=0.0, tries=1)
    outcome = run_way(Fibonacci(31, 3, 0), Way("minimal", "decode", "joint"), still, 0, print)
    assert outcome.test < 0.2
    assert outcome.tries == 1


def test_a_depth_without_sentences() -> None:
    with pytest.raises(NeuralcError, match="no sentences of depth 4"):
        Fibonacci(11, 4, 0)


@pytest.mark.parametrize("depths", ["4", "one", ""])
def test_bad_depths(depths: str) -> None:
    done = CliRunner().invoke(group, ["reproduce", "alm-fibonacci", "--depths", depths])
    assert done.exit_code == 2
    assert "hint:" in done.stderr


def test_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    recipes = {name: replace(r, steps=2, tries=1) for name, r in QUICK.recipes.items()}
    monkeypatch.setattr(alm_fibonacci, "QUICK", replace(QUICK, recipes=recipes))
    command = ["reproduce", "alm-fibonacci", "--quick", "--depths", "2", "--seeds", "2"]
    done = CliRunner().invoke(group, [*command, "--json"])
    assert done.exit_code == 3, done.stderr  # two steps teach nobody
    data = json.loads(done.stdout)
    assert data["joint"].keys() == data["marginal"].keys() == data["minimal"]["decoded"].keys()
    assert data["joint"].keys() == {"2"}
    assert data["seeds"] == 2
    assert data["steps"] == 2 * len(data["rows"]) == 2 * 2 * sum(map(len, KINDS_OF.values()))
    assert data["paper"]["small"]["1"] == FULL_PAPER
    assert {"seconds", "settings", "reached"} <= data.keys()


FULL_PAPER = 0.4919
assert FULL.depths == (1, 2, 3, 5, 10)
