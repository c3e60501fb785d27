"""Fibonacci by depth behind a learned router: joint calls against the paper's marginal ones.

"three steps from 5 and 8 =" is answered by a network that calls one compiled program. Nothing tells
it which operands the program needs: it is trained on answers alone, and asked pairs of numbers that
it has never seen. Operands point to numbers of the text; in the minimal network they are also
decoded from hidden states, as in the paper. (A small transformer that decodes them learns the
training pairs by heart, with either call, and is not trained here.) Joint and marginal calls are
trained alike. Depth 1 says little: a network that points anywhere adds a and b most often.

Source: Saldyt and Kambhampati, "Algorithmic Language Models with Neurally Compiled Libraries"
(2024), arXiv:2407.04899, the table of Fibonacci by depth.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from statistics import mean
from typing import Any

from neuralc.data.sentences import Fibonacci
from neuralc.experiments.alm_fibonacci_networks import PROGRAM, Network, Way
from neuralc.experiments.alm_fibonacci_train import VALIDATION, Outcome, Recipe, run_way
from neuralc.nn.language.calling import Call
from neuralc.nn.language.router import Parse

PAPER = {"small": {1: 0.4919, 2: 0.4787, 3: 0.0307}, "minimal": {1: 0.7321, 2: 0.7052, 3: 0.0707}}
BARS: dict[Network, float] = {"small": 0.99, "minimal": 0.999}
NAMES = {"small": "small transformer", "minimal": "minimal network"}
KEPT_SEED = 0  # of the pairs that are kept for the test

MINIMAL = Recipe(scale=0.1, steps=200, tries=10)
POINT = Recipe(deviation=0.05, rate=3e-3, steps=300, write=6.0)


@dataclass(frozen=True)
class Plan:
    """How much is done.

    Attributes:
        n: numbers are 0 .. n - 1.
        depths: how many numbers are added up.
        seeds: runs of each kind.
        recipes: by network, or "point"; marginal calls are trained as joint ones are, but in one
            attempt, since they take so long: compare them with first attempts.

    """

    n: int
    depths: tuple[int, ...]
    seeds: int
    recipes: dict[str, Recipe]


FULL = Plan(31, (1, 2, 3, 5, 10), 1, {"minimal": MINIMAL, "point": POINT})
QUICK = replace(FULL, depths=(2,), recipes={
    "minimal": replace(MINIMAL, steps=150, tries=1), "point": replace(POINT, steps=50, tries=1),
})  # fmt: skip

KINDS: dict[str, tuple[Parse, Call]] = {  # of runs
    "joint": ("point", "joint"), "marginal": ("point", "marginal"),
    "decoded": ("decode", "joint"), "decoded marginal": ("decode", "marginal"),
}  # fmt: skip
KINDS_OF: dict[Network, tuple[str, ...]] = {
    "small": ("joint", "marginal"), "minimal": tuple(KINDS),
}  # fmt: skip


@dataclass(frozen=True)
class Depths:
    """What the command prints: text for people, data for programs."""

    text: str
    data: dict[str, Any]


def run_alm_fibonacci(
    plan: Plan = FULL, *, progress: Callable[[int, int, str], None] | None = None
) -> Depths:
    """Train every network at every depth in every way.

    Args:
        plan: how much is done.
        progress: called with the steps done (attempts that were not needed count as done), how
            many there are at most, and what comes next.

    Raises:
        NeuralcError: a depth that there are no sentences for.

    """
    began = time.perf_counter()
    tasks = [Fibonacci(plan.n, depth, KEPT_SEED) for depth in plan.depths]
    jobs = [(network, kind, task, seed) for seed in range(plan.seeds) for task in tasks
            for network in BARS for kind in KINDS_OF[network]]  # fmt: skip
    total = sum(r.steps * r.tries for r in (_recipe(plan, job[0], job[1]) for job in jobs))
    done, rows = 0, []
    for network, kind, task, seed in jobs:
        recipe, name = _recipe(plan, network, kind), f"{network}, depth {task.depth}, {kind}"
        tell = partial(_told, progress, done, total, name)
        tell(0)
        outcome = run_way(task, Way(network, *KINDS[kind]), recipe, seed, tell)
        done += recipe.steps * recipe.tries
        rows.append(_row(network, kind, task.depth, seed, outcome))
    data = _data(plan, rows) | {"seconds": time.perf_counter() - began}
    return Depths(_text(plan, data), data)


def _told(
    progress: Callable[[int, int, str], None] | None, before: int, total: int, name: str, steps: int
) -> None:
    if progress is not None:
        progress(before + steps, total, name)


def _recipe(plan: Plan, network: str, kind: str) -> Recipe:
    parse, call = KINDS[kind]
    recipe = plan.recipes["point" if parse == "point" else network]
    return replace(recipe, tries=1) if call == "marginal" else recipe


def _row(network: str, kind: str, depth: int, seed: int, outcome: Outcome) -> dict[str, Any]:
    return {"network": network, "kind": kind, "depth": depth, "seed": seed, **asdict(outcome)}


def _data(plan: Plan, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    small, minimal = (_shares(plan, rows, network) for network in BARS)
    task = Fibonacci(plan.n, plan.depths[0], KEPT_SEED)
    bars = {
        network: all(share >= bar for share in shares["joint"].values())
        for (network, bar), shares in zip(BARS.items(), (small, minimal), strict=True)
    }
    return {
        **small, "minimal": minimal, "paper": PAPER, "reached": bars, "seeds": plan.seeds,
        "first": _shares(plan, rows, "minimal", "first")["decoded"],
        "steps": sum(row["steps"] for row in rows), "rows": list(rows),
        "settings": {
            "n": plan.n, "depths": plan.depths, "training_pairs": len(task.pairs),
            "held_out_pairs": len(task.kept), "validation": VALIDATION, "program": PROGRAM,
            "recipes": {name: asdict(recipe) for name, recipe in plan.recipes.items()},
        },
    }  # fmt: skip


def _shares(
    plan: Plan, rows: Sequence[dict[str, Any]], network: Network, what: str = "test"
) -> dict[str, dict[int, float]]:
    """Return the share of held-out pairs that are right, by kind and depth, mean of the seeds."""
    return {
        kind: {
            depth: mean(
                row[what] for row in rows
                if (row["network"], row["kind"], row["depth"]) == (network, kind, depth)
            )
            for depth in plan.depths
        }
        for kind in KINDS_OF[network]
    }  # fmt: skip


# ---- words


EXPLAINED = (
    "joint, marginal: operands point to numbers of the text. decoded: they are decoded from hidden "
    "states, as in the paper; of several attempts the best by validation, a part of the training "
    "pairs. decoded marginal: one attempt, to be compared with the first attempt of joint calls. "
    "seconds: of the processor, in the order of the columns."
)


def _text(plan: Plan, data: dict[str, Any]) -> str:
    settings = data["settings"]
    head = (
        f"Fibonacci modulo {plan.n}, answers only: right answers in % on "
        f"{settings['held_out_pairs']} pairs never seen ({settings['training_pairs']} pairs to "
        f"train with), mean of {plan.seeds} seed{'s' if plan.seeds > 1 else ''}."
    )
    parts = [head]
    for network, bar in BARS.items():
        shares = data if network == "small" else data["minimal"]
        columns = [f"{NAMES[network]}: depth", "joint", "marginal", "decoded", "first attempt",
                   "decoded marginal", "paper", "seconds"]  # fmt: skip
        lines = [f"| {' | '.join(columns)} |", "| --- " * len(columns) + "|"]
        for depth in plan.depths:
            kinds = [shares.get(kind, {}).get(depth) for kind in KINDS]
            first = data["first"][depth] if network == "minimal" else None
            cells = [*kinds[:3], first, kinds[3], PAPER[network].get(depth)]
            said = " | ".join("-" if cell is None else _percent(cell) for cell in cells)
            lines.append(f"| {depth} | {said} | {_seconds(data, network, depth)} |")
        word = "reached" if data["reached"][network] else "not reached"
        parts += ["\n".join(lines), f"Bar: {_percent(bar)} at each depth with joint calls: {word}."]
    return "\n\n".join([*parts, EXPLAINED])


def _seconds(data: dict[str, Any], network: Network, depth: int) -> str:
    spent = [
        sum(row["seconds"] for row in data["rows"]
            if (row["network"], row["kind"], row["depth"]) == (network, kind, depth))
        for kind in KINDS_OF[network]
    ]  # fmt: skip
    return " / ".join(f"{seconds:.0f}" for seconds in spent)


def _percent(share: float) -> str:
    return f"{100 * share:.2f}"
