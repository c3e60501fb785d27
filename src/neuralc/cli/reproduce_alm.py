"""`neuralc reproduce alm-fibonacci`: calls of compiled programs from networks, ours and theirs."""

from __future__ import annotations

import click

from neuralc.cli.output import FOUND, NOT_FOUND, Answer, progress_bar
from neuralc.cli.output import command as neuralc_command
from neuralc.errors import NeuralcError


@neuralc_command
@click.option("--depths", metavar="LIST", help="[default: 1,2,3,5,10; 1,3 with --quick]")
@click.option("--seeds", type=click.IntRange(1), metavar="N", help="Runs of each kind.")
@click.option("--quick", is_flag=True, help="A small version, in less than a minute.")
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
