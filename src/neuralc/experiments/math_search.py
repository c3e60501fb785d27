"""The MATH task of Neural TerpreT with given networks: the program is found by likelihood search.

For each seed two small networks are trained on labelled digits and operators, not to the end. Then
a program is looked for that explains the values of two-digit expressions, given as images only,
most of them read right, some not. It counts as found if it is exact on expressions of up to 16
digits once their symbols are read without error.

Source: Gaunt et al., "Differentiable Programs with Neural Libraries" (2017), arXiv:1611.02109,
section 4.1: gradients find it in 2 of 100 restarts, networks and program together.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from neuralc.backends.base.problem import Choices, Problem
from neuralc.backends.exact import Executor
from neuralc.backends.exact.sites import sites
from neuralc.backends.search.likelihood import solve_likelihood
from neuralc.backends.soft import SoftModule
from neuralc.data.digits import Digits, Images, Labels
from neuralc.data.expressions import draw_expressions, draw_symbols, results_of
from neuralc.ir.examples import Examples, bind
from neuralc.learning.model import Model
from neuralc.learning.score import class_tables, log_likelihoods

Progress = Callable[[int, int, str], None]
Pool = tuple[Images, Labels]
MACHINE = "math"
EXAMPLES = 1000  # two-digit expressions to learn from
HELD_OUT = 1000  # of images that no network has seen
LONGEST = 16  # digits of the expressions that a program is checked on
CHECKED = 200  # expressions of each length
LABELLED = 0.2  # of the images, for training a network
WATCHED = 1000  # images for watching it, or a tenth of them
LEAST, MOST = 0.915, 0.96  # between these the accuracy is drawn at which its training ends
BATCH, RATE = 64, 1e-3
TOO_MANY_STEPS = 3000


@dataclass(frozen=True)
class MathSearch:
    """What the command prints: text for people, data for programs."""

    text: str
    data: dict[str, Any]


def run_math_search(
    digits: Digits, operators: Digits, *, seeds: int = 20, examples: int = EXAMPLES,
    threads: int = 1, progress: Progress | None = None,
) -> MathSearch:  # fmt: skip
    """Train networks and search for the program, once for each seed.

    Args:
        digits: images of digits; those for learning are for the networks and for the training
            expressions, no image for both; those held out are for the figures.
        operators: images of the operators, of the same size.
        seeds: how many; each is another pair of networks with other data.
        examples: training expressions.
        threads: of the search.
        progress: called with seeds done, seeds in all, and a remark.

    """
    longer = LongerExpressions(digits.train_images.shape[-1])
    rows: list[dict[str, Any]] = []
    for seed in range(seeds):
        rows.append(_one(digits, operators, seed, examples, threads, longer))
        if progress is not None:
            progress(seed + 1, seeds, _line(rows[-1]))
    return _result(rows, examples)


def _one(
    digits: Digits, operators: Digits, seed: int, examples: int, threads: int,
    longer: LongerExpressions,
) -> dict[str, Any]:  # fmt: skip
    """Train the networks of one seed, search, and check what was found."""
    began = time.monotonic()
    size = digits.train_images.shape[-1]
    model = Model.load(MACHINE, {"image_size": size, "length": 3, "num_steps": 6})
    module = model.compile(seed=seed)
    rng = np.random.default_rng(seed)
    pools, accuracies = [], []
    for name, data in (("net_0", digits), ("net_1", operators)):
        labelled, watched, rest = _parts((data.train_images, data.train_labels), rng)
        train_network(module, name, labelled, watched, float(rng.uniform(LEAST, MOST)), seed)
        pools.append(rest)
        accuracies.append(accuracy(module, name, (data.test_images, data.test_labels)))
    train = _examples(model, pools[0], pools[1], examples, seed)
    tests = [(data.test_images, data.test_labels) for data in (digits, operators)]
    test = _examples(model, tests[0], tests[1], HELD_OUT, seed)
    searching = time.monotonic()
    problem = Problem(
        model.program, train, seed, threads, networks=log_likelihoods(module, train.inputs)
    )
    outcome = solve_likelihood(problem, lambda remark, candidate: None)
    ended = time.monotonic()
    assert outcome.best is not None, "a search without a deadline tries programs"
    choices = outcome.best.choices
    return {
        "seed": seed, "digit_accuracy": accuracies[0], "operator_accuracy": accuracies[1],
        "status": outcome.status, "found": longer.exact(choices), "seconds": ended - searching,
        "training_seconds": searching - began, "right": outcome.best.right / train.count,
        "test_right": _right(model, module, choices, test), "note": outcome.note,
        "program": model.show(choices),
    }  # fmt: skip


def _parts(pool: Pool, rng: np.random.Generator) -> tuple[Pool, Pool, Pool]:
    """Return images to train a network on, to watch it with, and all others."""
    images, labels = pool
    order = rng.permutation(len(images))
    ends = np.cumsum([int(LABELLED * len(images)), min(WATCHED, len(images) // 10)])
    one, two, three = np.split(order, ends)
    return (images[one], labels[one]), (images[two], labels[two]), (images[three], labels[three])


def _examples(model: Model, digits: Pool, operators: Pool, count: int, seed: int) -> Examples:
    drawn = draw_expressions(digits, operators, count, seed=seed)
    halted = np.ones(count, np.int64)
    instances = {"tape": drawn.images, "result": drawn.results, "is_halted": halted}
    return bind(model.program, instances, where=f"expressions of seed {seed}")


def train_network(
    module: SoftModule, name: str, labelled: Pool, watched: Pool, goal: float, seed: int
) -> None:
    """Train one network on labels, until it is as accurate as wanted on images beside these.

    Args:
        module: the networks.
        name: which of them.
        labelled: images [M, h, w] with labels to train on.
        watched: images to measure the accuracy on.
        goal: the accuracy at which training ends.
        seed: of the order of the images.

    """
    body = module.networks[name]
    optimizer = torch.optim.Adam(body.parameters(), lr=RATE)
    rng = np.random.default_rng(seed)
    images, labels = torch.from_numpy(labelled[0]), torch.from_numpy(labelled[1])
    for step in range(TOO_MANY_STEPS):
        if step % 2 == 0 and accuracy(module, name, watched) >= goal:
            return
        rows = torch.from_numpy(rng.integers(len(images), size=BATCH))
        chances = body(images[rows].flatten(1), restarts=False)[0]
        loss = torch.nn.functional.nll_loss((chances + 1e-12).log(), labels[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


@torch.no_grad()
def accuracy(module: SoftModule, name: str, pool: Pool) -> float:
    """Return the share of images whose class a network gets right."""
    found = module.networks[name](torch.from_numpy(pool[0]).flatten(1), restarts=False)[0]
    return float((found.argmax(-1).numpy() == pool[1]).mean())


def _right(model: Model, module: SoftModule, choices: Choices, examples: Examples) -> float:
    """Return the share of examples that a program gets right with what its networks read."""
    tables = class_tables(module, examples.inputs)
    batch = {name: value[None] for name, value in choices.items()}
    return float(Executor(model.program, jit=False).score(batch, examples, tables).mean())


class LongerExpressions:
    """Checks programs on longer expressions, with their true symbols for networks."""

    def __init__(
        self, image_size: int, *, sizes: Sequence[int] = range(2, LONGEST + 1), seed: int = 0
    ) -> None:
        """Draw the expressions and load the machine once for each number of digits."""
        rng = np.random.default_rng(seed)
        self.cases = []
        for size in sizes:
            hypers = {"image_size": image_size, "length": 2 * size - 1, "num_steps": 3 * size}
            program = Model.load(MACHINE, hypers).program
            symbols = draw_symbols(CHECKED, size=size, rng=rng)
            self.cases.append((Executor(program, jit=False), symbols))

    def exact(self, choices: Choices) -> bool:
        """Tell whether a program gives the right value of every expression, and halts."""
        batch = {name: np.asarray(value)[None] for name, value in choices.items()}
        return all(self._right(executor, symbols, batch) for executor, symbols in self.cases)

    def _right(self, executor: Executor, symbols: Labels, batch: dict[str, Any]) -> bool:
        digits, operators = sites(executor.program)
        assert (digits.network, operators.network) == ("net_0", "net_1")
        # a network that reads a symbol of the other kind is wrong whatever it says: say 0
        even = np.arange(symbols.shape[1]) % 2 == 0
        tables = {digits: np.where(even, symbols, 0), operators: np.where(even, 0, symbols)}
        found = executor.run(batch, {}, {site: array[None] for site, array in tables.items()})
        return bool((found["result"] == results_of(symbols)).all() and found["is_halted"].all())


def _line(row: dict[str, Any]) -> str:
    return (
        f"{row['seed']:4}  {row['digit_accuracy']:6.1%}  {row['operator_accuracy']:9.1%}  "
        f"{'yes' if row['found'] else 'no':>5}  {row['seconds']:7.1f}  {row['right']:8.1%}  "
        f"{row['test_right']:8.1%}"
    )


def _result(rows: list[dict[str, Any]], examples: int) -> MathSearch:
    found = [row for row in rows if row["found"]]
    slowest = max((row["seconds"] for row in rows), default=0.0)
    summary = (
        f"found and exact to {LONGEST} digits: {len(found)} of {len(rows)} seeds; "
        f"slowest search {slowest:.1f} s"
    )
    lines = [
        f"MATH with given networks: {examples} two-digit expressions, program by search", "",
        "seed  digits  operators  found  seconds  training  held out",
        *map(_line, rows), "",
        summary,
        *(["", found[0]["program"]] if found else []),
    ]  # fmt: skip
    data = {
        "seeds": len(rows), "found": len(found), "slowest_seconds": slowest,
        "examples": examples, "solver": "search", "rows": rows,
    }  # fmt: skip
    return MathSearch("\n".join(lines), data)
