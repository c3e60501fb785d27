"""Adaptation end to end: what is reported is true, and bad input is told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import neuralc as nc
from neuralc.errors import DataError, NeuralcError
from neuralc.inspect.adapted import certainty
from neuralc.ir.assembly import Assembly, Line
from neuralc.ir.memories import Samples
from neuralc.learning.adapt.gradient import Descent, Settings
from neuralc.learning.adapt.presets import OURS, PAPER, settings_for
from neuralc.learning.adapt.problem import Problem
from neuralc.nn import folder
from neuralc.nn.compile import assembly_of
from neuralc.nn.loss import Weights
from neuralc.tasks.ram import TASKS
from tests.asm.plain import run

SHORT = Settings(updates=20, batch=2, weights=Weights(10, 0, 0, 1), max_steps=6)
FASTER = Assembly(
    (Line("READ", 1, None, 1), Line("WRITE", 0, 1, 2), Line("STOP", None, None, 2)), (0, 4, 0)
)


def problem(name: str = "access", bias: str | None = None) -> Problem:
    task = TASKS[name]
    return Problem(
        assembly_of(name, task.memory), memory=task.memory, task=task, bias=bias or task.bias
    )


def test_gradients_find_a_faster_access(tmp_path: Path) -> None:
    adapted = nc.adapt("access", task="access", method="gradient", seeds=6, seed=100)
    solved = [a for a in adapted.attempts if adapted.solved(a)]
    assert len(solved) >= 4, "the preset solves nearly every seed"
    assert adapted.before == 5
    assert adapted.best is not None
    assert adapted.best.steps < 5
    samples = TASKS["access"].draw("third", 200, 77)
    for given, wanted in zip(samples.given.tolist(), samples.wanted.tolist(), strict=True):
        ended = run(adapted.program, given)
        assert ended.halted
        assert ended.memory[0] == wanted[0]
        assert ended.steps == adapted.best.steps
    assert adapted.best.choices is not None
    sure = certainty(adapted.problem, adapted.best.choices)
    assert (sure.right, sure.how) == (True, "proved")
    adapted.save(tmp_path / "fast")
    assert folder.load(tmp_path / "fast").assembly.lines == adapted.program.lines


def test_a_seed_does_not_depend_on_its_neighbours() -> None:
    given = problem()
    many, one = (Descent(given, SHORT, seeds) for seeds in ([3, 4, 5], [4]))
    for descent in (many, one):
        descent.run()
    for name, weight in one.machine.weights().items():
        np.testing.assert_allclose(
            weight[0].detach(), many.machine.weights()[name][1].detach(), atol=1e-4
        )


def test_both_engines_make_the_same_updates() -> None:
    given = problem()
    settings = replace(SHORT, weights=Weights(10, 1, 0.1, 1))
    descents = [Descent(given, settings, [1, 2], engine) for engine in ("torch", "native")]
    for descent in descents:
        descent.run()
    one, two = (d.machine.weights() for d in descents)
    for name, weight in one.items():
        np.testing.assert_allclose(two[name].detach(), weight.detach(), atol=1e-4)
    assert Descent(given, SHORT, [1]).machine.engine == "torch"  # not worth a kernel
    assert Descent(given, Settings(updates=200), [1]).machine.engine == "native"


def test_noise_and_annealing_are_felt() -> None:
    given = problem()
    plain = Descent(given, SHORT, [1])
    plain.update(0.5)
    for other in (
        replace(SHORT, noise=0.5), replace(SHORT, gradient_noise=0.5), replace(SHORT, scale=3.0),
        replace(SHORT, registers_sharpness=2.0), replace(SHORT, registers_rate=0.1),
    ):  # fmt: skip
        descent = Descent(given, other, [1])
        descent.update(0.5)
        assert any(
            not w.equal(v) for w, v in zip(
                descent.machine.parameters(), plain.machine.parameters(), strict=True
            )
        ), other  # fmt: skip
        assert descent.machine.scale == 1


def test_certainty_says_no_more_than_is_known() -> None:
    given = problem()
    choices = given.as_choices(FASTER)
    assert certainty(given, choices).how == "proved"
    wrong = replace(FASTER, registers=(0, 5, 0))
    sure = certainty(given, given.as_choices(wrong))
    assert not sure.right
    assert "wrong: on memory 3" in sure.text
    few = problem("addition")
    assert certainty(few, few.choices).text == "right on all 104 inputs there are"
    samples = TASKS["access"].draw("third", 30, 0)
    mine = Problem(assembly_of("access", 10), memory=10, given=samples)
    assert certainty(mine, mine.as_choices(FASTER)).text == "right on all 30 given samples"


def test_a_proof_finds_what_samples_miss() -> None:
    """Right on samples that all begin with 3, wrong on others: only the proof can tell."""
    given = problem("access", "general")
    given.__dict__["fresh"] = TASKS["access"].draw("third", 50, 0)
    assert given.final(given.as_choices(FASTER))[0] == 1
    found = certainty(given, given.as_choices(FASTER))
    assert not found.right
    assert "wrong: on memory" in found.text
    assert "on memory 3 " not in found.text


def test_the_original_must_be_right() -> None:
    with pytest.raises(DataError, match=r"wrong on sample 0, of memory 3 .*\n  cell 0 is"):
        nc.adapt(replace(FASTER, registers=(0, 5, 0)), task="access")
    loop = Assembly((Line("JEZ", 0, 0, 1),), (0, 0))
    with pytest.raises(DataError, match="does not stop"):
        nc.adapt(loop, task="addition")


def test_bad_arguments_are_told() -> None:
    samples = Samples(np.zeros((2, 10), int), np.zeros((2, 10), int), np.ones((2, 10), bool))
    with pytest.raises(NeuralcError, match="either a task or samples"):
        nc.adapt("access")
    with pytest.raises(NeuralcError, match="either a task or samples"):
        nc.adapt("access", task="access", samples=samples)
    with pytest.raises(NeuralcError, match="leave it out with samples"):
        nc.adapt("access", samples=samples, bias="third")
    with pytest.raises(DataError, match="no task 'acces'"):
        nc.adapt("access", task="acces")
    with pytest.raises(DataError, match="no bias 'second'"):
        nc.adapt("access", task="access", bias="second")
    with pytest.raises(DataError, match="have 10 cells, not 12"):
        nc.adapt("access", task="access", memory=12)
    with pytest.raises(NeuralcError, match="no method 'luck'"):
        nc.adapt("access", task="access", method="luck")  # type: ignore[arg-type]


def test_streams_of_samples_do_not_meet() -> None:
    given = problem("listk")
    drawn = [given.draw(50, stream, 0).given for stream in ("train", "choose", "fresh")]  # type: ignore[arg-type]
    for k in range(3):
        assert not (drawn[k][:, None] == drawn[k - 1][None]).all(-1).any()


def test_presets() -> None:
    assert set(PAPER) == set(OURS)
    assert settings_for(problem("swap")) == OURS["swap"]
    general = settings_for(problem("swap", "general"))
    assert general.max_steps == 8
