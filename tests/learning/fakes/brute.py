"""Tries all programs by exact execution: right, complete, and slow."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import product

import numpy as np

from neuralc.backends.base import Candidate, Outcome, Problem, Report
from neuralc.backends.exact import Executor
from neuralc.ir.examples import Examples
from neuralc.ir.nodes import Int


def declines(problem: Problem) -> list[str]:
    return ["it has networks"] if problem.program.networks else []


def solve(problem: Problem, report: Report) -> Outcome:
    best: Candidate | None = None
    count = problem.examples.count
    for number, candidate in enumerate(_candidates(problem, problem.examples)):
        if best is None or candidate.right > best.right:
            best = candidate
            report(f"{number} programs tried", best)
        if candidate.right == count:
            return Outcome("found", best, note=f"{number + 1} programs tried")
    core = list(range(count))
    for k in range(count):
        fewer = [n for n in core if n != k]
        examples = problem.examples.take(fewer)
        if all(c.right < len(fewer) for c in _candidates(problem, examples)):
            core = fewer
    return Outcome("impossible", best, tuple(core), "all programs tried")


def _candidates(problem: Problem, examples: Examples) -> Iterator[Candidate]:
    program = problem.program
    executor = Executor(program, jit=False, threads=1)
    decls = program.of("param")
    sizes = [
        d.type.size for d in decls for _ in range(math.prod(d.shape)) if isinstance(d.type, Int)
    ]
    rng = np.random.default_rng(problem.seed)
    programs = list(product(*map(range, sizes)))
    for number in rng.permutation(len(programs)):
        flat = np.array(programs[number], np.int64)
        choices, place = {}, 0
        for decl in decls:
            size = math.prod(decl.shape)
            choices[decl.name] = flat[place : place + size].reshape(decl.shape)
            place += size
        batch = {name: value[None] for name, value in choices.items()}
        right = int(executor.score(batch, examples).sum()) if examples.count else 0
        yield Candidate(choices, right)
