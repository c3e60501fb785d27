"""Search over programs with known networks: the candidate under which the targets are likeliest.

Networks err, so no program need be right on all examples. What they say of each image is a
distribution over classes; a candidate is run exactly on several samples of all classes, and the
share of them with the right outputs is its likelihood on an example. Networks that are less sure
than they are right, or surer, are common: their distributions are also tried sharper and flatter.
Small spaces are tried whole, others by simulated annealing. It does not know how networks compute.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle

import numpy as np

from neuralc.backends.base.problem import Array, Candidate, Choices, Outcome, Problem, Report
from neuralc.backends.exact.executor import Executor
from neuralc.backends.exact.layout import small
from neuralc.backends.exact.sites import Site, sites
from neuralc.backends.exact.sites import declines as no_exact_execution
from neuralc.backends.search.proposals import Proposals, Sieve
from neuralc.ir.examples import Examples
from neuralc.ir.nodes import Int, Program

TOLERANCE = 0.1  # share of the examples that may be misread in ways the networks do not foresee
SURE = 3.0  # standard errors
SLACK = 0.1  # by which networks may be surer than they are right, as a share of the examples
SHARPNESS = (1.0, 4.0, 2.0, 0.5)  # powers of the networks' probabilities
SMALL_SPACE = 300_000  # programs that are all tried
CHAINS, STEPS = 256, 200  # of one round of annealing
HOT, COLD = 0.3, 0.01  # temperatures, in nats per example
CONFIRMED = 3  # rounds without a better program, after which a convincing one is taken
PATIENCE = 8  # after which the search gives up
ROUGH, FINE = (128, 2), (1024, 32)  # examples at most, samples of each: to sift, to decide
KEPT = 32  # candidates of a round that are looked at closely
JOBS = 4_000_000  # programs x examples of one call of the executor


def declines(problem: Problem) -> list[str]:
    """Return why the likelihood search cannot be asked: an empty list, if it can."""
    program = problem.program
    if reasons := no_exact_execution(program):
        return reasons
    found = sites(program)
    if not found:
        return ["the program calls no network, so examples are right or wrong, not likely"]
    if len(problem.networks) != len(found):
        return [f"{len(found)} networks are called, but {len(problem.networks)} are known"]
    for site, array in zip(found, problem.networks, strict=True):
        wanted = (problem.examples.count, *site.shape(program), _classes(program, site))
        if np.shape(array) != wanted:
            reasons.append(f"log-likelihoods of {site.network}: {np.shape(array)}, not {wanted}")
    return reasons or ([] if problem.examples.count else ["there is no example"])


def solve_likelihood(problem: Problem, report: Report) -> Outcome:
    """Look for the program under which the examples are likeliest, given the networks.

    Args:
        problem: with `networks`; `declines(problem)` must be empty.
        report: called with remarks and with each better candidate.

    Returns:
        "found" if the best program gives as many right outputs with the likeliest classes as the
        networks' own distributions (at the best sharpness) foretell, and none of its neighbours
        is better; its `right` may well be less than all examples. Else "unknown" with the best
        program. No answer is a proof.

    """
    search = _Search(problem, report)
    sizes = math.prod(search.space.sizes)
    found = search.all_programs() if sizes <= SMALL_SPACE else search.anneal()
    return search.outcome(found)


def _classes(program: Program, site: Site) -> int:
    kind = program.network[site.network].output
    assert isinstance(kind, Int)
    return kind.size


@dataclass(frozen=True, eq=False)
class Sheet:
    """Some examples (`rows`), each with several samples of what the networks see on it."""

    examples: Examples
    tables: dict[Site, Array]
    samples: int
    rows: Array


class Likelihood:
    """Scores programs by how likely they make the targets."""

    def __init__(self, problem: Problem, space: Proposals) -> None:
        """Turn log-likelihoods into probabilities, and make the kernel."""
        program = problem.program
        numbers = {d.name for d in program.of("input") if isinstance(d.type, Int)}
        inputs = {n: array for n, array in problem.examples.inputs.items() if n in numbers}
        self.space = space
        self.examples = Examples(inputs, problem.examples.outputs, problem.examples.count)
        self.executor = Executor(program, threads=problem.threads)
        self.logs_of = dict(zip(sites(program), map(np.asarray, problem.networks), strict=True))
        self.likeliest = Sheet(
            self.examples,
            {s: a.argmax(-1).astype(small(a.shape[-1]))[None] for s, a in self.logs_of.items()},
            1,
            np.arange(self.examples.count),
        )
        self.frequency = _frequencies(self.examples)

    def sheet(self, count: int, samples: int, sharpness: float, rng: np.random.Generator) -> Sheet:
        """Return some random examples (all, if there are not more) with samples of classes.

        The probabilities of the classes are taken to the power `sharpness`.
        """
        total = self.examples.count
        rows = np.arange(total) if count >= total else rng.choice(total, count, replace=False)
        tables = {}
        for site, logs in self.logs_of.items():
            sums = np.cumsum(_normal(sharpness * logs[rows]), -1)[..., :-1]
            drawn = [(rng.random((*sums.shape[:-1], 1)) > sums).sum(-1) for _ in range(samples)]
            classes = np.stack(drawn, 1).astype(small(logs.shape[-1]))
            tables[site] = classes.reshape(1, -1, *classes.shape[2:])
        return Sheet(self.examples.take(np.repeat(rows, samples)), tables, samples, rows)

    def right(self, rows: Array, sheet: Sheet) -> Array:
        """Return the share of samples with right outputs, float [C, E]."""
        step = max(1, JOBS // sheet.examples.count)
        parts = [
            self.executor.score(
                self.space.params(rows[k : k + step]), sheet.examples, sheet.tables
            ).reshape(len(rows[k : k + step]), -1, sheet.samples).mean(-1)
            for k in range(0, len(rows), step)
        ]  # fmt: skip
        return np.concatenate(parts)

    def logs(self, rows: Array, sheet: Sheet) -> Array:
        """Return the log-likelihood of the targets of each example, in nats, float [C, E].

        Where the networks misread, a target is as likely as it is frequent.
        """
        guess = self.frequency[sheet.rows]
        return np.log((1 - TOLERANCE) * self.right(rows, sheet) + TOLERANCE * guess)

    def score(self, rows: Array, sheet: Sheet) -> Array:
        """Return the log-likelihood of the targets, in nats per example, float [C]."""
        return np.asarray(self.logs(rows, sheet).mean(1))

    def explains(self, row: Array, sheet: Sheet) -> bool:
        """Tell whether a program says surely more of the targets than how frequent they are."""
        gain = self.logs(row[None], sheet)[0] - np.log(self.frequency[sheet.rows])
        return bool(gain.mean() > SURE * gain.std() / math.sqrt(len(gain)))

    def foretold(self, row: Array, sheet: Sheet) -> float:
        """Return the share of samples on which a program gives what it gives on likeliest classes.

        If it is the wanted program and the networks' distributions are true, this is the share
        of examples on which the likeliest classes give the right outputs.
        """
        params = self.space.params(row[None])
        found = self.executor.run(params, self.examples.inputs, self.likeliest.tables)
        targets = {
            name: np.where(wanted < 0, -1, found[name][0])
            for name, wanted in self.examples.outputs.items()
        }
        whole = Examples(self.examples.inputs, targets, self.examples.count)
        told = Examples(
            sheet.examples.inputs,
            whole.take(np.repeat(np.arange(whole.count), sheet.samples)).outputs,
            sheet.examples.count,
        )
        return float(self.executor.score(params, told, sheet.tables).mean())


def _frequencies(examples: Examples) -> Array:
    """Return how frequent the targets of each example are, all outputs together, float [E].

    Among the examples that observe the same elements: where nothing is observed, it is 1.
    """
    parts = [target.reshape(len(target), -1) for target in examples.outputs.values()]
    targets = np.concatenate([*parts, np.zeros((examples.count, 1), np.int64)], 1)
    return _counts(targets) / _counts(targets < 0)


def _counts(rows: Array) -> Array:
    """Return how often each row occurs, int [E]."""
    _, place, counts = np.unique(rows, axis=0, return_inverse=True, return_counts=True)
    return np.asarray(counts[place.reshape(-1)])


def _normal(logs: Array) -> Array:
    """Return probabilities that sum to 1 along the last axis."""
    chances = np.exp(logs - logs.max(-1, keepdims=True))
    return np.asarray(chances / chances.sum(-1, keepdims=True))


class _Search:
    """One search: what was tried, and the best program so far."""

    def __init__(self, problem: Problem, report: Report) -> None:
        self.problem, self.report = problem, report
        self.rng = np.random.default_rng(problem.seed)
        self.space = Proposals(problem)
        self.judge = Likelihood(problem, self.space)
        self.fine = {power: self.judge.sheet(*FINE, power, self.rng) for power in SHARPNESS}
        self.sharpness = SHARPNESS[0]
        self.best: Array | None = None
        self.value = -math.inf
        self.right = 0
        self.tried = 0

    # ---- ways to go through the space

    def all_programs(self) -> bool:
        """Try every program; tell whether the best one is what was looked for."""
        sheets = [self.judge.sheet(*ROUGH, power, self.rng) for power in SHARPNESS]
        sieves = [Sieve(KEPT) for _ in sheets]
        step, total = max(1, JOBS // sheets[0].examples.count), math.prod(self.space.sizes)
        for start in range(0, total, step):
            rows = self.space.numbered(start, min(start + step, total))
            for sheet, sieve in zip(sheets, sieves, strict=True):
                sieve.add(rows, self.judge.score(rows, sheet))
            self.tried += len(rows)
            if not self.problem.left():
                break
        self.consider(np.concatenate([sieve.rows for sieve in sieves]))
        return self.tried == total and self.convincing()

    def anneal(self) -> bool:
        """Search in rounds until neither they nor its neighbours beat a convincing program."""
        idle, powers = 0, cycle(SHARPNESS)
        while idle < PATIENCE:
            sieve = Sieve(KEPT)
            for rows, scores in self.round(next(powers)):
                sieve.add(rows, scores)
            idle = 0 if self.consider(sieve.rows) else idle + 1
            if not self.problem.left():
                break
            if idle < CONFIRMED or not self.convincing():
                continue
            if not self.improved():
                return True
            idle = 0
        return False

    def round(self, sharpness: float) -> Iterator[tuple[Array, Array]]:
        """Yield the programs, and their scores, that the chains of one round come to."""
        sheet = self.judge.sheet(*ROUGH, sharpness, self.rng)
        rows = self.space.random(CHAINS, self.rng)
        if self.best is not None:
            rows[0] = self.best
        scores = self.judge.score(rows, sheet)
        yield rows, scores
        for heat in np.geomspace(HOT, COLD, STEPS):
            if not self.problem.left():
                return
            other = self.space.changed(rows, self.rng)
            found = self.judge.score(other, sheet)
            self.tried += len(other)
            taken = found - scores >= heat * np.log(self.rng.random(CHAINS))
            rows, scores = np.where(taken[:, None], other, rows), np.where(taken, found, scores)
            yield rows, scores

    def improved(self) -> bool:
        """Try the neighbours of the best program; tell whether one of them is better."""
        assert self.best is not None
        rows = self.space.neighbours(self.best, self.rng)
        if not len(rows):
            return False
        sheet = self.judge.sheet(*ROUGH, self.sharpness, self.rng)
        sieve = Sieve(KEPT)
        sieve.add(rows, self.judge.score(rows, sheet))
        self.tried += len(rows)
        return self.consider(sieve.rows)

    # ---- what was found

    def consider(self, rows: Array) -> bool:
        """Score programs closely; keep and report the best one, and tell whether it is new."""
        found = {power: self.judge.score(rows, sheet) for power, sheet in self.fine.items()}
        power = max(found, key=lambda one: float(found[one].max()))
        k = int(found[power].argmax())
        if not found[power][k] > self.value:
            return False
        self.best, self.value, self.sharpness = rows[k], float(found[power][k]), power
        self.right = round(float(self.judge.right(rows[k : k + 1], self.judge.likeliest).sum()))
        self.report(self.standing(), self.candidate())
        return True

    def convincing(self) -> bool:
        """Tell whether the best program does what the networks' distributions foretell."""
        assert self.best is not None
        if not self.judge.explains(self.best, self.fine[self.sharpness]):
            return False
        count = self.problem.examples.count
        wanted = (1 - TOLERANCE) * self.foretold()
        spread = math.sqrt(wanted * (1 - wanted) / count)
        return self.right / count >= wanted - SLACK - SURE * spread

    def foretold(self) -> float:
        """Return the share of examples that the best program should get right."""
        assert self.best is not None
        sheet = self.judge.sheet(self.problem.examples.count, 4, self.sharpness, self.rng)
        return self.judge.foretold(self.best, sheet)

    def candidate(self) -> Candidate:
        """Return the best program."""
        assert self.best is not None
        params = self.space.params(self.best[None])
        choices: Choices = {name: array[0] for name, array in params.items()}
        return Candidate(choices, self.right)

    def standing(self) -> str:
        """Return where the search stands, in a few words."""
        return (
            f"{self.tried:,} programs tried; best: {self.value:.3f} nats per example, "
            f"{self.right} of {self.problem.examples.count} right with the likeliest classes"
        )

    def outcome(self, found: bool) -> Outcome:
        """Return what came of it."""
        note = f"{self.standing()}, {self.foretold():.0%} foretold at sharpness {self.sharpness:g}"
        return Outcome("found" if found else "unknown", self.candidate(), note=note)
