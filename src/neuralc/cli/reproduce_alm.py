"""`neuralc reproduce alm-…`: compiled programs in language models, and sorting on their machine.

`alm-arithmetic`: sentences modulo 128, one step and two. `alm-fibonacci`: joint and marginal calls
by depth. `alm-tables-circuits`: from 7-bit tables to 64-bit circuits, and long multiplication.
`alm-quicksort`: our quicksort, exactly and softly.
"""

from __future__ import annotations

import click

from neuralc.cli.output import FOUND, NOT_FOUND, Answer, progress_bar
from neuralc.cli.output import command as neuralc_command
from neuralc.errors import NeuralcError

QUICK = click.option("--quick", is_flag=True, help="A small version, in a minute or two.")
SEEDS = click.option("--seeds", type=click.IntRange(1), metavar="N", help="Runs of each kind.")
ENOUGH = {"pairs": 0.999, "unseen compositions": 0.95}  # of the parts with the computer


@neuralc_command
@SEEDS
@QUICK
@click.option("--part", "parts", multiple=True, metavar="NAME",
              help="Only this part (computer, decoded, alone, two steps, two steps alone); can be "
              "given again.")  # fmt: skip
def arithmetic(seeds: int | None, parts: tuple[str, ...], *, quick: bool) -> Answer:
    """Learn arithmetic in sentences from answers alone, with the computer and without it."""
    import dataclasses

    from neuralc.experiments import alm_arithmetic

    plan = alm_arithmetic.QUICK if quick else alm_arithmetic.Plan()
    plan = dataclasses.replace(plan, seeds=seeds or plan.seeds, parts=parts or plan.parts)
    with progress_bar("alm-arithmetic") as progress:
        result = alm_arithmetic.run_alm_arithmetic(plan, progress=progress)
    own = [row for row in result.data["rows"] if row["part"] in ("computer", "two steps")]
    found = all(row[what] >= least for row in own for what, least in ENOUGH.items() if what in row)
    return Answer(result.text, result.data, FOUND if found else NOT_FOUND)


@neuralc_command
@SEEDS
@QUICK
def tables_circuits(seeds: int | None, *, quick: bool) -> Answer:
    """Train a router with tables of 7 bits and let it call circuits of 64; multiply."""
    import dataclasses

    from neuralc.experiments import alm_tables_circuits

    plan = alm_tables_circuits.QUICK if quick else alm_tables_circuits.Plan()
    plan = dataclasses.replace(plan, seeds=seeds or plan.seeds)
    with progress_bar("alm-tables-circuits") as progress:
        result = alm_tables_circuits.run_alm_tables_circuits(plan, progress=progress)
    sums = [row["add"] for row in result.data["routing"]]
    found = all(row["routed"] == row["exact"] == 1 for row in sums)
    return Answer(result.text, result.data, FOUND if found else NOT_FOUND)


@neuralc_command
@click.option("--lists", type=click.IntRange(1), default=100, show_default=True, metavar="N",
              help="Random lists of 30 numbers.")  # fmt: skip
@click.option("--seed", type=int, default=0, show_default=True, help="Of the random lists.")
def quicksort(lists: int, seed: int) -> Answer:
    """Sort with quicksort and insertion sort, compiled, exactly and softly."""
    from neuralc.experiments.alm_quicksort import run_alm_quicksort

    with progress_bar("alm-quicksort") as progress:
        result = run_alm_quicksort(lists=lists, seed=seed, progress=progress)
    return Answer(result.text, result.data, FOUND if result.data["solved"] else NOT_FOUND)


@neuralc_command
@click.option("--depths", metavar="LIST", help="[default: 1,2,3,5,10; 2 with --quick]")
@SEEDS
@QUICK
def fibonacci(depths: str | None, seeds: int | None, *, quick: bool) -> Answer:
    """Learn to call Fibonacci by depth: joint and marginal calls, two networks."""
    import dataclasses

    from neuralc.experiments import alm_fibonacci

    plan = alm_fibonacci.QUICK if quick else alm_fibonacci.FULL
    chosen = plan.depths if depths is None else _numbers(depths)
    plan = dataclasses.replace(plan, depths=chosen, seeds=seeds or plan.seeds)
    with progress_bar("alm-fibonacci") as progress:
        result = alm_fibonacci.run_alm_fibonacci(plan, progress=progress)
    found = all(result.data["reached"].values())
    return Answer(result.text, result.data, FOUND if found else NOT_FOUND)


def _numbers(text: str) -> tuple[int, ...]:
    try:
        return tuple(dict.fromkeys(int(part) for part in text.split(",")))
    except ValueError:
        raise NeuralcError(
            f"depths are numbers with commas between them, found {text!r}\n  hint: --depths 1,2,3"
        ) from None
