"""Adaptive neural compilation: gradients propose, search and exact execution decide.

`gradient` descends from softened copies of the program, as the paper does. `search` anneals the
program itself on the exact execution. `hybrid` lets the gradients run, and then searches from what
they found, with their probabilities for proposals.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Literal, get_args

from neuralc.cores import cores
from neuralc.engines import Engine
from neuralc.errors import DataError, NeuralcError
from neuralc.ir.assembly import Assembly
from neuralc.ir.memories import Samples
from neuralc.lang.pyasm.function import Program
from neuralc.learning.adapt.gradient import Descent, Settings, Tell, machine_of, softly
from neuralc.learning.adapt.presets import settings_for
from neuralc.learning.adapt.problem import Choices, Problem
from neuralc.learning.adapt.result import Adapted, Attempt
from neuralc.learning.adapt.search import Found, search_all
from neuralc.nn.compile import assembly_of
from neuralc.nn.weights import restore
from neuralc.tasks.ram import TASKS, RamTask

Method = Literal["gradient", "search", "hybrid"]
METHODS: tuple[Method, ...] = get_args(Method)
_SOFT_CHECK = 1000  # fresh samples that a soft program is run on


def adapt(
    program: Assembly | Program | str, *, task: str | None = None, bias: str | None = None,
    samples: Samples | None = None, memory: int | None = None, registers: int | None = None,
    method: Method = "hybrid", seeds: int = 1, seed: int = 0, threads: int | None = None,
    settings: Settings | None = None, engine: Engine = "auto", tell: Tell | None = None,
) -> Adapted:  # fmt: skip
    """Make a program faster on the inputs that it really sees.

    Args:
        program: assembly, a function decorated with `neuralc.program`, or a routine's name.
        task: the name of the task that inputs are drawn from, see `neuralc.tasks.ram`; or
        samples: the inputs themselves, with what is wanted.
        bias: of the task; None: the one that the paper adapts to.
        memory: M; None: that of the task or of the samples.
        registers: R; None: as many as the program has.
        method: "gradient", "search" or "hybrid".
        seeds: independent attempts.
        seed: the first of them.
        threads: searches at once; None: one for each core.
        settings: of the gradients; None: good ones for the task.
        engine: what runs the soft programs, "native" for kernels generated for the machine,
            "torch", or "auto", see `Descent`.
        tell: called with the work done, all the work, and a remark.

    Returns:
        What every seed has found, checked on inputs that nothing else has seen.

    Raises:
        DataError: the program is wrong on a sample, which is named; an unknown task or bias.
        NeuralcError: the program does not fit the machine; it is not clear what is wanted.

    Source:
        Bunel et al., "Adaptive Neural Compilation" (2016), arXiv:1605.07969.

    """
    problem = problem_of(program, task, bias, samples, memory, registers)
    return adapt_problem(
        problem, method=method, seeds=seeds, seed=seed, threads=threads, settings=settings,
        engine=engine, tell=tell,
    )  # fmt: skip


def problem_of(
    program: Assembly | Program | str, task: str | None, bias: str | None,
    samples: Samples | None, memory: int | None, registers: int | None,
) -> Problem:  # fmt: skip
    """Return the problem that the arguments of `adapt` describe."""
    if (task is None) == (samples is None):
        raise NeuralcError(
            "adaptation needs inputs: either a task or samples\n  hint: give one of the two"
        )
    if samples is not None:
        if bias is not None:
            raise NeuralcError("a bias belongs to a task\n  hint: leave it out with samples")
        size = memory or samples.memory
        found = assembly_of(program, size)
        return Problem(found, memory=size, registers=registers, given=samples)
    assert task is not None
    chosen = task_of(task)
    if memory not in (None, chosen.memory):
        raise DataError(f"memories of the task {task} have {chosen.memory} cells, not {memory}")
    return Problem(
        assembly_of(program, chosen.memory), memory=chosen.memory, registers=registers,
        task=chosen, bias=bias or chosen.bias,
    )  # fmt: skip


def task_of(name: str) -> RamTask:
    """Return a task by its name.

    Raises:
        DataError: there is none.

    """
    if name not in TASKS:
        raise DataError(f"there is no task {name!r}\n  hint: the tasks are {', '.join(TASKS)}")
    return TASKS[name]


def adapt_problem(
    problem: Problem, *, method: Method = "hybrid", seeds: int = 1, seed: int = 0,
    threads: int | None = None, settings: Settings | None = None, engine: Engine = "auto",
    tell: Tell | None = None, say: Callable[[str], None] = lambda words: None,
) -> Adapted:  # fmt: skip
    """Make a program faster; see `adapt`.

    Args:
        problem: the program and its inputs.
        method: one of `METHODS`.
        seeds: independent attempts.
        seed: the first of them; attempt k has the seed `seed + k`.
        threads: searches at once; None: one for each core.
        settings: of the gradients; None: see `settings_for`.
        engine: what runs the soft programs, see `adapt`.
        tell: told of progress.
        say: called with the engine that runs them, in words.

    Raises:
        NeuralcError: there is no such method, or engine.
        Declined: kernels are asked for, and cannot run the machine.

    """
    if method not in METHODS:
        raise NeuralcError(f"there is no method {method!r}\n  hint: {', '.join(METHODS)}")
    began = time.monotonic()
    numbers = list(range(seed, seed + seeds))
    descent = None
    starts: list[Choices | None] = [None] * seeds
    if method != "search":
        chosen = settings or settings_for(problem)
        if method == "hybrid":  # search goes on from there
            chosen = replace(chosen, attempts=1)
        descent = Descent(problem, chosen, numbers, engine)
        say(f"engine: {descent.machine.engine}")
        descent.run(tell)
        starts = descent.best
    found = [Found(start, 0.0) for start in starts]
    if method != "gradient":
        chances = [None if descent is None else descent.chances(k) for k in range(seeds)]
        found = search_all(problem, numbers, starts, chances, threads or cores(), tell)
    attempts = tuple(
        _attempt(problem, number, each, descent, k)
        for k, (number, each) in enumerate(zip(numbers, found, strict=True))
    )
    curve = () if descent is None else tuple(descent.curve)
    return Adapted(problem, method, attempts, curve, time.monotonic() - began)


def _attempt(problem: Problem, seed: int, found: Found, descent: Descent | None, k: int) -> Attempt:
    """Check what one seed has found on samples that it has never seen."""
    right, steps = 0.0, problem.before.mean
    if found.choices is not None:
        right, steps = problem.final(found.choices)
    attempt = Attempt(seed, found.choices, right, steps, seconds=found.seconds)
    if descent is None or (right == 1 and steps < problem.before.mean):
        return attempt
    weights = descent.soft[k]
    if weights is None:
        return attempt
    machine = restore(machine_of(problem, descent.settings, 1), weights)
    samples = problem.fresh.take(slice(0, _SOFT_CHECK))
    return replace(attempt, soft=softly(machine, samples)[0], machine=machine)
