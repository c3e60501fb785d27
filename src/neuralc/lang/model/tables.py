"""Known functions as tables: every argument tuple is tried once, at compile time."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

import numpy as np

from neuralc.ir.nodes import Num, Table
from neuralc.lang.model.context import Context
from neuralc.lang.model.names import Known
from neuralc.lang.model.runtime import Run

MOST_ENTRIES = 4_000_000


def tabulate(
    ctx: Context, known: Known, constants: Mapping[str, int], tables: Mapping[str, Table]
) -> Table:
    """Return the table of a known function.

    Args:
        ctx: for places and warnings.
        known: its signature and definition.
        constants: the constants of the model.
        tables: the functions tabulated so far, which it may call.

    Raises:
        SourceError: the table is too large, or the function has no result in range somewhere.

    """
    rows = prod(known.sizes)
    if rows > MOST_ENTRIES:
        raise ctx.error(
            "E133",
            f"the table of `{known.name}` has {rows} entries; at most {MOST_ENTRIES} are possible",
            known.node,
            hint="use smaller sizes, or split the function into several",
        )
    grids = np.indices(known.sizes, dtype=np.int64).reshape(len(known.sizes), rows)
    run = Run(ctx, known, constants, tables, grids)
    values = run.result()
    return Table(known.name, known.sizes, known.size, tuple(values.tolist()), ctx.span(known.node))


def numbers(names: Mapping[str, object]) -> dict[str, int]:
    """Return the names that stand for numbers."""
    return {name: found.value for name, found in names.items() if isinstance(found, Num)}
