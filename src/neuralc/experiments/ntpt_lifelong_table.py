"""What came of the lifetimes of the 2x2 tasks, beside the paper's figures, with verdicts.

Knows results only: no learner and no data. Shares are from 0 to 1 in the data, in per cent in the
text; rises and falls are in points there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import mean
from types import MappingProxyType
from typing import Any

from neuralc.data.grids import NAMES
from neuralc.learning.lifelong.result import LEARNED, Life, drops, rise
from neuralc.learning.lifelong.schedule import Schedule

ADD = tuple(name for name in NAMES if name.startswith("ADD"))
FIRST = ADD[0]
OURS = ("ours", "ours-cnn")
NONE = "—"
PAPER: Mapping[str, Mapping[str, int]] = MappingProxyType(
    {
        "ours": dict(zip(NAMES, (87, 87, 86, 86, 98, 100, 100, 100), strict=True)),
        "indep": {**dict(zip(ADD, (35, 32, 34, 32), strict=True)), NAMES[-1]: 39},
        "pnn": {**dict(zip(ADD, (35, 36, 33, 35), strict=True)), NAMES[-1]: 51},
        "mtnn-1": {**dict(zip(ADD, (26, 38, 40, 44), strict=True)), NAMES[-1]: 42},
        "mtnn-2": {**dict(zip(ADD, (24, 47, 56, 60), strict=True)), NAMES[-1]: 37},
    }
)
RISE, FALL, MARGIN, HONEST = 0.03, 0.02, 0.25, 0.80  # the bars of the verdicts
BARS = {"ours": (0.90, 0.99), "ours-cnn": (0.96, 0.99)}  # of ADD2X2 and APPLY2X2 at the end


@dataclass(frozen=True)
class Outcome:
    """One life.

    Attributes:
        learner: its name; life: what came of it; settings: of the learner.
        exact: for each task whether its program does what the task means; empty without programs.
        reads: the share of held-out images that each network reads right, by labels that no
            learner has seen; empty without programs.

    """

    learner: str
    life: Life
    exact: Mapping[str, bool]
    reads: Mapping[str, float]
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class Lifelong:
    """Text for people (Markdown), data for programs, and the lives and schedule for a picture."""

    text: str
    data: dict[str, Any]
    lives: Mapping[str, Sequence[Life]]
    schedule: Schedule


def summary(
    outcomes: Sequence[Outcome], alone: Mapping[str, Mapping[str, float]], schedule: Schedule,
    phase: int, size: Mapping[str, Any],
) -> Lifelong:  # fmt: skip
    """Lay out what came of the lives.

    Args:
        outcomes: of all learners and seeds, one at least.
        alone: for each baseline and number of training grids the share that it gets right of one
            task alone.
        schedule: of all of them.
        phase: steps from the time when one task dominates to that of the next.
        size: how much was done, for the data.

    """
    lives: dict[str, list[Life]] = {}
    for outcome in outcomes:
        lives.setdefault(outcome.learner, []).append(outcome.life)
    final = {name: _final(own) for name, own in lives.items()}
    ours = next((name for name in OURS if name in lives), None)
    others = {name: shares for name, shares in final.items() if name not in OURS}
    data: dict[str, Any] = {
        "final": final[ours] if ours else {},
        "cnn": final.get("ours-cnn", {}),
        "baselines": others,
        "spread": {name: _spread(own) for name, own in lives.items()},
        "alone": {name: dict(shares) for name, shares in alone.items()},
        "margin": _margin(final[ours], others) if ours and others else {},
        "reverse_transfer": {
            name: [rise(life, FIRST, schedule) for life in own] for name, own in lives.items()
        },
        "forgetting": {name: _forgetting(own, phase) for name, own in lives.items()},
        "programs": [
            {"learner": o.learner, "seed": o.life.seed, "task": task, "exact": o.exact.get(task),
             "source": source}
            for o in outcomes for task, source in o.life.programs.items()
        ],
        "networks": [{"learner": o.learner, "seed": o.life.seed, **o.reads}
                     for o in outcomes if o.reads],
        "seconds": {name: [life.seconds for life in own] for name, own in lives.items()},
        "paper": {name: dict(shares) for name, shares in PAPER.items()},
        "size": {k: list(v) if isinstance(v, tuple) else v for k, v in size.items()},
        "settings": {o.learner: dict(o.settings) for o in outcomes},
        "lives": {name: [life.to_json() for life in own] for name, own in lives.items()},
    }  # fmt: skip
    data["verdicts"] = _verdicts(data, {n for n in OURS if n in lives})
    return Lifelong(_text(data, final), data, lives, schedule)


# ---- numbers


def _final(lives: Sequence[Life]) -> dict[str, float]:
    return {name: mean(life.accuracy[name] for life in lives) for name in NAMES}


def _spread(lives: Sequence[Life]) -> dict[str, list[float]]:
    """Return the lowest and highest final share of each task."""
    found = {name: [life.accuracy[name] for life in lives] for name in NAMES}
    return {name: [min(shares), max(shares)] for name, shares in found.items()}


def _margin(ours: Mapping[str, float], others: Mapping[str, Any]) -> dict[str, float]:
    return {name: ours[name] - max(shares[name] for shares in others.values()) for name in ADD}


def _forgetting(lives: Sequence[Life], phase: int) -> dict[str, Any]:
    """Return for each task the largest fall in any life, and falls of ADD2X2 at swaps."""
    fallen = [drops(life) for life in lives]
    return {
        "largest_drop": {name: max(one[name] for one in fallen) for name in NAMES},
        "by_seed": [max(one.values()) for one in fallen],
        "at_swaps": [swap_fall(life, phase) for life in lives],
    }


def swap_fall(life: Life, phase: int) -> float:
    """Return the largest fall of an ADD2X2 task when an APPLY2X2 task takes over.

    It is the share at the last examination before the swap begins minus the lowest until the next
    one begins, for tasks that have reached half of their best.
    """
    early, worst = 3 * phase // 10, 0.0
    for swap in range(phase, life.steps, 2 * phase):
        for name in ADD:
            curve = life.curve(name)
            best = max(share for _, share in curve)
            before = [share for step, share in curve if step <= swap - early]
            after = [share for step, share in curve
                     if swap - early < step <= swap + phase - early]  # fmt: skip
            if before and after and before[-1] >= LEARNED * best:
                worst = max(worst, before[-1] - min(after))
    return worst


def _verdicts(data: Mapping[str, Any], ours: set[str]) -> list[dict[str, Any]]:
    """Return each claim with the figure that decides it."""
    found: list[dict[str, Any]] = []

    def claim(what: str, value: float, bar: float, *, most: bool = False) -> None:
        holds = value <= bar if most else value >= bar
        found.append({"claim": what, "value": value, "bar": bar, "holds": holds})

    for name in sorted(ours):
        final = data["final"] if name == "ours" or "ours" not in ours else data["cnn"]
        for kind, bar in zip(("ADD2X2", "APPLY2X2"), BARS[name], strict=True):
            lowest = min(share for task, share in final.items() if task.startswith(kind))
            claim(f"{name}: lowest {kind} task at the end, mean of seeds", lowest, bar)
        exact = [p["exact"] for p in data["programs"] if p["learner"] == name]
        claim(f"{name}: programs that mean what their task means", mean(exact), 1.0)
        claim(f"{name}: rise of {FIRST} after its last example",
              mean(data["reverse_transfer"][name]), RISE)  # fmt: skip
        claim(f"{name}: largest drop of any task in any life",
              max(data["forgetting"][name]["by_seed"]), FALL, most=True)  # fmt: skip
    if data["margin"]:
        claim(
            "smallest margin over the best baseline, ADD2X2", min(data["margin"].values()), MARGIN
        )
    return found


# ---- words

FINAL_EXPLAINED = (
    "Held-out grids right at the end, in %: mean of the lives (lowest to highest), and the paper's."
)
ALONE_EXPLAINED = (
    "Each baseline on ADD2X2:left alone, in %, by the number of its training grids (paper: about "
    "40 with 1,000, above 80 with 4,000):"
)
FORGETTING_EXPLAINED = (
    "What is forgotten and what is gained, in points. *Rise*: what ADD2X2:top gains after its "
    "last example. *Drop*: the largest fall of any task at any later examination. *At swaps*: the "
    "largest fall of an ADD2X2 task when an APPLY2X2 task takes over. Mean and each life."
)


def _text(data: Mapping[str, Any], final: Mapping[str, Mapping[str, float]]) -> str:
    size = data["size"]
    counts = ", ".join(f"{name} {len(own)}" for name, own in data["lives"].items())
    done = (
        f"{size['grids']:,} distinct training grids of each task, {size['held_out']:,} held out, "
        f"{size['phase']:,} steps of {size['batch']} for each task. Lives: {counts}."
    )
    margins = [_margins(data)] if data["margin"] else []
    margins += [ALONE_EXPLAINED, _alone(data)] if data["alone"] else []
    parts = [
        "# Neural TerpreT: a lifetime of ADD2X2 and APPLY2X2", done, FINAL_EXPLAINED,
        _final_table(data, final), *margins, FORGETTING_EXPLAINED, _forgetting_table(data),
    ]  # fmt: skip
    if data["verdicts"]:
        parts += ["Verdicts:", "\n".join(_verdict(v) for v in data["verdicts"])]
    return "\n\n".join([*parts, *_programs(data)]) + "\n"


def _final_table(data: Mapping[str, Any], final: Mapping[str, Mapping[str, float]]) -> str:
    rows = [["task"]]
    for learner in final:
        rows[0] += [learner, *(["paper"] if learner in PAPER else [])]
    for name in NAMES:
        row = [name]
        for learner, shares in final.items():
            low, high = (100 * share for share in data["spread"][learner][name])
            row.append(f"{100 * shares[name]:.1f} ({low:.0f} to {high:.0f})")
            if learner in PAPER:
                row.append(str(PAPER[learner].get(name, NONE)))
        rows.append(row)
    return _table(rows)


def _margins(data: Mapping[str, Any]) -> str:
    words = ", ".join(f"{name} {100 * value:.1f}" for name, value in data["margin"].items())
    return f"Margin over the best baseline, in points (paper: 26 to 49): {words}."


def _alone(data: Mapping[str, Any]) -> str:
    counts = list(next(iter(data["alone"].values())))
    rows = [["learner", *(f"{int(count):,} grids" for count in counts)]]
    for name, shares in data["alone"].items():
        rows.append([name, *(f"{100 * shares[count]:.1f}" for count in counts)])
    return _table(rows)


def _forgetting_table(data: Mapping[str, Any]) -> str:
    rows = [["learner", "rise", "drop", "at swaps", "seconds of a life"]]
    for name, forgotten in data["forgetting"].items():
        rows.append([
            name, _points(data["reverse_transfer"][name]), _points(forgotten["by_seed"]),
            _points(forgotten["at_swaps"]), f"{mean(data['seconds'][name]):.0f}",
        ])  # fmt: skip
    return _table(rows)


def _points(shares: Sequence[float]) -> str:
    each = ", ".join(f"{100 * share:.1f}" for share in shares)
    return f"{100 * mean(shares):.1f} ({each})"


def _verdict(verdict: Mapping[str, Any]) -> str:
    word = "yes" if verdict["holds"] else "NO"
    return f"- {word}: {verdict['claim']}: {verdict['value']:.1%} (bar {verdict['bar']:.0%})"


def _programs(data: Mapping[str, Any]) -> list[str]:
    """Return one program of each task, of the first life that has a right one."""
    if not data["programs"]:
        return []
    parts = ["Programs, one for each task:"]
    for task in NAMES:
        own = [p for p in data["programs"] if p["task"] == task]
        right = [p for p in own if p["exact"]]
        if own:
            shown = (right or own)[0]
            parts += [f"{task}, right in {len(right)} of {len(own)} lives:",
                      f"```\n{shown['source'].rstrip()}\n```"]  # fmt: skip
    for row in data["networks"]:
        reads = ", ".join(f"{k} {100 * v:.1f} %" for k, v in row.items() if k.startswith("net"))
        parts.append(f"{row['learner']}, seed {row['seed']}: single held-out images read: {reads}")
    return parts


def _table(rows: Sequence[Sequence[str]]) -> str:
    head, *body = rows
    line = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, line, *body))
