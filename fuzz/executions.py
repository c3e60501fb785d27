"""All executions that are held to the plain interpreter, and how often each is run.

Slow ones are run on every n-th seed only, so that most programs go through the fast ones.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from fuzz import exact, models, native, plain, soft, solve, symbolic
from fuzz.case import Case
from neuralc.backends import cp, sat, search, smt


@dataclass(frozen=True)
class Execution:
    """A check of one execution.

    Attributes:
        name: for people and for `--only`.
        every: it is run on seeds that this divides.
        check: raises `Mismatch`; any other exception is a mismatch too, but for `Declined` and
            `solve.GaveUp`, which are counted.

    """

    name: str
    every: int
    check: Callable[[Case], None]


EXECUTIONS = (
    Execution("plain", 1, plain.check_plain),
    Execution("text", 1, plain.check_text),
    Execution("exact", 1, exact.check_plain_kernel),
    Execution("exact-jit", 250, exact.check_compiled),
    Execution("soft", 1, soft.check_sure),
    Execution("soft-log", 5, soft.check_sure_logarithms),
    Execution("soft-distributions", 8, soft.check_distributions),
    Execution("native", 20, native.check_native),
    Execution("sat", 1, partial(symbolic.check, new=models.Sat, pairs=6)),
    Execution("smt", 3, partial(symbolic.check, new=models.Smt, pairs=2)),
    Execution("cp", 5, partial(symbolic.check, new=models.Cp, pairs=1)),
    Execution("solve-sat", 3, partial(solve.check, solve=sat.solve)),
    Execution("solve-smt", 8, partial(solve.check, solve=smt.solve)),
    Execution("solve-cp", 10, partial(solve.check, solve=cp.solve)),
    Execution(
        "solve-search", 10,
        partial(solve.check, solve=partial(search.solve, jit=False), largest=solve.SMALL),
    ),
)  # fmt: skip


def chosen(names: str | None) -> tuple[Execution, ...]:
    """Return the executions of a list such as `"exact,soft"`, each for every seed; None: all.

    Raises:
        ValueError: there is no execution of some name.

    """
    if names is None:
        return EXECUTIONS
    known = {one.name: one for one in EXECUTIONS}
    wanted = names.split(",")
    if unknown := [name for name in wanted if name not in known]:
        raise ValueError(f"there is no execution {unknown[0]!r}; there are {', '.join(known)}")
    return tuple(replace(known[name], every=1) for name in wanted)
